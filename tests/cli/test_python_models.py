"""The module scripts/python/migrate_models.py in place of utils.db.model_db_util, with real models of scikit-learn."""

import contextlib
import gzip
import io
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile
import threading
import unittest
from unittest import mock

import joblib
import numpy

from harness import PROGRAM, ROOT
from stores import Postgres, on_both, only_on
from teams import TeamCase, migrate_models

from migrate_models import (deactivate_model, get_latest_model_version, get_next_version, load_model_from_db, load_models_from_db, save_model_to_db,
                            save_models_to_db)

EVENT = "earnings_releases_and_operating_results"
TEXTS = ["Company reports record profit and raised guidance", "Company announces a profit warning, outlook lowered"]
# As the documentation of the team has it.
TEAM_TABLE = """CREATE TABLE models (id SERIAL PRIMARY KEY, name VARCHAR(255) NOT NULL, version INTEGER NOT NULL, model_type VARCHAR(50) NOT NULL,
    event VARCHAR(255) NOT NULL, model_binary BYTEA NOT NULL, created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, is_active BOOLEAN DEFAULT TRUE,
    UNIQUE(name, version))"""


class Own:
    """A model of which two are equal when their values are."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return type(other) is Own and other.value == self.value

    __hash__ = None


@on_both
class Migrated(TeamCase):
    """A tree of real models, migrated once for all tests: they only look at it."""

    @classmethod
    def setUpClass(cls):
        cls.box = cls.shared(cls.kind)
        cls.box.copy_samples()
        cls.box.sync()

    def setUp(self):
        self.url, self.tree = self.box.url, self.box.tree
        self.use(self.url)

    def predict(self, vectorizer, model):
        return model.predict_proba(vectorizer.transform(TEXTS)).tolist()

    def test_pair_of_predict(self):
        files = [joblib.load(self.tree / f"{EVENT}_{kind}.joblib") for kind in ("tfidf_vectorizer_binary", "classifier_binary")]
        model, vectorizer = load_models_from_db(EVENT.replace("_", " ").title(), "classifier_binary")
        self.assertEqual(self.predict(vectorizer, model), self.predict(*files))
        both = [load_model_from_db(f"{EVENT}_classifier_binary", EVENT, "classifier_binary"),
                load_model_from_db(f"{EVENT}_tfidf_vectorizer_binary", EVENT, "vectorizer")]
        self.assertEqual([version for _, version in both], [1, 1])
        self.assertIs(both[0][0], model) # shared
        with self.logged() as lines:
            self.assertEqual(load_models_from_db("no such event", "regression"), (None, None))
        self.assertIn("no_such_event_regression: not found", lines[0])

    def test_every_model_is_the_one_of_its_file(self):
        store, same = migrate_models.connect(self.url), {}
        for row in store.ls():
            if row["format"] != "tar":
                reference = f"{row['name']}@{row['version']}"
                data = store.get(reference)
                files = [file for file in self.tree.rglob("*.joblib") if file.name.startswith(pathlib.Path(row["name"]).name)]
                self.assertIn(data, [file.read_bytes() for file in files], reference)
                known = joblib.hash(store.load(reference, imports="known")) # which are enough for scikit-learn
                same[reference] = self.kind is not Postgres or known == joblib.hash(joblib.load(io.BytesIO(data))) == joblib.hash(store.load(reference))
        self.assertGreater(len(same), 10)
        self.assertNotIn(False, same.values(), same)

    def test_loads_replaces_pickle(self):
        for row in self.query("SELECT name, model_binary FROM models WHERE format = 'file' AND chunk_count = 0"):
            with self.subTest(name=row[0]):
                migrate_models.loads(bytes(row[1]))
        self.assertEqual(migrate_models.loads(pickle.dumps({"plain": 1})), {"plain": 1})
        for compress in (3, ("zlib", 3), ("bz2", 3), ("xz", 3), ("gzip", 3)):
            buffer = io.BytesIO()
            joblib.dump({"compressed": [1.5]}, buffer, compress=compress)
            self.assertEqual(migrate_models.loads(buffer.getvalue(), imports="known"), {"compressed": [1.5]})

    def test_a_directory_is_extracted(self):
        store, folder = migrate_models.connect(self.url), self.enterContext(temporary())
        source = self.tree / "bertopic_model_1a2b3c4d"
        self.assertEqual(store.extract(source.name, folder), folder)
        files = {path.relative_to(source): path.read_bytes() for path in source.rglob("*") if path.is_file()}
        self.assertEqual({path.relative_to(folder): path.read_bytes() for path in pathlib.Path(folder).rglob("*") if path.is_file()}, files)
        with self.assertRaisesRegex(IsADirectoryError, "extract"):
            store.get(source.name)

    def test_a_set_is_of_one_event(self):
        models = migrate_models.load_set(EVENT)
        self.assertIn(f"{EVENT}_classifier_binary", models)
        names = {name for name, in self.query("SELECT name FROM models WHERE event = %s", (EVENT,))}
        self.assertEqual(set(models), {name for name in names if "/" not in name})

    def test_size_is_shown(self):
        rows = migrate_models.connect(self.url).ls()
        self.assertEqual({(row["name"], row["version"]): (row["raw_bytes"], row["stored_bytes"]) for row in rows},
                         {row[:2]: row[2:] for row in self.query("SELECT name, version, raw_bytes, stored_bytes FROM model_catalog")})

    @only_on(Postgres, "a driver of PostgreSQL")
    def test_psycopg_3(self):
        with self.psycopg3():
            model, vectorizer = load_models_from_db(EVENT, "classifier_binary")
            self.assertEqual(type(migrate_models._store().local.kept.connection).__module__.split(".")[0], "psycopg")
            files = [joblib.load(self.tree / f"{EVENT}_{kind}.joblib") for kind in ("tfidf_vectorizer_binary", "classifier_binary")]
            self.assertEqual(self.predict(vectorizer, model), self.predict(*files))


def temporary():
    return tempfile.TemporaryDirectory(prefix="cli-python-")


@on_both
class Functions(TeamCase):
    """The functions on a store without models."""

    def setUp(self):
        super().setUp()
        self.upgrade()

    def save(self, value, name="m", event="e", model_type="t"):
        success, version = save_model_to_db(Own(value), name, event, model_type)
        self.assertTrue(success)
        return version

    def load(self, name="m", event="e", model_type="t", **options):
        model, version = load_model_from_db(name, event, model_type, **options)
        return (model.value if model else None), version

    def test_save_returns_success_and_version(self):
        self.assertEqual(save_model_to_db(Own(1), "my_model", "event_name", "regression"), (True, 1))
        self.assertEqual(save_model_to_db(Own(2), "my_model", "event_name", "regression"), (True, 2))
        self.assertEqual(save_model_to_db(Own(3), "other", "event_name", "regression"), (True, 1))
        self.assertEqual(get_next_version("my_model"), 3)
        with self.logged() as lines:
            self.assertEqual(save_model_to_db(threading.Lock(), "my_model", "event_name", "regression"), (False, None)) # cannot be pickled
            self.assertEqual(save_model_to_db(Own(1), "x" * 300, "e", "t"), (False, None))
        self.assertEqual(len(lines), 2)
        self.assertEqual(self.query("SELECT count(*) FROM models"), [(3,)])

    def test_load_latest_active(self):
        self.save("one")
        self.save("two")
        self.assertEqual(self.load(), ("two", 2))
        deactivate_model("m", "e", "t", 2)
        self.assertEqual(self.load(), ("one", 1))

    def test_load_exact_version(self):
        self.save("one")
        self.save("two")
        self.assertEqual(self.load(version=1), ("one", 1))
        deactivate_model("m", "e", "t", version=1)
        with self.logged() as lines: # an exact version, too, is one that is active
            self.assertEqual(self.load(version=1), (None, None))
        self.assertIn("version 1: it is not active", lines[0])

    def test_loads_plain_pickle_rows(self):
        self.query("INSERT INTO models (name, version, model_type, event, model_binary) VALUES ('old', 1, 't', 'e', %s)", (pickle.dumps(Own("old")),))
        self.assertEqual(self.load("old"), ("old", 1))
        self.save("new")
        stored = self.payload("m")
        self.assertEqual(pickle.loads(stored), Own("new")) # what the module saves, the team's own loader reads

    def test_latest_version_function(self):
        self.assertIsNone(get_latest_model_version("m", "e", "t"))
        self.save("one")
        self.save("two")
        self.assertEqual(get_latest_model_version("m", "e", "t"), 2)
        deactivate_model("m", "e", "t", 2)
        self.assertEqual(get_latest_model_version("m", "e", "t"), 1)
        self.assertIsNone(get_latest_model_version("m", "other", "t"))

    def test_deactivate_function(self):
        self.save("one")
        self.assertTrue(deactivate_model("m", "e", "t", version=1))
        self.assertTrue(deactivate_model("m", "e", "t", version=1)) # it was already
        with self.logged() as lines:
            self.assertFalse(deactivate_model("m", "e", "t", version=2))
            self.assertFalse(deactivate_model("m", "e", "other", version=1))
            self.assertEqual(self.load(), (None, None))
        self.assertIn("m version 2 (event e, type t): not found", lines[0])

    def test_activate_and_deactivate(self):
        self.save("one")
        self.save("two")
        deactivate_model("m", "e", "t", 1)
        deactivate_model("m", "e", "t", 2)
        self.query("UPDATE models SET is_active = true WHERE version = 1")
        self.assertEqual(self.load(), ("one", 1))
        self.assertEqual(self.save("three"), 3)
        self.assertEqual(self.load(), ("three", 3))

    def test_fallback_to_previous_active(self):
        for value in ("one", "two", "three"):
            self.save(value)
        deactivate_model("m", "e", "t", 2)
        deactivate_model("m", "e", "t", 3)
        self.assertEqual(self.load(), ("one", 1))
        self.assertEqual(self.query("SELECT version FROM latest_models"), [(1,)])

    def test_not_found_says_what_differs(self):
        self.save("one", "dividends_regression", "Dividends", "regression")
        with self.logged() as lines:
            load_model_from_db("dividends_regresion", "Dividends", "regression")
            load_model_from_db("dividends_regression", "dividends", "regression")
            load_model_from_db("dividends_regression", "Dividends", "vectorizer")
            load_model_from_db("dividends_regression", "Dividends", "regression", version=7)
        for line, text in zip(lines, ["no model has this name; the nearest is dividends_regression", "version 1: its event is 'Dividends', not 'dividends'",
                                      "version 1: its type is 'regression', not 'vectorizer'", "there is no version 7"]):
            self.assertIn(text, line)

    def test_cached_until_changed(self):
        self.save("one")
        first, _ = load_model_from_db("m", "e", "t")
        self.assertIs(load_model_from_db("m", "e", "t")[0], first)
        self.assertIsNot(load_model_from_db("m", "e", "t", cache=False)[0], first)
        self.assertEqual(migrate_models.get_cache_stats(), {"cached_models": 1, "cache_keys": ["m@1"]})
        self.save("two")
        self.assertEqual(self.load(), ("two", 2)) # a new live version is seen at once
        deactivate_model("m", "e", "t", 2)
        self.assertIs(load_model_from_db("m", "e", "t")[0], first)
        self.query("DELETE FROM models WHERE version = 1")
        self.query("INSERT INTO models (name, version, model_type, event, model_binary) VALUES ('m', 1, 't', 'e', %s)", (pickle.dumps(Own("other")),))
        self.assertEqual(self.load(), ("other", 1))
        self.query("UPDATE models SET model_binary = %s WHERE version = 1", (pickle.dumps(Own("again")),))
        self.assertEqual(self.load(), ("again", 1))
        migrate_models.clear_model_cache()
        self.assertEqual(migrate_models.get_cache_stats(), {"cached_models": 0, "cache_keys": []})

    def test_the_cache_is_bounded(self):
        self.use(self.url, cache_bytes=5000)
        for i in range(4):
            self.save("x" * 2000, f"m{i}")
            self.load(f"m{i}")
        self.assertEqual(migrate_models.get_cache_stats()["cache_keys"], ["m2@1", "m3@1"])
        self.save("x" * 9000, "large")
        self.assertEqual(self.load("large")[1], 1)
        self.assertEqual(migrate_models.get_cache_stats()["cache_keys"], ["m2@1", "m3@1"])

    def test_several_are_saved_together_or_not_at_all(self):
        self.assertEqual(save_models_to_db([(Own(1), "b", "e", "t"), (Own(2), "a", "e", "t"), (Own(3), "b", "e", "t")]), (True, [1, 1, 2]))
        with self.logged():
            self.assertEqual(save_models_to_db([(Own(1), "b", "e", "t"), (Own(2), "x" * 300, "e", "t")]), (False, None))
        self.assertEqual(self.query("SELECT count(*) FROM models"), [(3,)])

    def test_eight_savers_at_once(self):
        versions, errors = [], []

        def saver():
            try:
                versions.extend(save_model_to_db(Own(1), "m", "e", "t") for _ in range(5))
            except BaseException as error:
                errors.append(error)
        threads = [threading.Thread(target=saver) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(errors, [])
        self.assertEqual(sorted(versions), [(True, i) for i in range(1, 41)])

    def test_a_name_that_is_held_stays_as_it_is(self):
        if not self.has_aliases():
            self.skipTest("the store has no aliases")
        self.save("one")
        self.query("INSERT INTO model_aliases (name, alias, version, set_by) VALUES ('m', 'held', 1, 'test')")
        self.assertEqual(self.save("two"), 2)
        self.assertEqual(self.load(), ("one", 1))
        self.assertEqual(migrate_models.connect(self.url).load("m@held"), Own("one"))
        self.assertEqual(migrate_models.connect(self.url).load("m@latest"), Own("two"))
        deactivate_model("m", "e", "t", 1)
        self.assertEqual(self.query("SELECT action, name, version, was_live, now_live FROM model_events"), [("deactivate", "m", 1, 1, None)])

    def has_aliases(self):
        return self.query("SELECT count(*) FROM (SELECT 1 FROM pg_class WHERE relname = 'model_aliases') x" if self.kind is Postgres else
                          "SELECT count(*) FROM sqlite_master WHERE name = 'model_aliases'") == [(1,)]

    def test_damage_is_found_before_anything_is_unpickled(self):
        self.save("one")
        self.save("one", "good")
        self.allow_damage()
        data = bytearray(self.payload("m"))
        data[data.index(b"one")] ^= 1 # a sound pickle of another value
        self.put_payload("m", data)
        with self.logged() as lines, mock.patch.object(migrate_models, "_unpickle", side_effect=AssertionError("it was unpickled")):
            self.assertEqual(self.load(), (None, None))
        self.assertIn("its SHA-256 differs", lines[0])
        self.assertEqual(self.load("good"), ("one", 1))

    def test_the_folder_serves_what_the_store_does_not_have(self):
        joblib.dump(Own("file"), self.tree / "m.joblib")
        self.use(self.url, models_dir=str(self.tree))
        with self.logged() as lines:
            self.assertEqual(self.load(), ("file", None))
        self.assertIn("loaded from", lines[1])
        self.use("postgresql://localhost:1/nothing" if self.kind is Postgres else str(self.base / "nothing.db"), models_dir=str(self.tree))
        with self.logged() as lines:
            self.assertEqual(self.load(), ("file", None))
            self.assertEqual(self.load("other"), (None, None))
        self.assertFalse((self.base / "nothing.db").exists())

    def test_large_models_are_read_from_their_chunks(self):
        self.write("large_regression.joblib", pickle.dumps(Own(os.urandom(300_000))))
        self.sync("--inline-limit", "100KiB")
        self.assertGreater(self.query("SELECT chunk_count FROM models")[0][0], 0)
        self.assertEqual(load_model_from_db("large_regression", "large", "regression")[0],
                         pickle.loads((self.tree / "large_regression.joblib").read_bytes()))
        with mock.patch.multiple(migrate_models, INLINE_LIMIT=50_000, PIECE=40_000):
            self.save(b"x" * 200_000, "chunked")
            self.assertEqual(self.load("chunked"), (b"x" * 200_000, 1))
        self.assertEqual(self.call_check(), 0)

    def call_check(self):
        return self.call([PROGRAM, "check", "--one-way", "--download", "-d", self.url, self.tree]).code

    def test_a_connection_of_the_callers(self):
        connection = self.kind.connect(self.url)
        self.addCleanup(connection.close)
        if self.kind is Postgres:
            with self.assertRaisesRegex(ValueError, "autocommit"):
                migrate_models.configure(connection=connection)
                migrate_models.get_next_version("m")
            connection.autocommit = False
        self.use(connection=connection)
        self.assertEqual((self.save("one"), self.load()), (1, ("one", 1)))
        self.assertEqual(self.query("SELECT count(*) FROM models"), [(1,)]) # committed

    def test_a_connection_that_died_is_replaced(self):
        self.save("one")
        migrate_models._store().local.kept.connection.close()
        migrate_models.clear_model_cache()
        self.assertEqual(self.load(), ("one", 1))

    def test_the_program_knows_what_the_module_saved(self):
        data = pickle.dumps(Own("one"))
        self.assertEqual(self.save("one", "m_regression", "m", "regression"), 1)
        self.write("m_regression.joblib", data)
        result = self.sync()
        self.assertEqual((result.summary()["unchanged"], result.summary()["new"]), (1, 0))


class Server(TeamCase):
    """What only a server can show."""

    def test_missing_table_is_said(self):
        with self.logged() as lines:
            self.assertEqual(load_model_from_db("m", "e", "t"), (None, None))
            self.assertEqual(save_model_to_db(1, "m", "e", "t"), (False, None))
        for line in lines:
            self.assertIn("there is no table models in this database: migrate_models_to_db db upgrade makes it", line)

    def test_a_table_made_by_hand(self):
        self.query(TEAM_TABLE)
        self.query("INSERT INTO models (name, version, model_type, event, model_binary) VALUES ('m', 1, 't', 'e', %s)", (pickle.dumps(Own("old")),))
        self.assertEqual(load_model_from_db("m", "e", "t"), (Own("old"), 1))
        self.assertEqual(save_model_to_db(Own("new"), "m", "e", "t"), (True, 2))
        self.assertEqual(load_model_from_db("m", "e", "t")[0], Own("new"))
        self.upgrade() # adopts it
        self.assertIs(load_model_from_db("m", "e", "t", version=1)[0], load_model_from_db("m", "e", "t", version=1)[0])
        self.assertEqual(migrate_models.connect(self.url).get("m@1"), pickle.dumps(Own("old")))
        self.assertEqual(load_model_from_db("m", "e", "t"), (Own("new"), 2))
        self.assertTrue(deactivate_model("m", "e", "t", 2))

    def test_a_table_without_defaults(self):
        self.query(TEAM_TABLE.replace(" DEFAULT CURRENT_TIMESTAMP", "").replace(" DEFAULT TRUE", "")) # as an ORM makes it
        self.assertEqual(save_model_to_db(Own(1), "m", "e", "t"), (True, 1))
        self.assertEqual(load_model_from_db("m", "e", "t"), (Own(1), 1))

    def test_values_larger_than_a_piece(self):
        self.upgrade()
        with mock.patch.multiple(migrate_models, PIECE=1000):
            for connect in (contextlib.nullcontext, self.psycopg3):
                with connect():
                    save_model_to_db(Own(bytes(range(256)) * 30), "m", "e", "t")
                    self.assertEqual(load_model_from_db("m", "e", "t", cache=False)[0], Own(bytes(range(256)) * 30))

    def test_eight_savers_with_psycopg_3(self):
        self.upgrade()
        with self.psycopg3():
            Functions.test_eight_savers_at_once(self)

    def test_a_reader_without_rights_to_more(self):
        self.upgrade()
        save_model_to_db(Own(1), "m", "e", "t")
        role = f"reader_{self.database}"
        self.query(f"CREATE ROLE {role} LOGIN; GRANT SELECT ON models TO {role}")
        self.addCleanup(self.query, f"DROP OWNED BY {role}; DROP ROLE {role}")
        self.use(self.url.replace(f"user={os.environ['PGUSER']}", f"user={role}"))
        self.assertEqual(load_model_from_db("m", "e", "t"), (Own(1), 1))
        with self.logged():
            self.assertEqual(save_model_to_db(Own(1), "m", "e", "t"), (False, None))


class Addresses(unittest.TestCase):
    def test_urls(self):
        for url, path in (("sqlite:///team.db", "team.db"), ("sqlite+pysqlite:////srv/team.db", "/srv/team.db"), ("x.sqlite3", "x.sqlite3"),
                          ("sqlite:///x.db?mode=ro", "x.db"), ("postgresql://h/x.db", None), ("host=h dbname=x.db", None)):
            self.assertEqual(migrate_models._sqlite_path(url), path, url)

    def test_the_order_of_what_names_the_store(self):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "MIGRATE_MODELS", "DATABASE_URL"))}
        with temporary() as folder, mock.patch.dict(os.environ, environment, clear=True):
            before = os.getcwd()
            os.chdir(folder)
            try:
                found = [migrate_models._find_url(None)]
                os.environ["PGHOST"] = "h"
                found.append(migrate_models._find_url(None))
                pathlib.Path(".env").write_text("# x\nexport DATABASE_URL='postgresql://dotenv/'\n")
                found.append(migrate_models._find_url(None))
                os.environ["DATABASE_URL"] = "postgresql://two/"
                found.append(migrate_models._find_url(None))
                os.environ["MIGRATE_MODELS_DATABASE_URL"] = "postgresql://one/"
                found += [migrate_models._find_url(None), migrate_models._find_url("own")]
            finally:
                os.chdir(before)
        self.assertEqual(found, ["models.db", "", "postgresql://dotenv/", "postgresql://two/", "postgresql://one/", "own"])

    def test_it_needs_nothing_to_be_imported(self):
        code = "import sys; import migrate_models; print([m for m in ('joblib', 'numpy', 'psycopg2', 'psycopg', 'sklearn') if m in sys.modules])"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "scripts" / "python", capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, "[]\n")


class Hostile(unittest.TestCase):
    """Pickles and archives that are not what they should be."""

    def test_other_imports_are_refused(self):
        class Evil:
            def __reduce__(self):
                return os.system, ("echo it ran >&2",)
        nested = io.BytesIO()
        joblib.dump(numpy.array([Evil()], dtype=object), nested)
        for data in (pickle.dumps(Evil()), nested.getvalue(), pickle.dumps(subprocess.Popen), b"csklearn.utils\nparallel.os\n.",
                     b"\x80\x04cnumpy\nload\n.", b"\x80\x04csklearn.utils.fixes\nos\n."):
            with self.subTest(data=data[:60]), self.assertRaisesRegex(pickle.UnpicklingError, "not among the known imports"):
                migrate_models.loads(data, imports="known")

    def test_more_than_one_gzip_member(self):
        data = gzip.compress(pickle.dumps(1))
        self.assertEqual(migrate_models.loads(data), 1)
        for bad in (data + data, data + bytes(8), data[:-3]):
            with self.assertRaises(migrate_models.DamagedError):
                migrate_models.loads(bad)


if __name__ == "__main__":
    unittest.main()
