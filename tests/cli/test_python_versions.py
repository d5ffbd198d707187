"""The module scripts/python/migrate_models.py with the table of a team that keeps BERTopic models in result_versions, on its real definition."""

import io
import os
import pathlib
import shutil
import tarfile
import unittest
from unittest import mock

import psycopg2

from harness import samples
from teams import TeamCase, migrate_models

from migrate_models import get_model_from_version, get_version_digest, load_bertopic, save_model_to_version

TABLE = """CREATE SCHEMA media_bias; CREATE TABLE media_bias.result_versions (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name varchar(255) NOT NULL,
    description text, configuration jsonb NOT NULL, analysis_type varchar(50) NOT NULL DEFAULT 'combined', is_complete boolean DEFAULT false,
    pipeline_status jsonb, model_data bytea, created_at timestamp DEFAULT now(), updated_at timestamp DEFAULT now(), UNIQUE (name, analysis_type))"""
ID = "1a2b3c4d-0000-4000-8000-000000000001"


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in pathlib.Path(folder).rglob("*") if path.is_file()}


class Versions(TeamCase):
    def setUp(self):
        super().setUp()
        self.query(TABLE)
        self.query("INSERT INTO media_bias.result_versions (id, name, configuration, updated_at) VALUES (%s, 'test-db-storage', '{}', '2020-01-01')", (ID,))
        self.models = self.base / "models"
        self.source = self.models / f"bertopic_model_{ID[:8]}"
        shutil.copytree(samples() / "bertopic_model_1a2b3c4d", self.source)
        (self.source / "images").mkdir(exist_ok=True)
        (self.source / "images" / "0.jpg").write_bytes(b"picture")
        migrate_models._version_folder.cache_clear()

    def save(self):
        with mock.patch("builtins.print") as printed:
            save_model_to_version(ID, str(self.source))
        return printed.call_args.args[0]

    def put(self, data):
        self.query("UPDATE media_bias.result_versions SET model_data = %s", (data,))

    def test_both_places(self):
        self.assertRegex(self.save(), r"^  Model compressed to \d+\.\d\d MB and saved to database$")
        data, stamp = self.query("SELECT model_data, updated_at FROM media_bias.result_versions")[0]
        self.assertGreater(stamp.year, 2020)
        with tarfile.open(fileobj=io.BytesIO(bytes(data)), mode="r:gz") as tar: # as the team's own reader opens it
            self.assertEqual(sorted(tar.getnames()), sorted(str(path.relative_to(self.source)) for path in self.source.rglob("*")))
        self.assertEqual(load_bertopic(ID, self.models) == str(self.source), False)
        self.assertEqual(files_of(load_bertopic(ID, self.models)), files_of(self.source))

    def test_dir_by_8_hex(self):
        self.assertEqual(load_bertopic(ID, self.models), str(self.source))

    def test_other_machine_loads(self):
        self.save()
        files = files_of(self.source)
        shutil.rmtree(self.models)
        target = self.base / "new" / "folder"
        self.assertEqual(get_model_from_version(ID, str(target)), str(target))
        self.assertEqual(files_of(target), files)

    def test_size_query(self):
        query = """SELECT CASE WHEN model_data IS NULL THEN 'No model in DB' ELSE pg_size_pretty(length(model_data)::bigint) END AS model_size
                     FROM media_bias.result_versions WHERE name = 'test-db-storage'"""
        self.assertEqual(self.query(query), [("No model in DB",)])
        self.save()
        self.assertRegex(self.query(query)[0][0], r"^\d+ [kM]B$")

    def test_has_model_query(self):
        query = "SELECT name, model_data IS NOT NULL AS has_model FROM media_bias.result_versions WHERE id = %s"
        self.assertEqual(self.query(query, (ID,)), [("test-db-storage", False)])
        self.save()
        self.assertEqual(self.query(query, (ID,)), [("test-db-storage", True)])

    def test_database_first(self):
        self.save()
        (self.source / "config.json").write_text("{}") # only the folder's is another one
        folder = load_bertopic(ID, self.models)
        self.assertNotEqual((pathlib.Path(folder) / "config.json").read_text(), "{}")
        self.assertEqual(load_bertopic(ID, self.models), folder) # not extracted again
        self.save()
        self.assertEqual((pathlib.Path(load_bertopic(ID, self.models)) / "config.json").read_text(), "{}") # a new one is noticed

    def test_file_fallback(self):
        self.source.rename(self.models / "bertopic_model")
        self.assertEqual(load_bertopic(ID, self.models), str(self.models / "bertopic_model"))
        self.use("postgresql://localhost:1/nothing")
        with self.logged() as lines: # also while the database is away
            self.assertEqual(load_bertopic(ID, self.models), str(self.models / "bertopic_model"))
        self.assertIn("not loaded from the database", lines[0])

    def test_neither_is_none(self):
        with self.logged() as lines:
            self.assertIsNone(load_bertopic(ID, self.base / "no such folder"))
        self.assertIn("neither the database nor", lines[0])

    def test_old_versions_null(self):
        self.assertIsNone(get_model_from_version(ID, self.base / "out"))
        self.assertIsNone(get_version_digest(ID))
        self.put(b"")
        self.assertIsNone(get_model_from_version(ID, self.base / "out"))
        self.assertIsNone(get_model_from_version(ID.replace("1a", "ff"), self.base / "out"))
        self.assertFalse((self.base / "out").exists())
        self.assertEqual(load_bertopic(ID, self.models), str(self.source))

    def test_column_absent_uses_files(self):
        self.query("ALTER TABLE media_bias.result_versions DROP COLUMN IF EXISTS model_data")
        self.assertIsNone(get_model_from_version(ID, self.base / "out"))
        self.assertEqual(load_bertopic(ID, self.models), str(self.source))
        with self.assertRaisesRegex(LookupError, r'ALTER TABLE "media_bias"."result_versions" ADD COLUMN IF NOT EXISTS model_data BYTEA'):
            self.save()

    def test_causes_are_raised(self):
        with self.assertRaises(FileNotFoundError):
            save_model_to_version(ID, self.base / "no such folder")
        with self.assertRaisesRegex(LookupError, "no row of .* has the id"):
            save_model_to_version(ID.replace("1a", "ff"), self.source)
        role = f"dashboard_{self.database}"
        self.query(f"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA media_bias TO {role}; GRANT SELECT ON media_bias.result_versions TO {role}")
        self.addCleanup(self.query, f"DROP OWNED BY {role}; DROP ROLE {role}")
        self.use(self.url.replace(f"user={os.environ['PGUSER']}", f"user={role}"))
        with self.assertRaises(psycopg2.errors.InsufficientPrivilege):
            save_model_to_version(ID, self.source)
        self.use("postgresql://localhost:1/nothing")
        with self.assertRaises(psycopg2.OperationalError):
            save_model_to_version(ID, self.source)

    def folder_saved(self, **options):
        return migrate_models.save_folders_to_versions(self.models, **options)[self.source.name]

    def test_folders_that_are_only_on_the_disk(self):
        shutil.copytree(self.source, self.models / "bertopic_model_00000000")
        shutil.copytree(self.source, self.models / "bertopic_model_other")
        self.assertEqual(migrate_models.save_folders_to_versions(self.models), {"bertopic_model_00000000": "no row", self.source.name: "filled"})
        self.assertEqual(files_of(load_bertopic(ID, self.base / "nowhere")), files_of(self.source))
        before = self.query("SELECT model_data, updated_at FROM media_bias.result_versions")
        self.assertEqual(self.folder_saved(), "same")
        self.assertEqual(self.query("SELECT model_data, updated_at FROM media_bias.result_versions"), before)
        self.query("INSERT INTO media_bias.result_versions (id, name, configuration) VALUES (%s, 'twin', '{}')", (ID[:-1] + "2",))
        self.assertEqual(self.folder_saved(), "two rows")
        with self.assertRaises(FileNotFoundError):
            migrate_models.save_folders_to_versions(self.base / "no such folder")
        with self.assertRaises(ValueError):
            migrate_models.save_folders_to_versions(self.models, on_change="new-version")

    def test_the_same_files_packed_by_another_program(self):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar: # in another order, under ./, with other owners and times
            for path in sorted(self.source.rglob("*"), reverse=True):
                member = tar.gettarinfo(path, f"./{path.relative_to(self.source)}")
                member.uid, member.mtime = 1234, 5
                tar.addfile(member, io.BytesIO(path.read_bytes()) if path.is_file() else None)
        self.put(buffer.getvalue())
        self.assertEqual(self.folder_saved(), "same")

    def test_other_files_are_a_conflict(self):
        self.save()
        old, = self.query("SELECT encode(model_data, 'hex'), encode(sha256(model_data), 'hex') FROM media_bias.result_versions")
        (self.source / "config.json").write_text("{}")
        self.assertEqual((self.folder_saved(), self.folder_saved(on_change="skip")), ("conflict", "skipped"))
        kept = self.base / "overwritten.csv"
        self.assertEqual(self.query("SELECT encode(model_data, 'hex'), encode(sha256(model_data), 'hex') FROM media_bias.result_versions"), [old])
        self.assertEqual(self.folder_saved(on_change="overwrite", old_bytes=kept), "overwritten")
        self.assertEqual(kept.read_text(), f"{ID},{old[1]},\\x{old[0]}\n")
        self.assertEqual((self.folder_saved(), (pathlib.Path(load_bertopic(ID)) / "config.json").read_text()), ("same", "{}"))
        (self.source / "config.json").write_text("[]")
        with self.assertRaises(OSError): # what is there cannot be kept, so it stays
            self.folder_saved(on_change="overwrite", old_bytes=self.base / "no such folder" / "x.csv")
        self.assertEqual((pathlib.Path(load_bertopic(ID)) / "config.json").read_text(), "{}")

    def test_retention_keeps_names(self):
        self.save()
        self.query("INSERT INTO media_bias.result_versions (name, configuration, model_data, created_at) VALUES ('old', '{}', 'x', '2020-01-01'), "
                   "('production', '{}', 'x', '2020-01-01')")
        self.query("DELETE FROM media_bias.result_versions WHERE created_at < NOW() - INTERVAL '30 days' AND name NOT IN ('baseline', 'production')")
        self.assertEqual(self.query("SELECT name FROM media_bias.result_versions ORDER BY name"), [("production",), ("test-db-storage",)])

    def test_clear_keeps_row(self):
        self.save()
        self.query("UPDATE media_bias.result_versions SET created_at = '2020-01-01'")
        self.query("UPDATE media_bias.result_versions SET model_data = NULL WHERE created_at < NOW() - INTERVAL '30 days'")
        self.assertEqual(self.query("SELECT name FROM media_bias.result_versions"), [("test-db-storage",)])
        self.assertEqual(load_bertopic(ID, self.models), str(self.source))
        self.assertEqual(self.folder_saved(), "filled")

    def test_psycopg_3(self):
        with self.psycopg3():
            self.save()
            self.assertEqual(files_of(load_bertopic(ID, self.models)), files_of(self.source))
            self.assertEqual(len(get_version_digest(ID)), 64)
            self.assertEqual(self.folder_saved(), "same")

    def test_the_teams_own_connection(self):
        from psycopg2.extras import RealDictCursor
        connection = psycopg2.connect(self.url, cursor_factory=RealDictCursor)
        self.addCleanup(connection.close)
        self.use(connection=connection)
        self.save()
        self.assertEqual(files_of(load_bertopic(ID, self.models)), files_of(self.source))

    def test_members_outside_are_refused(self):
        for member in (self.member("../evil"), self.member("/tmp/evil"), self.member("link", tarfile.SYMTYPE), self.member("fifo", tarfile.FIFOTYPE),
                       self.member("hard", tarfile.LNKTYPE), self.member("a/../../evil")):
            with self.subTest(name=member.name):
                buffer = io.BytesIO()
                with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
                    tar.addfile(self.member("config.json"), io.BytesIO())
                    tar.addfile(member, io.BytesIO())
                self.put(buffer.getvalue())
                with self.assertRaisesRegex(migrate_models.DamagedError, "not a file or folder inside of it"):
                    get_model_from_version(ID, self.base / "out")
                self.assertEqual(list((self.base / "out").iterdir()), []) # nothing before the bad one either

    @staticmethod
    def member(name, kind=tarfile.REGTYPE):
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, "/etc/passwd"
        return member


class VersionsOnSqlite(TeamCase):
    """The same table in a file, for a dashboard without a server."""

    from stores import Sqlite as kind

    def test_there_and_back(self):
        self.query("CREATE TABLE result_versions (id TEXT PRIMARY KEY, name TEXT, model_data BLOB)")
        self.query("INSERT INTO result_versions (id, name) VALUES (%s, 'x')", (ID,))
        source = samples() / "bertopic_model_1a2b3c4d"
        with mock.patch("builtins.print"):
            save_model_to_version(ID, source)
        self.assertEqual(files_of(load_bertopic(ID)), files_of(source))
        with self.assertRaises(LookupError), mock.patch("builtins.print"):
            save_model_to_version("other", source)


if __name__ == "__main__":
    unittest.main()
