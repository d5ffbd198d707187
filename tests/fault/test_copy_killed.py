"""copy is killed at each of its steps, and its connections are cut, on either side: the same command again ends where an undisturbed one does."""

import itertools
import unittest

from fault import LONG, preloaded
from netcase import PROGRAM, NetCase
from stores import Postgres, Sqlite
from proxy import AFTER, BACK, BEFORE, FIN, FRONT, RST, Fault

COLUMNS = """name, version, model_type, event, is_active, created_at, content_sha256::text, stored_sha256::text, stored_bytes, format, encoding, source_path,
             run_id, members_sha256::text"""
CUTS = list(itertools.product((FIN, RST), (BEFORE, AFTER)))
KILLS = 25    # of the steps of a copy
MESSAGES = 8  # of each direction that are cut: spread over the copy


class CopyCase(NetCase):
    to = Postgres

    def setUp(self):
        super().setUp()
        done = self.run_net("--no-activate", url=self.url)
        self.assertEqual(done.code, 0, done.all())
        self.query("UPDATE models SET is_active = true WHERE name <> 'large_model'")
        self.there = self.to.new(self)
        self.target = self.to.url(self.there)
        self.assertEqual(self.db("upgrade", url=self.target).code, 0)
        self.copy()
        self.expected = self.told()

    def reset(self):
        for table in ("models", self.to.chunk_table):
            self.to.query(self.target, f"DELETE FROM {table}")
        self.proxy.reset()

    def told(self):
        return self.to.query(self.target, f"SELECT {COLUMNS} FROM models ORDER BY name, version"), \
            self.to.query(self.target, f"SELECT seq, sha256(data)::text FROM {self.to.chunk_table} ORDER BY 2")

    def copy(self, env=None, source=None, target=None, code=0):
        result = self.call([PROGRAM, "copy", "--json", "--batch-rows", "2", "--inline-limit", "4KiB", "--timeout", "3s", "--connect-timeout", "3s", "--retries",
                            "3", "--state-dir", str(self.base / "state2"), "--from", source or self.url, "--to", target or self.target], env=env)
        if code is not None:
            self.assertEqual(result.code, code, result.all())
        return result

    def through_proxy(self, database):
        name, self.database = self.database, database
        url = self.proxy_url()
        self.database = name
        return url


class Killed(CopyCase):
    operation = "send"

    def environment(self, **fault):
        return dict(preloaded(), FAULT_FIRED=str(self.base / "fired"), **{f"FAULT_{key.upper()}": str(value) for key, value in fault.items()})

    def test_at_each_step(self):
        self.reset()
        counts = self.base / "count"
        self.copy(env=self.environment(count=counts))
        steps = {line.split()[0]: int(line.split()[1]) for line in counts.read_text().splitlines()}[self.operation]
        self.assertGreater(steps, 30)
        partly = 0
        for at in range(1, steps + 1, 1 if LONG else max(1, steps // KILLS)):
            self.reset()
            killed = self.copy(env=self.environment(op=self.operation, at=at, do=("kill", "kill-after")[at % 2]), code=None)
            with self.subTest(at=at):
                self.assertEqual(killed.code, -9)
                rows = self.told()[0]
                self.assertLessEqual(set(rows), set(self.expected[0]))
                partly += 0 < len(rows) < len(self.expected[0])
                self.copy()
                self.assertEqual(self.told(), self.expected)
        self.assertGreater(partly, 3)


class KilledOnSqlite(Killed):
    """Into a file: all that it writes, syncs, cuts and removes is a step."""

    to, operation = Sqlite, "any"


class Cut(CopyCase):
    def try_side(self, **side):
        self.reset()
        self.copy(**side)
        counts = {direction: sum(1 for found, _, _ in self.proxy.log if found == direction) for direction in (FRONT, BACK)}
        for direction, count in counts.items():
            for at in range(1, count + 1, 1 if LONG else max(1, count // MESSAGES)):
                self.reset()
                self.proxy.fault = Fault(*CUTS[at % len(CUTS)], direction, at)
                with self.subTest(direction=direction, at=at):
                    result = self.copy(**side)
                    self.assertEqual(result.summary()["failed"] + result.summary()["conflict"], 0)
                    self.assertEqual(self.told(), self.expected)

    def test_where_the_rows_come_from(self):
        self.try_side(source=self.through_proxy(self.database))

    def test_where_they_go(self):
        self.try_side(target=self.through_proxy(self.there))


if __name__ == "__main__":
    unittest.main()
