"""A store that is away for a while: every command waits for it in the same way, says so, and ends when it is told to."""

import signal
import subprocess
import time
import unittest

from netcase import PROGRAM, NetCase, program_environment
from proxy import AFTER, FRONT, RST, Fault

NAME = "event0_classifier_binary"
NOTICED_SECONDS = 1


class Patience(NetCase):
    def setUp(self):
        super().setUp()
        self.assertEqual(self.run_net(url=self.url).code, 0)

    def commands(self):
        """Every command that opens a store, for the proxy's address."""
        return {"run": ["run", "--state-dir", self.state, self.tree], "dry run": ["run", "-n", "--state-dir", self.state, self.tree],
                "check": ["check", self.tree], "check --download": ["check", "--download", self.tree], "cleanup": ["cleanup", self.tree],
                "get": ["get", "-f", NAME, self.base / "got"], "restore": ["restore", "--state-dir", self.state, self.backup()],
                "db upgrade": ["db", "upgrade"], "db current": ["db", "current"]}

    def spawn_command(self, words, *options):
        process = subprocess.Popen([PROGRAM, *map(str, words), *options, "-d", self.proxy_url()], env=program_environment(), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.reap, process)
        return process

    def each(self, *options):
        for name, words in self.commands().items():
            with self.subTest(name):
                yield self.spawn_command(words, *options)

    def test_each_try_is_told_and_the_exit_code_is_5(self):
        self.proxy.shut()
        for process in self.each("--retries", "2"):
            result = self.finish(process)
            self.assertEqual(result.code, 5, result.err)
            self.assertRegex(result.err, r"refused.* \(try 1 of 3\); trying again in 0\.\d s")
            self.assertRegex(result.err, r"refused.* \(try 2 of 3\); trying again in 0\.\d s")
            self.assertEqual((result.err.count("trying again"), result.err.count("error: ")), (2, 1), result.err)

    def test_no_retries(self):
        self.proxy.shut()
        for process in self.each("--retries", "0"):
            result = self.finish(process)
            self.assertEqual((result.code, result.err.count("trying again")), (5, 0), result.err)

    def test_store_that_comes_later(self):
        for name, words in self.commands().items():
            with self.subTest(name):
                self.proxy.shut()
                process = self.spawn_command(words, "--retries", "0", "--wait", "60s")
                for _ in range(3):
                    self.assertIn(b"trying again", process.stderr.readline())
                self.proxy.open()
                result = self.finish(process)
                self.assertEqual(result.code, 0, result.err)

    def test_time_to_wait_ends(self):
        self.proxy.shut()
        for process in self.each("--retries", "0", "--wait", "1s"):
            started = time.monotonic()
            result = self.finish(process)
            self.assertEqual(result.code, 5, result.err)
            self.assertGreater(time.monotonic() - started, 0.8)
            self.assertIn("giving up after 1.00 s", result.err)

    def signalled(self, process):
        process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        result = self.finish(process)
        self.assertLess(time.monotonic() - started, NOTICED_SECONDS)
        self.assertEqual(result.code, 128 + signal.SIGTERM, result.err)

    def test_signal_while_nobody_listens(self):
        self.proxy.shut()
        for process in self.each("--retries", "1000"):
            for _ in range(4):  # the pause is 0.8 seconds or longer now
                process.stderr.readline()
            self.signalled(process)

    def test_signal_while_nobody_answers(self):
        self.proxy.silence()
        for process in self.each("--retries", "1000"):
            time.sleep(0.3)
            self.signalled(process)

    def test_session_that_is_lost_in_the_middle(self):
        for name, words in self.commands().items():
            for at in range(1, 40, 3):
                with self.subTest(name, at=at):
                    self.proxy.reset()
                    self.proxy.fault = Fault(RST, AFTER, FRONT, at)
                    result = self.finish(self.spawn_command(words, "--retries", "3"))
                    fired = self.proxy.fired
                    self.proxy.calm()
                    self.assertEqual(result.code, 0, result.err)
                if not fired:
                    break


if __name__ == "__main__":
    unittest.main()
