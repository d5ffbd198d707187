"""What the tests of connection and server share: a reference tree, the program through a proxy, and the invariants after each fault."""

import contextlib
import csv
import hashlib
import io
import os
import pathlib
import random
import shutil
import subprocess
import sys
import time

import psycopg2

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "cli"), str(HERE)]

from harness import PROGRAM, CliCase, admin, program_environment, wait_until  # noqa: E402
from proxy import Proxy  # noqa: E402

__all__ = ["ALL", "PROGRAM", "CliCase", "NetCase", "Proxy", "admin", "program_environment", "settle_times", "small_tree", "wait_until"]

ALL = os.environ.get("FAULTS") == "all"  # every combination; else a part of them, chosen by number
OPTIONS = ["--json", "-v", "--jobs", "2", "--batch-rows", "3", "--inline-limit", "4KiB", "--timeout", "3s", "--connect-timeout", "3s",
           "--lock-timeout", "5s", "--retries", "3"]

csv.field_size_limit(1 << 30)


def settle_times(tree):
    """The same old time for all files, so that a directory packs to the same bytes wherever it is made. Not a whole second: such a time says
    that the file system's clock is coarse, and the files would be read again for two seconds."""
    for path in tree.rglob("*"):
        os.utime(path, ns=(1_600_000_000_123_456_789,) * 2)
    time.sleep(0.03)  # a file that was touched just before it is read is read again, on purpose


def small_tree(tree):
    """8 models of all kinds: plain and incompressible files, two versions of one name, a payload in chunks, a directory."""
    noise = random.Random(20)
    files = {f"event{i}_classifier_binary.joblib": b"%d classifier " % i * 150 for i in range(3)}
    files["eu/noise_model.joblib"] = noise.randbytes(1500)
    files["pair_regression_v1.joblib"] = b"pair one " * 100
    files["pair_regression_v2.joblib"] = b"pair two " * 100
    files["large_model.joblib"] = noise.randbytes(9000)
    files["bertopic_model_0a1b2c3d/topics.json"] = b'{"topics": [1, 2]}'
    files["bertopic_model_0a1b2c3d/ctfidf.safetensors"] = noise.randbytes(700)
    for name, data in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    settle_times(tree)
    return 8


