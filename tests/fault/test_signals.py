"""A signal that asks to end, while the store does not answer: the wait ends soon, whatever the timeouts say, and nothing is left in doubt."""

import signal
import time
import unittest

from netcase import NetCase, wait_until
from proxy import AFTER, BACK, BEFORE, FRONT, STALL, Fault

PATIENT = ["--timeout", "90s", "--connect-timeout", "90s", "--lock-timeout", "90s"]


class Signals(NetCase):
    def interrupt(self, fault, *arguments):
        """The result of a run that gets SIGTERM when the fault has happened. No session of it is left open."""
        self.many()
        self.expected = self.reference()
        self.proxy.fault = fault
        process = self.spawn_net(*PATIENT, *arguments)
        wait_until(lambda: self.proxy.fired)
        process.send_signal(signal.SIGTERM)
        result = self.finish(process, timeout=30)
        self.assertEqual((result.code, result.summary()["exit_code"]), (143, 143), result.err)
        self.assertIn("run the same command again", result.err)
        self.check_rows()
        return result

    def resume(self):
        self.proxy.open()
        self.proxy.calm()
        result = self.run_net()
        self.assertEqual(result.code, 0, result.err)
        self.check_done(self.expected)

    def test_while_connecting(self):
        self.interrupt(Fault(STALL, BEFORE, FRONT, 1, then="silent"))
        self.resume()

    def test_while_the_store_is_asked(self):
        self.interrupt(Fault(STALL, BEFORE, BACK, 1, "D", then="silent"))
        self.resume()

    def test_in_the_middle_of_a_batch(self):
        """What was sent is rolled back; what was committed before stays, with its backup."""
        self.interrupt(Fault(STALL, BEFORE, FRONT, 6, "c", then="silent"), "--jobs", "1")
        self.check_backups()
        self.resume()

    def test_late_answer_to_commit(self):
        """It is waited for, so that the run knows what it has stored."""
        result = self.interrupt(Fault(lambda: time.sleep(5), BEFORE, BACK, 3, "C", b"COMMIT\0"), "--jobs", "1")
        self.assertEqual(result.summary()["new"], len(self.content()[0]))
        self.check_backups()
        self.resume()

    def test_second_signal_while_an_answer_to_commit_is_awaited(self):
        """The first one waits for it; the second does not, and the next run asks the store."""
        self.many()
        self.expected = self.reference()
        self.proxy.fault = Fault(STALL, BEFORE, BACK, 3, "C", b"COMMIT\0")
        process = self.spawn_net(*PATIENT, "--jobs", "1")
        wait_until(lambda: self.proxy.fired)
        process.send_signal(signal.SIGTERM)
        self.assertIn(b"again to end at once", next(line for line in process.stderr if b"signal 15" in line))
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.finish(process, timeout=10).code, 143)
        self.resume()


if __name__ == "__main__":
    unittest.main()
