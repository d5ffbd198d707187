"""restore: the rows of a backup back into a store, as often as one likes; and the same by psql alone, as docs/restore.md tells."""

import fcntl
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import unittest

import psycopg2

import story
from harness import PROGRAM, digest, is_sanitized, peak_memory, program_environment, wait_until
from life import LifeCase
from stores import on_both

MIB = 1024 * 1024
BERTOPIC = "bertopic_model_0a1b2c3d"


class RestoreCase(LifeCase):
    """A store with rows of all kinds, its backup, and a second, empty store."""

    options = ["--jobs", "2", "--inline-limit", "8KiB"]

    def setUp(self):
        super().setUp()
        self.make_tree()
        self.sync(*self.options)
        self.target = self.url_of(self.new_database())
        self.assertEqual(self.db("upgrade", url=self.target).code, 0)

    def make_tree(self):
        self.write_some(6)
        self.write("fixed_v3.joblib", b'the "third", \\. ' * 50)
        self.write("a/blank %41 caf\u00e9_model.joblib", b"caf\xc3\xa9 " * 50)
        self.write("chunked_model.joblib", os.urandom(20000))
        self.write(f"{BERTOPIC}/topics.json", b"{}" * 100)
        self.query("CREATE TABLE IF NOT EXISTS unrelated (x integer)")

    def command(self, *arguments, url=None):
        return [PROGRAM, "restore", "--json", "--state-dir", str(self.base / "state2"), "-d", url or self.target, *map(str, arguments)]

    def restore(self, *arguments, code=0, **options):
        result = self.call(self.command(*(arguments or (self.backup(),))), **options)
        self.assertEqual(result.code, code, result.all())
        return result

    def counts(self, result):
        """The summary; the lines of the rows say the same."""
        summary = result.summary()
        said = [line["status"] for line in result.lines() if line["type"] == "model"]
        for key in ("restored", "present", "conflict", "unconfirmed", "failed"):
            self.assertEqual(said.count(key), summary[key], key)
        return tuple(summary[key] for key in ("restored", "present", "conflict", "failed"))

    def target_rows(self):
        return self.query("SELECT count(*) FROM models", url=self.target)[0][0], self.query("SELECT count(*) FROM model_chunks", url=self.target)[0][0]

    def seal(self, folder):
        """A MANIFEST that fits what the folder holds."""
        lines = (folder / "MANIFEST").read_text().splitlines()[:3]
        for path in sorted(folder.glob("*.csv")):
            data = path.read_bytes()
            lines.append(f"{digest(data)}  {len(data)}  {max(0, data.count(bytes([10])) - 1)}  {path.name}")
        body = "".join(f"{line}\n" for line in lines)
        (folder / "MANIFEST").write_text(f"{body}manifest sha256 {hashlib.sha256(body.encode()).hexdigest()}\n")

    def copy_of_backup(self):
        folder = self.base / "copy" / self.backup().name
        shutil.rmtree(folder.parent, ignore_errors=True)
        shutil.copytree(self.backup(), folder)
        return folder


