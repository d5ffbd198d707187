"""Rows that no command can work with are named, and the commands go on; what a row refuses is said of the whole with an exit code of the whole."""

import unittest

import psycopg2

from harness import PROGRAM, admin
from life import CleanupCase

BY_HAND = """CREATE TABLE models (id serial PRIMARY KEY, name text, version {version}, model_type text, event text, model_binary bytea,
             created_at {created} DEFAULT now(), is_active boolean DEFAULT true {more}, UNIQUE (name, version))"""


class OddCase(CleanupCase):
    def make_table(self, version="bigint", created="timestamptz", more=""):
        self.query(BY_HAND.format(version=version, created=created, more=more))

    def insert(self, name, version, payload=b"x", active=True):
        rows = self.query("INSERT INTO models (name, version, model_type, event, model_binary, is_active) VALUES (%s, %s, 'm', 'e', %s, %s) RETURNING id",
                          (name, version, payload, active))
        return rows[0][0]

    def check(self, *arguments, code=0):
        result = self.call([PROGRAM, "check", *arguments, "-d", self.url, self.tree])
        self.assertEqual(result.code, code, result.all())
        return result

    def get(self, *arguments):
        return self.call([PROGRAM, "get", *arguments, "-d", self.url])


class Versions(OddCase):
    def test_each_command_names_them_and_goes_on(self):
        self.make_table()
        bad = [self.insert(None, 1), self.insert("huge", 2**31), self.insert("none", None), self.insert("minus", -7)]
        self.insert("fine", 3, b"fine")
        self.write("fine.joblib", "fine")
        self.write("own.joblib", "own")
        dry = self.run_program("-n") # not adopted yet
        self.assertEqual(dry.code, 0, dry.all())
        self.assertEqual(dry.err.count("ctid ("), 4, dry.err)
        self.assertEqual(self.db("upgrade").code, 0)
        commands = [lambda: self.sync(), lambda: self.check("--one-way"), lambda: self.check(), lambda: self.cleanup()]
        for command in commands:
            result = command()
            for number in bad:
                self.assertIn(f"id {number}", result.err)
            self.assertNotIn("(fine)", result.err)
        self.assertEqual(self.query("SELECT count(*) FROM models WHERE run_id IS NOT NULL"), [(1,)])

    def test_no_version_is_stored_that_readers_would_not_get(self):
        self.make_table()
        for name, version in [("null", None), ("huge", 20260101120000)]:
            self.insert(name, version)
            self.write(f"{name}.joblib", f"of {name}")
        off = self.insert("off", 2**31, active=False)
        self.insert("minus", -1)
        for name in ["off", "minus", "named_v4"]:
            self.write(f"{name}.joblib", f"of {name}")
        self.insert("named", 2**40)
        models = self.sync(code=3).models()
        self.assertEqual({path: line["status"] for path, line in models.items()},
                         {"null.joblib": "failed", "huge.joblib": "failed", "off.joblib": "new", "minus.joblib": "new", "named_v4.joblib": "new"})
        self.assertIn("readers of null get a row of another program", models["null.joblib"]["reason"])
        self.query("DELETE FROM models WHERE version IS NULL OR version > 2147483647 AND id <> %s", (off,))
        self.assertEqual({line["status"] for line in self.sync().models().values()}, {"new", "unchanged"})

    def test_what_readers_do_not_get_stays(self):
        self.make_table()
        self.assertEqual(self.db("upgrade").code, 0)
        self.write("price.joblib", "price")
        self.sync()
        self.assertEqual(self.plan()["price.joblib"]["action"], "delete")
        number = self.insert("price", None)
        row = self.plan()["price.joblib"]
        self.assertEqual(row["action"], "keep")
        self.assertIn(f"readers of price get the row with id {number}", row["reason"])

    def test_a_plan_is_not_applied_when_one_has_come(self):
        self.make_table()
        self.assertEqual(self.db("upgrade").code, 0)
        self.write("price.joblib", "price")
        self.sync()
        self.plan()
        self.insert("price", 2**33)
        self.assertIn("readers of price get the row with", self.apply(code=3)["price.joblib"])
        self.assertEqual(self.left(), ["price.joblib"])

    def test_get_gives_no_other_row_for_it(self):
        self.make_table()
        self.assertEqual(self.db("upgrade").code, 0)
        self.write("price.joblib", "price")
        self.sync()
        number = self.insert("price", 2**31)
        for reference in ["price", "price@latest"]:
            result = self.get(reference, "-")
            self.assertEqual((result.code, result.out), (1, ""), result.all())
            self.assertIn(f"id {number}", result.err)
        self.assertEqual(self.get("price@1", "-").out, "price")
        self.query("UPDATE models SET is_active = false WHERE id = %s", (number,))
        self.assertEqual(self.get("price", "-").out, "price")

    def test_only_the_first_ones_are_warnings(self):
        self.make_table()
        self.query("INSERT INTO models (name, version) SELECT 'n' || i, -i FROM generate_series(1, 300) i")
        self.assertEqual(self.db("upgrade").code, 0)
        self.write_some(1)
        result = self.sync()
        self.assertIn("290 more rows of models cannot be used", result.err)
        self.assertLess(len(result.err.splitlines()), 20)


