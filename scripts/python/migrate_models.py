"""migrate_models: load and save models of a store of migrate_models_to_db from Python 3.9 or later.

One file: copy it beside your program, or `pip install` nothing. It needs psycopg2 or psycopg 3 for PostgreSQL, nothing for SQLite, and
joblib for files that joblib wrote. It works on the tables that migrate_models_to_db makes or adopts, and on a plain `models` table.

    from migrate_models import load_model_from_db, save_model_to_db, deactivate_model        # as utils.db.model_db_util
    from migrate_models import save_model_to_version, get_model_from_version, load_bertopic  # models of result_versions
    from migrate_models import loads                                                         # in place of pickle.loads

    store = migrate_models.connect("sqlite:///models.db")
    model = store.load("partnerships_regression")     # NAME (live), NAME@3, NAME@latest, NAME@ALIAS

Like every pickle, load a model only if you trust who wrote it. What is stored is hashed and compared before it is unpickled; that
finds damage, not malice. imports="known" refuses classes and functions of other libraries than the usual ones: a fence, not a proof.

Connections are kept, one a thread and process. The store is: the argument, configure(url=), MIGRATE_MODELS_DATABASE_URL, DATABASE_URL,
either of them in the file .env, what PGHOST, PGSERVICE or PGDATABASE name, ./models.db."""

import collections
import contextlib
import difflib
import functools
import getpass
import hashlib
import importlib
import inspect
import io
import logging
import os
import pathlib
import pickle
import random
import re
import shutil
import socket
import sqlite3
import tarfile
import tempfile
import threading
import time
import uuid
import zlib

log = logging.getLogger("migrate_models")
PIECE = 16 << 20           # of a payload: one value of a query, one row of model_chunks
INLINE_LIMIT = 256 << 20   # larger payloads go to model_chunks; larger ones than that are not held in memory when they are read
SAVE_TRIES = 20            # while others take the version that we counted

_settings = {"url": None, "connection": None, "models_dir": None, "schema": "media_bias", "table": "result_versions", "cache_bytes": 1 << 30}
_default = []  # the store of the functions, once it is used


class DamagedError(Exception):
    """What is stored is not what was stored."""


def configure(**settings):
    """Sets what the functions below use.

    url, or connection: an open DB-API connection (psycopg2, psycopg, sqlite3, or SQLAlchemy's raw_connection()) that nothing else uses
        meanwhile: it is committed and rolled back here, and must not be in autocommit mode
    models_dir          folder of <name>.joblib files, for models that the store does not have, and while it is away
    schema, table       of save_model_to_version and its like: media_bias, result_versions
    cache_bytes         how large the payloads of all cached models may be together; 0 caches none"""
    unknown = settings.keys() - _settings.keys()
    if unknown:
        raise TypeError(f"configure() has no setting {', '.join(sorted(unknown))}")
    _settings.update(settings)
    _default.clear()


def connect(url=None):
    """A Store of its own, beside that of the functions."""
    return Store(url)


# --- which store

def _from_dotenv(name):
    """The value of NAME in the file .env, None without it."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        for line in pathlib.Path(".env").read_text(encoding="utf-8").splitlines():
            found = re.fullmatch(r"\s*(?:export\s+)?" + name + r"\s*=\s*(.*?)\s*", line)
            if found:
                return found[1].strip("'\"") or None
    return None


def _find_url(url):
    for name in ("MIGRATE_MODELS_DATABASE_URL", "DATABASE_URL"):
        url = url or os.environ.get(name) or _from_dotenv(name)
    if not url and not any(os.environ.get(name) for name in ("PGHOST", "PGSERVICE", "PGDATABASE")):
        url = "models.db"
    return url or ""


def _sqlite_path(url):
    """The file that the URL names, None when it names a server."""
    found = re.match(r"sqlite(?:\+\w+)?:///([^?]*)", url)
    if found:
        return found[1]
    return url if re.search(r"\.(db|sqlite3?)$", url) and "=" not in url and "://" not in url else None


def _open(url):
    path = _sqlite_path(url)
    if path is not None:  # an URI, so that a file that is not there is not made
        quoted = pathlib.Path(path).resolve().as_uri()
        return sqlite3.connect(f"{quoted}?mode=rw", uri=True, timeout=30, isolation_level=None, check_same_thread=False)
    url = re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", url)
    try:
        import psycopg2
    except ImportError:
        import psycopg
        return psycopg.connect(url, fallback_application_name="migrate_models.py", prepare_threshold=None)
    return psycopg2.connect(url, fallback_application_name="migrate_models.py")


def _cursor(connection):
    """A cursor whose rows are tuples, whatever the connection's own setting."""
    connection = getattr(connection, "driver_connection", None) or connection  # of SQLAlchemy
    driver = type(connection).__module__.split(".")[0]
    if driver == "psycopg2":
        return connection.cursor(cursor_factory=importlib.import_module("psycopg2.extensions").cursor)
    if driver == "psycopg":
        return connection.cursor(binary=True, row_factory=importlib.import_module("psycopg.rows").tuple_row)
    return connection.cursor()


