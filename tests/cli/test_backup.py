"""The CSV backup: complete, private, and restored by psql alone."""

import hashlib
import os
import pathlib
import subprocess
import unittest

from harness import PROGRAM, CliCase

MIB = 1024 * 1024


def manifest(folder):
    """{file: (sha256, bytes, rows)} of a MANIFEST; checks its own last line."""
    text = (folder / "MANIFEST").read_text()
    body, last = text[:text.rindex("manifest sha256 ")], text.splitlines()[-1]
    assert last == "manifest sha256 " + hashlib.sha256(body.encode()).hexdigest(), last
    files = (line.split("  ") for line in body.splitlines() if line.endswith(".csv"))
    return {name: (sha, int(size), int(rows)) for sha, size, rows, name in files}


class Restore(CliCase):
    def restore(self, folder):
        """Into the empty tables of another database, with \\copy alone. Returns its URL."""
        url = self.url_of(self.new_database())
        self.assertEqual(self.db("upgrade", url=url).code, 0)
        for pattern, table in (("part-*.csv", "models"), ("chunks-*.csv", "model_chunks")):
            for path in sorted(folder.glob(pattern)):
                with open(path, encoding="utf-8") as file:
                    columns = file.readline().strip()
                psql = [os.environ["PG_BIN"] + "/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url,
                        "-c", f"\\copy {table}({columns}) from '{path}' csv header"]
                subprocess.run(psql, check=True, timeout=60)
        return url

    def check_restored(self, folder):
        self.assertEqual(self.rows(self.restore(folder)), self.rows())

    def test_of_the_samples(self):
        self.copy_samples()
        self.sync("--jobs", "3")
        self.assertGreater(len(list(self.backup().glob("part-*.csv"))), 1)
        self.check_restored(self.backup())

    def test_restored_rows_are_unchanged_for_the_next_run(self):
        self.copy_samples()
        self.sync()
        url = self.restore(self.backup())
        result = self.call([PROGRAM, "run", "--json", "--state-dir", self.base / "state2", "-d", url, self.tree])
        self.assertEqual((result.summary()["new"], result.summary()["unchanged"]), (0, 23))

    def test_of_chunks(self):
        self.write("large_model.joblib", os.urandom(17 * MIB))
        self.write("middle_model.joblib", os.urandom(3000))
        self.write("small_model.joblib", os.urandom(500))
        self.sync("--inline-limit", "1KiB")
        self.assertEqual(self.query("SELECT name, count(*) FROM model_chunks GROUP BY 1 ORDER BY 1"), [("large_model", 2), ("middle_model", 1)])
        self.check_restored(self.backup())

    def test_of_strange_names_and_inactive_rows(self):
        for i, name in enumerate(["it's \"quoted\", yes", "\\.", "=1+1", " blank ", "naïve ☃", "\\N", "NULL"]):
            self.write(name + ".joblib", b"data %d" % i * 100)
        (self.tree / os.fsdecode(b"caf\xe9")).mkdir()
        (self.tree / os.fsdecode(b"caf\xe9") / "x.joblib").write_bytes(b"cafe" * 100)
        table = self.base / "map.csv"
        table.write_text("path,name\ncaf?/x.joblib,cafe\n")
        self.sync("--no-activate", "--map", table)
        self.assertEqual(len(self.stored()), 8)
        self.check_restored(self.backup())

    def test_each_run_has_its_own_folder_and_together_they_are_all(self):
        files = self.write_some(3)
        first = self.sync().summary()
        files[0].write_bytes(b"retrained" * 100)
        second = self.sync().summary()
        self.assertEqual({path.name for path in self.backups()}, {first["run_id"], second["run_id"]})
        both = self.base / "both"
        both.mkdir()
        for i, folder in enumerate(self.backups()):
            for k, path in enumerate(sorted(folder.glob("part-*.csv"))):
                os.link(path, both / f"part-{i}{k}.csv")
        self.check_restored(both)


class Folder(CliCase):
    def test_manifest_tells_rows_bytes_and_digests(self):
        self.copy_samples()
        self.write("chunked_model.joblib", os.urandom(1_000_000))
        summary = self.sync("--jobs", "2", "--inline-limit", "900KiB").summary()
        folder = pathlib.Path(summary["backup"])
        self.assertEqual(folder, self.backup())
        files = manifest(folder)
        self.assertEqual(set(files) | {"MANIFEST", "STORE"}, {path.name for path in folder.iterdir()})
        for name, (sha, size, rows) in files.items():
            data = (folder / name).read_bytes()
            self.assertEqual((sha, size, rows), (hashlib.sha256(data).hexdigest(), len(data), data.count(b"\n") - 1), name)
        self.assertEqual(sum(rows for name, (_, _, rows) in files.items() if name.startswith("part-")), summary["new"])
        self.assertEqual(sum(rows for name, (_, _, rows) in files.items() if name.startswith("chunks-")), 1)

    def test_meta_has_every_column_but_the_payload(self):
        self.write_some(3)
        self.sync("--backup", "meta", "--jobs", "1")
        header, *rows = (self.backup() / "part-0.csv").read_text().splitlines()
        self.assertNotIn("model_binary", header)
        self.assertIn("content_sha256", header)
        self.assertEqual(len(rows), 3)
        self.assertIn("mode meta", (self.backup() / "MANIFEST").read_text())
        manifest(self.backup())

    def test_none_leaves_no_folder(self):
        self.write_some(3)
        self.assertIsNone(self.sync("--backup", "none").summary()["backup"])
        self.assertEqual(self.backups(), [])
        self.assertEqual(len(self.stored()), 3)

    def test_backup_dir_is_made_and_used(self):
        self.write_some(3)
        place = self.base / "some" / "where"
        summary = self.sync("--backup-dir", place).summary()
        self.assertEqual(summary["backup"], str(place / summary["run_id"]))
        self.assertEqual(sum(rows for _, _, rows in manifest(place / summary["run_id"]).values()), 3)
        self.assertEqual(self.backups(), [])

    def test_backup_dir_that_cannot_be_made_stops_before_anything_is_stored(self):
        self.write_some(3)
        self.write("../file", b"")
        result = self.run_program("--upgrade", "--backup-dir", self.base / "file" / "below")
        self.assertEqual(result.code, 1)
        self.assertIn(str(self.base / "file"), result.err)
        self.assertEqual(self.stored(), {})

    def test_run_that_stored_nothing_leaves_no_folder(self):
        self.write("zero.joblib", b"")
        self.assertIsNone(self.sync(code=3).summary()["backup"])
        self.assertEqual(self.backups(), [])


class Modes(CliCase):
    def check_private(self, *roots):
        for root in roots:
            for path in (root, *root.rglob("*")):
                self.assertEqual(path.stat().st_mode & 0o7777, 0o700 if path.is_dir() else 0o600, path)

    def run_with(self, umask):
        self.write_some(3)
        self.write("large_model.joblib", os.urandom(3000))
        place = self.base / "backups" / "deep"
        self.sync("--inline-limit", "1KiB", "--backup-dir", place, umask=umask)
        self.write_some(4, size=200)
        self.sync(umask=umask)
        self.assertTrue(self.journal().exists() and list(place.glob("*/chunks-*.csv")) and self.backup())
        self.check_private(self.state, place)

    def test_state_and_backup_are_private_under_umask_000(self):
        self.run_with(0)

    def test_state_and_backup_are_private_under_umask_077(self):
        self.run_with(0o077)


if __name__ == "__main__":
    unittest.main()
