"""The connection is cut, stalled or refused at each message of a run; whatever happens, the store, the backups and the journal end as they would
have without it, or the run says why not and the next one finishes the work.

Each message is cut in one of four ways, by its number, and stalled; FAULTS=all cuts each in all four.
"""

import concurrent.futures
import itertools
import time
import unittest

from netcase import ALL, NetCase, admin, wait_until
from proxy import AFTER, BACK, BEFORE, FIN, FRONT, RST, STALL, Fault

LANES = 3
PATIENT_LANES = 12  # for faults that cost time, and no work
CUTS = list(itertools.product((FIN, RST), (BEFORE, AFTER)))
BOUNDED_SECONDS = 20


def faults_at(counts, step=1, cuts=None, but=()):
    """A Fault for each `step`-th message of both directions; all kinds of cuts, or one of them each."""
    for direction, count in counts.items():
        for at in range(1, count + 1, step):
            if (direction, at) in but:
                continue
            for action, when in cuts or (CUTS if ALL else [CUTS[at % len(CUTS)]]):
                yield Fault(action, when, direction, at)


def setUpModule():
    # Nothing here makes the server or its machine fall over, and thousands of COMMITs need no real disk.
    unittest.addModuleCleanup(set_server, "fsync", None)
    set_server("fsync", "off")


def set_server(name, value):
    admin(f"ALTER SYSTEM SET {name} = '{value}'" if value is not None else f"ALTER SYSTEM RESET {name}")
    admin("SELECT pg_reload_conf()")
    time.sleep(0.2)  # the server's processes take notice one by one


class ConnectionCase(NetCase):
    def count_messages(self, *arguments):
        """{direction: messages} of an uninterrupted run."""
        result = self.run_net(*arguments)
        self.assertEqual(result.code, 0, result.err)
        counts = {d: sum(1 for direction, _, _ in self.proxy.log if direction == d) for d in (FRONT, BACK)}
        self.assertGreater(counts[FRONT], 20)
        return counts

    def lanes(self, count=LANES):
        """More databases and proxies like this one's, for faults in parallel."""
        found = []
        for _ in range(count):
            lane = type(self)()
            self.addCleanup(lane.doCleanups)
            lane.setUp()
            found.append(lane)
        return found

    def try_all(self, faults, attempt, lanes=LANES):
        """attempt(lane, fault) for each fault, in parallel; all failures are told. Returns how many faults there were."""
        free = self.lanes(lanes)

        def one(fault):
            lane = free.pop()
            try:
                lane.reset()
                lane.proxy.fault = fault
                attempt(lane, fault)
                return None
            except Exception as error:  # told below, with the fault
                return f"{fault!r}: {type(error).__name__}: {str(error)[:600]}"
            finally:
                free.append(lane)

        with concurrent.futures.ThreadPoolExecutor(lanes) as pool:
            outcomes = list(pool.map(one, faults))
        failures = [outcome for outcome in outcomes if outcome is not None]
        self.assertEqual(len(failures), 0, f"{len(failures)} of {len(outcomes)} faults:\n" + "\n".join(failures[:20]))
        return len(outcomes)


class EveryMessage(ConnectionCase):
    def survive(self, reference, *arguments):
        fired = []

        def attempt(lane, fault):
            result = lane.run_net(*arguments)
            fired.append(lane.proxy.fired)
            lane.proxy.calm()
            lane.assertEqual(result.code, 0, result.err)
            lane.check_done(reference)

        return attempt, fired

    def test_cut(self):
        reference = self.reference()
        attempt, fired = self.survive(reference)
        counts = self.count_messages()
        # The dozen settings that the server tells at each start of a session are all alike.
        kinds = [kind for direction, kind, _ in self.proxy.log if direction == BACK]
        dull = {(BACK, at) for at in range(2, len(kinds)) if kinds[at - 2] == kinds[at - 1] == "S"} if not ALL else ()
        total = self.try_all(faults_at(counts, but=dull), attempt)
        # The two workers take turns in an order of their own, so a run may have a few messages less.
        self.assertGreater(sum(fired), total * 0.9)

    def test_cut_while_the_tables_are_made(self):
        reference = self.reference()
        empty = "DROP TABLE IF EXISTS model_chunks, models, model_runs, model_digests, model_aliases, model_events, store_identity, migrate_models_revisions CASCADE"

        def attempt(lane, _):
            lane.query(empty)
            result = lane.run_net("--upgrade")
            lane.proxy.calm()
            lane.assertEqual(result.code, 0, result.err)
            lane.check_done(reference)

        self.query(empty)
        counts = self.count_messages("--upgrade")
        counts[BACK] -= 60  # from the first worker on it is the test above
        counts[FRONT] -= 20
        self.try_all(faults_at(counts, 1 if ALL else 5), attempt)

    def test_two_in_a_row(self):
        """The session that is made to ask the store is cut, too."""
        reference = self.reference()
        attempt, _ = self.survive(reference)
        counts = self.count_messages()
        faults = list(faults_at(counts, 1 if ALL else 13, [(RST, BEFORE)]))
        for fault in faults:
            fault.then = 2
        self.try_all(faults, attempt)

    def test_stall(self):
        """A session that says nothing any more is given up after --timeout, though the connection stands."""
        reference = self.reference()
        attempt, fired = self.survive(reference, "--timeout", "1s", "--connect-timeout", "1s")
        total = self.try_all(faults_at(self.count_messages(), cuts=[(STALL, BEFORE)]), attempt, PATIENT_LANES)
        self.assertGreater(sum(fired), total * 0.8)


