"""Memory runs out: the Nth allocation fails, once or from then on; and the memory of many workers stays bounded.

FAULTS=all tries every allocation, else a sample that is dense where the program itself allocates.
"""

import os
import random
import resource
import signal
import time
import unittest

from fault import LONG, OPTIONS, FaultCase, Postgres, is_commit, is_sanitized, noise, on_both, only_on, peak_memory

SEED = int(os.environ.get("FAULT_SEED", "1"))
SHORT_FAULTS = 150


@on_both
@unittest.skipIf(is_sanitized(), "the compiler's checks have an allocator of their own")
class MemoryTest(FaultCase):
    # libpq may drop the answer for which it has no memory, and wait for more.
    options = [*OPTIONS, "--retries", "2", "--timeout", "2s", "--connect-timeout", "2s"]

    def check_after(self, result):
        self.assertGreaterEqual(result.code, 0, f"{signal.strsignal(-result.code) if result.code < 0 else ''}: {result.all()}")
        self.assertIn(result.code, (0, 1, 3, 5), result.all())
        if result.code in (1, 5):
            self.assertRegex(result.err.lower(), "memory|no answer for 2 seconds|no answer within 2 seconds|resource temporarily unavailable", result.all())
        self.check_backup_before_store()
        self.check_journal_after_store()
        self.check_reported(result)
        if result.code == 3 and result.out and result.summary()["failed"] == self.bad_models:
            self.check_stored()
        self.check_end()

    def samples(self, count, limit):
        """Of all allocations; the program's own are in the first hundred and in the last third."""
        limit = limit if self.kind is Postgres else limit // 2
        return range(1, count + 1) if LONG else sorted({*range(1, 2 * limit // 3, 2), *random.Random(SEED).sample(range(count // 2, count + 1), 2 * limit // 3)})

    def test_one_allocation_fails(self):
        self.reset()
        count, started, codes = self.count()["alloc"], time.monotonic(), {}
        for at in self.samples(count, SHORT_FAULTS):
            self.reset()
            result = self.run_faulty(op="alloc", at=at, do="ENOMEM")
            codes[result.code] = codes.get(result.code, 0) + 1
            with self.subTest(at=at, of=count):
                self.check_after(result)
        print(f"memory: {sum(codes.values())} of {count} allocations failed in {time.monotonic() - started:.0f} s; exit codes {codes}", flush=True)
        self.assertGreater(codes.get(1, 0), 0)

    def test_all_allocations_fail_from_there_on(self):
        self.reset()
        count, codes = self.count()["alloc"], set()
        for at in self.samples(count, SHORT_FAULTS // 4):
            self.reset()
            result = self.run_faulty(op="alloc", at=at, do="ENOMEM", sticky=1)
            codes.add(result.code)
            with self.subTest(at=at, of=count):
                self.assertIn(result.code, (0, 1, 3, 5), result.all()) # a report needs memory too: perhaps no words at all
                self.check_backup_before_store()
                self.check_journal_after_store()
                self.check_end()
        self.assertIn(1, codes)

    @only_on(Postgres, "it is about what is sent to a server")
    def test_no_room_to_send_in(self):
        """libpq finds no memory for a larger buffer of what is to be sent, and calls that "not now": waiting would never end."""
        self.reset()
        result = self.run_faulty(realloc="131072,106496")  # twice the room that it has, and what just suffices
        self.assertEqual(result.code, 1, result.all())
        self.assertIn("memory", result.err)
        self.check_end()

    @only_on(Postgres, "it is about what is sent to a server")
    def test_answer_to_commit(self):
        """No memory for the answer to COMMIT: it was applied, whatever this program thinks of it."""
        self.reset()
        self.run_faulty("--jobs", "1", trace=self.trace_file)
        lines = [line.split(" ") for line in self.trace_file.read_text(errors="replace").splitlines()]
        commits = [int(line[4]) for line in lines if is_commit(line[1], line[3])]
        self.assertGreaterEqual(len(commits), 4)
        for at in [allocations + k for allocations in commits for k in range(-2, 8)]:
            self.reset()
            with self.subTest(at=at):
                self.check_after(self.run_faulty("--jobs", "1", op="alloc", at=at, do="ENOMEM"))

    def test_recovery_of_a_killed_run(self):
        self.reset()
        steps = self.count()["any"]
        for at in self.samples(self.count()["alloc"], SHORT_FAULTS // 5):
            self.reset()
            self.run_faulty(op="any", at=int(steps * 0.8), do="kill")
            with self.subTest(at=at):
                self.check_after(self.run_faulty(op="alloc", at=at, do="ENOMEM"))


@unittest.skipIf(is_sanitized(), "the memory of such a build says nothing")
class BoundTest(FaultCase):
    """Many workers asked for, little memory allowed."""

    options = ["--jobs", "64", "--max-memory", "8MiB"]
    models = 40

    def make_tree(self):
        super().make_tree()
        for i in range(self.models):
            self.write(f"large_{i:02}_model.joblib", noise(100 + i, 3 << 20))

    def peak(self, *arguments):
        """Peak resident memory of one run, in MiB."""
        code, peak = peak_memory(self.command(*arguments))
        self.assertEqual(code, 3)
        return peak

    def test_peak(self):
        self.reset()
        peak = self.peak()
        self.check_stored()
        print(f"memory: {self.models} models of 3 MiB with --max-memory 8MiB --jobs 64: peak {peak:.0f} MiB", flush=True)
        self.assertLess(peak, 8 + 24) # what is allowed, and the program with its libraries


@unittest.skipIf(is_sanitized(), "such a build wants terabytes of addresses")
class AddressLimitTest(FaultCase):
    """ulimit -v: each thread wants a stack of its own."""

    options = ["--jobs", "12", "--batch-rows", "3"]

    def test_fewer_workers_than_wanted(self):
        fewer = 0
        for mib in range(40, 200, 4):
            self.reset()
            result = self.call(self.command(), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (mib << 20, mib << 20)))
            with self.subTest(mib=mib):
                self.assertIn(result.code, (1, 3, 127), result.all())  # 127: not even the libraries
                if result.code == 3:
                    self.check_stored()
                    fewer += "workers can be started" in result.err
                elif result.code == 1:
                    self.assertRegex(result.err, "(?i)memory|cannot start")
        self.assertGreater(fewer, 0)
        self.check_end()


if __name__ == "__main__":
    unittest.main()
