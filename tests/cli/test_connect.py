"""Ways to name the database, what is said when it cannot be used, and passwords that must not show."""

import os
import pathlib
import re
import subprocess
import unittest

import psycopg2

from harness import NO_LIBPQ, PROGRAM, CliCase, admin, wait_until

PASSWORD = "let me in"
ENCODED = "let%20me%20in"


class ConnectCase(CliCase):
    def setUp(self):
        super().setUp()
        self.write_some(2)
        self.port = os.environ["PGPORT"]
        self.place = f"{os.environ['PGUSER']}@127.0.0.1:{self.port}/{self.database}"

    def migrate(self, *arguments, env=None, bare=True, retries=0):
        """run --upgrade; unless told otherwise without any of libpq's variables."""
        return self.call([PROGRAM, "--upgrade", "--retries", retries, "--state-dir", self.state, *arguments, self.tree],
                         env={**(NO_LIBPQ if bare else {}), **(env or {})})

    def check_connects(self, *arguments, **options):
        result = self.migrate(*arguments, **options)
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual(len(self.stored()), 2)
        self.assertEqual(result.err, "")

    def grant(self):
        """Lets password_user make the tables."""
        self.query("GRANT CREATE, USAGE ON SCHEMA public TO password_user")


class Urls(ConnectCase):
    def test_postgresql(self):
        self.check_connects("-d", f"postgresql://{self.place}")

    def test_postgres(self):
        self.check_connects("-d", f"postgres://{self.place}")

    def test_sqlalchemy(self):
        self.check_connects("-d", f"postgresql+psycopg2://{self.place}")

    def test_conninfo(self):
        self.check_connects("-d", f"host=127.0.0.1 port={self.port} user={os.environ['PGUSER']} dbname='{self.database}'")

    def test_uri_with_a_socket_folder(self):
        folder = os.environ["PGHOST"].replace("/", "%2F")
        self.check_connects("-d", f"postgresql://{os.environ['PGUSER']}@{folder}:{self.port}/{self.database}")

    def test_bare_name_and_libpq_variables_for_the_rest(self):
        self.check_connects("-d", self.database, bare=False)

    def test_environment_variables(self):
        for name in ("MIGRATE_MODELS_DATABASE_URL", "DATABASE_URL"):
            self.check_connects(env={name: f"postgresql+psycopg2://{self.place}"})

    def test_own_variable_goes_before_database_url_and_d_before_both(self):
        wrong = f"postgresql://{os.environ['PGUSER']}@127.0.0.1:{self.port}/nowhere"
        right = f"postgresql://{self.place}"
        self.check_connects(env={"MIGRATE_MODELS_DATABASE_URL": right, "DATABASE_URL": wrong})
        self.check_connects("-d", right, env={"MIGRATE_MODELS_DATABASE_URL": wrong, "DATABASE_URL": wrong})
        self.assertEqual(self.migrate(env={"MIGRATE_MODELS_DATABASE_URL": wrong, "DATABASE_URL": right}).code, 1)

    def test_libpq_variables(self):
        self.check_connects(env={"PGHOST": "127.0.0.1", "PGPORT": self.port, "PGUSER": os.environ["PGUSER"], "PGDATABASE": self.database})

    def test_service_file(self):
        service = self.base / "pg_service.conf"
        service.write_text(f"[team]\nhost=127.0.0.1\nport={self.port}\nuser={os.environ['PGUSER']}\ndbname={self.database}\n")
        self.check_connects(env={"PGSERVICEFILE": str(service), "PGSERVICE": "team"})
        self.check_connects("-d", "service=team", env={"PGSERVICEFILE": str(service)})
        result = self.migrate(env={"PGSERVICEFILE": str(service), "PGSERVICE": "other"})
        self.assertEqual(result.code, 2)
        self.assertIn("other", result.err)

    def test_second_host_when_the_first_is_away(self):
        self.check_connects("-d", f"postgresql://{os.environ['PGUSER']}@127.0.0.1:1,127.0.0.1:{self.port}/{self.database}")

    def test_same_database_by_another_spelling_has_the_same_state(self):
        self.check_connects("-d", f"postgresql://{self.place}")
        self.check_connects("-d", f"host=127.0.0.1 port={self.port} user={os.environ['PGUSER']} dbname={self.database}")
        self.assertEqual(len(list(self.state.iterdir())), 1)

    def test_schema_of_the_search_path(self):
        self.query("CREATE SCHEMA ml")
        url = f"postgresql://{self.place}?options=-csearch_path%3Dml"
        self.assertEqual(self.migrate("-d", url).code, 0)
        self.assertEqual(self.query("SELECT count(*) FROM ml.models"), [(2,)])
        self.assertFalse(self.has_tables())


