"""What is live: activate, deactivate, rollback, release, alias, and what ls, info and history say of it."""

import unittest

from harness import PROGRAM, CliCase
from stores import on_both

LIVE = "SELECT max(version) FROM models WHERE name = %s AND is_active"


class LifeCase(CliCase):
    def setUp(self):
        super().setUp()
        self.assertEqual(self.db("upgrade").code, 0)

    def life(self, *words, code=0, env=None):
        result = self.call([PROGRAM, *words, "-d", self.url], env=env)
        self.assertEqual(result.code, code, result.all())
        return result

    def store_versions(self, name, contents):
        """One run for each content of the file."""
        for content in contents:
            self.write(f"{name}.joblib", content)
            self.settle()
            self.sync()

    def live(self, name):
        """What the query of the readers gives."""
        return self.query(LIVE, (name,))[0][0]

    def events(self, columns="action, version, was_live, now_live"):
        return self.query(f"SELECT {columns} FROM model_events ORDER BY event_id")

    def aliases(self):
        return self.query("SELECT name, alias, version FROM model_aliases ORDER BY name, alias")


@on_both
class Changes(LifeCase):
    def test_activate_an_older_one_and_the_newest_again(self):
        self.store_versions("churn_model", "abc")
        text = self.life("activate", "churn_model@1", "--reason", "as tested").out
        self.assertIn("churn_model: live is 1, before 3", text)
        self.assertEqual(self.live("churn_model"), 1)
        text = self.life("activate", "churn_model@1").out
        self.assertIn("live is 1, as before", text)
        self.life("activate", "churn_model@latest")
        self.assertEqual(self.live("churn_model"), 3)
        self.assertEqual(self.events(), [("activate", 1, 3, 1), ("activate", 3, 1, 3)]) # and none for the one that changed nothing
        self.assertEqual(self.events("reason"), [("as tested",), (None,)])
        self.assertRegex(self.events("actor")[0][0], r"^\S+@\S+")

    def test_dry_run_says_the_same_and_writes_nothing(self):
        self.store_versions("churn_model", "ab")
        before = self.rows()
        for words in (["activate", "churn_model@1"], ["rollback", "churn_model"], ["deactivate", "churn_model@2"], ["alias", "churn_model", "champion"]):
            with self.subTest(words):
                said = self.life(*words, "-n").out
                self.assertEqual((self.rows(), self.events(), self.aliases()), (before, [], []))
        self.assertIn("champion names 2, before none", said)
        self.assertEqual(self.life("alias", "churn_model", "champion").out, said)

    def test_all_or_none(self):
        self.store_versions("churn_model", "ab")
        self.store_versions("price_model", "cd")
        before = self.rows()
        self.assertIn("price_model@7: is not stored; there are 1, 2 (live)", self.life("activate", "churn_model@1", "price_model@7", code=1).err)
        self.assertIn("nobody: is not stored", self.life("activate", "churn_model@1", "nobody@1", code=1).err)
        self.assertIn("named twice", self.life("activate", "churn_model@1", "churn_model@2", code=2).err)
        self.assertEqual((self.rows(), self.events()), (before, []))
        self.life("activate", "price_model@1", "churn_model@1")
        self.assertEqual((self.live("churn_model"), self.live("price_model")), (1, 1))
        changes = self.events("change_id")
        self.assertEqual(len(set(changes)), 1)
        self.assertEqual(len(changes), 2)

    def test_only_if_another_one_is_live_by_now(self):
        self.store_versions("churn_model", "abc")
        self.assertIn("version 3 is live, not 2", self.life("activate", "churn_model@1", "--if-live", "2", code=3).err)
        self.assertEqual(self.live("churn_model"), 3)
        self.life("activate", "churn_model@1", "--if-live", "3")
        self.assertEqual(self.live("churn_model"), 1)
        self.assertIn("one name", self.life("activate", "a@1", "b@1", "--if-live", "3", code=2).err)

    def test_deactivate(self):
        self.store_versions("churn_model", "abc")
        self.assertIn("live is 2, before 3", self.life("deactivate", "churn_model@3").out)
        self.assertIn("live is 2, as before; 1 is inactive", self.life("deactivate", "churn_model@1").out)
        self.assertIn("--allow-none", self.life("deactivate", "churn_model", code=1).err)
        self.assertEqual(self.live("churn_model"), 2)
        self.assertIn("live is none, before 2", self.life("deactivate", "churn_model", "--allow-none").out)
        self.assertIsNone(self.live("churn_model"))
        self.assertIn("no version is live", self.life("rollback", "churn_model", code=1).err)

    def test_back_is_a_step_and_never_there_and_back(self):
        self.store_versions("churn_model", "abc")
        for live in (2, 1):
            self.life("rollback", "churn_model")
            self.assertEqual(self.live("churn_model"), live)
        self.assertIn("nothing was live before", self.life("rollback", "churn_model", code=1).err)
        self.assertEqual(self.live("churn_model"), 1)
        self.life("activate", "churn_model@3")
        self.life("rollback", "churn_model") # what activate replaced
        self.assertEqual(self.live("churn_model"), 1)

    def test_rows_of_other_programs_go_back_to_the_next_lower_one(self):
        for version in (1, 4, 9):
            self.query("INSERT INTO models (name, version, model_type, event, model_binary) VALUES ('theirs', %s, 't', 'e', %s)", (version, b"x%d" % version))
        self.life("rollback", "theirs")
        self.assertEqual(self.live("theirs"), 4)
        self.query("UPDATE models SET is_active = (1 = 0) WHERE name = 'theirs' AND version = 4") # as the reference deactivates
        self.assertIn("live is 9, before 1", self.life("activate", "theirs@9").out)


