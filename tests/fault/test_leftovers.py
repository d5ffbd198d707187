"""What a killed run left in its backup may be the only copy of a model: only a torn line is cut, and restore asks the store for the rest. And a backup
folder that several runs share: nobody touches what another run, or another host, is just making."""

import shutil
import signal
import subprocess
import unittest

from fault import PROGRAM, FaultCase, is_commit, preloaded, program_environment, wait_until

COMMITTED, UNCOMMITTED = 6, 3  # rows of the killed run: two batches, and one that waits for its COMMIT


class LeftoverCase(FaultCase):
    fsync = "on"

    def setUp(self):
        super().setUp()
        self.commits = self.find_commits()

    def find_commits(self):
        """Which sends of a run are COMMITs. The first is that of the record of the run."""
        self.reset()
        self.run_faulty("--jobs", "1", trace=self.trace_file)
        sends = [data for _, kind, _, data in self.trace() if kind == "send"]
        self.reset()
        return [n for n, data in enumerate(sends, 1) if is_commit("send", data)]

    def kill_run(self):
        """A run that is killed before its third COMMIT of models. Returns its backup folder."""
        for at in self.commits:
            self.reset()
            result = self.run_faulty("--jobs", "1", op="send", at=at, do="kill")
            self.assertEqual(result.code, -9, result.all())
            if len(self.store_rows()) == COMMITTED and sum(self.backup_rows(complete=False).values()) == COMMITTED + UNCOMMITTED:
                self.wait_for_server()
                return self.backup()
        self.fail("no such COMMIT")

    def wait_for_server(self):
        wait_until(lambda: self.ask("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()") == [(0,)])

    def clean_up(self):
        """The sources of the rows that are stored go. Returns how many there were before and after."""
        plan = self.base / "plan.csv"
        plan.unlink(missing_ok=True)
        before = self.sources()
        for words in (["--plan", plan], ["--apply", plan, "--yes"]):
            result = self.call([PROGRAM, "cleanup", *words, "--state-dir", self.state, "-d", self.url, self.tree])
            self.assertIn(result.code, (0, 3), result.all())
        return before, self.sources()

    def sources(self):
        return {path.relative_to(self.tree) for path in self.tree.rglob("*") if path.is_file()}

    def make_store_anew(self):
        """The database is dropped and made anew, but for two rows of another program: it is another store under the same address."""
        self.ask("DROP TABLE model_chunks, models, model_runs, migrate_models_revisions, store_identity, model_digests, model_aliases, model_events CASCADE")
        self.assertEqual(self.db("upgrade").code, 0)
        self.insert_others()

    def insert_others(self):
        state = self.base / "state-aside"
        shutil.move(self.state, state)
        self.reset()
        shutil.move(state, self.state)

    def restore(self, folder, code=0):
        result = self.call([PROGRAM, "restore", "--json", "--state-dir", self.state, "-d", self.url, folder])
        self.assertEqual(result.code, code, result.all())
        return result

    def keys(self, table="models"):
        return set(self.ask(f"SELECT name, version FROM {table} WHERE run_id IS NOT NULL"))

    def contents(self, folder):
        return {path: path.read_bytes() for path in folder.iterdir()}

    def check_finished(self, folder, rows=COMMITTED + UNCOMMITTED):
        self.check_manifest(folder)
        self.assertIn("\nended no\n", (folder / "MANIFEST").read_text())
        self.assertEqual(sum(self.backup_rows(complete=True).values()), rows)


