"""A folder that is suddenly empty, as one that is not mounted: cron must hear of it, even with -q."""

import shutil
import unittest

from life import CleanupCase

WORDS = "holds no model, and the 3 that earlier runs stored from there are gone: is it the right folder, and mounted?"


class Empty(CleanupCase):
    def setUp(self):
        super().setUp()
        self.paths = self.write_some(3)
        self.settle()
        self.sync()

    def silent(self, *arguments):
        result = self.run_program("-q", *arguments)
        self.assertEqual((result.code, result.err), (0, ""))

    def test_quiet_run_of_an_unmounted_folder_warns(self):
        shutil.move(self.tree, self.base / "elsewhere")
        self.tree.mkdir()
        for arguments in (["-q"], ["-q", "-n"], [], ["-q", "--checksum"]):
            result = self.run_program(*arguments)
            self.assertEqual(result.code, 0)
            self.assertIn(f"warning: {self.tree}: {WORDS}", result.err, arguments)
        self.assertEqual(len(self.stored()), 3)
        self.tree.rmdir()
        shutil.move(self.base / "elsewhere", self.tree)
        self.silent()
        self.assertEqual(self.sync().summary()["unchanged"], 3)

    def test_narrower_run_is_silent(self):
        self.silent("--include", "none")
        result = self.run_program("-q", "--pattern", "*.pkl")
        self.assertEqual((result.code, result.err), (0, f"warning: {self.tree}: holds no model that --pattern takes; left out 3 files: *.joblib 3\n"))

    def test_empty_folder_warns_however_new_it_is(self):
        other = self.base / "other"
        other.mkdir()
        result = self.run_program("-q", tree=other)
        self.assertEqual((result.code, result.err), (0, f"warning: {other}: is empty: is it the right folder, and mounted?\n"))
        (other / ".git").mkdir()
        result = self.run_program("-q", tree=other)
        self.assertEqual((result.code, result.err), (0, ""))

    def test_some_are_left(self):
        self.paths[0].unlink()
        self.paths[1].unlink()
        self.silent()

    def test_after_a_clean_up_it_is_silent(self):
        self.plan()
        self.assertEqual(len(self.apply()), 3)
        self.assertEqual(self.left(), [])
        self.silent()


if __name__ == "__main__":
    unittest.main()