class LostCommit(ConnectionCase):
    """COMMIT is sent and no answer comes: the store is asked. One worker, so that each run has the same COMMITs."""

    def each_commit(self, make):
        """make(at) for each COMMIT of a run; returns the stderr of each."""
        reference = self.reference()
        self.count_messages("--jobs", "1")
        count = sum(1 for direction, _, body in self.proxy.log if direction == FRONT and body == b"COMMIT\0")
        self.assertEqual(count, 5)  # the run's record, three batches, the end of the record
        said = []
        for at in range(1, count + 1):
            self.reset()
            self.proxy.fault = fault = make(at)
            with self.subTest(fault=repr(fault)):
                result = self.run_net("--jobs", "1")
                self.assertTrue(self.proxy.fired)
                self.proxy.calm()
                self.assertEqual(result.code, 0, result.err)
                self.assertEqual(result.summary()["new"], 8)
                self.check_done(reference)
                said.append(result.err)
        return said

    def test_before_it_was_applied(self):
        for how in FIN, RST:
            said = self.each_commit(lambda at, how=how: Fault(how, BEFORE, FRONT, at, "Q", b"COMMIT\0"))
            self.assertNotIn("the store has all", "".join(said))

    def test_after_it_was_applied(self):
        for how in FIN, RST:
            said = self.each_commit(lambda at, how=how: Fault(how, BEFORE, BACK, at, "C", b"COMMIT\0"))
            self.assertIn("the store has all", "".join(said))

    def test_on_its_way(self):
        """Whether it was applied is a matter of luck."""
        for how in FIN, RST:
            self.each_commit(lambda at, how=how: Fault(how, AFTER, FRONT, at, "Q", b"COMMIT\0"))

    def test_answer_stalls(self):
        """The server applies it, the answer never comes, and the session stays open at the server."""
        reference = self.reference()
        self.proxy.fault = Fault(STALL, BEFORE, BACK, 2, "C", b"COMMIT\0", orphan=True)
        result = self.run_net("--jobs", "1", "--timeout", "1s")
        self.assertTrue(self.proxy.fired)
        self.assertEqual(result.code, 0, result.err)
        self.check_done(reference)

    def test_orphan_in_a_transaction(self):
        """The network dies before COMMIT arrives: the server keeps the transaction open and, with it, the keys. Nothing is guessed meanwhile."""
        reference = self.reference()
        self.proxy.fault = Fault(STALL, BEFORE, FRONT, 2, "Q", b"COMMIT\0", orphan=True)
        started = time.monotonic()
        result = self.run_net("--jobs", "1", "--timeout", "1s", "--lock-timeout", "1s", "--retries", "2")
        self.assertLess(time.monotonic() - started, BOUNDED_SECONDS)
        self.assertTrue(self.proxy.fired)
        if result.code != 0:
            self.assertEqual(result.code, 5, result.err)
            self.assertRegex(result.err, "is still open|55P03")
        self.proxy.reset()  # the server notices that the client has gone
        result = self.run_net()
        self.assertEqual(result.code, 0, result.err)
        self.check_done(reference)

    def test_still_being_applied(self):
        """The server works on COMMIT when the connection is lost and when the store is asked: its rows cannot be seen yet."""
        reference = self.reference()
        self.addCleanup(set_server, "synchronous_standby_names", None)
        # A standby that never answers holds every COMMIT back, after it is durable and before others see it.
        hold = Fault(lambda: set_server("synchronous_standby_names", "nobody"), BEFORE, FRONT, 2, "Q", b"COMMIT\0")
        self.proxy.fault = hold
        process = self.spawn_net("--timeout", "1s", "--lock-timeout", "20s", "--retries", "20", url=self.proxy_url())
        wait_until(lambda: self.query("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")[0][0] > 0)
        time.sleep(2.5)  # the program has given up waiting, and has asked
        set_server("synchronous_standby_names", None)
        result = self.finish(process)
        self.assertEqual(result.code, 0, result.err)
        self.check_done(reference)


    def test_applied_and_the_store_stays_away(self):
        """Nobody says whether it was applied, so the backup keeps its rows; the next run asks."""
        reference = self.reference()
        for at in 2, 3, 4:  # 1 is the record of the run
            self.reset()
            self.proxy.fault = Fault(RST, BEFORE, BACK, at, "C", b"COMMIT\0", then="away")
            with self.subTest(at=at):
                result = self.run_net("--jobs", "1", "--retries", "1")
                self.assertEqual(result.code, 5, result.err)
                kept = "".join(path.read_text() for path in self.state.glob("*/backups/*/part-*.csv"))
                for name, in self.query("SELECT name FROM models"):
                    self.assertIn(f'"{name}"', kept)
                self.proxy.open()
                result = self.run_net()
                self.assertEqual(result.code, 0, result.err)
                self.check_done(reference)

    def test_another_run_has_stored_it_meanwhile(self):
        """The rows that the store has are the other run's: they are in its backup, and not in this one's."""
        reference = self.reference()
        self.proxy.fault = Fault(RST, BEFORE, FRONT, 2, "Q", b"COMMIT\0", then="away")
        process = self.spawn_net("--jobs", "1", "--batch-rows", "1", "--retries", "10", url=self.proxy_url())
        wait_until(lambda: self.proxy.fired)
        other = self.base / "other"
        result = self.run_net(url=self.url, state=other)
        self.assertEqual((result.code, result.summary()["new"]), (0, 8), result.err)
        self.proxy.open()
        result = self.finish(process)
        self.assertEqual((result.code, result.summary()["new"], result.summary()["unchanged"]), (0, 0, 8), result.err)
        self.assertEqual(self.content(), reference)
        self.check_backups(self.state, other)


