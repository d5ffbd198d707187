"""The command line and the environment: what is refused, with which words, and what an option or a variable does."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import unittest

from harness import PROGRAM, ROOT, CliCase, program_environment, wait_until

DATA = b"some model " * 50


class Refused(CliCase):
    def setUp(self):
        super().setUp()
        self.write("good_regression.joblib", DATA)

    def refused(self, *arguments, words=(), env=None, code=2):
        """Exit 2, these words on stderr, nothing on stdout, nothing written."""
        result = self.run_program(*arguments, env=env)
        self.assertEqual(result.code, code, result.all())
        for word in words:
            self.assertIn(word, result.err)
        self.assertEqual(result.out, "")
        self.assertFalse(self.has_tables())
        self.assertFalse(self.state.exists())
        return result

    def test_unknown_options(self):
        self.refused("--frobnicate", words=["unknown option --frobnicate", "--help --all lists every option"])
        self.refused("--frobnicate=7", words=["unknown option --frobnicate"])
        self.refused("-Z", words=["unknown option -Z"])
        self.refused("-nZ", words=["unknown option -Z"])

    def test_nearest_option(self):
        for given, meant in (("--dryrun", "--dry-run"), ("--bacth-rows=5", "--batch-rows"), ("--qiet", "--quiet"), ("--state_dir", "--state-dir")):
            self.refused(given, words=[f"unknown option {given.partition('=')[0]}", f"did you mean {meant}? --help --all lists every option"])

    def test_nearest_command(self):
        listed = "the commands are run, check, cleanup, get, "
        for words, text in ((["chekc"], f"did you mean check? {listed}"), (["clean-up"], f"did you mean cleanup? {listed}"),
                            (["-q", "frobnicate"], listed), (["db", "upgrad"], "did you mean db upgrade? the commands of db are upgrade, "),
                            (["db", "downgrade-everything"], "the commands of db are upgrade, ")):
            result = self.call([PROGRAM, *words, "-d", self.url], cwd=self.base)
            self.assertEqual(result.code, 2, words)
            self.assertIn(f"hint: {text}", result.err)
            self.assertFalse(self.has_tables())

    def test_bad_values_are_named_with_what_is_wanted(self):
        for option, value, wanted in [
                ("--jobs", "many", "0 to 256"), ("--jobs", "257", "0 to 256"), ("--jobs", "-1", "0 to 256"), ("--jobs", "4x", "0 to 256"),
                ("--batch-rows", "0", "1 to 100000"), ("--retries", "1.5", "0 to 1000"), ("--batch-bytes", "0", "size"),
                ("--max-memory", "7MiB", "8.00 MiB"), ("--max-memory", "lots", "size"), ("--inline-limit", "1TiBs", "size"),
                ("--compress", "zstd", "gzip"), ("--compress", "gzip:10", "gzip:9"), ("--compress", "gzip:0", "none"),
                ("--backup", "some", "full, meta, none"), ("--on-change", "panic", "new-version, skip, fail"), ("--timeout", "soon", "30s"),
                ("--timeout", "0", "time"), ("--lock-timeout", "-5", "time"), ("--state-dir", "", "DIR"), ("--backup-dir", "", "DIR")]:
            with self.subTest(option=option, value=value):
                self.refused(f"{option}={value}", words=[option, wanted])

    def test_inline_limit_is_what_the_database_holds(self):
        self.refused("--inline-limit=501MiB", words=["inline limit of 501 MiB", "at most 500 MiB"])

    def test_value_that_is_missing_or_too_much(self):
        result = self.call([PROGRAM, "run", "-d", self.url, "--jobs"])
        self.assertEqual(result.code, 2)
        self.assertIn("--jobs needs a value", result.err)
        self.refused("--dry-run=yes", words=["--dry-run takes no value"])

    def test_option_of_another_command(self):
        result = self.db("upgrade", "--download")
        self.assertEqual(result.code, 2)
        self.assertIn("--download is not an option of this command", result.err)
        self.assertIn("hint: it is an option of check", result.err)
        self.assertIn("--all is not an option of this command", self.db("upgrade", "--all").err)
        self.assertFalse(self.has_tables())

    def test_db_wants_a_command_that_it_knows(self):
        for words in ([], ["downgrade-everything"], ["upgrade", "current"]):
            result = self.db(*words)
            self.assertEqual(result.code, 2, words)
            self.assertIn("usage: " if len(words) == 2 else "the commands of db are upgrade, ", result.err)
        self.assertFalse(self.has_tables())

    def test_two_folders(self):
        self.refused(str(self.base), words=["unexpected argument", "give one folder", "usage: migrate_models_to_db run"])

    def test_missing_models_dir(self):
        result = self.run_program(tree=self.base / "nowhere")
        self.assertEqual(result.code, 2)
        for word in ("nowhere", "No such file", "hint: name the folder"):
            self.assertIn(word, result.err)
        self.assertFalse(self.state.exists())

    def test_missing_default_models_dir(self):
        result = self.call([PROGRAM, "-d", self.url, "--state-dir", self.state], cwd=self.base.parent)
        self.assertEqual(result.code, 2)
        self.assertIn("./models", result.err)

    def test_file_where_the_folder_is_meant(self):
        result = self.run_program(tree=self.tree / "good_regression.joblib")
        self.assertEqual(result.code, 2)
        self.assertIn("good_regression.joblib: is not a directory", result.err)

    def test_folder_where_a_file_lies_in_the_way(self):
        result = self.run_program(tree=self.tree / "good_regression.joblib" / "below")
        self.assertEqual(result.code, 2)
        self.assertIn("is not a directory", result.err)

    def test_no_place_for_the_state(self):
        result = self.call([PROGRAM, "-d", self.url, self.tree], env={"HOME": None, "XDG_STATE_HOME": None})
        self.assertEqual(result.code, 2)
        self.assertIn("--state-dir", result.err)

    def test_bad_environment_variable_is_named(self):
        self.refused(env={"MIGRATE_MODELS_JOBS": "many"}, words=["MIGRATE_MODELS_JOBS", "0 to 256"])
        self.refused(env={"MIGRATE_MODELS_DRY_RUN": "perhaps"}, words=["MIGRATE_MODELS_DRY_RUN", "true or false"])
        self.refused(env={"MIGRATE_MODELS_BACKUP": "some"}, words=["MIGRATE_MODELS_BACKUP", "full, meta, none"])


class Accepted(CliCase):
    def setUp(self):
        super().setUp()
        self.write("good_regression.joblib", DATA)
        self.write("other_regression.joblib", DATA + b"2")

    def test_run_may_be_left_out_and_models_is_the_default_folder(self):
        result = self.call([PROGRAM, "--upgrade", "-qd", self.url, "--state-dir", self.state], cwd=self.base)
        self.assertEqual((result.code, result.all()), (0, ""))
        self.assertEqual(len(self.stored()), 2)

    def test_options_may_stand_before_the_command_and_between_its_words(self):
        url, state = ["-d", self.url], ["--state-dir", self.state]
        for words in ([*url, "db", "upgrade"], ["db", *url, "upgrade"], ["-q", "-d", self.url, "run", *state, self.tree], [*state, *url, "check", self.tree],
                      [*state, *url, "-v", "check", self.tree], ["-j2", *url, "--exclude", "db", "cleanup", self.tree],
                      ["-vd", self.url, "get", "-f", "good_regression", self.base / "got"], ["--json", f"-d{self.url}", "db", "current"]):
            with self.subTest(words):
                result = self.call([PROGRAM, *words])
                self.assertEqual(result.code, 0, result.err)
        self.assertEqual((self.base / "got").read_bytes(), DATA)

    def test_value_of_an_option_is_no_command(self):
        self.assertEqual(self.db("upgrade").code, 0)
        result = self.call([PROGRAM, "--exclude", "check", "-d", self.url, "--state-dir", self.state, self.tree])
        self.assertEqual((result.code, len(self.stored())), (0, 2), result.err)

    def test_every_command_takes_what_several_use(self):
        """One set of options for all lines of a crontab."""
        self.sync()
        shared = ["--state-dir", self.state, "--jobs", "2", "--batch-rows", "5", "--batch-bytes", "1MiB", "--max-memory", "64MiB", "--inline-limit", "1MiB", "--retries", "0",
                  "--wait", "0s", "-d", self.url]
        for words in (["run", self.tree], ["check", self.tree], ["cleanup", self.tree], ["get", "-f", "good_regression", self.base / "got"],
                      ["restore", self.backup()], ["db", "upgrade"], ["db", "current"]):
            with self.subTest(words):
                result = self.call([PROGRAM, *words, *shared])
                self.assertEqual(result.code, 0, result.err)

    def test_folder_may_come_first_and_options_end_at_two_dashes(self):
        odd = self.base / "--odd"
        shutil.copytree(self.tree, odd)
        result = self.call([PROGRAM, "--upgrade", f"-d{self.url}", "--state-dir", self.state, "--", "--odd"], cwd=self.base)
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual(self.call([PROGRAM, "run", self.tree, "-j4", f"--dbname={self.url}", f"--state-dir={self.state}"]).code, 0)
        self.assertEqual(len(self.stored()), 2)

    def test_state_goes_to_xdg_state_home_or_home(self):
        for env, place in (({"XDG_STATE_HOME": str(self.base / "xdg")}, "xdg/migrate_models_to_db"),
                           ({"XDG_STATE_HOME": None, "HOME": str(self.base / "home")}, "home/.local/state/migrate_models_to_db")):
            result = self.call([PROGRAM, "--upgrade", "-d", self.url, self.tree], env=env)
            self.assertEqual(result.code, 0, result.err)
            self.assertEqual(len(list((self.base / place).glob("*/journal"))), 1)


class Environment(CliCase):
    def setUp(self):
        super().setUp()
        for name in "abc":
            self.write(f"{name}_regression.joblib", (name * 600).encode())

    def run_with(self, *arguments, **variables):
        env = {"MIGRATE_MODELS_" + name: value for name, value in variables.items()}
        return self.sync(*arguments, env=env)

    def encodings(self):
        return self.query("SELECT DISTINCT encoding FROM models")

    def test_flag(self):
        for yes in ("1", "true", "yes", "on"):
            self.assertTrue(self.run_with(DRY_RUN=yes).summary()["dry_run"], yes)
        for no in ("0", "false", "no", "off"):
            self.assertFalse(self.run_with(DRY_RUN=no).summary()["dry_run"], no)

    def test_choice(self):
        self.assertIsNone(self.run_with(BACKUP="none").summary()["backup"])

    def test_codec(self):
        self.run_with(COMPRESS="none")
        self.assertEqual(self.encodings(), [("identity",)])

    def test_number(self):
        self.run_with(BATCH_ROWS="1", JOBS="1")
        self.assertEqual(self.query("SELECT count(DISTINCT xmin::text) FROM models"), [(3,)])

    def test_size(self):
        self.run_with(INLINE_LIMIT="1KiB", COMPRESS="none")
        self.assertEqual(self.query("SELECT count(*) FROM model_chunks"), [(0,)])
        self.write("large_regression.joblib", os.urandom(1025))
        self.run_with(INLINE_LIMIT="1KiB", COMPRESS="none")
        self.assertEqual(self.query("SELECT count(*) FROM model_chunks"), [(1,)])

    def test_list(self):
        self.assertEqual(list(self.run_with(EXCLUDE="a_*,b_*").models()), ["c_regression.joblib"])

    def test_folder(self):
        result = self.call([PROGRAM, "--upgrade", "-d", self.url, self.tree], env={"MIGRATE_MODELS_STATE_DIR": str(self.base / "there")})
        self.assertEqual(result.code, 0, result.err)
        self.assertTrue((self.base / "there").is_dir())

    def test_json_and_upgrade_flags_of_both_commands(self):
        env = {"MIGRATE_MODELS_JSON": "1", "MIGRATE_MODELS_UPGRADE": "1"}
        self.assertEqual(self.run_program(env=env).summary()["new"], 3)
        self.assertEqual(self.db("current", env=env).lines()[0]["revision"], "0003")

    def test_count(self):
        out = self.run_program("--upgrade", env={"MIGRATE_MODELS_VERBOSE": "1"}).out
        self.assertIn("a_regression@1", out)
        result = self.run_program(env={"MIGRATE_MODELS_VERBOSE": "2"})
        self.assertEqual(result.code, 0, result.err)
        self.assertIn("a_regression@1", result.out)

    def test_empty_is_not_set(self):
        names = ["STATE_DIR", "BACKUP_DIR", "JOBS", "BACKUP", "COMPRESS", "MAX_MEMORY", "TIMEOUT", "MAP", "DRY_RUN", "EXCLUDE", "PATTERN", "DATABASE_URL"]
        self.assertEqual(self.run_with(**dict.fromkeys(names, "")).summary()["new"], 3)
        self.assertEqual(len(self.backups()), 1)

    def test_command_line_goes_first(self):
        self.run_with("--compress", "gzip", COMPRESS="none")
        self.assertEqual(self.encodings(), [("gzip",)])
        self.assertEqual(list(self.run_with("-n", "--exclude", "b_*", "--exclude", "c_*", EXCLUDE="a_*").models()), ["a_regression.joblib"])

    def test_variable_of_another_command_is_ignored(self):
        self.assertEqual(self.db("upgrade", env={"MIGRATE_MODELS_JOBS": "many"}).code, 0)


class StandardDescriptors(CliCase):
    """An answer that nobody got is no success; and what is printed on a closed descriptor never goes to a file or a socket of the program."""

    def setUp(self):
        super().setUp()
        self.write("good_regression.joblib", DATA)
        self.settle()

    def redirected(self, where, *command):
        return self.call(["sh", "-c", f'exec "$@" {where}', "sh", *command])

    def journal_lines(self):
        return self.journal().read_bytes().splitlines()[1:]

    def test_answers_that_cannot_be_printed(self):
        self.sync()
        commands = [[PROGRAM, "--help"], [PROGRAM, "--version"], [PROGRAM, "db", "--help"], [PROGRAM, "--help-markdown"],
                    [PROGRAM, "db", "current", "-d", self.url], [PROGRAM, "db", "current", "--json", "-d", self.url],
                    [PROGRAM, "db", "upgrade", "-d", self.url],
                    [PROGRAM, "run", "--state-dir", self.state, "-d", self.url, self.tree],
                    [PROGRAM, "run", "--json", "--state-dir", self.state, "-d", self.url, self.tree],
                    [PROGRAM, "check", "-d", self.url, self.tree], [PROGRAM, "check", "--json", "-d", self.url, self.tree],
                    [PROGRAM, "cleanup", "-d", self.url, self.tree], [PROGRAM, "cleanup", "--json", "-d", self.url, self.tree],
                    [PROGRAM, "restore", "--state-dir", self.state, "-d", self.url, self.backup()],
                    [PROGRAM, "get", "-d", self.url, "-f", "good_regression", self.base / "got"],
                    [PROGRAM, "get", "-d", self.url, "-f", "--json", "good_regression", self.base / "got"],
                    [PROGRAM, "get", "-d", self.url, "good_regression", "-"]]
        for command in commands:
            with self.subTest(command[1:]):
                self.assertEqual(self.call(command).code, 0)
                for where in (">/dev/full", ">&-", "<&- >&-"):
                    result = self.redirected(where, *command)
                    self.assertEqual(result.code, 1, (where, result.err))
                    self.assertRegex(result.err, r"error: cannot write (to standard output|the (report to standard|JSON)? ?output)", where)
                    self.assertEqual(result.err.count("error: "), 1, result.err)
        self.assertEqual((self.base / "got").read_bytes(), DATA)

    def test_differences_that_cannot_be_printed(self):
        self.sync()
        self.write("more_regression.joblib", DATA * 2)
        command = [PROGRAM, "check", "-d", self.url, self.tree]
        self.assertEqual(self.call(command).code, 4)
        self.assertEqual(self.redirected(">/dev/full", *command).code, 1)

    def test_nothing_to_print_is_no_error(self):
        self.sync()
        for where in (">/dev/full", ">&-", "2>&-", "<&- >&- 2>&-"):
            for command in ([PROGRAM, "run", "-q", "--state-dir", self.state, "-d", self.url, self.tree], [PROGRAM, "check", "-q", "-d", self.url, self.tree],
                            [PROGRAM, "get", "-qf", "-d", self.url, "good_regression", self.base / "got"]):
                self.assertEqual(self.redirected(where, *command).code, 0, (where, command))

    def test_warning_that_cannot_be_printed(self):
        (self.tree / "link_regression.joblib").symlink_to("good_regression.joblib")
        self.sync()
        command = [PROGRAM, "run", "--state-dir", self.state, "-d", self.url, self.tree]
        self.assertEqual(self.call(command).code, 0)
        for where in ("2>/dev/full", "2>&-"):
            self.assertEqual(self.redirected(where, *command).code, 1)

    def test_run_with_all_of_them_closed_keeps_its_files_clean(self):
        """What a signal makes it say in the middle went into the journal, which was descriptor 2."""
        self.write_some(400, size=300)
        self.sync("--include", "none")
        stored = lambda: self.query("SELECT count(*) FROM models")[0][0]
        for where in ("<&- >&- 2>&-", ">&- 2>&-", "2>&-"):
            before = stored()
            process = subprocess.Popen(["sh", "-c", f'exec "$@" {where}', "sh", PROGRAM, "run", "-j", "1", "--batch-rows", "1", "--state-dir", self.state,
                                        "-d", self.url, self.tree], env=program_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            wait_until(lambda: stored() > before + 5)
            process.terminate()
            self.assertEqual(process.wait(), 128 + signal.SIGTERM)
            self.assertGreater(len(self.journal_lines()), 5)
            for line in self.journal_lines():
                self.assertRegex(line, rb"^[0-9a-f]{8} \w\t")
            for path in self.state.rglob("*"):
                if path.is_file():
                    self.assertNotRegex(path.read_bytes(), b"error: |warning: |signal 15", path)
        self.assertLess(stored(), 401)
        self.sync()
        self.assertEqual(self.sync().summary()["read_bytes"], 0)

    def test_other_descriptors_are_not_given_to_sockets(self):
        """db current and check, closed: the answer goes nowhere, and the server sees no stray bytes."""
        self.sync()
        for where in ("<&- >&-", "<&- >&- 2>&-", ">&-"):
            for command in ([PROGRAM, "db", "current", "-d", self.url], [PROGRAM, "check", "-v", "-d", self.url, self.tree]):
                self.assertEqual(self.redirected(where, *command).code, 1)
        self.assertEqual(self.call([PROGRAM, "check", "-d", self.url, self.tree]).code, 0)


class Examples(CliCase):
    """What --help shows first is copied into a shell as it is."""

    def write_next_version(self):
        """And a way back for a rollback."""
        self.write("churn_model.joblib", DATA + str(len(DATA)).encode())
        for words in (["run", "-q", "--checksum", self.tree], ["activate", "churn_model@2"]):
            result = self.call([PROGRAM, *words, "-d", self.base / "models.db"], env={"XDG_STATE_HOME": str(self.state)})
            self.assertEqual(result.code, 0, result.all())
        self.write("churn_model.joblib", DATA)

    def test_examples_of_the_help_run_as_they_are(self):
        self.write("churn_model.joblib", DATA)
        self.write("price_regression.joblib", DATA + b"2")
        for words in (["run"], ["check"], ["get"], ["restore"], ["copy"], ["ls"], ["info"], ["history"], ["deactivate"],
                      ["activate"], ["release"], ["alias"], ["rollback"], ["db", "upgrade"], ["db", "current"], ["cleanup"]):
            examples = self.call([PROGRAM, *words, "--help"]).out.split("\n\n")[1].splitlines()[1:]
            self.assertEqual(len(examples), 2)
            for example in examples:
                if words == ["rollback"]:
                    self.write_next_version()
                if words == ["restore"] and not (self.base / "backups").exists():
                    shutil.copytree(next(self.state.glob("migrate_models_to_db/*/backups")), self.base / "backups")
                with self.subTest(example):
                    script = example.replace("migrate_models_to_db", f'"{PROGRAM}"', 1)
                    result = self.call(["sh", "-c", script], cwd=self.base, env={"XDG_STATE_HOME": str(self.state)})
                    self.assertEqual(result.code, 0, result.all())
        self.assertEqual(list(self.tree.iterdir()), [])
        self.assertEqual(len(list((self.base / "models-again").iterdir())), 2)


class Manual(unittest.TestCase):
    def setUp(self):
        self.page = (ROOT / "docs" / "options.md").read_text()
        self.call = CliCase.call.__get__(self)

    def commands(self):
        """The words of every command: "run", "db upgrade"."""
        text = self.call([PROGRAM, "--help", "--all"]).out.split("Commands:\n")[1].split("\nOptions")[0]
        words = re.findall(r"(?m)^  ([a-z]+(?: [a-z][a-z-]*)?)(?= [A-Z\[-]|  |$)", text)
        self.assertLessEqual({"run", "db upgrade"}, set(words))
        return words

    def test_table_is_what_the_program_prints(self):
        table = self.page.split("<!-- options -->\n")[1].split("<!-- end of options -->")[0]
        self.assertEqual(table, self.call([PROGRAM, "--help-markdown"]).out, "run: make docs")

    def test_help_is_the_golden_text(self):
        golden = (pathlib.Path(__file__).parent / "golden" / "help.txt").read_text()
        for section in golden.split("$ migrate_models_to_db ")[1:]:
            words, text = section.split("\n", 1)
            with self.subTest(words):
                self.assertEqual(self.call([PROGRAM, *words.split()]).out, text, "if that is what it should be: make docs")
        for words in self.commands():
            self.assertIn(f"\n$ migrate_models_to_db {words} --help\n", golden)
            self.assertIn(f"\nOptions of {words}:\n", golden)

    def test_every_option_of_the_help_is_in_the_table(self):
        for command in self.commands():
            options = re.findall(r"^  (?:-\w,|   ) (--[a-z-]+)", self.call([PROGRAM, *command.split(), "--help", "--all"]).out, re.M)
            self.assertGreater(len(options), 5)
            for option in options:
                self.assertRegex(self.page, rf"(?m)^\| `(-\w, )?{option}[ `]")

    def test_help_fits_a_screen_and_begins_with_two_examples(self):
        for words in ([], *(command.split() for command in self.commands()), ["db"]):
            with self.subTest(words):
                lines = self.call([PROGRAM, *words, "--help"]).out.splitlines()
                self.assertLessEqual(len(lines), 26)
                self.assertLessEqual(max(map(len, lines)), 80)
                self.assertEqual(lines[2], "Examples:")
                self.assertEqual([line.split()[0] for line in lines[3:5]], ["migrate_models_to_db"] * 2)
                self.assertEqual(lines[5], "")

    def test_full_help_has_every_option_and_command(self):
        text = self.call([PROGRAM, "--help", "--all"]).out
        self.assertLessEqual(max(map(len, text.splitlines())), 80)
        self.assertEqual(text, self.call([PROGRAM, "--all", "-h"]).out)
        self.assertEqual(set(re.findall(r"(?m)^  (?:-\w,|   ) (--[a-z-]+)", text)), set(re.findall(r"(?m)^\| `(?:-\w, )?(--[a-z-]+)", self.page)))

    def test_version_names_the_libraries(self):
        first, *libraries = self.call([PROGRAM, "--version", "-v"]).out.splitlines()
        self.assertEqual(self.call([PROGRAM, "--version"]).out.splitlines(), [first])
        self.assertRegex(first, r"^migrate_models_to_db \d+\.\d+\.\d+$")
        for name in ("libpq", "SQLite", "libarchive", "ISA-L", "zlib", "OpenSSL", "libcsv", "jansson"):
            self.assertRegex("\n".join(libraries), rf"(?m)(^|, ){name} \d+\.\d+")


if __name__ == "__main__":
    unittest.main()
