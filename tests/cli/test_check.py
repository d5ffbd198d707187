"""check: the tree and the store side by side, and what it says of damage on either side."""

import csv
import gzip
import json
import os
import subprocess
import unittest

import psycopg2

from harness import NO_LIBPQ, PROGRAM, digest
from life import LifeCase
from stores import Postgres, on_both, only_on


class CheckCase(LifeCase):
    def check(self, *arguments, code=0, url=None, tree=None, env=None):
        """check --json; {(letter, path or name, version)} and the summary."""
        result = self.call([PROGRAM, "check", "--json", "-d", url or self.url, *arguments, tree or self.tree], env=env)
        self.assertEqual(result.code, code, result.all())
        self.lines = [line for line in result.lines() if line["type"] == "model"]
        self.found = {(line["letter"], line["path"] or line["name"], line.get("version")) for line in self.lines if not line.get("older")}
        self.summary = result.summary()
        self.assertEqual(self.summary["exit_code"], code)
        return result

    def line(self, path):
        return next(line for line in self.lines if line["path"] == path)

    def damage(self, name, version=1):
        """One bit of a row is another one, behind the back of the constraint."""
        self.allow_damage()
        self.flip(name, 20, version)


@on_both
class Letters(CheckCase):
    def test_same_when_all_is_stored(self):
        self.copy_samples()
        self.sync()
        self.check()
        self.assertEqual({letter for letter, *_ in self.found}, {"="})
        self.assertEqual((self.summary["same"], len(self.found)), (23, 23))
        self.assertTrue(all(line["store_proof"] and not line["download_proof"] for line in self.lines))
        raw = self.query("SELECT sum(raw_bytes) FROM models")[0][0]
        self.assertEqual(self.summary["same_bytes"], raw)

    def test_every_letter(self):
        self.write_some(3)
        self.write("fixed_v3.joblib", b"the third " * 40)
        self.write("gone_model.joblib", b"will be gone " * 40)
        self.sync()
        self.write("new_model.joblib", b"not stored " * 40)
        self.write("event1_regression.joblib", b"other content " * 40)
        self.write("fixed_v3.joblib", b"another third " * 40)
        self.write("empty_model.joblib", b"")
        (self.tree / "gone_model.joblib").unlink()
        result = self.check(code=4)
        self.assertEqual(self.found, {("=", "event0_regression.joblib", 1), ("=", "event2_regression.joblib", 1),
                                      ("+", "new_model.joblib", None), ("-", "gone_model", 1), ("*", "event1_regression.joblib", None),
                                      ("*", "fixed_v3.joblib", 3), ("!", "empty_model.joblib", None)})
        counts = {key: self.summary[key] for key in ("same", "only_on_disk", "only_in_store", "differ", "unchecked")}
        self.assertEqual(counts, dict(same=2, only_on_disk=1, only_in_store=1, differ=2, unchecked=1))
        self.assertIn("other content under this name and version", self.line("fixed_v3.joblib")["reason"])
        self.assertIn("run again", self.line("event1_regression.joblib")["reason"])
        self.assertNotIn("conflict", result.err)

    def test_text_names_what_is_not_the_same_and_counts(self):
        self.write_some(2)
        self.sync()
        self.write("new_model.joblib", b"not stored " * 40)
        self.write("bad\n_model.joblib", b"not stored " * 40)
        command = [PROGRAM, "check", "-d", self.url, self.tree]
        lines = self.call(command).out.splitlines()
        self.assertTrue(lines[0].startswith("! bad\\x0a_model.joblib  "), lines)
        self.assertEqual(lines[1], "+ new_model.joblib")
        self.assertTrue(lines[2].startswith("= 2 same, + 1 only on disk, - 0 only in the store, * 0 differ, ! 1 not checked; "), lines)
        self.assertEqual(len(lines), 3)
        self.assertEqual(len(self.call([*command, "-v"]).out.splitlines()), 5)
        self.assertEqual(self.call([*command, "-q"]).out.splitlines(), lines[:2])

    def test_version_in_the_name_and_version_of_the_store(self):
        self.write("a/x_model.joblib", b"one " * 100)
        self.write("a/x_model_v2.joblib", b"two " * 100)
        self.sync()
        self.check()
        self.assertEqual(self.found, {("=", "a/x_model.joblib", 3), ("=", "a/x_model_v2.joblib", 2)})

    def test_older_versions_are_history(self):
        path, = self.write_some(1)
        self.sync()
        path.write_bytes(b"retrained " * 100)
        self.settle()
        self.sync()
        self.check()
        self.assertEqual(self.found, {("=", path.name, 2)})
        self.assertEqual((self.summary["older"], self.summary["only_in_store"]), (1, 0))
        older = [line for line in self.lines if line.get("older")]
        self.assertEqual([(line["name"], line["version"], line["store_proof"]) for line in older], [("event0_regression", 1, True)])
        self.assertEqual(self.call([PROGRAM, "check", "-d", self.url, self.tree]).out.count("\n"), 1)
        self.check("--one-way")
        self.assertEqual((self.summary["older"], len(self.lines)), (1, 1))

    def test_damaged_older_version_is_found(self):
        path, = self.write_some(1)
        self.sync()
        path.write_bytes(b"retrained " * 100)
        self.settle()
        self.sync()
        self.damage("event0_regression", 1)
        self.check(code=4)
        self.assertEqual(self.found | {(line["letter"], line["name"], line["version"]) for line in self.lines if line.get("older")},
                         {("=", path.name, 2), ("*", "event0_regression", 1)})
        self.assertIn("* event0_regression@1  the stored payload is damaged", self.call([PROGRAM, "check", "-d", self.url, self.tree]).out)

    def test_one_way_is_silent_on_what_only_the_store_has(self):
        first, _ = self.write_some(2)
        self.sync()
        first.unlink()
        self.check(code=4)
        self.assertIn(("-", "event0_regression", 1), self.found)
        self.check("--one-way")
        self.assertEqual(self.found, {("=", "event1_regression.joblib", 1)})

    def test_include_and_exclude_hold_for_both_sides(self):
        self.write_some(3)
        self.sync()
        (self.tree / "event0_regression.joblib").unlink()
        self.check("--exclude", "event0_*")
        self.check("--include", "event0_*", code=4)
        self.assertEqual(self.found, {("-", "event0_regression", 1)})

    def test_source_that_cannot_be_read_is_unchecked_and_its_row_not_alone(self):
        self.write_some(2)
        self.write("fixed_v3.joblib", b"the third " * 40)
        self.sync()
        self.write("event0_regression.joblib", b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 5\n")
        self.write("fixed_v3.joblib", b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 5\n")
        self.check(code=3)
        self.assertEqual(self.found, {("!", "event0_regression.joblib", None), ("!", "fixed_v3.joblib", 3), ("=", "event1_regression.joblib", 1)})
        self.assertIn("LFS", self.line("event0_regression.joblib")["reason"])

    def test_twins_are_unchecked(self):
        self.write("x_v3.joblib", b"one " * 100)
        self.sync()
        self.write("x-v3.joblib", b"two " * 100)
        self.check(code=3)
        self.assertEqual({letter for letter, *_ in self.found}, {"!"})
        self.assertIn("same name and version", self.line("x_v3.joblib")["reason"])

    def test_empty_tree_against_rows_and_against_none(self):
        self.sync()
        self.check()
        self.write_some(1)
        self.sync()
        (self.tree / "event0_regression.joblib").unlink()
        self.check(code=4)


@on_both
class Damage(CheckCase):
    def setUp(self):
        super().setUp()
        self.paths = self.write_some(4)
        self.sync()

    def test_byte_on_disk_with_the_old_time(self):
        path = self.paths[2]
        before, data = path.stat(), bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        self.assertEqual((path.stat().st_size, path.stat().st_mtime_ns), (before.st_size, before.st_mtime_ns))
        self.check(code=4)
        self.assertEqual(self.found - {("=", p.name, 1) for p in self.paths}, {("*", path.name, None)})

    def test_byte_in_a_row(self):
        self.damage("event1_regression")
        self.check(code=4)
        self.assertEqual({item for item in self.found if item[0] != "="}, {("*", "event1_regression.joblib", 1)})
        self.assertIn("payload is damaged", self.line("event1_regression.joblib")["reason"])

    def test_byte_in_a_row_that_only_the_store_has(self):
        self.damage("event1_regression")
        self.paths[1].unlink()
        self.check(code=4)
        self.assertEqual({item for item in self.found if item[0] != "="}, {("*", "event1_regression", 1)})

    def test_row_cut_short_and_row_emptied(self):
        self.allow_damage()
        self.put_payload("event0_regression", self.payload("event0_regression")[:10])
        self.put_payload("event3_regression", b"")
        self.check(code=4)
        self.assertEqual({item[1] for item in self.found if item[0] == "*"}, {"event0_regression.joblib", "event3_regression.joblib"})

    def test_download_finds_what_the_server_cannot(self):
        """The digest of the payload was made to fit after the tampering: only the content tells."""
        other = gzip.compress(b"quite another model " * 100)
        self.query("UPDATE models SET model_binary = %s, stored_sha256 = sha256(%s), stored_bytes = %s WHERE name = 'event0_regression'",
                   (other, other, len(other)))
        no_gzip = b"no gzip at all"
        self.query("UPDATE models SET model_binary = %s, stored_sha256 = sha256(%s), stored_bytes = %s WHERE name = 'event1_regression'",
                   (no_gzip, no_gzip, len(no_gzip)))
        self.check()
        self.check("--download", code=4)
        self.assertEqual({item[1] for item in self.found if item[0] == "*"}, {"event0_regression.joblib", "event1_regression.joblib"})
        for line in self.lines:
            self.assertEqual(line["download_proof"], line["letter"] == "=", line)

    def test_download_finds_same_length_with_other_content(self):
        """Every size fits and the server's hash too; the last digest does not."""
        path = self.paths[0]
        data = path.read_bytes()
        other = data[:-1] + bytes([data[-1] ^ 1])
        packed = gzip.compress(other)
        self.query("UPDATE models SET model_binary = %s, stored_sha256 = sha256(%s), stored_bytes = %s WHERE name = 'event0_regression'",
                   (packed, packed, len(packed)))
        self.check("--download", code=4)
        self.assertIn("the SHA-256 of the content is", self.line(path.name)["reason"])

    @only_on(Postgres, "the table of SQLite cannot be altered to hold such a row")
    def test_row_without_a_payload(self):
        self.query("ALTER TABLE models ALTER COLUMN model_binary DROP NOT NULL")
        self.query("UPDATE models SET model_binary = NULL WHERE name = 'event0_regression'")
        self.check("--download", code=4)
        self.assertEqual({item[1] for item in self.found if item[0] == "*"}, {"event0_regression.joblib"})


@on_both
class Chunks(CheckCase):
    def setUp(self):
        super().setUp()
        self.write("large_model.joblib", os.urandom(40 * 1024))
        self.write("small_model.joblib", b"small " * 100)
        self.sync("--inline-limit", "8KiB")
        self.assertEqual(self.query("SELECT count(*) FROM model_chunks"), [(1,)])

    def flipped(self):
        """The chunk with one other bit."""
        (data,), = self.query("SELECT data FROM model_chunks")
        return bytes(data)[:7] + bytes([bytes(data)[7] ^ 1]) + bytes(data)[8:]

    def test_whole(self):
        self.check("--download")
        self.assertTrue(all(line["download_proof"] for line in self.lines))

    def test_damaged_chunk(self):
        self.allow_damage()
        self.query(f"UPDATE {self.kind.chunk_table} SET data = %s", (self.flipped(),))
        self.check(code=4)
        self.assertEqual({item for item in self.found if item[0] != "="}, {("*", "large_model.joblib", 1)})

    def test_missing_chunk(self):
        self.query(f"DELETE FROM {self.kind.chunk_table}")
        self.check(code=4)
        self.assertEqual({item for item in self.found if item[0] != "="}, {("*", "large_model.joblib", 1)})

    def test_chunk_with_a_digest_that_was_made_to_fit(self):
        self.query(f"UPDATE {self.kind.chunk_table} SET data = %s, sha256 = sha256(%s)", (self.flipped(), self.flipped()))
        self.check("--download", code=4)
        self.assertIn("SHA-256", self.line("large_model.joblib")["reason"])


@on_both
class OtherWriters(CheckCase):
    """Rows that another program inserted, without digests."""

    def setUp(self):
        super().setUp()
        self.assertEqual(self.db("upgrade").code, 0)
        self.data = b"by hand " * 100
        self.path = self.write("hand_model.joblib", self.data)

    def insert(self, payload, version=1, name="hand_model", **more):
        columns = "".join(f", {key}" for key in more)
        self.query(f"INSERT INTO models (name, version, model_type, event, model_binary{columns}) VALUES (%s, %s, 'model', 'hand', %s{', %s' * len(more)})",
                   (name, version, payload, *more.values()))

    def test_hashed_by_the_server(self):
        self.insert(self.data)
        self.check("--download")
        self.assertEqual(self.found, {("=", "hand_model.joblib", 1)})
        self.assertTrue(self.line("hand_model.joblib")["store_proof"] and self.line("hand_model.joblib")["download_proof"])

    def test_other_content(self):
        self.insert(self.data + b"!")
        self.check(code=4)
        self.assertEqual({item[:2] for item in self.found}, {("*", "hand_model.joblib")})

    def test_content_digest_alone_proves_nothing(self):
        """content_sha256 says what the payload should be; nobody has hashed it."""
        self.insert(b"something else", content_sha256=bytes.fromhex(digest(self.data)))
        self.check(code=3)
        self.assertEqual(self.found, {("!", "hand_model.joblib", 1)})
        self.check("--download", code=4)
        self.assertEqual(self.found, {("*", "hand_model.joblib", 1)})

    def test_content_digest_alone_is_proven_by_reading_back(self):
        self.insert(self.data, content_sha256=bytes.fromhex(digest(self.data)))
        self.check("--download")
        self.assertFalse(self.line("hand_model.joblib")["store_proof"])

    def test_several_versions_and_names_with_quotes(self):
        self.insert(b"old")
        self.insert(self.data, version=2)
        self.insert(b"x", name='strange "name"\\, {a}')
        self.check(code=4)
        self.assertEqual(self.found, {("=", "hand_model.joblib", 2), ("-", 'strange "name"\\, {a}', 1)})


@on_both
class Options(CheckCase):
    @classmethod
    def setUpClass(cls):
        cls.be_quick()
        cls.box = cls.shared(cls.kind)
        cls.box.write_some(10)
        cls.box.sync()

    def setUp(self):
        self.url, self.tree, self.state, self.base = self.box.url, self.box.tree, self.box.state, self.box.base

    def proven(self, *arguments):
        self.check(*arguments)
        self.assertEqual(self.summary["same"], 10)
        return sum(line["store_proof"] for line in self.lines), sum(line["download_proof"] for line in self.lines)

    def test_sample(self):
        for sample, count in (("3", 3), ("1", 1), ("10", 10), ("99", 10), ("20%", 2), ("21%", 3), ("0.1%", 1), ("100%", 10)):
            with self.subTest(sample):
                self.assertEqual(self.proven("--sample", sample), (count, 0))
        self.assertEqual(self.proven("--sample", "4", "--download"), (4, 4))
        self.assertEqual(self.proven(), (10, 0))

    def test_samples_differ(self):
        seen = set()
        for _ in range(12):
            self.check("--sample", "2")
            seen.add(frozenset(line["path"] for line in self.lines if line["store_proof"]))
        self.assertGreater(len(seen), 1)

    def test_bad_samples(self):
        for sample in ("0", "0%", "101%", "-1", "-5%", "5%%", "%", "", "five", "5.5", "nan%", "inf%", "1e1%", "5 %", "3m%", "99999999999999999999"):
            with self.subTest(sample):
                result = self.call([PROGRAM, "check", "-d", self.url, f"--sample={sample}", self.tree])
                self.assertEqual(result.code, 2, result.all())
                self.assertIn("--sample", result.err)

    def test_reports(self):
        for ending in ("csv", "json", "html"):
            path = self.base / f"report.{ending}"
            self.check("--report", path)
            text = path.read_text().replace("<wbr>", "") # where a name may break
            self.assertIn("event3_regression.joblib", text)
            if ending == "csv":
                rows = list(csv.DictReader(text.splitlines()))
                self.assertEqual(len(rows), 10)
            if ending == "json":
                self.assertEqual(len(json.loads(text)["items"]), 10)

    def test_wrong_ending_is_told_before_the_work(self):
        for name in ("report.txt", "report", "csv"):
            result = self.call([PROGRAM, "check", "-d", self.url, "--report", self.base / name, self.tree])
            self.assertEqual((result.code, result.out), (2, ""), result.all())
            self.assertIn(".html", result.err)
            self.assertFalse((self.base / name).exists())

    def test_report_that_cannot_be_written(self):
        result = self.call([PROGRAM, "check", "-q", "-d", self.url, "--report", self.base / "no" / "r.csv", self.tree])
        self.assertEqual(result.code, 1, result.all())

    def test_nothing_is_written(self):
        before = self.state_files()
        self.check("--download")
        self.assertEqual(self.state_files(), before)

    def test_read_only_sessions_are_enough(self):
        self.check(url=self.kind.read_only(self.url))

    @only_on(Postgres, "SQLite has no roles; test_sqlite has files that may only be read")
    def test_a_user_who_may_only_read(self):
        role = f"reader_{os.getpid()}"
        self.box.query(f"CREATE ROLE {role} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        self.addCleanup(self.box.query, f"DROP OWNED BY {role}; DROP ROLE {role}")
        self.check("--download", url=self.url.replace(f"user={os.environ['PGUSER']}", f"user={role}"))


@on_both
class NoStore(CheckCase):
    @only_on(Postgres, "it is a server that is away")
    def test_away_is_5_and_never_4(self):
        self.write_some(2)
        for url in ("host=127.0.0.1 port=1 dbname=x user=y", f"host={self.base} port=5 dbname=x user=y"):
            result = self.call([PROGRAM, "check", "--connect-timeout", "2s", "-d", url, self.tree])
            self.assertEqual(result.code, 5, result.all())

    @only_on(Postgres, "SQLite has no server that ends a session")
    def test_gone_in_the_middle_is_5_and_never_4(self):
        """Every session is ended again and again while it works; the answer is 0 or 5, never a difference."""
        self.write_some(60, size=30000)
        self.sync()
        admin = psycopg2.connect(dbname="postgres")
        self.addCleanup(admin.close)
        admin.autocommit = True
        codes = []
        for _ in range(6):
            process = subprocess.Popen([PROGRAM, "check", "--download", "-d", self.url, str(self.tree)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            with admin.cursor() as cursor:
                while process.poll() is None:
                    cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (self.database,))
            _, err = process.communicate()
            codes.append(process.returncode)
            self.assertIn(process.returncode, (0, 5), err.decode())
        self.assertIn(5, codes)

    def test_no_schema_is_10(self):
        self.write_some(1)
        result = self.call([PROGRAM, "check", "-d", self.url, self.tree])
        self.assertEqual(result.code, 10, result.all())
        self.assertFalse(self.has_tables())

    def test_no_tree_and_no_database_are_2(self):
        self.db("upgrade")
        self.assertEqual(self.call([PROGRAM, "check", "-d", self.url, self.base / "nothing"]).code, 2)
        self.assertEqual(self.call([PROGRAM, "check", self.tree], env=NO_LIBPQ).code, 2)


if __name__ == "__main__":
    unittest.main()
