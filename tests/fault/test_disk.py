"""The disk fails: every operation on state, sources and temporary files, with every error that it can give, and a really full disk.

After each fault: the exit code and the message fit, nothing is reported as done that is not stored, nothing is stored that is not in a
backup, and the next run ends in the reference state. FAULTS=all tries more sizes of a full disk, and more of what a killed run leaves.
"""

import os
import random
import resource
import shutil
import subprocess
import time
import unittest

from fault import LONG, FaultCase, noise

SEED = int(os.environ.get("FAULT_SEED", "1"))

STATE_FAULTS = {
    "open": ["EACCES", "EMFILE", "ENOSPC"],
    "mkdir": ["ENOSPC", "EACCES"],
    "read": ["EIO", "short"],
    "write": ["ENOSPC", "EIO", "short", "EDQUOT"],
    "sync": ["EIO", "ENOSPC"],
    "rename": ["EIO", "ENOSPC"],
    "unlink": ["EACCES", "EIO"],
    "truncate": ["EIO", "EPERM"],
    "chmod": ["EPERM"],
    "readdir": ["EIO"],
    "stat": ["EIO"],
}
SOURCE_FAULTS = {"open": ["EIO", "EACCES", "ENOENT"], "read": ["EIO", "EINTR", "short"], "stat": ["EIO", "ENOENT"], "readdir": ["EIO"]}
HARMLESS = {"short", "EINTR"}  # for a read
TEXTS = {"EACCES": "Permission denied", "EMFILE": "Too many open files", "ENOSPC": "No space left", "EIO": "Input/output error",
         "EDQUOT": "Disk quota exceeded", "EPERM": "Operation not permitted", "ENOENT": "vanished|No such file", "short": "No space left"}


