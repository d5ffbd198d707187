"""What the fault tests share: the reference tree, the program under the shim (shim_note.c), and the checks of the invariants.

The reference state is what one uninterrupted run makes of the reference tree in a prepared store. After any fault, the same command must
end there. Run under scripts/with-postgres; PROGRAM and SHIM name the program and the library.
"""

import collections
import csv
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from harness import PROGRAM, CliCase, Result, admin, digest, is_sanitized, peak_memory, program_environment, wait_until  # noqa: E402,F401
from stores import RAM_DISK, Postgres, on_both, only_on  # noqa: E402,F401

SHIM = os.environ.get("SHIM", str(pathlib.Path(PROGRAM).parent / "tests" / "fault" / "shim.so"))
LONG = os.environ.get("FAULTS") == "all"
OPTIONS = ["--jobs", "2", "--batch-rows", "3", "--inline-limit", "4KiB"]
csv.field_size_limit(sys.maxsize)


def is_commit(kind, data):
    return kind == "send" and data[5:].startswith("COMMIT")


def noise(seed, size):
    return random.Random(seed).randbytes(size)


def preloaded():
    """The environment that loads the shim into the program."""
    env = {"LD_PRELOAD": SHIM}
    if is_sanitized():
        env["ASAN_OPTIONS"] = "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")
    return env


