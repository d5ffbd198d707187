"""A signal that asks to end while the tree is looked at: the very next entry notices, however many are to come."""

import unittest

from fault import CliCase, SHIM, is_sanitized

MANY = 300
AT = 20
SIGNAL = "run:kill -INT $PPID; sleep 0.3"  # the thread that takes it needs a moment


@unittest.skipIf(is_sanitized(), "such a build looks at more than its own files")
class ScanTest(CliCase):
    def setUp(self):
        super().setUp()
        self.db("upgrade")

    def interrupted(self, op, *arguments):
        """Operations of the class after the signal came at the AT-th."""
        count = self.base / "count"
        env = {"LD_PRELOAD": SHIM, "FAULT_OP": op, "FAULT_AT": str(AT), "FAULT_DO": SIGNAL, "FAULT_PATH": str(self.tree), "FAULT_COUNT": str(count)}
        result = self.run_program(*arguments, env=env)
        self.assertEqual(result.code, 130, result.all())
        self.assertIn("interrupted by signal 2", result.err)
        done = {line.split()[0]: int(line.split()[1]) for line in count.read_text().splitlines()}
        self.assertGreaterEqual(done[op], AT)
        self.assertLess(done[op], AT + 20, "the signal was not noticed at once")

    def test_while_names_are_read(self):
        for i in range(MANY):
            self.write(f"m{i}.txt", b"")
        self.interrupted("readdir")

    def test_while_files_are_looked_at(self):
        for i in range(MANY):
            self.write(f"m{i}_model.joblib", b"x")
        self.interrupted("stat")

    def test_inside_a_directory_model(self):
        for i in range(MANY):
            self.write(f"bertopic_model_0a1b2c3d/{i}.bin", b"x")
        self.interrupted("stat")

    def test_while_links_are_followed(self):
        self.write("one_model.joblib", b"x")
        for i in range(MANY):
            (self.tree / f"link{i}.joblib").symlink_to("one_model.joblib")
        self.interrupted("stat", "-L")


if __name__ == "__main__":
    unittest.main()