@on_both
class Hold(LifeCase):
    def test_new_versions_wait_after_a_rollback(self):
        self.store_versions("churn_model", "ab")
        self.store_versions("price_model", "c")
        self.assertIn("held", self.life("rollback", "churn_model").out)
        self.assertEqual(self.aliases(), [("churn_model", "held", 1)])
        self.write("churn_model.joblib", "d")
        self.write("price_model.joblib", "e")
        result = self.sync()
        self.assertEqual((result.summary()["new"], result.summary()["held"], result.summary()["inactive"]), (2, 1, 0))
        self.assertEqual((self.live("churn_model"), self.live("price_model")), (1, 2))
        self.assertIn("not held", self.life("release", "churn_model").out)
        self.assertEqual((self.live("churn_model"), self.aliases()), (1, []))
        self.store_versions("churn_model", "f")
        self.assertEqual(self.live("churn_model"), 4)

    def test_activate_ends_it_and_no_hold_begins_none(self):
        self.store_versions("churn_model", "abc")
        self.life("rollback", "churn_model")
        self.life("activate", "churn_model@2") # it is live: the hold ends all the same
        self.assertEqual(self.aliases(), [])
        self.assertNotIn("held", self.life("rollback", "churn_model", "--no-hold").out)
        self.assertEqual(self.aliases(), [])
        self.store_versions("churn_model", "d")
        self.assertEqual(self.live("churn_model"), 4)

    def test_explicit_versions_wait_too(self):
        self.write("churn_model_v1.joblib", "a")
        self.write("churn_model_v2.joblib", "b")
        self.sync()
        self.life("rollback", "churn_model")
        self.write("churn_model_v3.joblib", "c")
        self.assertEqual(self.sync().summary()["held"], 1)
        self.assertEqual(self.live("churn_model"), 1)


@on_both
class Aliases(LifeCase):
    def test_set_move_and_take_away(self):
        self.store_versions("churn_model", "abc")
        self.assertIn("champion names 1, before none", self.life("alias", "churn_model@1", "champion").out)
        self.assertIn("champion names 3, before 1", self.life("alias", "churn_model", "champion").out)
        self.assertIn("champion names 3, before 3", self.life("alias", "churn_model@3", "champion").out)
        self.assertEqual(self.aliases(), [("churn_model", "champion", 3)])
        self.life("activate", "churn_model@1")
        self.assertEqual(self.aliases(), [("churn_model", "champion", 3)]) # nothing moves it but `alias`
        self.life("activate", "churn_model@champion")
        self.assertEqual(self.live("churn_model"), 3)
        self.life("alias", "--delete", "churn_model", "champion")
        self.assertEqual(self.aliases(), [])
        self.assertIn("has no alias champion", self.life("alias", "--delete", "churn_model", "champion", code=1).err)
        self.assertIn("has no alias champion", self.life("activate", "churn_model@champion", code=1).err)
        self.assertEqual([row[0] for row in self.events()], ["alias", "alias", "activate", "activate", "unalias"])

    def test_words_that_are_taken(self):
        self.store_versions("churn_model", "a")
        for word in ("latest", "live", "held", "pending", "v1", "Champion", "1st", "a b", ""):
            with self.subTest(word):
                self.assertIn("is no alias", self.life("alias", "churn_model@1", word, code=2).err)

    def test_a_name_with_an_at_wins(self):
        self.store_versions("churn_model", "ab")
        self.store_versions("churn_model@champion", "cd")
        self.life("alias", "churn_model@1", "champion")
        self.life("activate", "churn_model@champion@1")
        self.assertEqual((self.live("churn_model"), self.live("churn_model@champion")), (2, 1))
        self.assertIn("churn_model@champion: live is 1, as before", self.life("activate", "churn_model@champion").out)


