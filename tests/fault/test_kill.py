"""kill -9 at every durable step: the next run of the same command must end in the state of an uninterrupted run.

KILLS is the number of kills (default 500). They come in chains: the run that puts things right is killed as well, up to three times.
"""

import collections
import os
import random
import shutil
import signal
import time
import unittest

from fault import LONG, FaultCase, Postgres, is_commit, on_both, only_on, wait_until

KILLS = int(os.environ.get("KILLS", "500"))
SEED = int(os.environ.get("FAULT_SEED", "1"))
CHAIN = 3  # kills before a run may end


@on_both
class KillTest(FaultCase):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.kills = 0
        self.points = collections.Counter()
        self.lost = self.doubled = 0

    def kill_at(self, at, how):
        result = self.run_faulty("--upgrade", op="any", at=at, do=how)
        if result.code == -9:
            self.kills += 1
            self.points[f"{how} {self.fired()}"] += 1
        else:
            self.assertEqual(result.code, 3, result.all())
        self.check_moment()

    def kill_by_timer(self, seconds):
        process = self.start_faulty()
        time.sleep(seconds)
        process.kill()
        result = self.finish(process)
        self.kills += result.code == -9
        self.points["timer"] += result.code == -9
        self.check_moment()

    def check_moment(self):
        self.check_backup_before_store()
        self.check_journal_after_store()

    def finish_chain(self, told):
        with self.subTest(kills=told):
            self.check_end()
            names = [row[:2] for row in self.snapshot()[0]]
            self.lost += len({row[:2] for row in self.reference[0]} - set(names))
            self.doubled += len(names) - len(set(names))

    def test_every_step(self):
        self.reset()
        started = time.monotonic()
        run_seconds = time.monotonic()
        steps = self.count("--upgrade")["any"]
        run_seconds = time.monotonic() - run_seconds
        self.assertGreater(steps, 100)
        order = []
        wanted = KILLS if self.kind is Postgres else max(12, KILLS // 3)
        while self.kills < wanted:
            if not order: # each step before and after, in an order that mixes them; then again
                order = [(n, how) for n in range(1, steps + 1) for how in ("kill", "kill-after")]
                self.random.shuffle(order)
            self.reset()
            at, how = order.pop()
            told = [(at, how)]
            self.kill_at(at, how)
            for _ in range(self.random.randrange(CHAIN)):
                if self.random.random() < 0.15:
                    told.append(("timer", self.random.uniform(0, run_seconds)))
                    self.kill_by_timer(told[-1][1])
                else:
                    told.append((self.random.randint(1, steps), self.random.choice(["kill", "kill-after"])))
                    self.kill_at(*told[-1])
            self.finish_chain(told)
        print(f"kill: {self.kills} kills at {len(self.points)} distinct points in {time.monotonic() - started:.0f} s; "
              f"lost rows: {self.lost}, duplicates: {self.doubled}", flush=True)

    @only_on(Postgres, "it is about what is sent to a server")
    def test_order_of_every_batch(self):
        """Backup rows synced, then COMMIT, then the journal written and synced, as the kernel sees it."""
        self.reset()
        self.run_faulty(trace=self.trace_file)
        open_files = collections.defaultdict(set)  # thread: backup files that are written and not synced
        journal = {}                               # thread: what the journal owes after a COMMIT of rows
        commits = appends = 0
        has_rows = collections.Counter()
        for thread, kind, path, data in self.trace():
            if kind == "write" and path.endswith(".csv"):
                open_files[thread].add(path)
            elif kind == "sync" and path.endswith(".csv"):
                open_files[thread].discard(path)
            elif kind == "send" and data.startswith("d"):
                has_rows[thread] += 1
            elif is_commit(kind, data) and has_rows[thread]:
                commits += 1
                has_rows[thread] = 0
                self.assertEqual(open_files[thread], set(), "COMMIT before the backup is synced")
                self.assertNotEqual(journal.get(thread), "owed", "COMMIT twice without a journal record between")
                journal[thread] = "owed"
            elif kind == "write" and path.endswith("/journal") and "journal" not in data:
                self.assertEqual(journal.get(thread, "owed"), "owed", "a journal record before the COMMIT")
                journal[thread] = "written"
            elif kind == "sync" and path.endswith("/journal") and journal.get(thread) == "written":
                journal[thread] = "synced"
                appends += 1
        self.assertGreaterEqual(commits, 3)
        self.assertGreaterEqual(appends, commits)
        self.assertEqual({state for state in journal.values()}, {"synced"})

    @only_on(Postgres, "it is about what is sent to a server")
    def test_commit_that_outlives_its_client(self):
        """The server may still be at COMMIT when the next run looks: that run must not take the rows for lost."""
        self.ask("""CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END';
                    CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON models DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW WHEN (NEW.name = 'alpha_classifier_binary') EXECUTE FUNCTION slowly()""")
        self.reset()
        self.run_faulty(trace=self.trace_file)
        sends = [data for _, kind, _, data in self.trace() if kind == "send"]
        commits = [n for n, data in enumerate(sends, 1) if is_commit("send", data)]
        for at in commits:
            self.reset()
            self.run_faulty(op="send", at=at, do="kill-after")
            with self.subTest(at=at):
                self.check_end()

    @only_on(Postgres, "it is about what is sent to a server")
    def test_lost_answer_of_a_slow_commit(self):
        """The same inside one run: the session dies after COMMIT was sent, and the server has not ended it yet."""
        self.ask("""CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END';
                    CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON models DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW WHEN (NEW.name = 'alpha_classifier_binary') EXECUTE FUNCTION slowly()""")
        self.reset()
        self.run_faulty("--jobs", "1", trace=self.trace_file)
        sends = [data for _, kind, _, data in self.trace() if kind == "send"]
        commits = [n for n, data in enumerate(sends, 1) if is_commit("send", data)]
        self.assertGreaterEqual(len(commits), 4)
        for at in commits:
            self.reset()
            result = self.run_faulty("--jobs", "1", op="send", at=at, do="cut")
            with self.subTest(at=at):
                self.assertEqual(result.code, 3, result.all())
                self.check_reported(result)
                self.check_reference()
                self.check_no_op()

    @only_on(Postgres, "it is about what is sent to a server")
    def test_session_cut_in_the_middle_of_a_batch(self):
        """The rows that went out are not committed: they go out of the backup as well, and are stored by the next try."""
        self.reset()
        self.run_faulty(trace=self.trace_file)
        sends = [data for _, kind, _, data in self.trace() if kind == "send"]
        rows = [n for n, data in enumerate(sends, 1) if data[:1] in "dc"]
        self.assertGreaterEqual(len(rows), 8)
        for at in rows[:: 1 if LONG else 2]:
            self.reset()
            result = self.run_faulty(op="send", at=at, do="cut")
            with self.subTest(at=at):
                self.assertEqual(result.code, 3, result.all())
                self.check_reported(result)
                self.check_reference()
                self.check_no_op()

    def state_contents(self):
        return {path: path.read_bytes() for path in self.state.rglob("*") if path.is_file()}

    def leave_unfinished(self, *arguments):
        """A run that is killed when the rows of its second batch are in the backup, and before they are committed."""
        self.run_faulty(*arguments, "--jobs", "1", op="sync", at=2, do="kill", path="part-0.csv")
        self.assertTrue(self.backup_rows(complete=False))

    def test_dry_run_leaves_what_a_killed_run_left(self):
        self.reset()
        self.leave_unfinished()
        before = self.state_contents()
        self.assertEqual(self.run_faulty("-n").code, 3)
        self.assertEqual(self.state_contents(), before)
        self.check_end()

    def test_backup_folder_of_two_stores(self):
        """The runs into one store put right what their own runs left, and nothing else."""
        shared = ["--backup-dir", self.state / "shared" / "backups"]
        self.reset()
        self.leave_unfinished(*shared)
        before = self.state_contents()
        other = self.url_of(self.new_database())
        self.assertEqual(self.db("upgrade", url=other).code, 0)
        result = self.call([*self.command(*shared), "-d", other])
        self.assertEqual(result.code, 3, result.all())
        for path, data in before.items():
            self.assertEqual(path.read_bytes(), data, path)
        shutil.rmtree(self.state / "shared" / "backups" / result.summary()["run_id"])
        self.options = [*self.options, *shared]
        self.check_end()

    def test_backup_folder_of_a_run_at_work(self):
        """Two hosts share it: the one that begins does not put right what the other is at."""
        shared = ["--backup-dir", self.state / "shared" / "backups"]
        empty = self.base / "empty"
        empty.mkdir()
        self.reset()
        process = self.start_faulty(*shared, op="sync", at=1, do="stop", path="part-0.csv")
        self.addCleanup(self.reap, process)
        wait_until(self.fired_file.exists)
        result = self.call([*self.command(*shared)[:-1], "--state-dir", self.base / "other", "--lock-timeout", "1s", "--retries", "0", empty])
        process.send_signal(signal.SIGCONT)
        self.assertEqual(result.code, 0, result.all())
        result = self.finish(process)
        self.assertEqual(result.code, 3, result.all())
        self.check_reference()


if __name__ == "__main__":
    unittest.main()
