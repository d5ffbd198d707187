"""Tables of an earlier revision are brought to head with all that is in them, on a server and in a file, and can go back down."""

import os
import shutil
import sqlite3
import subprocess
import unittest

from harness import PROGRAM, ROOT, CliCase
from stores import Sqlite, on_both

SECOND = ROOT / "fixtures" / "earlier" / "revision-0002"
NEW_TABLES = ("model_aliases", "model_events")
ROWS = [("bertopic_model_0a1b2c3d", 1), ("by_hand", 1), ("chunked_model", 1), ("earnings_classifier_binary", 1), ("earnings_classifier_binary", 2),
        ("nested/guidance_tfidf_vectorizer_binary", 1)]
KEYS = "SELECT name, version FROM models ORDER BY name, version"


@on_both
class SecondRevision(CliCase):
    """A store as the program left it whose last revision was 0002."""

    def setUp(self):
        super().setUp()
        if self.kind is Sqlite:
            path = self.url.removeprefix("sqlite:///")
            os.truncate(path, 0)
            with sqlite3.connect(path) as connection:
                connection.executescript((SECOND / "store.sqlite.sql").read_text())
        else:
            subprocess.run(["psql", "-qX", "-v", "ON_ERROR_STOP=1", "-f", SECOND / "store.sql", self.url], check=True, capture_output=True)
        shutil.copytree(SECOND / "models", self.tree, dirs_exist_ok=True)
        (self.tree / "bertopic_model_0a1b2c3d" / "empty").mkdir() # Git keeps no empty folder

    def upgrade(self):
        result = self.db("upgrade")
        self.assertEqual((result.code, result.out), (0, "applied 0003 (lifecycle)\n"), result.all())

    def part(self, name):
        up, down = (ROOT / "sql" / self.kind.dialect / "0003_lifecycle.sql").read_text().split("-- downgrade\n")
        return up if name == "up" else down

    def script(self, text):
        """In one transaction."""
        connection = self.kind.connect(self.url)
        try:
            if self.kind is Sqlite:
                connection.executescript(f"BEGIN; {text}; COMMIT")
            else:
                connection.cursor().execute(f"BEGIN; {text}; COMMIT")
        finally:
            connection.close()

    def test_is_asked_for_first(self):
        result = self.run_program()
        self.assertEqual(result.code, 10, result.all())
        self.assertIn("the schema is at revision 0002; 1 more to apply", result.err)

    def test_rows_stay_and_the_run_goes_on(self):
        before = self.rows()
        self.upgrade()
        self.assertEqual(self.rows(), before)
        self.assertEqual(self.query(KEYS), ROWS)
        summary = self.sync().summary()
        self.assertEqual((summary["new"], summary["unchanged"], summary["failed"]), (0, len(ROWS) - 2, 0))
        result = self.call([PROGRAM, "check", "--download", "-d", self.url, self.tree])
        self.assertIn("by_hand", result.out)
        self.assertEqual(result.code, 4, result.all()) # it and nothing else is only in the store

    def test_every_program_may_store_what_the_new_columns_are_for(self):
        self.upgrade()
        self.query("INSERT INTO models (name, version, model_type, event, model_binary, format, facts) VALUES ('p', 1, 't', 'e', %s, 'pickle', %s)",
                   (b"N.", '{"v": 1}'))
        self.assertEqual(self.query("SELECT format, facts IS NOT NULL FROM model_catalog WHERE name = 'p'"), [("pickle", True)])
        self.assertEqual(self.query("SELECT format FROM models WHERE name = 'earnings_classifier_binary'"), [("file",)] * 2)
        self.query("UPDATE models SET format = 'file' WHERE name = 'p'")
        self.assertEqual(self.query("SELECT format FROM models WHERE name = 'p'"), [("file",)])
        with self.assertRaises(Exception):
            self.query("UPDATE models SET format = 'other' WHERE name = 'p'")

    def test_an_alias_keeps_its_version(self):
        self.upgrade()
        alias = "INSERT INTO model_aliases (name, alias, version, set_by) VALUES (%s, %s, %s, 'me')"
        self.query(alias, ("earnings_classifier_binary", "champion", 1))
        for name, word, version in [("earnings_classifier_binary", "other", 7), ("by_hand", "1x", 1), ("by_hand", "Big", 1), ("by_hand", "a" * 64, 1)]:
            with self.subTest(alias=word), self.assertRaises(Exception):
                self.query(alias, (name, word, version))
        with self.assertRaises(Exception):
            self.query("DELETE FROM models WHERE name = 'earnings_classifier_binary' AND version = 1")
        self.query("UPDATE models SET name = 'renamed' WHERE name = 'earnings_classifier_binary' AND version = 1")
        self.assertEqual(self.query("SELECT name, alias, version FROM model_aliases"), [("renamed", "champion", 1)])
        self.query("DELETE FROM model_aliases")
        self.query("DELETE FROM models WHERE name = 'renamed'")

    def test_back_down_and_up_again(self):
        self.upgrade()
        before = self.rows()
        self.query("INSERT INTO models (name, version, model_type, event, model_binary, format) VALUES ('p', 1, 't', 'e', %s, 'pickle')", (b"N.",))
        with self.assertRaises(Exception):
            self.script(self.part("down")) # it has no place there
        self.query("DELETE FROM models WHERE name = 'p'")
        self.script(self.part("down"))
        self.query("DELETE FROM migrate_models_revisions WHERE revision = '0003'")
        self.assertEqual(self.rows(), before)
        self.assertEqual(self.db("current").out, "0002\n")
        self.upgrade()
        self.assertEqual(self.rows(), before)

    def test_backups_of_that_time(self):
        self.upgrade()
        rows = [row for row in self.query("SELECT name, version, encode(content_sha256, 'hex'), is_active FROM models ORDER BY name, version")
                if row[0] != "by_hand"]
        for table in (*NEW_TABLES, "models"):
            self.query(f"DELETE FROM {table}")
        backups = self.base / "backups"
        shutil.copytree(SECOND / "backups", backups)
        result = self.call([PROGRAM, "restore", "--state-dir", self.state, "-d", self.url, backups])
        self.assertEqual(result.code, 0, result.all())
        self.assertEqual(self.query("SELECT name, version, encode(content_sha256, 'hex'), is_active FROM models ORDER BY name, version"), rows)


if __name__ == "__main__":
    unittest.main()
