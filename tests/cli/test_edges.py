"""Times at the edges of 64 bits, names that turn the direction of writing, signals while much is read."""

import os
import pathlib
import signal
import subprocess
import time

from harness import PROGRAM, program_environment
from life import CleanupCase

BERTOPIC = "bertopic_model_0a1b2c3d"
SECOND = 10**9
TIMES = {"max": 2**63 // SECOND * SECOND - SECOND, "over": 2**63 + SECOND, "far": 10**12 * SECOND, "min": -(2**63) // SECOND * SECOND + SECOND,
         "under": -(2**63) - SECOND, "before": -SECOND // 2, "zero": 0}  # in nanoseconds


class Times(CleanupCase):
    """The tree is in memory, whose times have no limits; a disk cuts them to its own."""

    def setUp(self):
        super().setUp()
        for name, ns in TIMES.items():
            os.utime(self.write(f"{name}_model.joblib", name * 100), ns=(ns, ns))
            os.utime(self.write(f"{BERTOPIC}/{name}.json", name), ns=(ns, ns))

    def test_stored_proven_brought_back(self):
        self.settle()
        self.assertEqual(self.sync().summary()["new"], len(TIMES) + 1)
        self.assertEqual(self.sync().summary()["new"], 0)
        check = self.call([PROGRAM, "check", "--download", "-d", self.url, str(self.tree)])
        self.assertEqual(check.code, 0, check.all())
        for name in TIMES:
            back = self.call([PROGRAM, "get", "-d", self.url, f"{name}_model", str(self.base / name)])
            self.assertEqual(back.code, 0, back.all())
            if name not in ("over", "far", "under", "zero"):
                self.assertEqual((self.base / name).stat().st_mtime_ns, (self.tree / f"{name}_model.joblib").stat().st_mtime_ns, name)
        self.plan()
        self.cleanup("--apply", self.plan_file, "--yes")
        self.assertEqual(self.left(), [])

    def test_rows_of_other_centuries(self):
        self.sync()
        self.query("UPDATE models SET created_at = '294000-01-01', source_mtime = '4000-01-01 BC'")
        for words in (["check"], ["check", "--json"], ["check", "--report", "-"]):
            result = self.call([PROGRAM, *words, "-d", self.url, str(self.tree)])
            self.assertEqual(result.code, 0, result.all())
        self.cleanup("--plan", self.plan_file, "--report", self.base / "page.html")


class Interrupted(CleanupCase):
    """A signal is noticed within a second, however large what is read."""

    def large(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as file:
            file.truncate(1 << 36)
        return path

    def end_by_signal(self, *command):
        process = subprocess.Popen([*map(str, command)], env=program_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.reap, process)
        self.wait_for_reading(process)
        process.send_signal(signal.SIGTERM)
        begin = time.monotonic()
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)
        return time.monotonic() - begin

    @staticmethod
    def wait_for_reading(process):
        """It has the large file open, and is busy with it."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                if any("big" in os.readlink(entry) for entry in pathlib.Path(f"/proc/{process.pid}/fd").iterdir()):
                    break
            except OSError:
                pass
            time.sleep(0.01)
        time.sleep(0.2)

    def test_large_file_and_large_member(self):
        self.write("a_model.joblib", "a")
        self.sync()
        for path in (self.tree / "big_model.joblib", self.tree / BERTOPIC / "big.bin"):
            self.large(path)
            if path.parent != self.tree:
                self.write(f"{BERTOPIC}/topics.json", "{}")
            for words in (["run", "--state-dir", self.state], ["run", "-n", "--state-dir", self.state], ["check"], ["cleanup", "--state-dir", self.state]):
                waited = self.end_by_signal(PROGRAM, *words, "-d", self.url, self.tree)
                self.assertLess(waited, 3, (words, path))  # a second, and what a busy machine adds
            path.unlink()


class Deceptive(CleanupCase):
    """A name that turns the direction of writing looks like another one; it is shown escaped, and kept as it is."""

    MARKS = "\u202e\u2066\u200f\u061c\u2028"

    def bytes_of(self, *words):
        return subprocess.run([*map(str, words)], env=program_environment(), stdin=subprocess.DEVNULL, capture_output=True, check=False)

    def test_no_output_turns_the_terminal(self):
        name = f"a{self.MARKS}z_model.joblib"
        path = self.write(name, "content")
        self.write(f"b{self.MARKS}_model.joblib", b"")
        command = [PROGRAM, "run", "--upgrade", "-v", "--state-dir", self.state, "-d", self.url, self.tree]
        outputs = [self.bytes_of(*command)]
        self.assertEqual(self.query("SELECT source_path FROM models"), [(name,)])
        page = self.base / "page.html"
        outputs += [self.bytes_of(*command, "--json"), self.bytes_of(PROGRAM, "check", "-v", "-d", self.url, self.tree),
                    self.bytes_of(PROGRAM, "check", "--json", "--report", page, "-d", self.url, self.tree),
                    self.bytes_of(*self.command("--plan", self.plan_file)), self.bytes_of(*self.command("--json", "--report", self.base / "r.json"))]
        texts = [output.stdout + output.stderr for output in outputs] + [page.read_bytes(), (self.base / "r.json").read_bytes()]
        for text in texts:
            self.assertNotIn(b"Traceback", text)
            for mark in self.MARKS:
                self.assertNotIn(mark.encode(), text)
        self.assertIn(b"\\u202e", outputs[1].stdout)
        self.cleanup("--apply", self.plan_file, "--yes", code=0)
        self.assertFalse(path.exists())
        back = self.bytes_of(PROGRAM, "get", "-d", self.url, name.removesuffix(".joblib"), self.tree)
        self.assertEqual((back.returncode, path.exists()), (0, True), back)
        self.assertNotIn("\u202e".encode(), back.stdout)
