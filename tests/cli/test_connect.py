"""Ways to name the database, what is said when it cannot be used, and passwords that must not show."""

import fcntl
import os
import pathlib
import re
import socket
import subprocess
import time
import unittest

import psycopg2

import test_cleanup_faults
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


class Addresses(ConnectCase):
    """A name with several addresses; its own /etc/hosts is in a mount namespace of the program alone."""

    def setUp(self):
        super().setUp()
        self.hosts = self.base / "hosts"
        self.hosts.write_text("::1 dual\n127.0.0.1 dual\n::1 silent\n127.0.0.2 silent\n127.0.0.1 localhost\n")
        done = subprocess.run(self.inside("getent", "ahosts", "dual"), capture_output=True, check=False)
        if done.returncode != 0 or not done.stdout.startswith(b"::1"):
            self.skipTest("needs a mount namespace and IPv6")

    def inside(self, *command):
        return ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', str(self.hosts), *map(str, command)]

    def listen(self, family, address):
        """Takes connections and says nothing."""
        listener = socket.socket(family)
        self.addCleanup(listener.close)
        listener.bind((address, int(self.port)))
        listener.listen()

    def migrate_to(self, host, *arguments, rest="", **options):
        url = f"postgresql://{os.environ['PGUSER']}@{host}:{self.port}/{self.database}{rest}"
        command = [PROGRAM, "--upgrade", "--retries", "0", "--connect-timeout", "1s", "--state-dir", self.state, *arguments, "-d", url, self.tree]
        started = time.monotonic()
        result = self.call(self.inside(*command), env=NO_LIBPQ, **options)
        return result, time.monotonic() - started

    def test_first_is_silent(self):
        self.listen(socket.AF_INET6, "::1")
        for rest in ("", "?target_session_attrs=read-write", "?target_session_attrs=prefer-standby"):
            with self.subTest(rest=rest):
                result, seconds = self.migrate_to("dual", "--jobs", "1", rest=rest)
                self.assertEqual(result.code, 0, result.err)
                self.assertGreater(seconds, 1)
        self.assertEqual(len(self.stored()), 2)

    def test_first_refuses(self):
        result, seconds = self.migrate_to("dual", "--connect-timeout", "40s")
        self.assertEqual(result.code, 0, result.err)
        self.assertLess(seconds, 40)

    def test_all_are_silent(self):
        self.listen(socket.AF_INET6, "::1")
        self.listen(socket.AF_INET, "127.0.0.2")
        result, seconds = self.migrate_to("silent")
        self.assertEqual(result.code, 5, result.err)
        self.assertIn("no answer within 1 second", result.err)
        self.assertGreater(seconds, 2)
        self.assertLess(seconds, 10)

    def test_second_host_behind_a_silent_one(self):
        self.listen(socket.AF_INET6, "::1")
        self.listen(socket.AF_INET, "127.0.0.2")
        result, _ = self.migrate_to("silent,127.0.0.1")
        self.assertEqual(result.code, 0, result.err)

    def test_password_file_knows_the_name(self):
        self.grant()
        passfile = self.base / "pgpass"
        passfile.write_text(f"dual:*:*:password_user:{PASSWORD}\n")
        passfile.chmod(0o600)
        url = f"postgresql://password_user@dual:{self.port}/{self.database}"
        result = self.call(self.inside(PROGRAM, "--upgrade", "--state-dir", self.state, "-d", url, self.tree), env={**NO_LIBPQ, "PGPASSFILE": str(passfile)})
        self.assertEqual(result.code, 0, result.err)

    def test_answer_of_a_server_is_not_hidden_by_the_next_address(self):
        self.hosts.write_text("127.0.0.1 both\n127.0.0.2 both\n")
        result, _ = self.migrate_to("both", rest="_not")
        self.assertEqual(result.code, 1, result.err)
        self.assertIn("does not exist", result.err)


