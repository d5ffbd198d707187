"""check --here: several folders, or hosts, store into one database, and each asks for its own."""

import unittest

from harness import PROGRAM, CliCase
from stores import on_both

DATA = b"some model " * 50


@on_both
class Here(CliCase):
    def setUp(self):
        super().setUp()
        self.other = self.base / "other models"
        self.write("ours_model.joblib", DATA)
        self.write("lost_model.joblib", DATA + b"2")
        self.write("../other models/theirs_model.joblib", DATA + b"3")
        self.sync()
        self.sync(tree=self.other)

    def check(self, *options, code, tree=None):
        result = self.call([PROGRAM, "check", "-d", self.url, *options, tree or self.tree])
        self.assertEqual(result.code, code, result.all())
        return result.out

    def test_what_another_folder_stored_is_no_difference(self):
        self.assertIn("- theirs_model@1\n", self.check(code=4))
        self.assertNotIn("theirs_model", self.check("--here", code=0))
        self.assertIn("= 1 same", self.check("--here", code=0, tree=self.other))

    def test_what_this_folder_lost_is_one(self):
        (self.tree / "lost_model.joblib").unlink()
        out = self.check("--here", code=4)
        self.assertIn("- lost_model@1\n", out)
        self.assertIn("= 1 same, + 0 only on disk, - 1 only in the store", out)

    def test_what_another_host_stored_from_a_folder_of_this_name(self):
        (self.tree / "lost_model.joblib").unlink()
        self.query("UPDATE model_runs SET host = 'elsewhere'")
        self.check("--here", code=0)


if __name__ == "__main__":
    unittest.main()
