"""The store in one file: which file it is, who makes it, what is said about it, and how other programs read and write it."""

import os
import pathlib
import shutil
import sqlite3
import stat
import subprocess
import tempfile
import unittest

from harness import NO_LIBPQ, NOBODY, PROGRAM, ROOT, CliCase, samples, wait_until
from stores import DISK, RAM_DISK, Sqlite

PARTNERSHIPS = "partnerships_classifier_binary"


class FileCase(CliCase):
    """A working directory (self.base) with a tree ./models and nothing that names a database."""

    kind, place = Sqlite, DISK

    def setUp(self):
        super().setUp()
        self.file = self.base / "models.db"
        self.url = f"sqlite:///{self.file}"

    def do(self, *words, code=0, env=None, **options):
        """The program as a user calls it in this folder."""
        result = self.call([PROGRAM, *map(str, words)], cwd=self.base, env={**NO_LIBPQ, "HOME": str(self.base / "home"), "XDG_STATE_HOME": None, **(env or {})},
                           **options)
        self.assertEqual(result.code, code, result.all())
        return result

    def count(self, file=None):
        return self.query("SELECT count(*) FROM models", url=f"sqlite:///{file or self.file}")[0][0]


class Default(FileCase):
    """No database is named."""

    def setUp(self):
        super().setUp()
        self.write_some(3)

    def test_first_run_makes_it_and_says_so(self):
        for words in ([], ["-q"], ["run", "-q", "--json"]):
            self.file.unlink(missing_ok=True)
            result = self.do(*words, umask=0)
            self.assertIn("warning: no database is named; the store is ./models.db, which is new\n", result.err)
            self.assertEqual(result.err.count("\n"), 1)
            self.assertEqual((self.count(), stat.S_IMODE(self.file.stat().st_mode)), (3, 0o600))
        self.assertEqual([p.name for p in self.base.glob("models.db*")], ["models.db"])

    def test_later_commands_say_which_it_is(self):
        self.do()
        for words in (["run", "-q"], ["check", "-q"], ["get", "event0_regression", "out"], ["cleanup", "-q"], ["db", "current"], ["run", "-n"], ["db", "upgrade"]):
            self.assertEqual(self.do(*words).err, "warning: no database is named; the store is ./models.db\n", words)

    def test_a_named_one_is_not_told_about(self):
        other = self.base / "other.sqlite3"
        self.assertEqual(self.do("-d", other).err, f"warning: {other} is new\n")
        self.assertEqual(self.do("-d", other).err, "")
        for name in ("MIGRATE_MODELS_DATABASE_URL", "DATABASE_URL"):
            self.assertEqual(self.do(env={name: f"sqlite:///{other}"}).err, "")
        self.assertFalse(self.file.exists())

    def test_a_server_in_the_environment_goes_before_it(self):
        self.do("--retries", "0", env={"PGHOST": str(self.base), "PGDATABASE": "x"}, code=5)
        self.assertFalse(self.file.exists())

    def test_commands_that_read_make_nothing(self):
        for words in (["check"], ["cleanup"], ["get", "x"], ["db", "current"]):
            result = self.do(*words, code=2)
            self.assertIn("no database is named, and ./models.db is not there", result.err)
            for word in ("-d postgresql://", "MIGRATE_MODELS_DATABASE_URL", "db upgrade"):
                self.assertIn(word, result.err)
            result = self.do(*words, "-d", "nowhere.db", code=2)
            self.assertIn("nowhere.db is not there", result.err)
            self.assertIn("db upgrade -d 'nowhere.db'", result.err)
        self.assertEqual(list(self.base.glob("*.db*")), [])
        self.assertFalse((self.base / "home").exists())

    def test_dry_run_plans_and_makes_nothing(self):
        plan = self.do("-n", "--json")
        self.assertEqual((plan.summary()["new"], plan.summary()["conflict"]), (3, 0))
        self.assertEqual(plan.err, "warning: no database is named; the store is ./models.db, which is not there yet\n")
        self.assertEqual(sorted(p.name for p in self.base.iterdir()), ["models"])
        done = self.do("--json")
        self.assertEqual(done.summary()["stored_bytes"], plan.summary()["stored_bytes"])

    def test_db_upgrade_and_restore_make_it(self):
        self.assertIn("which is new", self.do("db", "upgrade").err)
        self.assertEqual(self.count(), 0)
        self.file.unlink()
        self.do("-d", "first.db")
        backups = next((self.base / "home").glob(".local/state/*/*/backups"))
        self.assertIn("which is new", self.do("restore", backups).err)
        self.assertEqual(self.count(), 3)
        self.do("check")

    def test_mistakes_before_it_is_made(self):
        for words in (["nowhere/"], ["--frobnicate"], ["-d", "no/folder/x.db"], ["-d", "sqlite://"], ["-d", "sqlite:///:memory:"], ["-d", ":memory:"],
                      ["-d", "sqlite://host/x.db"], ["-d", "x.db?frob=1"]):
            self.do("run", *words, code=2)
        self.assertEqual(sorted(p.name for p in self.base.iterdir() if p.name != "home"), ["models"])

    def test_backup_that_is_not_there_makes_none(self):
        self.assertIn("nowhere", self.do("restore", "nowhere", code=2).err)
        self.assertFalse(self.file.exists())

    def test_state_dir_is_needed_before_it_is_made(self):
        self.do(code=2, env={"HOME": None})
        self.assertFalse(self.file.exists())

    def test_empty_file_is_a_new_one(self):
        """Somebody touched it, or a run was killed as it made it."""
        self.file.touch()
        self.do()
        self.assertEqual(self.count(), 3)

    def make_first_revision(self):
        """The file as it is between two revisions."""
        self.do("db", "upgrade", "-d", "other.db")
        script = next((ROOT / "sql" / "sqlite").rglob("0001_*.sql")).read_text().split("-- upgrade")[1].split("-- downgrade")[0]
        with sqlite3.connect(self.base / "other.db") as other, sqlite3.connect(self.file) as file:
            ledger, = other.execute("SELECT sql FROM sqlite_master WHERE name = 'migrate_models_revisions'").fetchone()
            file.executescript(f"{ledger};{script}")
            file.execute("INSERT INTO migrate_models_revisions (revision, slug, checksum) VALUES (?, ?, ?)",
                         other.execute("SELECT revision, slug, checksum FROM migrate_models_revisions WHERE revision = '0001'").fetchone())

    def test_first_revision_without_a_row_is_brought_to_head(self):
        """A run was killed between two revisions."""
        self.make_first_revision()
        self.do()
        self.assertEqual(self.count(), 3)

    def test_first_revision_with_a_row_is_not_brought_to_head_unasked(self):
        self.make_first_revision()
        self.query("INSERT INTO models (name, version, model_type, event, model_binary) VALUES ('mine', 1, 'model', 'mine', %s)", (b"mine",))
        self.assertIn("db upgrade", self.do(code=10).err)
        self.do("--upgrade")
        self.assertEqual(self.count(), 4)

    def test_database_of_another_program_is_not_filled_unasked(self):
        with sqlite3.connect(self.file) as connection:
            connection.execute("CREATE TABLE theirs (x)")
        result = self.do(code=10)
        self.assertIn("db upgrade", result.err)
        self.do("--upgrade")
        self.assertEqual(self.count(), 3)
        self.assertEqual(self.query("SELECT count(*) FROM theirs"), [(0,)])


