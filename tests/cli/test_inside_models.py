"""What lies in the folder of a directory model beside its content: what systems and tools leave there, what the user excludes, links."""

import os
import unittest

from harness import PROGRAM, CliCase

WORTHLESS = (".DS_Store", "Thumbs.db", "sub/desktop.ini", "._config.json", "__pycache__/x.pyc", ".cache/huggingface/download/a.lock")
OF_WORTH = (".git/HEAD", ".ipynb_checkpoints/look.ipynb", "notes.txt~", ".notes.txt.swp")


class InsideCase(CliCase):
    def setUp(self):
        super().setUp()
        self.model = self.tree / "run/churn"
        self.write("run/churn/MLmodel", "flavors: {}\n")
        self.write("run/churn/model.pkl", b"some content " * 40)
        self.write("run/churn/sub/data.txt", b"more " * 40)

    def mm(self, *words, code=0):
        result = self.call([PROGRAM, *map(str, words), "--state-dir", self.state, "-d", self.url])
        self.assertEqual(result.code, code, result.all())
        return result

    def litter(self, names):
        for name in names:
            self.write(f"run/churn/{name}", f"junk {name}")

    def counts(self, *words):
        self.settle()
        summary = self.sync(*words).summary()
        return [summary[key] for key in ("new", "unchanged", "read_bytes")]

    def members(self):
        self.mm("get", "--force", "run/churn", self.base / "back")
        return sorted(str(path.relative_to(self.base / "back")) for path in (self.base / "back").rglob("*") if path.is_file())


class Junk(InsideCase):
    def test_looking_into_a_folder_makes_no_version(self):
        self.assertEqual(self.counts()[:2], [1, 0])
        self.litter(WORTHLESS + OF_WORTH)
        os.symlink("nobody@nowhere.1", self.model / ".#notes.txt")
        self.assertEqual(self.counts()[:2], [0, 1]) # a folder in it has another time
        self.litter((".DS_Store", "__pycache__/x.pyc"))
        self.assertEqual(self.counts(), [0, 1, 0])
        self.assertEqual(self.counts("--checksum")[:2], [0, 1])
        self.mm("check", "--download", self.tree)
        self.assertEqual(self.members(), ["MLmodel", "model.pkl", "sub/data.txt"])

    def test_it_is_not_stored(self):
        self.litter(WORTHLESS + OF_WORTH)
        self.write("run/churn/.cache/mine.bin", b"a cache that belongs to the model")
        self.assertEqual(self.counts()[:2], [1, 0])
        self.assertEqual(self.members(), [".cache/mine.bin", "MLmodel", "model.pkl", "sub/data.txt"])
        self.mm("check", self.tree)

    def test_a_row_that_has_the_junk_is_no_other_content(self):
        """As version 0.1.0 stored it: --hidden takes it, too."""
        self.litter(WORTHLESS + OF_WORTH)
        self.assertEqual(self.counts("--hidden")[:2], [1, 0])
        self.assertEqual(self.counts()[:2], [0, 1])
        self.assertEqual(self.counts(), [0, 1, 0])
        self.mm("check", self.tree)
        for name in WORTHLESS + OF_WORTH:
            self.assertIn(name, self.members())
        self.write("run/churn/model.pkl", b"other content " * 40)
        self.assertEqual(self.counts()[:2], [1, 0])
        self.assertEqual(sorted(self.stored()), [("run/churn", 1), ("run/churn", 2)])
        self.assertEqual(self.counts()[:2], [0, 1])

    def test_a_folder_with_nothing_but_junk(self):
        for path in ("run/churn/MLmodel", "run/churn/model.pkl", "run/churn/sub/data.txt"):
            (self.tree / path).unlink()
        self.litter(WORTHLESS)
        self.write("bertopic_model_1/.DS_Store", b"x")
        self.assertIn("holds no file that is content", self.sync(code=3).out)

    def test_clean_up_takes_what_is_worthless_and_stays_for_the_rest(self):
        self.sync()
        self.litter(OF_WORTH[:1])
        plan = self.base / "plan.csv"
        self.assertIn("it holds .git, which is not stored", self.mm("cleanup", "--plan", plan, self.tree).all())
        self.assertIn('"keep"', plan.read_text())
        (self.model / ".git/HEAD").unlink()
        (self.model / ".git").rmdir()
        self.litter(WORTHLESS)
        self.mm("cleanup", "--plan", plan, self.tree)
        said = self.mm("cleanup", "--apply", plan, "--yes", self.tree)
        self.assertFalse(self.model.exists(), said.all())

    def test_clean_up_when_the_junk_is_stored(self):
        self.litter(WORTHLESS + OF_WORTH)
        self.sync("--hidden")
        plan = self.base / "plan.csv"
        self.mm("cleanup", "--hidden", "--plan", plan, self.tree)
        self.mm("cleanup", "--hidden", "--apply", plan, "--yes", self.tree)
        self.assertFalse(self.model.exists())


