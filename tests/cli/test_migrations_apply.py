"""A database brought up and back by a folder of revisions: db upgrade, downgrade, current, check, stamp, repair."""

import importlib.util
import os
import pathlib
import subprocess
import sys
import unittest

from harness import PROGRAM, CliCase
from stores import Postgres, Sqlite, on_both

TABLES = "CREATE TABLE config (id integer PRIMARY KEY, kind varchar(50) NOT NULL);\nCREATE TABLE metric (id integer PRIMARY KEY, config_id integer NOT NULL REFERENCES config (id));\n"
SHOUT = """ALTER TABLE config ADD COLUMN temp_field varchar(100);
UPDATE config SET temp_field = UPPER(kind);
ALTER TABLE config DROP COLUMN kind;
ALTER TABLE config RENAME COLUMN temp_field TO kind;
"""
WHISPER = """ALTER TABLE config RENAME COLUMN kind TO temp_field;
ALTER TABLE config ADD COLUMN kind varchar(50);
UPDATE config SET kind = LOWER(temp_field);
ALTER TABLE config DROP COLUMN temp_field;
"""


class Folder(CliCase):
    def setUp(self):
        super().setUp()
        self.revisions = self.base / "migrations"
        self.revisions.mkdir()

    def put(self, revision, parents, up, down=None, head=""):
        path = self.revisions / f"{revision}_step.sql"
        path.write_text(f"-- revision: {revision}\n-- down_revision: {parents}\n{head}{up}" + ("" if down is None else f"/* downgrade\n{down}*/\n"))
        return path

    def three(self):
        self.put("0001", "none", TABLES, "DROP TABLE metric;\nDROP TABLE config;\n")
        self.put("0002", "0001", SHOUT, WHISPER)
        self.put("0003", "0002", "CREATE INDEX metric_config ON metric (config_id);\n", "DROP INDEX metric_config;\n")

    def team(self, *words, code=0, **options):
        result = self.db(*words, "--migrations", str(self.revisions), **options)
        self.assertEqual(result.code, code, result.all())
        return result.out if code == 0 else result.err

    def heads(self):
        return [id for id, in self.query("SELECT version_num FROM alembic_version ORDER BY 1")]