class DiskTest(FaultCase):
    @staticmethod
    def each_fault(faults, count):
        """(class, N, error) for every operation of the reference run."""
        return [(op, at, error) for op, errors in faults.items() for at in range(1, count.get(op, 0) + 1) for error in errors]

    def check_after(self, result, error):
        self.assertIn(result.code, (0, 1, 3), result.all())
        self.check_reported(result)
        self.check_backup_before_store()
        self.check_journal_after_store()
        if result.code == 1:
            self.assertRegex(result.err, rf"(?m)^error: .*({TEXTS[error]})", result.all())

    def try_state_fault(self, op, at, error, **more):
        self.reset()
        result = self.run_faulty("--upgrade", op=op, at=at, do=error, path=self.state, **more)
        point = self.fired()
        with self.subTest(op=op, at=at, error=error, point=point, **more):
            self.check_after(result, error)
            if result.code == 3: # the run says that it coped
                self.assertEqual(result.summary()["failed"], self.bad_models, result.all())
                self.check_stored()
                self.check_backups()
            must_fail = op in ("write", "sync") and point is not None and not point.endswith("/lock")
            if must_fail:
                self.assertEqual(result.code, 1, f"{point}: {result.all()}")
            self.check_end()
        return point

    def test_state(self):
        self.reset()
        count = self.count("--upgrade", path=self.state)
        self.assertGreater(count["sync"], 10)
        started, points, tried = time.monotonic(), set(), 0
        for op, at, error in self.each_fault(STATE_FAULTS, count):
            points.add(self.try_state_fault(op, at, error))
            tried += 1
        self.assertGreater(len(points), 25)
        print(f"disk: {tried} faults at {len(points)} distinct points of the state in {time.monotonic() - started:.0f} s", flush=True)

    def test_state_that_stays_broken(self):
        self.reset()
        count = self.count("--upgrade", path=self.state)
        for op, error in [("write", "ENOSPC"), ("write", "short"), ("sync", "EIO"), ("truncate", "EIO"), ("unlink", "EIO"), ("rename", "EIO")]:
            for at in sorted({1, 2, 3, count[op] // 2, count[op] - 1} & set(range(1, count[op] + 1))):
                self.try_state_fault(op, at, error, sticky=1)

    def test_leftovers_of_a_killed_run(self):
        """What puts the backup of a killed run right meets the faults."""
        self.reset()
        steps = self.count()["any"]
        rng = random.Random(SEED)
        for op, error in [(op, error) for op, errors in STATE_FAULTS.items() for error in errors]:
            for _ in range(4 if LONG else 1):
                self.reset()
                self.run_faulty(op="any", at=int(steps * rng.uniform(0.5, 0.9)), do="kill")
                backups = self.backups()
                if not backups:
                    continue
                result = self.run_faulty(op=op, at=rng.randint(1, 6), do=error, path=backups[0].parent)
                with self.subTest(op=op, error=error, point=self.fired()):
                    self.check_after(result, error)
                    self.check_end()

    def test_a_failed_fsync_is_never_trusted(self):
        """No COMMIT of rows after the fsync of their backup failed, though a second fsync would succeed."""
        self.reset()
        syncs = self.count("--jobs", "1", path="part-0.csv")["sync"]
        self.assertGreaterEqual(syncs, 3)
        for at in range(1, syncs): # the last one is that of the finished file
            self.reset()
            result = self.run_faulty("--jobs", "1", op="sync", at=at, do="EIO", path="part-0.csv")
            with self.subTest(at=at):
                self.assertEqual(result.code, 1, result.all())
                self.assertIn("fsync of", result.err)
                self.check_reported(result)
                self.assertLessEqual(len(self.store_rows()), 3 * (at - 1))
                self.check_end()

    def test_sources(self):
        self.reset()
        count = self.count(path=self.tree)
        names = {row[0] for row in self.reference[0]}
        tried = self.each_fault(SOURCE_FAULTS, count)
        self.assertGreater(len(tried), 200)
        for op, at, error in tried:
            self.reset()
            result = self.run_faulty(op=op, at=at, do=error, path=self.tree)
            point = self.fired()
            with self.subTest(op=op, at=at, error=error, point=point):
                if point == "open /models" and error == "ENOENT": # the tree itself is not there
                    self.assertEqual(result.code, 2, result.all())
                    self.check_end()
                    continue
                self.check_after(result, error)
                if point == "open /models/.":
                    self.assertIn(f"{self.tree}: this directory cannot be read", result.err)
                if error in HARMLESS:
                    self.check_stored()
                stored = {row[0] for row in self.snapshot()[0]}
                self.assertLessEqual(stored, names)
                if error == "EIO" and point is not None: # never "empty", never silent
                    self.assertRegex(result.err, "Input/output error", point)
                    failed = result.code == 1 or result.summary()["failed"] > self.bad_models
                    self.assertTrue(failed or "bad_model" in point, f"{point}: {result.all()}")
                if result.code == 3 and result.out: # one bad source costs no other: what has no failure is stored
                    lines = [line for line in result.lines() if line["type"] == "model"]
                    done = {line["name"] for line in lines if line["status"] in ("new", "unchanged")}
                    self.assertEqual(stored, done | {"eta_regression", "zeta_regression"} & stored)
                self.check_backups()
                self.check_end()
        print(f"disk: {len(tried)} faults of the sources", flush=True)

    def test_folder_that_cannot_be_listed_to_its_end(self):
        """Never empty, never shorter: it is told, and nothing else is lost."""
        count = self.count(path=self.tree / "nested")["readdir"]
        self.assertGreater(count, 4)
        for at in range(1, count + 1):
            self.reset()
            result = self.run_faulty(op="readdir", at=at, do="EIO", path=self.tree / "nested")
            with self.subTest(at=at, point=self.fired()):
                self.assertEqual(result.code, 3, result.all())
                self.assertRegex(result.err, "nested.*Input/output error")
                self.assertEqual(result.summary()["failed"], self.bad_models + 1, result.all())

    def test_every_source_but_the_bad_one(self):
        """A read error on one model: all others are stored by that same run."""
        for path in ["beta_regression.joblib", "noise_model.joblib", "bertopic_model_0a1b2c3d/images/0.png"]:
            self.reset()
            result = self.run_faulty(op="read", at=1, do="EIO", sticky=1, path=path)
            with self.subTest(path=path):
                self.assertEqual(result.code, 3, result.all())
                summary = result.summary()
                self.assertEqual((summary["new"], summary["failed"]), (self.expected_new - 1, self.bad_models + 1), result.all())
                self.assertIn("Input/output error", result.err)
                self.check_end()


class TemporaryFileTest(FaultCase):
    """A payload that is too large for its share of memory goes through a file in TMPDIR."""

    options = ["--jobs", "2", "--batch-rows", "3", "--max-memory", "12MiB"]

    def make_tree(self):
        super().make_tree()
        self.write("large_model.joblib", noise(3, 5 << 20))

    def setUp(self):
        self.temp = None
        super().setUp()

    def run_faulty(self, *arguments, env=None, **fault):
        self.temp = self.base / "temp"
        self.temp.mkdir(exist_ok=True)
        return super().run_faulty(*arguments, env={"TMPDIR": str(self.temp)}, **fault)

    def test_verify_stored_decodes_what_is_sent(self):
        """The temporary file is damaged before it is read back: the payload does not reach the store, the others do."""
        self.reset()
        damage = f"""for f in /proc/$PPID/fd/*; do case "$(readlink $f)" in {self.base}/temp/*) printf damage | dd of=$f seek=1000 bs=1 conv=notrunc; esac; done"""
        result = self.run_faulty("--verify-stored", op="read", at=1, do=f"run:{damage}", path=f"{self.base}/temp")
        self.assertIsNotNone(self.fired())
        self.assertEqual(result.code, 3, result.all())
        self.assertIn("large_model.joblib: its payload does not decode to what was read; it was not sent", result.err)
        self.assertEqual(result.summary()["failed"], self.bad_models + 1, result.all())
        self.check_end()

    def test_faults(self):
        self.reset()
        count = self.count(path=f"{self.base}/temp")
        self.assertGreater(count["write"], 1, "the payload did not go through a file")
        for op, error in [("open", "ENOSPC"), ("open", "EACCES"), ("write", "ENOSPC"), ("write", "EIO"), ("write", "short"), ("read", "EIO")]:
            for at in sorted({1, count[op] // 2, count[op]} - {0}):
                self.reset()
                result = self.run_faulty(op=op, at=at, do=error, path=f"{self.base}/temp")
                with self.subTest(op=op, at=at, error=error):
                    self.assertEqual(result.code, 1, result.all())
                    self.assertIn("temporary file", result.err)
                    self.assertEqual(list(self.temp.iterdir()), [])
                    self.check_reported(result)
                    self.check_backup_before_store()
                    self.check_end()


class FullDiskTest(FaultCase):
    """No shim: a file system with no room, and the limit of the process."""

    def mount(self, size):
        self.state.mkdir(mode=0o700, exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(self.state)], capture_output=True, check=False)
        if done.returncode != 0:
            self.skipTest("no right to mount")
        self.mounted = True
        self.addCleanup(self.unmount)

    def unmount(self):
        if self.mounted:
            subprocess.run(["umount", str(self.state)], check=True)
            self.mounted = False

    def test_full_disk(self):
        sizes = [*range(4, 400, 4), 1024] if LONG else [4, 8, 16, 24, 32, 64, 128, 256, 1024]
        seen = set()
        for kib in sizes:
            self.reset()
            self.mount(f"{kib}k")
            result = self.run_faulty()
            seen.add(result.code)
            with self.subTest(kib=kib):
                self.assertIn(result.code, (1, 3), result.all())
                if result.code == 1:
                    self.assertIn("No space left on device", result.err)
                    self.assertNotIn("Traceback", result.err)
                self.check_reported(result)
                self.check_backup_before_store()
                self.check_journal_after_store()
                again = self.run_faulty() # still full: no harm
                self.assertIn(again.code, (1, 3), again.all())
                self.check_backup_before_store()
                subprocess.run(["mount", "-o", "remount,size=8m", str(self.state)], check=True)
                self.check_end()
            self.unmount()
        self.assertEqual(seen, {1, 3})

    def reset(self):
        """The state folder may be a mount point: it is emptied."""
        if self.state.exists():
            for path in self.state.iterdir():
                shutil.rmtree(path)
        super().reset()

    def test_size_limit_of_the_process(self):
        for limit in (100, 500, 2000, 5000, 20_000, 150_000):
            self.reset()
            result = self.call(self.command(), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
            with self.subTest(limit=limit):
                self.assertEqual(result.code, 1, result.all())
                self.assertIn("File too large", result.err)
                self.check_reported(result)
                self.check_backup_before_store()
                self.check_end()

    def test_descriptor_limit_of_the_process(self):
        seen = set()
        for limit in range(6, 26):
            self.reset()
            result = self.call(self.command(), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))
            seen.add(result.code)
            with self.subTest(limit=limit):
                self.assertIn(result.code, (1, 3, 127), result.all())
                if result.code == 1:
                    self.assertIn("Too many open files", result.err)
                if result.code == 3:
                    self.check_stored()
                self.check_reported(result)
                self.check_end()
        self.assertLessEqual({1, 3}, seen)


if __name__ == "__main__":
    unittest.main()