class Addresses(FileCase):
    def setUp(self):
        super().setUp()
        self.write_some(2)

    def test_forms(self):
        for url, name in [("a.db", "a.db"), ("./b.sqlite", "b.sqlite"), ("c.sqlite3", "c.sqlite3"), ("sqlite:///d.db", "d.db"), (f"sqlite:///{self.base}/e.db", "e.db"),
                          ("sqlite+pysqlite:///f.db", "f.db"), (str(self.base / "g.db"), "g.db"), ("sqlite:///with%20blank.db", "with blank.db"),
                          ("sqlite:///no_ending", "no_ending"), ("sub/../h.db", "h.db")]:
            with self.subTest(url):
                (self.base / "sub").mkdir(exist_ok=True)
                self.do("-d", url)
                self.assertEqual(self.count(self.base / name), 2)
        self.assertFalse(self.file.exists())

    def test_one_file_by_several_names_is_one_store(self):
        self.do()
        (self.base / "link.db").symlink_to("models.db")
        for url in ("models.db", f"sqlite:///{self.base}/models.db", "models/../models.db", "link.db"):
            summary = self.do("-d", url, "--json").summary()
            self.assertEqual((summary["unchanged"], summary["read_bytes"]), (2, 0), url)
        states = list((self.base / "home/.local/state/migrate_models_to_db").iterdir())
        self.assertEqual(len(states), 1, states)
        self.assertRegex(states[0].name, r"^sqlite-models\.db-[0-9a-f]{8}$")

    def test_same_name_in_another_folder_is_another_store(self):
        self.do()
        (self.base / "sub").mkdir()
        self.do("-d", "sub/models.db")
        self.assertEqual(len(list((self.base / "home/.local/state/migrate_models_to_db").iterdir())), 2)

    def test_another_file_under_the_same_name(self):
        """Its journal goes aside: what it knows is of another store."""
        self.do()
        self.file.rename(self.base / "aside.db")
        self.assertEqual(self.do("--json").summary()["new"], 2)
        (self.base / "aside.db").replace(self.file)
        self.assertEqual(self.do("--json").summary()["new"], 0)

    def test_read_only_address(self):
        self.do()
        for mode in ("mode=ro", "immutable=1"):
            url = f"sqlite:///models.db?{mode}"
            self.do("check", "--exclude", "later*", "-d", url)
            self.do("get", "event0_regression", f"out-{mode}", "-d", url)
            self.do("run", "-n", "-d", url)
            self.write("later_model.joblib", mode.encode() * 100)
            self.do("-d", url, code=1)
            self.do("-d", f"sqlite:///new.db?{mode}", code=2)
        self.assertEqual(self.count(), 2)

    def test_wal(self):
        """Made so by ?journal=wal; a file that is so stays so."""
        self.do("-d", "sqlite:///models.db?journal=wal")
        self.write("later_model.joblib", b"later" * 100)
        self.do("-d", "models.db")
        self.assertEqual(self.query("PRAGMA journal_mode"), [("wal",)])
        self.assertEqual(self.count(), 3)
        self.do("check")


