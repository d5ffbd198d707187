"""Names as people give them: numbers that are no versions, folders that are, times, twins; and stores that have other names already."""

import os
import unittest

from test_real_trees import TreeCase


def data(name):
    return f"content of {name} ".encode() * 40


class NameCase(TreeCase):
    def put(self, *names):
        for name in names:
            self.write(name, data(name))

    def live(self):
        return sorted(row[0] for row in self.query("select name from latest_models"))

    def keys(self):
        return sorted(f"{name}@{version}" for name, version in self.stored())


class Names(NameCase):
    def test_folders_that_are_versions(self):
        self.put(*(f"churn/{n}/model.joblib" for n in (1, 2, 3)), *(f"a/bert:v{n}/MLmodel" for n in (1, 2)))
        self.sync()
        self.assertEqual(self.keys(), ["a/bert@1", "a/bert@2", "churn@1", "churn@2", "churn@3"])
        self.assertEqual(self.live(), ["a/bert", "churn"])
        self.assertEqual(self.sync().summary()["unchanged"], 5)

    def test_two_files_in_a_folder_that_is_a_version(self):
        self.put("churn/3/model.joblib", "churn/3/churn.joblib")
        self.sync()
        self.assertEqual(self.keys(), ["churn/3/churn@1", "churn/3/model@1"])

    def test_suffixes_tell_twins_apart(self):
        self.put("churn_v2.joblib", "churn_v2.onnx", "other.joblib")
        self.sync("--pattern", "+*.onnx")
        self.assertEqual(self.keys(), ["churn.joblib@2", "churn.onnx@2", "other@1"])
        self.assertEqual(self.sync("--pattern", "+*.onnx").summary()["unchanged"], 3)

    def test_suffix_that_comes_later(self):
        self.put("churn_model.joblib")
        self.sync()
        self.put("churn_model.pkl")
        self.sync("--pattern", "+*.pkl")
        self.assertEqual(self.keys(), ["churn_model.pkl@1", "churn_model@1"])
        self.assertEqual(self.query("select distinct model_type, event from models"), [("model", "churn")])
        self.assertEqual(self.mm("check", "--json", "--pattern", "+*.pkl", str(self.tree)).summary()["same"], 2)

    def test_newest_of_a_series_by_time_is_live(self):
        self.put(*(f"churn_2024011{n}_103000.joblib" for n in (5, 7, 6)), *(f"day/2024-01-1{n}/model.joblib" for n in (5, 6)), "single_20240101.joblib")
        result = self.sync()
        self.assertEqual(self.live(), ["churn_20240117_103000", "day/2024-01-16/model", "single_20240101"])
        self.assertEqual(result.summary()["inactive"], 3)
        self.put("churn_20240118_103000.joblib")
        self.sync()
        self.assertIn("churn_20240118_103000", self.live())

    def test_one_name_of_the_map_for_many(self):
        for number, name in enumerate(("b.joblib", "a.joblib", "c.joblib")):
            os.utime(self.write(name, data(name)), (1700000000 + number, 1700000000 + number))
        self.write("../map.csv", "path,name\n*.joblib,churn\nnone/*,x\n")
        result = self.sync("--map", str(self.base / "map.csv"))
        self.assertIn("the row for none/* in the map matches no model", result.err)
        versions = {line["path"]: line["version"] for line in result.models().values()}
        self.assertEqual(versions, {"b.joblib": 1, "a.joblib": 2, "c.joblib": 3})
        self.assertEqual(self.query("select version from models where is_active"), [(3,)])
        again = self.sync("--map", str(self.base / "map.csv"))
        self.assertEqual((again.summary()["unchanged"], "newer" in again.err), (3, False))

    def test_names_that_look_alike(self):
        self.put("mu\u0308ller.joblib", "m\u00fcller.joblib", "Churn.joblib", "churn.joblib")
        result = self.sync()
        self.assertEqual(len(self.stored()), 4)
        self.assertIn("Churn.joblib and churn.joblib: the names differ in the case of letters only", result.err)
        self.assertIn("the names differ in their Unicode form only (NFC and NFD)", result.err)


class Stores(NameCase):
    """A store that version 0.1.0 filled: what has its content there keeps its name."""

    def rename(self, *keys):
        for old, new in keys:
            name, version = new.split("@")
            old_name, old_version = old.split("@")
            self.query("update models set name = %s, version = %s where name = %s and version = %s", (name, version, old_name, old_version))

    def setUp(self):
        super().setUp()
        self.put("churn/3/model.joblib", "mobilenet_v3.joblib", "flow/20240115/MLmodel", "CHURN_model.joblib")
        self.sync()
        self.rename(("churn@3", "churn/3/model@1"), ("mobilenet_v3@1", "mobilenet@3"), ("flow/20240115@1", "flow@20240115"))
        self.before = self.keys()

    def test_with_and_without_the_journal(self):
        for arguments in ((), ("--checksum",), ("-n",)):
            summary = self.sync(*arguments).summary() if arguments != ("-n",) else self.mm("run", "-n", "--json", str(self.tree)).summary()
            self.assertEqual((summary["unchanged"], summary["new"]), (4, 0), arguments)
        for journal in self.state.glob("*/journal"):
            journal.unlink()
        self.assertEqual(self.sync().summary()["unchanged"], 4)
        self.assertEqual(self.keys(), self.before)

    def test_check_and_cleanup_know_them(self):
        summary = self.mm("check", "--json", str(self.tree)).summary()
        self.assertEqual([summary[key] for key in ("same", "only_in_store", "only_on_disk")], [4, 0, 0])
        self.assertEqual(self.mm("cleanup", "--json", str(self.tree)).summary()["can_go"], 4)

    def test_other_content_gets_the_name_of_today(self):
        self.write("mobilenet_v3.joblib", data("trained again"))
        self.sync()
        self.assertEqual(self.keys(), sorted([*self.before, "mobilenet_v3@1"]))
        summary = self.mm("check", "--json", str(self.tree)).summary()
        self.assertEqual([summary[key] for key in ("same", "only_in_store", "older")], [4, 0, 1])


if __name__ == "__main__":
    unittest.main()
