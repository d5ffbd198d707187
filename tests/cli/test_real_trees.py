"""Folders as people have them: other suffixes, hidden folders, kinds of directory. Nothing is passed over in silence."""

import bz2
import gzip
import lzma
import os
import pickle
import subprocess
import unittest
import zipfile
import zlib

import joblib
import numpy

from harness import PROGRAM, CliCase

DATA = b"some model " * 50


class TreeCase(CliCase):
    def mm(self, *words, code=0):
        """Any command with the test's database and state; code None: whatever it is."""
        result = self.call([PROGRAM, *words, "--state-dir", self.state, "-d", self.url])
        if code is not None:
            self.assertEqual(result.code, code, result.all())
        return result


class LeftOut(TreeCase):
    def setUp(self):
        super().setUp()
        for name in ("a.joblib", "b.pkl", "c.PKL", "d.csv", "sub/e.h5", ".git/x.joblib"):
            self.write(name, DATA)
        self.write("bert_model", pickle.dumps({"topics": 3}))

    def test_every_report_counts_them(self):
        run = self.mm("run", "--upgrade", str(self.tree))
        self.assertRegex(run.out, r"left out +5  files: \*\.pkl 2, .*pickle without suffix 1; --pattern '\+\*\.pkl' takes those too\n")
        self.assertRegex(run.out, r"hidden +1  \.git; --hidden takes them too\n")
        for command in (("run", "-n"), ("check",), ("cleanup",)):
            text = self.mm(*command, str(self.tree))
            self.assertRegex(text.out, r"left out +5  ?files", command)
            lines = self.mm(*command, "--json", str(self.tree)).lines()
            kinds = {line["pattern"]: line["count"] for line in lines if line["type"] == "left_out"}
            self.assertEqual(kinds, {"*.pkl": 2, "*.csv": 1, "*.h5": 1, "pickle without suffix": 1}, command)
            self.assertEqual([lines[-1][key] for key in ("left_out", "hidden", "excluded")], [5, 1, 0], command)
        self.assertIn("not stored", self.mm("check", str(self.tree)).out)
        verbose = self.mm("run", "-v", str(self.tree)).out
        for name in ("b.pkl", "c.PKL", "d.csv", "sub/e.h5", "bert_model"):
            self.assertIn(f"left out   {name}\n", verbose)

    def test_reports_in_files_count_them(self):
        self.mm("run", "--upgrade", "-q", str(self.tree))
        for ending, words in (("json", '"left_out":5'), ("html", "5 files that no pattern takes")):
            report = self.base / f"report.{ending}"
            self.mm("check", "--report", str(report), str(self.tree))
            self.assertIn(words, report.read_text())

    def test_quiet_run_that_finds_nothing_is_noticed(self):
        (self.tree / "a.joblib").unlink()
        found = self.mm("run", "--upgrade", "-q", str(self.tree))
        self.assertIn("holds no model that --pattern takes; left out 5 files: *.pkl 2", found.err)
        self.assertEqual(found.out, "")
        (self.base / "elsewhere.joblib").write_bytes(DATA)
        (self.tree / "link.joblib").symlink_to(self.base / "elsewhere.joblib")
        self.assertIn("all 1 models that were found are skipped", self.mm("run", "-q", str(self.tree)).err)

    def test_patterns_as_they_are_typed(self):
        def found(*arguments):
            result = self.mm("run", "-n", "--json", *arguments, str(self.tree))
            return sorted(result.models()), result.err

        self.assertEqual(found("--pattern", "+*.pkl")[0], ["a.joblib", "b.pkl", "c.PKL"])
        self.assertEqual(found("--pattern", "*.{pkl,h5}")[0], ["b.pkl", "c.PKL", "sub/e.h5"])
        self.assertEqual(found("--pattern", "*.csv,*.h5")[0], ["d.csv", "sub/e.h5"])
        self.assertEqual(found("--preset", "sklearn")[0], ["a.joblib", "b.pkl", "bert_model", "c.PKL"])
        self.assertIn("sub/e.h5", found("--preset", "all")[0])
        models, err = found("--pattern", ".pkl")
        self.assertEqual(models, [])
        self.assertIn("the pattern .pkl matches no file", err)
        self.assertNotIn("matches no file", found("--pattern", "*.joblib")[1])
        wrong = self.mm("run", "--pattern", "a.joblib", "b.pkl", str(self.tree), code=2)
        self.assertIn('unexpected argument "b.pkl"', wrong.err)

    def test_excluded_is_told(self):
        run = self.mm("run", "--upgrade", "--exclude", "a.*", "--exclude", "sub", str(self.tree))
        self.assertRegex(run.out, r"excluded +2  ")


