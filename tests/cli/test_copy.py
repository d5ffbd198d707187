"""copy: the models of one store into another, whatever kinds of database the two are."""

import contextlib
import datetime
import fcntl
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import unittest

import psycopg2

from harness import NO_LIBPQ, PROGRAM, digest, is_sanitized, peak_memory, program_environment, wait_until
from life import LifeCase
from stores import Postgres, Sqlite

BERTOPIC = "bertopic_model_0a1b2c3d"
COLUMNS = """name, version, model_type, event, is_active, encode(content_sha256, 'hex'), raw_bytes, encode(stored_sha256, 'hex'), stored_bytes, format,
             encoding, source_host, source_path, CAST(run_id AS text), encode(members_sha256, 'hex')"""


class CopyCase(LifeCase):
    """A source with rows of all kinds (self.url), and an empty destination with tables (self.target)."""

    to = Postgres

    def setUp(self):
        super().setUp()
        self.make_tree()
        self.sync("--jobs", "2", "--inline-limit", "8KiB")
        self.target = self.to.url(self.to.new(self))
        self.assertEqual(self.db("upgrade", url=self.target).code, 0)

    def make_tree(self):
        self.write_some(4)
        self.write("fixed_v3.joblib", b"the third " * 50)
        self.write("fixed_v1.joblib", b"the first " * 50)
        self.write("a/blank %41 caf\u00e9_model.joblib", b"caf\xc3\xa9 " * 50)
        self.write("chunked_model.joblib", os.urandom(20000))
        self.write(f"{BERTOPIC}/topics.json", b"{}" * 100)
        (self.tree / BERTOPIC / "empty").mkdir()

    def command(self, *arguments, state="state2"):
        return [PROGRAM, "copy", "--json", "--state-dir", str(self.base / state), "--from", self.url, "--to", self.target, *map(str, arguments)]

    def copy(self, *arguments, code=0, **options):
        result = self.call(self.command(*arguments), **options)
        self.assertEqual(result.code, code, result.all())
        return result

    def counts(self, result):
        """The summary; the lines of the rows say the same."""
        summary = result.summary()
        said = [line["status"] for line in result.lines() if line["type"] == "model"]
        for key in ("copied", "present", "conflict", "failed"):
            self.assertEqual(said.count(key), summary[key], key)
        return tuple(summary[key] for key in ("copied", "present", "conflict", "failed"))

    def at_target(self, sql, parameters=None):
        return self.to.query(self.target, sql, parameters)

    def told(self, where, columns=COLUMNS):
        kind, url = (self.kind, self.url) if where == "source" else (self.to, self.target)
        rows = kind.query(url, f"SELECT {columns} FROM models ORDER BY name, version")
        return sorted(tuple(value if not isinstance(value, int) else int(value) for value in row) for row in rows)

    def created(self, where):
        kind, url = (self.kind, self.url) if where == "source" else (self.to, self.target)
        return {row[:2]: kind.seconds(row[2]) for row in kind.query(url, "SELECT name, version, created_at FROM models")}

    def active(self):
        return {(name, version): bool(active) for name, version, active in self.at_target("SELECT name, version, is_active FROM models")}

    def check_whole(self):
        """What is stored there is what the tree has, read back and decoded."""
        done = self.call([PROGRAM, "check", "--download", "-d", self.target, str(self.tree)])
        self.assertEqual(done.code, 0, done.all())


