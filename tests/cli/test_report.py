"""What the program says: JSON lines, text, silence, and its exit codes."""

import re
import subprocess
import unittest

from harness import PROGRAM, CliCase, digest, program_environment

SUMMARY = ["type", "new", "unchanged", "duplicate", "conflict", "failed", "skipped", "raw_bytes", "stored_bytes", "seconds", "run_id", "backup",
           "journal", "exit_code"]
UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class Json(CliCase):
    def test_one_line_for_each_model_and_one_summary_at_the_end(self):
        self.write_some(3)
        self.write("zero.joblib", b"")
        lines = self.sync(code=3).lines()
        self.assertEqual([line["type"] for line in lines], ["model"] * 4 + ["summary"])

    def test_summary_has_every_key_with_its_type(self):
        files = self.write_some(3)
        summary = self.sync().summary()
        self.assertLessEqual(set(SUMMARY), set(summary))
        for key in SUMMARY[1:9] + ["exit_code"]:
            self.assertIs(type(summary[key]), int, key)
        self.assertIs(type(summary["seconds"]), float)
        self.assertTrue(0 < summary["seconds"] < 60)
        self.assertRegex(summary["run_id"], f"^{UUID}$")
        self.assertEqual(summary["backup"], str(self.backup()))
        self.assertEqual(summary["journal"], str(self.journal()))
        self.assertEqual(summary["raw_bytes"], sum(path.stat().st_size for path in files))
        self.assertEqual([(summary["stored_bytes"],)], self.query("SELECT sum(stored_bytes)::bigint FROM models"))

    def test_model_line_has_key_status_sizes_and_digest(self):
        path = self.write_some(1)[0]
        line = self.sync().models()["event0_regression.joblib"]
        size = self.query("SELECT stored_bytes FROM models")[0][0]
        self.assertEqual(line, {"type": "model", "path": "event0_regression.joblib", "name": "event0_regression", "version": 1, "status": "new",
                                "model_type": "regression", "event": "event0", "reason": None, "raw_bytes": path.stat().st_size, "stored_bytes": size, "content_sha256": digest(path.read_bytes())})

    def test_exit_code_is_also_in_the_summary(self):
        self.write_some(1)
        self.assertEqual(self.run_program("--json").summary()["exit_code"], 10)
        self.assertEqual(self.sync().summary()["exit_code"], 0)
        self.write("zero.joblib", b"")
        self.assertEqual(self.sync(code=3).summary()["exit_code"], 3)

    def test_stays_whole_when_quiet_or_verbose(self):
        self.write_some(2)
        self.assertEqual(len(self.sync("-q").lines()), 3)
        self.assertEqual(len(self.sync("-vv").lines()), 3)

    def test_db_commands(self):
        lines = self.db("upgrade", "--json").lines() + self.db("upgrade", "--json").lines() + self.db("current", "--json").lines()
        self.assertEqual([line["type"] for line in lines], ["applied", "applied", "applied", "current"])
        self.assertEqual([line["revision"] for line in lines], ["0001", "0002", "0003", "0003"])
        self.assertTrue(lines[3]["head"])