class Values(OddCase):
    def test_rows_without_a_payload(self):
        self.make_table("integer")
        self.insert("empty", 1, None)
        self.insert("gone", 1, None)
        self.write("gone.joblib", "gone")
        self.write("own.joblib", "own")
        self.assertEqual(self.db("upgrade").code, 0)
        models = self.sync().models()
        self.assertEqual((models["gone.joblib"]["version"], models["own.joblib"]["version"]), (2, 1))
        result = self.check("-v", "--json", code=4)
        by_name = {(line["name"], line["version"]): line for line in result.lines() if line["type"] == "model"}
        for key in [("empty", 1), ("gone", 1)]:
            self.assertEqual((by_name[key]["letter"], by_name[key]["content_sha256"]), ("-", None))
        self.assertEqual(self.get("empty", self.base / "out").code, 3)
        self.assertFalse((self.base / "out").exists())

    def test_names_of_any_length_and_sort(self):
        self.make_table("integer")
        names = ["n" * 300, "n" * 5000, "tab\there", "line\nend", "esc\x1b[31m", "turned\u202eedoc", "", "ümläut", "a" * 255]
        for name in names:
            self.insert(name, 1)
        self.write("own.joblib", "own")
        self.assertEqual(self.db("upgrade").code, 0)
        self.sync()
        result = self.check("--json", code=4)
        self.assertEqual({line["name"] for line in result.lines() if line["type"] == "model" and line["letter"] == "-"}, set(names))
        text = self.check(code=4).out
        for raw in ["\x1b", "\t", "\u202e"]:
            self.assertNotIn(raw, text)
        self.assertEqual(len([line for line in text.splitlines() if line.startswith("-")]), len(names))
        self.assertEqual(self.plan()["own.joblib"]["action"], "delete")

    def test_times_that_64_bits_do_not_count(self):
        for created in ["timestamp", "timestamptz"]:
            with self.subTest(created):
                self.query("DROP TABLE IF EXISTS models CASCADE; DROP TABLE IF EXISTS model_chunks, model_runs, model_digests, store_identity,"
                           "model_aliases, model_events, migrate_models_revisions")
                self.make_table("integer", created)
                for i, time in enumerate(["infinity", "-infinity", "294276-12-31 23:59:59", "4713-01-01 BC", "290001-01-01", "2020-02-02"]):
                    number = self.insert(f"t{i}", 1)
                    self.query("UPDATE models SET created_at = %s WHERE id = %s", (time, number))
                self.assertEqual(self.db("upgrade").code, 0)
                self.write("t5.joblib", "x")
                for zone in ["Asia/Tokyo", "America/New_York"]:
                    result = self.call([PROGRAM, "check", "--json", "-d", self.url + f" options='-c TimeZone={zone}'", self.tree])
                    self.assertEqual((result.code, result.summary()["same"], result.summary()["only_in_store"]), (4, 1, 5), result.all())

    def test_sizes_below_nothing(self):
        self.make_table("integer", more=", stored_bytes bigint, raw_bytes bigint")
        self.insert("minus", 1)
        self.assertEqual(self.db("upgrade").code, 0)
        self.query("UPDATE models SET raw_bytes = -1, stored_bytes = -5")
        self.write("minus.joblib", "x")
        self.assertIn("minus", self.check(code=4).out)

    def test_a_payload_that_the_server_cannot_read(self):
        for name in ["first", "second", "third"]:
            self.write(f"{name}.joblib", bytes(range(256)) * 40)
        self.sync("--compress", "none")
        self.query("CREATE EXTENSION pg_surgery")
        self.addCleanup(self.query, "DROP EXTENSION pg_surgery")
        toast = self.query("SELECT reltoastrelid::regclass::text FROM pg_class WHERE relname = 'models'")[0][0]
        place = self.query(f"SELECT ctid::text FROM {toast} WHERE chunk_id = (SELECT min(chunk_id) FROM {toast}) AND chunk_seq = 1")[0][0]
        self.query(f"SELECT heap_force_kill('{toast}'::regclass, ARRAY['{place}'::tid])")
        for download in [[], ["--download"]]:
            result = self.check("--json", *download, code=4)
            self.assertEqual((result.summary()["same"], result.summary()["differ"]), (2, 1), result.all())
        actions = [row["action"] for row in self.plan().values()]
        self.assertEqual(sorted(actions), ["delete", "delete", "keep"])


