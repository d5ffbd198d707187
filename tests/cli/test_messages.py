"""What the program says when something is not as it should be: it names what happened, to what, and what to do, as a line that can be run."""

import os
import re
import shlex
import unittest

import psycopg2
from psycopg2.extensions import parse_dsn

from harness import PROGRAM, CliCase
from stores import admin, on_both

DATA = b"some model " * 50


@on_both
class Words(CliCase):
    proves = True

    def setUp(self):
        super().setUp()
        self.write("sub/churn_model.joblib", DATA)
        self.write("price_regression.joblib", DATA + b"2")

    def check(self, *arguments, code=4):
        result = self.call([PROGRAM, "check", "-d", self.url, *arguments, self.tree])
        self.assertEqual(result.code, code, result.all())
        return result

    def change(self, path, data, keep_time=True):
        """Other content of the same size."""
        path, stat = self.tree / path, (self.tree / path).stat()
        path.write_bytes(data)
        if keep_time:
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    def test_content_that_changed_under_its_size_and_time_is_damaged(self):
        self.sync()
        self.change("price_regression.joblib", DATA + b"3")
        text = "possibly damaged: it has the size and the time of price_regression@1, but not its content; get price_regression@1 brings that back"
        self.assertIn(f"* price_regression.joblib  {text}\n", self.check().out)
        plan = self.base / "plan.csv"
        result = self.call([PROGRAM, "cleanup", "--plan", plan, "-d", self.url, self.tree])
        self.assertIn(f"price_regression.joblib: {text}\n", result.out)
        self.assertEqual(self.call([PROGRAM, "get", "-f", "price_regression@1", self.tree / "price_regression.joblib", "-d", self.url]).code, 0)
        self.check(code=0)

    def test_content_that_was_written_is_not_damaged(self):
        self.sync()
        self.change("price_regression.joblib", DATA + b"3", keep_time=False)
        os.utime(self.tree / "price_regression.joblib", (5e8, 5e8))
        result = self.check()
        self.assertNotIn("damaged", result.out)
        self.assertIn("run again to store it", result.out)

    def test_same_of_a_source_with_a_version(self):
        self.write("fixed_model_v3.joblib", DATA + b"4")
        self.sync()
        self.change("fixed_model_v3.joblib", DATA + b"5")
        self.assertIn("of fixed_model@3, but not its content; get fixed_model@3 brings", self.check().out)

    def test_one_older_version(self):
        self.sync()
        for count, words in ((b"1", "; 1 older version in the store"), (b"22", "; 2 older versions in the store")):
            self.write("price_regression.joblib", DATA + b"more" + count)
            self.sync()
            self.assertIn(words, self.check(code=0).out)

    def test_name_that_is_not_stored_or_not_active(self):
        self.sync()
        self.query("UPDATE models SET is_active = false WHERE name = 'price_regression'")
        for name, words in (
                ("price_regresion", ["price_regresion: is not stored", "did you mean price_regression?"]),
                ("churn_model", ["churn_model: is not stored", "a name has the folders of its path: sub/churn_model"]),
                ("nothing_like_it", ["nothing_like_it: is not stored", "hint: "]),
                ("price_regression", ["price_regression: is stored, but no version of it is active", "price_regression@latest"]),
                ("price_regression@7", ["price_regression@7: this version is not stored", "1 version is stored, the highest is price_regression@1"])):
            result = self.call([PROGRAM, "get", name, self.base / "out", "-d", self.url])
            self.assertEqual(result.code, 1)
            for word in words:
                self.assertIn(word, result.err)

    def test_plan_ends_with_the_command_that_executes_it(self):
        self.sync()
        plan = self.base / "my plan's.csv"
        result = self.call([PROGRAM, "cleanup", "--plan", plan, "--state-dir", self.state, "-v", "--exclude", "x y*", "-d", self.url, self.tree])
        self.assertEqual(result.code, 0, result.err)
        last = result.out.splitlines()[-1]
        words = shlex.split(last)
        self.assertEqual(words, ["migrate_models_to_db", "cleanup", "--apply", str(plan), "--state-dir", str(self.state), "--exclude", "x y*",
                                 "--dbname", self.url, str(self.tree)])
        result = self.call([PROGRAM, *words[1:], "--yes"])
        self.assertEqual(result.code, 0, result.all())
        self.assertEqual([path for path in self.tree.rglob("*") if path.is_file()], [])

    def test_plan_of_nothing_has_no_next_command(self):
        self.assertEqual(self.db("upgrade").code, 0)
        result = self.call([PROGRAM, "cleanup", "--plan", self.base / "plan.csv", "-d", self.url, self.tree])
        self.assertIn("0 may go", result.out)
        self.assertNotIn("--apply", result.all())

    def test_state_folder_that_cannot_be_made(self):
        for place in ("/proc/nowhere", self.tree / "price_regression.joblib" / "below"):
            result = self.call([PROGRAM, "--upgrade", "-d", self.url, "--state-dir", place, self.tree])
            self.assertEqual(result.code, 1)
            self.assertRegex(result.err, r"hint: .*--state-dir")

    def test_state_directory_of_a_unit(self):
        """Goes before the home of whoever the unit runs as, and behind the option."""
        place, env = self.base / "var", {"STATE_DIRECTORY": f"{self.base}/var:{self.base}/other", "XDG_STATE_HOME": str(self.base / "xdg")}
        self.assertEqual(self.call([PROGRAM, "--upgrade", "-qd", self.url, self.tree], env=env).code, 0)
        self.assertTrue(next(place.glob("*/journal")).exists())
        self.assertEqual(self.call([PROGRAM, "-qd", self.url, "--state-dir", self.state, self.tree], env=env).code, 0)
        self.assertTrue(self.journal().exists())
        self.assertFalse((self.base / "xdg").exists() or (self.base / "other").exists())


