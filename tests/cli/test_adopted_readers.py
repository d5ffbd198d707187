"""Readers that call pickle.loads, on a table that their own program fills: what serves them goes on serving them."""

import datetime
import pickle
import unittest

import joblib
import numpy

from harness import CliCase
from stores import on_both

TRAINED = {"eu_classifier_binary": [0.5, 1.5], "us_classifier_binary": [2.5]}


class Model:
    """What a trainer makes."""

    def __init__(self, weights):
        self.weights = numpy.array(weights)

    def __eq__(self, other):
        return (self.weights == other.weights).all()


class Readers(CliCase):
    def save(self, model, name, event, model_type):
        """What the old program does: a pickle, the next version, active."""
        self.query("INSERT INTO models (name, version, model_type, event, model_binary, is_active) SELECT %s, coalesce(max(version), 0) + 1, %s, %s, %s, true "
                   "FROM models WHERE name = %s", (name, model_type, event, pickle.dumps(model), name))

    def load(self, name, event, model_type):
        """What its loader does: the latest active version, or (None, None)."""
        rows = self.query("SELECT model_binary, version FROM models WHERE name = %s AND event = %s AND model_type = %s AND is_active "
                          "ORDER BY version DESC LIMIT 1", (name, event, model_type))
        try:
            return pickle.loads(bytes(rows[0][0])), rows[0][1]
        except (IndexError, pickle.UnpicklingError, AttributeError, EOFError, ValueError):
            return None, None

    def dump(self, name, model, **options):
        joblib.dump(model, self.tree / f"{name}.joblib", **options)

    def fill(self):
        """As its trainers do, before this program comes."""
        for name, weights in TRAINED.items():
            self.save(Model(weights), name, name.split("_")[0], "classifier_binary")


@on_both
class AdoptedReaders(Readers):
    def setUp(self):
        super().setUp()
        self.assertEqual(self.db("upgrade").code, 0)

    def test_a_tree_beside_their_rows(self):
        self.fill()
        for name, weights in {"eu_classifier_binary": [7.0], "asia_classifier_binary": [8.0]}.items():
            self.dump(name, Model(weights), compress=3 if name.startswith("eu") else 0)
        self.settle()
        dry = self.run_program("-n")
        self.assertIn("files are stored as plain pickles: rows of another program there are plain pickles", dry.out)
        summary = self.sync().summary()
        self.assertEqual((summary["payload"], summary["new"], summary["withheld"]), ("pickle", 2, 0))
        self.assertEqual(self.load("eu_classifier_binary", "eu", "classifier_binary"), (Model([7.0]), 2))
        self.assertEqual(self.load("asia_classifier_binary", "asia", "classifier_binary"), (Model([8.0]), 1))
        self.assertEqual(self.load("us_classifier_binary", "us", "classifier_binary"), (Model([2.5]), 1))

    def test_what_they_cannot_load_is_not_live(self):
        self.fill()
        self.dump("eu_classifier_binary", Model([7.0]))
        self.dump("asia_classifier_binary", Model([8.0]))
        self.settle()
        result = self.sync("--payload", "joblib")
        self.assertEqual((result.summary()["new"], result.summary()["withheld"]), (2, 1))
        self.assertIn("eu_classifier_binary.joblib: is stored as eu_classifier_binary@2, but not live: readers of this name call pickle.loads", result.err)
        self.assertEqual(self.load("eu_classifier_binary", "eu", "classifier_binary"), (Model([0.5, 1.5]), 1))
        self.assertEqual(self.query("SELECT is_active FROM models WHERE name = 'asia_classifier_binary'"), [(True,)]) # it broke nobody's
        self.assertEqual(self.sync("--payload", "joblib").summary()["unchanged"], 2)

    def test_nor_what_has_no_plain_form(self):
        self.fill()
        self.write("us_classifier_binary.joblib", b"\x80\x04\xff.")
        self.settle()
        result = self.sync()
        self.assertEqual(result.summary()["withheld"], 1)
        self.assertIn("call pickle.loads, which cannot load it: its pickle has an unknown opcode", result.err)
        self.assertEqual(self.load("us_classifier_binary", "us", "classifier_binary"), (Model([2.5]), 1))

    def test_a_name_that_got_plain_pickles_keeps_to_them(self):
        self.dump("eu_classifier_binary", Model([1.0]))
        self.settle()
        self.sync("--payload", "pickle")
        self.dump("eu_classifier_binary", Model([2.0]))
        self.settle()
        self.assertEqual(self.sync().summary()["withheld"], 1)
        self.assertEqual(self.load("eu_classifier_binary", "eu", "classifier_binary"), (Model([1.0]), 1))

    def test_a_table_of_ours_alone(self):
        self.dump("eu_classifier_binary", Model([1.0]))
        self.settle()
        summary = self.sync().summary()
        self.assertEqual((summary["payload"], summary["withheld"]), ("joblib", 0))
        self.assertEqual(self.query("SELECT format, encoding FROM models"), [("file", "gzip")])


