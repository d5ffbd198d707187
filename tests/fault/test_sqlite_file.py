"""The store is a file: its disk fails or is full, the run is killed as it makes it, other programs read and write it meanwhile.

Kills at every step of a run, and memory that runs out, are in test_kill and test_memory, for both kinds of store.
"""

import hashlib
import os
import pathlib
import shutil
import sqlite3
import time
import unittest

from fault import LONG, FaultCase, is_sanitized, noise, wait_until
from smalldisk import SmallDisk
from stores import Sqlite

FAULTS = {
    "open": ["EACCES", "EMFILE"],
    "read": ["EIO"],
    "write": ["ENOSPC", "EIO", "short"],
    "sync": ["EIO"],
    "unlink": ["EACCES", "EIO"],
    "truncate": ["EIO"],
}
MIB = 1 << 20


class FileCase(FaultCase):
    kind = Sqlite

    def stored_names(self):
        return [name for name, in self.ask("SELECT name FROM models ORDER BY name, version")]

    def check_sound(self):
        self.assertEqual(self.ask("PRAGMA integrity_check"), [("ok",)])
        self.assertEqual(self.ask("PRAGMA foreign_key_check"), [])


class DiskOfTheFile(FileCase):
    def test_every_operation_on_it(self):
        self.reset()
        count = self.count(path=self.database)
        self.assertGreater(count["sync"], 5)
        started, codes, tried = time.monotonic(), {}, 0
        for op, errors in FAULTS.items():
            for at in range(1, count.get(op, 0) + 1, 1 if LONG or op != "read" else 5):
                for error in errors if LONG else [errors[at % len(errors)]]:
                    self.reset()
                    result = self.run_faulty(op=op, at=at, do=error, path=self.database)
                    codes[result.code] = codes.get(result.code, 0) + 1
                    tried += 1
                    with self.subTest(op=op, at=at, error=error, point=self.fired()):
                        self.assertIn(result.code, (0, 1, 3, 5), result.all())
                        if result.code in (1, 5):
                            self.assertIn("models.db", result.err)
                        self.check_reported(result)
                        self.check_backup_before_store()
                        self.check_journal_after_store()
                        self.check_end()
        self.check_sound()
        print(f"disk: {tried} faults on the file of the store in {time.monotonic() - started:.0f} s; exit codes {codes}", flush=True)
        self.assertGreater(codes.get(1, 0), 0)

    def test_disk_that_stays_broken(self):
        for op, error in (("write", "ENOSPC"), ("write", "EIO"), ("sync", "EIO"), ("read", "EIO")):
            self.reset()
            result = self.run_faulty("--retries", "1", op=op, at=3, do=error, sticky=1, path=self.database)
            with self.subTest(op=op, error=error):
                self.assertIn(result.code, (1, 5), result.all())
                self.assertIn("models.db", result.err)
                self.check_end()
        self.check_sound()


class Made(FileCase):
    """The run that makes the file is killed; the same command, without --upgrade, does the rest."""

    def start_again(self):
        shutil.rmtree(self.state, ignore_errors=True)
        for path in pathlib.Path(self.database).parent.iterdir():
            path.unlink()

    def test_killed_at_every_step(self):
        self.session.close()
        self.start_again()
        steps = self.count(path=self.database)["any"]
        started = time.monotonic()
        for at in range(1, min(steps, 400) + 1, 1 if LONG else 3):
            self.start_again()
            result = self.run_faulty(op="any", at=at, do="kill" if at % 2 else "kill-after", path=self.database)
            with self.subTest(at=at, point=self.fired()):
                self.assertIn(result.code, (-9, 3), result.all())
                result = self.run_faulty()
                self.assertEqual(result.code, 3, result.all())
                self.assertEqual(result.summary()["failed"], self.bad_models)
                names = self.query("SELECT name, version FROM models")
                self.assertEqual((len(names), len(set(names))), (self.expected_new + 1, self.expected_new + 1))
        print(f"kill: {steps} steps of a run that makes its file, in {time.monotonic() - started:.0f} s", flush=True)

    def test_two_make_it_at_once(self):
        self.session.close()
        for number in range(10 if LONG else 4):
            self.start_again()
            processes = [self.spawn("--json", "--jobs", "2", url=self.url)]
            self.state = self.base / "state2"
            shutil.rmtree(self.state, ignore_errors=True)
            processes.append(self.spawn("--json", "--jobs", "2", url=self.url))
            results = [self.finish(process) for process in processes]
            self.state = self.base / "state"
            with self.subTest(round=number):
                self.assertEqual([result.code for result in results], [3, 3], results[0].err + results[1].err)
                self.assertEqual(sum(result.summary()["new"] for result in results), self.expected_new + 1)


