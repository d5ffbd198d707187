"""--payload pickle: what joblib wrote is stored so that pickle.loads reads it, and comes back as the file that it was."""

import io
import pickle
import pickletools
import unittest
import warnings

import joblib
import numpy

import estimators
from harness import PROGRAM, CliCase
from stores import on_both


@on_both
class PlainPickles(CliCase):
    def setUp(self):
        super().setUp()
        self.enterContext(warnings.catch_warnings())
        warnings.simplefilter("ignore")

    def rows(self):
        return {row[0]: row[1:] for row in self.query("SELECT name, format, encoding, is_active, model_binary FROM models ORDER BY version")}

    def payload(self, name):
        return bytes(self.rows()[name][3])

    def same_as_files(self, paths):
        """Each row loads, by pickle and by joblib, as its file does."""
        rows = self.rows()
        self.assertEqual(set(rows), set(paths))
        for name, path in paths.items():
            with self.subTest(name=name):
                stored, of_file = bytes(rows[name][3]), joblib.load(path)
                loaded = pickle.loads(stored)
                self.assertEqual(estimators.digest(loaded), estimators.digest(of_file))
                self.assertEqual(estimators.digest(joblib.load(io.BytesIO(stored))), estimators.digest(of_file))
                self.assertEqual(estimators.predictions(loaded), estimators.predictions(of_file))

    def back(self, url=None):
        """Everything that the store gives back, by name of file."""
        out = self.base / f"out{len(list(self.base.iterdir()))}"
        result = self.call([PROGRAM, "get", "--all", out, "-d", url or self.url])
        self.assertEqual(result.code, 0, result.all())
        return {path.name: path.read_bytes() for path in out.iterdir()}

    def test_old_reader_loads_migrated_rows(self):
        paths = estimators.dump_all(self.tree)
        self.settle()
        self.assertGreater(len(paths), 50)
        summary = self.sync("--payload", "pickle").summary()
        self.assertEqual((summary["new"], summary["payload"], summary["withheld"]), (len(paths), "pickle", 0))
        self.same_as_files(paths)
        for words in (["check"], ["check", "--download"]):
            result = self.call([PROGRAM, *words, "-d", self.url, self.tree])
            self.assertEqual(result.code, 0, result.all())
        files = {path.name: path.read_bytes() for path in paths.values()}
        self.assertEqual(self.back(), files)
        self.assertEqual(self.sync().summary()["unchanged"], len(paths))

    def test_restored_and_copied(self):
        values = {"a_model.joblib": numpy.arange(9.0), "b_model.joblib": numpy.array(["x", None], dtype=object), "c_model.joblib": {"plain": 1}}
        for name, value in values.items():
            joblib.dump(value, self.tree / name, compress=3 if name[0] == "b" else 0)
        files = {name: (self.tree / name).read_bytes() for name in values}
        backup = self.sync("--payload", "pickle").summary()["backup"]
        first = self.rows()
        self.assertEqual([first[name][0] for name in sorted(first)], ["pickle", "pickle", "file"]) # what is plain already is stored as it is
        restored, copied = (self.url_of(self.new_database()) for _ in range(2))
        self.assertEqual(self.db("upgrade", url=restored).code, 0)
        for words in (["restore", backup, "-d", restored], ["copy", "--from", self.url, "--to", copied, "--upgrade"]):
            result = self.call([PROGRAM, *words])
            self.assertEqual(result.code, 0, result.all())
        for url in (restored, copied):
            self.assertEqual(self.back(url), files)
            result = self.call([PROGRAM, "check", "--download", "-d", url, self.tree])
            self.assertEqual(result.code, 0, result.all())

    def test_kinds_of_arrays(self):
        values = {
            "matrix": numpy.matrix([[1, 2], [3, 4]]), "structure": numpy.zeros(3, dtype=[("order", "f8"), ("b", "i4", (2,))]),
            "objects_in_structure": numpy.array([(1, "x")], dtype=[("a", "i4"), ("o", "O")]), "time": numpy.array(["2020-01-01"], dtype="M8[D]"),
            "no_dimension": numpy.array(5.0), "one_object": numpy.array(None), "empty": numpy.zeros((0, 3)), "big_endian": numpy.arange(5, dtype=">f8"),
            "text": numpy.array(["abc", "de"]), "bytes": numpy.array([b"x"]), "complex": numpy.array([1j]), "long_double": numpy.array([1.5], dtype="longdouble"),
            "fortran": numpy.asfortranarray(numpy.arange(24.0).reshape(2, 3, 4)), "strided": numpy.arange(24.0).reshape(4, 6)[::2, ::-1],
            "twice": [numpy.arange(3)] * 2, "many": [numpy.arange(i) for i in range(400)], "nested": numpy.array([{"a": numpy.arange(3)}, [1]], dtype=object),
            "words": [{f"a word of many, {i}" * 2: i for i in range(150000)}, numpy.arange(2)], "long_shape": numpy.zeros((70000, 1), dtype="i1"), "generator": numpy.random.default_rng(5),
        }
        paths = {}
        for index, (name, value) in enumerate(values.items()):
            paths[name] = self.tree / f"{name}.joblib"
            joblib.dump(value, paths[name], protocol=2 + index % 4)
        self.settle()
        self.assertEqual(self.sync("--payload", "pickle").summary()["new"], len(values))
        self.same_as_files(paths)
        self.assertEqual(self.back(), {path.name: path.read_bytes() for path in paths.values()})
        for name in values: # a whole pickle, which Python's own tool reads to its end
            with self.subTest(name=name):
                opcodes = list(pickletools.genops(self.payload(name)))
                self.assertEqual(opcodes[-1][2] + 1, len(self.payload(name)))

    def test_what_has_no_plain_form_is_stored_as_it_is(self):
        old = b"\x80\x02cjoblib.numpy_pickle_compat\nNDArrayWrapper\nq\x00)\x81q\x01}q\x02X\x08\x00\x00\x00filenameq\x03X\x01\x00\x00\x00xsb."
        odd = {"old_form.joblib": old, "behind_the_end.joblib": pickle.dumps([1, 2]) + b"more.", "no_pickle.joblib": b"not a pickle at all." * 9,
               "unknown_opcode.joblib": b"\x80\x04\xff."}
        for name, data in odd.items():
            self.write(name, data)
        self.settle()
        result = self.sync("--payload", "pickle")
        self.assertEqual(result.summary()["new"], len(odd))
        self.assertNotIn("no_pickle", result.err)
        for name in sorted(odd)[:1] + sorted(odd)[2:]:
            self.assertIn(f"warning: {name}: is stored as joblib wrote it, not as a plain pickle: its pickle" if name != "old_form.joblib" else
                          f"warning: {name}: is stored as joblib wrote it, not as a plain pickle: an array", result.err)
        self.assertEqual({row[0] for row in self.rows().values()}, {"file"})
        self.assertEqual(self.back(), odd)

    def test_nothing_is_run(self):
        trap = self.base / "trap"
        self.write("evil_model.joblib", b"\x80\x02cos\nsystem\nX" + len(f"touch {trap}").to_bytes(4, "little") + f"touch {trap}".encode() + b"\x85R.")
        self.settle()
        self.sync("--payload", "pickle")
        for words in (["check", "--download"], ["cleanup", "--state-dir", self.state]):
            self.call([PROGRAM, *words, "-d", self.url, self.tree])
        self.back()
        self.assertFalse(trap.exists())


if __name__ == "__main__":
    unittest.main()