class _Session:
    """A transaction on one connection: the same SQL for both kinds of store."""

    def __init__(self, connection):
        self.cursor = _cursor(connection)
        self.is_sqlite = isinstance(self.cursor, sqlite3.Cursor)

    def query(self, sql, parameters=()):
        sql = sql.replace("%s", "?") if self.is_sqlite else sql
        self.cursor.execute(sql, parameters)
        return self.cursor.fetchall() if self.cursor.description else []

    def one(self, sql, parameters=()):
        rows = self.query(sql, parameters)
        return rows[0] if rows else None

    def begin(self, write, own):
        """On a connection of the caller's, its own settings hold."""
        if self.is_sqlite:
            if not self.cursor.connection.in_transaction:
                self.query("BEGIN IMMEDIATE" if write else "BEGIN")
        elif own:
            self.query("SET LOCAL synchronous_commit = on" if write else "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")

    def columns(self, table):
        """Names of the columns; empty without that table. `table` is quoted where it needs it."""
        if self.is_sqlite:
            rows = self.query("SELECT name FROM pragma_table_info(%s)", (table.split(".")[-1].strip('"'),))
        else:
            rows = self.query("SELECT attname::text FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass(%s)::oid AND attnum > 0 "
                              "AND NOT attisdropped", (table,))
        return {name for name, in rows}

    def may(self, privilege, table):
        """Whether the table is there and we may do that."""
        if self.is_sqlite:
            return bool(self.columns(table))
        return self.one("SELECT pg_catalog.has_table_privilege(pg_catalog.to_regclass(%s)::oid, %s)", (table, privilege))[0] is True


# --- unpickling

_KNOWN = re.compile(r"""
    numpy\ (ndarray|dtype|matrix|u?int(8|16|32|64)|float(16|32|64)|complex(64|128)|bool_?|str_|bytes_|object_|datetime64|timedelta64)
  | numpy\._?core\.multiarray\ (_reconstruct|scalar) | numpy\.random\._pickle\ __(randomstate|generator|bit_generator)_ctor
  | joblib\.numpy_pickle\ NumpyArrayWrapper | (copyreg|copy_reg)\ _reconstructor | _codecs\ encode
  | (builtins|__builtin__)\ (set|frozenset|list|dict|tuple|int|float|complex|bool|str|bytes|bytearray|slice|range|object)
  | collections\ (OrderedDict|defaultdict|Counter|deque) | datetime\ (date|datetime|time|timedelta|timezone)
  | pandas\._libs\.internals\ _unpickle_block | pandas\.core\.indexes\.base\ _new_Index | sklearn\.\S*\ newObj
  | scipy\.sparse\.\S*\ (cs[rc]|coo|bsr|dia|dok|lil)_(matrix|array) | scipy\.interpolate\.\S*\ interp1d""", re.VERBOSE)
_KNOWN_CLASS = re.compile(r"(?P<top>sklearn|scipy|numpy|pandas|xgboost|lightgbm|catboost)(\.(?!(tests?|testing|f2py|distutils|ctypeslib|externals)\b)\w+)*"
                          r" _?[A-Z]\w*")


def _known_unpickler(base, wrapper=None):
    """`base` that imports nothing but what models of the usual libraries need."""
    class Known(base):
        def find_class(self, module, name):
            by_rule = _KNOWN_CLASS.fullmatch(f"{module} {name}")
            if by_rule or _KNOWN.fullmatch(f"{module} {name}"):
                found = super().find_class(module, name)
                if not by_rule or isinstance(found, type) and found.__module__.split(".")[0] == by_rule["top"]:
                    return wrapper if wrapper and name == "NumpyArrayWrapper" else found
            raise pickle.UnpicklingError(f"it imports {module}.{name}, which is not among the known imports")
    return Known


def _known_joblib(file, joblib):
    """joblib.load with known imports only, in the pickles of object arrays too."""
    numpy_pickle = joblib.numpy_pickle

    class Wrapper(numpy_pickle.NumpyArrayWrapper):
        def read_array(self, unpickler, *arguments):
            if self.dtype.hasobject:
                return _known_unpickler(pickle.Unpickler)(unpickler.file_handle).load()
            return super().read_array(unpickler, *arguments)

    more = {"ensure_native_byte_order": True} if "ensure_native_byte_order" in inspect.signature(numpy_pickle.NumpyUnpickler).parameters else {}
    return _known_unpickler(numpy_pickle.NumpyUnpickler, Wrapper)("", file, **more).load()


