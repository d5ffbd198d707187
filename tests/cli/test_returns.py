"""A file that goes back to an older content takes its readers along, and what a person decided stays."""

import os
import unittest

from harness import PROGRAM
from stores import on_both
from test_life import LifeCase


class ReturnCase(LifeCase):
    def hold(self, content, name="churn_model"):
        """The file has this content, and is run."""
        self.write(f"{name}.joblib", content)
        self.settle()
        return self.sync()


@on_both
class Returns(ReturnCase):
    def test_there_and_back_and_there_again(self):
        for content, live in (("a", 1), ("b", 2), ("a", 1), ("b", 2), ("c", 3), ("a", 1), ("c", 3)):
            result = self.hold(content)
            self.assertEqual(self.live("churn_model"), live, result.all())
        self.assertEqual(len(self.stored()), 3)
        self.assertEqual([row[:2] for row in self.events()], [("return", 1), ("return", 2), ("return", 1), ("return", 3)])
        self.assertEqual((result.summary()["returned"], result.summary()["unchanged"], result.summary()["new"]), (1, 0, 0))
        self.assertEqual(result.models()["churn_model.joblib"]["status"], "returned")

    def test_dry_run_and_repetition_write_nothing(self):
        self.hold("a")
        self.hold("b")
        self.write("churn_model.joblib", "a")
        before = self.rows()
        self.assertEqual(self.sync("-n").summary()["returned"], 1)
        self.assertEqual((self.rows(), self.events()), (before, []))
        self.sync()
        for options in ([], ["--checksum"]):
            self.assertEqual(self.sync(*options).summary()["returned"], 0)
        self.assertEqual(len(self.events()), 1)

    def test_a_rollback_outlives_every_run(self):
        self.hold("a")
        self.hold("b")
        self.life("rollback", "churn_model", "--no-hold")
        path = self.tree / "churn_model.joblib"
        for options in ([], ["--checksum"]):
            os.utime(path)
            self.assertEqual(self.sync(*options).summary()["returned"], 0)
        next(self.state.rglob("journal")).unlink()
        self.assertEqual(self.sync().summary()["returned"], 0)
        self.assertEqual(self.live("churn_model"), 1)
        self.hold("c")
        self.assertEqual(self.live("churn_model"), 3)

    def test_a_decision_after_a_return_stays(self):
        for content in "aba":
            self.hold(content)
        self.life("activate", "churn_model@2")
        self.assertEqual(self.sync("--checksum").summary()["returned"], 0)
        self.assertEqual(self.live("churn_model"), 2)
        self.hold("b") # and going on from there is no decision
        self.hold("a")
        self.assertEqual(self.live("churn_model"), 1)

    def test_what_only_says_so(self):
        for words in (["--on-return", "note"], ["--no-activate"], []):
            with self.subTest(words):
                self.hold("a")
                self.hold("b")
                self.write("churn_model.joblib", "a")
                if not words:
                    self.life("alias", "churn_model", "champion")
                    self.query("UPDATE model_aliases SET alias = 'held'")
                result = self.sync(*words)
                self.assertEqual(result.summary()["returned"], 0)
                self.assertIn("the store has a newer churn_model@2; live is version 2", result.err)
                self.assertEqual(self.live("churn_model"), 2)

    def test_two_hosts_do_not_take_turns(self):
        self.hold("a")
        self.hold("b")
        self.query("UPDATE models SET source_host = 'other' WHERE version = 2")
        self.hold("a") # what this host had: nothing changed here
        self.assertEqual(self.live("churn_model"), 2)
        self.query("UPDATE models SET source_host = 'other'")
        self.hold("a") # nobody knows this host
        self.assertEqual((self.live("churn_model"), self.events()), (2, []))

    def test_a_crontab_hears_of_it_and_check_counts_it(self):
        for content in "aba":
            self.hold(content)
        result = self.call([PROGRAM, "run", "-q", "--state-dir", self.state, "-d", self.url, self.tree])
        self.assertEqual((result.code, result.out), (0, ""))
        self.assertIn("the store has a newer churn_model@2; live is version 1", result.err)
        result = self.call([PROGRAM, "check", "-d", self.url, self.tree])
        self.assertEqual(result.code, 4)
        self.assertIn("- churn_model@2", result.out)
        self.hold("b")
        self.assertEqual(self.call([PROGRAM, "check", "-d", self.url, self.tree]).code, 0)
        self.assertEqual(self.call([PROGRAM, "run", "-q", "--state-dir", self.state, "-d", self.url, self.tree]).err, "")

    def test_many_at_once_are_one_change(self):
        for content in "aba":
            for i in range(5):
                self.write(f"m{i}_model.joblib", f"{content}{i}")
            self.settle()
            result = self.sync()
        self.assertEqual(result.summary()["returned"], 5)
        self.assertEqual(len({change for change, in self.events("change_id")}), 1)
        self.assertEqual([self.live(f"m{i}_model") for i in range(5)], [1] * 5)


if __name__ == "__main__":
    unittest.main()
