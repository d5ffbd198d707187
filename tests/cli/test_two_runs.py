"""Runs that meet or are cut off: the lock, and signals."""

import fcntl
import os
import re
import signal
import unittest

import psycopg2

from harness import CliCase, digest, wait_until
from stores import Postgres, on_both, only_on


@on_both
class Lock(CliCase):
    def setUp(self):
        super().setUp()
        self.write_some(2)

    def hold(self):
        self.sync()
        path = next(self.state.glob("*/lock"))
        file = open(path, "r+b")
        self.addCleanup(file.close)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return file

    def test_held_lock_is_exit_11_and_nothing_is_changed(self):
        file = self.hold()
        self.write("fresh_model.joblib", b"fresh" * 100)
        before, files = self.rows(), self.state_files()
        result = self.run_program()
        self.assertEqual(result.code, 11)
        self.assertIn("another run holds the lock", result.err)
        self.assertIn("hint: wait until it has ended", result.err)
        self.assertEqual((self.rows(), self.state_files()), (before, files))
        file.close()
        self.assertEqual(self.sync().summary()["new"], 1)

    def test_dry_run_needs_no_lock(self):
        self.hold()
        self.assertEqual(self.run_program("-n").code, 0)

    def test_lock_is_for_one_store(self):
        self.hold()
        self.url = self.url_of(self.new_database())
        self.assertEqual(self.sync().summary()["new"], 2)

    def test_lock_file_that_is_left_behind_is_no_lock(self):
        file = self.hold()
        file.write(b"4711 host 00000000-0000-7000-8000-000000000000 2020-01-01T00:00:00Z\n")
        file.close()
        self.assertEqual(self.run_program().code, 0)

    @only_on(Postgres, "it locks the table; test_sqlite locks the file")
    def test_second_run_names_the_first_and_does_not_disturb_it(self):
        self.sync("--include", "none")
        with psycopg2.connect(self.url) as connection, connection.cursor() as cursor:
            cursor.execute("LOCK TABLE models")
            first = self.spawn()
            wait_until(lambda: self.query("SELECT 1 FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'", (self.database,)))
            second = self.run_program()
            self.assertEqual(second.code, 11)
            self.assertIn(f"pid {first.pid} on {os.uname().nodename}", second.err)
        done = self.finish(first)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(len(self.stored()), 2)

    def test_two_runs_with_states_of_their_own_store_each_model_once(self):
        self.write_some(60)
        self.sync("--include", "none")
        first = self.spawn("--batch-rows", "1", "--jobs", "2")
        self.state = self.base / "state2"
        second = self.spawn("--batch-rows", "7", "--jobs", "2")
        for result in (self.finish(first), self.finish(second)):
            self.assertEqual(result.code, 0, result.err)
        self.assertEqual(len(self.stored()), 60)
        self.assertEqual(self.query("SELECT max(version) FROM models"), [(1,)])


