"""What the documentation of a team that keeps its models in a table `models` promises, beside the functions: test_python_models has those.
docs/compatibility.md lists all of it."""

import os
import pathlib
import pickle
import re
import subprocess
import unittest

import joblib
import sqlalchemy
from alembic import autogenerate
from alembic.runtime import migration
from sqlalchemy import orm

from harness import ROOT
from life import CleanupCase
from stores import Postgres, on_both
from teams import TeamCase, migrate_models
from test_python_models import TEAM_TABLE, Own

from migrate_models import load_model_from_db, save_model_to_db

COLUMNS = """SELECT column_name, data_type, character_maximum_length, is_nullable, replace(column_default, table_schema || '.', '')
               FROM information_schema.columns WHERE table_name = 'models' AND table_schema = %s ORDER BY ordinal_position LIMIT 8"""
Base = orm.declarative_base()


class Model(Base):
    """The table as a program maps it that knows nothing of ours."""

    __tablename__ = "models"
    id = sqlalchemy.Column(sqlalchemy.Integer, primary_key=True)
    name = sqlalchemy.Column(sqlalchemy.String(255), nullable=False)
    version = sqlalchemy.Column(sqlalchemy.Integer, nullable=False)
    model_type = sqlalchemy.Column(sqlalchemy.String(50), nullable=False)
    event = sqlalchemy.Column(sqlalchemy.String(255), nullable=False)
    model_binary = sqlalchemy.Column(sqlalchemy.LargeBinary, nullable=False)
    is_active = sqlalchemy.Column(sqlalchemy.Boolean, default=True)


def psql(database, script):
    subprocess.run([os.environ["PG_BIN"] + "/psql", "-qX", "-v", "ON_ERROR_STOP=1", database], input=script, check=True, stdout=subprocess.DEVNULL)


class Tables(TeamCase):
    def test_table_as_documented(self):
        self.upgrade()
        self.query("CREATE SCHEMA team; SET search_path = team; " + TEAM_TABLE)
        self.assertEqual(self.query(COLUMNS, ("public",)), self.query(COLUMNS, ("team",)))

    def test_create_by_psql(self):
        psql(self.database, TEAM_TABLE.encode())
        self.write("m_regression.joblib", pickle.dumps(Own(1)))
        self.sync()
        self.assertEqual(load_model_from_db("m_regression", "m", "regression"), (Own(1), 1))

    def test_pg_dump_round_trip(self):
        self.upgrade()
        self.write("m_regression.joblib", pickle.dumps(Own(list(range(1000)))))
        self.write("large_regression.joblib", pickle.dumps(Own(os.urandom(200_000))))
        self.sync("--inline-limit", "100KiB")
        save_model_to_db(Own(2), "m_regression", "m", "regression")
        save_model_to_db(Own(3), "m_regression", "m", "regression")
        migrate_models.deactivate_model("m_regression", "m", "regression", 3)
        other = self.new_database()
        dump = subprocess.run([os.environ["PG_BIN"] + "/pg_dump", "--clean", "--if-exists", self.database], check=True, capture_output=True).stdout
        psql(other, dump)
        rows = self.rows()
        self.assertEqual(self.rows(url=self.url_of(other)), rows)
        self.use(self.url_of(other))
        self.assertEqual(load_model_from_db("m_regression", "m", "regression"), (Own(2), 2))
        self.assertEqual(load_model_from_db("large_regression", "large", "regression")[1], 1)


def code_of_page(page, word):
    """The Python block of a page that has the word, run: its names."""
    texts = re.findall(r"(?ms)^```python\n(.*?)^```", (ROOT / "docs" / page).read_text())
    text, = [text for text in texts if word in text]
    names = {}
    exec(compile(text, page, "exec"), names) # of our own page
    return names


def is_comment(difference):
    return isinstance(difference, list) and all(change[0] == "modify_comment" for change in difference)