@on_both
class Lists(LifeCase):
    def test_ls(self):
        self.store_versions("churn_model", "ab")
        self.store_versions("price_regression", "c")
        self.life("rollback", "churn_model")
        self.life("alias", "churn_model@1", "champion")
        lines = self.life("ls").out.splitlines()
        self.assertEqual([line.split()[0] for line in lines], ["churn_model@1", "price_regression@1", "2"])
        self.assertIn("held, champion", lines[0])
        self.assertEqual(len(self.life("ls", "-a").out.splitlines()), 4)
        self.assertEqual(self.life("ls", "-q", "price*").out, "price_regression@1\n")
        self.assertEqual(self.life("ls", "-q", "--type", "regression").out, "price_regression@1\n")
        self.assertEqual(self.life("ls", "-q", "--event", "churn").out, "churn_model@1\n")
        self.assertEqual(self.life("ls", "-q", "--inactive").out, "churn_model@2\n")
        self.assertEqual(self.life("ls", "-q", "nothing").out, "")
        run, = self.query("SELECT run_id FROM models WHERE name = 'churn_model' AND version = 2")[0]
        self.assertEqual(self.life("ls", "-q", "--run", str(run)).out, "churn_model@2\n")
        *models, summary = self.life("ls", "-a", "--json").lines()
        self.assertEqual([(line["name"], line["version"], line["live"], line["active"], line["held"]) for line in models],
                         [("churn_model", 1, True, True, True), ("churn_model", 2, False, False, True), ("price_regression", 1, True, True, False)])
        self.assertEqual((summary["names"], summary["versions"], summary["raw_bytes"]), (2, 3, 3))

    def test_info(self):
        self.store_versions("churn_model", "ab")
        self.life("rollback", "churn_model", "--reason", "bad numbers")
        text = self.life("info", "churn_model").out
        for part in ("churn_model@1", "live", "held", "content_sha256", "run_id", "bad numbers"):
            self.assertIn(part, text)
        self.assertIn("inactive", self.life("info", "churn_model@2").out)
        model, event, summary = self.life("info", "churn_model@latest", "--json").lines()
        self.assertEqual((model["version"], model["status"], event["action"], event["reason"], summary["events"]), (2, "inactive", "rollback", "bad numbers", 1))
        self.assertIn("is not stored", self.life("info", "nobody", code=1).err)
        self.life("deactivate", "churn_model", "--allow-none")
        self.assertIn("churn_model@2", self.life("info", "churn_model").out)

    def test_history_is_in_the_order_of_time(self):
        self.store_versions("churn_model", "ab")
        self.life("rollback", "churn_model", "--reason", "bad \x1b[31m numbers")
        self.store_versions("churn_model", "c")
        *lines, summary = self.life("history", "churn_model", "--json").lines()
        self.assertEqual([(line["action"], line["version"], line["now_live"]) for line in lines],
                         [("stored", 1, None), ("stored", 2, None), ("rollback", 1, 1), ("stored", 3, None)])
        self.assertEqual(summary["events"], 4)
        text = self.life("history").out
        self.assertIn("live 2 -> 1", text)
        self.assertNotIn("\x1b", text)
        self.assertIn("never was", self.life("history", "nobody", code=1).err)

    def test_history_outlives_its_rows(self):
        self.store_versions("churn_model", "ab")
        self.life("activate", "churn_model@1")
        self.query("DELETE FROM models WHERE name = 'churn_model'")
        self.assertIn("live 2 -> 1", self.life("history", "churn_model").out)


if __name__ == "__main__":
    unittest.main()
