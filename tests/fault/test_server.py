"""The server is restarted, killed, frozen, made read-only, filled up, locked or given hostile settings in the middle of a run."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import psycopg2
from netcase import NetCase, admin, wait_until
from ownserver import OwnServer
from proxy import AFTER, BACK, BEFORE, FRONT, Fault

SERVER = None
SESSIONS = "FROM pg_stat_activity WHERE application_name = 'migrate_models_to_db'"


def setUpModule():
    global SERVER
    SERVER = OwnServer()
    unittest.addModuleCleanup(SERVER.stop)


class Restarts(NetCase):
    def survive(self, fault, *arguments):
        """One run through the proxy with this fault ends well by itself."""
        self.many()
        reference = self.reference()
        self.proxy.fault = fault
        result = self.run_net("--retries", "12", *arguments)
        self.assertTrue(self.proxy.fired)
        self.proxy.calm()
        self.assertEqual(result.code, 0, result.err)
        self.assertGreater(self.proxy.connects, 3)  # two workers, and the end of the run's record
        self.check_done(reference)

    def test_immediate_restart(self):
        self.survive(Fault(lambda: SERVER.control("restart", "-m", "immediate"), BEFORE, FRONT, 6, "c"))

    def test_fast_shutdown_and_start(self):
        def bounce():
            SERVER.control("stop", "-m", "fast")
            time.sleep(1)
            SERVER.control("start")

        self.survive(Fault(bounce, BEFORE, FRONT, 6, "c"))

    def test_sessions_terminated(self):
        def terminate():
            admin(f"SELECT pg_terminate_backend(pid) {SESSIONS}")

        for direction, kind, text in ((FRONT, "Q", b"COMMIT\0"), (FRONT, "d", None), (BACK, "G", None), (BACK, "C", b"COMMIT\0")):
            with self.subTest(direction=direction, kind=kind, text=text):
                self.survive(Fault(terminate, BEFORE, direction, 6, kind, text))

    def test_backend_killed(self):
        """The server drops all sessions, recovers, and refuses connects meanwhile."""

        def kill():
            with self.session(url=self.url_of("postgres")) as cursor:
                cursor.execute(f"SELECT pid {SESSIONS}")
                os.kill(cursor.fetchall()[0][0], signal.SIGKILL)

        self.survive(Fault(kill, BEFORE, FRONT, 6, "c"))

    @staticmethod
    def connect_patiently(url):
        """A session that was closed just now may still count."""
        for _ in range(100):
            try:
                return psycopg2.connect(url)
            except psycopg2.OperationalError:
                time.sleep(0.1)
        return psycopg2.connect(url)

    def test_too_many_connections(self):
        admin(f'ALTER DATABASE "{self.database}" CONNECTION LIMIT 1')
        admin("CREATE ROLE plain LOGIN")
        self.query("GRANT ALL ON ALL TABLES IN SCHEMA public TO plain; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO plain")
        blocker = self.connect_patiently(self.url.replace("user=tester", "user=plain"))
        self.addCleanup(blocker.close)
        url = self.proxy_url().replace("user=tester", "user=plain")
        result = self.run_net("--retries", "1", url=url)
        self.assertEqual(result.code, 5, result.err)
        self.assertIn("[53300]", result.err)
        threading.Timer(1, blocker.close).start()
        result = self.run_net("--retries", "8", "--jobs", "1", url=url)
        self.assertEqual(result.code, 0, result.err)


class ReadOnly(NetCase):
    def test_set_on_the_database(self):
        reference = self.reference()
        admin(f'ALTER DATABASE "{self.database}" SET default_transaction_read_only = on')
        result = self.run_net()
        self.assertEqual(result.code, 1, result.err)
        self.assertRegex(result.err, "read-only")
        self.assertEqual(self.run_net("-n").code, 0)
        admin(f'ALTER DATABASE "{self.database}" RESET default_transaction_read_only')
        self.assertEqual(self.run_net().code, 0)
        self.check_done(reference)

    def test_in_mid_run(self):
        """What is committed stays; the rest is for the next run."""
        reference = self.reference()
        name = f'DATABASE "{self.database}"'
        # The session is cut by the server itself, and the next one is read-only.
        self.proxy.fault = Fault(lambda: (admin(f"ALTER {name} SET default_transaction_read_only = on"),
                                          admin(f"SELECT pg_terminate_backend(pid) {SESSIONS}")), BEFORE, FRONT, 3, "Q", b"COMMIT\0")
        result = self.run_net("--jobs", "1")
        self.assertTrue(self.proxy.fired)
        self.assertEqual(result.code, 1, result.err)
        self.assertRegex(result.err, "read-only")
        admin(f"ALTER {name} RESET default_transaction_read_only")
        self.assertEqual(self.query("SELECT count(*) FROM models"), [(3,)])
        self.proxy.calm()
        self.assertEqual(self.run_net().code, 0)
        self.check_done(reference)

    def test_hot_standby(self):
        self.assertEqual(self.run_net(url=self.url).code, 0)
        self.write("new_model.joblib", b"not stored yet")
        folder = tempfile.mkdtemp(prefix="standby-", dir=pathlib.Path(os.environ["PGDATA_DIR"]).parent)
        data = pathlib.Path(os.environ["PGDATA_DIR"])
        owner, prefix = data.stat(), []
        if os.geteuid() == 0:
            os.chown(folder, owner.st_uid, owner.st_gid)
            prefix = ["setpriv", f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--clear-groups", "--"]
        tools, standby = pathlib.Path(os.environ["PG_BIN"]), f"{folder}/data"
        subprocess.run([*prefix, tools / "pg_basebackup", "-D", standby, "-R", "-c", "fast", "--no-sync"], check=True, cwd="/")
        with self.subTest("standby"):
            port = int(os.environ["PGPORT"]) + 1
            start = [*prefix, tools / "pg_ctl", "-D", standby, "-w", "-l", f"{folder}/log", "-o", f"-p {port} -k {folder}", "start"]
            stop = [*prefix, tools / "pg_ctl", "-D", standby, "-m", "immediate", "stop"]
            subprocess.run(start, check=True, cwd="/", stdout=subprocess.DEVNULL)
            self.addCleanup(subprocess.run, stop, check=False, cwd="/", stdout=subprocess.DEVNULL)
            url = f"host=127.0.0.1 port={port} user=tester dbname={self.database}"
            result = self.run_net(url=url)
            self.assertEqual(result.code, 1, result.err)
            self.assertRegex(result.err, "standby")
            result = self.run_net("-n", url=url)  # the plan can be shown from there
            self.assertEqual((result.code, result.summary()["new"]), (0, 1), result.err)


class Frozen(NetCase):
    """Processes of the server stand still: nothing is refused, nothing answers."""

    def bounded(self, fault, code):
        self.many()
        reference = self.reference()
        self.proxy.fault = fault
        self.addCleanup(SERVER.thaw)
        started = time.monotonic()
        result = self.run_net("--timeout", "1s", "--connect-timeout", "1s", "--lock-timeout", "1s", "--retries", "2")
        self.assertLess(time.monotonic() - started, 20)
        self.assertTrue(self.proxy.fired)
        SERVER.thaw()
        self.proxy.calm()
        self.assertIn(result.code, code, result.err)
        self.assertRegex(result.err, "no answer")
        wait_until(lambda: self.query(f"SELECT count(*) {SESSIONS}") == [(0,)])
        result = self.run_net()
        self.assertEqual(result.code, 0, result.err)
        self.check_done(reference)

    def test_whole_server(self):
        self.bounded(Fault(SERVER.freeze, BEFORE, FRONT, 6, "c"), (5,))

    def test_whole_server_before_a_commit(self):
        self.bounded(Fault(SERVER.freeze, AFTER, FRONT, 6, "Q", b"COMMIT\0"), (5,))

    def test_one_session(self):
        """Its transaction stays open and holds its keys, so the run may have to end; it must not hang."""

        def freeze_one():
            with self.session() as cursor:
                cursor.execute(f"SELECT pid {SESSIONS} AND state <> 'idle' ORDER BY pid")
                os.kill(cursor.fetchall()[0][0], signal.SIGSTOP)

        self.bounded(Fault(freeze_one, BEFORE, FRONT, 6, "c"), (0, 5))


class FullDisk(NetCase):
    """The disk under the table fills up."""

    def test_data_disk(self):
        if os.geteuid() != 0:
            self.skipTest("only root can mount a small file system")
        disk = tempfile.mkdtemp(prefix="disk-")
        self.addCleanup(shutil.rmtree, disk, ignore_errors=True)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m,mode=777", "none", disk], capture_output=True, check=False).returncode != 0:
            self.skipTest("mount is not allowed here")
        self.addCleanup(subprocess.run, ["umount", disk], check=False)
        space = f"full_{self.database}"
        folder = pathlib.Path(disk) / "space"
        folder.mkdir()
        owner = pathlib.Path(os.environ["PGDATA_DIR"]).stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
        for i in range(40):
            self.write(f"fill/model{i:02d}.joblib", os.urandom(120_000))
        reference_count = 48
        admin(f"CREATE TABLESPACE {space} LOCATION '{folder}'")
        self.addCleanup(admin, f"DROP TABLESPACE {space}")
        self.query(f"ALTER TABLE models SET TABLESPACE {space}")
        self.addCleanup(self.query, "DROP TABLE models CASCADE")
        started = time.monotonic()
        result = self.run_net("--inline-limit", "1MiB")
        self.assertLess(time.monotonic() - started, 10)
        self.assertEqual(result.code, 1, result.err)
        self.assertIn("[53100]", result.err)
        self.assertIn("No space left on device", result.err)
        stored = self.query("SELECT count(*) FROM models")[0][0]
        self.assertGreater(stored, 0)
        self.assertLess(stored, reference_count)
        self.check_rows()
        self.check_backups()
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        result = self.run_net("--inline-limit", "1MiB")
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual(result.summary()["new"], reference_count - stored)
        self.assertEqual(self.query("SELECT count(*) FROM models"), [(reference_count,)])
        self.check_rows()
        self.check_backups()


class Locks(NetCase):
    INSERT = "INSERT INTO models (name, version, model_type, event, model_binary) VALUES (%s, 1, 'x', 'x', 'x')"

    def test_table_lock(self):
        reference = self.reference()
        with self.session(autocommit=False) as cursor:
            cursor.execute("LOCK TABLE models IN SHARE MODE")
            process = self.spawn_net("--lock-timeout", "1s", "--retries", "8")
            time.sleep(2.5)
        result = self.finish(process)
        self.assertEqual(result.code, 0, result.err)
        self.assertIn("[55P03]", result.err)
        self.check_done(reference)

    def test_table_lock_for_ever(self):
        reference = self.reference()
        for mode, cause in (("SHARE", "55P03"), ("ACCESS EXCLUSIVE", "no answer|55P03")):
            with self.subTest(mode=mode), self.session(autocommit=False) as cursor:
                cursor.execute(f"LOCK TABLE models IN {mode} MODE")
                started = time.monotonic()
                result = self.run_net("--lock-timeout", "1s", "--timeout", "2s", "--retries", "1", url=self.url)
                self.assertLess(time.monotonic() - started, 15)
                self.assertEqual(result.code, 5, result.err)
                self.assertRegex(result.err, cause)
        result = self.run_net()
        self.assertEqual(result.code, 0, result.err)
        self.check_done(reference)

    def test_deadlock(self):
        """The other session holds a key late in the batch and wants one that is early; the program is the one that is shot."""
        reference = self.reference()
        with self.session(autocommit=False) as cursor:
            cursor.execute("SET deadlock_timeout = '30s'")
            cursor.execute(self.INSERT, ("event1_classifier_binary",))
            process = self.spawn_net("--jobs", "1", "--timeout", "10s", "--lock-timeout", "10s")
            wait_until(lambda: self.query("SELECT count(*) FROM pg_locks WHERE NOT granted") != [(0,)])
            cursor.execute(self.INSERT, ("large_model",))
            cursor.connection.rollback()
        result = self.finish(process)
        self.assertEqual(result.code, 0, result.err)
        self.assertIn("[40P01]", result.err)
        self.check_done(reference)

    def test_other_writer_of_one_key(self):
        """It commits while the program waits for it: its content is respected."""
        reference = self.reference()
        with self.session(autocommit=False) as cursor:
            cursor.execute(self.INSERT, ("event1_classifier_binary",))
            process = self.spawn_net("--jobs", "1", "--timeout", "10s", "--lock-timeout", "10s")
            wait_until(lambda: self.query("SELECT count(*) FROM pg_locks WHERE NOT granted") != [(0,)])
            cursor.connection.commit()
        result = self.finish(process)
        self.assertEqual(result.code, 0, result.err)
        stored = {row[:2]: row for row in self.content()[0]}
        self.assertEqual(stored.pop(("event1_classifier_binary", 1))[6], None)
        second = stored.pop(("event1_classifier_binary", 2))
        expected = {row[:2]: row for row in reference[0]}
        self.assertEqual(second[2:], expected.pop(("event1_classifier_binary", 1))[2:])
        self.assertEqual(stored, expected)
        self.check_rows()
        self.check_backups()
        self.check_no_op()


class Settings(NetCase):
    """What an administrator has set for the database or the role."""

    def set(self, **values):
        for name, value in values.items():
            admin(f'ALTER DATABASE "{self.database}" SET {name} = {value}')

    def test_short_timeouts(self):
        """The sessions idle while large models are packed, inside of a transaction and outside."""
        chunk = os.urandom(40000)
        for i in range(2):
            self.write(f"big{i}_model.joblib", b"%d" % i + b"".join(chunk[i * 17 % 30000:] + b"%d" % i for i in range(500)))
        self.set(statement_timeout="'100ms'", idle_in_transaction_session_timeout="'50ms'", idle_session_timeout="'50ms'")
        result = self.run_net("--compress", "gzip:9", "--jobs", "1", "--retries", "8")
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual(result.summary()["new"], 10)
        admin(f'ALTER DATABASE "{self.database}" RESET ALL')
        self.check_rows()
        self.check_backups()

    def test_durable_commit(self):
        self.set(synchronous_commit="off", lock_timeout="0", default_transaction_isolation="serializable", search_path="pg_catalog, public")
        self.query("""CREATE TABLE public.seen (name text, value text);
                      CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                          INSERT INTO public.seen SELECT name, setting FROM pg_catalog.pg_settings
                           WHERE name IN ('synchronous_commit', 'lock_timeout', 'transaction_isolation', 'search_path');
                          RETURN NULL; END $$;
                      CREATE TRIGGER note AFTER INSERT ON public.models EXECUTE FUNCTION public.note();
                      CREATE TRIGGER note AFTER INSERT OR UPDATE ON public.model_runs EXECUTE FUNCTION public.note()""")
        result = self.run_net()
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual(sorted(self.query("SELECT DISTINCT name, value FROM public.seen")),
                         [("lock_timeout", "5000"), ("search_path", "public, pg_temp"), ("synchronous_commit", "on"),
                          ("transaction_isolation", "read committed")])

    def test_check_of_the_user(self):
        """One bad model costs no other one."""
        reference = self.reference()
        self.write("bad.joblib", b"bad " * 200)
        self.query("ALTER TABLE models ADD CONSTRAINT no_bad CHECK (name <> 'bad')")
        for rows in ("3", "1000"):
            with self.subTest(batch_rows=rows):
                self.reset()
                result = self.run_net("--batch-rows", rows)
                self.assertEqual(result.code, 3, result.err)
                self.assertEqual((result.summary()["new"], result.summary()["failed"]), (8, 1))
                self.assertRegex(result.models()["bad.joblib"]["reason"], "bad.joblib.*no_bad")
                self.assertEqual(self.content(), reference)
                self.check_rows()
                self.check_backups()
                again = self.run_net("--batch-rows", rows).summary()
                self.assertEqual((again["exit_code"], again["new"], again["unchanged"], again["failed"]), (3, 0, 8, 1))

    def test_unique_key_of_the_user(self):
        """23505 that no other writer explains."""
        reference = self.reference()
        self.write("twin/event0_classifier_binary.joblib", (self.tree / "event0_classifier_binary.joblib").read_bytes())
        self.query("CREATE UNIQUE INDEX one_content ON models (content_sha256)")
        result = self.run_net()
        self.assertEqual(result.code, 3, result.err)
        failed = [path for path, model in result.models().items() if model["status"] == "failed"]
        self.assertEqual(len(failed), 1, result.out)
        self.assertIn("event0_classifier_binary", failed[0])
        self.assertIn("one_content", result.models()[failed[0]]["reason"])
        self.assertEqual(sorted(row[1:] for row in self.content()[0]), sorted(row[1:] for row in reference[0]))
        self.check_rows()
        self.check_backups()
        self.assertEqual(self.run_net().summary()["failed"], 1)


if __name__ == "__main__":
    unittest.main()
