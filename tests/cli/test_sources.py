"""What lies in a models folder and is no good model: each is named with its reason, and the others are stored."""

import os
import shutil
import socket
import unittest

from harness import NOBODY, PROGRAM, CliCase

DATA = b"some model " * 50
GOOD = ("good_regression", 1)


class SourceCase(CliCase):
    def setUp(self):
        super().setUp()
        self.write("good_regression.joblib", DATA)

    def check(self, path, status, *words, arguments=(), also=()):
        """The source at `path` is reported with these words, on stderr too; the good model and `also` are stored, nothing else."""
        result = self.sync(*arguments, code=3 if status == "failed" else 0)
        line = result.models()[path]
        self.assertEqual(line["status"], status)
        for word in words:
            self.assertIn(word, line["reason"])
            self.assertIn(word, result.err)
        self.assertIn(path, result.err)
        self.assertEqual(set(self.stored()), {GOOD, *also})
        self.assertEqual(result.summary()[status], 1)
        return result


class NotModels(SourceCase):
    def test_empty_file(self):
        self.write("zero.joblib", b"")
        self.check("zero.joblib", "failed", "empty", "0 bytes")

    def test_git_lfs_pointer_inside_a_directory(self):
        pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12345\n"
        self.write("bertopic_model_0a1b2c3d/topics.json", "{}")
        self.write("bertopic_model_0a1b2c3d/sub/weights.safetensors", pointer)
        self.check("bertopic_model_0a1b2c3d", "failed", "sub/weights.safetensors", "Git LFS pointer", "git lfs pull")

    def test_git_lfs_pointer(self):
        self.write("pointer.joblib", "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12345\n")
        self.check("pointer.joblib", "failed", "Git LFS pointer", "git lfs pull")

    def test_fifo(self):
        os.mkfifo(self.tree / "pipe.joblib")
        self.check("pipe.joblib", "failed", "FIFO")

    def test_socket(self):
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(self.tree / "sock.joblib"))
            self.check("sock.joblib", "failed", "socket")

    def test_fifo_inside_a_directory_model(self):
        self.write("bertopic_model_00000000/topics.json", "{}")
        os.mkfifo(self.tree / "bertopic_model_00000000" / "pipe")
        self.check("bertopic_model_00000000", "failed", "pipe")

    def test_directory_model_without_a_file(self):
        (self.tree / "bertopic_model_00000000" / "images").mkdir(parents=True)
        self.check("bertopic_model_00000000", "failed", "no file")

    def test_directory_with_the_name_of_a_file(self):
        self.write("folder.joblib/inner.joblib", DATA + b"2")
        self.sync()
        self.assertEqual(set(self.stored()), {GOOD, ("folder.joblib/inner", 1)})