@on_both
class Signals(CliCase):
    COUNT = 600

    def setUp(self):
        super().setUp()
        for i in range(self.COUNT):
            self.write(f"event{i:04d}_regression.joblib", b"%06d model " % i * 60)
        self.sync("--include", "none")

    def stored_count(self):
        return self.query("SELECT count(*) FROM models")[0][0]

    def check_whole(self):
        """Every row has the content of its file."""
        for name, content, raw in self.query("SELECT name, encode(content_sha256, 'hex'), raw_bytes FROM models"):
            data = (self.tree / f"{name}.joblib").read_bytes()
            self.assertEqual((content, raw), (digest(data), len(data)))

    def backed_up(self):
        """Names in all finished backups."""
        names = []
        for folder in self.backups():
            self.assertTrue((folder / "MANIFEST").exists(), folder)
            for path in folder.glob("part-*.csv"):
                names += re.findall(r'(?m)^"(event\d+_regression)"', path.read_text())
        return sorted(names)

    def interrupt(self, number, *arguments):
        process = self.spawn("--batch-rows", "1", "--jobs", "2", *arguments)
        wait_until(lambda: self.stored_count() >= 15)
        process.send_signal(number)
        result = self.finish(process)
        self.assertEqual(result.code, 128 + number, result.err)
        self.assertIn("run the same command again", result.err)
        count = self.stored_count()
        self.assertTrue(15 <= count < self.COUNT, count)
        self.check_whole()
        self.assertEqual(self.backed_up(), sorted(name for name, _ in self.stored()))
        return result, count

    def resume(self, count):
        """The same command does the rest, and only that."""
        summary = self.sync("--batch-rows", "100").summary()
        self.assertEqual((summary["new"], summary["unchanged"]), (self.COUNT - count, count))
        self.check_whole()
        self.assertEqual(self.backed_up(), sorted(name for name, _ in self.stored()))
        self.assertEqual(len(self.stored()), self.COUNT)
        return summary

    def test_sigterm_leaves_a_good_part_and_the_next_run_does_the_rest(self):
        result, count = self.interrupt(signal.SIGTERM)
        self.assertRegex(result.out, rf"\n  new +{count}  ")
        self.assertRegex(result.out, rf"\n  not done +{self.COUNT - count}  ")
        summary = self.resume(count)
        rest = sum((self.tree / f"{name}.joblib").stat().st_size for name, in self.query(
            "SELECT name FROM models WHERE run_id::text = %s", (summary["run_id"],)))
        self.assertEqual(summary["read_bytes"], rest, "what was stored before is known by the journal")

    def test_sigint_is_in_the_json_summary_and_the_record_of_the_run(self):
        result, count = self.interrupt(signal.SIGINT, "--json")
        self.assertEqual((result.summary()["exit_code"], result.summary()["new"]), (130, count))
        self.assertEqual(self.query("SELECT exit_code, new_count FROM model_runs"), [(130, count)])
        self.resume(count)

    def test_what_the_parent_ignores_stays_ignored(self):
        """nohup, and trap '' INT"""
        def ignore():
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        process = self.spawn("--batch-rows", "1", "--jobs", "2", preexec_fn=ignore)
        wait_until(lambda: self.stored_count() >= 15)
        for _ in range(2):
            process.send_signal(signal.SIGHUP)
            process.send_signal(signal.SIGINT)
        self.assertLess(self.stored_count(), self.COUNT)
        result = self.finish(process)
        self.assertEqual((result.code, self.stored_count()), (0, self.COUNT), result.err)
        self.assertNotIn("signal", result.err)

    def test_other_signals_are_taken_where_one_is_ignored(self):
        process = self.spawn("--batch-rows", "1", "--jobs", "2", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        wait_until(lambda: self.stored_count() >= 15)
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.finish(process).code, 143)
        self.resume(self.stored_count())

    def test_signal_while_the_store_is_away_ends_the_run(self):
        process = self.spawn("-v", "--retries", "1000", url="postgresql://u@127.0.0.1:1/db")
        self.assertIn(b"trying again", process.stderr.readline() + process.stderr.readline())
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.finish(process, timeout=10).code, 143)

    def signalled_while_locked(self, signals, *arguments):
        """The result of a run that waits for a lock on the table and gets signals."""
        with psycopg2.connect(self.url) as connection, connection.cursor() as cursor:
            cursor.execute("LOCK TABLE models")
            process = self.spawn(*arguments)
            wait_until(lambda: self.query("SELECT 1 FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'", (self.database,)))
            process.send_signal(signal.SIGTERM)
            self.assertIn(b"again to end at once", process.stderr.readline())
            for _ in range(signals - 1):
                process.send_signal(signal.SIGTERM)
            result = self.finish(process, timeout=15)
        self.assertEqual(result.code, 143, result.err)
        self.assertEqual(self.stored_count(), 0)
        return result

    @only_on(Postgres, "it locks the table; test_sqlite locks the file")
    def test_signal_ends_a_wait_for_a_lock(self):
        result = self.signalled_while_locked(1, "--lock-timeout", "90s", "--timeout", "90s")
        self.assertIn("run the same command again", result.err)
        self.assertEqual(self.sync().summary()["new"], self.COUNT)

    @only_on(Postgres, "it locks the table; test_sqlite locks the file")
    def test_second_signal_ends_the_run_at_once(self):
        self.signalled_while_locked(2)
        self.assertEqual(self.sync().summary()["new"], self.COUNT)


if __name__ == "__main__":
    unittest.main()
