"""What counts as the same content: kind and hash together; what readers get; what was decided on the word of rows that are not there."""

import subprocess

from harness import PROGRAM
from life import CleanupCase

BERTOPIC = "bertopic_model_0a1b2c3d"


class Kinds(CleanupCase):
    def directory(self, name="m"):
        self.write(f"{name}/MLmodel", "{}")
        self.write(f"{name}/weights.bin", "data")
        return self.tree / name

    def list_of(self, folder):
        """The very text that the content of a directory is the hash of."""
        script = "find . -type f | LC_ALL=C sort | xargs sha256sum | sed 's|  ./|  |'"
        return subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True, check=True).stdout

    def become_a_file(self, name="m", suffix=".joblib"):
        folder = self.directory(name)
        self.sync()
        text = self.list_of(folder)
        subprocess.run(["rm", "-r", folder], check=True)
        return self.write(name + suffix, text)

    def test_file_that_is_the_list_of_a_directory(self):
        path = self.become_a_file()
        self.assertEqual(self.query("SELECT content_sha256 = sha256(%s) FROM models", (path.read_bytes(),)), [(True,)])
        model = self.sync(code=3).models()["m.joblib"]
        self.assertEqual(model["status"], "conflict")
        self.assertRegex(model["reason"], r"m\.joblib: is a file, and m@1 is stored as a directory")
        check = self.call([PROGRAM, "check", "--json", "-d", self.url, str(self.tree)])
        self.assertEqual((check.code, check.models()["m.joblib"]["letter"]), (4, "*"))
        self.assertIn("the store has a directory under its name", check.out)
        self.assertEqual(self.plan()["m.joblib"]["action"], "keep")

    def test_with_the_version_in_the_name(self):
        self.become_a_file("m_v3")
        self.assertIn("is stored as a directory", self.sync(code=3).models()["m_v3.joblib"]["reason"])
        self.assertEqual(self.plan()["m_v3.joblib"]["action"], "keep")

    def test_other_kinds_other_contents(self):
        self.write("m.joblib", "a file")
        self.sync()
        (self.tree / "m.joblib").unlink()
        self.directory()
        self.assertRegex(self.sync(code=3).models()["m"]["reason"], "m: is a directory, and m@1 is stored as a file")
        self.assertEqual(self.stored().keys(), {("m", 1)})

    def test_plan_of_the_directory_does_not_remove_the_file(self):
        """The plan is made while the directory is there; then the file stands at a path that the plan names as a directory."""
        self.directory()
        self.sync()
        self.plan()
        text = self.list_of(self.tree / "m")
        subprocess.run(["rm", "-r", self.tree / "m"], check=True)
        self.write("m", text)
        self.cleanup("--apply", self.plan_file, "--yes", "--pattern", "m", code=3)
        self.assertTrue((self.tree / "m").is_file())


