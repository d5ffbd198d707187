"""A disk of the server is full: that of the tables, of a whole database, or of the WAL, which makes the server panic and keeps it down.

All tests have a server of their own with pg_wal on a small file system. WAL segments of 1 MiB are made when they are needed and removed by a
checkpoint; nothing writes WAL but the sessions of the test.
"""

import os
import pathlib
import shutil
import subprocess
import threading
import time
import unittest

import psycopg2
from fault import LONG, OPTIONS, FaultCase, admin, noise, wait_until
from netcase import NetCase
from ownserver import OwnServer
from proxy import AFTER, BACK, BEFORE, FRONT, Fault, Proxy
from smalldisk import SmallDisk

SERVER = WAL = None
SEGMENT = 1 << 20
SETTINGS = """
fsync = off                 # a server that panics loses nothing that the kernel has
wal_recycle = off
min_wal_size = 2MB
max_wal_size = 1GB          # no checkpoint
checkpoint_timeout = 1h
wal_buffers = 16MB
wal_writer_delay = 10s
autovacuum = off
"""


def setUpModule():
    global SERVER, WAL
    WAL = SmallDisk("64m")
    unittest.addModuleCleanup(WAL.unmount)
    SERVER = OwnServer()
    unittest.addModuleCleanup(SERVER.stop)
    data = pathlib.Path(os.environ["PGDATA_DIR"])
    SERVER.control("stop", "-m", "fast")
    SERVER.as_owner(pathlib.Path(os.environ["PG_BIN"]) / "pg_resetwal", "--wal-segsize=1", "-D", data, stdout=subprocess.DEVNULL)
    WAL.give_to(data)
    subprocess.run(["cp", "-a", f"{data}/pg_wal/.", WAL.path], check=True)
    shutil.rmtree(data / "pg_wal")
    (data / "pg_wal").symlink_to(WAL.path)
    with open(data / "postgresql.conf", "a") as conf:
        conf.write(SETTINGS)
    SERVER.control("start")


def new_of(result):
    """What a run reports as stored."""
    return [line for line in result.lines() if line["type"] == "model" and line["status"] == "new"]