@on_both
class UpAndBack(Folder):
    def test_up_down_up_on_filled_tables(self):
        self.three()
        self.assertEqual(self.team("current"), "base\n")
        self.assertEqual(self.team("upgrade", "0001"), "applied 0001 (step)\n")
        self.query("INSERT INTO config (id, kind) VALUES (1, 'forest')")
        self.query("INSERT INTO metric (id, config_id) VALUES (7, 1)")
        self.assertEqual(self.team("upgrade"), "applied 0002 (step)\napplied 0003 (step)\n")
        self.assertEqual(self.query("SELECT kind FROM config"), [("FOREST",)])
        self.assertEqual(self.team("current"), "0003 (head)\n")
        self.assertEqual(self.team("upgrade"), "nothing to do: the schema is at head\n")
        self.assertEqual(self.team("check"), "nothing to do: the schema is at head\n")
        self.assertEqual(self.team("downgrade"), "undone 0003 (step)\n")
        self.assertEqual(self.team("downgrade", "0001"), "undone 0002 (step)\n")
        self.assertEqual(self.query("SELECT kind FROM config"), [("forest",)])
        self.assertEqual(self.team("upgrade", "+1"), "applied 0002 (step)\n")
        self.assertEqual(self.team("downgrade", "base"), "undone 0002 (step)\nundone 0001 (step)\n")
        self.assertEqual(self.heads(), [])
        self.assertEqual(self.team("upgrade", "head"), "applied 0001 (step)\napplied 0002 (step)\napplied 0003 (step)\n")

    def test_a_dry_run_writes_nothing(self):
        self.three()
        self.assertEqual(self.team("upgrade", "-n"), "would apply 0001 (step)\nwould apply 0002 (step)\nwould apply 0003 (step)\n")
        self.assertFalse(self.has_tables())

    def test_a_failed_revision_leaves_nothing_of_itself(self):
        self.three()
        self.put("0004", "0003", "CREATE TABLE half (id integer);\nINSERT INTO config\n  SELECT nothing FROM metric;\n")
        error = self.team("upgrade", code=1)
        self.assertIn(f"{self.revisions}/0004_step.sql:", error)
        self.assertIn("nothing", error)
        self.assertNotIn("migrate_models_to_db db upgrade", error)
        self.assertEqual(self.heads(), ["0003"])
        self.query("CREATE TABLE half (other integer)")  # it is not there

    def test_all_statements_are_looked_at_before_the_first_one_runs(self):
        self.put("0001", "none", TABLES)
        for text, part in (("SELECT 1;\nCOMMIT;\n", ":4: COMMIT would end the transaction"), ("VACUUM;\n", ":3: VACUUM cannot run in a transaction"),
                           ("SELECT 'x;\n", ":3: this string is never closed")):
            path = self.put("0002", "0001", text)
            self.assertIn(f"{path}{part}", self.team("upgrade", code=10))
        self.put("0002", "0001", "SELECT 1;\n", head="-- draft\n")
        self.assertIn("is a draft", self.team("upgrade", code=10))
        self.assertFalse(self.has_tables())

    def test_what_was_applied_is_not_edited(self):
        self.three()
        self.team("upgrade")
        path = self.revisions / "0002_step.sql"
        text = path.read_text()
        path.write_text("/* a licence */\n" + text.replace("\n", "\r\n").replace("SET temp_field = ", "SET temp_field=-- why\r\n"), newline="")
        self.team("check")
        path.write_text(text.replace("UPPER", "LOWER"))
        self.assertIn(f"{path} was edited after it was applied", self.team("upgrade", code=10))
        self.assertEqual(self.db("check", "--migrations", str(self.revisions)).code, 4)
        self.assertEqual(self.team("repair", "0002"), "accepted 0002 (step)\n")
        self.team("check")

    def test_a_way_back_that_is_missing_or_refused(self):
        self.put("0001", "none", TABLES, "DROP TABLE metric; DROP TABLE config;\n")
        self.put("0002", "0001", "INSERT INTO config (id, kind) VALUES (1, 'x');\n", head="-- irreversible: the old kinds are gone\n")
        self.put("0003", "0002", "SELECT 1;\n", "\n")
        self.team("upgrade")
        self.assertEqual(self.team("downgrade"), "undone 0003 (step)\n")
        self.assertIn("0002 is irreversible: the old kinds are gone", self.team("downgrade", code=10))
        self.put("0002", "0001", "INSERT INTO config (id, kind) VALUES (1, 'x');\n")
        self.assertIn("0002 has no way back", self.team("downgrade", "base", code=10))
        self.assertEqual(self.heads(), ["0002"])

    def test_a_file_that_is_gone_is_undone_from_the_log(self):
        self.three()
        self.team("upgrade")
        (self.revisions / "0003_step.sql").unlink()
        self.assertIn("the database is at 0003, which", self.team("upgrade", code=10))
        self.assertEqual(self.team("current"), "0003\n")
        self.assertEqual(self.team("downgrade"), "undone 0003 (step)\n")
        self.assertEqual(self.team("current"), "0002 (head)\n")

    def test_branches_and_their_merge(self):
        self.put("0001", "none", TABLES, "DROP TABLE metric; DROP TABLE config;\n")
        for branch in ("aa", "bb"):
            self.put(f"{branch}02", "0001", f"CREATE TABLE {branch} (id integer);\n", f"DROP TABLE {branch};\n")
        self.assertIn("there are several heads: aa02, bb02", self.team("upgrade", code=10))
        self.team("upgrade", "heads")
        self.assertEqual(self.heads(), ["aa02", "bb02"])
        self.assertIn("several heads here", self.team("downgrade", code=10))
        self.put("cc03", "aa02, bb02", "", "")
        self.team("upgrade")
        self.assertEqual(self.heads(), ["cc03"])
        self.team("downgrade")
        self.assertEqual(self.heads(), ["aa02", "bb02"])
        self.assertEqual(self.team("downgrade", "bb02-1"), "undone bb02 (step)\nundone aa02 (step)\n")
        self.assertEqual(self.heads(), ["0001"])

    def test_only_the_branch_that_is_named_is_undone(self):
        self.put("0001", "none", TABLES)
        for branch, parent in (("aa02", "0001"), ("aa03", "aa02"), ("bb02", "0001")):
            self.put(branch, parent, f"CREATE TABLE {branch} (id integer);\n", f"DROP TABLE {branch};\n")
        self.team("upgrade", "heads")
        self.assertEqual(self.team("downgrade", "aa02"), "undone aa03 (step)\n")
        self.assertEqual(self.heads(), ["aa02", "bb02"])
        self.team("upgrade", "aa03")
        self.put("bb03", "bb02", "SELECT 1;\n", "", head="-- depends_on: aa02\n")
        self.team("upgrade", "bb03")
        self.assertEqual(self.team("downgrade", "bb02"), "undone bb03 (step)\n")
        self.assertEqual(self.heads(), ["aa03", "bb02"])

    def test_stamp_writes_heads_and_runs_nothing(self):
        self.three()
        self.query("CREATE TABLE config (id integer)")
        self.assertIn("already exists", self.team("upgrade", code=1))
        self.assertEqual(self.team("stamp", "0002"), "0002\n")
        self.query("CREATE TABLE metric (config_id integer)")
        self.assertEqual(self.team("upgrade"), "applied 0003 (step)\n")
        self.query("DROP TABLE alembic_version")
        self.assertEqual(self.team("stamp", "head"), "0003 (head)\n")
        self.query("UPDATE alembic_version SET version_num = 'gone'")
        self.assertIn("at gone, which", self.team("stamp", "head", code=10))
        self.assertEqual(self.team("stamp", "--purge", "head"), "0003 (head)\n")

    def test_several_at_once_apply_each_revision_once(self):
        self.three()
        command = [PROGRAM, "db", "upgrade", "--migrations", self.revisions, "-d", self.url]
        processes = [subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(5)]
        results = [self.finish(process) for process in processes]
        self.assertEqual([result.code for result in results], [0] * 5, [result.err for result in results])
        self.assertEqual(sum(result.out.count("applied") for result in results), 3)
        self.assertEqual(self.heads(), ["0003"])

    def test_a_row_that_another_program_moved_meanwhile_is_seen(self):
        self.three()
        self.team("upgrade", "0002")
        self.query("DELETE FROM alembic_version")
        self.assertIn("0001_step.sql:3", self.team("upgrade", code=1))  # the tables are there, but the heads are believed
        self.query("INSERT INTO alembic_version VALUES ('0003')")
        self.assertEqual(self.team("upgrade"), "nothing to do: the schema is at head\n")

    def test_without_a_transaction_it_goes_on_behind_what_is_done(self):
        self.put("0001", "none", TABLES)
        self.put("0002", "0001", "CREATE TABLE first (id integer);\nVACUUM;\nINSERT INTO other VALUES (1);\n", head="-- transaction: none\n")
        self.assertIn("0002_step.sql:6:", self.team("upgrade", code=1))
        self.assertEqual(self.heads(), ["0001"])
        self.assertIn("begun    0002", self.db("check", "--migrations", str(self.revisions)).out)
        self.query("CREATE TABLE other (id integer)")
        self.assertEqual(self.team("upgrade"), "applied 0002 (step)\n")
        self.assertEqual(self.query("SELECT count(*) FROM other"), [(1,)])