@on_both
class Same(RestoreCase):
    def test_rows_are_the_originals_and_twice_is_nothing(self):
        self.assertEqual(self.counts(self.restore()), (10, 0, 0, 0))
        self.assertEqual(self.rows(self.target), self.rows())
        self.assertEqual(self.query("SELECT count(*) FROM model_chunks")[0][0], 1)
        self.assertEqual(self.counts(self.restore()), (0, 10, 0, 0))
        self.assertEqual(self.rows(self.target), self.rows())
        self.assertEqual(self.call([PROGRAM, "check", "--download", "-d", self.target, self.tree]).code, 0)
        result = self.call([PROGRAM, "run", "--json", "--state-dir", self.base / "state3", "-d", self.target, self.tree])
        self.assertEqual((result.summary()["new"], result.summary()["unchanged"]), (0, 10))

    def test_text(self):
        out = self.call([PROGRAM, "restore", "--state-dir", self.base / "s", "-d", self.target, self.backup()]).out
        self.assertIn("10 rows restored from 1 backups", out)

    def test_only_what_is_missing(self):
        self.restore()
        self.query("DELETE FROM models WHERE name IN ('event1_regression', 'chunked_model')", url=self.target)
        self.assertEqual(self.counts(self.restore()), (2, 8, 0, 0))
        self.assertEqual(self.rows(self.target), self.rows())

    def test_other_content_stays_and_is_a_conflict(self):
        self.query("INSERT INTO models (name, version, model_type, event, model_binary) VALUES ('event1_regression', 1, 'regression', 'event1', %s)", (b"mine",),
                   url=self.target)
        result = self.restore(code=3)
        self.assertEqual(self.counts(result), (9, 0, 1, 0))
        self.assertIn("event1_regression@1", result.err)
        self.assertEqual([bytes(data) for data, in self.query("SELECT model_binary FROM models WHERE name = 'event1_regression'", url=self.target)], [b"mine"])

    def test_same_content_without_digests_is_there(self):
        data = (self.tree / "event1_regression.joblib").read_bytes()
        self.query("INSERT INTO models (name, version, model_type, event, model_binary) VALUES ('event1_regression', 1, 'regression', 'event1', %s)", (data,),
                   url=self.target)
        self.assertEqual(self.counts(self.restore()), (9, 1, 0, 0))

    def test_small_batches_and_little_memory(self):
        self.restore(self.backup(), "--batch-rows", "1", "--max-memory", "8MiB")
        self.assertEqual(self.rows(self.target), self.rows())

    def test_large_payloads_in_chunks(self):
        self.write("huge_model.joblib", os.urandom(17 * MIB))
        self.sync("--inline-limit", "8KiB")
        self.restore(self.backups()[0].parent, "--max-memory", "8MiB")
        self.assertEqual(self.rows(self.target), self.rows())

    def test_several_backups(self):
        self.write("event1_regression.joblib", b"retrained " * 100)
        self.write("later_model.joblib", b"later " * 100)
        self.settle()
        self.sync()
        (self.backups()[0].parent / "notes.txt").write_text("not a backup")
        (self.backups()[0].parent / "empty").mkdir()
        result = self.restore(self.backups()[0].parent)
        self.assertEqual((self.counts(result), result.summary()["backups"]), ((12, 0, 0, 0), 2))
        self.assertEqual(self.rows(self.target), self.rows())
        self.assertEqual(result.err, "")

    def test_same_row_in_two_backups(self):
        shutil.copytree(self.backup(), self.base / "both" / "one")
        shutil.copytree(self.backup(), self.base / "both" / "two")
        self.assertEqual(self.counts(self.restore(self.base / "both")), (10, 10, 0, 0))
        self.assertEqual(self.rows(self.target), self.rows())


@unittest.skipIf(is_sanitized(), "the memory of such a build says nothing")
class LittleMemory(RestoreCase):
    """A payload that is much larger than what restore may use goes through it in pieces."""

    options, pieces = [], 0

    def make_tree(self):
        self.write("huge_model.joblib", os.urandom(96 * MIB))

    def test_peak(self):
        self.assertEqual(self.query("SELECT count(*) FROM model_chunks"), [(self.pieces,)])
        code, peak = peak_memory(self.command(self.backup(), "--max-memory", "8MiB"))
        self.assertEqual(code, 0)
        self.assertEqual(self.rows(self.target), self.rows())
        print(f"restore: a payload of 96 MiB in {self.pieces or 1} pieces with --max-memory 8MiB: peak {peak:.0f} MiB", flush=True)
        self.assertGreater(peak, 4)
        self.assertLess(peak, 8 + 24)  # what is allowed, and the program with its libraries


class LittleMemoryForChunks(LittleMemory):
    options, pieces = ["--inline-limit", "8KiB"], 6