def _contains(file, text):
    """Whether the rest of the file has these bytes; it stands where it stood afterwards."""
    start, tail, found = file.tell(), b"", False
    while not found:
        piece = file.read(PIECE)
        if not piece:
            break
        found, tail = text in tail + piece, piece[-len(text):]
    file.seek(start)
    return found


def _inflate(file, limit=None):
    """The content of a file that is one gzip member; at most `limit` bytes of it."""
    out = _room(limit or 0)
    inflater, size = zlib.decompressobj(31), 0
    while not inflater.eof:
        data = inflater.unconsumed_tail or file.read(1 << 20)
        if not data:
            raise DamagedError("the gzip member is cut off")
        piece = inflater.decompress(data, PIECE)
        size += out.write(piece)
        if limit is not None and size > limit:
            raise DamagedError(f"its content is larger than the {limit} bytes that are recorded")
    if inflater.unused_data or file.read(1):
        raise DamagedError("there is more behind the gzip member")
    out.seek(0)
    return out


def _room(size):
    """A file for so many bytes: in memory unless they are many."""
    return io.BytesIO() if size <= INLINE_LIMIT else tempfile.TemporaryFile()


def _unpickle(file, imports=None):
    """The object in a file of joblib's or a plain pickle, compressed or not."""
    if imports not in (None, "known"):
        raise ValueError('imports is None or "known"')
    magic = file.read(2)
    file.seek(0)
    if magic == b"\x1f\x8b":
        file = _inflate(file)
        magic = file.read(2)
        file.seek(0)
    # A pickle of C's speed, but where arrays lie raw in the file: read as a plain pickle they would be taken for its instructions.
    if magic[:1] == b"\x80" and not _contains(file, b"NumpyArrayWrapper"):
        return (_known_unpickler(pickle.Unpickler) if imports else pickle.Unpickler)(file).load()
    joblib = importlib.import_module("joblib")
    if not imports:
        return joblib.load(file)
    if magic[:1] != b"\x80":  # zlib, bz2, xz, lz4: as joblib finds it
        with joblib.numpy_pickle_utils._read_fileobject(file, "") as inflated:
            return _known_joblib(inflated[0] if isinstance(inflated, tuple) else inflated, joblib)
    return _known_joblib(file, joblib)


def loads(data, imports=None):
    """The object in the bytes of a row: takes the place of pickle.loads, and reads what joblib wrote too, compressed or not."""
    return _unpickle(io.BytesIO(data), imports)


# --- directories

def _extract(file, folder, limit=None):
    """The members of a tar below `folder`: regular files and directories. All names are looked at before the first one is written."""
    with tarfile.open(fileobj=file, mode="r:") as tar:
        members = [(member, pathlib.PurePosixPath(member.name)) for member in tar]
        for member, path in members:
            if path.is_absolute() or ".." in path.parts or not (member.isreg() or member.isdir()):
                raise DamagedError(f"its member {member.name!r} is not a file or folder inside of it")
        if limit is not None and sum(member.size for member, _ in members) > limit:
            raise DamagedError(f"its content is larger than the {limit} bytes that are recorded")
        for member, path in members:
            target = pathlib.Path(folder, path)
            (target if member.isdir() else target.parent).mkdir(parents=True, exist_ok=True)
            if member.isreg():
                with open(target, "wb") as out:
                    shutil.copyfileobj(tar.extractfile(member), out)
                target.chmod(0o755 if member.mode & 0o100 else 0o644)
                os.utime(target, (member.mtime, member.mtime))


# --- cache

class _Cache:
    """Objects by the digest of their payload; the ones that were not used for the longest time go first."""

    def __init__(self):
        self.lock, self.objects, self.bytes = threading.Lock(), collections.OrderedDict(), 0

    def get(self, key):
        with self.lock:
            if key in self.objects:
                self.objects.move_to_end(key)
                return self.objects[key]
            return None

    def put(self, key, model, size):
        with self.lock:
            for old in [old for old in self.objects if old[:3] == key[:3]]:
                self.drop(old)
            if size <= _settings["cache_bytes"]:
                self.objects[key] = (model, size)
                self.bytes += size
            while self.bytes > _settings["cache_bytes"]:
                self.drop(next(iter(self.objects)))

    def drop(self, key):
        self.bytes -= self.objects.pop(key)[1]


_cache = _Cache()


def clear_model_cache():
    """Forgets all cached models; who uses one keeps it."""
    with _cache.lock:
        _cache.objects.clear()
        _cache.bytes = 0


def get_cache_stats():
    """{"cached_models": how many, "cache_keys": ["name@version", …]}"""
    with _cache.lock:
        return {"cached_models": len(_cache.objects), "cache_keys": [f"{name}@{version}" for _, name, version, _ in _cache.objects]}


# --- the store