class FaultCase(CliCase):
    """A test with the reference tree and its state (self.reference)."""

    options = OPTIONS
    bad_models = 1  # of the tree: they fail in every run
    fsync = "off"   # "on" where something is cleaned up

    @classmethod
    def setUpClass(cls):
        # A killed process loses nothing that the kernel has, and the server is not what is killed: thousands of runs need no real disk.
        if os.access(RAM_DISK, os.W_OK) and shutil.disk_usage(RAM_DISK).free > 32 << 20:
            before, tempfile.tempdir = tempfile.tempdir, str(RAM_DISK)
            cls.addClassCleanup(setattr, tempfile, "tempdir", before)
        if cls.kind is Postgres:
            cls.set_fsync(cls.fsync)
            cls.addClassCleanup(cls.set_fsync, "on")

    @staticmethod
    def set_fsync(value):
        admin(f"ALTER SYSTEM SET fsync = {value}")
        admin("SELECT pg_reload_conf()")

    def setUp(self):
        super().setUp()
        self.fired_file = self.base / "fired"
        self.count_file = self.base / "count"
        self.trace_file = self.base / "trace"
        self.db("upgrade")
        self.session = self.kind.connect(self.url)
        self.addCleanup(self.session.close)
        self.cursor = self.session.cursor()
        self.ask("SELECT * FROM models WHERE name = ''")
        self.columns = [column[0] for column in self.cursor.description if column[0] not in ("id", "created_at", "run_id")]
        self.make_tree()
        self.settle()
        self.reset()
        result = self.run_faulty()
        self.assertEqual(result.code, 3, result.all())
        self.reference = self.snapshot()
        self.expected_new = result.summary()["new"]
        self.check_backups()
        self.check_no_op()

    def make_tree(self):
        for name in ["alpha_classifier_binary", "beta_regression", "gamma_tfidf_vectorizer_binary", "nested/deep/epsilon_model"]:
            self.write(f"{name}.joblib", f"{name} model ".encode() * 200)
        self.write("delta_regression_v3.joblib", b"version three " * 300)
        self.write("zeta_regression.joblib", b"the newer zeta " * 250)
        self.write("eta_regression.joblib", b"stored already " * 250)
        self.write("twin_a.joblib", b"the same " * 300)
        self.write("twin_b.joblib", b"the same " * 300)
        self.write("noise_model.joblib", noise(1, 100_000))
        self.write("bertopic_model_0a1b2c3d/topics.json", b'{"topics": []}')
        self.write("bertopic_model_0a1b2c3d/config.json", b"{}" * 500)
        self.write("bertopic_model_0a1b2c3d/images/0.png", noise(2, 2000))
        self.write("bad_model.joblib", b"")

    def ask(self, sql, parameters=None):
        """On the session that stays open."""
        return self.kind.execute(self.cursor, sql, parameters)

    def reset(self):
        """The store and the state as before the first run."""
        old, same = b"the older zeta", (self.tree / "eta_regression.joblib").read_bytes()
        shutil.rmtree(self.state, ignore_errors=True)
        for sql in self.kind.clear:
            self.ask(sql)
        self.ask("""INSERT INTO models (name, version, model_type, event, model_binary, content_sha256)
                    VALUES ('zeta_regression', 1, 'regression', 'zeta', %s, sha256(%s)), ('eta_regression', 1, 'regression', 'eta', %s, sha256(%s))""",
                 (old, old, same, same))

    # --- the program under the shim

    def command(self, *arguments):
        return [PROGRAM, "run", "--json", *self.options, *arguments, "--state-dir", str(self.state), "-d", self.url, str(self.tree)]

    def shim_environment(self, fault):
        """fault: op, at, do, path, sticky, count, trace. The shim is loaded only for a fault."""
        if not fault:
            return {}
        env = dict(preloaded(), FAULT_FIRED=str(self.fired_file))
        env.update({f"FAULT_{key.upper()}": str(value) for key, value in fault.items()})
        for path in (self.fired_file, self.count_file, self.trace_file):
            path.unlink(missing_ok=True)
        return env

    def run_faulty(self, *arguments, timeout=60, env=None, **fault):
        env = dict(env or {}, **self.shim_environment(fault))
        return self.call(self.command(*arguments), env=env, timeout=timeout)

    def start_faulty(self, *arguments, **fault):
        return subprocess.Popen(self.command(*arguments), env=program_environment(self.shim_environment(fault)), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def fired(self):
        """`class path` of the fault, without what differs from run to run; None when it did not happen."""
        if not self.fired_file.exists():
            return None
        _, kind, path, data = (self.fired_file.read_text(errors="replace") + "   ").split(" ")[:4]
        if path.startswith("socket"):
            return f"{kind} {data[:1]} {data[5:45] if data[:1] in 'QP' else ''}"
        for folder in self.state.glob("*/backups/*"):
            path = path.replace(folder.name, "RUN")
        return f"{kind} {path.replace(str(self.base), '')}"

    def count(self, *arguments, **fault):
        """How many operations of each class a run makes."""
        self.run_faulty(*arguments, count=self.count_file, **fault)
        return {line.split()[0]: int(line.split()[1]) for line in self.count_file.read_text().splitlines()}

    def trace(self):
        """[(thread, class, path, first bytes that are sent)]"""
        lines = self.trace_file.read_text(errors="replace").splitlines() if self.trace_file.exists() else []
        return [tuple((line + "   ").split(" ")[:4]) for line in lines]

    # --- the invariants

    def snapshot(self):
        """All rows without id, created_at and run_id, and all chunks."""
        models = self.ask(f"SELECT {', '.join(self.columns)} FROM models ORDER BY name, version")
        chunks = self.ask("SELECT name, version, seq, sha256(data) FROM model_chunks ORDER BY name, version, seq")
        clean = lambda rows: [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in rows]
        return clean(models), clean(chunks)

    def backup_rows(self, complete):
        """Counter of (name, version, run, stored digest, chunks) in all backup files; of whole lines only, unless `complete`."""
        rows = collections.Counter()
        for path in self.state.glob("*/backups/*/part-*.csv"):
            text = path.read_bytes()
            if complete:
                self.assertTrue(text.endswith(b"\n"), path)
            lines = text[: text.rfind(b"\n") + 1].decode().split("\n")[:-1]
            for row in csv.DictReader(lines):
                self.assertIsNotNone(row["run_id"], f"{path}: {row['name']}")
                self.assertEqual(row["run_id"], path.parent.name)
                stored, chunked = row["stored_sha256"].removeprefix("\\x"), int(row["chunk_count"])
                if not chunked:
                    self.assertEqual(digest(bytes.fromhex(row["model_binary"].removeprefix("\\x"))), stored, f"{path}: {row['name']}")
                rows[row["name"], int(row["version"]), row["run_id"], stored, chunked] += 1
        return rows

    def backup_chunks(self):
        """Counter of (name, version, seq, digest of the data)."""
        chunks = collections.Counter()
        for path in self.state.glob("*/backups/*/chunks-*.csv"):
            for row in csv.DictReader(path.read_text().splitlines()):
                data = bytes.fromhex(row["data"].removeprefix("\\x"))
                chunks[row["name"], int(row["version"]), int(row["seq"]), digest(data)] += 1
        return chunks

    def store_rows(self):
        """What the runs of the program stored, as backup_rows has it."""
        return self.ask("SELECT name, version, run_id::text, encode(stored_sha256, 'hex'), chunk_count FROM models WHERE run_id IS NOT NULL")

    def check_backup_before_store(self):
        """At any moment: what is committed is whole in a backup."""
        rows = self.backup_rows(complete=False)
        for row in self.store_rows():
            self.assertIn(row, rows, "in the store, but in no backup")

    def check_journal_after_store(self):
        """At any moment: what the journal has is committed."""
        stored = set(self.ask("SELECT name, encode(content_sha256, 'hex') FROM models"))
        for path in self.state.glob("*/journal"):
            for line in path.read_bytes().split(b"\n")[1:-1]:
                self.assertEqual(line[:8], b"%08x" % zlib.crc32(line[9:]), line)
                fields = line[9:].decode().split("\t")
                if fields[0] != "s":
                    self.assertIn((fields[9].replace("%2F", "/"), fields[7][:64]), stored, "in the journal, but not in the store")

    def check_reported(self, result):
        """What the report calls done is in the store."""
        stored = {(n, v): c for n, v, c in self.ask("SELECT name, version, encode(content_sha256, 'hex') FROM models")}
        lines = result.lines() if result.out else []
        for line in lines:
            if line["type"] == "model" and line["status"] in ("new", "unchanged"):
                self.assertIn((line["name"], line["version"]), stored, f"reported as done: {line}")
        return lines

    def check_manifest(self, folder):
        lines = (folder / "MANIFEST").read_text().splitlines()
        files = [line.split("  ") for line in lines[3:-1] if line != "ended no"]
        for sha256, size, rows, name in files:
            data = (folder / name).read_bytes()
            self.assertEqual((digest(data), len(data), data.count(b"\n") - 1), (sha256, int(size), int(rows)), folder / name)
        self.assertEqual(sorted([name for *_, name in files] + ["MANIFEST", "STORE"]), sorted(p.name for p in folder.iterdir()), folder)
        self.assertIn(pathlib.Path(self.database).name, (folder / "STORE").read_text())

    def check_backups(self):
        """Every folder is finished, and together they hold every row of the store exactly once; only those of killed runs hold others."""
        for folder in self.backups():
            self.assertTrue((folder / "MANIFEST").exists(), f"{sorted(p.name for p in folder.iterdir())}: no MANIFEST")
            self.check_manifest(folder)
        killed = {folder.name for folder in self.backups() if "\nended no\n" in (folder / "MANIFEST").read_text()}
        stored = collections.Counter(self.store_rows())
        rows = self.backup_rows(complete=True)
        self.assertEqual(collections.Counter({row: count for row, count in rows.items() if row in stored or row[2] not in killed}), stored)
        chunks, stored = self.backup_chunks(), collections.Counter(
            self.ask("SELECT name, version, seq, encode(sha256(data), 'hex') FROM model_chunks"))
        self.assertEqual(stored - chunks, collections.Counter())
        if not killed:
            self.assertEqual(chunks, stored)

    def check_no_op(self):
        """The next run stores nothing, reads no source and makes no backup."""
        before, folders = self.ask("SELECT count(*) FROM model_runs"), self.backups()
        result = self.run_faulty(trace=self.trace_file, path=self.tree)
        self.assertEqual(result.code, 3, result.all())
        summary = result.summary()
        self.assertEqual((summary["new"], summary["failed"], summary["conflict"], summary["read_bytes"]), (0, self.bad_models, 0, 0), result.all())
        for _, kind, path, _ in self.trace():
            self.assertFalse(kind == "read" or (kind == "open" and not os.path.isdir(path)), f"an unchanged source was opened: {kind} {path}")
        self.assertEqual((self.ask("SELECT count(*) FROM model_runs"), self.backups()), (before, folders))

    def check_stored(self):
        """The store holds what an uninterrupted run stores."""
        models, chunks = self.snapshot()
        self.assertEqual([row[:2] for row in models], [row[:2] for row in self.reference[0]])
        for row, wanted in zip(models, self.reference[0]):
            self.assertEqual(dict(zip(self.columns, row)), dict(zip(self.columns, wanted)))
        self.assertEqual(chunks, self.reference[1])

    def check_reference(self):
        """The state of an uninterrupted run."""
        self.check_stored()
        self.check_backups()
        self.check_journal_after_store()

    def check_end(self):
        """One more run of the same command, without a fault, ends in the reference state; and one more has nothing to do."""
        result = self.run_faulty()
        self.assertEqual(result.code, 3, result.all())
        self.assertEqual(result.summary()["failed"], self.bad_models, result.all())
        self.check_reported(result)
        self.check_reference()
        self.check_no_op()
        return result