class Members(CleanupCase):
    """Folders and executable bits of a directory, which its content hash leaves out."""

    def make(self):
        self.write(f"{BERTOPIC}/topics.json", "{}")
        return self.write(f"{BERTOPIC}/serve.sh", "#!/bin/sh\n")

    def members(self):
        return self.query("SELECT version, encode(members_sha256, 'hex') FROM models ORDER BY version")

    def test_a_change_is_a_new_version(self):
        serve = self.make()
        self.sync()
        self.settle()
        self.assertEqual(self.sync().models()[BERTOPIC]["status"], "unchanged")
        for version, change in enumerate((lambda: serve.chmod(0o755), (self.tree / BERTOPIC / "assets").mkdir), 2):
            change()
            self.assertEqual(self.plan()[BERTOPIC]["action"], "keep")
            check = self.call([PROGRAM, "check", "-d", self.url, str(self.tree)])
            self.assertEqual((check.code, check.out[0]), (4, "*"), check.all())
            self.assertIn("executable bits and folders", check.out)
            model = self.sync("--on-change", "fail", code=3).models()[BERTOPIC]
            self.assertEqual(model["status"], "conflict")
            model = self.sync().models()[BERTOPIC]
            self.assertEqual((model["status"], model["version"]), ("new", version))
            line = self.plan()[BERTOPIC]
            self.assertEqual((line["action"], line["members_sha256"]), ("delete", self.members()[-1][1]))
        self.assertEqual(len({digest for _, digest in self.members()}), 3)
        self.assertEqual(len(self.query("SELECT DISTINCT content_sha256 FROM models")), 1)

    def test_what_was_stored_comes_back(self):
        self.make().chmod(0o755)
        (self.tree / BERTOPIC / "assets" / "empty").mkdir(parents=True)
        self.sync()
        self.cleanup("--plan", self.plan_file)
        self.cleanup("--apply", self.plan_file, "--yes")
        self.assertEqual(self.left(), [])
        back = self.call([PROGRAM, "get", "-d", self.url, BERTOPIC, str(self.tree / BERTOPIC)])
        self.assertEqual(back.code, 0, back.all())
        self.settle()
        self.assertEqual(self.sync().summary()["new"], 0)
        check = self.call([PROGRAM, "check", "-d", self.url, str(self.tree)])
        self.assertEqual(check.code, 0, check.all())

    def test_row_that_lies_about_them(self):
        """get and clean-up compare what comes back with what the row records."""
        self.make()
        self.sync()
        self.query("UPDATE models SET members_sha256 = sha256('other')")
        back = self.call([PROGRAM, "get", "-d", self.url, BERTOPIC, str(self.base / "back")])
        self.assertEqual(back.code, 3, back.all())
        self.assertFalse((self.base / "back").exists())
        self.assertEqual(self.plan()[BERTOPIC]["action"], "keep")

    def test_rows_that_do_not_record_them_are_read_back(self):
        self.write(f"{BERTOPIC}/topics.json", "{}")
        serve = self.write(f"{BERTOPIC}/serve.sh", "#!/bin/sh\n")
        self.sync()
        self.query("UPDATE models SET members_sha256 = NULL")
        self.assertEqual(self.plan()[BERTOPIC]["action"], "delete")
        for change in (lambda: serve.chmod(0o755), lambda: (serve.chmod(0o644), (self.tree / BERTOPIC / "assets").mkdir())):
            change()
            line = self.plan()[BERTOPIC]
            self.assertEqual(line["action"], "keep")
            self.assertIn("executable bits or folders", line["reason"])
            check = self.call([PROGRAM, "check", "--download", "-d", self.url, str(self.tree)])
            self.assertEqual((check.code, check.out[0]), (4, "*"), check.all())


class Readers(CleanupCase):
    """A source goes only when readers of its name get its content."""

    def versions(self, *contents, name="x.joblib", options=()):
        for content in contents:
            self.write(name, content)
            self.settle()
            self.sync(*options)

    def test_older_content_stays(self):
        self.versions("A", "BB")
        self.versions("A", options=["--on-return", "note"])
        line = self.plan()["x.joblib"]
        self.assertEqual((line["action"], line["version"], line["readers_get"]), ("keep", "1", "2"))
        self.assertEqual(line["reason"], "readers of x get x@2, and this is the content of x@1")
        self.assertIn("x.joblib: readers of x get x@2", self.cleanup().out)
        self.versions("A") # takes its readers along
        self.assertEqual(self.plan()["x.joblib"]["action"], "delete")

    def test_rows_that_are_not_active_stay(self):
        self.versions("A", options=["--no-activate"])
        self.write("y_v7.joblib", "B")
        self.sync("--no-activate")
        lines = self.plan()
        self.assertEqual({path: line["reason"] for path, line in lines.items()},
                         {"x.joblib": "no version of x is active; x@1 is not active", "y_v7.joblib": "no version of y is active; y@7 is not active"})
        self.query("UPDATE models SET is_active = true")
        self.assertEqual({line["action"] for line in self.plan().values()}, {"delete"})

    def test_newer_row_that_is_not_active_hides_nothing(self):
        self.versions("A")
        self.write("x.joblib", "BB")
        self.settle()
        self.sync("--no-activate")
        line = self.plan()["x.joblib"]
        self.assertEqual((line["action"], line["reason"]), ("keep", "readers of x get x@1; x@2 is not active"))
        self.write("x.joblib", "A")
        self.assertEqual(self.plan()["x.joblib"]["action"], "delete")

    def test_versions_in_names_go_and_the_plan_says_what_readers_get(self):
        self.write("x_v1.joblib", "A")
        self.write("x_v2.joblib", "BB")
        self.sync()
        lines = self.plan()
        self.assertEqual([(line["action"], line["readers_get"], line["reason"]) for _, line in sorted(lines.items())],
                         [("delete", "2", "readers of x get x@2"), ("delete", "2", "")])

    def test_copy_of_an_older_version_stays(self):
        self.write("x_v1.joblib", "A")
        self.write("x_v2.joblib", "BB")
        self.write("x.joblib", "A")
        self.sync()
        self.assertEqual(self.plan()["x.joblib"]["action"], "keep")

    def test_what_readers_get_is_asked_again(self):
        self.versions("A")
        self.plan()
        self.query("INSERT INTO models (name, version, model_type, event, model_binary, is_active) VALUES ('x', 2, 'model', 'x', 'other', true)")
        result = self.cleanup("--apply", self.plan_file, "--yes", code=3)
        self.assertIn("readers of x get x@2", result.out)
        self.assertTrue((self.tree / "x.joblib").exists())