class MadeByHand(Readers):
    """The table of the old program, before this one adopts it."""

    def test_the_table_as_it_was_documented(self):
        self.query("CREATE TABLE models (id SERIAL PRIMARY KEY, name VARCHAR(255) NOT NULL, version INTEGER NOT NULL, model_type VARCHAR(50) NOT NULL, "
                   "event VARCHAR(255) NOT NULL, model_binary BYTEA NOT NULL, created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, "
                   "is_active BOOLEAN DEFAULT TRUE, UNIQUE(name, version))")
        self.fill()
        self.dump("eu_classifier_binary", Model([7.0]))
        self.settle()
        self.assertIn("files are stored as plain pickles", self.run_program("-n").out)
        self.assertEqual(self.sync().summary()["payload"], "pickle")
        self.assertEqual(self.load("eu_classifier_binary", "eu", "classifier_binary"), (Model([7.0]), 2))
        self.save(Model([9.0]), "eu_classifier_binary", "eu", "classifier_binary") # it goes on
        self.assertEqual(self.load("eu_classifier_binary", "eu", "classifier_binary"), (Model([9.0]), 3))
        self.assertEqual(self.load("us_classifier_binary", "us", "classifier_binary"), (Model([2.5]), 1))

    def saved_by_mapper(self, name, weights, **columns):
        """A row as a mapper writes it: with every column that its program fills."""
        values = {"name": name, "version": 1, "model_type": "classifier_binary", "event": name.split("_")[0], "model_binary": pickle.dumps(Model(weights)),
                  "created_at": datetime.datetime(2026, 3, 1), "is_active": True, **columns}
        self.query(f"INSERT INTO models ({', '.join(values)}) VALUES ({', '.join(['%s'] * len(values))})", tuple(values.values()))

    def test_tables_that_a_mapper_made(self):
        """Their defaults are in Python: the columns have none in the database."""
        rest = "name text NOT NULL, model_binary bytea NOT NULL, is_active boolean NOT NULL, version integer NOT NULL, note text, event varchar(255) NOT NULL"
        tables = {
            "sqlalchemy": "id SERIAL PRIMARY KEY, created_at timestamp NOT NULL, model_type varchar(50) NOT NULL, " + rest,
            "django": "created_at timestamptz NOT NULL, model_type text NOT NULL, id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, " + rest,
            "uuid": rest + ", model_type text NOT NULL, created_at timestamptz NOT NULL, id uuid PRIMARY KEY",
        }
        for mapper, columns in tables.items():
            with self.subTest(mapper=mapper):
                self.query(f"DROP SCHEMA IF EXISTS {mapper} CASCADE; CREATE SCHEMA {mapper}; CREATE TABLE {mapper}.models ({columns}, UNIQUE (name, version))")
                self.query(f"ALTER DATABASE {self.database} SET search_path = {mapper}")
                own = {"id": "9c5b94b1-35ad-49bb-b118-8e8fc24abf80"} if mapper == "uuid" else {}
                self.saved_by_mapper("eu_classifier_binary", [0.5], **own)
                self.dump("eu_classifier_binary", Model([7.0]))
                self.dump("asia_classifier_binary", Model([8.0]))
                self.settle()
                self.assertEqual(self.sync().summary()["payload"], "pickle")
                self.assertEqual(self.load("eu_classifier_binary", "eu", "classifier_binary"), (Model([7.0]), 2))
                self.assertEqual(self.load("asia_classifier_binary", "asia", "classifier_binary"), (Model([8.0]), 1))
                self.assertEqual(self.query("SELECT count(*) FROM models WHERE id IS NULL OR created_at IS NULL"), [(0,)])


if __name__ == "__main__":
    unittest.main()
