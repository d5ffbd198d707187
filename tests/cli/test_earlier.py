"""What version 0.1.0 left goes on working: its database, journal, backups, the leftovers of a killed run, a plan of cleanup."""

import csv
import io
import os
import pathlib
import shutil
import subprocess
import unittest
import zlib

from harness import PROGRAM, ROOT, CliCase

EARLIER = ROOT / "fixtures" / "earlier" / "0.1.0"
KILLED = "01a2275e-3866-73cb-8d94-dfb1541e4ee5"  # the run without MANIFEST
OLD_TREE = "/srv/earlier/models"
SOURCES = 7          # in the tree; all but lost_regression are stored
ROWS = 8             # in the database: besides them an older version, and a model whose source was cleaned up


class EarlierCase(CliCase):
    """The database, the sources and the state folder of version 0.1.0, as if they had been made here."""

    def setUp(self):
        super().setUp()
        self.key = self.store_key()
        self.load_store()
        shutil.copytree(EARLIER / "models", self.tree, dirs_exist_ok=True)
        for path in self.tree.rglob("*"):
            os.utime(path, (1767225600.5, 1767225600.5)) # in whole seconds, it would be read again for two of them
        self.settle()
        self.copy_state()

    def load_store(self):
        # A role may not be called as the one that made the dump, and the schema public is there.
        subprocess.run(["psql", "-qX", "-v", "ON_ERROR_STOP=1", "-f", EARLIER / "store.sql", self.url], check=True, capture_output=True)

    def store_key(self):
        """How the program calls the state folder of this database, which is left empty."""
        probe, empty = self.base / "probe", self.base / "empty"
        empty.mkdir()
        self.call([PROGRAM, "run", "-q", "--upgrade", "--state-dir", probe, "-d", self.url, empty])
        self.kind.drop_all(self.url)
        return next(probe.iterdir()).name

    def copy_state(self):
        self.folder_of_store = self.state / self.key
        shutil.copytree(EARLIER / "state", self.folder_of_store)
        for path in [self.state, *self.state.rglob("*")]:
            path.chmod(0o700 if path.is_dir() else 0o600)
        for path in self.state.rglob("STORE"):
            path.write_text(f"{self.key}/public\n")
        self.journal_path = self.folder_of_store / "journal"
        self.journal_path.write_text(self.adapt_journal(self.journal_path.read_text()))

    def adapt_journal(self, text):
        """Its records speak of the files that are here: other inodes, another folder. Directories have a hash that cannot be made here."""
        lines = text.splitlines()
        for i, line in enumerate(lines[1:], 1):
            fields = line[9:].split("\t")
            fields[10] = fields[10].replace(OLD_TREE, str(self.tree))
            path = pathlib.Path(fields[10])
            if fields[0] == "f" and path.is_file() and path.stat().st_size == int(fields[3]):
                fields[1:7] = map(str, self.stamp(path) + [path.stat().st_ctime_ns + 10**10])
            body = "\t".join(fields)
            lines[i] = f"{zlib.crc32(body.encode()):08x} {body}"
        return "\n".join(lines) + "\n"

    @staticmethod
    def stamp(path):
        st = path.stat()
        return [st.st_dev, st.st_ino, st.st_size, st.st_mtime_ns, st.st_ctime_ns]

    def adapt_plan(self):
        """A plan for the files that are here."""
        plan = self.base / "plan.csv"
        header, *rows = csv.reader(io.StringIO((EARLIER / "plan.csv").read_text()))
        for row in rows:
            if row[2] == "file":
                row[10:15] = map(str, self.stamp(self.tree / row[1]))
        text = io.StringIO()
        writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerows(rows)
        plan.write_text(",".join(header) + "\n" + text.getvalue())
        plan.chmod(0o600)
        return plan, {row[1] for row in rows if row[2] == "file"}

    def command(self, *words):
        return self.call([PROGRAM, *words, "--state-dir", self.state, "-d", self.url])


class Run(EarlierCase):
    def test_the_run_goes_on(self):
        result = self.sync()
        summary = result.summary()
        self.assertEqual((summary["new"], summary["unchanged"]), (1, SOURCES - 1))
        lost, directory = self.tree / "lost_regression.joblib", self.tree / "bertopic_model_0a1b2c3d"
        read = lost.stat().st_size + sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
        self.assertEqual(summary["read_bytes"], read, "the journal of 0.1.0 is not believed")
        self.assertEqual(len(self.stored()), ROWS + 1)
        summary = self.sync().summary()
        self.assertEqual((summary["new"], summary["read_bytes"]), (0, 0))
        self.assertEqual(self.call([PROGRAM, "check", "--download", "--one-way", "-d", self.url, self.tree]).code, 0)

    def test_the_backup_of_the_killed_run_is_finished(self):
        folder = self.folder_of_store / "backups" / KILLED
        self.assertFalse((folder / "MANIFEST").exists())
        self.sync()
        self.assertIn("part-0.csv", (folder / "MANIFEST").read_text())
        text = (folder / "part-0.csv").read_text()
        self.assertTrue(text.endswith("\n"))
        self.assertIn('\n"killed_model",1,', text)
        self.assertNotIn("torn_model", text)

    def test_the_trail_is_kept(self):
        self.sync()
        trail = [line for path in self.folder_of_store.iterdir() if path.is_file() for line in path.read_text().splitlines()
                 if line[8:11] == " x\t"]
        self.assertTrue(any(line.endswith("/cleaned_up_model.joblib") for line in trail), trail)


class Back(EarlierCase):
    def test_get(self):
        self.sync()
        out = self.base / "out"
        self.assertEqual(self.call([PROGRAM, "get", "-d", self.url, "cleaned_up_model", out]).code, 0)
        self.assertEqual(out.read_bytes(), b"goes away " * 60)

    def test_restore_into_an_empty_store(self):
        self.sync()
        rows = self.rows()
        empty = self.url_of(self.new_database())
        self.assertEqual(self.db("upgrade", url=empty).code, 0)
        for restored in (ROWS + 1, 0):
            result = self.call([PROGRAM, "restore", "--json", "--state-dir", self.base / "other", "-d", empty, self.folder_of_store / "backups"])
            self.assertEqual(result.code, 0, result.all())
            self.assertEqual(result.summary()["restored"], restored)
        self.assertEqual(self.rows(empty), rows)

    def test_cleanup_by_its_plan(self):
        plan, files = self.adapt_plan()
        self.assertEqual(self.db("upgrade").code, 0)
        self.sync()
        result = self.command("cleanup", "--apply", plan, "--yes", self.tree)
        self.assertEqual(result.code, 3, result.all()) # the directory is another one
        left = {str(path.relative_to(self.tree)) for path in self.tree.rglob("*.joblib")}
        self.assertEqual(files & left, set(), result.all())
        self.assertEqual(left, {"killed_model.joblib", "lost_regression.joblib"})
        self.assertTrue((self.tree / "bertopic_model_0a1b2c3d" / "config.json").exists())


if __name__ == "__main__":
    unittest.main()