class OnServer(CliCase):
    def setUp(self):
        super().setUp()
        self.write("churn_model.joblib", DATA)

    def test_password_in_a_plan_is_left_out(self):
        self.sync()
        url = f"{self.url} password='secret word'"
        result = self.call([PROGRAM, "cleanup", "--plan", self.base / "plan.csv", "-d", url, self.tree])
        self.assertEqual(result.code, 0, result.err)
        self.assertNotIn("secret", result.all())
        self.assertTrue(result.out.endswith(f"{self.tree} # and the same --dbname\n"), result.out)

    def test_one_grant_is_enough_for_a_reader(self):
        """The hint of the first refusal is run as it is; then everything that only reads works. What is not allowed is not allowed when it
        is tried again."""
        self.sync()
        with psycopg2.connect(self.url) as connection, connection.cursor() as cursor:
            cursor.execute("DROP ROLE IF EXISTS \"message Reader\"; CREATE ROLE \"message Reader\" LOGIN")
        connection.close()
        try:
            dsn = parse_dsn(self.url)
            url = f"host={dsn['host']} port={dsn['port']} dbname={dsn['dbname']} user='message Reader'"
            for words in (["get", "churn_model", self.base / "out"], ["check", self.tree]):
                result = self.call([PROGRAM, *words, "-d", url])
                self.assertEqual(result.code, 1)
                grant = re.search(r"hint: to read: (GRANT SELECT ON [^;]* TO \"message Reader\");", result.err)[1]
            self.query(grant)
            for words in (["get", "churn_model", self.base / "out"], ["check", self.tree], ["check", "--download", self.tree], ["cleanup", self.tree],
                          ["db", "current"]):
                self.assertEqual(self.call([PROGRAM, *words, "-d", url]).code, 0, words)
            self.write_some(3)
            result = self.call([PROGRAM, "run", "-d", url, "--state-dir", self.base / "of the reader", self.tree])
            self.assertEqual(result.code, 1)
            self.assertRegex(result.all(), r"not done +[34]  see the error; when it is mended, the same command goes on")
            self.assertNotIn("run the same command again", result.all())
        finally:
            self.query("DROP OWNED BY \"message Reader\"")
            admin("DROP ROLE \"message Reader\"")

    def test_mistyped_address_leaves_no_state_folder(self):
        here = parse_dsn(self.url)
        for url, code in ((f"postgresql://{here['user']}@127.0.0.1:1/models", 5), (self.url + "_mistyped", 1), (self.url, 10)):
            result = self.call([PROGRAM, "run", "--retries", "0", "-d", url, "--state-dir", self.state, self.tree])
            self.assertEqual(result.code, code, result.err)
            self.assertEqual(self.state_files(), [])
            self.assertFalse(self.state.exists())
        self.sync()
        result = self.call([PROGRAM, "copy", "--retries", "0", "--from", self.url, "--to", f"postgresql://{here['user']}@127.0.0.1:1/models",
                            "--state-dir", self.base / "other"])
        self.assertEqual(result.code, 5, result.err)
        self.assertFalse((self.base / "other").exists())

    def test_no_password_is_suspected_where_there_is_none(self):
        for url in ("jdbc:postgresql://tester@127.0.0.1:1/models", "postgresql://tester@127.0.0.1:1/models?schema=x", "JDBC:postgresql://h/d?user=x"):
            result = self.call([PROGRAM, "run", "-d", url, self.tree])
            self.assertEqual(result.code, 2)
            self.assertNotIn("password on the command line", result.err)
        for url in ("jdbc:postgresql://u:pw@127.0.0.1:1/models", "jdbc:postgresql://h/d?user=x&password=pw"):
            self.assertIn("password on the command line", self.call([PROGRAM, "run", "-d", url, self.tree]).err)


if __name__ == "__main__":
    unittest.main()
