"""A clean-up whose sessions change over to a standby between the proof and the removal: what a standby has is no proof."""

import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import test_cleanup_faults  # noqa: E402
from life import CleanupCase  # noqa: E402
from proxy import AFTER, FRONT, Fault, Proxy  # noqa: E402


class ChangeOver(CleanupCase):
    start_standby = test_cleanup_faults.Standby.start_standby

    def test_last_question_goes_to_a_standby(self):
        path, = self.write_some(1)
        data = path.read_bytes()
        self.sync()
        folder = self.start_standby().split()[0].removeprefix("host=")
        proxy = Proxy(int(os.environ["PGPORT"]))
        self.addCleanup(proxy.close)
        self.url = f"host=127.0.0.1,{folder} port={proxy.port},{os.environ['PGPORT']} user={os.environ['PGUSER']} dbname={self.database}"
        self.plan()
        proxy.reset()
        self.assertEqual(self.apply("--jobs", "1"), {path.name: None})
        ends = sum(kind == "X" for _, kind, _ in proxy.log)
        path.write_bytes(data)
        self.plan()
        proxy.reset()
        proxy.fault = Fault(proxy.shut, AFTER, FRONT, ends - 1, "X")  # the last session but one has ended: all is proven
        self.assertIn("the database is a standby", self.apply("--jobs", "1", code=3)[path.name])
        self.assertTrue(proxy.fired)
        self.assertEqual(self.left(), [path.name])


if __name__ == "__main__":
    unittest.main()