class CannotConnect(ConnectCase):
    def check(self, code, *words, **options):
        result = self.migrate(*options.pop("arguments", ()), **options)
        self.assertEqual(result.code, code, result.all())
        for word in words:
            self.assertIn(word, result.err)
        self.assertNotIn(PASSWORD, result.all())
        self.assertNotIn(ENCODED, result.all())
        return result

    def test_sqlite_is_not_there(self):
        self.check(2, "sqlite", "postgresql://", arguments=["-d", "sqlite:///models.db"])
        self.assertFalse((self.base / "models.db").exists())

    def test_other_databases_are_not_known(self):
        self.check(2, "mysql://", "postgresql://", arguments=["-d", f"mysql://u:{ENCODED}@host/db"])

    def test_url_that_cannot_be_parsed_does_not_show_its_password(self):
        self.check(2, "cannot be parsed", arguments=["-d", f"postgresql://u:{ENCODED}@host:port:5/db?x"])
        self.check(2, "cannot be parsed", arguments=["-d", f"host=h password='{PASSWORD}"])

    def test_address_in_the_place_of_the_folder_does_not_show_its_password(self):
        self.check(2, "-d", arguments=[f"postgresql://u:{ENCODED}@host/db"])
        self.check(2, "-d", arguments=["-d", self.url, f"host=h password={PASSWORD}"])

    def test_nobody_listens(self):
        result = self.check(5, "127.0.0.1:1/", "refused", "hint: check that the server runs", arguments=["-d", "postgresql://u@127.0.0.1:1/db"])
        self.assertEqual(result.err.count("error: "), 1)

    def test_nobody_listens_for_db_upgrade(self):
        result = self.db("upgrade", url="postgresql://u@127.0.0.1:1/db")
        self.assertEqual(result.code, 5)
        self.assertIn("refused", result.err)

    def test_retries_are_made_with_pauses(self):
        result = self.check(5, "trying again", arguments=["-v", "-d", "postgresql://u@127.0.0.1:1/db"], retries=2)
        self.assertEqual(result.err.count("trying again"), 2)

    def test_unknown_host(self):
        self.check(5, "no-such-host.invalid", arguments=["-d", "postgresql://u@no-such-host.invalid/db"])

    def test_unknown_database(self):
        self.check(1, "nowhere", "hint: make the database first", arguments=["-d", f"postgresql://{os.environ['PGUSER']}@127.0.0.1:{self.port}/nowhere"])

    def test_unknown_user(self):
        self.check(1, "no_such_user", "hint: check user and password", arguments=["-d", f"postgresql://no_such_user@127.0.0.1:{self.port}/{self.database}"])

    def test_wrong_password(self):
        url = f"postgresql://password_user:wrong-word@127.0.0.1:{self.port}/{self.database}"
        result = self.check(1, "password authentication failed", "hint: check user and password", arguments=["-d", url], retries=8)
        self.assertNotIn("wrong-word", result.all())

    def test_no_password(self):
        self.check(1, "no password supplied", "hint: give the password by PGPASSFILE",
                   arguments=["-d", f"postgresql://password_user@127.0.0.1:{self.port}/{self.database}"], env={"PGPASSFILE": "/dev/null"})

    def test_no_right_to_make_tables(self):
        self.query("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        url = f"postgresql://password_user@127.0.0.1:{self.port}/{self.database}"
        self.check(1, "permission denied", "CREATE on the schema", arguments=["-d", url], env={"PGPASSWORD": PASSWORD})

    def test_no_right_to_insert(self):
        self.assertEqual(self.migrate("-d", f"postgresql://{self.place}", "--include", "none").code, 0)
        self.query("GRANT USAGE ON SCHEMA public TO password_user; GRANT SELECT ON ALL TABLES IN SCHEMA public TO password_user")
        url = f"postgresql://password_user@127.0.0.1:{self.port}/{self.database}"
        self.check(1, "permission denied", "needs SELECT, INSERT", arguments=["-d", url], env={"PGPASSWORD": PASSWORD})
        self.assertEqual(self.stored(), {})
        self.assertEqual(self.backups(), [])

    def test_read_only_database(self):
        self.migrate("-d", f"postgresql://{self.place}", "--include", "none")
        admin(f'ALTER DATABASE "{self.database}" SET default_transaction_read_only = on')
        plan = self.call([PROGRAM, "-n", "--json", "-d", f"postgresql://{self.place}", "--state-dir", self.state, self.tree])
        self.assertEqual((plan.code, plan.summary()["new"]), (0, 2), plan.err)


class Passwords(ConnectCase):
    def setUp(self):
        super().setUp()
        self.grant()
        self.secret_url = f"postgresql://password_user:{ENCODED}@127.0.0.1:{self.port}/{self.database}"

    def check_hidden(self, *texts):
        for text in texts:
            for word in (PASSWORD, ENCODED):
                self.assertNotIn(word, text)

    def test_ways_to_give_it_without_the_command_line(self):
        url = f"postgresql://password_user@127.0.0.1:{self.port}/{self.database}"
        passfile = self.base / "pgpass"
        passfile.write_text(f"127.0.0.1:*:*:password_user:{PASSWORD}\n")
        passfile.chmod(0o600)
        self.check_connects("-d", url, env={"PGPASSFILE": str(passfile)})
        self.check_connects("-d", url, env={"PGPASSWORD": PASSWORD})
        self.check_connects(env={"MIGRATE_MODELS_DATABASE_URL": self.secret_url})

    def test_on_the_command_line_it_works_with_a_warning(self):
        for arguments in (["-d", self.secret_url], [f"--dbname={self.secret_url}"], [f"-d{self.secret_url}"],
                          ["-d", f"host=127.0.0.1 port={self.port} dbname={self.database} user=password_user password='{PASSWORD}'"]):
            result = self.migrate("-vv", *arguments)
            self.assertEqual(result.code, 0, result.err)
            self.assertIn("warning: a password on the command line", result.err)
            self.assertIn("PGPASSFILE", result.err)
            self.check_hidden(result.all())

    def test_is_in_no_file_and_no_row(self):
        self.write("zero.joblib", b"")
        result = self.migrate("--json", "-d", self.secret_url)
        self.assertEqual(result.code, 3)
        texts = [path.read_text(errors="replace") for path in self.state.rglob("*") if path.is_file()]
        texts += [str(path) for path in self.state.rglob("*")]
        self.assertGreater(len(texts), 4)
        dump = subprocess.run([os.environ["PG_BIN"] + "/pg_dump", "--data-only", self.database], check=True, capture_output=True).stdout.decode()
        self.assertIn("event0_regression", dump)
        self.check_hidden(result.all(), dump, *texts)

    def test_is_not_in_the_hint_of_a_missing_schema(self):
        result = self.call([PROGRAM, "-d", self.secret_url, "--state-dir", self.state, self.tree], env=NO_LIBPQ)
        self.assertEqual(result.code, 10)
        self.check_hidden(result.all())

    def check_command_line(self, *arguments):
        """While the program waits for a lock on the tables, its command line is what `ps` shows everyone."""
        self.assertEqual(self.migrate("-d", self.secret_url, "--include", "none").code, 0)
        with psycopg2.connect(self.url) as connection, connection.cursor() as cursor:
            cursor.execute("LOCK TABLE models")
            process = subprocess.Popen([PROGRAM, *arguments, "--state-dir", str(self.state), str(self.tree)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.addCleanup(self.reap, process)
            wait_until(lambda: self.query("SELECT 1 FROM pg_stat_activity WHERE usename = 'password_user' AND wait_event_type = 'Lock'"))
            shown = pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes().decode()
            names = self.query("SELECT application_name, query FROM pg_stat_activity WHERE usename = 'password_user'")
        self.assertEqual(self.finish(process).code, 0)
        self.assertIn("--state-dir", shown)
        self.assertTrue(all(name == "migrate_models_to_db" for name, _ in names), names)
        self.check_hidden(shown, *(query for _, query in names))
        self.assertFalse(re.search("let|me%20in", shown), shown)
        self.assertEqual(len(self.stored()), 2)

    def test_is_wiped_from_the_command_line(self):
        self.check_command_line("-d", self.secret_url)

    def test_is_wiped_from_the_command_line_when_glued_to_the_option(self):
        self.check_command_line(f"--dbname={self.secret_url}")

    def test_is_wiped_from_a_conninfo_string(self):
        self.check_command_line("-d", f"host=127.0.0.1 port={self.port} dbname={self.database} user=password_user password='{PASSWORD}'")


if __name__ == "__main__":
    unittest.main()