class Links(SourceCase):
    def test_link_to_a_file(self):
        os.symlink("good_regression.joblib", self.tree / "alias.joblib")
        self.check("alias.joblib", "skipped", "symbolic link", "-L")

    def test_link_to_a_directory(self):
        (self.base / "elsewhere").mkdir()
        os.symlink(self.base / "elsewhere", self.tree / "linked")
        self.check("linked", "skipped", "symbolic link")

    def test_dangling_link(self):
        os.symlink("nowhere", self.tree / "dangling.joblib")
        self.check("dangling.joblib", "skipped", "symbolic link")

    def test_circle(self):
        os.symlink("circle.joblib", self.tree / "circle.joblib")
        self.check("circle.joblib", "skipped", "symbolic link")

    def test_link_inside_a_directory_model(self):
        self.write("bertopic_model_00000000/topics.json", "{}")
        os.symlink("/etc/passwd", self.tree / "bertopic_model_00000000" / "config.json")
        self.check("bertopic_model_00000000", "failed", "config.json")

    def test_followed_to_a_file_that_is_no_model_of_its_own(self):
        self.write("data/current", DATA + b"current")
        os.symlink("data/current", self.tree / "live.joblib")
        self.sync("-L")
        self.assertEqual(set(self.stored()), {GOOD, ("live", 1)})
        self.assertEqual(self.query("SELECT raw_bytes FROM models WHERE name = 'live'"), [(len(DATA) + 7,)])

    def test_followed_to_a_file_that_is_taken(self):
        os.symlink(self.tree / "good_regression.joblib", self.tree / "alias.joblib")
        self.check("alias.joblib", "skipped", "same file as good_regression.joblib", arguments=["-L"])

    def test_followed_never_outside(self):
        secret = self.base / "secret.joblib"
        secret.write_bytes(DATA + b"secret")
        os.symlink(secret, self.tree / "absolute.joblib")
        self.check("absolute.joblib", "skipped", "outside", arguments=["-L"])

    def test_followed_never_outside_by_dots_or_through_a_directory(self):
        outside = self.base / "outside"
        outside.mkdir()
        (outside / "x.joblib").write_bytes(DATA + b"secret")
        os.symlink("../outside", self.tree / "linked")
        self.check("linked", "skipped", "outside", arguments=["-L"])

    def test_followed_to_nowhere(self):
        os.symlink("nowhere", self.tree / "dangling.joblib")
        self.check("dangling.joblib", "failed", "leads nowhere", arguments=["-L"])

    def test_followed_in_a_circle(self):
        os.symlink("b.joblib", self.tree / "a.joblib")
        os.symlink("a.joblib", self.tree / "b.joblib")
        result = self.sync("-L", code=3)
        self.assertEqual(result.summary()["failed"], 2)
        self.assertIn("circle", result.models()["a.joblib"]["reason"])
        self.assertEqual(set(self.stored()), {GOOD})

    def test_followed_directory_that_leads_up_ends(self):
        (self.tree / "sub").mkdir()
        os.symlink("..", self.tree / "sub" / "up")
        self.check("sub/up", "skipped", "same directory as", arguments=["-L"])

    def test_models_dir_itself_may_be_a_link(self):
        os.symlink(self.tree, self.base / "way")
        self.sync(tree=self.base / "way")
        self.assertEqual(set(self.stored()), {GOOD})


class Names(SourceCase):
    def check_printable(self, result):
        for character in "\x1b\x07\x00\r":
            self.assertNotIn(character, result.all())

    def check_refused(self, raw, shown, *words):
        (self.tree / "x").parent.joinpath(os.fsdecode(raw)).write_bytes(DATA + b"2")
        result = self.sync(code=3)
        failed = [line for line in result.models().values() if line["status"] == "failed"]
        self.assertEqual(len(failed), 1)
        for word in words:
            self.assertIn(word, failed[0]["reason"])
        self.assertIn(shown, result.err)
        self.check_printable(result)
        self.assertEqual(set(self.stored()), {GOOD})
        text = self.run_program("-v")
        self.assertEqual(text.code, 3)
        self.assertIn(shown, text.out)
        self.check_printable(text)
        self.assertEqual(text.out.count("\n"), len(text.out.splitlines()))

    def test_newline(self):
        self.check_refused(b"new\nline.joblib", "new\\x0aline", "control character")

    def test_escape(self):
        self.check_refused(b"red\x1b[31m.joblib", "red\\x1b[31m", "control character")

    def test_invalid_utf8(self):
        self.check_refused(b"caf\xe9.joblib", "caf\\xe9", "UTF-8")

    def test_too_long(self):
        path = "long/" + "a" * 200 + "/" + "b" * 100 + ".joblib"
        self.write(path, DATA + b"2")
        result = self.sync(code=3)
        self.assertEqual(result.models()[path]["status"], "failed")
        for text in (result.models()[path]["reason"], result.err):
            self.assertIn("longer than 255 characters", text)
            self.assertIn(path[:150], text)
        self.assertEqual(set(self.stored()), {GOOD})

    def test_255_characters_are_not_too_long(self):
        name = "é" * 100 + "/" + "é" * 100 + "/" + "b" * 53
        self.assertEqual(len(name), 255)
        self.write(name + ".joblib", DATA + b"2")
        self.sync()
        self.assertEqual(set(self.stored()), {GOOD, (name, 1)})

    def test_number_that_no_version_can_be(self):
        self.write("m_v2147483648.joblib", DATA + b"2")
        self.sync()
        self.assertEqual(set(self.stored()), {GOOD, ("m_v2147483648", 1)})

    def test_strange_names_are_stored_as_they_are(self):
        names = ["it's \"quoted\", 100%; DROP TABLE models --", "=1+1", "-x", "@y", "\\.", "naïve ☃ 模型", " leading and trailing ", "a,b", "tab" + "\\t"]
        for i, name in enumerate(names):
            self.write(name + ".joblib", DATA + b"%d" % i)
        self.sync()
        self.assertEqual(set(self.stored()), {GOOD} | {(name, 1) for name in names})
        self.settle()
        self.sync()
        self.assertEqual(self.sync().summary()["read_bytes"], 0)

    def test_map_gives_a_good_name_to_a_bad_one(self):
        (self.tree / os.fsdecode(b"caf\xe9.joblib")).write_bytes(DATA + b"2")
        table = self.base / "map.csv"
        table.write_text("path,name\ncaf?.joblib,cafe_model\n")
        self.sync("--map", table)
        self.assertEqual(set(self.stored()), {GOOD, ("cafe_model", 1)})


