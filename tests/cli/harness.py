"""What the command-line tests share: a database, a tree of models and a state folder for each test, and the program as a user runs it.

Run under scripts/with-postgres, which names the server in the environment. PROGRAM names the program (default build/migrate_models_to_db).
"""

import atexit
import functools
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from stores import Postgres, admin  # noqa: F401

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("PROGRAM", str(ROOT / "build" / "migrate_models_to_db"))
NO_LIBPQ = dict.fromkeys(["PGHOST", "PGPORT", "PGUSER", "PGDATABASE"])  # as env: nothing names a server
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"] if os.geteuid() == 0 else []


@functools.lru_cache(maxsize=None)
def samples():
    """A folder of real scikit-learn models and a BERTopic directory, made once for all tests. Not to be changed: copy it."""
    folder = tempfile.mkdtemp(prefix="cli-samples-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    tree = pathlib.Path(folder) / "models"
    subprocess.run([sys.executable, str(ROOT / "scripts" / "make-samples"), str(tree)], check=True, stdout=subprocess.DEVNULL)
    return tree


@functools.lru_cache(maxsize=None)
def is_sanitized():
    """A build with the compiler's checks: its memory says nothing."""
    data = pathlib.Path(PROGRAM).read_bytes()
    return b"__asan_init" in data or b"__tsan_init" in data


def program_environment(env=None):
    """The environment of the tests without what would steer the program; None in env removes a variable."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MIGRATE_MODELS_", "DATABASE_URL"))}
    environment.update(env or {})
    return {k: v for k, v in environment.items() if v is not None}


def peak_memory(command):
    """Runs the program; returns its exit code and its peak resident memory in MiB."""
    process = subprocess.Popen([*map(str, command)], env=program_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None: # ru_maxrss would begin with that of this process
        try:
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            break
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        name = re.search(r"Name:\s+(\S+)", status)[1]
        if found and pathlib.Path(PROGRAM).name.startswith(name):
            peak = int(found[1]) / 1024
        time.sleep(0.002)
    return process.wait(), peak


def wait_until(condition, seconds=30):
    """The first true value of condition(); fails after some seconds."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not true within {seconds} s: {condition}")
        time.sleep(0.005)
    return value


class Result:
    """One run of the program."""

    def __init__(self, code, out, err):
        self.code = code
        self.out = out.decode("utf-8", "replace")
        self.err = err.decode("utf-8", "replace")

    def all(self):
        return self.out + self.err

    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]

    def models(self):
        """JSON lines of models by path."""
        return {line["path"]: line for line in self.lines() if line["type"] == "model"}

    def summary(self):
        last = self.lines()[-1]
        assert last["type"] == "summary", last
        return last


