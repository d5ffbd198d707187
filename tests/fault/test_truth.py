"""The store is the truth: retrained models, a store that was restored from an older dump, a journal that knows of another store."""

import os
import pathlib
import shutil
import subprocess
import unittest

from netcase import NetCase, admin, settle_times


class Retrained(NetCase):
    NAME = "event0_classifier_binary"

    def versions(self):
        return [(v, d) for v, d in self.query("SELECT version, encode(content_sha256, 'hex') FROM models WHERE name = %s ORDER BY 1", (self.NAME,))]

    def settled(self, new):
        """A run that stores so many, and three more that store nothing."""
        for number in range(4):
            result = self.run_net()
            self.assertEqual((result.code, result.summary()["new"]), (0, 0 if number else new), result.err)
            self.assertEqual(result.summary()["read_bytes"] > 0, number == 0)

    def test_new_content_is_the_next_version_once(self):
        self.settled(8)
        path = self.tree / f"{self.NAME}.joblib"
        old = path.read_bytes()
        for number in (2, 3, 4):
            path.write_bytes(b"retrained %d " % number * 100)
            settle_times(self.tree)
            self.settled(1)
            self.assertEqual([version for version, _ in self.versions()], list(range(1, number + 1)))
        path.write_bytes(old)
        settle_times(self.tree)
        self.settled(0)
        self.assertEqual([version for version, _ in self.versions()], [1, 2, 3, 4])
        self.check_rows()
        self.check_backups()

    def test_same_size_and_time(self):
        """Only the inode's change time tells."""
        self.settled(8)
        path = self.tree / f"{self.NAME}.joblib"
        path.write_bytes(path.read_bytes()[::-1])
        settle_times(self.tree)
        self.settled(1)

    def test_explicit_version_never_changes(self):
        self.settled(8)
        before = self.content()
        path = self.tree / "pair_regression_v1.joblib"
        path.write_bytes(b"not what is stored " * 60)
        settle_times(self.tree)
        for _ in range(3):
            result = self.run_net()
            self.assertEqual((result.code, result.summary()["new"], result.summary()["conflict"]), (3, 0, 1), result.err)
            self.assertIn("pair_regression@1", result.models()["pair_regression_v1.joblib"]["reason"])
        self.assertEqual(self.content(), before)


class OlderStore(NetCase):
    def tool(self, name, *arguments):
        return subprocess.run([pathlib.Path(os.environ.get("PG_BIN", "")) / name, *map(str, arguments)], check=True, capture_output=True)

    def test_restored_from_an_older_dump(self):
        """The journal says done, the rows are gone: they come back."""
        dump = self.base / "dump"
        self.assertEqual(self.run_net().code, 0)
        self.tool("pg_dump", "-Fc", "-f", dump, "-d", self.database)
        self.many(10)
        (self.tree / "event0_classifier_binary.joblib").write_bytes(b"retrained " * 50)
        settle_times(self.tree)
        self.assertEqual(self.run_net().summary()["new"], 11)
        full = self.content()
        self.check_no_op()
        self.tool("pg_restore", "--clean", "--if-exists", "-d", self.database, dump)
        self.assertEqual(self.query("SELECT count(*) FROM models"), [(8,)])
        result = self.run_net()
        self.assertEqual((result.code, result.summary()["new"]), (0, 11), result.err)
        self.assertEqual(self.content(), full)
        self.check_rows()
        self.check_no_op()

    def test_rows_deleted(self):
        self.assertEqual(self.run_net().code, 0)
        full = self.content()
        self.query("DELETE FROM models WHERE name IN ('large_model', 'event1_classifier_binary')")
        result = self.run_net()
        self.assertEqual((result.code, result.summary()["new"], result.summary()["read_bytes"]), (0, 2, 9000 + 1950), result.err)
        self.assertEqual(self.content(), full)
        self.check_no_op()

    def test_emptied(self):
        self.assertEqual(self.run_net().code, 0)
        full = self.content()
        self.query("TRUNCATE models, model_chunks, model_aliases")
        self.assertEqual(self.run_net().summary()["new"], 8)
        self.assertEqual(self.content(), full)
        self.check_no_op()

    def test_journal_of_another_store(self):
        """Nothing of it is believed, and nothing of it does harm."""
        self.assertEqual(self.run_net().code, 0)
        full = self.content()
        other = type(self)()
        self.addCleanup(other.doCleanups)
        other.setUp()
        shutil.rmtree(other.tree)
        other.tree = self.tree
        empty = self.base / "empty"
        empty.mkdir()
        self.assertEqual(other.run_net(tree=empty).code, 0)  # makes the state folder
        shutil.copy(self.journal(), other.journal())
        result = other.run_net()
        self.assertEqual((result.code, result.summary()["new"]), (0, 8), result.err)
        self.assertEqual(other.content(), full)
        other.check_rows()
        other.check_backups()
        other.check_no_op()

    def test_other_content_in_the_store(self):
        """Another program has replaced a row; the journal believes it is ours."""
        self.assertEqual(self.run_net().code, 0)
        self.query("""UPDATE models SET model_binary = 'x', content_sha256 = sha256('x'), stored_sha256 = sha256('x')
                       WHERE (name, version) IN (('event0_classifier_binary', 1), ('pair_regression', 1))""")
        result = self.run_net()
        self.assertEqual((result.code, result.summary()["new"], result.summary()["conflict"]), (3, 1, 1), result.err)
        self.assertEqual(self.query("SELECT version FROM models WHERE name = 'event0_classifier_binary' ORDER BY 1"), [(1,), (2,)])


class OtherEncoding(NetCase):
    """A database that is not UTF-8 cannot take every name, and cannot even be asked for one that it cannot hold."""

    def setUp(self):
        super().setUp()
        self.latin = f"{self.database}_latin1"
        admin(f"CREATE DATABASE {self.latin} ENCODING LATIN1 LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
        self.addCleanup(admin, f"DROP DATABASE {self.latin} WITH (FORCE)")
        self.url = self.url_of(self.latin)

    def test_names_that_it_lacks_cost_no_other(self):
        self.many()
        bad = [self.write(name, os.urandom(20_000)) for name in ("モデル_model.joblib", "sub/モデル_2_model.joblib")]
        self.write("café_model.joblib", b"it has this letter" * 40)
        for _ in range(2):
            result = self.run_net("--upgrade", "--jobs", "2", "--batch-rows", "10", url=self.url)
            summary = result.summary()
            self.assertEqual((result.code, summary["failed"], summary["pending"]), (3, 2, 0), result.err)
            self.assertEqual(summary["new"] + summary["unchanged"], 69)
            for path in bad:
                line, = [line for line in result.lines() if line.get("path") == str(path.relative_to(self.tree))]
                self.assertRegex(line["reason"], "no equivalent in encoding")
        self.check_backups()


if __name__ == "__main__":
    unittest.main()
