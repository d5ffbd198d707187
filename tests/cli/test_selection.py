"""Which files are models and under which key: patterns, includes, excludes, the map, and keys that clash."""

import unittest

from harness import CliCase
from stores import on_both

DATA = b"some model " * 50


@on_both
class Patterns(CliCase):
    def names(self, *arguments, code=0):
        return sorted(self.sync(*arguments, "-n", code=code).models())

    def setUp(self):
        super().setUp()
        for i, name in enumerate(["a_model.joblib", "b_model.joblib", "old/c_model.joblib", "new/d_model.joblib", "new/e.pkl", "f.tar.gz", "notes.txt"]):
            self.write(name, DATA + b"%d" % i)

    def test_default_is_joblib_at_any_depth(self):
        self.assertEqual(self.names(), ["a_model.joblib", "b_model.joblib", "new/d_model.joblib", "old/c_model.joblib"])

    def test_include(self):
        self.assertEqual(self.names("--include", "a_*", "--include", "new/*"), ["a_model.joblib", "new/d_model.joblib"])

    def test_exclude_wins_over_include(self):
        self.assertEqual(self.names("--include", "?_model.joblib", "--exclude", "b_*"), ["a_model.joblib", "new/d_model.joblib", "old/c_model.joblib"])

    def test_excluded_directory_is_not_entered(self):
        self.assertEqual(self.names("--exclude", "old/", "--exclude", "new"), ["a_model.joblib", "b_model.joblib"])

    def test_pattern_replaces_the_default(self):
        self.assertEqual(self.names("--pattern", "*.pkl"), ["new/e.pkl"])

    def test_patterns_add_up(self):
        self.assertEqual(self.names("--pattern", "*.pkl", "--pattern=*.tar.gz"), ["f.tar.gz", "new/e.pkl"])

    def test_suffix_of_the_pattern_is_taken_off_the_name(self):
        lines = self.sync("--pattern", "*.pkl", "--pattern", "*.tar.gz").models()
        self.assertEqual((lines["new/e.pkl"]["name"], lines["f.tar.gz"]["name"]), ("new/e", "f"))

    def test_dir_pattern_makes_a_directory_one_model(self):
        self.assertEqual(self.names("--dir-pattern", "ol*"), ["a_model.joblib", "b_model.joblib", "new/d_model.joblib", "old"])

    def test_marker_makes_a_directory_one_model(self):
        self.write("churn/3/MLmodel", b"flavors: {}")
        self.write("churn/3/model.joblib", DATA)
        line = self.sync().models()["churn/3"]
        self.assertEqual((line["name"], line["version"]), ("churn", 3))
        self.assertEqual(self.query("SELECT model_type, format FROM models WHERE name = 'churn'"), [("mlflow", "tar")])

    def test_nothing_found_is_no_error(self):
        result = self.run_program("--upgrade", "--include", "nothing*")
        self.assertEqual(result.code, 0, result.err)
        self.assertIn("no models found", result.out)


class Globs(CliCase):
    def test_question_mark_is_a_character_in_every_locale(self):
        self.write("café_model.joblib", DATA)
        self.write("模型_model.joblib", DATA + b"2")
        for locale in ("C", "C.UTF-8", "de_DE.ISO-8859-1"):
            env = {"LC_ALL": locale, "LANG": locale}
            for glob, names in (("caf?_model.joblib", ["café_model.joblib"]), ("??_model.joblib", ["模型_model.joblib"]), ("caf??_*", []),
                                ("[!a]af[é]_*", ["café_model.joblib"])):
                with self.subTest(glob, locale=locale):
                    self.assertEqual(list(self.sync("--include", glob, env=env).models()), names)
            self.assertEqual(list(self.sync("--exclude", "caf?_*", env=env).models()), ["模型_model.joblib"])
            self.assertEqual(sorted(self.sync("--pattern", "??_model.joblib", env=env).models()), ["模型_model.joblib"])


