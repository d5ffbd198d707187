"""What a command tells while it works: a line on a terminal, as wide as that is; elsewhere a line when it is asked for. A lock that another session
holds on the table makes each command stand still for as long as a test wants."""

import fcntl
import os
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import time
import unittest

import psycopg2

from harness import PROGRAM, CliCase, program_environment

PATIENCE_SECONDS = 60


class Progress(CliCase):
    def setUp(self):
        super().setUp()
        self.write_some(3)
        self.sync()
        self.assertEqual(self.call([PROGRAM, "cleanup", "--plan", self.base / "plan.csv", "-d", self.url, self.tree]).code, 0)
        self.write("another_regression.joblib", b"another " * 99)

    def commands(self):
        state = ["--state-dir", self.state]
        return {"run": ["run", *state, self.tree, "-d", self.url], "check": ["check", "--one-way", "--exclude", "another*", self.tree, "-d", self.url],
                "cleanup": ["cleanup", self.tree, "-d", self.url],
                "get": ["get", "-f", "event0_regression", self.base / "got", "-d", self.url],
                "get --all": ["get", "--all", self.base / "all", "-d", self.url],
                "restore": ["restore", *state, self.backup(), "-d", self.url],
                "copy": ["copy", *state, "--from", self.url, "--to", self.base / "copy.db"]}

    def stand_still(self):
        """Until the function that is returned is called."""
        connection = psycopg2.connect(self.url)
        connection.cursor().execute("LOCK TABLE models IN ACCESS EXCLUSIVE MODE")
        self.addCleanup(connection.close)
        return connection.close

    def on_terminal(self, words, columns=100, env=None):
        """The program with a terminal as its standard error, and that terminal."""
        master, slave = os.openpty()
        self.addCleanup(os.close, master)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen([PROGRAM, *map(str, words)], env=program_environment({"TERM": "xterm", **(env or {})}), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=slave)
        os.close(slave)
        self.addCleanup(self.end, process)
        return process, master

    @staticmethod
    def end(process):
        process.kill()
        process.communicate()

    def shown(self, master, pattern=None, process=None):
        """What the terminal got: until the pattern came, or until the program has ended."""
        text, deadline = "", time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and (pattern is None or not re.search(pattern, text)):
            if select.select([master], [], [], 0.1)[0]:
                try:
                    text += os.read(master, 65536).decode()
                except OSError: # its other end is closed
                    return text
            elif process is not None and process.poll() is not None:
                return text
        self.assertTrue(pattern is None or re.search(pattern, text), text)
        return text

    def test_every_command_shows_what_it_does(self):
        for name, words in self.commands().items():
            with self.subTest(name):
                release = self.stand_still()
                process, master = self.on_terminal(words)
                text = self.shown(master, r"\r\033\[K(asking|looking|comparing|restoring|copying|reading)")
                release()
                text = self.shown(master, process=process)
                self.assertEqual(process.wait(PATIENCE_SECONDS), 0, text)
                self.assertTrue(text.endswith("\r\033[K") or "\r\033[K\r\n" not in text, text)

    def test_line_is_as_wide_as_the_terminal_at_that_moment(self):
        release = self.stand_still()
        process, master = self.on_terminal(self.commands()["check"], columns=20)
        text = self.shown(master, r"(\r\033\[Kasking[^\r]*){3}")
        self.assertEqual({len(part) for part in text.split("\r\033[K")[1:-1] if part.startswith("asking")}, {19})
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 12, 0, 0))
        self.shown(master, r"\r\033\[Kasking the \r\033")
        release()
        self.shown(master, process=process)
        self.assertEqual(process.wait(PATIENCE_SECONDS), 0)

    def test_dumb_terminal_and_quiet_command_get_no_codes(self):
        for options, env in (([], {"TERM": "dumb"}), ([], {"TERM": None}), (["-q"], {})):
            process, master = self.on_terminal([*self.commands()["check"], *options], env=env)
            text = self.shown(master, process=process)
            self.assertEqual((process.wait(PATIENCE_SECONDS), text), (0, ""))
        release = self.stand_still()
        process, master = self.on_terminal([*self.commands()["check"], "--stats", "200ms"], env={"TERM": "dumb"})
        text = self.shown(master, r"(?s)asking the database.*asking the database")
        release()
        self.assertNotRegex(text, r"\033|\r(?!\n)")

    def test_elsewhere_a_line_when_it_is_asked_for(self):
        for name, words in self.commands().items():
            with self.subTest(name):
                release = self.stand_still()
                process = subprocess.Popen([PROGRAM, *map(str, words), "--stats", "200ms"], env=program_environment(), stdin=subprocess.DEVNULL,
                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                self.addCleanup(self.end, process)
                lines = [process.stderr.readline() for _ in range(2)]
                process.send_signal(signal.SIGUSR1)
                release()
                _, rest = process.communicate(timeout=PATIENCE_SECONDS)
                self.assertEqual(process.returncode, 0, rest)
                self.assertRegex(b"".join(lines).decode(), r"(?m)^(asking|looking|comparing|restoring|copying|reading)")
                self.assertNotRegex(b"".join(lines) + rest, rb"[\033\r]")

    def test_signal_asks_for_one_line(self):
        release = self.stand_still()
        process = subprocess.Popen([PROGRAM, *map(str, self.commands()["check"])], env=program_environment(), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end, process)
        self.wait_for_lock()
        process.send_signal(signal.SIGUSR1)
        self.assertRegex(process.stderr.readline().decode(), r"^asking the database what it has")
        release()
        _, rest = process.communicate(timeout=PATIENCE_SECONDS)
        self.assertEqual((process.returncode, rest), (0, b""))

    def wait_for_lock(self):
        """Until a session of the program waits for the lock."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        connection = psycopg2.connect(dbname="postgres")
        with connection, connection.cursor() as cursor:
            while time.monotonic() < deadline:
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = %s)",
                               (re.search(r"dbname=(\S+)", self.url)[1],))
                if cursor.fetchone()[0] > 0:
                    break
                time.sleep(0.02)
        connection.close()

    def test_server_that_says_nothing(self):
        """It is told while the first try still lasts."""
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen(16)
            url = f"postgresql://tester@127.0.0.1:{silent.getsockname()[1]}/models"
            for words in (["run", "--state-dir", self.state, self.tree], ["check", self.tree], ["get", "x"], ["db", "current"]):
                process, master = self.on_terminal([*words, "-d", url, "--retries", "0"])
                self.shown(master, r"connecting to 127\.0\.0\.1:")
                process.terminate()
                self.shown(master, process=process)
                process.wait(PATIENCE_SECONDS)


if __name__ == "__main__":
    unittest.main()