class Whole(CopyCase):
    def test_everything_arrives_as_it_is(self):
        self.query("UPDATE models SET created_at = '2020-02-29 12:34:56.654321' WHERE name = 'fixed'")
        self.query("UPDATE models SET is_active = false WHERE name = 'event1_regression'")
        result = self.copy()
        self.assertEqual(self.counts(result), (9, 0, 0, 0))
        self.assertEqual(self.told("target"), self.told("source"))
        self.assertEqual(self.created("target"), self.created("source"))
        summary = result.summary()
        self.assertEqual(summary["made_inactive"], 0)
        self.assertEqual(summary["stored_bytes"], self.query("SELECT CAST(sum(stored_bytes) AS bigint) FROM models")[0][0])
        self.query("UPDATE models SET is_active = true WHERE name = 'event1_regression'")
        self.check_whole()

    def test_times_that_are_not_known_stay_so(self):
        """And the first moment of 1970 is one that is known."""
        self.query("UPDATE models SET source_mtime = NULL WHERE name = 'event1_regression'")
        self.query("UPDATE models SET source_mtime = %s, created_at = %s WHERE name = 'event2_regression'", ("1970-01-01 00:00:00+00", "1970-01-01 00:00:00.000000"))
        self.assertEqual(self.copy().err.count("created_at"), 0)
        times = dict((name, rest) for name, *rest in self.at_target("SELECT name, source_mtime, created_at FROM models"))
        self.assertIsNone(times["event1_regression"][0])
        self.assertEqual([self.to.seconds(time) for time in times["event2_regression"]], [0, 0])

    def test_a_time_of_creation_that_cannot_be_held_is_told(self):
        odd = ["1600-01-01 00:00:00", "2300-01-01 00:00:00", "infinity" if self.kind is Postgres else 5]
        for i, time in enumerate(odd):
            self.query("UPDATE models SET created_at = %s, source_mtime = %s WHERE name = %s", (time, time, f"event{i}_regression"))
        result = self.copy()
        for i in range(len(odd)):
            self.assertRegex(result.err, f"event{i}_regression@1: its created_at is no time from 1677 to 2262")
        self.assertEqual(self.at_target("SELECT count(source_mtime) FROM models WHERE name LIKE 'event%%'", ()), [(1,)])
        for (name, _), time in self.created("target").items():
            self.assertAlmostEqual(time, datetime.datetime.now().timestamp(), delta=900)

    def test_again_nothing_is_copied(self):
        self.copy()
        before = self.told("target")
        self.assertEqual(self.counts(self.copy()), (0, 9, 0, 0))
        self.assertEqual(self.told("target"), before)

    def test_and_back(self):
        self.copy()
        before = self.told("source")
        result = self.call([PROGRAM, "copy", "--json", "--state-dir", str(self.base / "state3"), "--from", self.target, "--to", self.url])
        self.assertEqual((result.code, self.counts(result)), (0, (0, 9, 0, 0)), result.all())
        self.assertEqual(self.told("source"), before)

    def test_chunks_are_cut_anew(self):
        self.copy("--inline-limit", "1MiB")
        self.assertEqual(self.at_target("SELECT sum(chunk_count) FROM models"), [(0,)])
        self.query("DELETE FROM models")
        back = self.call([PROGRAM, "copy", "--json", "--state-dir", str(self.base / "state3"), "--from", self.target, "--to", self.url,
                          "--inline-limit", "1KiB"])
        self.assertEqual((back.code, self.counts(back)), (0, (9, 0, 0, 0)), back.all())
        self.assertEqual(self.query("SELECT sum(chunk_count) FROM models WHERE stored_bytes > 1024"), [(1,)])
        self.assertEqual(self.told("target"), self.told("source"))

    def test_text_names_both_stores(self):
        result = self.call([argument for argument in self.command("-v") if argument != "--json"])
        self.assertEqual(result.code, 0, result.all())
        self.assertIn("copied       fixed@3\n", result.out)
        self.assertRegex(result.out, r"(?m)^9 models \(.*\) copied from .* to .*; 0 were there, 0 conflict, 0 failed$")

    def test_a_small_batch_a_row(self):
        self.assertEqual(self.counts(self.copy("--batch-rows", "1")), (9, 0, 0, 0))
        self.assertEqual(self.told("target"), self.told("source"))


class Choice(CopyCase):
    def test_globs(self):
        self.assertEqual(self.counts(self.copy("event*", "fixed")), (6, 0, 0, 0))
        self.assertEqual(self.at_target("SELECT count(*) FROM models WHERE name NOT LIKE 'event%%' AND name <> 'fixed'", ()), [(0,)])

    def test_a_glob_that_matches_nothing_is_named(self):
        result = self.copy("event0*", "evnt*")
        self.assertEqual(self.counts(result), (1, 0, 0, 0))
        self.assertIn('has no model "evnt*"', result.err)

    def test_live_only(self):
        self.query("UPDATE models SET is_active = false WHERE name = 'event2_regression'")
        self.assertEqual(self.counts(self.copy("--live-only")), (7, 0, 0, 0))
        self.assertEqual(self.at_target("SELECT version FROM models WHERE name = 'fixed'"), [(3,)])
        self.assertEqual(self.at_target("SELECT version FROM models WHERE name = 'event2_regression'"), [])

    def test_dry_run_writes_nothing(self):
        self.copy("event0*")
        result = self.copy("-n", state="state4")
        self.assertEqual(self.counts(result), (8, 1, 0, 0))
        self.assertTrue(result.summary()["dry_run"])
        self.assertEqual(self.at_target("SELECT count(*) FROM models"), [(1,)])
        self.assertFalse((self.base / "state4").exists())

    def test_dry_run_without_tables(self):
        self.target = self.to.url(self.to.new(self))
        self.assertEqual(self.counts(self.copy("-n")), (9, 0, 0, 0))
        self.assertFalse(self.to.has_tables(self.target))

    def copy(self, *arguments, code=0, state="state2"):
        result = self.call(self.command(*arguments, state=state))
        self.assertEqual(result.code, code, result.all())
        return result