class FullDisk(NetCase):
    """The disk under tables fills up. The server goes on."""

    def tablespace(self, size):
        """(disk, name of the tablespace on it)"""
        disk = SmallDisk(size)
        self.addCleanup(disk.unmount)
        disk.give_to(os.environ["PGDATA_DIR"])
        folder, name = disk.path / "space", f"full_{self.database}"
        SERVER.as_owner("mkdir", folder)
        admin(f"CREATE TABLESPACE {name} LOCATION '{folder}'")
        self.addCleanup(admin, f"DROP TABLESPACE {name}")
        return disk, name

    def test_table(self):
        for i in range(40):
            self.write(f"fill/model{i:02d}.joblib", os.urandom(120_000))
        reference_count = 48
        disk, space = self.tablespace("3m")
        self.query(f"ALTER TABLE models SET TABLESPACE {space}")
        self.addCleanup(self.query, "DROP TABLE models CASCADE")
        result = self.run_net("--inline-limit", "1MiB")
        self.assertEqual(result.code, 1, result.err)
        self.assertIn("[53100]", result.err)
        self.assertIn("No space left on device", result.err)
        stored = self.query("SELECT count(*) FROM models")[0][0]
        self.assertGreater(stored, 0)
        self.assertLess(stored, reference_count)
        self.check_rows()
        self.check_backups()
        disk.resize("64m")
        result = self.run_net("--inline-limit", "1MiB")
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual(result.summary()["new"], reference_count - stored)
        self.assertEqual(self.query("SELECT count(*) FROM models"), [(reference_count,)])
        self.check_rows()
        self.check_backups()

    def catalog(self, url):
        """All that `db upgrade` makes or changes."""
        return self.query("""SELECT c.relname, a.attname, (SELECT count(*) FROM pg_constraint WHERE conrelid = c.oid)
                               FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
                              WHERE relnamespace = 'public'::regnamespace ORDER BY 1, 2""", url=url)

    def upgrade_without_room(self, url, disk):
        """With some pages more of room each time, until it works. Returns the number of failures. Revisions come whole, one after the other."""
        before = {self.db("current", url=url).out: self.catalog(url)}
        for failures, pages in enumerate(range(0, 200, 1 if LONG else 4)):
            disk.fill(leave=8192 * pages)
            result = self.db("upgrade", url=url)
            disk.make_room()
            if result.code == 0:
                return failures
            with self.subTest(pages=pages):
                self.assertEqual(result.code, 1, result.err)
                self.assertIn("No space left on device", result.err)
                self.assertIn("[53100]", result.err)
                catalog = self.catalog(url)
                self.assertEqual(before.setdefault(self.db("current", url=url).out, catalog), catalog)
        return 0

    def test_upgrade(self):
        """The tables are made, or a table of other hands is adopted, wholly or not at all."""
        disk, space = self.tablespace("64m")
        rows = "SELECT id, name, version, model_type, event, model_binary::text, is_active FROM models ORDER BY id"
        for other in ("", """CREATE TABLE models (id serial PRIMARY KEY, name varchar(255) NOT NULL, version integer NOT NULL,
                                 model_type varchar(50) NOT NULL, event varchar(255) NOT NULL, model_binary bytea NOT NULL,
                                 created_at timestamp DEFAULT now(), is_active boolean DEFAULT true, UNIQUE (name, version));
                             INSERT INTO models (name, version, model_type, event, model_binary) SELECT 'm' || i, 1, 'x', 'x', 'x'
                               FROM generate_series(1, 100) i"""):
            with self.subTest(adopted=bool(other)):
                admin(f"CREATE DATABASE {space} TABLESPACE {space}")
                self.addCleanup(admin, f"DROP DATABASE IF EXISTS {space} WITH (FORCE)")
                url = self.url_of(space)
                self.query(other or "SELECT 1", url=url)
                held = self.query(rows, url=url) if other else []
                self.assertGreater(self.upgrade_without_room(url, disk), 1)
                self.assertEqual(self.db("current", url=url).out, "0003 (head)\n")
                self.assertEqual(self.query(rows, url=url), held)
                result = self.run_net(url=url)
                self.assertEqual((result.code, result.summary()["new"]), (0, 8), result.err)
                admin(f"DROP DATABASE {space} WITH (FORCE)")


class FullWal(FaultCase):
    """The program goes through a proxy. The disk of the WAL is full from some moment on, until make_room()."""

    options = [*OPTIONS, "--timeout", "5s", "--connect-timeout", "5s", "--retries", "2"]

    @staticmethod
    def set_fsync(value):
        """It is off already, and one test needs it."""

    def setUp(self):
        self.proxy = Proxy(int(os.environ["PGPORT"]))
        self.addCleanup(self.proxy.close)
        super().setUp()
        self.addCleanup(self.make_room)

    def proxy_url(self, database=None):
        return f"host=127.0.0.1 port={self.proxy.port} user={os.environ['PGUSER']} dbname={database or self.database}"

    def command(self, *arguments):
        return [self.proxy_url() if word == self.url else word for word in super().command(*arguments)]

    @staticmethod
    def is_up():
        return (pathlib.Path(os.environ["PGDATA_DIR"]) / "postmaster.pid").exists()

    @staticmethod
    def direct(database="postgres"):
        connection = psycopg2.connect(dbname=database)
        connection.autocommit = True
        return connection

    @classmethod
    def tell(cls, sql):
        """One statement on a session of its own."""
        connection = cls.direct()
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchone()[0] if cursor.description else None
        finally:
            connection.close()

    def fill(self):
        """The next record has to begin a segment, for which there is no room."""
        WAL.fill()
        self.tell("SELECT pg_switch_wal()")

    def crash(self):
        """A session that is not the program's makes the server panic."""
        self.fill()
        with self.assertRaises(psycopg2.OperationalError):
            self.tell("SELECT pg_logical_emit_message(true, 'test', '')")
        self.wait_down()

    def wait_down(self):
        wait_until(lambda: not self.is_up())

    def make_room(self):
        """The administrator comes."""
        WAL.make_room()
        if not self.is_up():
            SERVER.control("start")

    def come_back(self):
        self.make_room()
        self.session = self.direct(self.database)
        self.addCleanup(self.session.close)
        self.cursor = self.session.cursor()

    def check_harmless(self, result):
        """After the fault, before the next run: what was reported is there, and what is there is in a backup."""
        self.check_reported(result)
        self.check_backup_before_store()
        self.check_journal_after_store()

    def panic(self, fault, *arguments, codes=(1,)):
        """One run with this fault, that brings the server down; it is back behind it."""
        self.reset()
        self.proxy.reset()
        self.proxy.fault = fault
        result = self.run_faulty(*arguments)
        self.assertTrue(self.proxy.fired, result.all())
        self.wait_down()
        self.come_back()
        self.proxy.calm()
        self.assertIn(result.code, codes, result.all())
        return result

    def rows_of_runs(self):
        return self.ask("SELECT count(*) FROM models WHERE run_id IS NOT NULL")[0][0]