class FullDisk(FileCase):
    def make_tree(self):
        super().make_tree()
        for i in range(40):
            self.write(f"fill/model{i:02d}.joblib", noise(i, 120_000))

    def test_full_and_then_room(self):
        disk = SmallDisk("3m")
        self.addCleanup(disk.unmount)
        file = disk.path / "models.db"
        self.url, self.state = f"sqlite:///{file}", self.base / "state-full"
        result = self.run_faulty()
        self.assertEqual(result.code, 1, result.err)
        self.assertIn("models.db", result.err)
        self.assertRegex(result.err, "full|No space left")
        stored = self.query("SELECT count(*) FROM models")[0][0]
        self.assertEqual(self.query("PRAGMA integrity_check"), [("ok",)])
        self.assertTrue(0 < stored < 40, stored)
        reported = sum(line["status"] == "new" for line in result.lines() if line["type"] == "model")
        self.assertEqual(reported, stored)
        again = self.run_faulty()
        self.assertEqual(again.code, 1, again.err)
        disk.resize("64m")
        result = self.run_faulty()
        self.assertEqual(result.code, 3, result.err)
        self.assertEqual(self.query("SELECT count(*), count(DISTINCT name) FROM models"), [(self.expected_new + 1,) * 2])
        self.assertEqual(self.query("PRAGMA integrity_check"), [("ok",)])

    def test_no_room_to_make_it(self):
        disk = SmallDisk("64k")
        self.addCleanup(disk.unmount)
        self.url = f"sqlite:///{disk.path / 'models.db'}"
        self.assertEqual(self.run_faulty().code, 1)
        disk.resize("64m")
        self.assertEqual(self.run_faulty().code, 3)


class Together(FileCase):
    """Two state folders, so that no lock of ours keeps the runs apart."""

    def make_tree(self):
        super().make_tree()
        for i in range(60):
            self.write(f"many/model{i:02d}.joblib", noise(i, 20_000))

    def test_two_runs(self):
        first_state, other_state = self.state, self.base / "state2"
        for number in range(10 if LONG else 4):
            self.reset()
            shutil.rmtree(other_state, ignore_errors=True)
            rows = ("1", "3", "1000")[number % 3]
            first = self.spawn("--json", "--jobs", "2", "--batch-rows", rows, "--inline-limit", "4KiB")
            self.state = other_state
            second = self.spawn("--json", "--jobs", "2", "--batch-rows", rows, "--inline-limit", "4KiB")
            results = [self.finish(first), self.finish(second)]
            self.state = first_state
            with self.subTest(round=number):
                self.assertEqual([result.code for result in results], [3, 3], results[0].err + results[1].err)
                self.assertEqual(sum(result.summary()["new"] for result in results), self.expected_new)
                self.check_stored()
        self.check_sound()

    def test_one_host(self):
        """The same state: the second is refused, or comes when the first is done."""
        self.reset()
        first, second = self.spawn("--json"), self.spawn("--json")
        results = [self.finish(first), self.finish(second)]
        self.assertEqual(sorted(result.code for result in results) in ([3, 3], [3, 11]), True, results[0].err + results[1].err)
        self.assertEqual(len(self.stored_names()), len(set(self.stored())))

    @unittest.skipIf(is_sanitized(), "such a build is too slow for the five seconds of Python")
    def test_readers_meanwhile(self):
        """Python as it comes, with its five seconds of patience: no error, every row whole."""
        self.write("large_model.joblib", noise(1000, 40 * MIB))
        for i in range(8):
            self.write(f"large{i}_model.joblib", noise(2000 + i, 6 * MIB))
        self.reset()
        process = self.spawn("--backup", "none", "--batch-bytes", "8MiB", "--inline-limit", "16MiB")
        problems, reads, worst, counts = [], 0, 0.0, [0]
        while process.poll() is None:
            started = time.monotonic()
            try:
                reader = sqlite3.connect(self.database)
                for stored, data, chunked in reader.execute("SELECT stored_sha256, model_binary, chunk_count FROM latest_models WHERE stored_sha256 IS NOT NULL "
                                                            "ORDER BY random() LIMIT 2"):
                    if not chunked and hashlib.sha256(data).digest() != stored:
                        problems.append("a payload is not the recorded one")
                counts.append(reader.execute("SELECT count(*) FROM models").fetchone()[0])
                reader.close()
                reads += 1
            except sqlite3.Error as error:
                problems.append(repr(error))
            worst = max(worst, time.monotonic() - started)
        self.assertEqual(self.finish(process).code, 3)
        self.assertEqual(problems, [])
        self.assertEqual(counts, sorted(counts))
        print(f"readers: {reads} reads beside a run that writes 88 MiB, the longest took {worst:.1f} s", flush=True)


class Lost(FileCase):
    """The file is taken away or swapped while the run works."""

    def stopped_run(self):
        self.reset()
        process = self.start_faulty(op="sync", at=1, do="stop", path="part-0.csv")
        self.addCleanup(self.reap, process)
        wait_until(self.fired_file.exists)
        return process

    def test_replaced(self):
        """Nothing may be reported as stored that is in a file which has no name any more."""
        other = pathlib.Path(self.database).with_name("other")
        shutil.copy(self.database, other)
        process = self.stopped_run()
        other.replace(self.database)
        process.send_signal(18)
        result = self.finish(process)
        self.assertEqual(result.code, 1, result.all())
        self.assertIn("models.db", result.err)
        result = self.run_faulty()
        self.assertEqual(result.code, 3, result.all())
        self.assertEqual(len(self.query("SELECT 1 FROM models")), len(self.reference[0]))

    def test_journal_that_a_killed_run_left_is_played_back_by_python(self):
        self.reset()
        self.run_faulty("--jobs", "1", op="sync", at=3, do="kill", path=self.database)
        left = os.path.exists(f"{self.database}-journal")
        reader = sqlite3.connect(self.database)
        self.addCleanup(reader.close)
        reader.execute("SELECT count(*) FROM models").fetchone()
        self.assertEqual(reader.execute("PRAGMA integrity_check").fetchone(), ("ok",), left)
        self.check_end()


if __name__ == "__main__":
    unittest.main()
