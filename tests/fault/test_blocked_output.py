"""Nobody reads what a command prints, and a signal asks it to end: it does so within a second, and leaves nothing half done."""

import os
import signal
import subprocess
import time
import unittest

from netcase import PROGRAM, NetCase, program_environment, wait_until

NOTICED_SECONDS = 1


class Blocked(NetCase):
    def setUp(self):
        super().setUp()
        for i in range(800):
            self.write(f"{'long' * 30}{i}_model.joblib", b"%d" % i * 40)
        self.write("huge_model.joblib", os.urandom(3_000_000))
        self.assertEqual(self.call([PROGRAM, "run", "-q", "--state-dir", self.state, "-d", self.url, self.tree]).code, 0)

    def blocked(self, *words):
        """The exit code of a command whose output goes into a pipe that is full, after a signal."""
        process = subprocess.Popen([PROGRAM, *map(str, words), "-d", self.url], env=program_environment(), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.reap, process)
        waits = ("pipe_write", "anon_pipe_write", "do_sys_poll", "do_poll.constprop.0", "poll_schedule_timeout.constprop.0")
        place = f"/proc/{process.pid}/wchan"
        seen = []

        def is_stuck():  # the same place for half a second
            with open(place, encoding="ascii") as file:
                seen.append(file.read())
            time.sleep(0.05)
            return len(seen) > 10 and all(name in waits or name == "0" for name in seen[-10:])

        wait_until(is_stuck)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        process.wait(20)
        self.assertLess(time.monotonic() - started, NOTICED_SECONDS)
        return process.returncode

    def test_every_command_that_prints_much(self):
        for words in (["run", "-v", "--state-dir", self.state, self.tree], ["run", "--json", "--state-dir", self.state, self.tree], ["check", "-v", self.tree],
                      ["check", "--json", self.tree], ["cleanup", self.tree], ["cleanup", "--json", self.tree], ["get", "huge_model", "-"],
                      ["check", "--report", "-", self.tree]):
            with self.subTest(words[:2]):
                self.assertEqual(self.blocked(*words), 128 + signal.SIGTERM)

    def test_question_of_a_clean_up(self):
        plan = self.base / "plan.csv"
        self.assertEqual(self.call([PROGRAM, "cleanup", "-q", "--plan", plan, "-d", self.url, self.tree]).code, 0)
        master, slave = os.openpty()
        self.addCleanup(os.close, master)
        process = subprocess.Popen([PROGRAM, "cleanup", "--apply", plan, "--state-dir", self.state, "-d", self.url, self.tree], env=program_environment(),
                                   stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.close(slave)
        self.addCleanup(self.reap, process)
        self.assertIn(b"Remove up to 809 sources", process.stderr.read(30))
        process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        process.wait(20)
        self.assertLess(time.monotonic() - started, NOTICED_SECONDS)
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)
        self.assertEqual(len(list(self.tree.rglob("*_model.joblib"))), 803)

    def test_get_through_a_pipe_is_whole(self):
        done = subprocess.run([PROGRAM, "get", "huge_model", "-", "-d", self.url], env=program_environment(), stdout=subprocess.PIPE, check=True)
        self.assertEqual(done.stdout, (self.tree / "huge_model.joblib").read_bytes())


if __name__ == "__main__":
    unittest.main()