_FIELDS = ("name", "version", "model_type", "event", "is_active", "format", "encoding", "raw_bytes", "chunk_count", "content_sha256", "stored_sha256")
_Row = collections.namedtuple("_Row", (*_FIELDS, "size", "mark"))  # mark: another one when the payload is; None when nothing tells
_DIGEST_FIELDS = ("content_sha256", "stored_sha256")


class _Kept:
    """A connection of a thread; it is closed when the thread has ended."""

    def __init__(self, connection):
        self.pid, self.connection = os.getpid(), connection

    def __del__(self):
        if self.pid == os.getpid():  # a fork must not say good-bye for the process that opened it
            with contextlib.suppress(Exception):
                self.connection.close()


class Store:
    """The models of one database. May be used by several threads at once: each has a connection of its own."""

    def __init__(self, url=None, connection=None):
        self.url, self.given, self.local = _find_url(url) if connection is None else f"connection {id(connection)}", connection, threading.local()
        if connection is not None and getattr(connection, "autocommit", False) is True and not isinstance(connection, sqlite3.Connection):
            raise ValueError("the connection is in autocommit mode: a save could not be undone as a whole")

    def get(self, ref):
        """The content of a file as bytes: what was migrated, byte for byte; of a row of the format pickle, the plain pickle."""
        with self._session() as session:
            row = self._resolve(session, ref)
            if row.format == "tar":
                raise IsADirectoryError(f"{row.name}@{row.version} is a directory: extract() it")
            with self._content(session, row) as file:
                content = file.read()
        if row.format == "file" and row.content_sha256 and hashlib.sha256(content).digest() != bytes(row.content_sha256):
            raise DamagedError(f"{row.name}@{row.version}: its content is not what its digest says")
        return content

    def load(self, ref, imports=None):
        """The object. LookupError: no such model. imports="known" refuses a pickle that asks for more than the usual libraries."""
        with self._session() as session:
            load = self._loader(session, self._resolve(session, ref), imports=imports, cache=imports is None)
        return load()

    def extract(self, ref, folder):
        """Writes the files of a directory into `folder`, which is made; returns its path. A file goes into it under the model's name."""
        with self._session() as session:
            row = self._resolve(session, ref)
            file = self._content(session, row)
        with file:
            pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
            if row.format == "tar":
                _extract(file, folder, row.raw_bytes)
            else:
                with open(pathlib.Path(folder, row.name.split("/")[-1]), "wb") as out:
                    shutil.copyfileobj(file, out)
        return str(folder)

    def load_set(self, event):
        """{name: object} of the live models of an event, all of one moment. [FOLDER/]EVENT: of the names in that folder."""
        folder, _, event = event.rpartition("/")
        with self._session() as session:
            rows = self._rows(session, "is_active AND name IN (SELECT name FROM models WHERE event = %s AND is_active)", (event,))
            live = {row.name: row for row in reversed(rows)}
            loads_of = {name: self._loader(session, row) for name, row in live.items()
                        if row.event == event and row.format != "tar" and name.rpartition("/")[0] == folder}
        return {name: load() for name, load in loads_of.items()}

    def ls(self):
        """A dict for each version: name, version, model_type, event, is_active, is_live, format, raw_bytes, stored_bytes. Reads no payload."""
        with self._session() as session:
            rows = self._rows(session, "1 = 1", ())
        live = {row.name: row.version for row in reversed(rows) if row.is_active}
        return [{**{field: getattr(row, field) for field in _FIELDS[:4]}, "is_active": bool(row.is_active), "is_live": live.get(row.name) == row.version,
                 "format": row.format, "raw_bytes": row.raw_bytes, "stored_bytes": row.size} for row in rows]

    # --- connections

    @contextlib.contextmanager
    def _session(self, write=False):
        """A transaction: committed at the end, rolled back by an error. A reader sees one moment."""
        connection = self._connected(write)
        session = _Session(connection)
        if self.given is not None:
            session.begin(write, own=False)
        try:
            yield session
            connection.commit()
        except BaseException:
            try:
                connection.rollback()
            except Exception:  # it is gone: the next call makes another one
                self.local.kept = None
            raise

    def _connected(self, write):
        """The caller's connection, or ours with its transaction begun: a kept one may be dead, which is noticed here, before anything is done."""
        if self.given is not None:
            return self.given
        kept = getattr(self.local, "kept", None)
        if kept and kept.pid == os.getpid():  # not that of the process that forked us
            with contextlib.suppress(Exception):
                _Session(kept.connection).begin(write, own=True)
                return kept.connection
        self.local.kept = kept = _Kept(_open(self.url))
        _Session(kept.connection).begin(write, own=True)
        return kept.connection

    # --- rows

    def _rows(self, session, where, parameters, limit=None):
        """Rows of models without their payload: by name, the highest version first."""
        columns = session.columns("models")
        if not columns:
            raise LookupError("there is no table models in this database: migrate_models_to_db db upgrade makes it")
        fields = [field if field in columns else "0" if field == "chunk_count" else "NULL" for field in _FIELDS]
        size = "coalesce(stored_bytes, length(model_binary))" if "stored_bytes" in columns else "length(model_binary)"
        mark = "NULL" if session.is_sqlite else "xmin::text || ' ' || ctid::text"
        rows = session.query(f"SELECT {', '.join(fields)}, {size}, {mark} FROM models WHERE {where} ORDER BY name, version DESC"
                             + (f" LIMIT {limit}" if limit else ""), parameters)
        return [_Row(*row) for row in rows]

    def _live(self, session, name):
        return next(iter(self._rows(session, "name = %s AND is_active", (name,), 1)), None)

    def _resolve(self, session, ref):
        """The row of NAME, NAME@live, NAME@latest, NAME@3 or NAME@ALIAS; a model whose whole name is the text comes first."""
        name, _, version = ref.rpartition("@")
        row = self._live(session, ref)
        if row is None and name:
            where, parameters = "name = %s", (name,)
            if re.fullmatch(r"-?\d+", version):
                where, parameters = "name = %s AND version = %s", (name, int(version))
            elif version == "live":
                where = "name = %s AND is_active"
            elif version != "latest":
                if not session.may("SELECT", "model_aliases"):
                    raise LookupError(f"{ref}: no such model")
                where += " AND version = (SELECT version FROM model_aliases WHERE name = %s AND alias = %s)"
                parameters = (name, name, version)
            row = next(iter(self._rows(session, where, parameters, 1)), None)
        if row is None:
            raise LookupError(f"{ref}: no such model, or no active version of it")
        return row

    def _why_not(self, session, name, event, model_type, version):
        """Why no row was found."""
        rows = self._rows(session, "name = %s", (name,), 1000)
        if not rows:
            near = difflib.get_close_matches(name, [found for found, in session.query("SELECT DISTINCT name FROM models LIMIT 10000")], 1)
            return "no model has this name" + (f"; the nearest is {near[0]}" if near else "")
        wanted = (event, model_type)
        near = max(rows, key=lambda row: (version in (None, row.version), (row.event == event) + (row.model_type == model_type), bool(row.is_active)))
        reasons = [f"its {what} is {has!r}, not {want!r}" for what, has, want in zip(("event", "type"), (near.event, near.model_type), wanted) if has != want]
        reasons += ["it is not active"] if not near.is_active else []
        reasons += [f"there is no version {version}"] if version not in (None, near.version) else []
        return f"the nearest row is version {near.version}: {', '.join(reasons)}"

    # --- payloads

    def _content(self, session, row):
        """The content of a row, as a file at its begin: its payload has the digest that is recorded, and was inflated."""
        out, digest = _room(row.size or 0), hashlib.sha256()
        for piece in self._pieces(session, row):
            digest.update(piece)
            out.write(piece)
        if row.stored_sha256 is not None and digest.digest() != bytes(row.stored_sha256):
            raise DamagedError(f"{row.name}@{row.version}: the payload is not the one that was stored: its SHA-256 differs")
        out.seek(0)
        if row.encoding != "gzip":
            return out
        with out:
            return _inflate(out, row.raw_bytes if row.format != "tar" else None)

    def _pieces(self, session, row):
        key = (row.name, row.version)
        if row.chunk_count:
            for seq in range(row.chunk_count):
                piece = session.one("SELECT data FROM model_chunks WHERE name = %s AND version = %s AND seq = %s", (*key, seq))
                if piece is None:
                    raise DamagedError(f"{row.name}@{row.version}: piece {seq} of its payload is missing")
                yield piece[0]
        elif session.is_sqlite:
            yield session.one("SELECT model_binary FROM models WHERE name = %s AND version = %s", key)[0]
        else:
            for start in range(1, (row.size or 0) + 1, PIECE):
                yield session.one("SELECT substring(model_binary FROM %s FOR %s) FROM models WHERE name = %s AND version = %s", (start, PIECE, *key))[0]

    def _loader(self, session, row, cache=True, imports=None):
        """Fetches the payload, unless it is cached; what is returned gives the object, when the transaction is over."""
        if row.format == "tar":
            raise IsADirectoryError(f"{row.name}@{row.version} is a directory: extract() it")
        mark = bytes(row.stored_sha256) if row.stored_sha256 is not None else row.mark
        key = (self.url, row.name, row.version, mark) if cache and mark else None
        found = _cache.get(key) if key else None
        if found:
            return lambda: found[0]
        content = self._content(session, row)

        def load():
            with content:
                model = _unpickle(content, imports)
            if key:
                _cache.put(key, model, row.size or 0)
            return model
        return load

    # --- writing

    def _save(self, models):
        """Stores (pickle, name, event, type) in one transaction; their versions. Who takes one of them meanwhile makes us count again."""
        for attempt in range(SAVE_TRIES):
            try:
                with self._session(write=True) as session:
                    columns = session.columns("models")
                    if not columns:
                        raise LookupError("there is no table models in this database: migrate_models_to_db db upgrade makes it")
                    versions = {i: self._insert(session, columns, *models[i]) for i in sorted(range(len(models)), key=lambda i: models[i][1])}
                return [versions[i] for i in range(len(models))]
            except Exception as error:
                if attempt + 1 == SAVE_TRIES or not _is_race(error):
                    raise
                time.sleep(random.uniform(0, 0.01 * (attempt + 1)))

    @staticmethod
    def _insert(session, columns, data, name, event, model_type):
        held = session.may("SELECT", "model_aliases") and session.one("SELECT 1 FROM model_aliases WHERE name = %s AND alias = 'held'", (name,))
        version = session.one("SELECT coalesce(max(version), 0) + 1 FROM models WHERE name = %s", (name,))[0]
        pieces = [data[at:at + PIECE] for at in range(0, len(data), PIECE)] if len(data) > INLINE_LIMIT and not session.is_sqlite else []
        digest = hashlib.sha256(data).digest()
        row = {"name": name, "version": version, "model_type": model_type, "event": event, "model_binary": b"" if pieces else data,
               "is_active": not held, "content_sha256": digest, "stored_sha256": digest, "raw_bytes": len(data), "stored_bytes": len(data),
               "format": "file", "encoding": "identity", "chunk_count": len(pieces)}
        row = {column: value for column, value in row.items() if column in columns}
        now = "strftime('%Y-%m-%d %H:%M:%f000', 'now')" if session.is_sqlite else "CURRENT_TIMESTAMP"
        created = (", created_at", f", {now}") if "created_at" in columns else ("", "")  # an ORM's table has no default for it
        session.query(f"INSERT INTO models ({', '.join(row)}{created[0]}) VALUES ({', '.join(['%s'] * len(row))}{created[1]})", tuple(row.values()))
        for seq, piece in enumerate(pieces):
            session.query("INSERT INTO model_chunks (name, version, seq, data, sha256) VALUES (%s, %s, %s, %s, %s)",
                          (name, version, seq, piece, hashlib.sha256(piece).digest()))
        return version

    def _deactivate(self, name, event, model_type, version):
        with self._session(write=True) as session:
            row = session.one("SELECT is_active FROM models WHERE name = %s AND event = %s AND model_type = %s AND version = %s"
                              + ("" if session.is_sqlite else " FOR UPDATE"), (name, event, model_type, version))
            if row and row[0]:
                was = self._live(session, name)
                session.query("UPDATE models SET is_active = %s WHERE name = %s AND version = %s", (False, name, version))
                now = self._live(session, name)
                if session.may("INSERT", "model_events"):
                    actor = f"{getpass.getuser()}@{socket.gethostname()}"
                    session.query("INSERT INTO model_events (change_id, action, name, version, was_live, now_live, actor) VALUES (%s, %s, %s, %s, %s, %s, %s)",
                                  (str(uuid.uuid4()), "deactivate", name, version, was.version, now.version if now else None, actor))
            return row is not None