class LostStore(LeftoverCase):
    """The store has lost rows, and their sources were cleaned up: the backup of the killed run is the only copy."""

    def setUp(self):
        super().setUp()
        self.saved = self.base / "tree-aside"
        shutil.copytree(self.tree, self.saved, symlinks=True)

    def prepare(self, lose):
        """Killed, cleaned up, and lost. Returns the folder, and the rows that only it has."""
        shutil.rmtree(self.tree)
        shutil.copytree(self.saved, self.tree, symlinks=True)
        self.settle()
        folder = self.kill_run()
        rows = self.keys()
        before, after = self.clean_up()
        self.assertGreaterEqual(len(before - after), COMMITTED)
        lose()
        return folder, rows - self.keys()

    def lose_some(self):
        """Rows are deleted."""
        some = "SELECT name FROM models WHERE run_id IS NOT NULL ORDER BY name LIMIT 4"
        self.ask(f"CREATE TEMPORARY TABLE lost AS {some}; DELETE FROM model_chunks WHERE name IN (SELECT name FROM lost);"
                 "DELETE FROM models WHERE name IN (SELECT name FROM lost); DROP TABLE lost")

    def check_restored(self, folder, lost):
        self.assertFalse(lost & self.keys())
        summary = self.restore(folder).summary()
        self.assertEqual((summary["restored"], summary["conflict"], summary["unconfirmed"]), (len(lost), 0, 0), summary)
        self.check_stored()

    def test_rows_are_lost(self):
        folder, lost = self.prepare(self.lose_some)
        self.assertEqual(len(lost), 4)
        result = self.run_faulty()
        self.assertEqual(result.code, 3, result.all())
        self.check_manifest(folder)
        self.check_restored(folder, lost)

    def test_database_made_anew(self):
        """Another store has the address now: the folder is none of its business, and is told."""
        folder, lost = self.prepare(self.make_store_anew)
        self.assertEqual(len(lost), COMMITTED)
        before = self.contents(folder)
        result = self.run_faulty()
        self.assertEqual(result.code, 3, result.all())
        self.assertEqual(result.err.count("another store that had the address of this one"), 1, result.err)
        self.assertEqual(self.contents(folder), before)
        self.check_restored(folder, lost)
        self.assertNotIn("another store", self.run_faulty().err)

    def test_dry_run_and_a_run_that_fails_touch_nothing(self):
        folder, lost = self.prepare(self.lose_some)
        before = self.contents(folder)
        self.assertEqual(self.run_faulty("-n").code, 3)
        self.assertEqual(self.contents(folder), before)
        self.assertEqual(self.run_faulty(op="write", at=2, do="ENOSPC", path="part-0.csv").code, 1)
        self.assertEqual(self.contents(folder), before)
        self.assertEqual(self.run_faulty().code, 3)
        self.check_restored(folder, lost)

    def test_finishing_is_killed_at_every_step(self):
        at = 0
        while True:
            at += 1
            folder, lost = self.prepare(self.lose_some)
            with open(folder / "part-0.csv", "ab") as part:
                part.write(b'"torn_model",1,"mod')
            result = self.run_faulty(op="any", at=at, do="kill", path=folder)
            with self.subTest(at=at, point=self.fired()):
                if result.code != -9:
                    break
                self.assertEqual(self.run_faulty().code, 3)
                self.check_manifest(folder)
                self.check_restored(folder, lost)
        self.assertGreater(at, 6) # the part is cut and synced, the chunks are synced, the folder, MANIFEST

    def test_finishing_is_interrupted(self):
        folder, lost = self.prepare(self.lose_some)
        result = self.run_faulty(op="open", at=1, do="run:kill -TERM $PPID; sleep 0.3", path=folder / "part-0.csv")
        self.assertEqual(result.code, 128 + signal.SIGTERM, result.all())
        self.assertFalse((folder / "MANIFEST").exists())
        self.assertEqual(self.run_faulty().code, 3)
        self.check_manifest(folder)
        self.check_restored(folder, lost)