class Refused(RestoreCase):
    """A backup that is not whole: the place is named, and nothing of it is stored."""

    def check_refused(self, folder, *words, code=1, rows=(0, 0)):
        result = self.restore(folder, code=code)
        for word in words:
            self.assertIn(str(word), result.err)
        self.assertEqual(self.target_rows(), rows)

    def test_manifest(self):
        folder = self.copy_of_backup()
        path = folder / "MANIFEST"
        text = path.read_text()
        for change in (text[:-10], text.replace("mode full", "mode meta"), text.replace("part-0.csv", "part-9.csv"), "", text + "x", text.replace("  1", "  2", 1),
                       re.sub(r"run .*", "run 0198c0de-0000-7000-8000-000000000001", text), text.replace("backup 1", "backup 2")):
            self.assertNotEqual(change, text)
            path.write_text(change)
            self.check_refused(folder, path)
        self.check_refused(self.base, code=2)
        self.check_refused(self.base / "nothing", code=2)
        self.check_refused(self.tree / "fixed_v3.joblib", code=2)

    def test_part_cut_edited_missing_or_too_many(self):
        digits_of_payload = re.compile(rb"\\x[0-9a-f]{100}")
        for name in ("part-", "chunks-"):
            folder = self.copy_of_backup()
            # A worker that had nothing but chunked models has no payload in its part.
            path = next(p for p in sorted(folder.iterdir()) if p.name.startswith(name) and digits_of_payload.search(p.read_bytes()))
            data = path.read_bytes()
            digits = digits_of_payload.search(data).start() + 50
            flipped = bytearray(data)
            flipped[digits] = ord("0") if flipped[digits] != ord("0") else ord("1")
            for change in (data[:-1], data[: len(data) // 2], data + data.splitlines(keepends=True)[-1], bytes(flipped), b""):
                path.write_bytes(change)
                self.check_refused(folder, path.name)
            path.unlink()
            self.check_refused(folder, path.name)
        folder = self.copy_of_backup()
        (folder / "part-7.csv").write_text("a")
        self.check_refused(folder, "part-7.csv")

    def test_edited_by_somebody_who_made_a_new_manifest(self):
        """The rows prove themselves."""
        folder = self.copy_of_backup()
        for path in folder.glob("part-*.csv"):
            text = path.read_text()
            path.write_text(re.sub(r'("event1_regression",.*?\\x1f8b.{60})(.)', lambda m: m[1] + ("0" if m[2] != "0" else "1"), text))
        self.seal(folder)
        result = self.restore(folder, code=1)
        self.assertRegex(result.err, r"part-\d.csv: row \d+: the payload is not the one of stored_sha256")
        self.assertEqual(self.query("SELECT count(*) FROM models WHERE name = 'event1_regression'", url=self.target), [(0,)])

    def test_chunk_missing_or_edited_under_a_new_manifest(self):
        folder = self.copy_of_backup()
        path = next(folder.glob("chunks-*.csv"))
        text = path.read_text()
        for change in (text.splitlines(keepends=True)[0], re.sub(r"(\\x.{50})(.)", lambda m: m[1] + ("0" if m[2] != "0" else "1"), text, count=1)):
            path.write_text(change)
            self.seal(folder)
            result = self.restore(folder, code=1)
            self.assertRegex(result.err, r"(part|chunks)-\d.csv: row \d+: ")
            self.assertEqual(self.query("SELECT count(*) FROM models WHERE name = 'chunked_model'", url=self.target), [(0,)])

    def test_manifest_that_counts_other_rows(self):
        folder = self.copy_of_backup()
        path = folder / "MANIFEST"
        lines = path.read_text().splitlines()
        at = next(i for i, line in enumerate(lines) if line.endswith(".csv"))
        sha256, size, rows, name = lines[at].split("  ")
        lines[at] = f"{sha256}  {size}  {int(rows) + 4}  {name}"
        body = "".join(f"{line}\n" for line in lines[:-1])
        path.write_text(f"{body}manifest sha256 {hashlib.sha256(body.encode()).hexdigest()}\n")
        result = self.restore(folder, code=1)
        self.assertIn(f"{name}: has {rows} rows, the MANIFEST says {int(rows) + 4}", result.err)
        self.assertEqual(self.target_rows(), (0, 0))

    def test_rows_that_are_none_under_a_new_manifest(self):
        original = next(path for path in sorted(self.backup().glob("part-*.csv")) if path.read_text().count("\n") > 2)
        lines = original.read_text().splitlines(keepends=True)
        swaps = [(f",{v},", f",{w},") for v, w in (("1", "x"), ("1", "-1"), ("1", "99999999999"))]
        for old, new in [*swaps, ('"\\x', '"x'), ("+00:00", "+02:00"), (",t,", ",,"), ("regression", "regression\",\"more")]:
            folder = self.copy_of_backup()
            if old not in lines[1]:
                continue
            (folder / original.name).write_text("".join([lines[0], lines[1].replace(old, new, 1), *lines[2:]]))
            self.seal(folder)
            with self.subTest(new):
                result = self.restore(folder, code=1)
                self.assertIn(f"{original.name}: row 2: ", result.err)
        folder = self.copy_of_backup()
        (folder / original.name).write_text("".join([lines[0].replace(",run_id", ""), *lines[1:]]))
        self.seal(folder)
        self.assertIn("row 1: ", self.restore(folder, code=1).err)

    def test_backup_without_payloads_refuses_the_whole_folder_before_a_row(self):
        self.write("later_model.joblib", b"later " * 100)
        self.sync("--backup", "meta")
        meta = self.backups()[1]
        self.check_refused(meta, "no payloads", meta)
        self.check_refused(meta.parent, "no payloads", meta)
        self.assertIn("no payloads", self.restore(meta.parent, "--batch-rows", "1", code=1).err)
        self.assertEqual(self.target_rows(), (0, 0))
        self.restore(self.backups()[0])

    def test_bad_one_among_several_refuses_before_a_row(self):
        self.write("later_model.joblib", b"later " * 100)
        self.sync()
        last = self.backups()[1]
        part = next(last.glob("part-*.csv"))
        part.write_bytes(part.read_bytes()[:-5])
        self.assertIn(str(part), self.restore(last.parent, "--batch-rows", "1", code=1).err)
        self.assertEqual(self.target_rows(), (0, 0))

    def test_no_schema_store_away_lock_and_read_only(self):
        empty = self.url_of(self.new_database())
        self.assertEqual(self.call(self.command(self.backup(), url=empty)).code, 10)
        self.assertEqual(self.call(self.command(self.backup(), "--retries", "0", url=f"host={self.base} port=5 dbname=x user=y")).code, 5)
        self.assertEqual(self.call(self.command(self.backup(), url=f"{self.target} options='-c default_transaction_read_only=on'")).code, 1)
        self.assertEqual(self.target_rows(), (0, 0))
        self.restore()
        with open(next((self.base / "state2").glob("*/lock")), "r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.restore(code=11)
        self.assertEqual(self.call(self.command()).code, 2)


@on_both
class Killed(RestoreCase):
    """Backups of runs that were killed: what is whole in them comes back, unless the store has something else by now."""

    def unfinished(self, **note):
        """A copy of the backup without its MANIFEST, its last line torn."""
        folder = self.copy_of_backup()
        (folder / "MANIFEST").unlink()
        for path in [*folder.glob("part-*.csv"), *folder.glob("chunks-*.csv")]:
            path.write_bytes(path.read_bytes() + b'"torn_model",1,"mod')
        lines = (folder / "STORE").read_text().splitlines()
        words = dict(line.split(" ") for line in lines[1:])
        (folder / "STORE").write_text("\n".join([lines[0], *(f"{key} {value}" for key, value in (words | note).items())]) + "\n")
        return folder

    def unconfirmed(self, result):
        return result.summary()["unconfirmed"]

    def store_others(self, *names):
        for name in names:
            self.query("INSERT INTO models (name, version, model_type, event, model_binary) VALUES (%s, 1, 'regression', 'e', %s)", (name, b"mine"), url=self.target)

    def edit(self, folder, pattern, change):
        for path in folder.glob(pattern):
            path.write_text(change(path.read_text()))

    def test_without_manifest(self):
        folder = self.unfinished()
        for restored in (10, 0):
            result = self.restore(folder)
            self.assertEqual(self.counts(result), (restored, 10 - restored, 0, 0))
        self.assertNotIn("MANIFEST", result.err)
        self.assertEqual(self.rows(self.target), self.rows())
        self.assertIn("\nended no\n", (folder / "MANIFEST").read_text())
        self.assertFalse(any(b"torn" in path.read_bytes() for path in folder.glob("*.csv")))

    def test_it_is_told(self):
        self.assertIn("had no MANIFEST", self.restore(self.unfinished()).err)

    def test_among_others(self):
        folder = self.unfinished()
        result = self.restore(folder.parent)
        self.assertEqual((self.counts(result), result.summary()["backups"]), ((10, 0, 0, 0), 1))

    def test_other_content_is_unconfirmed(self):
        folder = self.unfinished()
        self.store_others("event1_regression", "chunked_model")
        result = self.restore(folder)
        self.assertEqual((self.counts(result), self.unconfirmed(result)), ((8, 0, 0, 0), 2))
        for name in ("event1_regression@1: unconfirmed", "chunked_model@1: unconfirmed"):
            self.assertIn(name, result.err)
        self.assertEqual(self.query("SELECT count(*) FROM models WHERE model_binary = %s", (b"mine",), url=self.target), [(2,)])
        result = self.restore(folder)
        self.assertEqual((self.counts(result), self.unconfirmed(result)), ((0, 8, 0, 0), 2))

    def test_content_under_another_version_is_there(self):
        folder = self.unfinished()
        self.restore()
        self.query("DELETE FROM models WHERE name = 'chunked_model'", url=self.target)
        self.query("UPDATE models SET version = 7 WHERE name = 'event1_regression'", url=self.target)
        self.assertEqual(self.counts(self.restore(folder)), (1, 9, 0, 0))
        self.assertEqual(self.counts(self.restore()), (1, 9, 0, 0)) # a run that ended had both

    def test_rows_that_are_not_whole(self):
        """Written, but not all of their pages, or not all of their pieces."""
        folder = self.unfinished()
        self.edit(folder, "chunks-*.csv", lambda text: text.splitlines(keepends=True)[0])
        self.edit(folder, "part-*.csv", lambda text: re.sub(r'("event1_regression",1,.*?"\\x)........', r"\g<1>zzzzzzzz", text))
        self.edit(folder, "part-*.csv", lambda text: text.replace('"event2_regression",1,', '"event2_regression",one,'))
        result = self.restore(folder)
        self.assertEqual((self.counts(result), self.unconfirmed(result)), ((7, 0, 0, 0), 3), result.all())
        self.assertEqual(result.err.count("cannot have committed it"), 3, result.err)

    def test_finished_run_overrules_a_killed_one(self):
        """The killed run read what was retrained before the next run: its rows were never committed."""
        killed = self.unfinished()
        self.edit(killed, "part-*.csv", lambda text: text.replace(self.backup().name, "00000000-0000-7000-8000-000000000000"))
        older = killed.with_name("00000000-0000-7000-8000-000000000000")
        killed.rename(older)
        self.write("event1_regression.joblib", b"retrained " * 100)
        self.query("DELETE FROM models WHERE name = 'event1_regression'")
        self.settle()
        self.sync()
        result = self.restore(older.parent, self.backups()[1])
        self.assertEqual(self.unconfirmed(result), 1, result.all())
        self.assertEqual(result.code, 0)
        wanted = {row[:2]: row[5] for row in self.rows()[0]}
        self.assertEqual({row[:2]: row[5] for row in self.rows(self.target)[0]}, wanted)

    def test_run_at_work(self):
        folder = self.unfinished()
        with open(folder / "STORE", "r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assertIn("still at work", self.restore(folder, code=1).err)
            self.assertIn("still at work", self.restore(folder.parent, code=2).err)
        self.assertFalse((folder / "MANIFEST").exists())

    def test_of_another_host(self):
        folder = self.unfinished(host="elsewhere")
        result = self.restore(folder.parent, code=2)
        self.assertIn("another host", result.err)
        self.assertFalse((folder / "MANIFEST").exists())
        self.assertEqual(self.counts(self.restore(folder)), (10, 0, 0, 0))


@on_both
class Several(RestoreCase):
    def setUp(self):
        super().setUp()
        self.write("event1_regression.joblib", b"retrained " * 100)
        self.settle()
        self.sync()

    def test_each_by_its_name_in_the_order_of_time(self):
        first, second = self.backups()
        for folders in ([second, first], [second, first, second], [first.parent, second], [f"{first.parent}/", first.parent]):
            with self.subTest(folders=folders):
                self.query("DELETE FROM models", url=self.target)
                result = self.restore(*folders)
                self.assertEqual((self.counts(result), result.summary()["backups"]), ((11, 0, 0, 0), 2))
                self.assertEqual(self.rows(self.target), self.rows())

    def test_of_two_state_folders(self):
        aside = self.base / "host-b" / "backups"
        aside.mkdir(parents=True)
        shutil.move(self.backups()[1], aside)
        result = self.restore(self.backups()[0].parent, aside)
        self.assertEqual(self.counts(result), (11, 0, 0, 0))
        self.assertEqual(self.rows(self.target), self.rows())

    def test_of_two_stores(self):
        other = self.url_of(self.new_database())
        result = self.call([PROGRAM, "run", "--upgrade", "-q", "--state-dir", self.state, "-d", other, self.tree])
        self.assertEqual(result.code, 0, result.err)
        folders = sorted(self.state.glob("*/backups"))
        self.assertEqual(len(folders), 2)
        self.assertIn("several stores", self.restore(*folders, code=2).err)
        self.assertEqual(self.target_rows(), (0, 0))

    def test_one_that_is_not_there(self):
        self.assertIn("nowhere", self.restore(self.backups()[0], self.base / "nowhere", code=2).err)
        self.assertEqual(self.target_rows(), (0, 0))


class TableSaysNo(RestoreCase):
    def test_row_that_a_check_refuses_is_alone(self):
        self.query("ALTER TABLE models ADD CHECK (name NOT IN ('event2_regression', 'chunked_model'))", url=self.target)
        result = self.restore(code=3)
        self.assertEqual(self.counts(result), (8, 0, 0, 2))
        for name in ("event2_regression", "chunked_model"):
            self.assertIn(name, result.err)
        self.assertEqual({name for name, in self.query("SELECT name FROM models", url=self.target)},
                         {name for name, in self.query("SELECT name FROM models")} - {"event2_regression", "chunked_model"})
        self.assertEqual(self.counts(self.restore(code=3)), (0, 8, 0, 2))

    def test_unique_index_of_the_users_own(self):
        self.query("CREATE UNIQUE INDEX ON models (model_type) WHERE model_type = 'regression' AND event <> 'fixed_v3'", url=self.target)
        result = self.restore(code=3)
        restored, present, conflict, failed = self.counts(result)
        self.assertEqual((present, conflict, restored + failed), (0, 0, 10), result.all())
        self.assertEqual(self.query("SELECT count(*) FROM models WHERE model_type = 'regression' AND event <> 'fixed_v3'", url=self.target), [(1,)])


class Interrupted(RestoreCase):
    def make_tree(self):
        for i in range(200):
            self.write(f"m{i:03d}_model.joblib", random.Random(i).randbytes(20000))

    def setUp(self):
        super().setUp()
        self.watcher = psycopg2.connect(self.target)
        self.addCleanup(self.watcher.close)
        self.watcher.autocommit = True

    def ask(self, sql):
        with self.watcher.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0]

    def test_killed_again_and_again(self):
        backup, rounds = self.backup(), 0
        for rounds in range(40):
            process = subprocess.Popen(self.command(backup, "--batch-rows", "2"), env=program_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            before = self.ask("SELECT count(*) FROM models")
            try:
                wait_until(lambda: self.ask("SELECT count(*) FROM models") > before or process.poll() is not None)
            finally:
                process.kill()
            result = self.finish(process)
            self.assertIn(result.code, (0, -signal.SIGKILL), result.err)
            if result.code == 0:
                break
        self.assertGreater(rounds, 1)
        restored, present, *others = self.counts(self.restore())  # a slow build may need more rounds
        self.assertEqual((restored + present, others), (200, [0, 0]))
        self.assertEqual(self.counts(self.restore()), (0, 200, 0, 0))
        self.assertEqual(self.rows(self.target), self.rows())

    def test_sessions_ended_again_and_again(self):
        process = subprocess.Popen(self.command(self.backup(), "--batch-rows", "2"), env=program_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        ended = 0
        while process.poll() is None and ended < 4:
            if self.ask("SELECT count(*) FROM models") > 20 * ended:
                ended += self.ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        result = self.finish(process)
        self.assertEqual(result.code, 0, result.err)
        self.assertGreater(ended, 0)
        self.assertEqual(self.rows(self.target), self.rows())
        self.assertEqual(result.summary()["failed"] + result.summary()["conflict"], 0)


class PsqlAlone(RestoreCase):
    """The commands of docs/restore.md, word for word, in a folder of a backup."""

    def blocks(self):
        return [block.text for block in story.blocks("docs/restore.md") if "MANIFEST" in block.text or "\\copy" in block.text]

    def shell(self, script, folder):
        environment = dict(os.environ, PATH=f"{os.environ['PG_BIN']}:{os.environ['PATH']}", MIGRATE_MODELS_DATABASE_URL=self.target)
        done = subprocess.run(["bash", "-e"], input=script.encode(), cwd=folder, env=environment, capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done.stdout.decode()

    def for_each(self, script, folder):
        """The lines for part-0.csv and chunks-0.csv, for every file that is there."""
        lines = script.splitlines()
        return "\n".join(line.replace(f"{kind}-0.csv", path.name) for kind in ("part", "chunks") for line in lines if f"{kind}-0.csv" in line
                         for path in sorted(folder.glob(f"{kind}-*.csv")))

    def test_check_and_copy_into_empty_tables(self):
        check, empty, *_ = self.blocks()
        folder = self.backup()
        check = "\n".join(check.splitlines()[1:])  # without the cd
        told = self.shell(check, folder)
        files = len(list(folder.glob("*.csv")))
        self.assertEqual(re.findall(r": (\w+)", told), ["OK"] * (files + 1), told)
        self.shell(self.for_each(empty, folder), folder)
        self.assertEqual(self.rows(self.target), self.rows())

    def test_check_finds_damage(self):
        folder = self.copy_of_backup()
        check = "\n".join(self.blocks()[0].splitlines()[1:])
        path = next(folder.glob("part-*.csv"))
        path.write_bytes(path.read_bytes()[:-1])
        done = subprocess.run(["bash"], input=check.encode(), cwd=folder, capture_output=True, check=False)
        self.assertIn(f"{path.name}: FAILED", done.stdout.decode())

    def run_for_each_part(self, block, folder):
        for part in sorted(folder.glob("part-*.csv")):
            script = block.replace("part-0.csv", part.name)
            line = next(line for line in script.splitlines() if "chunks-0.csv" in line)
            self.shell(script.replace(line, "\n".join(line.replace("chunks-0.csv", path.name) for path in sorted(folder.glob("chunks-*.csv")))), folder)

    def test_backup_of_a_killed_run(self):
        """As restore does it: a row that is not whole, one of other content, one whose content is there under another version."""
        self.restore()
        whole = self.rows(self.target)
        folder = self.copy_of_backup()
        for path in folder.glob("part-*.csv"):
            path.write_text(re.sub(r'("event3_regression",1,.*?\\x1f8b.{60})....', r"\g<1>abcd", path.read_text()))
        for path in folder.glob("chunks-*.csv"):
            path.write_text(path.read_text().splitlines(keepends=True)[0])
        self.query("DELETE FROM models WHERE name IN ('event0_regression', 'event3_regression', 'chunked_model')", url=self.target)
        self.query("UPDATE models SET version = 5 WHERE name = 'event1_regression'", url=self.target)
        self.query("UPDATE models SET content_sha256 = sha256('mine') WHERE name = 'event2_regression'", url=self.target)
        self.run_for_each_part(self.blocks()[3], folder)
        self.assertEqual(self.query("SELECT version FROM models WHERE name = 'event1_regression'", url=self.target), [(5,)])
        self.assertEqual(self.query("SELECT content_sha256 = sha256('mine') FROM models WHERE name = 'event2_regression'", url=self.target), [(True,)])
        changed = {"event1_regression", "event2_regression", "event3_regression", "chunked_model"}
        rest = lambda rows: [row for row in rows[0] if row[0] not in changed]
        self.assertEqual(rest(self.rows(self.target)), rest(whole))
        self.assertEqual(self.query("SELECT count(*) FROM models", url=self.target), [(8,)])

    def test_into_tables_that_have_some(self):
        self.restore()
        self.query("DELETE FROM models WHERE name IN ('event1_regression', 'chunked_model')", url=self.target)
        self.query("UPDATE models SET event = 'mine' WHERE name = 'event2_regression'", url=self.target)
        self.run_for_each_part(self.blocks()[2], self.backup())
        self.query("UPDATE models SET event = 'event2' WHERE event = 'mine'", url=self.target)
        self.assertEqual(self.rows(self.target), self.rows())


if __name__ == "__main__":
    unittest.main()
