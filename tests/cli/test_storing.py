"""How payloads are stored: codecs, threads, batches, memory, chunks. None of it may change what a row means."""

import gzip
import hashlib
import os
import pathlib
import re
import unittest

import psycopg2

from harness import PROGRAM, CliCase, digest, is_sanitized
from stores import Postgres, on_both, only_on

MIB = 1024 * 1024


def resident_peak(pid):
    """The most memory that a process has had, in bytes; 0 before its exec and when it is gone."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.M)
    return int(found[1]) * 1024 if found and status.startswith(f"Name:\t{pathlib.Path(PROGRAM).name[:15]}") else 0


@on_both
class SameContent(CliCase):
    """The samples stored in different ways into the same tables, emptied in between: the journal must not mind."""

    def setUp(self):
        super().setUp()
        self.copy_samples()
        for version in (1, 2, 12):
            self.write(f"row_model_v{version}.joblib", b"version %d " % version * 300)
        self.write("row_model.joblib", b"live " * 300)
        self.settle()

    def store(self, *arguments):
        if self.has_tables():
            self.query("DELETE FROM models")
        summary = self.sync("--backup", "none", *arguments).summary()
        self.assertEqual(summary["new"], 27)

    def column(self, *columns):
        return self.query(f"SELECT name, version, {', '.join(columns)} FROM models ORDER BY 1, 2")

    def check_decoded(self):
        for name, version, encoding, kind, content in self.column("encoding", "format", "encode(content_sha256, 'hex')"):
            if kind == "file":
                data = self.payload(name, version)
                self.assertEqual(digest(gzip.decompress(data) if encoding == "gzip" else data), content, name)

    def test_every_codec_gives_the_same_content(self):
        contents = set()
        for codec in ("none", "gzip", "gzip:1", "gzip:3", "gzip:6", "gzip:9"):
            with self.subTest(codec):
                self.store("--compress", codec)
                self.check_decoded()
                contents.add(tuple(self.column("content_sha256::text", "raw_bytes", "format")))
                encodings = {encoding for (encoding,) in self.query("SELECT DISTINCT encoding FROM models")}
                self.assertEqual(encodings, {"identity"} if codec == "none" else {"gzip", "identity"})
        self.assertEqual(len(contents), 1)

    def test_level_6_is_smaller_than_level_1(self):
        sizes = []
        for codec in ("none", "gzip:1", "gzip:6"):
            self.store("--compress", codec)
            sizes.append(self.query("SELECT sum(stored_bytes) FROM models")[0][0])
        self.assertGreater(sizes[0], 2 * sizes[1])
        self.assertGreater(sizes[1], sizes[2])

    def test_another_codec_later_changes_no_row(self):
        self.store("--compress", "gzip:9")
        before = self.rows()
        summary = self.sync("--compress", "none", "--checksum").summary()
        self.assertEqual((summary["new"], summary["unchanged"]), (0, 27))
        self.assertEqual(self.rows(), before)

    def test_stored_bytes_do_not_depend_on_threads_batches_or_memory(self):
        stored = set()
        for arguments in (["--jobs", "1"], ["--jobs", "8"], ["-j", "2", "--batch-rows", "1"], ["--batch-bytes", "1KiB"], ["--max-memory", "8MiB"]):
            self.store(*arguments)
            stored.add(tuple(self.column("stored_sha256::text", "content_sha256::text", "stored_bytes", "encoding")))
        self.assertEqual(len(stored), 1)

    def test_verify_stored_changes_nothing_that_is_stored(self):
        stored = set()
        for arguments in ([], ["--verify-stored"], ["--verify-stored", "--max-memory", "8MiB"]):
            self.store(*arguments)
            stored.add(tuple(self.column("stored_sha256::text", "content_sha256::text", "stored_bytes")))
        self.assertEqual(len(stored), 1)

    def test_live_file_comes_after_all_explicit_versions(self):
        self.store("--jobs", "8")
        self.assertEqual(self.query("SELECT version FROM models WHERE name = 'row_model' ORDER BY 1"), [(1,), (2,), (12,), (13,)])


class Batches(CliCase):
    """Seen in the transactions that PostgreSQL notes in each row."""

    def transactions(self):
        """How many transactions wrote the rows."""
        return self.query("SELECT count(DISTINCT xmin::text) FROM models")[0][0]

    def test_batch_rows_1_commits_each_model(self):
        self.write_some(7)
        self.sync("--batch-rows", "1", "--jobs", "1")
        self.assertEqual(self.transactions(), 7)

    def test_batch_rows_3(self):
        self.write_some(7)
        self.sync("--batch-rows", "3", "--jobs", "1")
        self.assertEqual(self.transactions(), 3)

    def test_model_over_batch_bytes_is_a_batch_of_its_own(self):
        self.write("large_model.joblib", os.urandom(300_000))
        self.write_some(3)
        self.sync("--batch-bytes", "100KiB", "--jobs", "1")
        self.assertEqual(len(self.stored()), 4)
        self.assertEqual(self.transactions(), 2)

    def test_default_is_one_batch_for_a_few(self):
        self.write_some(7)
        self.sync("--jobs", "1")
        self.assertEqual(self.transactions(), 1)


@on_both
class Chunks(CliCase):
    def joined(self, name):
        return b"".join(bytes(data) for (data,) in self.query("SELECT data FROM model_chunks WHERE name = %s ORDER BY seq", (name,)))

    def test_small_payloads_over_the_inline_limit_are_one_chunk(self):
        small, large = os.urandom(1024), os.urandom(1025)
        self.write("small_model.joblib", small)
        self.write("large_model.joblib", large)
        self.sync("--inline-limit", "1KiB")
        self.assertEqual(self.query("SELECT name, chunk_count, octet_length(model_binary) FROM models ORDER BY 1"),
                         [("large_model", 1, 0), ("small_model", 0, 1024)])
        self.assertEqual(self.joined("large_model"), large)
        self.assertEqual(self.query("SELECT encode(stored_sha256, 'hex') FROM models WHERE name = 'large_model'"), [(digest(large),)])

    @only_on(Postgres, "SQLite has no sha256; check finds it")
    def test_table_refuses_a_payload_that_is_not_the_recorded_one(self):
        self.write("inline_model.joblib", b"inline " * 500)
        self.write("large_model.joblib", os.urandom(9000))
        self.sync("--inline-limit", "4KiB")
        for sql in ("UPDATE models SET model_binary = 'x' WHERE name = 'inline_model'", "UPDATE model_chunks SET data = 'x'"):
            with self.assertRaises(psycopg2.errors.CheckViolation):
                self.query(sql)

    def test_40_mb_are_three_chunks_and_then_unchanged(self):
        data = os.urandom(40 * MIB)
        self.write("large_model.joblib", data)
        self.settle()
        self.sync("--inline-limit", "4MiB", "--backup", "none")
        self.assertEqual(self.query("SELECT seq, octet_length(data) FROM model_chunks ORDER BY seq"), [(0, 16 * MIB), (1, 16 * MIB), (2, 8 * MIB)])
        self.assertEqual(hashlib.sha256(self.joined("large_model")).hexdigest(), digest(data))
        self.assertEqual(self.query("SELECT chunk_count, raw_bytes, stored_bytes, encoding FROM models"), [(3, 40 * MIB, 40 * MIB, "identity")])
        self.assertEqual(self.sync("--inline-limit", "4MiB").summary()["unchanged"], 1)
        self.query("DELETE FROM models")
        self.assertEqual(self.query("SELECT count(*) FROM model_chunks"), [(0,)])

    def test_payload_of_exactly_one_chunk_is_one_chunk(self):
        self.write("exact_model.joblib", os.urandom(16 * MIB))
        self.sync("--inline-limit", "1MiB", "--backup", "none")
        self.assertEqual(self.query("SELECT chunk_count FROM models"), [(1,)])
        self.assertEqual(self.query("SELECT seq, octet_length(data) FROM model_chunks"), [(0, 16 * MIB)])

    def test_directory_in_chunks(self):
        self.write("bertopic_model_00000000/topics.json", os.urandom(5000))
        self.sync("--inline-limit", "1KiB")
        self.assertEqual(self.query("SELECT chunk_count, format FROM models"), [(1, "tar")])
        self.assertEqual(gzip.decompress(self.joined("bertopic_model_00000000"))[:11], b"topics.json")


@on_both
class Memory(CliCase):
    def setUp(self):
        super().setUp()
        self.data = os.urandom(40 * MIB)
        self.write("large_model.joblib", self.data)

    def test_large_model_goes_through_a_temporary_file_that_is_gone_afterwards(self):
        temp = self.base / "tmp"
        temp.mkdir()
        process = self.spawn("--upgrade", "--backup", "none", "--max-memory", "8MiB", env={"TMPDIR": str(temp)})
        peak = 0
        while process.poll() is None:
            peak = max(peak, resident_peak(process.pid))
        self.assertEqual(process.returncode, 0)
        self.assertGreater(peak, 0)
        if not is_sanitized():
            pages = 0 if self.kind is Postgres else 32 * MIB  # which SQLite keeps until it commits
            self.assertLess(peak, 36 * MIB + pages)
        self.assertEqual(list(temp.iterdir()), [])
        self.assertEqual(self.query("SELECT encode(sha256(model_binary), 'hex') FROM models"), [(digest(self.data),)])

    def test_without_a_place_for_it_the_run_ends_and_says_where(self):
        missing = self.base / "missing"
        result = self.run_program("--upgrade", "--max-memory", "8MiB", env={"TMPDIR": str(missing)})
        self.assertEqual(result.code, 1)
        self.assertIn(str(missing), result.err)
        self.assertIn("TMPDIR", result.err)
        self.assertEqual(self.stored(), {})
        self.assertEqual(self.backups(), [])

    def test_with_room_no_temporary_file_is_needed(self):
        self.sync("--backup", "none", "--max-memory", "192MiB", env={"TMPDIR": str(self.base / "missing")})
        self.assertEqual(len(self.stored()), 1)


if __name__ == "__main__":
    unittest.main()