class OnAServer(Folder):
    def test_rows_of_a_dump_and_its_settings(self):
        self.put("0001", "none", "\\restrict abc\nSELECT pg_catalog.set_config('search_path', '', false);\nSET statement_timeout = '10s';\nSET row_security = off;\n"
                 "CREATE TABLE public.t (a integer, b text);\nCOPY public.t (a, b) FROM stdin;\n1\tit's; fine\n2\t\\N\n\\.\n\\unrestrict abc\n")
        self.put("0002", "0001", "UPDATE t SET b = 'x' WHERE b IS NULL; SELECT 1 / (current_setting('statement_timeout') = '0')::integer;\n")
        self.team("upgrade")
        self.assertEqual(self.query("SELECT a, b FROM t ORDER BY a"), [(1, "it's; fine"), (2, "x")])

    def test_indexes_that_are_made_beside_other_work(self):
        self.three()
        self.put("0004", "0003", "CREATE INDEX CONCURRENTLY beside ON metric (config_id);\n")
        self.assertIn("CREATE INDEX CONCURRENTLY cannot run in a transaction", self.team("upgrade", code=10))
        self.put("0004", "0003", "CREATE INDEX CONCURRENTLY beside ON metric (config_id);\n", head="-- transaction: none\n")
        self.assertIn("applied 0004 (step)\n", self.team("upgrade"))

    def test_a_lock_that_is_not_to_be_had(self):
        self.three()
        self.team("upgrade", "0001")
        blocker = Postgres.connect(self.url)
        self.addCleanup(blocker.close)
        blocker.cursor().execute("BEGIN; LOCK TABLE config")
        error = self.team("upgrade", "0002", "--lock-timeout", "1s", code=5)
        self.assertIn("revision 0002", error)
        self.assertIn("lock", error)
        blocker.cursor().execute("COMMIT")
        self.team("upgrade")

    def test_another_migrator_holds_the_database(self):
        self.three()
        blocker = Postgres.connect(self.url)
        self.addCleanup(blocker.close)
        blocker.cursor().execute("BEGIN; SELECT pg_advisory_xact_lock(x'4d4d44420000a1e8'::bigint)")
        self.assertIn("another process is at the revisions", self.team("upgrade", "--lock-timeout", "1s", code=11))
        self.assertFalse(self.has_tables())


