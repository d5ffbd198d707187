"""What Python programs find in the database: the rows of real models, read with joblib and tarfile."""

import io
import os
import shutil
import subprocess
import tarfile
import unittest
import zlib

import joblib
import numpy
import scipy.sparse

from harness import CliCase, digest, samples
from stores import on_both

TEXTS = ["Company reports record profit and raised guidance", "dividend payout approval lowered", "trial phase endpoint placebo"]
BERTOPIC = "bertopic_model_1a2b3c4d"
COMPRESSED = "management_changes_classifier_binary"


def key_of(path):
    """Name and version that docs/names.md gives to a file of the samples."""
    name = str(path.relative_to(samples()))[:-len(".joblib")]
    return (name[:-3], 3) if name.endswith("_v3") else (name, 1)


def says(model):
    """What a model answers to fixed questions."""
    if hasattr(model, "transform"):
        return model.transform(TEXTS).toarray()
    questions = scipy.sparse.random(20, model.n_features_in_, density=0.1, random_state=7, format="csr")
    return model.predict_proba(questions) if hasattr(model, "predict_proba") else model.predict(questions)


@on_both
class FileRows(CliCase):
    @classmethod
    def setUpClass(cls):
        cls.box = cls.shared(cls.kind)
        cls.result = cls.box.sync(tree=samples())
        cls.files = sorted(samples().rglob("*.joblib"))

    def setUp(self):
        """They only look at the box."""

    def test_every_model_is_stored_once(self):
        wanted = {key_of(path) for path in self.files} | {(BERTOPIC, 1)}
        self.assertEqual(set(self.box.stored()), wanted)
        self.assertEqual(self.result.summary()["new"], len(wanted))

    def test_joblib_loads_the_row_and_it_predicts_the_same(self):
        for path in self.files:
            with self.subTest(path.name):
                from_row = joblib.load(io.BytesIO(self.box.payload(*key_of(path))))
                from_file = joblib.load(path)
                self.assertIs(type(from_row), type(from_file))
                numpy.testing.assert_array_equal(says(from_row), says(from_file))

    def test_content_hash_is_that_of_the_file(self):
        stored = self.box.stored()
        for path in self.files:
            self.assertEqual(stored[key_of(path)][0], digest(path.read_bytes()), path)

    def test_row_is_exactly_one_gzip_member_without_name_and_time(self):
        for path in self.files:
            row, data = self.box.payload(*key_of(path)), path.read_bytes()
            if row == data:
                continue
            with self.subTest(path.name):
                member = zlib.decompressobj(wbits=31)
                self.assertEqual(member.decompress(row) + member.flush(), data)
                self.assertTrue(member.eof)
                self.assertEqual(member.unused_data, b"")
                self.assertEqual(row[3], 0, "flags: no name, no comment")
                self.assertEqual(row[4:8], bytes(4), "time")

    def test_compressed_joblib_is_stored_as_it_is(self):
        path = samples() / f"{COMPRESSED}.joblib"
        self.assertEqual(self.box.payload(COMPRESSED), path.read_bytes())
        self.assertEqual(self.box.query("SELECT name FROM models WHERE encoding = 'identity'"), [(COMPRESSED,)])

    def test_columns_tell_sizes_digests_and_source(self):
        for name, version, raw, stored, stored_sha, size, sha, path, host, mtime in self.box.query(
                """SELECT name, version, raw_bytes, stored_bytes, encode(stored_sha256, 'hex'), octet_length(model_binary),
                          encode(sha256(model_binary), 'hex'), source_path, source_host, source_mtime FROM models"""):
            with self.subTest(name):
                self.assertEqual((stored, stored_sha), (size, sha))
                self.assertEqual(host, os.uname().nodename)
                source = samples() / path
                if source.is_file():
                    self.assertEqual(raw, source.stat().st_size)
                    self.assertAlmostEqual(self.box.kind.seconds(mtime), source.stat().st_mtime, places=5)

    def test_type_and_event_follow_the_name(self):
        rows = {name: rest for name, *rest in self.box.query("SELECT name, model_type, event, format FROM models")}
        self.assertEqual(rows["mergers_acquisitions_classifier_binary"], ["classifier_binary", "mergers_acquisitions", "file"])
        self.assertEqual(rows["mergers_acquisitions_tfidf_vectorizer_binary"], ["vectorizer", "mergers_acquisitions", "file"])
        self.assertEqual(rows["management_changes_model"], ["model", "management_changes", "file"])
        self.assertEqual(rows["archive/2024/bond_fixing_classifier_binary"], ["classifier_binary", "bond_fixing", "file"])
        self.assertEqual(rows[BERTOPIC], ["bertopic", BERTOPIC, "tar"])

    def test_run_is_recorded_with_its_counts(self):
        summary = self.result.summary()
        rows = self.box.query("""SELECT run_id::text, models_dir, new_count, unchanged_count, conflict_count, failed_count, raw_bytes,
                                        stored_bytes, exit_code, finished_at >= started_at FROM model_runs""")
        self.assertEqual(rows, [(summary["run_id"], str(samples()), summary["new"], 0, 0, 0, summary["raw_bytes"],
                                 summary["stored_bytes"], 0, True)])
        self.assertEqual(self.box.query("SELECT DISTINCT run_id::text FROM models"), [(summary["run_id"],)])

    def test_views_give_the_latest_and_the_catalog(self):
        count = len(self.files) + 1
        self.assertEqual(self.box.query("SELECT count(*) FROM latest_models"), [(count,)])
        self.assertEqual(self.box.query("SELECT count(DISTINCT content_sha256) FROM model_catalog WHERE length(content_sha256) = 64"), [(count,)])