class Hidden(TreeCase):
    def test_rubbish_is_no_model_and_no_failure(self):
        self.write("a.joblib", DATA)
        for folder in (".snapshot/hourly.0", "@eaDir", "__MACOSX", "env", ".~tmp~"):
            self.write(f"{folder}/a.joblib", DATA)
        self.write("env/pyvenv.cfg", b"home = /usr/bin\n")
        self.write("._a.joblib", b"\0\5\x16\7" + bytes(200))
        (self.tree / "lost+found").mkdir(mode=0)
        self.mm("run", "--upgrade", "-q", str(self.tree))
        self.assertEqual(self.stored_names(), ["a"])
        self.assertIn("can_go\":1,", self.mm("cleanup", "--json", str(self.tree)).out)
        (self.tree / "lost+found").rmdir()
        taken = self.mm("run", "-n", "--json", "--hidden", str(self.tree), code=None)
        self.assertEqual(len(taken.models()), 7)

    def stored_names(self):
        return sorted(name for name, _ in self.stored())


class Kinds(TreeCase):
    def test_folders_as_libraries_write_them(self):
        files = {"sd/model_index.json": b"{}", "sd/unet/config.json": b"{}", "sd/unet/x.safetensors": DATA,
                 "lora/adapter_config.json": b"{}", "lora/adapter_model.safetensors": DATA, "lora/checkpoint-5/adapter_config.json": b"{}",
                 "ner/meta.json": b"{}", "ner/config.cfg": b"[nlp]", "ner/transformer/model/config.json": b"{}",
                 "ner/transformer/model/pytorch_model.bin": DATA, "ag/predictor.pkl": DATA, "ag/learner.pkl": DATA, "ag/models/x/model.pkl": DATA}
        for path, data in files.items():
            self.write(path, data)
        self.mm("run", "--upgrade", "-q", "--pattern", "*.pkl", str(self.tree))
        rows = self.query("select name, model_type from models order by name")
        self.assertEqual(rows, [("ag", "autogluon"), ("lora", "peft"), ("ner", "spacy"), ("sd", "diffusers")])
        (self.base / "back").mkdir()
        for name in ("ag", "lora", "ner", "sd"):
            self.mm("get", "-q", name, str(self.base / "back" / name))
            for path, data in files.items():
                if path.startswith(name + "/"):
                    self.assertEqual((self.base / "back" / path).read_bytes(), data)

    def test_models_dir_that_is_a_model(self):
        self.write("bertopic_model_1a2b3c4d/config.json", b"{}")
        self.write("flow/MLmodel", b"flavors: {}")
        for name in ("bertopic_model_1a2b3c4d", "flow"):
            for command in ("run", "check"):
                self.mm("db", "upgrade", "-q")
                result = self.mm(command, str(self.tree / name), code=2)
                self.assertIn("is itself a model", result.err)
                self.assertIn(f"name the folder above it: {self.tree}\n", result.err)

    def test_checkpoints_of_a_training_are_models(self):
        config = b'{"model_type": "bert"}'
        for folder in ("bert", "bert/checkpoint-500", "bert/checkpoint-1000"):
            self.write(f"{folder}/config.json", config)
            self.write(f"{folder}/model.safetensors", bytes(8) + folder.encode())
        self.write("bert/checkpoint-500/optimizer.pt", b"state")
        self.write("bert/checkpoint-7/notes.txt", b"no weights")
        self.write("run/config.json", config) # no weights yet
        self.write("run/checkpoint-2/config.json", config)
        self.write("run/checkpoint-2/pytorch_model.bin", b"weights")
        self.mm("run", "--upgrade", str(self.tree))
        self.assertEqual(sorted(name for name, _ in self.stored()), ["bert", "bert/checkpoint-1000", "bert/checkpoint-500", "run/checkpoint-2"])
        self.mm("get", "bert", str(self.base / "bert"))
        self.assertEqual(sorted(os.listdir(self.base / "bert")), ["checkpoint-7", "config.json", "model.safetensors"])
        self.mm("check", str(self.tree))
        for _ in range(2): # what is there already is known
            self.mm("get", "--all", str(self.base / "all"))
        (self.tree / "run/config.json").unlink() # no model, and not stored
        self.assertEqual(subprocess.run(["diff", "-r", self.tree, self.base / "all"], check=False).returncode, 0)
        said = self.mm("cleanup", str(self.tree)).out
        self.assertRegex(said, r"it holds checkpoint-1000, which is not stored")

    def test_a_stored_folder_that_no_rule_takes_any_more(self):
        self.write("sub/old/words.bin", b"a model that --dir-pattern named")
        self.write("sub/old/a.joblib", DATA)
        self.mm("run", "--upgrade", "--dir-pattern", "old", str(self.tree))
        (self.tree / "sub/old/a.joblib").rename(self.tree / "a.joblib")
        self.write("sub/old/a.joblib", DATA)
        self.mm("run", str(self.tree))
        lines = self.mm("check", "--json", str(self.tree)).models()
        self.assertEqual({path: line["letter"] for path, line in lines.items()}, {"a.joblib": "=", "sub/old": "=", "sub/old/a.joblib": "="})
        self.mm("check", "--exclude", "sub", str(self.tree))
        said = self.mm("cleanup", "--json", str(self.tree)).models()
        self.assertEqual((said["sub/old"]["can_go"], said["a.joblib"]["can_go"]), (False, True))
        self.write("sub/old/words.bin", b"other words")
        self.assertIn("a run would not take this folder for a model any more", self.mm("check", str(self.tree), code=4).out)
        (self.tree / "sub/old/words.bin").unlink()
        (self.tree / "sub/old/a.joblib").unlink()
        (self.tree / "sub/old").rmdir()
        self.assertEqual(self.mm("check", "--json", str(self.tree), code=4).lines()[0]["type"], "model")

    def test_swallowed_models_are_told(self):
        for name in ("topics.json", "config.json", "churn.joblib"):
            self.write(f"bertopic_model_0000000a/{name}", b"{}")
        result = self.mm("run", "--upgrade", str(self.tree))
        self.assertIn("with 1 file in it that would be models by themselves: churn.joblib", result.err)