def _is_race(error):
    """Whether another program's transaction was in the way of ours."""
    code = getattr(error, "pgcode", None) or getattr(error, "sqlstate", None)
    return code in ("23505", "40001", "40P01") or isinstance(error, sqlite3.IntegrityError) and "UNIQUE" in str(error)


# --- the functions of utils.db.model_db_util

def _store():
    if not _default:
        _default.append(Store(_settings["url"], _settings["connection"]))
    return _default[0]


def save_model_to_db(model_obj, name, event, model_type):
    """Stores the object as the next version of the name, live unless the name is held: (True, version), or (False, None) and a line in the log."""
    success, versions = save_models_to_db([(model_obj, name, event, model_type)])
    return success, versions[0] if success else None


def save_models_to_db(models):
    """Stores [(object, name, event, type), …] in one transaction, so that readers see all new versions or none: (True, [version, …]) or (False, None)."""
    names = ", ".join(str(name) for _, name, _, _ in models)
    try:
        versions = _store()._save([(pickle.dumps(model), name, event, model_type) for model, name, event, model_type in models])
    except Exception as error:
        log.error("%s: not saved: %s", names, error)
        return False, None
    log.info("%s: saved as version %s", names, ", ".join(map(str, versions)))
    return True, versions


def load_model_from_db(name, event, model_type, version=None, cache=True):
    """The latest active version, or that version if it is active, as (object, version); (None, None) and a line in the log when there is none.

    The object is shared by all who load the same version; cache=False gives one of your own. With configure(models_dir=) a model that the
    store does not have, or not while it is away, is loaded from <models_dir>/<name>.joblib: (object, None)."""
    try:
        store = _store()
        with store._session() as session:
            where = "name = %s AND event = %s AND model_type = %s AND is_active" + (" AND version = %s" if version is not None else "")
            rows = store._rows(session, where, (name, event, model_type) + ((version,) if version is not None else ()), 1)
            load = store._loader(session, rows[0], cache) if rows else None
            if load is None:
                log.warning("%s (event %s, type %s): not found: %s", name, event, model_type, store._why_not(session, name, event, model_type, version))
        if load is not None:
            return load(), rows[0].version
    except Exception as error:
        log.error("%s: not loaded: %s", name, error)
    return _load_from_folder(name) if version is None else (None, None)


