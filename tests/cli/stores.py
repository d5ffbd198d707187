"""The kinds of store that the command-line tests run on, behind one face: what differs between them to a test is here, and nowhere else.

A test class says on which it runs: on PostgreSQL, or with @on_both on SQLite too. The SQL of a test is written once, in what both understand;
what is said in PostgreSQL's words (%s, casts with ::, encode, sha256, octet_length) is understood for SQLite here."""

import datetime
import hashlib
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

import psycopg2

RAM_DISK = pathlib.Path("/dev/shm")


def admin(sql):
    """Runs one statement on the server outside a transaction."""
    connection = psycopg2.connect(dbname="postgres")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
    finally:
        connection.close()


def disk_folder():
    """A folder that is no file system in memory: what is stored there is a proof."""
    for folder in (tempfile.gettempdir(), "/var/tmp", str(pathlib.Path(__file__).parent)):
        kind = subprocess.run(["stat", "-f", "-c", "%T", folder], stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
        if kind not in ("", "tmpfs", "ramfs"):
            return folder
    raise RuntimeError("no folder on a disk")


DISK = disk_folder()


class Postgres:
    """A database of its own for each test on the server that the environment names."""

    dialect = "postgresql"
    chunk_table = "model_chunks"
    clear = ["TRUNCATE models, model_chunks, model_runs, model_aliases, model_events"]  # it waits for what killed runs left open
    counter, idle = 0, []

    @classmethod
    def new(cls, case):
        """An empty database for this test. They are used again: to empty one is much quicker than to drop it."""
        if cls.idle:
            name = cls.idle.pop()
        else:
            cls.counter += 1
            name = f"cli_{os.getpid()}_{cls.counter}"
            admin(f'CREATE DATABASE "{name}"')
        case.addCleanup(cls.empty, name)
        return name

    @classmethod
    def empty(cls, name):
        admin(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        admin(f'ALTER DATABASE "{name}" RESET ALL')
        url = cls.url(name)
        schemas = cls.query(url, "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'")
        drops = "".join(f'DROP SCHEMA "{schema}" CASCADE; ' for schema, in schemas)
        cls.query(url, f"SET client_min_messages = error; {drops}CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC")
        cls.idle.append(name)

    @staticmethod
    def url(database, host=None):
        return f"host={host or os.environ['PGHOST']} port={os.environ['PGPORT']} user={os.environ['PGUSER']} dbname={database}"

    @staticmethod
    def connect(url):
        connection = psycopg2.connect(url)
        connection.autocommit = True
        return connection

    @staticmethod
    def execute(cursor, sql, parameters=None):
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []

    @classmethod
    def query(cls, url, sql, parameters=None):
        connection = cls.connect(url)
        try:
            with connection.cursor() as cursor:
                return cls.execute(cursor, sql, parameters)
        finally:
            connection.close()

    @classmethod
    def has_tables(cls, url):
        return cls.query(url, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") != [(0,)]

    @classmethod
    def has_schemas(cls, url):
        """Of somebody's own."""
        return cls.query(url, "SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema|public)'") != []

    @classmethod
    def drop_all(cls, url):
        cls.query(url, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")

    @classmethod
    def allow_damage(cls, url):
        """The server would refuse a payload that is not the recorded one."""
        cls.query(url, "ALTER TABLE models DROP CONSTRAINT models_stored_sha256_matches")
        for name, in cls.query(url, "SELECT conname FROM pg_constraint WHERE conrelid = 'model_chunks'::regclass AND contype = 'c'"):
            cls.query(url, f'ALTER TABLE model_chunks DROP CONSTRAINT "{name}"')

    @classmethod
    def put_payload(cls, url, name, version, data):
        """Other bytes in the row, and nothing else."""
        cls.query(url, "UPDATE models SET model_binary = %s WHERE name = %s AND version = %s", (data, name, version))

    @staticmethod
    def seconds(value):
        """A time of the store, since 1970."""
        return value.timestamp()

    @staticmethod
    def read_only(url):
        return f"{url} options='-c default_transaction_read_only=on'"


class Sqlite:
    """A file of its own for each test, in memory where that is possible: what a disk keeps is asked by the fault tests."""

    dialect = "sqlite"
    chunk_table = "upload_chunks"
    clear = [f"DELETE FROM {table}" for table in ("model_aliases", "model_events", "models", "upload_chunks", "model_uploads", "model_runs")]

    @classmethod
    def new(cls, case):
        folder = tempfile.mkdtemp(prefix="cli-store-", dir=DISK if case.proves else RAM_DISK if os.access(RAM_DISK, os.W_OK) else None)
        case.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        path = pathlib.Path(folder, "models.db")
        path.touch(mode=0o600)  # as empty as a database that was just created; what happens without a file is in test_sqlite
        return str(path)

    @staticmethod
    def url(database, host=None):
        return f"sqlite:///{database}"

    @staticmethod
    def connect(url):
        path = url.removeprefix("sqlite:///").partition("?")[0]
        connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        digest = lambda data: hashlib.sha256(data.encode() if isinstance(data, str) else data).digest()
        connection.create_function("encode", 2, lambda data, kind: data.hex() if data is not None else None)
        connection.create_function("sha256", 1, digest)
        connection.create_function("octet_length", 1, len)
        return connection

    @staticmethod
    def execute(cursor, sql, parameters=None):
        return cursor.execute(re.sub(r"::\w+", "", sql).replace("%s", "?"), parameters or ()).fetchall()

    @classmethod
    def query(cls, url, sql, parameters=None):
        connection = cls.connect(url)
        try:
            return cls.execute(connection.cursor(), sql, parameters)
        finally:
            connection.close()

    @classmethod
    def has_tables(cls, url):
        return cls.query(url, "SELECT count(*) FROM sqlite_master") != [(0,)]

    @staticmethod
    def has_schemas(url):
        return False

    @staticmethod
    def drop_all(url):
        os.truncate(url.removeprefix("sqlite:///"), 0)

    @staticmethod
    def allow_damage(url):
        """SQLite has no sha256: nothing in the file refuses it."""

    @classmethod
    def put_payload(cls, url, name, version, data):
        """Below the view, which would take the digests out of such a row."""
        cls.query(url, "UPDATE model_payloads SET data = ? WHERE model_id = (SELECT id FROM model_rows WHERE name = ? AND version = ?)", (data, name, version))

    @staticmethod
    def seconds(value):
        return datetime.datetime.fromisoformat(value).replace(tzinfo=datetime.timezone.utc).timestamp()

    @staticmethod
    def read_only(url):
        return f"{url}?mode=ro"


def on_both(case):
    """Runs the tests of a class on SQLite too, as NAMEOnSqlite beside it."""
    twin = type(case.__name__ + "OnSqlite", (case,), {"kind": Sqlite, "__module__": case.__module__, "__doc__": case.__doc__})
    setattr(sys.modules[case.__module__], twin.__name__, twin)
    return case


def only_on(kind, why):
    """A test of a class on both that one kind of store cannot have."""
    def decorate(test):
        def wrapped(self, *arguments):
            if self.kind is not kind:
                raise unittest.SkipTest(why)
            return test(self, *arguments)
        wrapped.__name__, wrapped.__doc__ = test.__name__, test.__doc__
        return wrapped
    return decorate
