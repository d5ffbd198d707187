"""Running it again: what is unchanged is left alone, whatever became of the journal; what changed becomes a version."""

import os
import shutil
import subprocess
import unittest
import zlib

from harness import admin, PROGRAM, CliCase, digest
from stores import Postgres, on_both, only_on


def opened(trace):
    """Paths of all open calls that succeeded, of an strace log."""
    return [line.split('"')[1] for line in trace.read_text().splitlines() if '"' in line and "= -1" not in line]


@on_both
class NoOp(CliCase):
    def setUp(self):
        super().setUp()
        self.copy_samples()
        self.first = self.sync()

    def traced(self, *arguments):
        """run under strace: the result, and which files of the tree were opened."""
        log = self.base / "trace"
        command = ["strace", "-f", "-qq", "-e", "trace=open,openat,openat2", "-o", log, PROGRAM, "run", "--json", "--state-dir", self.state,
                   "-d", self.url, *arguments, self.tree]
        env = {"ASAN_OPTIONS": "detect_leaks=0"}  # the leak check cannot be traced
        result = self.call(command, env=env)
        self.assertEqual(result.code, 0, result.err)
        files = {path.name for path in self.tree.rglob("*") if path.is_file() and path.name != ".samples"}
        return result, {path for path in opened(log) if os.path.basename(path) in files}

    def test_unchanged_tree_stores_nothing(self):
        rows, files, journal = self.rows(), self.state_files(), self.journal().read_bytes()
        result = self.sync()
        summary = result.summary()
        self.assertEqual((summary["new"], summary["unchanged"]), (0, self.first.summary()["new"]))
        self.assertEqual((summary["backup"], summary["raw_bytes"], summary["stored_bytes"], summary["read_bytes"]), (None, 0, 0, 0))
        self.assertEqual(self.rows(), rows)
        self.assertEqual(self.state_files(), files)
        self.assertEqual(self.journal().read_bytes(), journal)
        self.assertEqual(self.query("SELECT count(*) FROM model_runs"), [(1,)])

    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    def test_unchanged_tree_opens_no_model_file(self):
        _, files = self.traced()
        self.assertEqual(files, set())

    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    def test_checksum_opens_every_model_file(self):
        result, files = self.traced("--checksum")
        wanted = {path.name for path in self.tree.rglob("*") if path.is_file() and path.name != ".samples"}
        self.assertEqual({os.path.basename(path) for path in files}, wanted)
        self.assertEqual((result.summary()["new"], result.summary()["unchanged"]), (0, self.first.summary()["new"]))

    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    def test_one_new_file_is_the_only_one_opened(self):
        self.write("fresh_model.joblib", b"fresh" * 1000)
        result, files = self.traced()
        self.assertEqual({os.path.basename(path) for path in files}, {"fresh_model.joblib"})
        self.assertEqual(result.summary()["new"], 1)