class Served(CopyCase):
    """What a name serves in the destination stays as it is."""

    def setUp(self):
        super().setUp()
        self.copy("fixed", "--live-only")
        self.at_target("UPDATE models SET version = 2 WHERE name = 'fixed'")

    def test_versions_of_a_name_that_is_there_come_inactive(self):
        result = self.copy()
        self.assertEqual(self.counts(result), (9, 0, 0, 0))
        self.assertEqual(result.summary()["made_inactive"], 2)
        self.assertEqual({key: active for key, active in self.active().items() if key[0] == "fixed"},
                         {("fixed", 1): False, ("fixed", 2): True, ("fixed", 3): False})
        self.assertTrue(all(active for (name, _), active in self.active().items() if name != "fixed"))

    def test_unless_they_are_asked_for(self):
        self.assertEqual(self.copy("--activate").summary()["made_inactive"], 0)
        self.assertTrue(all(self.active().values()))

    def test_a_later_version_too(self):
        self.copy("event0*")
        self.write("event0_regression.joblib", b"trained again " * 200)
        self.sync()
        self.assertEqual(self.copy("event0*").summary()["made_inactive"], 1)
        self.assertEqual([active for (name, _), active in sorted(self.active().items()) if name == "event0_regression"], [True, False])

    def test_a_copy_that_did_not_end_goes_on_as_it_began(self):
        """The highest versions are there, as after a kill."""
        self.write("event0_regression_v8.joblib", b"eight " * 200)
        self.write("event0_regression_v9.joblib", b"nine " * 200)
        self.sync()
        self.copy("event0*")
        self.at_target("DELETE FROM models WHERE name = 'event0_regression' AND version < 9")
        self.assertEqual(self.copy("event0*").summary()["made_inactive"], 0)
        self.assertEqual([active for (name, _), active in sorted(self.active().items()) if name == "event0_regression"], [True] * 3)

    def test_a_version_that_was_withdrawn_there_is_not_replaced(self):
        """The highest version came alone, and is what readers there are not to get: no lower one becomes live in its place."""
        self.at_target("UPDATE models SET version = 3, is_active = false WHERE name = 'fixed'")
        self.assertEqual(self.copy("fixed").summary()["made_inactive"], 1)
        self.assertEqual(sorted(self.active().items()), [(("fixed", 1), False), (("fixed", 3), False)])

    def test_damage_above_is_no_version_of_somebody_else(self):
        """After a kill: the highest version could not be copied, the next one was, the lowest was not yet."""
        self.write("event0_regression_v8.joblib", b"eight " * 200)
        self.write("event0_regression_v9.joblib", b"nine " * 200)
        self.sync()
        self.allow_damage()
        self.flip("event0_regression", 12, version=9)
        self.copy("event0*", code=3)
        self.at_target("DELETE FROM models WHERE name = 'event0_regression' AND version = 1")
        self.assertEqual(self.copy("event0*", code=3).summary()["made_inactive"], 0)
        self.assertEqual(sorted(active for (name, _), active in self.active().items() if name == "event0_regression"), [True] * 2)


