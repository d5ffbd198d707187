"""Two runs at once, on one host or two."""

import shutil
import threading
import time
import unittest

from netcase import ALL, NetCase, settle_times, small_tree, wait_until
from proxy import BEFORE, FRONT, Fault

ROUNDS = 10


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
        """What the killed run did not commit stays in its backup, which says so; the store has the keys from another run."""
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
                self.query("DROP TABLE model_chunks, models, model_runs, model_digests, model_aliases, model_events, store_identity, migrate_models_revisions CASCADE")
                results = self.both("--upgrade")
                self.assertEqual([r.code for r in results], [0, 0], results[0].err + results[1].err)
                self.check_quiet([0, 0])


if __name__ == "__main__":
    unittest.main()