class Away(ConnectionCase):
    """The server does not come back: exit 5 says so in time, and the next run finishes the work."""

    def check_exit_5(self, result, cause):
        self.assertEqual(result.code, 5, result.err)
        self.assertRegex(result.err, cause)
        self.assertIn(f"127.0.0.1:{self.proxy.port}/{self.database}", result.err)
        self.assertEqual(result.summary()["exit_code"], 5)

    def test_nobody_listens(self):
        self.proxy.shut()
        started = time.monotonic()
        result = self.run_net()
        self.assertLess(time.monotonic() - started, BOUNDED_SECONDS)
        self.check_exit_5(result, "Connection refused")
        self.assertEqual(self.backups(), [])

    def test_nobody_answers(self):
        self.proxy.silence()
        started = time.monotonic()
        result = self.run_net("--connect-timeout", "1s", "--retries", "2")
        self.assertLess(time.monotonic() - started, BOUNDED_SECONDS)
        self.check_exit_5(result, "no answer within 1 second")

    def test_goes_away_in_the_middle_of_a_batch(self):
        self.proxy.fault = Fault(RST, AFTER, FRONT, 2, "c", then="away")
        self.check_exit_5(self.run_net("--jobs", "1", "--retries", "1", timeout=BOUNDED_SECONDS), "Connection refused")

    def away_at(self, then, cause, step, *arguments):
        reference = self.reference()

        def attempt(lane, fault):
            fault.then = then
            started = time.monotonic()
            result = lane.run_net(*arguments)
            lane.assertLess(time.monotonic() - started, BOUNDED_SECONDS)
            lane.proxy.calm()
            if result.code != 0:  # 0: what was left could be done by sessions that were open, or was only the record of the run
                lane.check_exit_5(result, cause)
            lane.proxy.release()
            for session in lane.proxy.sessions:  # the fault may be in the last words of the run
                session.join(10)
            lane.proxy.open()
            codes.append(result.code)
            result = lane.run_net()
            lane.assertEqual(result.code, 0, result.err)
            lane.check_done(reference)

        codes = []
        self.try_all(faults_at(self.count_messages(), step), attempt)
        self.assertGreater(codes.count(5), len(codes) * 0.6)

    def test_goes_away_for_good(self):
        self.away_at("away", "Connection refused|connection was lost", 1 if ALL else 7, "--retries", "1")

    def test_falls_silent_for_good(self):
        self.away_at("silent", "no answer|Connection refused", 5 if ALL else 37, "--timeout", "1s", "--connect-timeout", "1s", "--retries", "1")

    def test_away_for_a_while(self):
        """Longer than one pause between two tries, shorter than all of them."""
        reference = self.reference()
        self.proxy.fault = Fault(RST, AFTER, FRONT, 2, "c", then="away")
        process = self.spawn_net("--retries", "8", url=self.proxy_url())
        wait_until(lambda: self.proxy.fired)
        time.sleep(1.5)
        self.proxy.open()
        result = self.finish(process)
        self.assertEqual(result.code, 0, result.err)
        self.check_done(reference)

    def test_retries_are_in_a_row(self):
        """The answer to every COMMIT is lost; each time the store has the batch, so the tries do not add up."""
        self.many(30)
        reference = self.reference()
        cuts = []

        def lose_answer():
            cuts.append(1)
            with self.proxy.lock:
                self.proxy.fault, self.proxy.fired = Fault(lose_answer, BEFORE, BACK, 1, "C", b"COMMIT\0"), False
            raise ConnectionResetError

        self.proxy.fault = Fault(lose_answer, BEFORE, BACK, 2, "C", b"COMMIT\0")
        result = self.run_net("--jobs", "1", "--retries", "1")
        self.assertEqual(result.code, 0, result.err)
        self.assertGreater(len(cuts), 10)
        self.proxy.calm()
        self.check_done(reference)


if __name__ == "__main__":
    unittest.main()