class FullWalInCommit(FullWal):
    def commits(self):
        """How many an undisturbed run says."""
        self.reset()
        self.proxy.reset()
        self.run_faulty()
        return sum(message[:3] == (FRONT, "Q", b"COMMIT\0") for message in self.proxy.log)

    def test_each(self):
        """The session that commits hears of the panic: its transaction is not there, and those before it are."""
        count = self.commits()
        self.assertGreater(count, 4)
        for at in range(1, count + 1):
            with self.subTest(at=at, of=count):
                last = at == count  # the record of the run itself: all models are stored
                result = self.panic(Fault(self.fill, BEFORE, FRONT, at, "Q", b"COMMIT\0"), "--jobs", "1", codes=(3,) if last else (1,))
                self.assertIn("No space left on device [53100]", result.err)
                self.assertEqual("the models are stored" in result.err, last)
                self.check_harmless(result)
                self.assertEqual(self.rows_of_runs(), self.expected_new if last else len(new_of(result)))
                self.check_end()

    def test_other_worker(self):
        """Of two sessions one hears of the panic and one of nothing."""
        for at in (2, 3, 4) if LONG else (2, 3):
            for when in (BEFORE, AFTER):
                with self.subTest(at=at, when=when):
                    action = self.fill if when == BEFORE else self.crash
                    result = self.panic(Fault(action, when, FRONT, at, "Q", b"COMMIT\0"), codes=(1, 5) if when == BEFORE else (1, 3, 5))
                    self.assertRegex(result.err, r"No space left on device \[53100\]|connection to server")
                    self.check_harmless(result)
                    self.check_end()

    def test_panic_behind_the_commit(self):
        """The server flushes the WAL of all sessions together. The record of a COMMIT may be on disk when there is no room for what is behind
        it; then the session hears of the panic, and the transaction is there after recovery."""
        admin(f'ALTER DATABASE "{self.database}" SET commit_delay = 100000')
        admin(f'ALTER DATABASE "{self.database}" SET commit_siblings = 0')
        admin("ALTER SYSTEM SET fsync = on")  # without it there is no delay
        self.addCleanup(admin, "ALTER SYSTEM RESET fsync")
        for _ in range(5):  # the record may come too late, for a busy machine
            admin("SELECT pg_reload_conf()")
            writer = self.direct()
            self.addCleanup(writer.close)
            result = self.panic(Fault(lambda: self.follow(writer), BEFORE, FRONT, 3, "Q", b"COMMIT\0"), "--jobs", "1")
            self.assertIn("No space left on device [53100]", result.err)
            self.check_harmless(result)
            stored = self.rows_of_runs()
            self.check_end()
            if stored > len(new_of(result)):
                return
        self.fail("no COMMIT was applied and denied")

    def follow(self, writer):
        """The next record has room; two segments of WAL come behind it, in the delay of its commit, from a transaction that stays open."""
        position = "SELECT pg_current_wal_insert_lsn() - '0/0'"
        self.tell("SELECT pg_switch_wal()")
        self.tell("SELECT pg_logical_emit_message(true, 'test', '')")  # its commit makes the new segment
        WAL.fill()
        start = self.tell(position)

        def write():
            with writer.cursor() as cursor:
                end = time.monotonic() + 5
                moved = False
                while not moved and time.monotonic() < end:
                    cursor.execute(f"{position} > {start}")
                    moved = cursor.fetchone()[0]
                try:
                    cursor.execute("BEGIN")
                    cursor.execute("SELECT pg_logical_emit_message(true, 'test', repeat('x', %s))", (2 * SEGMENT,))
                    cursor.execute("COMMIT")
                except psycopg2.Error:
                    pass  # the server is down

        threading.Thread(target=write, daemon=True).start()

    def lost_answer(self, lost, then=lambda: None):
        """The third COMMIT is applied; then the server panics, before or after its answer is out."""

        def crash():
            self.crash()
            then()
            if lost:
                raise ConnectionError("the answer does not pass")

        return Fault(crash, BEFORE, BACK, 3, "C", b"COMMIT\0")

    def test_answer_lost(self):
        for lost in (False, True):
            with self.subTest(lost=lost):
                result = self.panic(self.lost_answer(lost), "--jobs", "1", codes=(5,))
                self.assertIn("connection to server", result.err)
                self.check_harmless(result)
                self.assertEqual(self.rows_of_runs(), len(new_of(result)) + 3 * lost)
                self.check_end()

    def test_room_is_made(self):
        """The server is back before the retries end: the run goes on by itself."""
        for lost in (False, True):
            with self.subTest(lost=lost):
                self.reset()
                self.proxy.reset()
                rescue = threading.Timer(0.5, self.make_room)
                self.proxy.fault = self.lost_answer(lost, rescue.start)
                result = self.run_faulty("--jobs", "1", "--retries", "12")
                self.assertTrue(self.proxy.fired)
                rescue.join()
                self.come_back()
                self.assertEqual(result.code, 3, result.all())
                self.check_reported(result)
                self.check_reference()
                self.check_no_op()

    def test_upgrade(self):
        """The tables are made as a whole or not at all."""
        database = self.new_database()
        direct, url = self.url_of(database), self.proxy_url(database)
        self.proxy.reset()
        self.proxy.fault = Fault(self.fill, BEFORE, FRONT, 1, "Q", b"COMMIT\0")
        result = self.db("upgrade", url=url)
        self.assertTrue(self.proxy.fired)
        self.wait_down()
        self.come_back()
        self.assertEqual(result.code, 1, result.err)
        self.assertIn("No space left on device [53100]", result.err)
        self.assertEqual(result.out, "")
        self.assertEqual(self.query("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace", url=direct), [(0,)])
        self.assertEqual(self.db("upgrade", url=url).out, "applied 0001 (models)\napplied 0002 (identity)\napplied 0003 (lifecycle)\n")
        self.assertEqual(self.db("current", url=url).out, "0003 (head)\n")


class FullWalUnderLoad(FullWal):
    """The load itself uses the disk up; two workers, whoever meets the end first."""

    def make_tree(self):
        super().make_tree()
        for i in range(50):
            self.write(f"load/model{i:02d}.joblib", noise(100 + i, 200_000))

    def test_load(self):
        for mebibytes in (2, 5):
            with self.subTest(room=mebibytes):
                self.reset()
                self.tell("CHECKPOINT")
                WAL.fill(leave=mebibytes * SEGMENT)
                result = self.run_faulty()
                self.wait_down()
                self.come_back()
                self.assertIn(result.code, (1, 5), result.all())
                self.assertRegex(result.err, r"No space left on device \[53100\]|the connection|connection to server")
                self.assertGreater(result.summary()["pending"], 0)
                self.check_harmless(result)
                self.assertGreater(self.rows_of_runs(), 0)
                self.check_end()


if __name__ == "__main__":
    unittest.main()