def _load_from_folder(name):
    path = pathlib.Path(_settings["models_dir"], name + ".joblib") if _settings["models_dir"] else None
    if path is None or not path.is_file():
        return None, None
    try:
        with open(path, "rb") as file:
            model = _unpickle(file)
    except Exception as error:
        log.error("%s: not loaded: %s", path, error)
        return None, None
    log.warning("%s: loaded from %s", name, path)
    return model, None


def load_models_from_db(event, model_type):
    """A model and its vectorizer, both live at one moment, as predict.py pairs them: (None, None) unless both are there."""
    base = event.lower().replace(" ", "_")
    names = (f"{base}_{model_type}", f"{base}_tfidf_vectorizer_{model_type.replace('classifier_', '')}")
    try:
        store = _store()
        with store._session() as session:
            rows = [store._live(session, name) for name in names]
            for name, row in zip(names, rows):
                if row is None:
                    log.warning("%s: not found, so its pair is not loaded", name)
            pair = [store._loader(session, row) for row in rows] if all(rows) else []
        return tuple(load() for load in pair) or (None, None)
    except Exception as error:
        log.error("%s: not loaded: %s", " and ".join(names), error)
        return None, None


def load_set(event):
    """{name: object} of the live models of an event, all of one moment."""
    return _store().load_set(event)


