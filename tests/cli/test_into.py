"""--into: folders of BERTopic models into the column of a team's own table of versions, on its real definition, and back."""

import io
import shutil
import subprocess
import tarfile
import unittest

import psycopg2

from harness import PROGRAM, program_environment, samples, wait_until
from life import CleanupCase
from test_python_versions import ID, TABLE, files_of

INTO = ["--into", "media_bias.result_versions"]
DATA = "SELECT encode(sha256(model_data), 'hex') FROM media_bias.result_versions"


class Into(CleanupCase):
    def setUp(self):
        super().setUp()
        self.query(TABLE)
        self.add(ID, "baseline")
        self.source = self.tree / f"bertopic_model_{ID[:8]}"
        shutil.copytree(samples() / "bertopic_model_1a2b3c4d", self.source)
        self.settle()

    def add(self, row, name):
        self.query("INSERT INTO media_bias.result_versions (id, name, configuration, updated_at) VALUES (%s, %s, '{}', '2020-01-01')", (row, name))

    def into(self, *arguments, code=0, **options):
        result = self.run_program("--json", *INTO, *arguments, **options)
        self.assertEqual(result.code, code, result.all())
        return result

    def command(self, *arguments, url=None):
        return super().command(*INTO, *arguments, url=url)

    def check(self, *arguments, code=0):
        result = self.call([PROGRAM, "check", "--json", *INTO, "-d", self.url, *arguments, self.tree])
        self.assertEqual(result.code, code, result.all())
        return result

    def get(self, *arguments, code=0):
        result = self.call([PROGRAM, "get", *INTO, "-d", self.url, *arguments])
        self.assertEqual(result.code, code, result.all())
        return result

    def put(self, data, row=ID):
        self.query("UPDATE media_bias.result_versions SET model_data = %s WHERE id = %s", (data, row))

    def tar(self, names=None, mode="w:gz", change=lambda member: member):
        """The folder as Python's tarfile writes it."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode=mode) as tar:
            for path in names or list(self.source.iterdir()):
                tar.add(path, arcname=f"./{path.name}" if mode == "w" else path.name, filter=change)
        return buffer.getvalue()

    def test_a_row_without_a_payload_is_filled(self):
        result = self.into()
        self.assertEqual((result.summary()["new"], result.summary()["backup"]), (1, None))
        (data, stamp), = self.query("SELECT model_data, updated_at FROM media_bias.result_versions")
        self.assertGreater(stamp.year, 2020)
        out = self.base / "out"
        with tarfile.open(fileobj=io.BytesIO(bytes(data)), mode="r:gz") as tar: # as the team's reader does
            tar.extractall(out)
        self.assertEqual(files_of(out), files_of(self.source))
        before = self.query(DATA)
        self.assertEqual(self.into().summary()["unchanged"], 1)
        (self.state / "x").mkdir(parents=True)
        shutil.rmtree(self.state) # the journal only saves time
        self.assertEqual(self.into().summary()["unchanged"], 1)
        self.assertEqual(self.query(DATA), before)

    def test_nothing_is_made_in_the_database(self):
        tables = self.query("SELECT count(*) FROM pg_class")
        self.into()
        self.check()
        self.plan()
        self.assertEqual(self.query("SELECT count(*) FROM pg_class"), tables)

    def test_empty_is_filled_too(self):
        self.put(b"")
        self.assertEqual(self.into().summary()["new"], 1)

    def test_what_tarfile_wrote_is_the_same(self):
        def other(member):
            member.uid, member.uname, member.mtime = 1234, "ann", 5
            return member
        (self.source / "images").mkdir(exist_ok=True)
        (self.source / "images" / "0.jpg").write_bytes(b"picture")
        for data in (self.tar(), self.tar(sorted(self.source.iterdir(), reverse=True), change=other), self.tar(mode="w")):
            self.put(data)
            before = self.query(DATA)
            self.assertEqual(self.into("--checksum").summary()["unchanged"], 1)
            self.assertEqual(self.query(DATA), before)
            self.assertEqual(self.check("--download").summary()["same"], 1)
            target = self.base / "back"
            self.get(self.source.name, target)
            self.assertEqual(files_of(target), files_of(self.source))
            shutil.rmtree(target)

    def test_other_content_is_a_conflict(self):
        self.into()
        before = self.query(DATA)
        (self.source / "config.json").write_text("{}")
        self.assertEqual(self.into(code=3).summary()["conflict"], 1)
        self.assertEqual(self.into("--on-change", "skip").summary()["skipped"], 1)
        self.assertEqual(self.query(DATA), before)
        self.assertEqual(self.check(code=4).summary()["differ"], 1)

    def test_no_row_and_two_rows(self):
        for digits in ("00000000", "ffffffff"):
            shutil.copytree(self.source, self.tree / f"bertopic_model_{digits}")
        self.add("ffffffff-0000-0000-0000-000000000000", "one")
        self.add("ffffffff-ffff-ffff-ffff-ffffffffffff", "two")
        result = self.into(code=3)
        self.assertEqual((result.summary()["new"], result.summary()["failed"]), (1, 2))
        reasons = {path: line.get("reason") or "" for path, line in result.models().items()}
        self.assertIn("no row of \"media_bias\".\"result_versions\" has an id that begins with 00000000", reasons["bertopic_model_00000000"])
        self.assertIn("two rows", reasons["bertopic_model_ffffffff"])
        self.put(self.tar(), "ffffffff-0000-0000-0000-000000000000")
        self.assertEqual(self.check(code=4).summary()["same"], 1)
        self.get("bertopic_model_ffffffff", self.base / "x", code=1)

    def test_other_models_of_the_tree_are_left_out(self):
        self.write("x_regression.joblib", b"x" * 100)
        shutil.copytree(self.source, self.tree / "bertopic_model_other")
        self.assertEqual(len(self.into().models()), 1)

    def test_column_absent_is_said(self):
        self.query("ALTER TABLE media_bias.result_versions DROP COLUMN model_data")
        for command in (["run", "--state-dir", str(self.state)], ["run", "-n"], ["check"], ["cleanup"]):
            result = self.call([PROGRAM, *command, *INTO, "-d", self.url, self.tree])
            self.assertEqual(result.code, 10, result.all())
            self.assertIn('ALTER TABLE "media_bias"."result_versions" ADD COLUMN IF NOT EXISTS "model_data" BYTEA;', result.err)
        self.query("ALTER TABLE media_bias.result_versions ADD COLUMN IF NOT EXISTS model_data BYTEA")
        self.assertEqual(self.into().summary()["new"], 1)

    def test_tables_that_are_none(self):
        for name, code, text in (("media_bias.other", 10, "no table"), ("result_versions", 2, "names no table"),
                                 ("media_bias.result_versions:name", 10, "must be bytea"), ("media_bias.result_versions:model_data:name", 10, "must be uuid"),
                                 ("media_bias.result_versions:", 2, "names no table"), ('media_bias.x";DROP TABLE models--', 10, "no table")):
            result = self.run_program("--into", name)
            self.assertEqual(result.code, code, result.all())
            self.assertIn(text, result.err)
        self.query('ALTER TABLE media_bias.result_versions RENAME model_data TO "My ""Data"""; ALTER TABLE media_bias.result_versions RENAME id TO "the id"')
        result = self.run_program("--into", 'media_bias.result_versions:My "Data":the id')
        self.assertEqual(result.code, 0, result.all())
        self.assertEqual(self.query('SELECT "My ""Data""" IS NOT NULL FROM media_bias.result_versions'), [(True,)])
        self.assertEqual(self.run_program("--upgrade", *INTO).code, 2)
        self.assertEqual(self.run_program(*INTO, "-d", str(self.base / "x.db"), url=False).code, 2)

    def test_a_dry_run_writes_nothing(self):
        self.assertEqual(self.into("-n").summary()["new"], 1)
        self.assertEqual(self.query("SELECT model_data FROM media_bias.result_versions"), [(None,)])

    def test_cleanup_proves_and_takes(self):
        self.assertEqual(self.plan()[self.source.name]["action"], "keep")
        self.into()
        self.assertEqual(self.plan()[self.source.name]["action"], "delete")
        self.put(self.tar()) # meanwhile, the same from another program
        self.apply()
        self.assertFalse(self.source.exists())
        self.get(self.source.name, self.base / "back")
        self.assertEqual(files_of(self.base / "back"), files_of(samples() / self.source.name))

    def test_cleanup_keeps_what_changed_in_the_row(self):
        self.into()
        self.plan()
        data = self.tar()
        (self.source / "topics.json").write_text("{}")
        other = self.tar()
        (self.source / "topics.json").write_bytes((samples() / self.source.name / "topics.json").read_bytes())
        for row in (other, None, data[:-30]):
            self.put(row)
            self.assertEqual(list(self.apply(code=3)), [self.source.name])
            self.assertTrue(self.source.exists())

    def test_a_payload_that_is_no_tar(self):
        for data in (b"no tar", self.tar()[:-40], self.tar() + self.tar(), self.hostile("../evil"), self.hostile("link", tarfile.SYMTYPE)):
            self.put(data)
            before = self.query(DATA)
            self.assertEqual(self.into(code=3).summary()["new"], 0)
            self.assertEqual(self.query(DATA), before)
            self.assertEqual(self.check(code=4).summary()["same"], 0)
            self.get(self.source.name, self.base / "x", code=3 if data else 1)
            self.assertFalse((self.base / "x").exists())
            self.assertEqual(self.plan()[self.source.name]["action"], "keep")

    def hostile(self, name, kind=tarfile.REGTYPE):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member, io.BytesIO())
        return buffer.getvalue()

    def test_cleanup_of_the_models_beside_it_warns(self):
        self.sync()
        warning = "media_bias.result_versions keeps models too, and was not looked at"
        self.assertIn(warning, self.call(CleanupCase.command(self)).err)
        self.assertNotIn(warning, self.call(self.command()).err)
        self.assertNotIn(warning, self.call([PROGRAM, "check", "-d", self.url, self.tree]).err)
        self.query("ALTER TABLE media_bias.result_versions DROP COLUMN model_data")
        self.assertNotIn(warning, self.call(CleanupCase.command(self)).err)

    def test_it_is_another_store_than_the_models_beside_it(self):
        self.assertEqual(self.sync().summary()["new"], 1)
        self.assertEqual(self.into().summary()["new"], 1)
        self.assertEqual(len([path for path in self.state.iterdir() if path.is_dir()]), 2)
        self.plan() # of the table
        result = self.call([PROGRAM, "cleanup", "--state-dir", self.state, "-d", self.url, "--apply", self.plan_file, "--yes", self.tree])
        self.assertNotEqual(result.code, 0, result.all())
        self.assertTrue(self.source.exists())

    def test_a_row_that_is_filled_while_we_pack(self):
        (self.source / "topics.json").write_text("{}")
        theirs = self.tar()
        shutil.copy(samples() / self.source.name / "topics.json", self.source)
        self.settle()
        other = psycopg2.connect(self.url)
        self.addCleanup(other.close)
        other.cursor().execute("UPDATE media_bias.result_versions SET model_data = %s", (theirs,)) # not committed: to our run the row is empty
        process = subprocess.Popen([PROGRAM, "run", *INTO, "--json", "--state-dir", str(self.state), "-d", self.url, str(self.tree)],
                                   env=program_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.reap, process)
        wait_until(lambda: self.query("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE%%'", ()) == [(1,)])
        other.commit()
        result = self.finish(process)
        self.assertEqual((result.code, result.summary()["conflict"]), (3, 1), result.all())
        self.assertEqual(bytes(self.query("SELECT model_data FROM media_bias.result_versions")[0][0]), theirs)

    def test_a_row_that_does_not_take_it(self):
        self.query("CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; "
                   "CREATE TRIGGER fill BEFORE UPDATE ON media_bias.result_versions FOR EACH ROW EXECUTE FUNCTION fill()")
        result = self.run_program("--json", *INTO) # as when nothing but another program's write is seen
        self.assertEqual(result.code, 3, result.all())
        self.assertIn("filled or removed meanwhile", result.all())


if __name__ == "__main__":
    unittest.main()