class Trouble(FileCase):
    def setUp(self):
        super().setUp()
        self.write_some(4)
        self.do()
        self.write("later_model.joblib", b"later " * 100)

    def test_no_database(self):
        for data in (b"no database " * 1000, b"\0" * 100_000, samples().joinpath(f"{PARTNERSHIPS}.joblib").read_bytes()):
            self.file.write_bytes(data)
            for words in (["run"], ["check"], ["db", "upgrade"], ["get", "x"]):
                result = self.do(*words, code=1)
                self.assertIn("models.db", result.err)
                self.assertIn("no SQLite database", result.err)
            self.assertEqual(self.file.read_bytes(), data)

    def test_damaged(self):
        data = bytearray(self.file.read_bytes())
        for at in range(100, len(data), 4096):
            data[at:at + 2000] = b"\xa5" * len(data[at:at + 2000])
        self.file.write_bytes(data)
        for words in (["check"], ["run"], ["run", "-n"]):
            result = self.do(*words, code=1)
            self.assertIn("models.db", result.err)
            self.assertIn("backups", result.err)
        backups = next((self.base / "home").glob(".local/state/*/*/backups"))
        self.do("restore", "-d", "again.db", backups)
        self.assertEqual(self.count(self.base / "again.db"), 4)

    def test_cut_short(self):
        os.truncate(self.file, self.file.stat().st_size // 2)
        result = self.do("check", "--download", code=1)
        self.assertIn("models.db", result.err)

    def test_newer_version(self):
        with sqlite3.connect(self.file) as connection:
            connection.execute("INSERT INTO migrate_models_revisions (revision, slug, checksum) VALUES ('9999', 'later', 'x')")
            connection.execute("PRAGMA user_version = 9999")
        before = self.file.read_bytes()
        for words in (["run"], ["run", "-n"], ["check"], ["db", "upgrade"]):
            self.assertIn("9999", self.do(*words, code=10).err)
        self.assertEqual(self.file.read_bytes(), before)

    @unittest.skipUnless(NOBODY, "only root can be somebody else")
    def test_who_may_not(self):
        """The rights of the file and of its folder, for a user who is not root."""
        home = self.base / "home"
        self.base.chmod(0o755)
        self.call(["chmod", "-R", "a+rX", self.tree])
        self.call(["chown", "-R", "65534:65534", home])
        self.file.chmod(0o644)
        nobody = lambda *words: self.call([*NOBODY, PROGRAM, *words], cwd=self.base, env={**NO_LIBPQ, "HOME": str(home), "XDG_STATE_HOME": None})
        self.assertIn(nobody("check", "--one-way").code, (0, 4))
        self.assertEqual(nobody("run", "-n").code, 0)
        result = nobody("run")
        self.assertEqual(result.code, 1, result.all())
        self.assertIn("models.db", result.err)
        self.assertIn("writable", result.err)
        self.file.chmod(0o666)  # the folder may not be written: no place for the journal
        result = nobody("run")
        self.assertEqual(result.code, 1, result.all())
        self.assertIn("writable", result.err)
        self.file.chmod(0o600)
        result = nobody("check")
        self.assertEqual(result.code, 1, result.all())
        self.assertIn("readable", result.err)
        self.assertEqual(self.count(), 4)

    def test_locked_by_another_program(self):
        holder = sqlite3.connect(self.file, isolation_level=None)
        self.addCleanup(holder.close)
        holder.execute("BEGIN EXCLUSIVE")
        result = self.do("run", "--lock-timeout", "1s", "--retries", "1", code=5)
        self.assertIn("models.db", result.err)
        self.assertIn("another program is writing", result.err)
        self.assertIn("trying again", result.err)
        self.assertEqual(self.do("check", "--lock-timeout", "1s", "--retries", "0", code=5).out, "")
        holder.execute("ROLLBACK")
        self.assertEqual(self.do("--json").summary()["new"], 1)

    def test_lock_that_is_given_back_is_waited_for(self):
        holder = sqlite3.connect(self.file, isolation_level=None)
        self.addCleanup(holder.close)
        holder.execute("BEGIN IMMEDIATE")
        process = self.spawn("--lock-timeout", "60s", "-vv")
        wait_until(lambda: "migrate_models" in pathlib.Path(f"/proc/{process.pid}/comm").read_text())
        holder.execute("COMMIT")
        self.assertEqual(self.finish(process).code, 0)
        self.assertEqual(self.count(), 5)

    def test_signal_ends_the_wait(self):
        holder = sqlite3.connect(self.file, isolation_level=None)
        self.addCleanup(holder.close)
        holder.execute("BEGIN EXCLUSIVE")
        process = self.spawn("-v", "--lock-timeout", "1s", "--retries", "1000")
        self.assertIn(b"trying again", process.stderr.readline())
        process.terminate()
        result = self.finish(process, timeout=20)
        self.assertEqual(result.code, 143, result.err)

    def test_foreign_trigger_is_refused(self):
        with sqlite3.connect(self.file) as connection:
            connection.execute("CREATE TRIGGER spy AFTER INSERT ON model_rows BEGIN DELETE FROM model_runs; END")
        result = self.do(code=10)
        self.assertIn("spy", result.err)
        self.assertEqual(self.count(), 4)

    def test_foreign_trigger_on_the_ledger_is_refused(self):
        with sqlite3.connect(self.file) as connection:
            connection.execute("CREATE TRIGGER spy AFTER INSERT ON migrate_models_revisions BEGIN DELETE FROM model_rows; END")
        self.assertIn("spy", self.do(code=10).err)
        self.assertEqual(self.count(), 4)

    def test_pipes_beside_the_file_are_not_waited_for(self):
        for ending in ("-journal", "-wal"):
            pipe = self.base / f"models.db{ending}"
            os.mkfifo(pipe)
            for words in (["run"], ["check"]):
                self.assertIn(f"models.db{ending} is no regular file", self.do(*words, code=2).err)
            pipe.unlink()

    def test_what_stands_beside_a_file_without_locks_is_not_passed_over(self):
        for ending in ("-journal", "-wal"):
            beside = self.base / f"models.db{ending}"
            beside.touch()
            self.do("check", "--one-way", "-d", "sqlite:///models.db?immutable=1", code=4)
            beside.write_bytes(b"pages")
            for words in (["check"], ["get", "x"], ["run", "-n"]):
                self.assertIn(f"models.db{ending} stands beside it", self.do(*words, "-d", "sqlite:///models.db?immutable=1", code=1).err)
            beside.unlink()

    def test_file_without_locks_is_no_proof(self):
        """immutable=1 reads the pages as they are, whatever another program has taken back in a journal beside them."""
        self.do()
        result = self.do("cleanup", "--plan", "plan.csv", "--json", "-d", "sqlite:///models.db?immutable=1")
        self.assertEqual((result.summary()["can_go"], result.summary()["must_stay"]), (0, 5), result.all())
        self.assertIn("immutable=1", result.out)

    def test_file_inside_of_a_model_is_no_store(self):
        """The model would hold itself, and whoever opened the file to read it would give up the locks on it."""
        self.write("bert/MLmodel", b"x")
        for words in (("run",), ("check",), ("cleanup", "--plan", "plan.csv"), ("run", "-n")):
            result = self.do(*words, "-d", self.tree / "bert/models.db", code=2)
            self.assertIn("is in the model bert", result.err)
            shutil.copy(self.file, self.tree / "bert/models.db")

    def test_copy_of_the_file_is_the_same_store(self):
        """A plan made on one applies on the other."""
        self.do()
        self.do("cleanup", "--plan", "plan.csv")
        shutil.copy(self.file, self.base / "copy.db")
        self.file.unlink()
        (self.base / "copy.db").rename(self.file)
        self.do("cleanup", "--apply", "plan.csv", "--yes")
        self.assertEqual([p for p in self.tree.rglob("*") if p.is_file()], [])

    @unittest.skipUnless(os.access(RAM_DISK, os.W_OK), "no file system in memory")
    def test_file_in_memory_is_no_proof(self):
        with tempfile.TemporaryDirectory(prefix="cli-", dir=RAM_DISK) as folder:
            url = f"sqlite:///{folder}/models.db"
            self.do("run", "-d", url)
            result = self.do("cleanup", "--plan", "plan.csv", "--json", "-d", url)
            self.assertEqual((result.summary()["can_go"], result.summary()["must_stay"]), (0, 5), result.all())
            self.assertIn("on a file system in memory", result.out)
            with open(self.base / "plan.csv") as file:
                plan = file.read().replace('"keep"', '"delete"')
            (self.base / "plan.csv").write_text(plan)
            self.assertIn("on a file system in memory", self.do("cleanup", "--apply", "plan.csv", "--yes", "-d", url, code=1).err)
        self.assertEqual(len([p for p in self.tree.rglob("*") if p.is_file()]), 5)

    def test_file_in_the_layer_of_a_container_is_warned_of(self):
        """Whether it is kept cannot be seen from the inside."""
        parts = self.base / "parts"
        parts.mkdir()
        for kind, options, folder in (("tmpfs", "size=8m", parts), ("overlay", f"lowerdir={parts}/lower,upperdir={parts}/upper,workdir={parts}/work", parts / "all")):
            if subprocess.run(["mount", "-t", kind, "-o", options, "none", folder], capture_output=True, check=False).returncode != 0:
                self.skipTest("no right to mount, or no overlay file system")
            self.addCleanup(subprocess.run, ["umount", "-l", folder], capture_output=True, check=False)
            for name in ("lower", "upper", "work", "all") if kind == "tmpfs" else ():
                (parts / name).mkdir()
        url = f"sqlite:///{parts}/all/models.db"
        self.do("run", "-d", url)
        for words in (["cleanup", "--plan", "plan.csv"], ["check"]):
            self.assertIn("is on an overlay file system", self.do(*words, "-d", url).err)
        self.assertEqual(self.do("check", "-q", "-d", url).err, "")

    def test_plan_of_another_file_is_refused(self):
        self.do()
        self.do("cleanup", "--plan", "plan.csv")
        self.file.rename(self.base / "aside.db")
        self.do()
        result = self.do("cleanup", "--apply", "plan.csv", "--yes", code=1)
        self.assertEqual(len([p for p in self.tree.rglob("*") if p.is_file()]), 5, result.err)


class Opens(FileCase):
    """What else opens the file."""

    def setUp(self):
        super().setUp()
        self.write_some(2)
        self.do()

    @unittest.skipUnless(shutil.which("sqlite3"), "needs the sqlite3 shell; scripts/install-deps does it")
    def test_shell(self):
        ask = lambda sql: subprocess.run(["sqlite3", self.file, sql], capture_output=True, text=True, check=True).stdout
        self.assertEqual(ask("PRAGMA integrity_check; PRAGMA foreign_key_check"), "ok\n")
        self.assertEqual(ask("SELECT name, version, length(model_binary) = stored_bytes FROM models ORDER BY 1"), "event0_regression|1|1\nevent1_regression|1|1\n")
        self.assertEqual(ask("PRAGMA application_id"), f"{0x4D4D4442}\n")
        dump = ask(".dump")
        copy = self.base / "dumped.db"
        subprocess.run(["sqlite3", copy], input=dump, text=True, check=True, capture_output=True)
        self.assertEqual(self.count(copy), 2)

    def test_it_is_kept_to_what_old_releases_read(self):
        """No STRICT, no generated column, no WITHOUT ROWID: SQLite 3.26 opens it."""
        for name, sql in self.query("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"):
            self.assertNotRegex(sql.upper(), r"\bSTRICT\b|\bGENERATED\b|\bWITHOUT\s+ROWID\b|\bRETURNING\b", name)
            self.assertNotRegex(sql.upper(), r"\bIIF\(|->>|\bUNIXEPOCH\b", name)

    def test_threads_of_python(self):
        """A reader that keeps its connection sees what later runs store."""
        reader = sqlite3.connect(self.file)
        self.addCleanup(reader.close)
        self.assertEqual(reader.execute("SELECT count(*) FROM latest_models").fetchone(), (2,))
        self.write("later_model.joblib", b"later" * 100)
        self.do()
        self.assertEqual(reader.execute("SELECT count(*) FROM latest_models").fetchone(), (3,))


if __name__ == "__main__":
    unittest.main()