def get_next_version(name):
    """The highest version of the name, active or not, plus 1."""
    with _store()._session() as session:
        return session.one("SELECT coalesce(max(version), 0) + 1 FROM models WHERE name = %s", (name,))[0]


def get_latest_model_version(name, event, model_type):
    """The latest active version, None when there is none."""
    with _store()._session() as session:
        return session.one("SELECT max(version) FROM models WHERE name = %s AND event = %s AND model_type = %s AND is_active", (name, event, model_type))[0]


def deactivate_model(name, event, model_type, version):
    """Takes a version out of use: True also when it was inactive, False when there is no such row. Leaves a name with none live if you say so."""
    try:
        found = _store()._deactivate(name, event, model_type, version)
    except Exception as error:
        log.error("%s version %s: not deactivated: %s", name, version, error)
        return False
    if not found:
        log.warning("%s version %s (event %s, type %s): not found", name, version, event, model_type)
    return found


# --- models of result_versions

def _versions_table(session):
    """The table, quoted, and its columns."""
    parts = [_settings["table"]] if session.is_sqlite or not _settings["schema"] else [_settings["schema"], _settings["table"]]
    table = ".".join('"' + part.replace('"', '""') + '"' for part in parts)
    return table, session.columns(table)


def save_model_to_version(version_id, model_directory):
    """Stores the files of a folder in model_data of that row, as a tar.gz with its members at the root.

    FileNotFoundError: no such folder. LookupError: no row has this id, or the table no column model_data."""
    folder = pathlib.Path(model_directory)
    if not folder.is_dir():
        raise FileNotFoundError(f"Model directory not found: {model_directory}")
    data = _tar_of(folder)
    with _store()._session(write=True) as session:
        _put_version(session, *_versions_table(session), version_id, data)
    print(f"  Model compressed to {len(data) / (1 << 20):.2f} MB and saved to database")


def _tar_of(folder):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for item in sorted(folder.iterdir()):
            tar.add(item, arcname=item.name)
    return buffer.getvalue()


def _require_column(table, columns):
    if "model_data" not in columns:
        raise LookupError(f"{table} has no column model_data: ALTER TABLE {table} ADD COLUMN IF NOT EXISTS model_data BYTEA")


def _put_version(session, table, columns, version_id, data):
    _require_column(table, columns)
    stamp = ", updated_at = CURRENT_TIMESTAMP" if "updated_at" in columns else ""
    session.query(f"UPDATE {table} SET model_data = %s{stamp} WHERE id = %s", (data, str(version_id)))
    if session.cursor.rowcount != 1:
        raise LookupError(f"no row of {table} has the id {version_id}: the model is not in the database")


def _files_of(data):
    """{path: SHA-256} of the files in a stored tar: directories, owners and times do not make it another model."""
    file = _inflate(io.BytesIO(data)) if data[:2] == b"\x1f\x8b" else io.BytesIO(data)
    with tarfile.open(fileobj=file, mode="r:") as tar:
        return {str(pathlib.PurePosixPath(member.name)): hashlib.sha256(tar.extractfile(member).read()).digest() for member in tar if member.isreg()}