class CliCase(unittest.TestCase):
    """A test with a fresh database (self.url), an empty tree (self.tree) and a state folder (self.state)."""

    kind = Postgres
    place = None    # of the folder of a test; None = where temporary files are
    proves = False  # the store must be a proof, which a file in memory is not

    def setUp(self):
        self.database = self.new_database()
        self.url = self.url_of(self.database)
        self.folder = tempfile.TemporaryDirectory(prefix="cli-", dir=self.place)
        self.addCleanup(self.folder.cleanup)
        self.base = pathlib.Path(self.folder.name)
        self.tree = self.base / "models"
        self.tree.mkdir()
        self.state = self.base / "state"

    @classmethod
    def shared(cls, kind=Postgres):
        """One fixture for all tests of a class that only look at it: call in setUpClass."""
        box = CliCase()
        box.kind = kind
        cls.addClassCleanup(box.doCleanups)
        box.setUp()
        return box

    def new_database(self):
        """An empty one, for this test."""
        return self.kind.new(self)

    def url_of(self, database, host=None):
        return self.kind.url(database, host)

    # --- the tree

    def copy_samples(self):
        shutil.copytree(samples(), self.tree, dirs_exist_ok=True)
        self.settle()

    def settle(self):
        """A file that was changed just before it is read is read again by the next run, on purpose; wait that moment out."""
        time.sleep(0.03)

    def write(self, name, data):
        """A source file; its parents are made. Returns its path."""
        path = self.tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def write_some(self, count=5, size=3000):
        """Files with distinct contents that compress."""
        return [self.write(f"event{i}_regression.joblib", (b"%06d model " % i) * (size // 13)) for i in range(count)]

    # --- the program

    def run_program(self, *arguments, env=None, url=True, tree=None, **options):
        """`run` with the test's database, state and tree unless told otherwise. Arguments are options."""
        command = [PROGRAM, "run", *map(str, arguments), "--state-dir", str(self.state)]
        if url:
            command += ["-d", self.url]
        command.append(str(tree if tree is not None else self.tree))
        return self.call(command, env=env, **options)

    def call(self, command, env=None, timeout=120, **options):
        done = subprocess.run([*map(str, command)], env=program_environment(env), stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=timeout, check=False, **options)
        return Result(done.returncode, done.stdout, done.stderr)

    def spawn(self, *arguments, env=None, url=None, **options):
        """run, in the background; finish() waits for it."""
        command = [PROGRAM, "run", *map(str, arguments), "--state-dir", str(self.state), "-d", url or self.url, str(self.tree)]
        process = subprocess.Popen(command, env=program_environment(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, **options)
        self.addCleanup(self.reap, process)
        return process

    @staticmethod
    def reap(process):
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()

    @staticmethod
    def finish(process, timeout=120):
        out, err = process.communicate(timeout=timeout)
        return Result(process.returncode, out, err)

    def db(self, *words, url=None, **options):
        """The command `db`."""
        return self.call([PROGRAM, "db", *words, "-d", url or self.url], **options)

    def sync(self, *arguments, code=0, **options):
        """run --upgrade --json; checks the exit code."""
        result = self.run_program("--upgrade", "--json", *arguments, **options)
        self.assertEqual(result.code, code, result.err + result.out)
        return result

    # --- the store

    def query(self, sql, parameters=None, url=None):
        return self.kind.query(url or self.url, sql, parameters)

    def stored(self):
        """{(name, version): (content digest, active)} of all rows."""
        rows = self.query("SELECT name, version, encode(content_sha256, 'hex'), is_active FROM models")
        return {(name, version): (digest, active) for name, version, digest, active in rows}

    def payload(self, name, version=1):
        rows = self.query("SELECT model_binary FROM models WHERE name = %s AND version = %s", (name, version))
        self.assertEqual(len(rows), 1, name)
        return bytes(rows[0][0])

    def rows(self, url=None):
        """All rows but what a restore cannot know, payloads and chunks as digests."""
        models = self.query("""SELECT name, version, model_type, event, is_active, encode(sha256(model_binary), 'hex'),
                                      encode(content_sha256, 'hex'), raw_bytes, encode(stored_sha256, 'hex'), stored_bytes, format, encoding,
                                      chunk_count, source_host, source_path, source_mtime, run_id::text
                                 FROM models ORDER BY name, version""", url=url)
        return models, self.query("SELECT name, version, seq, octet_length(data), sha256(data)::text FROM model_chunks ORDER BY 1, 2, 3", url=url)

    def has_tables(self):
        return self.kind.has_tables(self.url)

    def allow_damage(self):
        self.kind.allow_damage(self.url)

    def put_payload(self, name, data, version=1):
        self.kind.put_payload(self.url, name, version, bytes(data))

    def flip(self, name, at, version=1):
        """One bit of a stored payload."""
        data = bytearray(self.payload(name, version))
        data[at] ^= 1
        self.put_payload(name, data, version)

    # --- the state

    def state_files(self):
        return sorted(str(p.relative_to(self.state)) for p in self.state.rglob("*") if p.is_file()) if self.state.exists() else []

    def backups(self):
        return sorted(self.state.glob("*/backups/*"))

    def backup(self):
        """The only backup folder."""
        folders = self.backups()
        self.assertEqual(len(folders), 1, folders)
        return folders[0]

    def journal(self):
        return next(self.state.glob("*/journal"))


def digest(data):
    return hashlib.sha256(data).hexdigest()