class Narrower(CliCase):
    """What a run was not told to look at is not gone: the journal keeps it, and forgets what is."""

    COUNT = 1100  # more than the lines that a journal may have for nothing

    def setUp(self):
        super().setUp()
        for i in range(self.COUNT):
            self.write(f"{'left' if i % 2 else 'right'}/m{i}_model.joblib", f"model {i}")
        self.settle()
        self.sync("--backup", "none")

    def check_nothing_is_read(self):
        summary = self.sync().summary()
        self.assertEqual((summary["new"], summary["read_bytes"]), (0, 0))

    def known(self):
        return {line.rsplit("\t", 1)[1] for line in self.journal().read_text().splitlines()[1:] if line[9] in "fd"}

    def test_runs_that_look_at_less(self):
        mapping = self.base / "map.csv"
        mapping.write_text("path,name\nleft/m1_model.joblib,left/m1_model\n")
        for words in (["--include", "m1_model.joblib"], ["--exclude", "left/*"], ["--pattern", "*.pkl"], ["-L"], ["--map", mapping]):
            for _ in range(2):
                self.sync("--backup", "none", *words)
            with self.subTest(words=words):
                self.check_nothing_is_read()
        for folder in ("left", "right"):
            self.sync("--backup", "none", "--no-activate", tree=self.tree / folder)
        self.check_nothing_is_read()

    def test_the_journal_stays_bounded(self):
        """Whatever happens again and again: two lines for each model and a thousand more."""
        for round_number in range(5):
            for path in sorted(self.tree.rglob("*.joblib"))[:700]:
                path.write_bytes(f"round {round_number} {path.name}".encode())
            self.settle()
            self.sync("--backup", "none")
            self.sync("--backup", "none", "--include", "m1_model.joblib")
        self.assertLess(len(self.journal().read_text().splitlines()), 2 * self.COUNT + 1750)
        self.check_nothing_is_read()

    def make_history(self):
        line = next(line for line in self.journal().read_text().splitlines(keepends=True) if line[9] == "f")
        with open(self.journal(), "a") as journal:
            journal.write(line * (3 * self.COUNT))

    def test_what_is_gone_is_forgotten(self):
        shutil.rmtree(self.tree / "left")
        (self.tree / "right" / "m0_model.joblib").unlink()
        self.make_history()
        self.sync("--backup", "none", "--include", "m2_model.joblib")
        self.assertEqual(len(self.known()), self.COUNT // 2 - 1)
        self.assertFalse(any("/left/" in path for path in self.known()))

    def test_a_file_system_that_is_not_mounted_is_not_gone(self):
        """The records name another device than the empty folder is on."""
        journal = self.journal()
        lines = journal.read_text().splitlines()
        for i, line in enumerate(lines[1:], 1):
            fields = line[9:].split("\t")
            if fields[0] == "f":
                fields[1] = "987654"
                body = "\t".join(fields)
                lines[i] = f"{zlib.crc32(body.encode()):08x} {body}"
        journal.write_text("\n".join(lines) + "\n")
        aside = self.base / "aside"
        self.tree.rename(aside)
        self.tree.mkdir()
        elsewhere = self.base / "elsewhere"
        elsewhere.mkdir()
        self.make_history()
        self.sync("--backup", "none", tree=elsewhere)
        self.assertEqual(len(self.known()), self.COUNT)
        self.tree.rmdir()
        aside.rename(self.tree)
        self.check_nothing_is_read()


@on_both
class Journal(CliCase):
    def setUp(self):
        super().setUp()
        self.write_some(6)
        self.settle()
        self.sync()
        self.before = self.rows()

    def check_same(self, read):
        """Nothing new; all was read, or nothing."""
        summary = self.sync().summary()
        self.assertEqual((summary["new"], summary["unchanged"]), (0, 6))
        self.assertEqual(summary["read_bytes"] > 0, read)
        self.assertEqual(self.rows(), self.before)
        self.assertEqual(len(self.backups()), 1)

    def test_without_the_journal_the_files_are_read_and_it_is_made_again(self):
        self.journal().unlink()
        self.check_same(read=True)
        self.check_same(read=False)

    def test_without_any_state_the_files_are_read(self):
        shutil.rmtree(self.state)
        summary = self.sync().summary()
        self.assertEqual((summary["new"], summary["unchanged"], self.rows()), (0, 6, self.before))
        self.assertEqual(self.backups(), [])

    def test_garbage_is_set_aside(self):
        journal = self.journal()
        journal.write_bytes(os.urandom(5000))
        self.check_same(read=True)
        self.check_same(read=False)
        self.assertTrue(journal.with_name("journal.unknown").exists())

    def test_garbage_lines_are_no_lines(self):
        journal = self.journal()
        first, rest = journal.read_bytes().split(b"\n", 1)
        journal.write_bytes(first + b"\n" + b"\0\xff garbage\n" * 100 + rest + b"torn lin")
        self.check_same(read=False)

    def test_any_torn_tail_is_dropped(self):
        whole = self.journal().read_bytes()
        for cut in range(0, len(whole), max(1, len(whole) // 7)):
            with self.subTest(cut=cut):
                self.journal().write_bytes(whole[:cut])
                self.check_same(read=True)

    def test_flipped_bit_costs_one_read(self):
        data = bytearray(self.journal().read_bytes())
        data[-40] ^= 1
        self.journal().write_bytes(data)
        self.check_same(read=True)

    def test_journal_of_rows_that_the_store_lost(self):
        self.query("DELETE FROM models WHERE name < 'event3'")
        summary = self.sync().summary()
        self.assertEqual((summary["new"], summary["unchanged"]), (3, 3))
        self.assertEqual([row[:7] for row in self.rows()[0]], [row[:7] for row in self.before[0]])

    def test_journal_of_another_store(self):
        other = self.url_of(self.new_database())
        self.call([PROGRAM, "run", "--upgrade", "--state-dir", self.state, "-d", other, self.base / "nothing"])
        ours = self.journal().read_bytes()
        empty = self.base / "empty"
        empty.mkdir()
        self.assertEqual(self.call([PROGRAM, "run", "--upgrade", "--state-dir", self.state, "-d", other, empty]).code, 0)
        for journal in self.state.glob("*/journal"):
            journal.write_bytes(ours)
        result = self.call([PROGRAM, "run", "--json", "--state-dir", self.state, "-d", other, self.tree])
        self.assertEqual(result.summary()["new"], 6)

    @only_on(Postgres, "databases are renamed; test_sqlite moves files")
    def test_another_store_under_the_same_address(self):
        """Its journal goes aside, told once; and comes back when the store does."""
        other = self.new_database()
        for database, name in ((self.database, "aside_for_a_while"), (other, self.database)):
            self.rename(database, name)
        result = self.sync("-v")
        self.assertEqual((result.summary()["new"], result.summary()["read_bytes"] > 0), (6, True))
        self.assertEqual(result.err.count("another store has this address now"), 1, result.err)
        self.assertNotIn("another store", self.sync().err)
        self.rename(self.database, other)
        self.rename("aside_for_a_while", self.database)
        summary = self.sync().summary()
        self.assertEqual((summary["new"], summary["read_bytes"]), (0, 0))

    def rename(self, database, name):
        admin(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")
        admin(f'ALTER DATABASE "{database}" RENAME TO "{name}"')

    def test_dry_run_does_not_believe_the_journal_of_another_store(self):
        journal = self.journal()
        lines = journal.read_text().splitlines(keepends=True)
        at = next(i for i, line in enumerate(lines) if line[9] == "s")
        fields = lines[at][9:].rstrip("\n").split("\t")
        fields[9] = "00000000-0000-0000-0000-000000000000"
        body = "\t".join(fields)
        lines[at] = f"{zlib.crc32(body.encode()):08x} {body}\n"
        journal.write_text("".join(lines))
        before = journal.read_bytes()
        self.assertGreater(self.sync("-n").summary()["read_bytes"], 0)
        self.assertEqual(journal.read_bytes(), before)

    def test_journal_that_knows_the_path_but_other_content(self):
        """The store has other content under the name than the journal says: the file decides."""
        self.query("UPDATE models SET model_binary = %s, stored_sha256 = sha256('x'), content_sha256 = sha256('x') WHERE name = 'event0_regression'", (b"x",))
        summary = self.sync().summary()
        self.assertEqual((summary["new"], summary["unchanged"]), (1, 5))
        self.assertEqual(self.stored()[("event0_regression", 2)][0], digest((self.tree / "event0_regression.joblib").read_bytes()))


class Mounted(CliCase):
    """A container mounts the same tree at each start, and gives its file system another number."""

    def mount(self, kind, options, folder):
        if subprocess.run(["mount", "-t", kind, "-o", options, "none", folder], capture_output=True, check=False).returncode != 0:
            self.skipTest("no right to mount, or no overlay file system")
        self.addCleanup(subprocess.run, ["umount", "-l", folder], capture_output=True, check=False)

    def test_unchanged_tree_is_not_read_after_a_remount(self):
        parts, other = self.base / "parts", self.base / "other"
        parts.mkdir()
        other.mkdir()
        self.mount("tmpfs", "size=1m", parts)
        for name in "lower", "upper", "work":
            (parts / name).mkdir()
        tree, self.tree = self.tree, parts / "lower"
        self.write_some(3)
        self.tree = tree
        self.settle()
        overlay = f"lowerdir={parts}/lower,upperdir={parts}/upper,workdir={parts}/work"
        self.mount("overlay", overlay, tree)
        first = os.stat(tree).st_dev
        self.sync()
        subprocess.run(["umount", tree], check=True)
        self.mount("tmpfs", "size=1m", other)  # takes the number
        self.mount("overlay", overlay, tree)
        if os.stat(tree).st_dev == first:
            self.skipTest("the number of the file system is the same")
        summary = self.sync().summary()
        self.assertEqual((summary["new"], summary["unchanged"], summary["read_bytes"]), (0, 3, 0))


@on_both
class Changes(CliCase):
    def setUp(self):
        super().setUp()
        self.files = self.write_some(4)
        self.fixed = self.write("pinned_v5.joblib", b"pinned" * 500)
        self.settle()
        self.sync()

    def test_touched_file_is_unchanged_and_then_not_read_again(self):
        os.utime(self.files[0], ns=(1_600_000_000_123_456_789, 1_600_000_000_123_456_789))
        self.settle()
        summary = self.sync().summary()
        self.assertEqual((summary["new"], summary["unchanged"]), (0, 5))
        self.assertEqual(summary["read_bytes"], self.files[0].stat().st_size)
        self.assertEqual(self.sync().summary()["read_bytes"], 0)
        self.assertEqual(self.query("SELECT count(*) FROM model_runs"), [(1,)])
        self.assertEqual(len(self.backups()), 1)

    def test_retrained_file_becomes_version_2_once(self):
        self.files[0].write_bytes(b"retrained" * 400)
        for _ in range(3):
            self.sync()
        stored = self.stored()
        self.assertEqual(stored[("event0_regression", 2)], (digest(b"retrained" * 400), True))
        self.assertEqual(len(stored), 6)
        self.assertEqual(self.query("SELECT version FROM latest_models WHERE name = 'event0_regression'"), [(2,)])

    def test_same_size_and_time_but_other_content_is_seen(self):
        path, stat = self.files[0], self.files[0].stat()
        path.write_bytes(path.read_bytes()[::-1])
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        self.assertEqual(self.sync().summary()["new"], 1)

    def test_file_replaced_by_rename_is_seen(self):
        path, stat = self.files[0], self.files[0].stat()
        other = self.base / "other"
        other.write_bytes(path.read_bytes()[::-1])
        os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        os.replace(other, path)
        self.assertEqual(self.sync().summary()["new"], 1)

    def test_content_that_comes_back_is_its_old_version(self):
        old = self.files[0].read_bytes()
        self.files[0].write_bytes(b"retrained" * 400)
        self.sync()
        self.files[0].write_bytes(old)
        for status, words in (("returned", "has the content of event0_regression@1 again"), ("unchanged", "and the store has a newer event0_regression@2")):
            result = self.sync() # read, and then known by the journal
            model = result.models()["event0_regression.joblib"]
            self.assertEqual((model["version"], model["status"]), (1, status))
            self.assertIn(words, model["reason"])
            self.assertIn(words, result.err)
        self.assertEqual(len(self.stored()), 6)
        self.files[0].rename(self.tree / "event0_regression_v3.joblib")
        self.assertEqual(self.sync().summary()["new"], 1)
        self.assertEqual(self.query("SELECT version FROM latest_models WHERE name = 'event0_regression'"), [(3,)])

    def test_older_content_beside_a_newer_source_is_no_news(self):
        """The tree itself has the newer version under its own name."""
        self.write("event0_regression_v2.joblib", b"second" * 300)
        for _ in range(2):
            result = self.sync()
            self.assertEqual((result.models()["event0_regression.joblib"]["version"], result.err), (1, ""))

    def test_changed_explicit_version_is_a_conflict(self):
        before = self.rows()
        self.fixed.write_bytes(b"other" * 500)
        result = self.sync(code=3)
        line = result.models()["pinned_v5.joblib"]
        self.assertEqual(line["status"], "conflict")
        self.assertIn("pinned@5 is stored with other content", line["reason"])
        self.assertIn("pinned@5 is stored with other content", result.err)
        self.assertEqual(self.rows(), before)
        self.assertEqual(result.summary()["conflict"], 1)
        self.assertEqual(self.backups(), [self.backup()])

    def test_conflict_does_not_keep_the_others(self):
        self.fixed.write_bytes(b"other" * 500)
        self.write("fresh_model.joblib", b"fresh" * 500)
        result = self.sync(code=3)
        self.assertEqual((result.summary()["new"], result.summary()["conflict"]), (1, 1))
        self.assertIn(("fresh_model", 1), self.stored())

    def test_on_change_skip_leaves_the_store(self):
        before = self.rows()
        self.files[0].write_bytes(b"retrained" * 400)
        result = self.sync("--on-change", "skip")
        line = result.models()["event0_regression.joblib"]
        self.assertEqual(line["status"], "skipped")
        self.assertIn("content changed", line["reason"])
        self.assertEqual(self.rows(), before)

    def test_on_change_fail_is_exit_3(self):
        before = self.rows()
        self.files[0].write_bytes(b"retrained" * 400)
        result = self.sync("--on-change", "fail", code=3)
        self.assertEqual(result.models()["event0_regression.joblib"]["status"], "conflict")
        self.assertEqual(self.rows(), before)

    def test_on_change_does_not_concern_new_names(self):
        self.write("fresh_model.joblib", b"fresh" * 500)
        self.assertEqual(self.sync("--on-change", "fail").summary()["new"], 1)

    def test_no_activate_stores_inactive_rows(self):
        self.files[0].write_bytes(b"retrained" * 400)
        self.sync("--no-activate")
        self.assertFalse(self.stored()[("event0_regression", 2)][1])
        self.assertTrue(self.stored()[("event0_regression", 1)][1])
        self.assertEqual(self.query("SELECT version FROM latest_models WHERE name = 'event0_regression'"), [(1,)])

    def test_deleted_file_keeps_its_row(self):
        before = self.rows()
        self.files[0].unlink()
        self.assertEqual(self.sync().summary()["unchanged"], 4)
        self.assertEqual(self.rows(), before)

    def test_same_content_under_another_name_is_a_row_of_its_own(self):
        shutil.copy(self.files[0], self.tree / "twin_regression.joblib")
        summary = self.sync().summary()
        self.assertEqual((summary["new"], summary["unchanged"], summary["duplicate"]), (1, 5, 1))
        self.assertEqual(self.stored()[("twin_regression", 1)][0], self.stored()[("event0_regression", 1)][0])


@on_both
class DryRun(CliCase):
    COUNTS = ["new", "unchanged", "duplicate", "conflict", "failed", "skipped", "raw_bytes", "stored_bytes"]

    def setUp(self):
        super().setUp()
        self.copy_samples()
        self.temp = self.base / "tmp"
        self.temp.mkdir()

    def plan(self, *arguments, code=0):
        result = self.run_program("-n", "--json", *arguments, env={"TMPDIR": str(self.temp)})
        self.assertEqual(result.code, code, result.err)
        self.assertTrue(result.summary()["dry_run"])
        return result

    def counts(self, result):
        return {key: result.summary()[key] for key in self.COUNTS}

    def test_before_any_table_it_plans_what_the_run_then_does(self):
        plan = self.plan()
        done = self.sync()
        self.assertGreater(plan.summary()["stored_bytes"], 0)
        self.assertEqual(self.counts(plan), self.counts(done))
        keys = ["name", "version", "status", "raw_bytes", "stored_bytes", "content_sha256"]
        self.assertEqual({path: [line[k] for k in keys] for path, line in plan.models().items()},
                         {path: [line[k] for k in keys] for path, line in done.models().items()})

    def test_before_any_table_it_writes_nothing_anywhere(self):
        tree = sorted((str(p), p.lstat().st_mtime_ns, p.lstat().st_ctime_ns) for p in self.tree.rglob("*"))
        self.plan("--upgrade", "--max-memory", "8MiB")
        self.assertFalse(self.has_tables())
        self.assertFalse(self.kind.has_schemas(self.url))
        self.assertFalse(self.state.exists())
        self.assertEqual(list(self.temp.iterdir()), [])
        self.assertEqual(sorted(p.name for p in self.base.iterdir()), ["models", "tmp"])
        self.assertEqual(sorted((str(p), p.lstat().st_mtime_ns, p.lstat().st_ctime_ns) for p in self.tree.rglob("*")), tree)

    def test_text_says_that_the_tables_are_missing(self):
        result = self.run_program("-n")
        self.assertEqual(result.code, 0, result.err)
        self.assertIn("the tables are not there yet", result.out)
        self.assertIn("nothing was written", result.out)
        self.assertIn("dividend_reports_and_estimates_regression@1", result.out)

    def test_after_a_run_it_finds_nothing_to_do_and_writes_nothing(self):
        self.sync()
        rows, files, journal = self.rows(), self.state_files(), self.journal().read_bytes()
        plan = self.plan()
        self.assertEqual((plan.summary()["new"], plan.summary()["unchanged"], plan.summary()["read_bytes"]), (0, 23, 0))
        self.assertEqual((self.rows(), self.state_files(), self.journal().read_bytes()), (rows, files, journal))
        self.assertEqual(self.query("SELECT count(*) FROM model_runs"), [(1,)])

    def test_of_changes_it_plans_what_the_run_then_does(self):
        self.sync()
        self.write("management_changes_model_v3.joblib", b"conflict" * 100)
        self.write("partnerships_regression.joblib", b"retrained" * 100)
        self.write("fresh_model.joblib", b"fresh" * 100)
        self.write("zero.joblib", b"")
        shutil.copy(self.tree / "fresh_model.joblib", self.tree / "twin_model.joblib")
        rows = self.rows()
        plan = self.plan(code=3)
        self.assertEqual(self.rows(), rows)
        done = self.sync(code=3)
        self.assertEqual(self.counts(plan), self.counts(done))
        self.assertEqual((plan.summary()["new"], plan.summary()["conflict"], plan.summary()["failed"]), (3, 1, 1))

    def test_works_without_the_right_to_write_the_state_folder(self):
        self.state.mkdir(mode=0o555)
        self.assertEqual(self.plan().summary()["new"], 23)
        self.assertEqual(list(self.state.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