def save_folders_to_versions(models_dir="models", on_change="fail", old_bytes="overwritten.csv"):
    """Fills model_data from the folders bertopic_model_<first 8 of the id> of models_dir that are only on the disk: {folder: what was done}.

    filled       the row had none
    same         the row has these files, whoever packed them
    conflict     the row has other ones; on_change="skip": skipped; on_change="overwrite": overwritten, and what was there is appended to
                 the file old_bytes first, as a line of CSV: id, SHA-256, bytes in hex
    no row, two rows   that have an id with this beginning
    Each folder is a transaction of its own; running it again is safe."""
    if on_change not in ("fail", "skip", "overwrite"):
        raise ValueError('on_change is "fail", "skip" or "overwrite"')
    if not pathlib.Path(models_dir).is_dir():
        raise FileNotFoundError(f"Model directory not found: {models_dir}")
    folders = [path for path in sorted(pathlib.Path(models_dir).iterdir()) if re.fullmatch("bertopic_model_[0-9a-f]{8}", path.name) and path.is_dir()]
    return {folder.name: _save_folder(folder, on_change, old_bytes) for folder in folders}


def _save_folder(folder, on_change, old_bytes):
    data, start = _tar_of(folder), folder.name[-8:]
    with _store()._session(write=True) as session:
        table, columns = _versions_table(session)
        _require_column(table, columns)
        rows = session.query(f"SELECT id, model_data FROM {table} WHERE id >= %s AND id <= %s" + ("" if session.is_sqlite else " FOR UPDATE"),
                             (f"{start}-0000-0000-0000-000000000000", f"{start}-ffff-ffff-ffff-ffffffffffff"))
        if len(rows) != 1:
            return "two rows" if rows else "no row"
        version_id, old = rows[0][0], bytes(rows[0][1] or b"")
        if old and _files_of(old) == _files_of(data):
            return "same"
        if old and on_change != "overwrite":
            return "conflict" if on_change == "fail" else "skipped"
        if old:
            with open(old_bytes, "a", encoding="ascii") as file:
                file.write(f"{version_id},{hashlib.sha256(old).hexdigest()},\\x{old.hex()}\n")
                file.flush()
                os.fsync(file.fileno())
        _put_version(session, table, columns, version_id, data)
    return "overwritten" if old else "filled"


def _version_data(version_id):
    with _store()._session() as session:
        table, columns = _versions_table(session)
        row = session.one(f"SELECT model_data FROM {table} WHERE id = %s", (str(version_id),)) if "model_data" in columns else None
        return bytes(row[0]) if row and row[0] else None


def get_model_from_version(version_id, extract_to):
    """Writes the stored folder into `extract_to`, which is made, and returns its path; None for no row, NULL, an empty value, or no such column."""
    data = _version_data(version_id)
    if data is None:
        return None
    pathlib.Path(extract_to).mkdir(parents=True, exist_ok=True)
    _extract(_inflate(io.BytesIO(data)) if data[:2] == b"\x1f\x8b" else io.BytesIO(data), extract_to)
    return str(extract_to)


def get_version_digest(version_id):
    """SHA-256 of what is stored for the version, in hex, to key a cache by; None where get_model_from_version gives None."""
    with _store()._session() as session:
        table, columns = _versions_table(session)
        what = "encode(sha256(model_data), 'hex')" if not session.is_sqlite else "model_data"
        row = session.one(f"SELECT {what} FROM {table} WHERE id = %s AND length(model_data) > 0", (str(version_id),)) if "model_data" in columns else None
        return None if row is None else hashlib.sha256(row[0]).hexdigest() if session.is_sqlite else row[0]


@functools.lru_cache(maxsize=8)
def _version_folder(version_id, digest):
    """A temporary folder with the stored model. It goes when it is no longer among the last eight, or with the process."""
    del digest  # part of the key
    folder = tempfile.TemporaryDirectory(prefix=f"bertopic_model_{version_id[:8]}-")
    get_model_from_version(version_id, folder.name)
    return folder


def load_bertopic(version_id, models_dir="models"):
    """The folder to give to BERTopic.load: what the database has, else models_dir/bertopic_model_<first 8 of the id>, else models_dir/bertopic_model,
    else None. The folder of the database's model is temporary: load the model before you ask for eight others."""
    version_id = str(version_id)
    try:
        digest = get_version_digest(version_id)
        if digest:
            return _version_folder(version_id, digest).name
    except Exception as error:
        log.warning("%s: not loaded from the database: %s", version_id, error)
    for name in (f"bertopic_model_{version_id[:8]}", "bertopic_model"):
        if pathlib.Path(models_dir, name).exists():
            return str(pathlib.Path(models_dir, name))
    log.warning("%s: neither the database nor %s has its model", version_id, models_dir)
    return None