class Text(CliCase):
    def run_text(self, *arguments, code=0):
        result = self.run_program("--upgrade", *arguments)
        self.assertEqual(result.code, code, result.err)
        return result

    def test_summary_of_a_run(self):
        self.write_some(3)
        result = self.run_text()
        self.assertRegex(result.out, rf"^Models in \S+/{self.database}\n")
        self.assertRegex(result.out, r"\n  new +3  [\d.]+ KiB -> [\d.]+ (KiB|B) stored \(\d+ %\)\n")
        self.assertIn(f"\n  backup   {self.backup()}\n", result.out)
        self.assertIn(f"\n  journal  {self.journal()}\n", result.out)
        for word in ("unchanged", "conflict", "failed", "skipped", "duplicate", "event0"):
            self.assertNotIn(word, result.out)
        self.assertEqual(result.err, "")

    def test_summary_of_a_run_with_nothing_to_do(self):
        self.write_some(3)
        self.settle()
        self.run_text()
        out = self.run_text().out
        self.assertRegex(out, r"\n  unchanged +3  ")
        self.assertIn("nothing to store", out)
        self.assertIn("no model file was read", out)
        self.assertNotIn("  new ", out)
        self.assertNotIn("  backup ", out)

    def test_summary_counts_each_outcome(self):
        self.write_some(2)
        self.write("zero.joblib", b"")
        self.write("m_v1.joblib", b"1" * 100)
        self.write("m-v1.joblib", b"2" * 100)
        (self.tree / "link.joblib").symlink_to("m_v1.joblib")
        result = self.run_text(code=3)
        for word, count in (("new", 2), ("conflict", 2), ("failed", 1), ("skipped", 1)):
            self.assertRegex(result.out, rf"\n  {word} +{count}  ")
        self.assertEqual(result.err.count("error: "), 3)
        self.assertEqual(result.err.count("warning: "), 1)

    def test_verbose_has_a_line_for_each_model(self):
        self.write_some(2)
        self.assertRegex(self.run_text("-v").out, r"(?m)^new +event0_regression\.joblib -> event0_regression@1  regression  event0  [\d.]+ KiB -> [\d.]+ \w+$")
        self.assertRegex(self.run_text("-v").out, r"(?m)^unchanged +event1_regression\.joblib -> event1_regression@1  regression  event1  [\d.]+ KiB$")

    def test_progress_is_for_terminals_only(self):
        self.write_some(2)
        result = self.run_text("-v")
        self.assertNotIn("\r", result.all())
        self.assertNotIn("\x1b", result.all())

    def test_quiet_is_silent_on_success(self):
        self.write_some(2)
        for arguments in (["-q"], ["-q"], ["-q", "-n"], ["-q", "-v"]):
            result = self.run_text(*arguments)
            self.assertEqual((result.out, result.err), ("", ""), arguments)

    def test_quiet_still_names_what_failed(self):
        self.write_some(2)
        self.write("zero.joblib", b"")
        (self.tree / "link.joblib").symlink_to("zero.joblib")
        result = self.run_text("-q", code=3)
        self.assertEqual(result.out, "")
        self.assertRegex(result.err, r"\Aerror: zero\.joblib: .*\n\Z")

    def test_what_the_server_says_cannot_steer_the_terminal(self):
        self.sync()
        self.query("""CREATE FUNCTION say() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE E'red \\x1b[31m'; RETURN NEW; END $$;
                      CREATE TRIGGER say BEFORE INSERT ON models FOR EACH ROW EXECUTE FUNCTION say()""")
        self.write("loud_model.joblib", b"loud " * 100)
        result = self.run_program("-vv")
        self.assertIn("server: red \\x1b[31m", result.err)
        self.assertNotIn("\x1b", result.all())

    def test_full_disk_behind_standard_output_is_an_error(self):
        self.write_some(2)
        for arguments in ([], ["--json"], ["-v"]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([PROGRAM, "run", "--upgrade", *arguments, "--state-dir", str(self.state), "-d", self.url, str(self.tree)],
                                      env=program_environment(), stdout=full, stderr=subprocess.PIPE, check=False, timeout=60)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(b"error: cannot write", done.stderr)
        self.assertEqual(len(self.stored()), 2)

    def test_help_and_version(self):
        for words in (["--help"], ["-h"], ["run", "--help"], ["db", "--help"]):
            result = self.call([PROGRAM, *words])
            self.assertEqual((result.code, result.err), (0, ""), words)
            self.assertTrue(result.out.startswith("Usage: migrate_models_to_db"))
            self.assertEqual([line for line in result.out.splitlines() if line != line.rstrip()], [])
            self.assertLessEqual(max(map(len, result.out.splitlines())), 120)
        self.assertRegex(self.call([PROGRAM, "--version"]).out, re.compile(r"\Amigrate_models_to_db \d+\.\d+\.\d+\n\Z"))

    def test_help_of_a_command_lists_its_options_only(self):
        self.assertIn("--max-memory", self.call([PROGRAM, "run", "-h", "--all"]).out)
        self.assertNotIn("--max-memory", self.call([PROGRAM, "db", "-h", "--all"]).out)


if __name__ == "__main__":
    unittest.main()