class Uncommitted(LeftoverCase):
    """Rows that were not committed: they stay in the backup, and restore asks the store for each."""

    def waiting(self):
        return {key[:2] for key in self.backup_rows(complete=False)} - self.keys()

    def counts(self, result):
        summary = result.summary()
        return summary["restored"], summary["present"], summary["unconfirmed"]

    def test_stored_by_the_next_run(self):
        folder = self.kill_run()
        self.check_end()
        self.check_finished(folder, rows=len(self.store_rows()) + UNCOMMITTED)
        self.assertEqual(self.counts(self.restore(folder)), (0, COMMITTED + UNCOMMITTED, 0))
        self.check_stored()

    def test_retrained_before_the_next_run(self):
        folder = self.kill_run()
        waiting = self.waiting()
        files = {str(path.relative_to(self.tree).with_suffix("")).removesuffix("_v3"): path for path in self.tree.rglob("*.joblib")}
        files["bertopic_model_0a1b2c3d"] = self.tree / "bertopic_model_0a1b2c3d" / "config.json"
        changed = [files[name] for name, _ in waiting]
        self.assertEqual(len(changed), UNCOMMITTED)
        for path in changed:
            path.write_bytes(b"retrained " + path.read_bytes())
        self.settle()
        self.assertEqual(self.run_faulty().code, 3)
        self.check_manifest(folder)
        stored = self.snapshot()
        result = self.restore(folder)
        self.assertEqual(self.counts(result), (0, COMMITTED, UNCOMMITTED))
        for name, version in waiting:
            self.assertIn(f"{name}@{version}: unconfirmed", result.err)
        self.assertEqual(self.snapshot(), stored)
        for name, version in waiting: # what was read at first is there, once its place is free
            self.ask("DELETE FROM model_chunks WHERE (name, version) = (%s, %s); DELETE FROM models WHERE (name, version) = (%s, %s)",
                     (name, version) * 2)
        self.assertEqual(self.restore(folder).summary()["restored"], UNCOMMITTED)
        self.check_stored()

    def test_left_out_of_the_next_run(self):
        folder = self.kill_run()
        self.run_faulty("--include", "noise*")
        self.check_finished(folder)
        self.assertEqual(self.restore(folder).summary()["restored"], UNCOMMITTED)
        self.check_end()

    def test_commit_that_outlives_its_client(self):
        """The rows are under way when the next run looks: they are stored once."""
        self.ask("""CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1); RETURN NULL; END';
                    CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON models DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW WHEN (NEW.name = 'noise_model') EXECUTE FUNCTION slowly()""")
        for at in self.find_commits()[:2]: # that of the record of the run, and that of the first batch
            self.reset()
            self.run_faulty("--jobs", "1", op="send", at=at, do="kill-after")
            result = self.run_faulty("--include", "noise*")
            self.assertEqual(result.code, 0, result.all())
            self.check_backups()
        self.assertIn(("noise_model", 1), self.keys())
        self.check_end()

    def test_without_backup(self):
        folder = self.kill_run()
        self.assertEqual(self.run_faulty("--backup", "none").code, 3)
        self.check_stored()
        self.check_finished(folder)

    def test_without_payloads(self):
        """--backup meta: finished, but restore could bring nothing back."""
        self.options = [*self.options, "--backup", "meta"]
        self.run_faulty("--jobs", "1", op="sync", at=2, do="kill", path="part-0.csv")
        folder = self.backup()
        self.run_faulty("--include", "noise*")
        self.check_manifest(folder)
        self.assertIn("no payloads", self.restore(folder, code=1).err)