class Excluded(InsideCase):
    def test_it_works_inside_a_model(self):
        self.write("run/churn/optimizer.pt", b"large and useless")
        self.write("run/churn/logs/a/events", b"log")
        self.write("run/other/MLmodel", "flavors: {}\n")
        self.write("run/other/logs/kept", b"of another model")
        self.assertEqual(self.counts("--exclude", "*.pt", "--exclude", "run/churn/logs/")[:2], [2, 0])
        self.assertEqual(self.members(), ["MLmodel", "model.pkl", "sub/data.txt"])
        self.mm("get", "run/other", self.base / "other")
        self.assertTrue((self.base / "other/logs/kept").exists())
        exclude = ("--exclude", "*.pt", "--exclude", "run/churn/logs/")
        self.mm("check", *exclude, self.tree)
        self.assertEqual(self.counts(*exclude)[:2], [0, 2])
        plan = self.base / "plan.csv"
        said = self.mm("cleanup", *exclude, "--plan", plan, self.tree)
        self.assertIn("it holds members that are not stored: they are excluded", said.all())
        self.mm("cleanup", *exclude, "--apply", plan, "--yes", self.tree)
        self.assertTrue((self.model / "optimizer.pt").exists())
        self.assertFalse((self.tree / "run/other").exists())


class Links(InsideCase):
    def test_a_cache_of_the_hub(self):
        snapshot = self.tree / "models--org--bert/snapshots/0123abcd"
        snapshot.mkdir(parents=True)
        for name, data in (("config.json", b'{"model_type": "bert"}'), ("model.safetensors", bytes(8) + b"weights" * 99)):
            self.write(f"models--org--bert/blobs/{name[:3]}99", data)
            os.symlink(f"../../blobs/{name[:3]}99", snapshot / name)
        without = self.sync(code=3)
        self.assertRegex(without.out, " is a symbolic link; with -L, links that stay below the models directory are followed")
        self.assertEqual(self.counts("-L")[:2], [1, 1])
        name = "models--org--bert/snapshots/0123abcd"
        self.mm("get", name, self.base / "bert")
        self.assertEqual((self.base / "bert/config.json").read_bytes(), b'{"model_type": "bert"}')
        self.assertFalse((self.base / "bert/config.json").is_symlink())
        self.mm("check", "-L", self.tree)
        self.assertEqual(self.counts("-L"), [0, 2, 0])
        self.assertRegex(self.mm("cleanup", "-L", self.tree).out, r"its members cannot be listed: \S+ is a symbolic link")
        (self.base / "secret").write_bytes(b"not below")
        (snapshot / "config.json").unlink()
        os.symlink(self.base / "secret", snapshot / "config.json")
        self.assertIn("config.json cannot be followed below the models directory", self.sync("-L", code=3).out)


if __name__ == "__main__":
    unittest.main()