class InAFile(Folder):
    kind = Sqlite

    def test_a_table_is_built_anew_and_its_children_stay(self):
        self.put("0001", "none", TABLES.replace("(id))", "(id) ON DELETE CASCADE)") + "INSERT INTO config VALUES (1, \"x\");\nINSERT INTO metric VALUES (7, 1);\n")
        self.put("0002", "0001", "CREATE TABLE config_new (id integer PRIMARY KEY, kind text);\nINSERT INTO config_new SELECT * FROM config;\n"
                 "DROP TABLE config;\nALTER TABLE config_new RENAME TO config;\n")
        self.team("upgrade")
        self.assertEqual(self.query("SELECT id FROM metric"), [(7,)])

    def test_a_reference_to_a_table_that_goes_is_refused(self):
        self.put("0001", "none", TABLES)
        self.put("0002", "0001", "ALTER TABLE config RENAME TO config_old;\nCREATE TABLE config (id integer PRIMARY KEY);\nDROP TABLE config_old;\n")
        error = self.team("upgrade", code=1)
        self.assertIn("refer to a row or a table that is not there", error)
        self.assertIn("under another name", error)
        self.assertEqual(self.heads(), ["0001"])


@on_both
@unittest.skipUnless(importlib.util.find_spec("alembic"), "Alembic is not installed")
class TurnsWithAlembic(Folder):
    def alembic(self, *words):
        address = {"postgresql": f"postgresql://{os.environ.get('PGUSER')}@/{self.database}?host={os.environ.get('PGHOST')}&port={os.environ.get('PGPORT')}",
                   "sqlite": f"sqlite:///{self.database}"}[self.kind.dialect]
        done = subprocess.run([sys.executable, "-m", "alembic", *words], cwd=self.base, env={**os.environ, "ADDRESS": address}, capture_output=True,
                              text=True, check=False, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def setUp(self):
        super().setUp()
        self.three()
        versions = self.base / "python" / "versions"
        versions.mkdir(parents=True)
        pathlib.Path(self.base, "alembic.ini").write_text("[alembic]\nscript_location = python\n")
        (versions.parent / "env.py").write_text(
            "import os\nfrom alembic import context\nfrom sqlalchemy import create_engine\n"
            "with create_engine(os.environ['ADDRESS']).connect() as connection:\n    context.configure(connection=connection)\n"
            "    with context.begin_transaction():\n        context.run_migrations()\n")
        for number, up, down in ((1, TABLES, "DROP TABLE metric; DROP TABLE config"), (2, SHOUT, WHISPER),
                                 (3, "CREATE INDEX metric_config ON metric (config_id)", "DROP INDEX metric_config")):
            parent = "None" if number == 1 else f"'000{number - 1}'"
            body = "\n".join(f"def {name}():\n    for sql in {[s for s in text.split(';') if s.strip()]!r}:\n        op.execute(sql)\n"
                             for name, text in (("upgrade", up), ("downgrade", down)))
            (versions / f"000{number}_step.py").write_text(f"from alembic import op\nrevision = '000{number}'\ndown_revision = {parent}\n{body}")

    def test_each_goes_on_where_the_other_stopped(self):
        self.alembic("upgrade", "0001")
        self.assertEqual(self.team("current"), "0001\n")
        self.assertEqual(self.team("upgrade", "+1"), "applied 0002 (step)\n")
        self.alembic("upgrade", "head")
        self.assertEqual(self.team("check"), "nothing to do: the schema is at head\n")
        self.assertEqual(self.team("downgrade"), "undone 0003 (step)\n")
        self.assertIn("0002", self.alembic("current"))
        self.assertEqual(self.team("downgrade", "base"), "undone 0002 (step)\nundone 0001 (step)\n")
        self.alembic("upgrade", "head")
        self.assertEqual(self.heads(), ["0003"])