class NetCase(CliCase):
    """A database with tables, the small tree in self.tree, a proxy in front of the server. Each may be used by one thread at a time."""

    def setUp(self):
        super().setUp()
        self.proxy = Proxy(int(os.environ["PGPORT"]))
        self.addCleanup(self.proxy.close)
        small_tree(self.tree)
        done = subprocess.run([PROGRAM, "db", "upgrade", "-d", self.url], env=program_environment(), capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    # --- the program

    def proxy_url(self):
        return f"host=127.0.0.1 port={self.proxy.port} user={os.environ['PGUSER']} dbname={self.database}"

    def run_net(self, *arguments, url=None, state=None, tree=None, timeout=60, prefix=()):
        command = [*prefix, PROGRAM, "run", *OPTIONS, *map(str, arguments), "--state-dir", str(state or self.state), "-d", url or self.proxy_url(),
                   str(tree or self.tree)]
        return self.call(command, timeout=timeout)

    def spawn_net(self, *arguments, url=None, state=None, tree=None):
        command = [PROGRAM, "run", *OPTIONS, *map(str, arguments), "--state-dir", str(state or self.state), "-d", url or self.proxy_url(),
                   str(tree or self.tree)]
        process = subprocess.Popen(command, env=program_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.reap, process)
        return process

    def many(self, count=60, size=400):
        """Fills the tree with so many small models besides the eight."""
        for i in range(count):
            self.write(f"many/model{i:04d}.joblib", b"%06d" % i * (size // 6))
        settle_times(self.tree)

    def reset(self):
        """As after setUp, without the cost of a new database."""
        self.proxy.open()
        self.proxy.reset()
        self.query("TRUNCATE models, model_chunks, model_runs, model_aliases, model_events RESTART IDENTITY")
        shutil.rmtree(self.state, ignore_errors=True)

    # --- invariants

    def content(self):
        """All rows, without what differs from run to run and from tree to tree; payloads as digests."""
        models, chunks = self.rows()
        return [row[:-3] + (os.path.basename(row[-3] or ''),) for row in models], chunks

    def check_rows(self):
        """Every row is sound in itself, and its run is known."""
        bad = self.query("""SELECT name, version FROM models
                             WHERE stored_sha256 <> CASE WHEN chunk_count = 0 THEN sha256(model_binary) ELSE
                                   (SELECT sha256(string_agg(data, '' ORDER BY seq)) FROM model_chunks c WHERE (c.name, c.version) = (models.name, models.version)) END
                                OR chunk_count <> (SELECT count(*) FROM model_chunks c WHERE (c.name, c.version) = (models.name, models.version))
                                OR run_id NOT IN (SELECT run_id FROM model_runs)""")
        self.assertEqual(bad, [])

    def check_backups(self, *states):
        """Every folder has a MANIFEST that fits, and all folders together hold every row exactly once; those of killed runs may hold others."""
        stored = self.query("SELECT run_id::text, name, version::text, encode(stored_sha256, 'hex') FROM models WHERE run_id IS NOT NULL")
        found = []
        for state in states or [self.state]:
            for folder in state.glob("*/backups/*"):
                killed = "ended no" in (folder / "MANIFEST").read_text().splitlines()
                found += [row for row in self.read_backup(folder) if not killed or row in stored]
        self.assertEqual(sorted(found), sorted(stored), "backups against store")

    def read_backup(self, folder):
        """[(run id, name, version, digest of the payload)] of one folder."""
        lines = (folder / "MANIFEST").read_text().splitlines()
        self.assertEqual(lines[1], f"run {folder.name}")
        listed = {name: (sha, int(size), int(rows)) for sha, size, rows, name in (line.split("  ") for line in lines[3:-1] if line != "ended no")}
        self.assertEqual({p.name for p in folder.iterdir()}, {"MANIFEST", "STORE", *listed}, folder)
        models, chunks = [], {}
        for name in sorted(listed):
            data = (folder / name).read_bytes()
            rows = list(csv.DictReader(io.StringIO(data.decode())))
            self.assertEqual(listed[name], (hashlib.sha256(data).hexdigest(), len(data), len(rows)), folder / name)
            for row in rows:
                if name.startswith("chunks"):
                    chunks.setdefault((row["name"], row["version"]), []).append((int(row["seq"]), bytes.fromhex(row["data"][2:])))
                else:
                    models.append(row)
        self.assertGreater(len(models), 0, f"{folder} is empty")
        found = []
        for row in models:
            pieces = sorted(chunks.pop((row["name"], row["version"]), []))
            self.assertEqual(len(pieces), int(row["chunk_count"]), row["name"])
            payload = b"".join(data for _, data in pieces) or bytes.fromhex(row["model_binary"][2:])
            self.assertEqual("\\x" + hashlib.sha256(payload).hexdigest(), row["stored_sha256"], row["name"])
            found.append((row["run_id"], row["name"], row["version"], row["stored_sha256"][2:]))
        self.assertEqual(chunks, {}, "chunks of no model")
        return found

    def check_no_op(self, **options):
        """The next run stores nothing, reads nothing, and leaves no trace."""
        before, runs, backups = self.content(), self.query("SELECT count(*) FROM model_runs"), self.backups()
        result = self.run_net(**options)
        summary = result.summary()
        self.assertEqual((result.code, summary["new"], summary["read_bytes"], summary["backup"]), (0, 0, 0, None), result.err)
        self.assertEqual((self.content(), self.query("SELECT count(*) FROM model_runs"), self.backups()), (before, runs, backups))

    def check_done(self, reference):
        """The state of an uninterrupted run."""
        self.assertEqual(self.content(), reference)
        self.check_rows()
        self.check_backups()
        self.check_no_op()

    def reference(self):
        """The content after an uninterrupted run that does not go through the proxy; the store is emptied again."""
        result = self.run_net(url=self.url, state=self.base / "reference")
        self.assertEqual(result.code, 0, result.err)
        content = self.content()
        self.reset()
        return content

    @contextlib.contextmanager
    def session(self, autocommit=True, url=None):
        connection = psycopg2.connect(url or self.url)
        connection.autocommit = autocommit
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def setting(self, scope, name, value):
        """ALTER ROLE/DATABASE ... SET for the time of the test."""
        admin(f"ALTER {scope} SET {name} = {value}")
        self.addCleanup(admin, f"ALTER {scope} RESET {name}")
