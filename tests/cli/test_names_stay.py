"""A name that is stored stays the name of its source, whatever else a run sees."""

import pickle
import unittest

from test_real_names import NameCase, data

BOTH = ("--pattern", "+*.pkl")


class Twins(NameCase):
    def paths(self):
        return {f"{name}@{version}": path for name, version, path in self.query("select name, version, source_path from models")}

    def test_a_twin_that_is_alone_now(self):
        self.put("churn.joblib", "churn.pkl")
        self.sync()
        self.sync(*BOTH)
        before = {"churn@1": "churn.joblib", "churn.pkl@1": "churn.pkl"}
        self.assertEqual(self.paths(), before)
        for arguments in (("--exclude", "*.joblib"), ("--include", "*.pkl"), ("--checksum", "--include", "*.pkl")):
            self.assertEqual(self.sync(*BOTH, *arguments).summary()["unchanged"], 1, arguments)
        (self.tree / "churn.joblib").unlink()
        self.assertEqual(self.sync(*BOTH).summary()["unchanged"], 1)
        self.assertEqual(self.mm("check", "--json", *BOTH, str(self.tree), code=4).summary()["same"], 1)
        self.write("churn.pkl", data("trained again"))
        self.sync(*BOTH)
        self.assertEqual(self.paths(), {**before, "churn.pkl@2": "churn.pkl"})

    def test_a_twin_that_comes_beside_a_changed_one(self):
        self.put("churn.joblib")
        self.sync()
        self.put("churn.pkl")
        self.write("churn.joblib", data("trained again"))
        self.sync(*BOTH)
        self.assertEqual(self.paths(), {"churn@1": "churn.joblib", "churn@2": "churn.joblib", "churn.pkl@1": "churn.pkl"})
        self.assertEqual(self.sync(*BOTH).summary()["unchanged"], 2)
        self.assertEqual(self.mm("check", "--json", *BOTH, str(self.tree)).summary()["same"], 2)

    def test_twins_of_one_content_are_both_stored(self):
        self.write("a.joblib", data("a"))
        self.sync()
        self.write("a.pkl", data("a"))
        self.assertEqual(self.mm("check", "--json", *BOTH, str(self.tree), code=4).summary()["only_on_disk"], 1)
        self.sync(*BOTH)
        self.assertEqual(self.paths(), {"a@1": "a.joblib", "a.pkl@1": "a.pkl"})


class Folders(NameCase):
    def test_a_source_stays_where_an_earlier_version_put_it(self):
        self.put("stores/101/model.joblib")
        self.sync()
        self.query("update models set name = 'stores/101/model', version = 1")
        self.write("stores/101/model.joblib", data("trained again"))
        self.put("stores/102/model.joblib")
        self.sync()
        self.assertEqual(self.keys(), ["stores/101/model@1", "stores/101/model@2", "stores@102"])
        self.assertEqual(self.mm("check", "--json", str(self.tree)).summary()["same"], 2)

    def test_a_folder_is_no_version_of_another_source(self):
        self.put("stores.joblib", "stores/101/model.joblib", "churn/3/model.joblib")
        self.sync()
        self.assertEqual(self.keys(), ["churn@3", "stores/101/model@1", "stores@1"])

    def test_a_folder_is_no_version_of_a_source_that_was_stored(self):
        self.put("stores.joblib")
        self.sync()
        (self.tree / "stores.joblib").unlink()
        self.put("stores/101/model.joblib")
        lines = self.mm("check", "--json", str(self.tree), code=4).lines()
        self.assertEqual([(line["letter"], line["name"]) for line in lines if line["type"] == "model"], [("+", "stores/101/model"), ("-", "stores")])
        self.sync()
        self.assertEqual(self.keys(), ["stores/101/model@1", "stores@1"])
        self.assertEqual(self.sync().summary()["unchanged"], 1)


class Series(NameCase):
    def test_a_newest_one_that_is_no_model_takes_nothing_from_readers(self):
        whole = pickle.dumps({"weights": list(range(100))})
        for day, content in (("14", whole), ("15", whole + b"\n"), ("16", whole[:-9]), ("17", b""), ("18", b"<!DOCTYPE html>")):
            self.write(f"churn_202401{day}.joblib", content)
        self.mm("run", "--upgrade", str(self.tree), code=3)
        self.assertEqual(self.live(), ["churn_20240115"])
        self.assertEqual(self.keys(), ["churn_20240114@1", "churn_20240115@1"])
        self.write("churn_20240118.joblib", whole + b"\n\n")
        self.mm("run", str(self.tree), code=3)
        self.assertIn("churn_20240118", self.live())


class Root(NameCase):
    def test_models_beside_what_looks_like_one(self):
        self.put("a.joblib", "topics.json", "x.bin")
        result = self.sync()
        self.assertEqual(self.keys(), ["a@1"])
        self.assertIn("the folder of models looks like one model itself (bertopic)", result.err)
        (self.tree / "a.joblib").unlink()
        self.mm("run", str(self.tree), code=2)


if __name__ == "__main__":
    unittest.main()
