"""The whole life of a tree of real models: stored, checked, cleaned up, fetched back, lost with its store and rebuilt from the backup."""

import csv
import os
import shutil
import subprocess
import unittest

import story
from harness import PROGRAM
from life import LifeCase
from stores import Postgres, on_both

RETRAINED = "partnerships_classifier_binary.joblib"


@on_both
class WholeLife(LifeCase):
    fsync = "on"
    proves = True

    def command(self, *words, state=True):
        return [PROGRAM, *map(str, words), *(["--state-dir", str(self.state)] if state else []), "-d", self.url]

    def do(self, *words, code=0, state=True):
        result = self.call(self.command(*words, state=state))
        self.assertEqual(result.code, code, result.all())
        return result

    def files(self):
        return sorted(str(p.relative_to(self.tree)) for p in self.tree.rglob("*") if p.is_file() and p.name != ".samples")

    def fetch_all(self, folder):
        """Every newest version of every source path, into the same tree."""
        for name, version, path in self.query("SELECT name, max(version), source_path FROM models GROUP BY name, source_path"):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            self.do("get", f"{name}@{version}", folder / path, "-q", state=False)

    def check_same(self, left, right):
        subprocess.run(["diff", "-r", "--exclude=.samples", left, right], check=True)

    def drop_store(self):
        self.kind.drop_all(self.url)
        self.do("check", self.tree, code=10, state=False)
        self.do("db", "upgrade", state=False)

    def rebuild_by_psql(self):
        """As docs/restore.md tells."""
        copy = next(block.text for block in story.blocks("docs/restore.md") if "\\copy" in block.text).splitlines()
        environment = dict(os.environ, PATH=f"{os.environ['PG_BIN']}:{os.environ['PATH']}", MIGRATE_MODELS_DATABASE_URL=self.url)
        for folder in self.backups():
            for kind, line in zip(("part", "chunks"), copy):
                for path in sorted(folder.glob(f"{kind}-*.csv")):
                    subprocess.run(["bash", "-e"], input=line.replace(f"{kind}-0.csv", path.name).encode(), cwd=folder, env=environment, check=True,
                                   stdout=subprocess.DEVNULL)

    def test_whole_life(self):
        self.copy_samples()
        everything = self.files()
        self.sync("--inline-limit", "64KiB")
        self.assertGreater(self.query("SELECT count(*) FROM model_chunks")[0][0], 0)
        self.do("check", "--download", self.tree, state=False)

        plan = self.base / "plan.csv"
        self.do("cleanup", "--plan", plan, "--report", self.base / "report.html", self.tree)
        with open(plan, newline="") as file:
            actions = [row["action"] for row in csv.DictReader(file)]
        self.assertEqual(actions, ["delete"] * 23)

        retrained = (self.tree / "bond_model_new.bin")
        other = bytearray((self.tree / RETRAINED).read_bytes())
        other[len(other) // 2] ^= 1
        retrained.write_bytes(other)
        os.replace(retrained, self.tree / RETRAINED)
        original = self.base / "original"
        shutil.copytree(self.tree, original)
        result = self.do("cleanup", "--apply", plan, "--yes", self.tree, code=3)
        self.assertIn(f"stays    {RETRAINED}: it changed after the plan was made", result.out)
        self.assertIn("22 removed", result.out)
        self.assertEqual(self.files(), [RETRAINED])

        self.settle()
        self.sync()  # the retrained one is the next version
        fetched = self.base / "fetched"
        self.fetch_all(fetched)
        self.assertEqual(len(everything), len([p for p in fetched.rglob("*") if p.is_file()]))
        self.check_same(original, fetched)

        rows = self.rows()
        if self.kind is Postgres:  # SQLite has no client that reads a backup's CSV into bytes
            self.drop_store()
            self.rebuild_by_psql()
            self.assertEqual(self.rows(), rows)
            self.do("check", "--download", fetched, state=False)

        self.drop_store()
        self.do("restore", self.backups()[0].parent)
        self.assertEqual(self.rows(), rows)
        self.do("check", "--download", fetched, state=False)
        self.do("restore", self.backups()[0].parent)
        self.assertEqual(self.rows(), rows)

        again = self.base / "again"
        self.fetch_all(again)
        self.check_same(original, again)
        summary = self.sync(tree=fetched).summary()
        self.assertEqual((summary["new"], summary["unchanged"]), (0, 23))
        self.do("cleanup", "--plan", plan, fetched)
        self.do("cleanup", "--apply", plan, "--yes", "--trash", self.base / "trash", fetched)
        self.assertEqual([p for p in fetched.rglob("*") if p.is_file()], [])
        self.check_same(original, self.base / "trash")


if __name__ == "__main__":
    unittest.main()
