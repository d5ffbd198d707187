"""Rows of other programs beside ours: hashed when a name of the tree wants it, once, and never in the way."""

import os
import pathlib
import unittest

from harness import PROGRAM
from life import CleanupCase


class OtherWriters(CleanupCase):
    def setUp(self):
        super().setUp()
        self.assertEqual(self.db("upgrade").code, 0)

    def insert_many(self, count):
        self.query("INSERT INTO models (name, version, model_type, event, model_binary) "
                   f"SELECT 'trained' || i, 1, 't', 'e', convert_to('model ' || i, 'UTF8') FROM generate_series(1, {count}) i")

    def statements(self, *command):
        """How many statements the server hears of a command, from its log."""
        log = pathlib.Path(os.environ["PG_LOG"])
        start = log.stat().st_size
        result = self.call([PROGRAM, *map(str, command), "-d", self.url + " options='-c log_statement=all -c application_name=counted'", self.tree])
        self.assertIn(result.code, (0, 4), result.err) # 4: rows that only the store has
        with log.open(errors="replace") as file:
            file.seek(start)
            return sum("LOG:  statement:" in line or "LOG:  execute" in line for line in file)

    def test_work_does_not_grow_with_their_rows(self):
        self.write_some(1)
        self.sync()
        state = ["--state-dir", self.state]
        commands = [["run", *state], ["check"], ["check", "--one-way"], ["cleanup", *state, "--plan", self.plan_file]]
        before = [self.statements(*command) for command in commands]
        self.insert_many(3001)
        for command, count in zip(commands, before):
            with self.subTest(command=command):
                self.assertLessEqual(self.statements(*command), count + 40) # the rows are proven some hundred at a time
        self.assertEqual(self.query("SELECT count(*) FROM model_digests"), [(0,)])

    def test_names_of_the_tree_are_hashed_once(self):
        self.insert_many(2500)
        for i in range(1, 2501):
            self.write(f"trained{i}.joblib", f"model {i}")
        dry = self.run_program("-n", "--json")
        self.assertEqual((dry.code, dry.summary()["unchanged"]), (0, 2500), dry.err)
        self.assertEqual(self.query("SELECT count(*) FROM model_digests"), [(0,)]) # a dry run writes nothing
        first = self.statements("run", "--state-dir", self.state)
        self.assertEqual(self.query("SELECT count(*) FROM model_digests"), [(2500,)])
        self.assertEqual(self.query("SELECT count(*) FROM models"), [(2500,)])
        self.settle()
        self.assertLess(self.statements("run", "--state-dir", self.state), first)
        self.assertLess(first, 100)

    def test_a_kept_digest_is_not_believed_of_another_row(self):
        self.insert_many(1)
        path = self.write("trained1.joblib", "model 1")
        self.assertEqual(self.sync().summary()["unchanged"], 1)
        self.query("UPDATE models SET model_binary = 'other'")
        result = self.sync()
        self.assertEqual((result.summary()["new"], result.models()[path.name]["version"]), (1, 2))

    def test_a_role_that_may_not_keep_them_runs_all_the_same(self):
        self.insert_many(3)
        self.write("trained1.joblib", "model 1")
        role = f"loader_{self.database}"
        self.query(f"CREATE ROLE {role} LOGIN; GRANT SELECT, INSERT ON models, model_chunks, model_runs TO {role}; GRANT UPDATE ON model_runs TO {role};"
                   f"GRANT USAGE ON models_id_seq TO {role}; GRANT SELECT ON migrate_models_revisions, store_identity, model_digests, model_aliases, model_events TO {role}")
        self.addCleanup(self.query, f"DROP OWNED BY {role}; DROP ROLE {role}")
        url = self.url.replace(f"user={os.environ['PGUSER']}", f"user={role}")
        log = pathlib.Path(os.environ["PG_LOG"])
        start = log.stat().st_size
        result = self.call([PROGRAM, "run", "--json", "--state-dir", self.state, "-d", url, self.tree])
        self.assertEqual((result.code, result.summary()["unchanged"]), (0, 1), result.err)
        with log.open(errors="replace") as file:
            file.seek(start)
            self.assertNotIn("permission denied", file.read()) # it does not even try

    def test_check_hashes_what_was_kept(self):
        self.insert_many(1)
        self.write("trained1.joblib", "model 1")
        self.sync()
        self.query("UPDATE model_digests SET sha256 = sha256('lie')")
        result = self.call([PROGRAM, "check", "-d", self.url, self.tree])
        self.assertEqual(result.code, 0, result.all())


if __name__ == "__main__":
    unittest.main()
