"""Two runs at once, on one host or two, and a connection pooler between program and server."""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import time
import unittest

from netcase import ALL, NetCase, settle_times, small_tree, wait_until
from proxy import BEFORE, FRONT, Fault

ROUNDS = 10
PGBOUNCER = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")


class OneHost(NetCase):
    def test_second_run_is_refused(self):
        go_on = threading.Event()
        self.addCleanup(go_on.set)
        self.proxy.fault = Fault(go_on.wait, BEFORE, FRONT, 1, "c")
        first = self.spawn_net()
        wait_until(lambda: self.proxy.fired)
        started = time.monotonic()
        second = self.run_net("--timeout", "10s")
        self.assertLess(time.monotonic() - started, 2)
        self.assertEqual(second.code, 11, second.err)
        self.assertIn(f"pid {first.pid} ", second.err)
        go_on.set()
        self.assertEqual(self.finish(first).code, 0)
        self.check_rows()
        self.check_backups()
        self.check_no_op()


class TwoHosts(NetCase):
    """Two state folders stand for two hosts: no lock keeps the runs apart."""

    def setUp(self):
        super().setUp()
        self.states = [self.base / "host0", self.base / "host1"]
        self.trees = [self.tree, self.base / "other"]
        self.trees[1].mkdir()
        small_tree(self.trees[1])

    def change(self, tree, word):
        """New content for all files of a tree."""
        for path in tree.rglob("*"):
            if path.is_file():
                path.write_bytes(word.encode() * 50 + path.name.encode() * 20)
        settle_times(tree)

    def both(self, *arguments):
        """Both runs at the same time; their results."""
        processes = [self.spawn_net("--retries", "8", *arguments, url=self.url, state=state, tree=tree)
                     for state, tree in zip(self.states, self.trees)]
        return [self.finish(process, 30) for process in processes]

    def check_quiet(self, codes):
        """No transaction is left, all rows are sound, all are in one backup, and both runs are settled."""
        wait_until(lambda: self.query("""SELECT count(*) FROM pg_stat_activity
                                          WHERE datname = current_database() AND application_name = 'migrate_models_to_db'""") == [(0,)])
        self.check_rows()
        self.check_backups(*self.states)
        for state, tree, code in zip(self.states, self.trees, codes):
            result = self.run_net(url=self.url, state=state, tree=tree)
            self.assertEqual((result.code, result.summary()["new"]), (code, 0), result.err)

    def versions(self):
        """{name: [versions]}"""
        found = {}
        for name, version in self.query("SELECT name, version FROM models ORDER BY 1, 2"):
            found.setdefault(name, []).append(version)
        return found

    def empty(self):
        self.reset()
        for state in self.states:
            shutil.rmtree(state, ignore_errors=True)

    def rounds(self, attempt):
        for number in range(ROUNDS * (5 if ALL else 1)):
            with self.subTest(round=number):
                self.empty()
                attempt(("--batch-rows", ("1", "3", "1000")[number % 3]))

    def test_same_tree(self):
        reference = self.reference()

        def attempt(options):
            results = self.both(*options)
            self.assertEqual([r.code for r in results], [0, 0], results[0].err + results[1].err)
            self.assertEqual(sum(r.summary()["new"] for r in results), 8)
            self.assertEqual(sum(r.summary()["unchanged"] for r in results), 8)
            self.assertEqual(self.content(), reference)
            self.check_quiet([0, 0])

        self.rounds(attempt)

    def test_same_names_with_other_content(self):
        """Each unversioned name gets both contents; of each explicit version there is one winner."""
        self.change(self.trees[1], "other")

        def attempt(options):
            results = self.both(*options)
            conflicts = [r.summary()["conflict"] for r in results]
            self.assertEqual(sum(conflicts), 2, results[0].err + results[1].err)
            self.assertEqual([r.code for r in results], [3 if count else 0 for count in conflicts])
            self.assertEqual(sum(r.summary()["new"] for r in results), 14)
            self.assertEqual(set(map(tuple, self.versions().values())), {(1, 2)})
            self.check_quiet([r.code for r in results])

        self.rounds(attempt)

    def test_both_have_changed(self):
        """A third content is there already, and each host brings its own."""
        original = self.base / "original"
        shutil.copytree(self.tree, original)
        self.change(self.trees[0], "one")
        self.change(self.trees[1], "two")

        def attempt(options):
            first = self.run_net(url=self.url, tree=original, state=self.states[0])
            self.assertEqual(first.code, 0, first.err)
            results = self.both(*options)
            self.assertEqual([(r.code, r.summary()["conflict"], r.summary()["new"]) for r in results], [(3, 2, 6)] * 2,
                             results[0].err + results[1].err)
            versions = self.versions()
            self.assertEqual(versions.pop("pair_regression"), [1, 2])
            self.assertEqual(set(map(tuple, versions.values())), {(1, 2, 3)})
            self.check_quiet([3, 3])

        self.rounds(attempt)

    def test_both_have_the_same_change(self):
        original = self.base / "original"
        shutil.copytree(self.tree, original)
        for tree in self.trees:
            self.change(tree, "same")
            (tree / "pair_regression_v1.joblib").unlink()
            (tree / "pair_regression_v2.joblib").unlink()

        def attempt(options):
            first = self.run_net(url=self.url, tree=original, state=self.states[0])
            self.assertEqual(first.code, 0, first.err)
            results = self.both(*options)
            self.assertEqual([r.code for r in results], [0, 0], results[0].err + results[1].err)
            self.assertEqual(sum(r.summary()["new"] for r in results), 6)
            self.assertEqual(set(map(tuple, self.versions().values())), {(1, 2)})
            self.check_quiet([0, 0])

        self.rounds(attempt)

    def test_killed_run_and_another_host_with_its_keys(self):
        """What the killed run did not commit leaves its backup, though the store has the keys by now: they are another run's."""
        reference = self.reference()
        processes = []

        def kill():
            processes[0].kill()
            raise ConnectionResetError  # the COMMIT does not arrive

        self.proxy.fault = Fault(kill, BEFORE, FRONT, 3, "Q", b"COMMIT\0")
        processes.append(self.spawn_net("--jobs", "1", url=self.proxy_url(), state=self.states[0]))
        processes[0].wait()
        self.proxy.reset()
        result = self.run_net(url=self.url, state=self.states[1], tree=self.trees[1])
        self.assertEqual((result.code, result.summary()["new"]), (0, 5), result.err)
        self.assertEqual(self.run_net(state=self.states[0]).code, 0)
        self.assertEqual(self.content(), reference)
        self.check_quiet([0, 0])

    def test_both_make_the_tables(self):
        for number in range(5):
            with self.subTest(round=number):
                self.empty()
                self.query("DROP TABLE model_chunks, models, model_runs, migrate_models_revisions CASCADE")
                results = self.both("--upgrade")
                self.assertEqual([r.code for r in results], [0, 0], results[0].err + results[1].err)
                self.check_quiet([0, 0])