class WhichStore(CleanupCase):
    """A plan is executed on the word of the store that it was made on."""

    def copy_of_the_store(self):
        copy = self.new_database()
        script = 'pg_dump -x --clean --if-exists -d "$1" | psql -qX -v ON_ERROR_STOP=1 "$2"'
        subprocess.run(["bash", "-c", "set -o pipefail; " + script, "bash", self.url, self.url_of(copy)], check=True, capture_output=True)
        return self.url_of(copy)

    def test_copy_of_the_store_is_another_one(self):
        self.write("x.joblib", "A")
        self.sync()
        line = self.plan()["x.joblib"]
        copy = self.copy_of_the_store()
        self.query("DELETE FROM models")
        result = self.cleanup("--apply", self.plan_file, "--yes", code=1, url=copy)
        self.assertIn(f"the plan was made for the store {line['store']}, and this is the store ", result.err)
        self.assertTrue((self.tree / "x.joblib").exists())

    def test_plan_of_version_0_1_0_does_not_say(self):
        self.write("x.joblib", "A")
        self.sync()
        self.plan()
        lines = [line.rsplit(",", 3)[0] for line in self.plan_file.read_text().splitlines()]
        self.plan_file.write_text("\n".join(lines) + "\n")
        result = self.cleanup("--apply", self.plan_file, "--yes")
        self.assertIn("does not say for which store", result.err)
        self.assertFalse((self.tree / "x.joblib").exists())

    def test_lines_of_two_stores(self):
        self.write("x.joblib", "A")
        self.write("y.joblib", "B")
        self.sync()
        self.plan()
        text = self.plan_file.read_text()
        head, _, last = text.rstrip("\n").rpartition("\n")
        self.plan_file.write_text(head + "\n" + last.rsplit(",", 1)[0] + ',"00000000-0000-0000-0000-000000000000"\n')
        self.assertIn("another store", self.cleanup("--apply", self.plan_file, "--yes", code=2).err)


class Uncommitted(CleanupCase):
    """x.joblib is a copy of x_v3.joblib, whose row is refused: then it is no copy of anything that is stored."""

    def refuse(self, what):
        self.query(f"ALTER TABLE models ADD CONSTRAINT no CHECK ({what})")

    def test_word_of_a_refused_row(self):
        self.write_some(20)
        self.write("x_v3.joblib", "A" * 3000)
        self.write("x.joblib", "A" * 3000)
        self.db("upgrade")
        self.refuse("version <> 3")
        models = self.sync(code=3).models()
        self.assertEqual((models["x_v3.joblib"]["status"], models["x.joblib"]["status"]), ("failed", "new"))
        self.assertEqual(self.stored()[("x", 4)][1], True)
        again = self.sync(code=3).models()
        self.assertEqual((again["x_v3.joblib"]["status"], again["x.joblib"]["status"]), ("failed", "unchanged"))

    def test_conflict_and_change_with_a_refused_row(self):
        self.write("x_v3.joblib", "A")
        self.write("x.joblib", "B")
        self.db("upgrade")
        self.refuse("version <> 3")
        for on_change, status in (("skip", "new"), ("fail", "unchanged")):
            models = self.sync("--on-change", on_change, code=3).models()
            self.assertEqual((models["x_v3.joblib"]["status"], models["x.joblib"]["status"]), ("failed", status), on_change)

    def test_word_of_a_committed_row(self):
        self.write("x_v3.joblib", "A")
        self.write("x.joblib", "A")
        models = self.sync().models()
        self.assertEqual((models["x_v3.joblib"]["status"], models["x.joblib"]["status"]), ("new", "unchanged"))
        self.assertEqual(self.journal().read_text().count("/x.joblib"), 1)
