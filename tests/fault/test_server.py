"""The server is restarted, killed, frozen, or made read-only in the middle of a run."""

import os
import pathlib
import signal
import subprocess
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

    def test_fewer_sessions_than_workers(self):
        """Those that get one do all the work."""
        self.many()
        for i in range(8):
            self.write(f"slow{i}_model.joblib", os.urandom(3_000_000))
        admin("DROP ROLE IF EXISTS few")
        admin("CREATE ROLE few LOGIN CONNECTION LIMIT 1")
        self.query("GRANT ALL ON ALL TABLES IN SCHEMA public TO few; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO few")
        result = self.run_net("--jobs", "8", "--retries", "2", "--compress", "gzip:6", url=self.url.replace("user=tester", "user=few"))
        self.assertEqual(result.code, 0, result.err)
        self.assertIn("the others go on without it", result.err)
        summary = result.summary()
        self.assertEqual((summary["new"], summary["pending"]), (76, 0))
        self.assertEqual(self.query("SELECT new_count FROM model_runs"), [(76,)])
        self.check_rows()
        self.check_backups()


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
        result = self.run_net("--jobs", "1", "--retries", "2")
        self.assertTrue(self.proxy.fired)
        self.assertEqual(result.code, 5, result.err)  # it could write before: a failover may show a standby for a while, so it is waited for
        self.assertIn("read-only (default_transaction_read_only) (try 2 of 3); trying again", result.err)
        admin(f"ALTER {name} RESET default_transaction_read_only")
        self.assertEqual(self.query("SELECT count(*) FROM models"), [(3,)])
        self.proxy.calm()
        self.assertEqual(self.run_net().code, 0)
        self.check_done(reference)

    def test_hot_standby(self):
        self.assertEqual(self.run_net(url=self.url).code, 0)
        self.write("new_model.joblib", b"not stored yet")
        folder = pathlib.Path(os.environ["PGDATA_DIR"]).parent / "standby"
        SERVER.as_owner("mkdir", folder)
        tools, standby = pathlib.Path(os.environ["PG_BIN"]), folder / "data"
        SERVER.as_owner(tools / "pg_basebackup", "-D", standby, "-R", "-c", "fast", "--no-sync")
        with self.subTest("standby"):
            port = int(os.environ["PGPORT"]) + 1
            control = [tools / "pg_ctl", "-D", standby, "-w"]
            SERVER.as_owner(*control, "-l", f"{folder}/log", "-o", f"-p {port} -k {folder}", "start", stdout=subprocess.DEVNULL)
            self.addCleanup(SERVER.as_owner, *control, "-m", "immediate", "stop", check=False, stdout=subprocess.DEVNULL)
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


if __name__ == "__main__":
    unittest.main()
