"""cleanup: what the server does not promise to keep is no proof."""

import unittest

from harness import admin, wait_until
from life import CleanupCase


class Doubt(CleanupCase):
    def setUp(self):
        super().setUp()
        self.write_some(2)

    def setting(self, name, value):
        """For new sessions, at the latest when this returns."""
        admin(f"ALTER SYSTEM SET {name} = {value}")
        admin("SELECT pg_reload_conf()")
        wait_until(lambda: self.query(f"SHOW {name}") == [(value,)])

    def stays(self):
        """{path: reason} of what a plan says must stay."""
        return {line["path"]: line["reason"] for line in self.cleanup("--json").lines() if line["type"] == "model" and not line["can_go"]}

    def check_stays(self, word, count=2):
        reasons = self.stays()
        self.assertEqual(len(reasons), count, reasons)
        for reason in reasons.values():
            self.assertIn(word, reason)

    def test_unlogged_table(self):
        self.sync()
        self.plan()
        self.query("ALTER TABLE model_chunks SET UNLOGGED; ALTER TABLE model_aliases SET UNLOGGED; ALTER TABLE models SET UNLOGGED")
        self.check_stays("the table of the row is unlogged")
        self.assertEqual(set(self.apply(code=3)), set(self.left()))
        self.query("ALTER TABLE models SET LOGGED; ALTER TABLE model_aliases SET LOGGED; ALTER TABLE model_chunks SET LOGGED")
        self.assertEqual(self.stays(), {})

    def test_unlogged_chunks_alone(self):
        """Rows without chunks stay too: who takes a table out of the log has not promised the others."""
        self.sync("--inline-limit", "1kB", "--compress", "none", "--include", "event0*")
        self.sync()
        self.query("ALTER TABLE model_chunks SET UNLOGGED")
        self.check_stays("the table of chunks is unlogged")

    def test_chunks_that_inherit(self):
        self.sync("--inline-limit", "1kB", "--compress", "none", "--include", "event0*")
        self.sync()
        self.query("CREATE UNLOGGED TABLE hidden () INHERITS (model_chunks);"
                   "WITH moved AS (DELETE FROM ONLY model_chunks RETURNING *) INSERT INTO hidden SELECT * FROM moved")
        self.check_stays("the table of chunks is unlogged", count=1)

    def test_table_that_inherits(self):
        self.sync()
        self.query("CREATE UNLOGGED TABLE hidden () INHERITS (models);"
                   "WITH moved AS (DELETE FROM ONLY models WHERE name LIKE 'event0%' RETURNING *) INSERT INTO hidden SELECT * FROM moved")
        self.check_stays("the table of the row is unlogged", count=1)

    def test_server_settings(self):
        self.sync()
        self.plan()
        for name, words in (("fsync", "fsync off"), ("full_page_writes", "full_page_writes off")):
            with self.subTest(name=name):
                self.setting(name, "off")
                self.addCleanup(self.setting, name, "on")
                self.check_stays(words)
                self.assertIn(words, self.cleanup("--apply", self.plan_file, "--yes", code=1).err)
                self.setting(name, "on")
        self.assertEqual(self.stays(), {})
        self.assertEqual(len(self.left()), 2)


if __name__ == "__main__":
    unittest.main()
