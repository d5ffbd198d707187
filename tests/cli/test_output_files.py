"""What --plan, --report, --apply, --map and get are pointed at: nothing but a regular file is ever replaced, and pipes work both ways."""

import os
import stat
import subprocess
import threading

from harness import CliCase, PROGRAM, program_environment


class OutputFiles(CliCase):

    def setUp(self):
        super().setUp()
        self.write("a_model.joblib", "a model " * 300)
        self.sync()

    def command(self, *words):
        return [PROGRAM, *map(str, words)] + ["-d", self.url] + (["--state-dir", str(self.state)] if words[0] == "cleanup" else [])

    def cleanup(self, *words, code=0):
        result = self.call(self.command("cleanup", *words, self.tree))
        self.assertEqual(result.code, code, result.all())
        return result

    def fifo(self, name):
        path = self.base / name
        os.mkfifo(path)
        return path

    def reading(self, path, got):
        thread = threading.Thread(target=lambda: got.append(path.read_text()), daemon=True)
        thread.start()
        return thread

    def test_fifo_gets_plan_and_report(self):
        for option, name, begin in [("--plan", "plan", "action,path"), ("--report", "report.json", "{"), ("--report", "report", "letter,")]:
            pipe, got = self.fifo(name), []
            thread = self.reading(pipe, got)
            self.cleanup("-q", option, pipe)
            thread.join(20)
            self.assertTrue(got and got[0].startswith(begin), (option, name, got))
            self.assertTrue(stat.S_ISFIFO(pipe.lstat().st_mode))

    def test_devices_stay(self):
        before = os.stat("/dev/null")
        self.cleanup("-q", "--plan", "/dev/null", "--report", "/dev/null")
        self.assertEqual(self.call(self.command("check", "--report", "/dev/null", self.tree)).code, 0)
        after = os.stat("/dev/null")
        self.assertEqual((before.st_mode, before.st_ino, before.st_rdev), (after.st_mode, after.st_ino, after.st_rdev))
        for name in ["/dev/null", "/dev/full"]:
            result = self.call(self.command("get", "--force", "a_model", name))
            self.assertEqual(result.code, 3, result.all())
            self.assertIn("no regular file", result.err)
        self.assertIn("No space left", self.cleanup("--plan", "/dev/full", code=1).err)

    def test_standard_output_is_the_plan_alone(self):
        (self.base / "out").symlink_to("/proc/self/fd/1")
        for name in ["-", "/dev/stdout", "/dev/fd/1", self.base / "out"]:
            result = self.cleanup("--plan", name)
            lines = result.out.splitlines()
            self.assertTrue(lines[0].startswith("action,path") and lines[1].startswith('"delete","a_model.joblib"') and len(lines) == 2, result.out)
        self.assertTrue((self.base / "out").is_symlink())
        report = self.call(self.command("check", "--report", "-", self.tree)).out
        self.assertTrue(report.startswith("letter,") and len(report.splitlines()) == 2, report)

    def test_file_of_the_shell_keeps_its_inode(self):
        out = self.base / "out.csv"
        with open(out, "wb") as file:
            inode = out.stat().st_ino
            done = subprocess.run([*self.command("cleanup", "--plan", out, self.tree)], env=program_environment(), stdout=file, check=False)
        self.assertEqual((done.returncode, out.stat().st_ino), (0, inode))
        self.assertTrue(out.read_text().startswith("action,path"))

    def test_two_answers_in_one_file_are_refused(self):
        for words in [("--plan", "-", "--report", "-"), ("--plan", "-", "--json"), ("--report", "/dev/stdout", "--json"),
                      ("--plan", "x.csv", "--report", "x.csv")]:
            result = self.cleanup(*words, code=2)
            self.assertEqual(result.out, "", words)
        self.assertEqual(self.call(self.command("check", "--json", "--report", "-", self.tree)).code, 2)

    def test_models_are_spared(self):
        inside = self.write("bertopic_model_1a2b3c4d/config.json", "{}").parent
        (self.base / "link.csv").symlink_to(self.tree / "a_model.joblib")
        for words in [("--plan", self.tree / "a_model.joblib"), ("--plan", f"{self.tree}/../models/./a_model.joblib"), ("--plan", self.base / "link.csv"),
                      ("--report", self.base / "link.csv"), ("--plan", inside / "new.csv"), ("--report", inside / "new.html")]:
            self.assertIn("the model ", self.cleanup(*words, code=2).err, words)
        self.assertEqual(self.call(self.command("check", "--report", inside / "new.json", self.tree)).code, 2)
        self.assertEqual((self.tree / "a_model.joblib").read_text(), "a model " * 300)
        self.assertEqual([p.name for p in inside.iterdir()], ["config.json"])
        self.cleanup("--plan", self.tree / "plan.csv")  # beside them is the user's choice

    def test_links_are_followed(self):
        elsewhere = self.base / "elsewhere"
        elsewhere.mkdir()
        for name in ["plan.csv", "report.html", "got.joblib"]:
            (self.base / name).symlink_to(f"elsewhere/{name}")
        (elsewhere / "got.joblib").write_text("old")
        self.cleanup("--plan", self.base / "plan.csv", "--report", self.base / "report.html")
        self.assertEqual(self.call(self.command("get", "a_model", self.base / "got.joblib")).code, 3)
        self.assertEqual(self.call(self.command("get", "--force", "a_model", self.base / "got.joblib")).code, 0)
        for name in ["plan.csv", "report.html", "got.joblib"]:
            self.assertTrue((self.base / name).is_symlink() and not (elsewhere / name).is_symlink())
        self.assertEqual((elsewhere / "got.joblib").read_text(), "a model " * 300)
        self.assertEqual(sorted(p.name for p in elsewhere.iterdir()), ["got.joblib", "plan.csv", "report.html"])

    def test_names_beside_are_the_users(self):
        mine = [self.base / name for name in ["plan.csv.tmp", "report.csv.tmp"]]
        for path in mine:
            path.write_text("mine")
        before = {p.name for p in self.base.iterdir()}
        self.cleanup("--plan", self.base / "plan.csv", "--report", self.base / "report.csv")
        self.assertEqual({p.name for p in self.base.iterdir()} - before, {"plan.csv", "report.csv"})
        self.assertTrue(all(path.read_text() == "mine" for path in mine))

    def test_plan_is_read_from_a_pipe(self):
        plan = self.cleanup("--plan", "-").out
        for name in ["-", "/dev/stdin"]:
            command = self.command("cleanup", "--apply", name, "--yes", self.tree)
            done = subprocess.run(command, env=program_environment(), input=plan.encode(), capture_output=True, check=False, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertFalse((self.tree / "a_model.joblib").exists())
            self.write("a_model.joblib", "a model " * 300)
            plan = self.cleanup("--plan", "-").out
        script = 'plan=$1; shift; exec "$@" --apply <(sleep 0.3; cat "$plan") --yes'
        (self.base / "plan").write_text(plan)
        result = self.call(["bash", "-c", script, "bash", self.base / "plan", *self.command("cleanup", self.tree)])
        self.assertEqual((result.code, (self.tree / "a_model.joblib").exists()), (0, False), result.all())

    def test_plan_is_read_from_a_fifo_that_is_written_later(self):
        plan, pipe = self.cleanup("--plan", "-").out, self.fifo("later")
        thread = threading.Timer(0.5, lambda: pipe.write_text(plan))
        thread.start()
        self.cleanup("--apply", pipe, "--yes")
        thread.join()
        self.assertFalse((self.tree / "a_model.joblib").exists())

    def test_map_is_read_from_a_pipe(self):
        mapping = b"path,name\na_model.joblib,renamed\n"
        for name in ["-", "/dev/stdin"]:
            command = [PROGRAM, "run", "-n", "--json", "--map", name, "-d", self.url, "--state-dir", str(self.state), str(self.tree)]
            done = subprocess.run(command, env=program_environment(), input=mapping, capture_output=True, check=False, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(b'"name":"renamed"', done.stdout)