class Migrations(TeamCase):
    """What Alembic would do to our tables, from the models of a program that does not know them."""

    def differences(self, **options):
        where = f"postgresql+psycopg2://{os.environ['PGUSER']}@/{self.database}?host={os.environ['PGHOST']}&port={os.environ['PGPORT']}"
        engine = sqlalchemy.create_engine(where)
        self.addCleanup(engine.dispose)
        with engine.connect() as connection:
            found = autogenerate.compare_metadata(migration.MigrationContext.configure(connection, opts=options), Base.metadata)
        return re.sub(" at 0x[0-9a-f]+", "", str([difference for difference in found if not is_comment(difference)]))

    def test_autogenerate_leaves_our_tables_alone(self):
        self.query(TEAM_TABLE)
        theirs = self.differences() # what it would say without us
        self.upgrade()
        self.assertIn("remove_table", self.differences())
        self.assertIn("remove_column", self.differences())
        self.assertEqual(self.differences(include_object=code_of_page("python.md", "def include_object")["include_object"]), theirs)


@on_both
class Running(TeamCase):
    def test_rerun_is_safe(self):
        self.write("m_regression.joblib", pickle.dumps(Own(1)))
        self.sync()
        before = self.rows()
        for _ in range(2):
            self.assertEqual(self.sync().summary()["new"], 0)
        self.assertEqual(self.rows(), before)
        self.assertEqual(load_model_from_db("m_regression", "m", "regression"), (Own(1), 1))

    def test_files_stay(self):
        paths = {self.write("m_regression.joblib", pickle.dumps(Own(1))), self.write("x/n_regression.joblib", pickle.dumps(Own(2)))}
        before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}
        self.sync()
        self.sync("--on-change", "new-version")
        self.assertEqual({path: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}, before)

    def test_explicit_version_conflicts(self):
        self.upgrade()
        save_model_to_db(Own(1), "m_regression", "m", "regression")
        self.write("m_regression_v1.joblib", pickle.dumps(Own("other")))
        result = self.sync(code=3)
        self.assertEqual(result.summary()["conflict"], 1)
        self.assertEqual(load_model_from_db("m_regression", "m", "regression"), (Own(1), 1))
        self.assertEqual(save_model_to_db(Own(2), "m_regression", "m", "regression"), (True, 2))

    def test_a_program_of_sqlalchemys_reads_what_was_migrated(self):
        joblib.dump({"weights": [1.0, 2.0]}, self.write("m_regression.joblib", b""))
        self.sync()
        where = self.url
        if self.kind is Postgres:
            where = f"postgresql+psycopg2://{os.environ['PGUSER']}@/{self.database}?host={os.environ['PGHOST']}&port={os.environ['PGPORT']}"
        engine = sqlalchemy.create_engine(where)
        self.addCleanup(engine.dispose)
        with orm.Session(engine) as session:
            query = session.query(Model).filter(Model.name == "m_regression", Model.event == "m", Model.model_type == "regression", Model.is_active)
            row = query.order_by(Model.version.desc()).first()
            self.assertEqual(migrate_models.loads(row.model_binary), {"weights": [1.0, 2.0]})
        self.use(where) # the module takes the address as SQLAlchemy has it
        self.assertEqual(load_model_from_db("m_regression", "m", "regression"), ({"weights": [1.0, 2.0]}, 1))
        connection = engine.raw_connection()
        self.addCleanup(connection.close)
        self.use(connection=connection)
        self.assertEqual(load_model_from_db("m_regression", "m", "regression"), ({"weights": [1.0, 2.0]}, 1))


@on_both
class Confirming(CleanupCase, TeamCase):
    def test_delete_after_confirming(self):
        path = self.write("m_regression.joblib", pickle.dumps(Own(1)))
        self.sync()
        self.assertEqual(self.plan()[path.name]["action"], "delete")
        self.apply()
        self.assertFalse(pathlib.Path(path).exists())
        self.assertEqual(load_model_from_db("m_regression", "m", "regression"), (Own(1), 1))


if __name__ == "__main__":
    unittest.main()
