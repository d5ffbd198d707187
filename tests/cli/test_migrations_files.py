"""The commands of a folder of revisions that need no database: db init, revision, merge, heads, history, show."""

import datetime
import json
import os
import pathlib
import pty
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import NO_LIBPQ, PROGRAM, CliCase, program_environment


class Files(unittest.TestCase):
    """A folder for revisions, and the program without any database."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="cli-files-")
        self.addCleanup(folder.cleanup)
        self.base = pathlib.Path(folder.name)
        self.folder = self.base / "migrations"

    def db(self, *words, env=None):
        return CliCase.call(self, [PROGRAM, "db", *words, "--migrations", self.folder], env={**NO_LIBPQ, **(env or {})}, cwd=self.base)

    def good(self, *words):
        result = self.db(*words)
        self.assertEqual((result.code, result.err), (0, ""), words)
        return result.out

    def put(self, name, revision, parents="none", text=""):
        self.folder.mkdir(exist_ok=True)
        (self.folder / f"{name}.sql").write_text(f"-- revision: {revision}\n-- down_revision: {parents}\n{text}")

    def fails(self, code, *words):
        result = self.db(*words)
        self.assertEqual((result.code, result.out), (code, ""), words)
        return result.err


class NewFiles(Files):
    def test_init_makes_the_folder_once(self):
        self.assertEqual(self.good("init"), f"{self.folder}/README.md\n")
        (self.folder / "README.md").write_text("ours")
        self.assertEqual(self.good("init"), "")
        self.assertEqual((self.folder / "README.md").read_text(), "ours")

    def test_a_chain_of_revisions(self):
        first = pathlib.Path(self.good("revision", "-m", "First tables!").strip())
        self.assertRegex(first.name, r"^\d{14}_first_tables\.sql$")
        second = pathlib.Path(self.good("revision", "--message=add owner").strip())
        ids = [path.name[:14] for path in (first, second)]
        self.assertLess(*ids)
        self.assertTrue(second.read_text().startswith(f"-- revision: {ids[1]}\n-- down_revision: {ids[0]}\n-- message: add owner\n"))
        self.assertEqual(self.good("heads"), f"{ids[1]} (head)\n")
        self.assertEqual(self.good("history"), f"{ids[0]} -> {ids[1]} (head), add owner\n<base> -> {ids[0]}, First tables!\n")
        self.assertEqual(self.good("show", ids[0]), first.read_text())
        self.assertEqual(list(self.base.iterdir()), [self.folder])

    def test_the_style_of_ids_follows_the_folder(self):
        today = datetime.datetime.now(datetime.timezone.utc)
        days = [(today + datetime.timedelta(days=more)).strftime("%Y%m%d") for more in (0, 1)]
        for known, want in (("0007", "0008"), (f"{days[0]}_000001", f"({days[0]}_000002|{days[1]}_000001)"), ("abc123def456", "[0-9a-f]{12}"),
                            ("v1.2", r"\d{14}")):
            self.put(known, known)
            self.assertRegex(pathlib.Path(self.good("revision", "-m", "next").strip()).name, f"^{want}_next.sql$")
            for path in self.folder.iterdir():
                path.unlink()

    def test_an_id_of_ones_own(self):
        self.put("a", "a1")
        self.good("revision", "-m", "x", "--rev-id", "b-2.x")
        self.assertIn("the revision a1 already", self.fails(2, "revision", "-m", "x", "--rev-id", "a1"))
        self.assertIn("letters, digits", self.fails(2, "revision", "-m", "x", "--rev-id", "a/b"))
        self.assertEqual(len(list(self.folder.iterdir())), 2)

    def test_branches_and_their_merge(self):
        self.put("1", "0001")
        self.put("2", "aa02", "0001")
        self.put("3", "bb02", "0001")
        error = self.fails(10, "revision", "-m", "more")
        self.assertIn("several heads, aa02 and bb02", error)
        self.assertIn("--head", error)
        self.good("revision", "-m", "more", "--head", "bb", "--rev-id", "bb03", "--depends-on", "aa02")
        self.assertIn("-- depends_on: aa02\n", (self.folder / "bb03_more.sql").read_text())
        merged = pathlib.Path(self.good("merge", "--rev-id", "cc04", "-m", "together").strip())
        self.assertEqual(merged.read_text(), "-- revision: cc04\n-- down_revision: aa02, bb03\n-- message: together\n\n/* downgrade\n*/\n")
        self.assertEqual(self.good("history").splitlines()[0], "aa02, bb03 -> cc04 (mergepoint) (head), together")
        self.assertIn("0001 (branchpoint), 1\n", self.good("history"))
        self.assertIn("nothing to merge", self.fails(2, "merge"))
        self.assertIn("two revisions or more", self.fails(2, "merge", "aa02"))

    def test_the_message_is_asked_for_on_a_terminal(self):
        self.assertIn("a message is missing", self.fails(2, "revision"))
        master, terminal = pty.openpty()
        os.write(master, b"ask me\n")
        done = subprocess.run([PROGRAM, "db", "revision", "--migrations", self.folder], env=program_environment(NO_LIBPQ), stdin=terminal,
                              capture_output=True, check=True, timeout=60)
        os.close(master)
        os.close(terminal)
        self.assertEqual(done.stderr, b"Message: ")
        self.assertTrue(done.stdout.endswith(b"_ask_me.sql\n"))

    def test_an_empty_message_gets_advice(self):
        result = self.db("revision", "-m", "update")
        self.assertEqual(result.code, 0)
        self.assertIn('the message "update" tells little', result.err)
        self.assertIn("one line", self.fails(2, "revision", "-m", "a\nb"))

    def test_the_folder_must_be_named(self):
        result = CliCase.call(self, [PROGRAM, "db", "heads"], cwd=self.base)
        self.assertEqual(result.code, 2)
        self.assertIn("MIGRATE_MODELS_MIGRATIONS", result.err)
        self.good("revision", "-m", "x", "--rev-id", "x1")
        named = CliCase.call(self, [PROGRAM, "db", "heads"], env={"MIGRATE_MODELS_MIGRATIONS": str(self.folder)}, cwd=self.base)
        self.assertEqual((named.code, named.out), (0, "x1 (head)\n"))


class Graph(Files):
    def test_errors_name_the_file(self):
        self.assertIn("there is no folder", self.fails(2, "heads"))
        self.put("0001_a", "0001", "0777")
        self.assertIn("/0001_a.sql: down_revision 0777 is in no file", self.fails(10, "heads"))
        self.put("0001_a", "0001", text="select 'x;")
        self.assertIn("/0001_a.sql:3: this string is never closed", self.fails(10, "history"))
        self.put("0001_a", "0001", text="\\i other.sql\n")
        # which rules hold is said by the address; no server is asked
        result = self.db("history", "-d", "postgresql://nobody@192.0.2.1/none")
        self.assertEqual(result.code, 10)
        self.assertIn("/0001_a.sql:3: \\i is a command of psql, not SQL", result.err)

    def test_a_range_of_the_history(self):
        for number in range(1, 6):
            self.put(str(number), f"r{number}", f"r{number - 1}" if number > 1 else "none")
        line = "r{} -> r{}, {}\n".format
        self.assertEqual(self.good("history", "r2:r4"), line(3, 4, 4) + line(2, 3, 3))
        self.assertEqual(self.good("history", "r1:r3-1"), line(1, 2, 2))
        self.assertEqual(self.good("history", ":r1"), "<base> -> r1, 1\n")
        self.assertEqual(self.good("history", "r4:"), "r4 -> r5 (head), 5\n")
        self.assertIn(f"{self.folder}/5.sql\n", self.good("history", "-v", "r4:"))
        self.assertIn("r may be", self.fails(10, "history", "r"))

    def test_json(self):
        self.put("1", "r1")
        self.put("2", "r2", "r1")
        lines = [json.loads(line) for line in self.good("history", "--json").splitlines()]
        self.assertEqual(lines[0], {"type": "revision", "revision": "r2", "down_revision": "r1", "message": "2", "file": f"{self.folder}/2.sql", "head": True})
        self.assertIsNone(lines[1]["down_revision"])
        self.assertEqual(json.loads(self.good("show", "r1", "--json"))["text"], (self.folder / "1.sql").read_text())

    def test_examples_of_the_help_run_as_they_are(self):
        for command in ("heads", "history", "show", "init", "revision", "merge"):
            for example in CliCase.call(self, [PROGRAM, "db", command, "--help"]).out.split("\n\n")[1].splitlines()[1:]:
                shutil.rmtree(self.folder, ignore_errors=True)
                self.put("1", "0001")
                if command == "merge":
                    self.put("2", "aa02", "0001")
                    self.put("3", "bb02", "0001")
                with self.subTest(example):
                    script = example.replace("migrate_models_to_db", f'"{PROGRAM}"', 1)
                    result = CliCase.call(self, ["sh", "-c", script], cwd=self.base, env=NO_LIBPQ)
                    self.assertEqual((result.code, result.err), (0, ""))

    def test_the_word_of_other_programs(self):
        result = CliCase.call(self, [PROGRAM, "db", "migrate", "-m", "x"])
        self.assertEqual(result.code, 2)
        self.assertTrue(re.search("to apply revisions: db upgrade; to write a new one: db revision", result.err))
