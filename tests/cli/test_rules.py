"""A table with rules of its user: its key is gone, triggers meddle, a column wants a value, the database has another encoding."""

import unittest

from harness import PROGRAM, CliCase, admin


class RulesCase(CliCase):
    def setUp(self):
        super().setUp()
        self.write_some(4)
        self.assertEqual(self.db("upgrade").code, 0)

    def trigger(self, body):
        self.query(f"""CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NEW; END $$;
                       CREATE TRIGGER meddle BEFORE INSERT ON models FOR EACH ROW EXECUTE FUNCTION meddle()""")

    def check_one_fails(self, path, word):
        """The same each time: three are stored once, one fails and is named."""
        for new in (3, 0):
            result = self.sync("-v", code=3)
            self.assertEqual((result.summary()["new"], result.summary()["unchanged"], result.summary()["failed"]), (new, 3 - new, 1))
            self.assertIn(word, result.models()[path]["reason"])
            self.assertTrue(result.models()[path]["reason"].startswith(path), result.models()[path]["reason"])
            self.assertEqual(sorted(version for _, version in self.stored()), [1, 1, 1])
        return result


class Triggers(RulesCase):
    def test_one_model_gets_another_version(self):
        self.trigger("IF NEW.name = 'event2_regression' THEN NEW.version = 2; END IF;")
        self.check_one_fails("event2_regression.joblib", "a trigger of the table changes what is stored")

    def test_one_model_gets_another_name(self):
        self.trigger("IF NEW.name = 'event2_regression' THEN NEW.name = 'two'; END IF;")
        self.check_one_fails("event2_regression.joblib", "a trigger of the table changes what is stored")

    def test_one_model_is_dropped(self):
        self.trigger("IF NEW.name = 'event2_regression' THEN RETURN NULL; END IF;")
        self.check_one_fails("event2_regression.joblib", "a trigger or rule of the table drops rows")

    def test_every_model_gets_another_version(self):
        self.trigger("NEW.version = NEW.version + 100;")
        for _ in range(2):
            self.assertEqual(self.sync("--jobs", "4", code=3).summary()["failed"], 4)
            self.assertEqual(self.stored(), {})

    def test_trigger_that_leaves_the_key_alone(self):
        self.trigger("NEW.event = 'theirs';")
        self.assertEqual(self.sync().summary()["new"], 4)
        self.assertEqual(self.sync().summary()["unchanged"], 4)


class Columns(RulesCase):
    def test_one_that_wants_a_value(self):
        self.query("ALTER TABLE models ADD COLUMN owner_team text NOT NULL")
        result = self.sync(code=3)
        self.assertIn("give the column owner_team of models a default", result.models()["event0_regression.joblib"]["reason"])


class Key(RulesCase):
    def drop(self):
        self.query("ALTER TABLE models DROP CONSTRAINT models_name_version_key CASCADE")

    def test_nothing_goes_on_without_it(self):
        self.sync()
        self.drop()
        self.write("more_model.joblib", b"more " * 100)
        for command in (["run"], ["run", "-n"], ["run", "--upgrade"], ["check"], ["cleanup"]):
            with self.subTest(command=command):
                state = [] if command == ["check"] else ["--state-dir", self.state]
                result = self.call([PROGRAM, *command, *state, "-d", self.url, self.tree])
                self.assertEqual(result.code, 10, result.all())
                self.assertIn("lost its unique key on (name, version)", result.err)
                self.assertIn("hint: remove double rows, then: ALTER TABLE public.models ADD UNIQUE (name, version); ALTER TABLE public.model_chunks "
                              "ADD FOREIGN KEY", result.err)
        for word in ("current", "upgrade"):
            result = self.db(word)
            self.assertEqual(result.code, 10, result.all())
            self.assertIn("lost its unique key", result.err)
        self.assertEqual(len(self.stored()), 4)
        self.query(result.err.split("then: ")[1])
        self.assertEqual(self.sync().summary()["new"], 1)


class Encodings(CliCase):
    def test_characters_that_the_database_lacks(self):
        """Only the notes have them: where the models were, and on which machine."""
        name = f"{self.database}_latin"
        admin(f"CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
        self.addCleanup(admin, f"DROP DATABASE {name}")
        tree = self.base / "模型"
        tree.mkdir()
        for i in range(3):
            (tree / f"event{i}_regression.joblib").write_bytes(b"%d model " % i * 100)
        self.settle()
        command = [PROGRAM, "run", "--upgrade", "--json", "--state-dir", self.state, "-d", self.url_of(name), tree]
        for new in (3, 0):
            result = self.call(command)
            self.assertEqual((result.code, result.summary()["new"]), (0, new), result.all())
        (folder,), = self.query("SELECT models_dir FROM model_runs", url=self.url_of(name))
        self.assertEqual(folder.split("/")[-1], "".join(f"\\x{byte:02x}" for byte in "模型".encode()))
        self.assertEqual(self.call([PROGRAM, "check", "-d", self.url_of(name), tree]).code, 0)


if __name__ == "__main__":
    unittest.main()