@unittest.skipUnless(PGBOUNCER, "pgbouncer is not installed (Debian: apt-get install pgbouncer)")
class Pooler(NetCase):
    """pgbouncer in transaction mode: each transaction may meet another server session."""

    def setUp(self):
        super().setUp()
        folder = pathlib.Path(self.base)
        folder.chmod(0o755)
        work = folder / "pooler"
        work.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.pool_port = probe.getsockname()[1]
        (work / "ini").write_text(f"""[databases]
* = host=127.0.0.1 port={os.environ['PGPORT']} user={os.environ['PGUSER']}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.pool_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
logfile = {work}/log
pidfile = {work}/pid
""")
        account = []
        if os.geteuid() == 0:  # it refuses to run as root
            os.chown(work, 65534, 65534)
            account = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
        self.pooler = subprocess.Popen([*account, PGBOUNCER, "-q", str(work / "ini")], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, cwd="/")
        self.addCleanup(self.pooler.wait)
        self.addCleanup(self.pooler.kill)
        wait_until(self.answers)
        self.pool_url = f"host=127.0.0.1 port={self.pool_port} user={os.environ['PGUSER']} dbname={self.database}"

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.pool_port)).close()
            return True
        except OSError:
            return False

    def test_run_and_run_again(self):
        reference = self.reference()
        for number in range(3):
            result = self.run_net("--jobs", "4", "--batch-rows", "1", url=self.pool_url)
            self.assertEqual((result.code, result.summary()["new"]), (0, 0 if number else 8), result.err)
        self.assertEqual(self.content(), reference)
        self.check_rows()
        self.check_backups()

    def test_upgrade(self):
        self.query("DROP TABLE model_chunks, models, model_runs, migrate_models_revisions CASCADE")
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