class Adoption(OddCase):
    def refused(self, *words):
        result = self.db("upgrade")
        self.assertEqual(result.code, 10, result.all())
        for word in words:
            self.assertIn(word, result.err)
        self.assertEqual(self.query("SELECT to_regclass('model_runs')"), [(None,)])

    def test_columns_that_hold_something_else(self):
        for column, value, words in [("format text", "'joblib'", "the format 'joblib'"), ("encoding text", "'zstd'", "the encoding 'zstd'"),
                                     ("content_sha256 bytea", "'short'", "not 32 bytes long"), ("chunk_count integer", "NULL", "the chunk_count NULL"),
                                     ("stored_sha256 bytea", "sha256('y')", "not that of its model_binary")]:
            with self.subTest(column):
                self.query("DROP TABLE IF EXISTS models")
                self.make_table(more=", " + column)
                number = self.insert("old", 1)
                self.query(f"UPDATE models SET {column.split()[0]} = {value}")
                self.refused(f"the row with id {number} has", words)

    def test_members_of_another_kind(self):
        self.make_table(more=", members_sha256 bytea")
        self.insert("old", 1)
        self.query("UPDATE models SET members_sha256 = 'short'")
        result = self.db("upgrade")
        self.assertEqual(result.code, 10, result.all())
        self.assertIn("members_sha256", result.err)

    def test_a_rule_that_older_rows_break(self):
        self.make_table()
        number = self.insert("old", 1, b"short")
        self.query("ALTER TABLE models ADD CONSTRAINT long CHECK (octet_length(model_binary) > 10) NOT VALID")
        self.refused(f"the row with id {number}", '"long"')


class Encodings(OddCase):
    def encoded(self, encoding):
        """A database of that encoding, for this test."""
        name = f"{self.database}_{encoding.lower()}"
        admin(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'")
        self.addCleanup(admin, f"DROP DATABASE {name} WITH (FORCE)")
        self.url = self.url_of(name)
        self.assertEqual(self.db("upgrade").code, 0)

    def insert_raw(self, name, event):
        connection = psycopg2.connect(self.url)
        try:
            connection.set_client_encoding("SQL_ASCII")
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(b"INSERT INTO models (name, version, model_type, event, model_binary) VALUES (E'" + name + b"', 1, 'm', E'" + event + b"', 'x')")
        finally:
            connection.close()

    def test_text_of_no_known_encoding(self):
        self.encoded("SQL_ASCII")
        self.insert_raw(rb"caf\xe9", b"e")
        self.insert_raw(rb"plain", rb"\xff\xfe")
        self.insert_raw("grün".encode(), b"e")
        self.write("grün.joblib", "x")
        self.write("plain.joblib", "x")
        self.write("own.joblib", "own")
        result = self.sync()
        self.assertEqual((result.summary()["new"], result.summary()["unchanged"]), (1, 2), result.all())
        self.assertIn(r"caf\xe9", result.err)
        self.assertEqual(self.sync().summary()["unchanged"], 3)
        result = self.check("-v", "--json")
        self.assertEqual({line["name"]: line["event"] for line in result.lines() if line["type"] == "model"},
                         {"plain": r"\xff\xfe", "grün": "e", "own": "own"})
        self.assertIn(r"caf\xe9", result.err)
        self.assertEqual(self.plan()["own.joblib"]["action"], "delete")
        self.assertEqual(self.get("grün", "-").out, "x")

    def test_a_name_that_the_database_cannot_hold(self):
        self.encoded("LATIN1")
        self.write("a.joblib", "a")
        self.write("Имя.joblib", "b")
        result = self.sync(code=3)
        self.assertEqual((result.summary()["new"], result.summary()["failed"]), (1, 1), result.all())
        self.assertEqual(self.get("Имя", "-").code, 1)


if __name__ == "__main__":
    unittest.main()