@on_both
class Map(CliCase):
    def setUp(self):
        super().setUp()
        self.write("legacy/final2.joblib", DATA)
        self.write("legacy/other_regression.joblib", DATA + b"2")
        self.write("plain_regression.joblib", DATA + b"3")
        self.map = self.base / "map.csv"

    def rows_of(self, text, code=0):
        self.map.write_text(text)
        self.sync("--map", self.map, code=code)
        return {name: (version, kind, event) for name, version, kind, event in
                self.query("SELECT name, version, model_type, event FROM models")}

    def test_map_overrides_what_it_gives_and_leaves_the_rest(self):
        rows = self.rows_of("path,name,version,model_type,event\nlegacy/final2.joblib,merger_model,7,,\nlegacy/*,,,classifier_binary,\"sales, \"\"net\"\"\"\n")
        self.assertEqual(rows["merger_model"], (7, "model", "merger"))
        self.assertEqual(rows["legacy/other_regression"], (1, "classifier_binary", 'sales, "net"'))
        self.assertEqual(rows["plain_regression"], (1, "regression", "plain"))

    def test_columns_may_stand_in_any_order(self):
        rows = self.rows_of("event,path\nxyz,plain_regression.joblib\n")
        self.assertEqual(rows["plain_regression"], (1, "regression", "xyz"))

    def test_wrong_maps_are_usage_errors_before_anything_is_written(self):
        wrong = {"path,nam\nx,y\n": "nam", "name\nx\n": "path", "path,name\nx\n": "row 2", "path,version\nx,many\n": "many",
                 "path,name\n,x\n": "row 2", "path,name\nx,a\nx,\"b\x1b\"\n": "row 3"}
        for text, word in wrong.items():
            with self.subTest(text):
                self.map.write_text(text)
                result = self.run_program("--upgrade", "--map", self.map)
                self.assertEqual(result.code, 2, result.err)
                self.assertIn(word, result.err)
                self.assertIn("map.csv", result.err)
        self.assertEqual(self.query("SELECT count(*) FROM models") if self.has_tables() else [(0,)], [(0,)])

    def test_missing_map_is_a_usage_error(self):
        result = self.run_program("--upgrade", "--map", self.base / "none.csv")
        self.assertEqual(result.code, 2, result.err)
        self.assertIn("none.csv", result.err)


@on_both
class Clashes(CliCase):
    def check_refused(self, *paths, arguments=()):
        self.write("good_model.joblib", DATA + b"good")
        result = self.sync(*arguments, code=3)
        for path in paths:
            self.assertEqual(result.models()[path]["status"], "conflict")
            others = [other for other in paths if other != path]
            self.assertTrue(any(other in result.models()[path]["reason"] for other in others), result.models()[path])
            self.assertIn(path, result.err)
        self.assertEqual(list(self.stored()), [("good_model", 1)])

    def test_two_sources_with_one_explicit_key(self):
        self.write("m_v1.joblib", DATA)
        self.write("m/v1.joblib", DATA + b"other")
        self.check_refused("m_v1.joblib", "m/v1.joblib")

    def test_two_sources_with_one_key_are_refused_even_with_the_same_content(self):
        self.write("m_v1.joblib", DATA)
        self.write("m-v01.joblib", DATA)
        self.check_refused("m_v1.joblib", "m-v01.joblib")

    def test_two_sources_with_one_name_and_no_version(self):
        self.write("m.joblib", DATA)
        self.write("m/MLmodel", DATA + b"other")
        self.check_refused("m.joblib", "m")

    def test_three_sources_with_one_key_through_the_map(self):
        for name in "abc":
            self.write(f"{name}.joblib", DATA + name.encode())
        path = self.base / "map.csv"
        path.write_text("path,name,version\n?.joblib,same,2\n")
        self.check_refused("a.joblib", "b.joblib", "c.joblib", arguments=("--map", path))

    def test_versions_of_one_name_go_together(self):
        self.write("m_v2.joblib", DATA + b"two")
        self.write("m_v10.joblib", DATA + b"ten")
        self.write("m.joblib", DATA + b"live")
        lines = self.sync().models()
        self.assertEqual([lines[p]["version"] for p in ("m_v2.joblib", "m_v10.joblib", "m.joblib")], [2, 10, 11])

    def test_version_of_a_source_that_cannot_be_stored_now_stays_free(self):
        self.write("m.joblib", DATA + b"one")
        self.sync()
        self.write("m.joblib", DATA + b"live")
        self.write("m_v2.joblib", b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 5\n")
        lines = self.sync(code=3).models()
        self.assertEqual((lines["m_v2.joblib"]["status"], lines["m.joblib"]["version"]), ("failed", 3))
        self.write("m_v2.joblib", DATA + b"two")
        self.assertEqual(self.sync().models()["m_v2.joblib"]["status"], "new")

    def test_copy_of_a_version_is_that_version(self):
        self.write("m_v2.joblib", DATA + b"two")
        self.write("m.joblib", DATA + b"two")
        result = self.sync()
        self.assertEqual(list(self.stored()), [("m", 2)])
        self.assertEqual((result.summary()["new"], result.summary()["unchanged"]), (1, 1))


if __name__ == "__main__":
    unittest.main()