class Sound(TreeCase):
    """What is stored must load."""

    def failed(self):
        lines = self.mm("run", "--upgrade", "--json", "--preset", "all", str(self.tree), code=3).models()
        return {path: line["reason"] for path, line in lines.items() if line["status"] == "failed"}

    def test_half_copies(self):
        whole = pickle.dumps(list(range(5000)))
        packed = {"gz": gzip.compress(whole, 1), "z": zlib.compress(whole), "bz2": bz2.compress(whole), "xz": lzma.compress(whole)}
        self.write("raw.joblib", whole)
        self.write("half_raw.joblib", whole[:len(whole) // 2])
        for suffix, data in packed.items():
            self.write(f"{suffix}.joblib", data)
            self.write(f"half_{suffix}.joblib", data[:len(data) // 2])
        with zipfile.ZipFile(self.tree / "net.pt", "w") as archive:
            archive.writestr("archive/data.pkl", whole)
        self.write("half_net.pt", (self.tree / "net.pt").read_bytes()[:5000])
        failed = self.failed()
        self.assertEqual(set(failed), {*(f"half_{suffix}.joblib" for suffix in ("raw", *packed)), "half_net.pt"})
        for path, reason in failed.items():
            self.assertTrue(reason.startswith(f"{path}: is cut short ("), reason)
        self.assertEqual(len(self.stored()), 6)
        for line in self.mm("cleanup", "--json", "--preset", "all", str(self.tree), code=3).models().values():
            self.assertEqual(line["can_go"], "half" not in line["path"], line)

    def test_arrays_of_joblib_before_zeros(self):
        """A copy by blocks fills the last one; an array that was cut off may end in zeros, too."""
        joblib.dump({"weights": numpy.arange(3000, dtype="int32")}, self.tree / "w.joblib")
        whole = (self.tree / "w.joblib").read_bytes()
        self.write("filled.joblib", whole + bytes(5000))
        self.write("page.joblib", whole + bytes(-len(whole) % 4096 + 4095))
        self.write("cut.joblib", whole[:6000] + bytes(6000))
        self.write("dot.joblib", whole[:6000] + b"\0." + bytes(6000))
        self.assertEqual(set(self.failed()), {"cut.joblib", "dot.joblib"})

    def test_what_downloads_leave(self):
        for name, text in {"html": "<!DOCTYPE html><html>", "json": '{"message":"no"}', "xml": "<?xml version='1.0'?><Error/>",
                           "annex": "/annex/objects/SHA256E-s2280000--b3b0.joblib\n"}.items():
            self.write(f"{name}.joblib", text)
        self.write("bertopic_model_0000000a/topics.json", b"{}")
        self.write("bertopic_model_0000000a/w.bin", "/annex/objects/SHA256E-s2280000--b3b0.bin\n")
        self.assertEqual(len(self.failed()), 5)
        self.assertEqual(self.stored(), {})

    def test_companions(self):
        for name in ("a.joblib", "a.joblib_01.npy", "b.joblib", "net.onnx", "net.onnx.data", "c.joblib", "c.joblib.bak"):
            self.write(name, DATA)
        self.write("a.joblib", b"\x80\x02cjoblib.numpy_pickle\nNDArrayWrapper\nq\x01.")
        self.write("wv.joblib", b"\x80\x02cgensim.models.word2vec\nWord2Vec\nq\x01.")
        for name in ("wv.joblib.wv.vectors.npy", "b.joblib.shap.npy", "c.joblib_01.npy"):
            self.write(name, DATA)
        failed = self.failed()
        self.assertEqual(set(failed), {"a.joblib", "net.onnx", "wv.joblib"})
        self.assertIn("cannot be loaded without a.joblib_01.npy", failed["a.joblib"])

    def test_still_being_written(self):
        self.write("b.joblib", DATA)
        with open(self.tree / "a.joblib", "wb") as file:
            file.write(DATA)
            file.flush()
            result = self.mm("run", "--upgrade", "--json", str(self.tree))
            self.assertEqual([result.summary()[key] for key in ("new", "busy", "failed")], [1, 1, 0])
            self.assertEqual(result.models()["a.joblib"]["status"], "busy")
        self.assertEqual(self.mm("run", "--json", str(self.tree)).summary()["new"], 1)

    def test_younger_than_min_age(self):
        self.write("a.joblib", DATA)
        os.utime(self.write("old.joblib", DATA + b"2"), (1700000000, 1700000000))
        result = self.mm("run", "--upgrade", "--json", "--min-age", "1h", str(self.tree))
        self.assertEqual([result.summary()[key] for key in ("new", "busy")], [1, 1])
        self.assertIn("younger", result.models()["a.joblib"]["reason"])
        result = self.mm("run", "--json", str(self.tree))
        self.assertEqual(result.summary()["new"], 1)
        again = self.mm("run", "--json", "--min-age", "1h", str(self.tree)) # what is stored is not young any more
        self.assertEqual([again.summary()[key] for key in ("unchanged", "busy")], [2, 0])


if __name__ == "__main__":
    unittest.main()