class Unreadable(SourceCase):
    """As a user without special rights, over TCP: root can read everything, and the server's socket folder is not everyone's."""

    def setUp(self):
        super().setUp()
        self.base.chmod(0o755)
        self.program = self.base / "program"
        shutil.copy(PROGRAM, self.program)
        self.free_state = self.base / "free"
        self.free_state.mkdir()
        self.free_state.chmod(0o777)

    def as_nobody(self, *arguments):
        url = self.url_of(self.database, host="127.0.0.1")
        return self.call([*NOBODY, self.program, "run", "--upgrade", "--json", "--state-dir", self.free_state / "state", "-d", url, *arguments,
                          self.tree], cwd="/")

    def check_failed(self, path, *words):
        result = self.as_nobody()
        self.assertEqual(result.code, 3, result.err)
        self.assertEqual(result.models()[path]["status"], "failed")
        for word in (path, *words):
            self.assertIn(word, result.err)
        self.assertEqual(set(self.stored()), {GOOD})

    def test_file(self):
        self.write("secret.joblib", DATA + b"2").chmod(0)
        self.check_failed("secret.joblib", "Permission denied")

    def test_directory(self):
        self.write("closed/x.joblib", DATA + b"2")
        (self.tree / "closed").chmod(0)
        self.addCleanup((self.tree / "closed").chmod, 0o755)
        self.check_failed("closed", "Permission denied")

    def test_directory_that_can_be_listed_but_not_entered(self):
        self.write("listed/x.joblib", DATA + b"2")
        (self.tree / "listed").chmod(0o644)
        self.addCleanup((self.tree / "listed").chmod, 0o755)
        self.check_failed("listed", "Permission denied")

    def test_member_of_a_directory_model(self):
        self.write("bertopic_model_00000000/topics.json", "{}").chmod(0)
        self.check_failed("bertopic_model_00000000", "topics.json", "Permission denied")

    def test_models_dir(self):
        self.tree.chmod(0)
        self.addCleanup(self.tree.chmod, 0o755)
        result = self.as_nobody()
        self.assertEqual(result.code, 1)
        self.assertIn("Permission denied", result.err)
        self.assertIn(str(self.tree), result.err)

    def test_state_folder_that_cannot_be_made(self):
        self.free_state.chmod(0o755)
        if os.geteuid() != 0:
            self.free_state.chmod(0o555)
        result = self.as_nobody()
        self.assertEqual(result.code, 1)
        self.assertIn("Permission denied", result.err)
        self.assertIn("free/state", result.err)

    def test_file_that_becomes_readable_is_stored_by_the_next_run(self):
        path = self.write("secret.joblib", DATA + b"2")
        path.chmod(0)
        self.as_nobody()
        path.chmod(0o644)
        self.assertEqual(self.as_nobody().code, 0)
        self.assertEqual(set(self.stored()), {GOOD, ("secret", 1)})


if __name__ == "__main__":
    unittest.main()
