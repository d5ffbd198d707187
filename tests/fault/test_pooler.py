"""pgbouncer between program and server."""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import time
import unittest

from netcase import NetCase, wait_until

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")


@unittest.skipUnless(PGBOUNCER, "pgbouncer is not installed (Debian: apt-get install pgbouncer)")
class PoolerCase(NetCase):
    def start(self, mode, server_port, more=""):
        """Returns a URL of the pooler."""
        folder = pathlib.Path(self.base)
        folder.chmod(0o755)
        work = folder / "pooler"
        work.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        (work / "ini").write_text(f"""[databases]
* = host=127.0.0.1 port={server_port} user={os.environ['PGUSER']}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
logfile = {work}/log
pidfile = {work}/pid
{more}
""")
        account = []
        if os.geteuid() == 0:  # it refuses to run as root
            os.chown(work, 65534, 65534)
            account = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
        process = subprocess.Popen([*account, PGBOUNCER, "-q", str(work / "ini")], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, cwd="/")
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_until(lambda: self.answers(port))
        return f"host=127.0.0.1 port={port} user={os.environ['PGUSER']} dbname={self.database}"

    @staticmethod
    def answers(port):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return True
        except OSError:
            return False


class Modes(PoolerCase):
    def test_statement_mode(self):
        result = self.run_net(url=self.start("statement", os.environ["PGPORT"]))
        self.assertEqual(result.code, 1, result.err)
        self.assertIn("statement pooling mode [08P01]", result.err)
        self.assertIn("hint: a pooler must be in session or transaction mode", result.err)
        self.assertNotIn("trying again", result.err)

    def test_session_mode(self):
        self.assertEqual(self.run_net(url=self.start("session", os.environ["PGPORT"])).code, 0)

    def test_server_behind_it_is_away(self):
        """08P01 too, but it passes: it is tried again, and the exit code is that of a store out of reach."""
        result = self.run_net("--retries", "1", url=self.start("transaction", 1, "server_login_retry = 1\nquery_wait_timeout = 2"))
        self.assertEqual(result.code, 5, result.err)
        self.assertIn("[08P01]", result.err)
        self.assertIn("trying again", result.err)


class TransactionMode(PoolerCase):
    """Each transaction may meet another server session."""

    def setUp(self):
        super().setUp()
        self.pool_url = self.start("transaction", os.environ["PGPORT"], "default_pool_size = 3")

    def test_run_and_run_again(self):
        reference = self.reference()
        for number in range(3):
            result = self.run_net("--jobs", "4", "--batch-rows", "1", url=self.pool_url)
            self.assertEqual((result.code, result.summary()["new"]), (0, 0 if number else 8), result.err)
        self.assertEqual(self.content(), reference)
        self.check_rows()
        self.check_backups()

    def test_upgrade(self):
        self.query("DROP TABLE model_chunks, models, model_runs, model_digests, model_aliases, model_events, store_identity, migrate_models_revisions CASCADE")
        self.assertEqual(self.run_net(url=self.pool_url).code, 10)
        processes = [self.spawn_net("--upgrade", url=self.pool_url, state=self.base / f"host{i}") for i in range(3)]
        results = [self.finish(process, 30) for process in processes]
        self.assertEqual([r.code for r in results], [0, 0, 0], [r.err for r in results])
        self.assertEqual(self.query("SELECT count(*) FROM models"), [(8,)])

    def test_two_at_once(self):
        reference = self.reference()
        for number in range(3):
            self.reset()
            states = [self.base / f"host{number}{i}" for i in range(2)]
            processes = [self.spawn_net("--batch-rows", "1", url=self.pool_url, state=state) for state in states]
            results = [self.finish(process, 30) for process in processes]
            self.assertEqual([r.code for r in results], [0, 0], [r.err for r in results])
            self.assertEqual(self.content(), reference)
            self.check_backups(*states)

    def test_settings_do_not_leak(self):
        """What a transaction sets ends with it, for the pooler gives its session to others."""
        self.assertEqual(self.run_net("--lock-timeout", "7s", url=self.pool_url).code, 0)
        for _ in range(6):
            with self.session(url=self.pool_url, autocommit=False) as cursor:
                cursor.execute("SELECT current_setting('lock_timeout'), current_setting('search_path'), current_setting('statement_timeout')")
                self.assertEqual(cursor.fetchone(), ("0", '"$user", public', "0"))

    def test_server_sessions_are_terminated(self):
        """The pooler stands, the sessions behind it die."""
        self.many(200)
        reference = self.reference()
        process = self.spawn_net("--batch-rows", "1", "--retries", "8", url=self.pool_url)
        cut = 0
        while process.poll() is None and cut < 4:
            cut += self.query("""SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                                  WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xid IS NOT NULL""")[0][0]
            time.sleep(0.01)
        result = self.finish(process)
        self.assertEqual(result.code, 0, result.err)
        self.assertGreater(cut, 1)
        self.assertTrue(re.search("trying again", result.err))
        self.assertEqual(self.content(), reference)
        self.check_rows()
        self.check_backups()


if __name__ == "__main__":
    unittest.main()