@on_both
class BertopicRow(CliCase):
    def setUp(self):
        super().setUp()
        self.source = self.tree / BERTOPIC
        shutil.copytree(samples() / BERTOPIC, self.source)
        (self.source / "run.sh").write_text("#!/bin/sh\n")
        (self.source / "run.sh").chmod(0o751)
        (self.source / "config.json").chmod(0o600)
        (self.source / "empty").mkdir()
        (self.source / "zero.txt").write_bytes(b"")
        (self.source / "images.txt").write_text("sorts before images/0.png as a line, behind images as a member")
        os.utime(self.source / "topics.json", (1700000000, 1700000000))

    def members(self):
        with tarfile.open(fileobj=io.BytesIO(self.payload(BERTOPIC)), mode="r:gz") as tar:
            return [(member, tar.extractfile(member).read() if member.isfile() else None) for member in tar]

    def test_members_are_those_of_the_directory(self):
        self.sync()
        found = {member.name: data for member, data in self.members()}
        wanted = {str(p.relative_to(self.source)): p.read_bytes() if p.is_file() else None for p in self.source.rglob("*")}
        self.assertEqual(found, wanted)

    def test_members_lie_at_the_root_sorted_and_without_owner(self):
        self.sync()
        names = [member.name for member, _ in self.members()]
        self.assertEqual(names, sorted(names, key=os.fsencode))
        for member, _ in self.members():
            self.assertFalse(member.name.startswith(("/", ".")), member.name)
            self.assertEqual((member.uid, member.gid, member.uname, member.gname), (0, 0, "", ""), member.name)
            self.assertTrue(member.isfile() or member.isdir(), member.name)

    def test_modes_are_0644_and_0755(self):
        self.sync()
        modes = {member.name: member.mode for member, _ in self.members()}
        self.assertEqual(modes["config.json"], 0o644)
        self.assertEqual(modes["run.sh"], 0o755)
        self.assertEqual(modes["images"], 0o755)
        self.assertEqual(set(modes.values()), {0o644, 0o755})

    def test_times_are_kept(self):
        self.sync()
        times = {member.name: member.mtime for member, _ in self.members()}
        self.assertEqual(times["topics.json"], 1700000000)

    def test_content_hash_is_what_sha256sum_prints(self):
        self.sync()
        command = "find . -type f | LC_ALL=C sort | xargs sha256sum | sed 's|  ./|  |' | sha256sum"
        printed = subprocess.run(command, shell=True, cwd=self.source, check=True, capture_output=True).stdout.split()[0].decode()
        self.assertEqual(self.stored()[(BERTOPIC, 1)][0], printed)

    def test_payload_is_one_gzip_member_with_time_0(self):
        self.sync()
        row = self.payload(BERTOPIC)
        member = zlib.decompressobj(wbits=31)
        member.decompress(row)
        self.assertTrue(member.eof)
        self.assertEqual((member.unused_data, row[4:8]), (b"", bytes(4)))

    def test_extracted_directory_equals_the_source(self):
        self.sync()
        out = self.base / "out"
        with tarfile.open(fileobj=io.BytesIO(self.payload(BERTOPIC)), mode="r:gz") as tar:
            tar.extractall(out)
        subprocess.run(["diff", "-r", str(self.source), str(out)], check=True)

    def test_same_directory_elsewhere_gives_the_same_content_but_not_a_second_row(self):
        self.sync()
        shutil.copytree(self.source, self.base / "copy" / BERTOPIC)
        result = self.sync(tree=self.base / "copy")
        self.assertEqual((result.summary()["unchanged"], result.summary()["new"]), (1, 0))

    def test_times_and_modes_alone_make_no_new_version(self):
        self.sync()
        for path in self.source.rglob("*"):
            os.utime(path, (1600000000, 1600000000))
        (self.source / "config.json").chmod(0o644)
        self.assertEqual(self.sync().summary()["unchanged"], 1)
        self.assertEqual(len(self.stored()), 1)

    def test_changed_member_makes_the_next_version(self):
        self.sync()
        (self.source / "topics.json").write_text("{}")
        self.sync()
        self.assertEqual(sorted(self.stored()), [(BERTOPIC, 1), (BERTOPIC, 2)])

    def test_files_inside_are_no_models_of_their_own(self):
        (self.source / "inner_model.joblib").write_bytes(b"inner" * 100)
        self.sync()
        self.assertEqual(list(self.stored()), [(BERTOPIC, 1)])

    def test_uncompressed_directory_is_a_plain_tar(self):
        self.sync("--compress", "none")
        with tarfile.open(fileobj=io.BytesIO(self.payload(BERTOPIC)), mode="r:") as tar:
            self.assertIn("topics.json", tar.getnames())
        self.assertEqual(self.query("SELECT format, encoding FROM models"), [("tar", "identity")])


if __name__ == "__main__":
    unittest.main()