class Kinds(ConnectCase):
    """A primary and a standby, in both orders."""

    start_standby = test_cleanup_faults.Standby.start_standby

    def test_target_session_attrs(self):
        self.assertEqual(self.migrate("-d", f"postgresql://{self.place}", "--include", "none").code, 0)
        folder = self.start_standby().split()[0].removeprefix("host=")
        for hosts in (f"127.0.0.1,{folder}", f"{folder},127.0.0.1"):
            url = f"host={hosts} port={self.port} user={os.environ['PGUSER']} dbname={self.database}"
            for wanted, code in (("prefer-standby", 1), ("standby", 1), ("read-write", 0), ("primary", 0)):
                with self.subTest(hosts=hosts, wanted=wanted):
                    result = self.migrate("-d", f"{url} target_session_attrs={wanted}", "--checksum", "--backup", "none")
                    self.assertEqual(result.code, code, result.err)
                    if code == 1:
                        self.assertIn("the server is a standby", result.err)
                    self.query("DELETE FROM models")


class CannotConnect(ConnectCase):
    def check(self, code, *words, **options):
        result = self.migrate(*options.pop("arguments", ()), **options)
        self.assertEqual(result.code, code, result.all())
        for word in words:
            self.assertIn(word, result.err)
        self.assertNotIn(PASSWORD, result.all())
        self.assertNotIn(ENCODED, result.all())
        return result

    def test_other_databases_are_not_known(self):
        self.check(2, "mysql://", "postgresql://", arguments=["-d", f"mysql://u:{ENCODED}@host/db"])

    def test_url_that_cannot_be_parsed_does_not_show_its_password(self):
        self.check(2, "cannot be parsed", arguments=["-d", f"postgresql://u:{ENCODED}@host:port:5/db?x"])
        self.check(2, "cannot be parsed", arguments=["-d", f"host=h password='{PASSWORD}"])

    def test_address_in_the_place_of_the_folder_does_not_show_its_password(self):
        self.check(2, "-d", arguments=[f"postgresql://u:{ENCODED}@host/db"])
        self.check(2, "-d", arguments=["-d", self.url, f"host=h password={PASSWORD}"])

    OPTIONS = ["-j", "--jobs", "--batch-rows", "--batch-bytes", "--max-memory", "--inline-limit", "--retries", "--timeout", "--compress", "--backup",
               "--on-change", "--map", "--include", "--exclude", "--pattern", "--dir-pattern", "--state-dir", "--backup-dir"]
    SECRETS = [f"postgresql://u:{ENCODED}@host/db", f"host=h password='{PASSWORD}'", f"host=h password = '{PASSWORD}'", f"sslpassword={ENCODED}"]

    def test_address_behind_the_wrong_option_does_not_show_its_password(self):
        for option in self.OPTIONS:
            for secret in self.SECRETS:
                with self.subTest(option=option, secret=secret):
                    self.check(2, f"error: {option}: ", "a database address was given where", "hint: name the database with -d", arguments=[option, secret])
            self.check(2, "a database address was given where", arguments=[f"{option}={secret}" if option != "-j" else f"-nj{secret}"])
        for command, option in (("cleanup", "--plan"), ("cleanup", "--apply"), ("cleanup", "--trash"), ("cleanup", "--report"), ("check", "--sample"),
                                ("check", "--report"), ("db", "--jobs"), ("get", "--force"), ("run", "--dry-run"), ("run", "--frobnicate")):
            result = self.call([PROGRAM, command, f"{option}={self.SECRETS[0]}"], env=NO_LIBPQ)
            self.assertEqual(result.code, 2)
            self.assertIn("a database address was given where", result.err)
            self.assertNotIn(ENCODED, result.all())
        for word in (f"--postgresql://u:{ENCODED}@host/db", f"-Zpostgresql://u:{ENCODED}@host/db"):
            self.check(2, "a database address was given where an option is expected", arguments=[word])
        self.assertFalse(self.state.exists())

    def test_address_in_the_variable_of_an_option_does_not_show_its_password(self):
        for option in [*self.OPTIONS[1:], "--dry-run", "--verbose"]:
            name = "MIGRATE_MODELS_" + option[2:].upper().replace("-", "_")
            for secret in self.SECRETS:
                self.check(2, name, "a database address was given where", env={name: secret}, arguments=[])
        self.assertFalse(self.state.exists())
        self.assertEqual(list(self.base.glob("postgresql*")), [])

    def test_address_behind_the_wrong_option_is_wiped_from_the_command_line(self):
        """Its standard error is full, so that it waits there while `ps` looks."""
        for arguments in (["--state-dir", self.SECRETS[0]], [f"--jobs={self.SECRETS[0]}"], [f"-j{self.SECRETS[0]}"], [self.SECRETS[0]], [f"--frob={self.SECRETS[0]}"],
                          [f"--dry-run={self.SECRETS[0]}"]):
            read, write = os.pipe()
            os.write(write, bytes(fcntl.fcntl(write, fcntl.F_GETPIPE_SZ)))
            process = subprocess.Popen([PROGRAM, "run", *arguments], stderr=write, stdout=subprocess.DEVNULL)
            shown = lambda: pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes()
            try:
                wait_until(lambda: pathlib.Path(f"/proc/{process.pid}/wchan").read_text() in ("pipe_write", "anon_pipe_write")
                           or b"xxxxxxxx" in shown(), seconds=10)
                self.assertNotIn(ENCODED.encode(), shown())
                self.assertIn(b"xxxxxxxx", shown())
            finally:
                process.kill()
                process.wait()
                os.close(read)
                os.close(write)

    def test_nobody_listens(self):
        result = self.check(5, "127.0.0.1:1/", "refused", "hint: check that the server runs", arguments=["-d", "postgresql://u@127.0.0.1:1/db"])
        self.assertEqual(result.err.count("error: "), 1)

    def test_nobody_listens_for_db_upgrade(self):
        result = self.db("upgrade", "--retries", "0", url="postgresql://u@127.0.0.1:1/db")
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
        self.check(1, "permission denied", "to store also INSERT on models", arguments=["-d", url], env={"PGPASSWORD": PASSWORD})
        self.assertEqual(self.stored(), {})
        self.assertEqual(self.backups(), [])

    def test_server_without_ssl(self):
        for mode in ("require", "verify-full"):
            result = self.check(1, "sslmode", arguments=["-d", f"postgresql://{self.place}?sslmode={mode}"], env={"HOME": str(self.base)})
            self.assertNotIn("server runs there", result.err)

    def test_server_of_the_wrong_kind(self):
        result = self.check(5, "target_session_attrs", arguments=["-d", f"postgresql://{self.place}?target_session_attrs=standby"])
        self.assertNotIn("server runs there", result.err)

    def test_url_in_the_place_of_a_name_does_not_show_its_password(self):
        for name in ("PGDATABASE", "PGHOST"):
            for value in (f"postgresql://u:{ENCODED}@h/db", f"host=h password={PASSWORD}"):
                result = self.check(2, name, "MIGRATE_MODELS_DATABASE_URL", env={"PGHOST": "127.0.0.1", name: value})
                self.assertNotIn("let", result.all())
        self.check(2, "may be a password", arguments=["-d", f"host=127.0.0.1 dbname=postgresql://u:{ENCODED}/db"])
        self.assertFalse(self.state.exists())

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


class DeadClients(CliCase):
    def test_the_server_notices_them(self):
        self.assertEqual(self.db("upgrade").code, 0)
        self.query("""CREATE TABLE seen (setting text);
                      CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
                          INSERT INTO public.seen SELECT concat_ws(' ', current_setting('tcp_keepalives_idle'), current_setting('tcp_keepalives_interval'),
                              current_setting('tcp_keepalives_count'), current_setting('tcp_user_timeout')); RETURN NEW; END$$;
                      CREATE TRIGGER look BEFORE INSERT ON models FOR EACH ROW EXECUTE FUNCTION look()""")
        self.write("x.joblib", "x")
        result = self.run_program("-d", self.url_of(self.database, "127.0.0.1"), url=False)
        self.assertEqual(result.code, 0, result.all())
        self.assertEqual(self.query("SELECT setting FROM seen"), [("30 10 6 90000",)])


if __name__ == "__main__":
    unittest.main()