class Many(CopyCase):
    def make_tree(self):
        self.write("fixed_v1102.joblib", b"the highest " * 50)

    def test_one_decision_for_all_versions_of_a_name(self):
        """More than are sent at once, and the destination refuses the highest."""
        columns = "model_type, event, content_sha256, raw_bytes, stored_sha256, stored_bytes, format, encoding, model_binary"
        self.query(f"""INSERT INTO models (name, version, is_active, {columns})
                       WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1101)
                       SELECT name, n, is_active, {columns} FROM models CROSS JOIN numbers WHERE name = 'fixed'""")
        self.at_target("ALTER TABLE models ADD CHECK (version <> 1102)")
        result = self.copy(code=3)
        self.assertEqual(self.counts(result), (1101, 0, 0, 1))
        self.assertEqual(result.summary()["made_inactive"], 0)
        self.assertEqual(set(self.active().values()), {True})


class Bad(CopyCase):
    def test_other_content_stays_and_is_a_conflict(self):
        self.copy("fixed")
        wrong = b"\x11" * 32
        self.at_target("UPDATE models SET content_sha256 = %s WHERE name = 'fixed' AND version = 3", (wrong,))
        before = self.at_target("SELECT encode(content_sha256, 'hex') FROM models WHERE name = 'fixed' ORDER BY version")
        result = self.copy(code=3)
        self.assertEqual(self.counts(result), (7, 1, 1, 0))
        self.assertIn("fixed@3", result.err)
        self.assertEqual(self.at_target("SELECT encode(content_sha256, 'hex') FROM models WHERE name = 'fixed' ORDER BY version"), before)

    def test_a_damaged_payload_costs_its_row_only(self):
        self.allow_damage()
        self.flip("event1_regression", 50)
        result = self.copy(code=3)
        self.assertEqual(self.counts(result), (8, 0, 0, 1))
        self.assertRegex(result.err, r"event1_regression@1: is damaged in the store that it comes from.*not copied")
        self.assertEqual(self.at_target("SELECT count(*) FROM models WHERE name = 'event1_regression'"), [(0,)])

    def test_rows_of_other_programs_get_digests(self):
        self.query("""UPDATE models SET content_sha256 = NULL, stored_sha256 = NULL, raw_bytes = NULL, stored_bytes = NULL, format = NULL, encoding = NULL
                       WHERE name = 'event1_regression'""")
        self.assertEqual(self.counts(self.copy()), (9, 0, 0, 0))
        payload = self.payload("event1_regression")
        told = self.at_target("SELECT encode(stored_sha256, 'hex'), encode(content_sha256, 'hex'), stored_bytes, format FROM models WHERE name = 'event1_regression'")
        self.assertEqual(told, [(digest(payload), digest(payload), len(payload), "file")])
        self.assertEqual(self.counts(self.copy()), (0, 9, 0, 0))

    def test_each_thing_that_is_recorded_must_be_so(self):
        """Also of a row of another program, which records only some."""
        unknown = {"content_sha256": None, "stored_sha256": None, "raw_bytes": None, "stored_bytes": None, "format": None, "encoding": None}
        self.allow_damage()
        for wrong in ({"stored_bytes": 5}, {"stored_bytes": 0}, {"stored_bytes": -5}, {"stored_sha256": b"\x11" * 32}, {"content_sha256": b"\x11" * 32},
                      {"chunk_count": 3}, {"chunk_count": 3, "stored_bytes": 0}):
            told = {**unknown, **wrong}
            with self.subTest(wrong):
                self.query(f"UPDATE models SET {', '.join(f'{column} = %s' for column in told)} WHERE name = 'event1_regression'", tuple(told.values()))
                self.assertEqual(self.counts(self.copy("event1*", code=3)), (0, 0, 0, 1))

    def test_a_payload_is_not_cut_to_what_its_row_says(self):
        """Not even where the digest is that of the cut one."""
        cut = 4 << 20
        data = random.Random(5).randbytes(cut + 100)
        self.query("INSERT INTO models (name, version, model_type, event, model_binary, stored_bytes, content_sha256) VALUES ('cut_model', 1, 'x', 'x', %s, %s, %s)",
                   (data, cut, bytes.fromhex(digest(data[:cut]))))
        self.assertEqual(self.counts(self.copy("cut*", code=3)), (0, 0, 0, 1))

    def test_compressed_rows_without_digests_are_not_copied(self):
        """Nothing tells whether they are whole, and the copy would record the digest of the damage."""
        self.query("UPDATE models SET raw_bytes = NULL, stored_sha256 = NULL WHERE name = 'event1_regression'")
        result = self.copy(code=3)
        self.assertEqual(self.counts(result), (8, 0, 0, 1))
        self.assertRegex(result.err, r"event1_regression@1: is compressed or a directory and records no digests")

    def test_rows_that_no_command_can_work_with_are_named(self):
        if self.kind is not Postgres:
            self.skipTest("version is no number from 0 to 2147483647 only in a table made by hand")
        self.query("ALTER TABLE models ALTER version DROP NOT NULL")
        self.query("UPDATE models SET version = NULL WHERE name = 'event1_regression'")
        result = self.copy()
        self.assertEqual(self.counts(result), (8, 0, 0, 0))
        self.assertIn("event1_regression", result.err)

    @contextlib.contextmanager
    def waiting(self, *arguments):
        """A copy that has listed the source and waits for somebody who has locked the destination."""
        holder = sqlite3.connect(self.target.removeprefix("sqlite:///"), isolation_level=None) if self.to is Sqlite else psycopg2.connect(self.target)
        with contextlib.closing(holder):
            holder.cursor().execute("BEGIN IMMEDIATE" if self.to is Sqlite else "LOCK TABLE models IN ACCESS EXCLUSIVE MODE")
            process = subprocess.Popen(self.command(*arguments), env=program_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE)
            self.addCleanup(self.reap, process)
            wait_until(lambda: list((self.base / "state2").glob("*/lock")))
            yield process

    def test_a_row_that_its_owner_changes_meanwhile_is_not_called_damaged(self):
        with self.waiting("event*") as process:
            self.query("DELETE FROM models WHERE name = 'event1_regression'")
            self.write("event1_regression.joblib", b"trained again " * 200)
            self.sync()
            self.query("DELETE FROM models WHERE name = 'event2_regression'")
        result = self.finish(process)
        self.assertEqual((result.code, self.counts(result)), (3, (2, 0, 0, 2)), result.all())
        self.assertRegex(result.err, r"event1_regression@1: was changed while it was copied; .*not copied")
        self.assertRegex(result.err, r"event2_regression@1: was removed while it was copied")
        self.assertNotIn("damaged", result.err)

    def test_a_reason_names_its_row_once(self):
        self.allow_damage()
        self.query("UPDATE models SET stored_bytes = 5 WHERE name = 'event1_regression'")
        result = self.copy(code=3)
        for line in result.lines():
            self.assertNotIn("event1_regression", line.get("reason") or "")
        self.assertEqual(result.err.count("event1_regression"), 1)

    def test_a_signal_ends_it(self):
        with self.waiting() as process:
            process.send_signal(signal.SIGINT)
            result = self.finish(process)
        self.assertEqual(result.code, 130, result.all())
        self.assertIn("the same command does the rest", result.err)
        self.copy()
        self.assertEqual(self.told("target"), self.told("source"))

    def test_two_at_once(self):
        running = [subprocess.Popen(self.command("--batch-rows", "2", state=f"own{i}"), env=program_environment(), stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE) for i in range(2)]
        results = [self.finish(process) for process in running]
        self.assertEqual([result.code for result in results], [0, 0], [result.all() for result in results])
        for result in results:
            copied, present, *bad = self.counts(result)
            self.assertEqual((copied + present, bad), (9, [0, 0]))
        self.assertEqual(self.told("target"), self.told("source"))

    def test_two_at_once_with_one_state_folder(self):
        self.copy("fixed")
        with open(next((self.base / "state2").glob("*/lock")), "r+") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            self.assertIn("another run", self.copy(code=11).err)

    def test_a_destination_without_tables(self):
        self.target = self.to.url(self.to.new(self))
        if self.to is Postgres:
            self.assertIn("db upgrade", self.copy(code=10).err)
            self.assertFalse(self.to.has_tables(self.target))
        self.assertEqual(self.counts(self.copy("--upgrade")), (9, 0, 0, 0))

    def test_a_store_into_itself(self):
        self.target = self.url
        for arguments in ([], ["-n"]):
            self.assertIn("both where to copy from and where to copy to", self.copy(*arguments, code=2).err)

    def test_a_store_into_itself_by_another_address(self):
        self.target = self.url
        if self.kind is Postgres:
            self.target = self.kind.url(self.query("SELECT current_database()")[0][0], host="127.0.0.1")
        else:
            file = self.url.removeprefix("sqlite:///")
            os.link(file, f"{file}.link.db")
            self.target = f"sqlite:///{file}.link.db"
        for arguments in ([], ["-n"]):
            self.assertIn("both where to copy from and where to copy to", self.copy(*arguments, code=2).err)

    def test_a_copy_of_a_file_is_another_store(self):
        if self.kind is not Sqlite or self.to is not Sqlite:
            self.skipTest("of files only")
        file = self.url.removeprefix("sqlite:///")
        shutil.copy(file, f"{file}.copy.db")
        self.target = f"sqlite:///{file}.copy.db"
        self.assertEqual(self.counts(self.copy()), (0, 9, 0, 0))

    def test_a_source_without_tables(self):
        self.url = self.url_of(self.new_database())
        self.copy(code=10)