class SharedFolder(FaultCase):
    """One --backup-dir, two state folders."""

    def setUp(self):
        super().setUp()
        self.shared = self.state / "shared" / "backups"
        self.empty = self.base / "empty"
        self.empty.mkdir()
        self.reset()

    def other(self, *arguments, env=None, **fault):
        """The run of someone else, in the background: there is nothing for it to store."""
        command = [*self.command(*arguments, "--backup-dir", self.shared)[:-1], "--state-dir", self.base / "other", "--lock-timeout", "1s",
                   "--retries", "0", self.empty]
        process = subprocess.Popen([*map(str, command)], env=program_environment(dict(self.shim_environment(fault), **(env or {}))), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.reap, process)
        return process

    def pause(self, name):
        """For `do`: the thread stands still, just before the operation, from `reached` to `go`. SIGSTOP would let it go on for a moment."""
        (self.base / f"{name}.go").unlink(missing_ok=True)
        (self.base / f"{name}.there").unlink(missing_ok=True)
        return f"run:touch {self.base}/{name}.there; while [ ! -e {self.base}/{name}.go ]; do sleep 0.01; done"

    def reached(self, name, process):
        wait_until(lambda: (self.base / f"{name}.there").exists() or process.poll() is not None)
        return process.poll() is None

    def go(self, name):
        (self.base / f"{name}.go").touch()

    def start(self, *arguments, **fault):
        process = self.start_faulty("--backup-dir", self.shared, *arguments, **fault)
        self.addCleanup(self.reap, process)
        return process

    def test_another_run_looks_at_every_step_of_a_folder_that_is_made(self):
        points, removed = set(), 0
        for op, path in [("mkdir", ".new"), ("open", ".new"), ("write", "STORE"), ("sync", "STORE"), ("rename", "shared/backups/"), ("open", "part-0.csv")]:
            for at in range(1, 9):
                self.reset()
                process = self.start(op=op, at=at, do=self.pause("live"), path=path)
                if not self.reached("live", process): # no such step any more
                    self.assertEqual(self.finish(process).code, 3)
                    self.assertGreater(at, 1, op)
                    break
                with self.subTest(op=op, at=at, point=self.fired()):
                    points.add((op, at))
                    before = [*self.shared.iterdir()] if self.shared.exists() else []
                    result = self.finish(self.other())
                    removed += before != ([*self.shared.iterdir()] if self.shared.exists() else [])
                    self.go("live")
                    self.assertEqual(result.code, 0, result.all())
                    result = self.finish(process)
                    self.assertEqual(result.code, 3, result.all())
                    self.check_reference()
        self.assertGreater(len(points), 6, points)
        self.assertGreater(removed, 1)

    def test_another_host_that_sees_no_lock(self):
        """As on a network file system whose locks are local to a host: STORE names the host, and its folder is left to it."""
        elsewhere = dict(preloaded(), FAULT_HOST="elsewhere", FAULT_LOCKS="local")
        for op, path in [("sync", "part-0.csv"), ("rename", "MANIFEST"), ("open", "part-0.csv"), ("rename", "shared/backups/")]:
            self.reset()
            process = self.start("--jobs", "1", op=op, at=1, do=self.pause("live"), path=path)
            self.assertTrue(self.reached("live", process))
            before = self.files()
            result = self.finish(self.other(env=elsewhere))
            after = self.files()
            self.go("live")
            with self.subTest(op=op, path=path):
                self.assertEqual(result.code, 0, result.all())
                self.assertTrue(before == after)
                self.assertEqual(self.finish(process).code, 3)
                self.check_reference()

    def test_killed_on_another_host(self):
        """Left alone by the others, finished by the next run there."""
        elsewhere = dict(preloaded(), FAULT_HOST="elsewhere")
        self.run_faulty("--backup-dir", self.shared, "--jobs", "1", op="sync", at=2, do="kill", path="part-0.csv", env=elsewhere)
        before = self.files()
        result = self.finish(self.other("-v"))
        self.assertEqual(result.code, 0, result.all())
        self.assertIn("on another host", result.err)
        self.assertEqual(self.files(), before)
        self.assertEqual(self.finish(self.other(env=elsewhere)).code, 0)
        self.check_manifest(*self.shared.iterdir())

    def files(self):
        return {path: path.read_bytes() for path in self.shared.rglob("*") if path.is_file()}

    def test_killed_while_it_makes_its_folder(self):
        for op, at, path in [("open", 1, ".new"), ("open", 2, ".new"), ("write", 1, "STORE"), ("sync", 1, "STORE"), ("rename", 1, "shared/backups/")]:
            self.reset()
            result = self.run_faulty("--backup-dir", self.shared, op=op, at=at, do="kill", path=path)
            with self.subTest(op=op, at=at, point=self.fired()):
                self.assertEqual(result.code, -9, result.all())
                self.assertEqual([p.suffix for p in self.shared.iterdir()], [".new"])
                self.assertEqual(self.finish(self.other()).code, 0)
                self.assertEqual(list(self.shared.iterdir()), [])

    def test_run_that_ends_while_another_one_looks(self):
        """Its folder was unfinished when it was listed, and is whole when the lock is there: nothing is to be done."""
        self.run_faulty("--backup-dir", self.shared, "--jobs", "1", op="sync", at=1, do="kill", path="part-0.csv")
        left, = self.shared.iterdir()
        shutil.move(left, self.base / "aside") # so that the live run has nothing to finish itself
        live = self.start(op="rename", at=1, do=self.pause("live"), path="MANIFEST")
        self.assertTrue(self.reached("live", live))
        folder, = self.shared.iterdir()
        shutil.move(self.base / "aside", left)
        looking = self.other("-v", op="open", at=1, do=self.pause("looking"), path=folder / "STORE")
        self.assertTrue(self.reached("looking", looking))
        self.go("live")
        self.assertEqual(self.finish(live).code, 3)
        before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
        self.assertIn(folder / "MANIFEST", before)
        self.go("looking")
        result = self.finish(looking)
        self.assertEqual(result.code, 0, result.all())
        self.assertIn(f"{left}: completed", result.err)
        self.assertNotIn(f"{folder}: completed", result.err)
        self.assertEqual({path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}, before)


if __name__ == "__main__":
    unittest.main()
