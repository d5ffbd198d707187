"""What the command-line tests share: a database, a tree of models and a state folder for each test, and the program as a user runs it.

Run under scripts/with-postgres, which names the server in the environment. PROGRAM names the program (default build/migrate_models_to_db).
"""

import hashlib
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import psycopg2

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("PROGRAM", str(ROOT / "build" / "migrate_models_to_db"))


def admin(sql):
    """Runs one statement on the server outside a transaction."""
    connection = psycopg2.connect(dbname="postgres")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
    finally:
        connection.close()


class Result:
    """One run of the program."""

    def __init__(self, process):
        self.code = process.returncode
        self.out = process.stdout.decode("utf-8", "replace")
        self.err = process.stderr.decode("utf-8", "replace")

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

    counter = 0

    def setUp(self):
        CliCase.counter += 1
        self.database = f"cli_{os.getpid()}_{CliCase.counter}"
        admin(f'CREATE DATABASE "{self.database}"')
        self.addCleanup(admin, f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)')
        self.url = f"host={os.environ['PGHOST']} port={os.environ['PGPORT']} user={os.environ['PGUSER']} dbname={self.database}"
        self.folder = tempfile.TemporaryDirectory(prefix="cli-")
        self.addCleanup(self.folder.cleanup)
        self.base = pathlib.Path(self.folder.name)
        self.tree = self.base / "models"
        self.tree.mkdir()
        self.state = self.base / "state"

    # --- the tree

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
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("MIGRATE_MODELS_", "DATABASE_URL"))}
        environment.update(env or {})
        return Result(subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False, **options))

    def sync(self, *arguments, code=0, **options):
        """run --upgrade --json; checks the exit code."""
        result = self.run_program("--upgrade", "--json", *arguments, **options)
        self.assertEqual(result.code, code, result.err + result.out)
        return result

    # --- the store

    def query(self, sql, parameters=None):
        connection = psycopg2.connect(self.url)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def stored(self):
        """{(name, version): (content digest, active)} of all rows."""
        rows = self.query("SELECT name, version, encode(content_sha256, 'hex'), is_active FROM models")
        return {(name, version): (digest, active) for name, version, digest, active in rows}

    def payload(self, name, version=1):
        rows = self.query("SELECT model_binary FROM models WHERE name = %s AND version = %s", (name, version))
        self.assertEqual(len(rows), 1, name)
        return bytes(rows[0][0])

    # --- the state

    def state_files(self):
        return sorted(str(p.relative_to(self.state)) for p in self.state.rglob("*") if p.is_file()) if self.state.exists() else []

    def backups(self):
        return sorted(self.state.glob("*/backups/*"))

    def journal(self):
        return next(self.state.glob("*/journal"))


def digest(data):
    return hashlib.sha256(data).hexdigest()