class Memory(CopyCase):
    def make_tree(self):
        self.write("large_model.joblib", random.Random(3).randbytes(96 << 20))

    @unittest.skipIf(is_sanitized(), "its memory says nothing")
    def test_no_payload_is_held_whole(self):
        code, peak = peak_memory(self.command("--max-memory", "8MiB", "--inline-limit", "64MiB"))
        self.assertEqual(code, 0)
        self.assertLess(peak, 64) # a chunk of 16 MiB twice, what is allowed, and the program with its libraries
        self.assertEqual(self.told("target"), self.told("source"))


class Usage(unittest.TestCase):
    def setUp(self):
        self.call = LifeCase.call.__get__(self)

    def refused(self, code, *arguments):
        result = self.call([PROGRAM, "copy", *arguments], env=NO_LIBPQ)
        self.assertEqual((result.code, result.out), (code, ""), result.all())
        return result.err

    def test_both_are_named(self):
        for arguments in ([], ["--from", "host=a"], ["--to", "host=a"], ["host=a", "host=b"]):
            self.assertIn("copy needs --from and --to", self.refused(2, *arguments))
        self.assertIn("-d", self.refused(2, "-d", "host=a", "--to", "host=b"))

    def test_no_password_is_printed(self):
        for arguments in (["--from", "postgresql://u:geheim@127.0.0.1:1/x", "--to", "host=127.0.0.1 port=1"],
                          ["--to", "postgresql://u:geheim@127.0.0.1:1/x", "--from", "host=127.0.0.1 port=1"]):
            said = self.refused(5, *arguments, "--retries", "0")
            self.assertNotIn("geheim", said)
            self.assertIn("a password on the command line", said)


