"""A source changes under the program: nothing half-and-half is stored, and the next run has it right.

The change is made by a command that the shim runs just before an operation on the source: between readdir and stat, stat and open, open
and read, two reads, the last read and the second stat.
"""

import gzip
import os
import subprocess
import sys
import tempfile
import time
import unittest

from fault import LONG, FaultCase, digest, noise

TRIES = 3  # of pack.c

FILE = "beta_regression.joblib"
LARGE = "wide_model.joblib"   # read in several pieces
NOISE = "noise_model.joblib"  # and this one twice: it does not become smaller
NAMES = (LARGE, NOISE, FILE) if LONG else (LARGE,)


class SourceTest(FaultCase):
    def make_tree(self):
        super().make_tree()
        self.write(NOISE, noise(7, 900_000))
        self.write(LARGE, noise(8, 4500) * 200)

    def change(self, name, command, op, at, sticky=False):
        """Runs with `command` (in the shell, $F = the source) before the Nth operation on the source."""
        self.reset()
        fault = {"op": op, "at": at, "do": f"run:F='{self.tree / name}'; {command}", "path": self.tree / name}
        return self.run_faulty(**fault, **({"sticky": 1} if sticky else {}))

    def points(self, name):
        """Every operation on the source in a run: [(class, N)]."""
        self.reset()
        count = self.count(path=self.tree / name)
        return [(op, at) for op in ("stat", "open", "read", "readdir") for at in range(1, count[op] + 1)]

    def check_stored_is(self, name, contents, result):
        """The stored payload is one of these contents, whole, and its digest is right; or the model failed, with a reason."""
        key = name.removesuffix(".joblib")
        rows = self.ask("SELECT content_sha256, raw_bytes, stored_sha256 = sha256(model_binary) OR chunk_count > 0 FROM models WHERE name = %s", (key,))
        if not rows and result.code == 3 and name not in result.models(): # gone before the scan looked at it
            return False
        if not rows:
            self.assertGreater(result.summary()["failed"] if result.code == 3 else 1, self.bad_models, result.all())
            self.assertRegex(result.all(), "changed while it was read|vanished|symbolic link|No such file|empty|not a regular file")
            return False
        allowed = {(digest(data), len(data)) for data in contents}
        self.assertEqual([(bytes(d).hex(), n, ok) for d, n, ok in rows], [(d, n, True) for d, n in allowed if d == bytes(rows[0][0]).hex()], name)
        return True

    def restore(self, name, data):
        path = self.tree / name
        if path.is_symlink() or path.exists():
            path.unlink()
        path.write_bytes(data)
        self.settle()

    def check_next_run(self, name, data):
        """Once the writer is done, the next run stores what is there, or knows that it has it already."""
        self.restore(name, data)
        result = self.run_faulty()
        self.assertEqual(result.code, 3, result.all())
        self.assertEqual(result.summary()["failed"], self.bad_models, result.all())
        key = name.removesuffix(".joblib")
        rows = self.ask("SELECT content_sha256 FROM models WHERE name = %s ORDER BY version", (key,))
        self.assertEqual(bytes(rows[-1][0]).hex(), digest(data))
        self.check_backups()

    def try_change(self, name, command, after):
        """The command at every point, once; `after` is the content that it leaves (None: no file)."""
        before = (self.tree / name).read_bytes()
        outcomes = set()
        for op, at in self.points(name):
            self.restore(name, before)
            result = self.change(name, command, op, at)
            with self.subTest(op=op, at=at, command=command):
                self.assertIn(result.code, (0, 1, 3), result.all())
                outcomes.add(self.check_stored_is(name, [before] if after is None else [before, after], result))
                self.check_backups()
                self.check_next_run(name, after or before)
        self.restore(name, before)
        return outcomes

    def test_grown(self):
        for name in NAMES:
            before = (self.tree / name).read_bytes()
            self.try_change(name, 'printf "%0999d" 7 >>"$F"', before + b"%0999d" % 7)

    def test_shrunk(self):
        for name in NAMES:
            self.try_change(name, 'truncate -s 1000 "$F"', (self.tree / name).read_bytes()[:1000])

    def test_rewritten_with_the_same_size(self):
        for name in NAMES:
            before = (self.tree / name).read_bytes()
            other = noise(9, len(before))
            (self.base / "other").write_bytes(other)
            self.try_change(name, f'cat "{self.base}/other" >"$F"', other)

    def test_rewritten_with_the_same_size_and_time(self):
        """mtime is put back: ctime still tells."""
        before = (self.tree / LARGE).read_bytes()
        (self.base / "other").write_bytes(noise(9, len(before)))
        command = f'touch -r "$F" "{self.base}/time"; cat "{self.base}/other" >"$F"; touch -r "{self.base}/time" "$F"'
        self.try_change(LARGE, command, noise(9, len(before)))

    def test_replaced_by_rename(self):
        before = (self.tree / LARGE).read_bytes()
        other = noise(9, len(before))
        command = f'cp "{self.base}/other" "$F.new"; mv "$F.new" "$F"'
        (self.base / "other").write_bytes(other)
        self.try_change(LARGE, command, other)

    def test_vanished(self):
        for name in NAMES:
            self.try_change(name, 'rm -f "$F"', None)

    def test_swapped_for_a_symlink(self):
        """It leads to a secret outside of the tree: that is never read."""
        secret = self.base / "secret"
        secret.write_bytes(b"the secret " * 400)
        self.try_change(FILE, f'rm -f "$F"; ln -s "{secret}" "$F"', None)
        self.assertEqual(self.ask("SELECT count(*) FROM models WHERE content_sha256 = sha256(%s)", (secret.read_bytes(),)), [(0,)])

    def test_swapped_for_a_fifo(self):
        self.try_change(FILE, 'rm -f "$F"; mkfifo "$F"', None)

    def test_its_directory_swapped_for_a_symlink(self):
        (self.base / "outside" / "deep").mkdir(parents=True)
        (self.base / "outside" / "deep" / "epsilon_model.joblib").write_bytes(b"the secret " * 400)
        count = self.count(path=self.tree / "nested")
        for op, at in [(op, at) for op in ("open", "stat", "readdir") for at in range(1, count[op] + 1)]:
            self.reset()
            command = f'mv "{self.tree}/nested" "{self.base}/aside"; ln -s "{self.base}/outside" "{self.tree}/nested"'
            result = self.run_faulty(op=op, at=at, do=f"run:{command}", path=self.tree / "nested")
            with self.subTest(op=op, at=at):
                self.assertIn(result.code, (1, 3), result.all())
                self.assertEqual(self.ask("SELECT count(*) FROM models WHERE content_sha256 = sha256(%s)", (b"the secret " * 400,)), [(0,)])
            (self.tree / "nested").unlink()
            (self.base / "aside").rename(self.tree / "nested")

    def test_a_writer_that_does_not_stop(self):
        """Changed at every try: reported, not stored, and the rest goes on."""
        result = self.change(LARGE, 'head -c 4096 /dev/zero >>"$F"', "read", 1, sticky=True)
        self.assertEqual(result.code, 3, result.all())
        summary = result.summary()
        self.assertEqual((summary["new"], summary["failed"]), (self.expected_new - 1, self.bad_models + 1), result.all())
        self.assertRegex(result.err, f"{LARGE}: changed while it was read.*tried {TRIES} times|{LARGE}: changed while it was read")
        self.assertEqual(self.ask("SELECT count(*) FROM models WHERE name = 'wide_model'"), [(0,)])

    def test_a_writer_that_stops_in_time(self):
        """Changed once while it is read: the second try has it."""
        before = (self.tree / LARGE).read_bytes()
        result = self.change(LARGE, 'printf x >>"$F"', "read", 2)
        self.assertEqual(result.code, 3, result.all())
        self.assertEqual(result.summary()["failed"], self.bad_models, result.all())
        self.check_stored_is(LARGE, [before + b"x"], result)

    def test_member_of_a_directory_model(self):
        """Grown, replaced, removed, added, swapped for a link, at every operation below the directory."""
        folder = self.tree / "bertopic_model_0a1b2c3d"
        original = {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

        def listing(contents):
            lines = [f"{digest(data)}  {path}\n" for path, data in contents.items()]
            return digest("".join(sorted(lines, key=lambda line: line.split("  ")[1].encode())).encode())

        def put_back():
            for path in sorted(folder.rglob("*"), reverse=True):
                path.unlink() if not path.is_dir() or path.is_symlink() else path.rmdir()
            for path, data in original.items():
                (folder / path).parent.mkdir(exist_ok=True)
                (folder / path).write_bytes(data)
            self.settle()

        name = type(next(iter(original)))
        config, image, more = name("config.json"), name("images/0.png"), name("more.bin")
        other = noise(11, len(original[config]))
        (self.base / "other").write_bytes(other)
        changes = [
            ('printf x >>"$F/config.json"', {config: original[config] + b"x"}),
            (f'cat "{self.base}/other" >"$F/config.json"', {config: other}),
            ('rm -f "$F/images/0.png"', {image: None}),
            ('printf more >"$F/more.bin"', {more: b"more"}),
            (f'rm -f "$F/config.json"; ln -s "{self.base}/other" "$F/config.json"', None),
        ]
        for command, change in changes:
            after = {k: v for k, v in {**original, **(change or {})}.items() if v is not None}
            put_back()
            points = self.points(folder.name)
            for op, at in [p for i, p in enumerate(points) if LONG or p[0] == "open" or i % 4 == 0]:
                put_back()
                result = self.change(folder.name, command, op, at)
                with self.subTest(op=op, at=at, command=command):
                    self.assertIn(result.code, (1, 3), result.all())
                    rows = [bytes(row[0]).hex() for row in self.ask("SELECT content_sha256 FROM models WHERE format = 'tar'")]
                    allowed = {listing(original)} | ({listing(after)} if change else set())
                    self.assertLessEqual(set(rows), allowed)
                    if not rows:
                        self.assertRegex(result.all(), "changed while it was read|symbolic link|No such file")
        put_back()

    def test_members_change_together(self):
        """A writer changes all members and adds one, in one go: all of it is stored, or nothing of it."""
        folder = self.tree / "bertopic_model_0a1b2c3d"
        members = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        after = {name: noise(len(name), len(data)) for name, data in members.items()} | {"added.bin": b"more"}
        for name, data in [("before/" + n, d) for n, d in members.items()] + [("after/" + n, d) for n, d in after.items()]:
            (self.base / name).parent.mkdir(parents=True, exist_ok=True)
            (self.base / name).write_bytes(data)
        lines = lambda files: "".join(f"{digest(files[name])}  {name}\n" for name in sorted(files, key=str.encode))
        allowed = {digest(lines(files).encode()) for files in (members, after)}
        points = [point for point in self.points(folder.name) if LONG or point[0] == "readdir"]
        self.assertGreater(len(points), 15)
        for op, at in points:
            self.call(["sh", "-c", f'rm -f "{folder}/added.bin"; cp -r "{self.base}/before/." "{folder}"'])
            self.settle()
            result = self.change(folder.name, f'cp -r "{self.base}/after/." "$F"', op, at)
            with self.subTest(op=op, at=at):
                self.assertIn(result.code, (1, 3), result.all())
                self.assertLessEqual({bytes(row[0]).hex() for row in self.ask("SELECT content_sha256 FROM models WHERE format = 'tar'")}, allowed)

    def test_changed_in_the_same_tick(self):
        """A change in the clock tick of the read leaves the stamp as it is; only a second reading finds it. The journal must not be believed."""
        path = self.tree / FILE
        before = path.read_bytes()
        other = noise(12, len(before))
        self.reset()
        # The run reads the file in the very tick of its last change …
        result = self.run_faulty(op="open", at=1, do=f"run:cp -p '{path}' '{self.base}/same'; cat '{self.base}/same' >'{path}'", path=path)
        self.assertEqual(result.code, 3, result.all())
        stamp = os.stat(path)
        # … so that a later content with that stamp is possible. Nobody can set ctime, so the test asks whether the file is read again.
        again = self.run_faulty(trace=self.trace_file, path=path)
        self.assertEqual(again.code, 3, again.all())
        self.assertEqual(os.stat(path), stamp)
        self.assertTrue([line for line in self.trace() if line[1] == "read"], "a file of the same tick as its journal entry was not read again")
        self.settle()
        third = self.run_faulty(trace=self.trace_file, path=path)
        self.assertEqual(third.code, 3, third.all())
        self.assertEqual([line for line in self.trace() if line[1] == "read"], [], "it is old enough now")
        path.write_bytes(other)
        self.settle()
        self.assertEqual(self.run_faulty().summary()["new"], 1)

    def test_touched_back_to_an_old_time(self):
        """Other content with the old size and the old mtime: the journal sees ctime."""
        path = self.tree / FILE
        self.reset()
        self.assertEqual(self.run_faulty().code, 3)
        before = os.stat(path)
        other = noise(13, before.st_size)
        path.write_bytes(other)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        time.sleep(0.05)
        result = self.run_faulty()
        self.assertEqual(result.summary()["new"], 1, result.all())
        self.check_stored_is_last(FILE, other)

    def check_stored_is_last(self, name, data):
        rows = self.ask("SELECT content_sha256 FROM models WHERE name = %s ORDER BY version DESC", (name.removesuffix(".joblib"),))
        self.assertEqual(bytes(rows[0][0]).hex(), digest(data))


class MappedTest(FaultCase):
    """A writer stores through a mapping. A store to a page that is dirty already does not move mtime."""

    SIZE = 12 << 20
    WRITER = """if True:
        import mmap, signal, sys
        path, size = sys.argv[1], int(sys.argv[2])
        def fill(byte):
            for page in reversed(range(0, size, 4096)):
                mapping[page:page + 4096] = byte * 4096
        with open(path, "r+b") as file:
            mapping = mmap.mmap(file.fileno(), size)
        fill(b"a")
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        print("ready", flush=True)
        signal.sigwait([signal.SIGUSR1])
        fill(b"b")
        open(path + ".done", "w")
        signal.sigwait([signal.SIGUSR1])
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(setattr, tempfile, "tempdir", tempfile.tempdir)
        tempfile.tempdir = "/var/tmp"  # memory has no dirty pages

    def setUp(self):
        super().setUp()
        if subprocess.run(["stat", "-f", "-c", "%T", self.tree], capture_output=True, text=True, check=True).stdout.strip() in ("tmpfs", "ramfs"):
            self.skipTest("no file system of a disk")

    def test_stores_to_dirty_pages(self):
        for name in "mapped_model.joblib", "bertopic_model_0a1b2c3d/weights.bin":
            path = self.tree / name
            path.write_bytes(b"a" * self.SIZE)
            writer = subprocess.Popen([sys.executable, "-c", self.WRITER, str(path), str(self.SIZE)], stdout=subprocess.PIPE)
            self.addCleanup(self.reap_writer, writer)
            writer.stdout.readline()
            self.reset()
            change = f"kill -USR1 {writer.pid}; while ! [ -e '{path}.done' ]; do sleep 0.01; done; rm '{path}.done'"
            result = self.run_faulty(op="read", at=3, do=f"run:{change}", path=path)
            writer.kill()
            path.unlink()
            with self.subTest(name=name):
                self.assertEqual(result.code, 3, result.all())
                if f"{name}: is still being written" in result.err: # the kernel told of the mapping, and nothing was read
                    self.assertEqual(self.ask("SELECT count(*) FROM models WHERE name = 'mapped_model'"), [(0,)])
                    continue
                self.assertIsNotNone(self.fired(), result.all())
                where = "name = 'mapped_model'" if path.parent == self.tree else "format = 'tar'"
                (payload,), = self.ask(f"SELECT string_agg(data, '' ORDER BY seq) FROM model_chunks JOIN models USING (name, version) WHERE {where}")
                raw = gzip.decompress(bytes(payload))
                self.assertIn((raw.count(b"a" * 4096), raw.count(b"b" * 4096)), [(self.SIZE // 4096, 0), (0, self.SIZE // 4096)], "half old, half new")

    @staticmethod
    def reap_writer(writer):
        writer.kill()
        writer.wait()
        writer.stdout.close()


if __name__ == "__main__":
    unittest.main()
