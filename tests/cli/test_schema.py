"""`db upgrade`, `run --upgrade`, and the `models` table that was made by hand."""

import io
import re
import subprocess
import unittest

import joblib
import psycopg2

from harness import PROGRAM, CliCase, digest, samples

# As the reference document has it.
BY_HAND = """
CREATE TABLE models (
    id SERIAL PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    version INTEGER NOT NULL,
    model_type VARCHAR(50) NOT NULL, -- 'classifier_binary', 'regression', 'vectorizer'
    event VARCHAR(255) NOT NULL,
    model_binary BYTEA NOT NULL,
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    is_active BOOLEAN DEFAULT TRUE,
    UNIQUE(name, version)
);
"""
OLD_COLUMNS = "id, name, version, model_type, event, sha256(model_binary)::text, created_at, is_active"


class Upgrade(CliCase):
    def test_makes_the_tables_and_can_be_repeated(self):
        first = self.db("upgrade")
        self.assertEqual((first.code, first.out, first.err), (0, "applied 0001 (models)\napplied 0002 (identity)\napplied 0003 (lifecycle)\n", ""))
        again = self.db("upgrade")
        self.assertEqual((again.code, again.out), (0, "nothing to do: the schema is at head\n"))
        self.assertEqual(self.query("SELECT count(*) FROM models"), [(0,)])

    def test_current(self):
        self.assertEqual(self.db("current").out, "base\n")
        self.assertFalse(self.has_tables())
        self.db("upgrade")
        self.assertEqual(self.db("current").out, "0003 (head)\n")

    def test_quiet(self):
        result = self.db("upgrade", "-q")
        self.assertEqual((result.code, result.out, result.err), (0, "", ""))

    def test_two_at_once(self):
        processes = [subprocess.Popen([PROGRAM, "db", "upgrade", "-d", self.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(4)]
        results = [self.finish(process) for process in processes]
        self.assertEqual([result.code for result in results], [0] * 4, [result.err for result in results])
        self.assertEqual(sum(result.out.count("applied") for result in results), 3)

    def test_run_without_it_names_the_command_that_then_works(self):
        self.write_some(2)
        result = self.run_program()
        self.assertEqual(result.code, 10)
        self.assertIn("the tables are not there yet", result.err)
        command = re.search(r"hint: run: (migrate_models_to_db db upgrade.*)", result.err)[1]
        command += "" if "-d" in command else f" -d '{self.url}'"
        self.assertFalse(self.has_tables())
        typed = self.call(["bash", "-c", command.replace("migrate_models_to_db", PROGRAM, 1)])
        self.assertEqual(typed.code, 0, typed.err)
        self.assertEqual(self.run_program().code, 0)
        self.assertEqual(len(self.stored()), 2)

    def test_run_upgrade_makes_the_tables(self):
        self.write_some(2)
        self.assertEqual(self.run_program("--upgrade").code, 0)
        self.assertEqual(self.db("current").out, "0003 (head)\n")

    def check_refused(self, *words):
        self.write_some(1)
        for command in (self.run_program, lambda: self.run_program("--upgrade"), lambda: self.db("upgrade")):
            result = command()
            self.assertEqual(result.code, 10, result.all())
            for word in words:
                self.assertIn(word, result.err)
        self.assertEqual(self.stored(), {})

    def test_schema_of_a_newer_program(self):
        self.db("upgrade")
        self.query("INSERT INTO migrate_models_revisions (revision, slug, checksum) VALUES ('0999', 'future', repeat('0', 64))")
        self.check_refused("0999", "this program does not know", "hint: use the release")

    def test_dry_run_does_not_advise_an_upgrade_that_would_be_refused(self):
        self.db("upgrade")
        self.query("INSERT INTO migrate_models_revisions (revision, slug, checksum) VALUES ('0999', 'future', repeat('0', 64))")
        result = self.run_program("-n")
        self.assertEqual(result.code, 10)
        self.assertIn("this program does not know", result.err)
        self.assertNotIn("--upgrade", result.all())

    def test_migration_that_was_edited_after_it_was_applied(self):
        self.db("upgrade")
        self.query("UPDATE migrate_models_revisions SET checksum = repeat('0', 64)")
        self.check_refused("0001", "edited after it was applied")

    def test_tables_that_somebody_dropped(self):
        self.db("upgrade")
        self.query("DROP TABLE models CASCADE")
        self.write_some(1)
        result = self.run_program()
        self.assertEqual(result.code, 10, result.all())
        self.assertIn("models", result.err)


class ByHand(CliCase):
    def setUp(self):
        super().setUp()
        self.copy_samples()
        self.query(BY_HAND)
        self.adopted = ["mergers_acquisitions_regression", "mergers_acquisitions_classifier_binary", "voting_rights_tfidf_vectorizer_binary"]
        for name in self.adopted:
            self.insert(name, 1, (samples() / f"{name}.joblib").read_bytes())
        self.insert("gone_regression", 4, b"a model whose file is gone")
        self.before = self.query(f"SELECT {OLD_COLUMNS} FROM models ORDER BY id")

    def insert(self, name, version, data):
        """As the team's own writer does."""
        self.query("INSERT INTO models (name, version, model_type, event, model_binary) VALUES (%s, %s, %s, %s, %s)",
                   (name, version, "regression", "some_event", psycopg2.Binary(data)))

    def columns(self):
        return [name for name, in self.query("SELECT attname FROM pg_attribute WHERE attrelid = 'models'::regclass AND attnum > 0 ORDER BY attnum")]

    def test_rows_are_kept_and_their_hashes_filled(self):
        self.sync("--include", "none")
        self.assertEqual(self.query(f"SELECT {OLD_COLUMNS} FROM models ORDER BY id"), self.before)
        for name, content, stored, raw, size, kind, encoding, chunks in self.query(
                """SELECT name, encode(content_sha256, 'hex'), encode(stored_sha256, 'hex'), raw_bytes, stored_bytes, format, encoding, chunk_count
                     FROM models WHERE name <> 'gone_regression'"""):
            data = (samples() / f"{name}.joblib").read_bytes()
            self.assertEqual((content, stored, raw, size, kind, encoding, chunks),
                             (digest(data), digest(data), len(data), len(data), "file", "identity", 0), name)
        self.assertEqual(self.query("SELECT count(*) FROM models WHERE content_sha256 IS NULL"), [(0,)])

    def test_same_content_from_a_file_is_unchanged(self):
        result = self.sync()
        self.assertEqual((result.summary()["unchanged"], result.summary()["new"]), (3, 20))
        for name in self.adopted:
            self.assertEqual(result.models()[f"{name}.joblib"]["status"], "unchanged")
        self.assertEqual(self.query(f"SELECT {OLD_COLUMNS} FROM models WHERE run_id IS NULL ORDER BY id"), self.before)

    def test_other_content_from_a_file_is_the_next_version(self):
        self.write("gone_regression.joblib", b"a model that came back, retrained")
        self.sync()
        self.assertIn(("gone_regression", 5), self.stored())

    def test_reader_of_the_old_columns_works(self):
        self.sync()
        cursor = psycopg2.connect(self.url).cursor()
        self.addCleanup(cursor.connection.close)
        for name in ("mergers_acquisitions_regression", "clinical_study_regression"):
            cursor.execute("""SELECT model_binary, version FROM models WHERE name = %s AND model_type = 'regression' AND is_active
                               ORDER BY version DESC LIMIT 1""", (name,))
            row, version = cursor.fetchone()
            self.assertEqual(version, 1)
            self.assertEqual(type(joblib.load(io.BytesIO(row))).__name__, "RandomForestRegressor")

    def test_writer_of_the_old_columns_works_and_its_row_is_unchanged(self):
        self.sync("--include", "none")
        self.insert("partnerships_regression", 1, (samples() / "partnerships_regression.joblib").read_bytes())
        result = self.sync()
        self.assertEqual(result.models()["partnerships_regression.joblib"]["status"], "unchanged")
        self.assertEqual((result.summary()["unchanged"], result.summary()["new"]), (4, 19))

    def test_dry_run_before_the_upgrade_plans_what_the_run_then_does(self):
        plan = self.run_program("-n", "--json")
        self.assertEqual(plan.code, 0, plan.err)
        self.assertEqual((plan.summary()["unchanged"], plan.summary()["new"]), (3, 20))
        self.assertEqual(len(self.columns()), 8)
        self.assertEqual(self.query("SELECT to_regclass('model_runs')::text, to_regclass('migrate_models_revisions')::text"), [(None, None)])
        self.assertEqual(self.query(f"SELECT {OLD_COLUMNS} FROM models ORDER BY id"), self.before)
        keys = ["new", "unchanged", "raw_bytes", "stored_bytes"]
        done = self.sync()
        self.assertEqual([plan.summary()[key] for key in keys], [done.summary()[key] for key in keys])

    def test_run_before_the_upgrade_stops(self):
        result = self.run_program()
        self.assertEqual(result.code, 10)
        self.assertIn("was not adopted yet", result.err)
        self.assertIn("db upgrade", result.err)
        self.assertEqual(len(self.columns()), 8)

    def test_new_rows_have_the_defaults_of_the_table(self):
        self.sync()
        self.assertEqual(self.query("SELECT count(*) FROM models WHERE created_at > now() - interval '1 hour' AND is_active AND id > 4"), [(20,)])
        self.assertEqual(self.columns()[:8], ["id", "name", "version", "model_type", "event", "model_binary", "created_at", "is_active"])


class Unfit(CliCase):
    def check(self, sql, *words):
        self.query(sql)
        for result in (self.db("upgrade"), self.run_program("--upgrade")):
            self.assertEqual(result.code, 10, result.all())
            for word in words:
                self.assertIn(word, result.err)
        self.assertEqual(self.query("SELECT to_regclass('model_chunks')::text"), [(None,)])

    def test_table_without_a_needed_column(self):
        self.check(BY_HAND + "ALTER TABLE models DROP COLUMN event", "cannot be adopted", "event: missing", "hint:")

    def test_table_with_another_type(self):
        self.check(BY_HAND + "ALTER TABLE models ALTER COLUMN version TYPE text", "cannot be adopted", "version: text, must be")

    def test_table_without_the_key(self):
        self.check(BY_HAND + "ALTER TABLE models DROP CONSTRAINT models_name_version_key", "no unique key on (name, version)", "ADD UNIQUE")

    def test_view_of_that_name(self):
        self.check("CREATE VIEW models AS SELECT 1 AS x", "models is not an ordinary table")

    def test_table_with_a_column_that_must_be_given(self):
        self.check(BY_HAND + "ALTER TABLE models ADD COLUMN owner text NOT NULL", "no default for owner")


if __name__ == "__main__":
    unittest.main()