class Files(CopyCase):
    """A destination that is a file is made; a source that is one must be there."""

    to = Sqlite

    def setUp(self):
        super().setUp()
        self.file = self.base / "new.db"
        self.target = f"sqlite:///{self.file}"

    def test_the_destination_is_made(self):
        result = self.copy()
        self.assertEqual(self.counts(result), (9, 0, 0, 0))
        self.assertIn("is not there yet", result.err)
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.told("target"), self.told("source"))
        self.check_whole()

    def test_a_dry_run_makes_none(self):
        self.assertEqual(self.counts(self.copy("-n")), (9, 0, 0, 0))
        self.assertFalse(self.file.exists())

    def test_a_source_that_is_not_there(self):
        self.url, self.target = self.target, self.url
        self.assertIn("new.db is not there", self.copy(code=2).err)
        self.assertFalse(self.file.exists())

    def test_nothing_is_called_new_that_is_not_made(self):
        self.url = f"sqlite:///{self.base}/nope.db"
        self.assertNotIn("is new", self.copy(code=2).err)
        self.assertFalse(self.file.exists())

    def test_the_same_file_by_another_name(self):
        self.copy()
        (self.base / "other.db").symlink_to(self.file)
        self.url = f"sqlite:///{self.base}/other.db"
        self.assertIn("both where to copy from and where to copy to", self.copy(code=2).err)


def between(source, target, *cases):
    """The tests of this page from one kind of store to another."""
    for case in cases:
        name = f"{case.__name__}From{source.__name__}To{target.__name__}"
        globals()[name] = type(name, (case,), {"kind": source, "to": target, "__module__": __name__, "__doc__": case.__doc__})


between(Sqlite, Postgres, Whole, Choice, Served, Many, Bad, Memory)
between(Postgres, Sqlite, Whole, Choice, Served, Bad, Memory)
between(Sqlite, Sqlite, Whole, Bad)

if __name__ == "__main__":
    unittest.main()
