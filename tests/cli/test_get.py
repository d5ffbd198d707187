"""get: a stored model back to a file or directory, byte for byte, or nothing at all."""

import gzip
import hashlib
import io
import os
import pathlib
import resource
import shutil
import signal
import struct
import subprocess
import tarfile
import unittest

from harness import NO_LIBPQ, PROGRAM, digest, program_environment, wait_until
from life import LifeCase
from stores import Postgres, on_both, only_on

BERTOPIC = "bertopic_model_1a2b3c4d"
MIB = 1024 * 1024


class GetCase(LifeCase):
    def setUp(self):
        super().setUp()
        self.out = self.base / "out"
        self.out.mkdir()

    def command(self, *arguments):
        return [PROGRAM, "get", "-d", self.url, *map(str, arguments)]

    def get(self, *arguments, code=0, **options):
        result = self.call(self.command(*arguments), cwd=self.out, **options)
        self.assertEqual(result.code, code, result.all())
        return result

    def tidy(self):
        """What is in the output folder, hidden names too."""
        return sorted(os.listdir(self.out))

    def insert(self, name, payload, content, raw_bytes, is_tar=True, is_gzip=False, version=1):
        """A row whose payload has its right digest."""
        self.query("""INSERT INTO models (name, version, model_type, event, model_binary, content_sha256, raw_bytes, stored_sha256, stored_bytes, format, encoding)
                      VALUES (%s, %s, 'model', 'x', %s, %s, %s, sha256(%s), %s, %s, %s)""",
                   (name, version, payload, content, raw_bytes, payload, len(payload), "tar" if is_tar else "file", "gzip" if is_gzip else "identity"))


def names_of(tree):
    return {str(p.relative_to(tree)): p for p in tree.rglob("*")}


@on_both
class Identical(GetCase):
    def test_every_sample(self):
        self.copy_samples()
        script = self.tree / BERTOPIC / "run.sh"
        script.write_text("#!/bin/sh\n")
        script.chmod(0o751)
        (self.tree / BERTOPIC / "empty").mkdir()
        os.utime(self.tree / BERTOPIC / "topics.json", (1600000000, 1600000000))
        self.sync()
        for name, version, path in self.query("SELECT name, version, source_path FROM models"):
            source, dest = self.tree / path, self.out / "dest"
            self.get(f"{name}@{version}", dest)
            if source.is_file():
                self.assertEqual(dest.read_bytes(), source.read_bytes(), name)
                self.assertEqual(dest.stat().st_mtime_ns // 1000, source.stat().st_mtime_ns // 1000, name)
                self.assertEqual(dest.stat().st_mode & 0o7777, 0o644)
                dest.unlink()
                continue
            subprocess.run(["diff", "-r", source, dest], check=True)
            mine, theirs = names_of(dest), names_of(source)
            self.assertEqual(set(mine), set(theirs))
            for member, there in theirs.items():
                self.assertEqual(int(mine[member].stat().st_mtime), int(there.stat().st_mtime), member)
                self.assertEqual(bool(mine[member].stat().st_mode & 0o111), there.is_dir() or member == "run.sh", member)
            shutil.rmtree(dest)
        self.assertEqual(self.tidy(), [])

    def test_chunked_model(self):
        data = os.urandom(17 * MIB)
        self.write("large_model.joblib", data)
        self.write(f"{BERTOPIC}/topics.json", b"{}" * 10)
        self.write(f"{BERTOPIC}/weights.bin", os.urandom(100_000))
        self.sync("--inline-limit", "1KiB")
        self.assertEqual(self.query("SELECT name, chunk_count FROM models ORDER BY 1"), [(BERTOPIC, 1), ("large_model", 2)])
        self.get("large_model")
        self.get(BERTOPIC)
        self.assertEqual(digest((self.out / "large_model.joblib").read_bytes()), digest(data))
        subprocess.run(["diff", "-r", self.tree, self.out], check=True)

    def test_uncompressed(self):
        self.write("x_model.joblib", b"plain " * 1000)
        self.write(f"{BERTOPIC}/topics.json", b"{}" * 1000)
        self.sync("--compress", "none")
        self.get("x_model")
        self.get(BERTOPIC)
        subprocess.run(["diff", "-r", self.tree, self.out], check=True)

    def test_row_of_another_program_as_it_is(self):
        self.assertEqual(self.db("upgrade").code, 0)
        data = gzip.compress(b"whatever it means " * 10)
        self.query("INSERT INTO models (name, version, model_type, event, model_binary) VALUES ('hand', 1, 'model', 'x', %s)", (data,))
        self.get("hand")
        self.assertEqual((self.out / "hand").read_bytes(), data)


@on_both
class Which(GetCase):
    def setUp(self):
        super().setUp()
        self.path = self.write("sub/x_model.joblib", b"version one " * 50)
        self.sync()
        for text in (b"version two ", b"version three "):
            self.path.write_bytes(text * 50)
            self.settle()
            self.sync()

    def got(self, reference):
        self.get(reference, "-f", self.out / "x")
        return (self.out / "x").read_bytes()

    def test_versions(self):
        one, two, three = (f"version {n} ".encode() * 50 for n in ("one", "two", "three"))
        self.assertEqual([self.got(f"sub/x_model{v}") for v in ("", "@1", "@2", "@3", "@latest")], [three, one, two, three, three])
        self.query("UPDATE models SET is_active = false WHERE version = 3")
        self.assertEqual([self.got(f"sub/x_model{v}") for v in ("", "@1", "@2", "@3", "@latest")], [two, one, two, three, three])
        self.query("UPDATE models SET is_active = NULL WHERE version = 2")
        self.assertEqual(self.got("sub/x_model"), one)
        self.query("UPDATE models SET is_active = false")
        result = self.get("sub/x_model", code=1)
        self.assertIn("no version of it is active", result.err)
        self.assertIn("@latest", result.err)
        self.assertEqual(self.got("sub/x_model@latest"), three)

    def test_name_with_at_signs(self):
        for name in ("me@work_model", "x@3", "y@latest", "z@"):
            self.write(f"{name}.joblib", name.encode() * 50)
        self.sync()
        self.assertEqual(self.got("me@work_model"), b"me@work_model" * 50)
        self.assertEqual(self.got("me@work_model@1"), b"me@work_model" * 50)
        self.assertEqual(self.got("x@3@1"), b"x@3" * 50)
        self.assertEqual(self.got("y@latest@latest"), b"y@latest" * 50)
        self.assertEqual(self.got("z@"), b"z@" * 50)

    def test_not_stored(self):
        for reference in ("nothing", "sub/x_model@4", "x_model", "sub/x_model@99999999999", "sub/x_model@-1", "sub/X_model", "sub/x_mode_", "%"):
            result = self.get(reference, "dest", code=1)
            self.assertIn("is not stored", result.err)
            self.assertIn({"sub/x_model@4": "hint: of sub/x_model 3 versions are stored, the highest is sub/x_model@3",
                           "x_model": "hint: a name has the folders of its path: sub/x_model", "sub/X_model": "hint: did you mean sub/x_model?",
                           "sub/x_mode_": "hint: did you mean sub/x_model?"}.get(reference, "hint: "), result.err)
        self.assertEqual(self.tidy(), [])

    def test_usage(self):
        for arguments in ((), ("",), ("@3",), ("a", "b", "c")):
            self.get(*arguments, code=2)
        self.assertEqual(self.call([PROGRAM, "get", "x"], env=NO_LIBPQ).code, 2)

    def test_no_schema_and_no_store(self):
        url = self.url_of(self.new_database())
        self.assertEqual(self.call([PROGRAM, "get", "x", "-d", url]).code, 10)
        if self.kind is Postgres:
            self.assertEqual(self.call([PROGRAM, "get", "x", "-d", f"host={self.base} port=5 dbname=x user=y"]).code, 5)

    def test_read_only_session(self):
        self.url = self.kind.read_only(self.url)
        self.get("sub/x_model")


class OldReferences(GetCase):
    def test_a_path_and_a_name_of_an_earlier_version(self):
        self.write("eu/price_model.joblib", b"price " * 20)
        self.write("all-MiniLM-L6/v2.joblib", b"embeddings " * 20)
        self.sync()
        for reference, taken, data in (("eu/price_model.joblib", "eu/price_model@1", b"price " * 20),
                                       ("all-MiniLM-L6-v2", "all-MiniLM-L6@2", b"embeddings " * 20)):
            result = self.call([PROGRAM, "get", reference, self.base / "got", "--force", "-d", self.url])
            self.assertEqual(result.code, 0, result.all())
            self.assertIn(f"warning: {reference} is not stored; taken as {taken}", result.err)
            self.assertEqual((self.base / "got").read_bytes(), data)
        result = self.call([PROGRAM, "get", "all-MiniLM-L6-v3", self.base / "got", "-d", self.url])
        self.assertIn("all-MiniLM-L6-v3: is not stored", result.err)


@on_both
class Where(GetCase):
    def setUp(self):
        super().setUp()
        self.data = b"the content " * 100
        self.write("sub/x_model.joblib", self.data)
        self.write(f"{BERTOPIC}/topics.json", b"{}" * 100)
        self.sync()

    def test_default_is_the_name_of_the_source(self):
        self.assertIn("x_model.joblib  1.17 KiB", self.get("sub/x_model").out)
        self.get(BERTOPIC, "-q")
        self.assertEqual(self.tidy(), [BERTOPIC, "x_model.joblib"])

    def test_json(self):
        line, summary = self.get("sub/x_model", "--json").lines()
        known = {"type": "model", "status": "written", "name": "sub/x_model", "version": 1, "path": "x_model.joblib", "raw_bytes": len(self.data),
                 "content_sha256": digest(self.data), "model_type": "model", "event": "x"}
        self.assertEqual({key: line[key] for key in known}, known)
        self.assertEqual((summary["written"], summary["raw_bytes"], summary["exit_code"]), (1, len(self.data), 0))

    def test_many(self):
        back = self.out / "back"
        result = self.get("--all", back, "--json")
        self.assertEqual([result.summary()[key] for key in ("written", "present", "failed")], [2, 0, 0])
        self.assertEqual((back / "sub/x_model.joblib").read_bytes(), self.data)
        self.assertEqual((back / BERTOPIC / "topics.json").read_bytes(), (self.tree / BERTOPIC / "topics.json").read_bytes())
        (back / "sub/x_model.joblib").unlink()
        for reference, written in (("*", 1), ("sub/*", 0), ("sub/", 0), ("x_mod*", 0)):
            self.assertEqual(self.get(reference, back, "--json").summary()["written"], written, reference)
        self.assertIn("1 written (1.17 KiB), 0 were there, 0 failed", self.get("sub/*", self.out / "other").out)
        (back / "sub/x_model.joblib").write_bytes(b"mine")
        result = self.get("--all", back, "--json", code=3)
        self.assertEqual([result.summary()[key] for key in ("written", "present", "failed", "exit_code")], [0, 1, 1, 3])
        self.assertIn("already", result.err)
        self.assertEqual((back / "sub/x_model.joblib").read_bytes(), b"mine")
        self.get("--all", back, "--force")
        self.assertEqual((back / "sub/x_model.joblib").read_bytes(), self.data)
        self.get("none*", back, code=1)
        self.get("*", code=2)
        self.get("*", "-", code=2)
        self.get("--all", code=2)

    def test_many_of_one_path(self):
        newer = b"the newer content " * 100
        self.write("sub/y_model.joblib", newer)
        self.write("inside.joblib", b"below a directory " * 9)
        self.sync()
        self.query("UPDATE models SET source_path = 'sub/x_model.joblib', created_at = '2037-01-01 00:00:00.000000' WHERE name = 'sub/y_model'")
        self.query(f"UPDATE models SET source_path = '{BERTOPIC}/inside.joblib' WHERE name = 'inside'")
        for again in range(2):
            result = self.get("--all", self.out / "back", "--json", code=3)
            self.assertEqual([result.summary()[key] for key in ("written", "present", "failed")], [0 if again else 3, 3 * again, 1])
            self.assertIn("inside@1: its path is that of another model, or in one", result.err)
        self.assertEqual((self.out / "back/sub/x_model.joblib").read_bytes(), newer)
        self.assertEqual((self.out / "back/sub/x_model").read_bytes(), self.data)
        self.assertEqual(os.listdir(self.out / "back" / BERTOPIC), ["topics.json"])

    def test_many_leave_their_folder_never(self):
        (self.out / "outside").mkdir()
        (self.out / "back").mkdir()
        (self.out / "back" / "sub").symlink_to(self.out / "outside")
        self.get("--all", self.out / "back", code=3)
        self.assertEqual(os.listdir(self.out / "outside"), [])
        (self.out / "outside" / "victim").write_bytes(b"mine")
        (self.out / "third" / "sub").mkdir(parents=True)
        (self.out / "third" / "sub" / "x_model.joblib").symlink_to("../../outside/victim")
        self.assertIn("a link stands there", self.get("sub/*", self.out / "third", "--force", code=3).err)
        self.assertEqual((self.out / "outside" / "victim").read_bytes(), b"mine")
        self.query("UPDATE models SET source_path = '../../evil' WHERE name = 'sub/x_model'")
        self.get("sub/*", self.out / "second")
        self.assertEqual(os.listdir(self.out / "second"), ["sub"])

    def test_into_a_directory(self):
        for i, dest in enumerate(("d0", "d1/", str(self.out / "d2"), "d3/.")):
            (self.out / f"d{i}").mkdir()
            self.get("sub/x_model", dest)
            inside = "sub/x_model.joblib" if dest.endswith("/") else "x_model.joblib"
            self.assertEqual((self.out / f"d{i}" / inside).read_bytes(), self.data)
        for dest in ("d0/", "d1/.", "."):
            self.get(BERTOPIC, dest)
            self.assertTrue((self.out / dest / BERTOPIC / "topics.json").exists(), dest)
        (self.out / "d2" / "deep").mkdir()
        self.call(self.command(BERTOPIC, ".."), cwd=self.out / "d2" / "deep")
        self.assertTrue((self.out / "d2" / BERTOPIC / "topics.json").exists())

    def test_existing_destination_is_refused(self):
        (self.out / "x").write_text("mine")
        (self.out / "d").mkdir()
        (self.out / "d" / "mine").write_text("mine")
        (self.out / "dead").symlink_to("nowhere")
        for reference, dest in (("sub/x_model", "x"), (BERTOPIC, "x"), (BERTOPIC, "d"), ("sub/x_model", "dead"), (BERTOPIC, "dead")):
            result = self.get(reference, dest, code=3)
            self.assertIn("exists already", result.err)
            self.assertIn("--force", result.err)
        self.assertEqual((self.out / "x").read_text(), "mine")
        self.assertEqual(os.listdir(self.out / "d"), ["mine"])
        self.assertEqual(self.tidy(), ["d", "dead", "x"])

    def test_force_replaces(self):
        (self.out / "file").write_text("mine")
        (self.out / "dir").mkdir()
        (self.out / "dir" / "topics.json").write_text("mine")
        (self.out / "empty").mkdir()
        (self.out / "file2").write_text("mine")
        (self.out / "target").write_text("target")
        (self.out / "link").symlink_to("target")
        self.get("sub/x_model", "file", "--force")
        self.get(BERTOPIC, "dir", "-f")
        self.get(BERTOPIC, "empty", "-f")
        self.get(BERTOPIC, "file2", "-f")
        self.get("sub/x_model", "link", "-f")
        self.assertEqual((self.out / "file").read_bytes(), self.data)
        for name in ("dir", "empty"):
            self.assertEqual(os.listdir(self.out / name), ["topics.json"])
            self.assertEqual((self.out / name / "topics.json").read_bytes(), b"{}" * 100)
        self.assertEqual(os.listdir(self.out / "file2"), ["topics.json"])
        self.assertTrue((self.out / "link").is_symlink())
        self.assertEqual(((self.out / "target").read_bytes(), (self.out / "link").read_bytes()), (self.data, self.data))
        self.assertEqual(self.tidy(), ["dir", "empty", "file", "file2", "link", "target"])

    def test_force_does_not_replace_a_directory_that_holds_anything_else(self):
        """A home folder as DEST must not be emptied."""
        self.write(f"{BERTOPIC}/sub/deep/a.bin", b"a" * 100)
        self.sync()
        home = self.out / "home"
        makers = {"letter": "echo mine >home/letter", "sub/letter": "mkdir home/sub && echo mine >home/sub/letter", ".ssh": "mkdir home/.ssh",
                  "link": "ln -s /nowhere home/link", "sub": "ln -s /tmp home/sub", "pipe": "mkfifo home/pipe", "topics.json": "mkdir home/topics.json",
                  "sub/deep": "mkdir home/sub && echo x >home/sub/deep", "sub/deep/a.bin": "mkdir -p home/sub/deep && ln -s /etc/passwd home/sub/deep/a.bin"}
        for name, maker in makers.items():
            with self.subTest(name):
                home.mkdir()
                if name != "topics.json":
                    (home / "topics.json").write_text("mine")
                subprocess.run(maker, shell=True, check=True, cwd=self.out)
                listing = ["find", ".", "-printf", r"%p %y %i %T@ %C@ %s %l\n"]
                before = subprocess.run(listing, check=True, cwd=home, capture_output=True).stdout
                result = self.get(BERTOPIC, "home", "--force", code=3)
                self.assertIn(f"home: holds {name}, which is not part of {BERTOPIC}@2; nothing was replaced", result.err)
                self.assertIn("hint: name another DEST", result.err)
                self.assertEqual(subprocess.run(listing, check=True, cwd=home, capture_output=True).stdout, before)
                self.assertEqual(self.tidy(), ["home"])
                shutil.rmtree(home)
        (self.out / "x_model.joblib").mkdir()
        self.get("sub/x_model", "--force")
        self.assertEqual((self.out / "x_model.joblib").read_bytes(), self.data)
        (self.out / "x_model.joblib").unlink()
        (self.out / "x_model.joblib" / "sub").mkdir(parents=True)
        self.assertIn("holds sub", self.get("sub/x_model", "--force", code=3).err)
        self.assertTrue((self.out / "x_model.joblib" / "sub").is_dir())

    def test_missing_parent_and_no_name(self):
        for dest in ("no/such/x", "", "file/x"):
            (self.out / "file").write_text("x")
            self.get("sub/x_model", dest, code=3)
        self.assertEqual(self.tidy(), ["file"])

    def test_standard_output(self):
        done = subprocess.run(self.command("sub/x_model", "-"), capture_output=True, check=True, cwd=self.out)
        self.assertEqual((done.stdout, done.stderr), (self.data, b""))
        done = subprocess.run(self.command(BERTOPIC, "-"), capture_output=True, check=True, cwd=self.out)
        with tarfile.open(fileobj=io.BytesIO(done.stdout), mode="r:") as tar:
            self.assertEqual([(m.name, tar.extractfile(m).read()) for m in tar], [("topics.json", b"{}" * 100)])
        self.assertEqual(self.tidy(), [])

    def test_standard_output_that_is_full_or_closed(self):
        with open("/dev/full", "w") as full:
            self.assertEqual(subprocess.run(self.command("sub/x_model", "-"), stdout=full, stderr=subprocess.DEVNULL, check=False).returncode, 1)
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(self.command("sub/x_model", "-"), stdout=write, stderr=subprocess.PIPE, check=False)
        os.close(write)
        self.assertEqual(done.returncode, 1, done.stderr)

    @only_on(Postgres, "SQLite has no connection")
    def test_closed_standard_output_is_not_the_connection(self):
        """The bytes of this model are a message of the protocol; they went to the server when its socket was descriptor 1."""
        self.query("CREATE TABLE victim (x integer)")
        text = b"DROP TABLE victim\0"
        self.write("evil_model.joblib", b"Q" + struct.pack(">I", len(text) + 4) + text)
        self.sync()
        for where in (">&-", "<&- >&-", "<&- >&- 2>&-"):
            for dest in ("-", "dest"):
                done = self.call(["sh", "-c", f'exec "$@" {where}', "sh", *self.command("-f", "evil_model", dest)], cwd=self.out)
                self.assertEqual(done.code, 1, (where, dest))
                self.assertIn("" if "2>" in where else "cannot write", done.err)
        self.assertEqual(self.query("SELECT count(*) FROM victim"), [(0,)])
        self.assertEqual((self.out / "dest").read_bytes(), (self.tree / "evil_model.joblib").read_bytes())

    def test_mode_obeys_the_umask(self):
        self.get("sub/x_model", preexec_fn=lambda: os.umask(0o077))
        self.get(BERTOPIC, preexec_fn=lambda: os.umask(0o077))
        self.assertEqual((self.out / "x_model.joblib").stat().st_mode & 0o777, 0o600)
        self.assertEqual((self.out / BERTOPIC).stat().st_mode & 0o777, 0o700)


@on_both
class NothingLeft(GetCase):
    """When something is wrong, neither the destination nor a temporary file is there, and what was there before is untouched."""

    def setUp(self):
        super().setUp()
        self.write("large_model.joblib", os.urandom(17 * MIB))
        self.write(f"{BERTOPIC}/topics.json", b"{}" * 100)
        self.write(f"{BERTOPIC}/weights.bin", os.urandom(9 * MIB))
        self.write("small_model.joblib", b"small " * 500)
        self.sync("--inline-limit", "16MiB")

    def check_nothing(self, name, code, *words, **options):
        result = self.get(name, "dest", code=code, **options)
        for word in words:
            self.assertIn(word, result.err)
        self.assertEqual(self.tidy(), [])
        (self.out / "dest").write_text("mine")
        self.get(name, "dest", "--force", code=code, **options)
        self.assertEqual((self.tidy(), (self.out / "dest").read_text()), (["dest"], "mine"))
        (self.out / "dest").unlink()

    def test_damaged_rows(self):
        self.allow_damage()
        for name in ("small_model", BERTOPIC):
            self.flip(name, 30)
        (chunk,), = self.query("SELECT data FROM model_chunks WHERE seq = 1")
        chunk = bytes(chunk)[:30] + b"?!?" + bytes(chunk)[33:]
        self.query(f"UPDATE {self.kind.chunk_table} SET data = %s, sha256 = sha256(%s) WHERE seq = 1", (chunk, chunk))
        self.check_nothing("small_model", 3, "small_model@1")
        self.check_nothing(BERTOPIC, 3, BERTOPIC)
        self.check_nothing("large_model", 3, "SHA-256 of the payload")
        self.query(f"DELETE FROM {self.kind.chunk_table} WHERE seq = 1")
        self.check_nothing("large_model", 3, "chunk 1 of 2 is missing")
        self.put_payload("small_model", self.payload("small_model")[:20])
        self.check_nothing("small_model", 3)

    def test_content_that_differs(self):
        """All that the server can prove fits."""
        packed = gzip.compress(b"other " * 500)
        self.query("UPDATE models SET model_binary = %s, stored_sha256 = sha256(%s), stored_bytes = %s WHERE name = 'small_model'", (packed, packed, len(packed)))
        self.check_nothing("small_model", 3, "the SHA-256 of the content is")

    def test_more_than_the_row_says(self):
        bomb = gzip.compress(bytes(64 * MIB))
        self.query("UPDATE models SET model_binary = %s, stored_sha256 = sha256(%s), stored_bytes = %s WHERE name = 'small_model'", (bomb, bomb, len(bomb)))
        self.check_nothing("small_model", 3)

    def test_limit_of_the_file_size(self):
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))
        self.check_nothing("large_model", 1, preexec_fn=limit)
        self.check_nothing(BERTOPIC, 1, preexec_fn=limit)

    def test_full_disk(self):
        script = f'mount -t tmpfs -o size=2m none "{self.out}" || exit 77; "$@"; code=$?; ls -A "{self.out}"; exit $code'
        for name in ("large_model", BERTOPIC):
            done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", *self.command(name, self.out / "dest")], capture_output=True, check=False,
                                  env=program_environment())
            if done.returncode == 77 or b"unshare" in done.stderr:
                self.skipTest("no right to mount here")
            self.assertEqual((done.returncode, done.stdout), (1, b""), done.stderr)
            self.assertIn(b"No space left", done.stderr)

    def test_killed_in_the_middle(self):
        for name in ("large_model", BERTOPIC):
            process = subprocess.Popen(self.command(name, "dest"), cwd=self.out, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=program_environment())
            self.addCleanup(self.reap, process)
            wait_until(self.tidy)
            process.kill()
            process.wait()
            left = self.tidy()
            self.assertEqual(len(left), 1, left)
            self.assertTrue(left[0].startswith(".dest.restore-"), left)
            self.get(name, "dest")
            for path in self.out.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def test_interrupted(self):
        for name in ("large_model", BERTOPIC):
            process = subprocess.Popen(self.command(name, "dest"), cwd=self.out, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=program_environment())
            self.addCleanup(self.reap, process)
            wait_until(self.tidy)
            process.send_signal(signal.SIGTERM)
            result = self.finish(process)
            self.assertEqual((result.code, self.tidy()), (128 + signal.SIGTERM, []), result.err)


class Hostile(GetCase):
    """Rows made by hand: every digest fits, the archive does not."""

    def setUp(self):
        super().setUp()
        self.assertEqual(self.db("upgrade").code, 0)
        self.inner = self.out / "inner"
        self.inner.mkdir()

    def insert_tar(self, name, *members):
        """members: (TarInfo or name, data)"""
        memory, lines, raw = io.BytesIO(), [], 0
        with tarfile.open(fileobj=memory, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for member, data in members:
                info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(member)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
                if info.isfile():
                    lines.append(f"{hashlib.sha256(data).hexdigest()}  {info.name}\n")
                    raw += len(data)
        payload = memory.getvalue()
        self.insert(name, payload, hashlib.sha256("".join(lines).encode()).digest(), raw)

    @staticmethod
    def special(name, kind, target=""):
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        return info

    def test_the_maker_of_these_tests_makes_good_ones_too(self):
        self.insert_tar("good", ("a.txt", b"a"), ("b/c.txt", b"c"))
        self.get("good", self.inner / "dest")
        self.assertEqual((self.inner / "dest" / "b" / "c.txt").read_bytes(), b"c")

    def test_no_member_leaves_the_destination(self):
        elsewhere = self.base / "elsewhere"
        elsewhere.mkdir()
        evil = {
            "up": [("../evil", b"x")],
            "up-later": [("a", b"a"), ("b/../../evil", b"x")],
            "absolute": [(str(elsewhere / "evil"), b"x")],
            "dots": [("a/./../../evil", b"x")],
            "dot": [("./evil", b"x")],
            "twice": [("evil", b"1"), ("evil", b"2")],
            "link": [(self.special("l", tarfile.SYMTYPE, str(elsewhere)), b""), ("l/evil", b"x")],
            "link-up": [(self.special("l", tarfile.SYMTYPE, "../.."), b""), ("l/evil", b"x")],
            "hard-link": [(self.special("l", tarfile.LNKTYPE, "/etc/passwd"), b"")],
            "fifo": [(self.special("f", tarfile.FIFOTYPE), b"")],
            "device": [(self.special("d", tarfile.CHRTYPE), b"")],
            "file-as-folder": [("a", b"a"), ("a/b", b"x")],
        }
        for name, members in evil.items():
            with self.subTest(name):
                self.insert_tar(name, *members)
                for options in ((), ("--force",)):
                    self.get(name, self.inner / "dest", *options, code=3)
                    self.assertEqual(os.listdir(self.inner), [])
                    self.assertEqual(self.tidy(), ["inner"])
                    self.assertEqual(os.listdir(elsewhere), [])

    def test_no_right_beyond_0755(self):
        info = tarfile.TarInfo("tool")
        info.mode, info.uid, info.gid = 0o6777, 65534, 65534
        self.insert_tar("setuid", (info, b"#!/bin/sh\n"))
        self.get("setuid", self.inner / "dest")
        st = (self.inner / "dest" / "tool").stat()
        self.assertEqual((st.st_mode & 0o7777, st.st_uid), (0o755, os.geteuid()))

    def test_no_archive_at_all(self):
        self.insert("text", b"no tar " * 200, bytes(32), 5)
        self.insert("cut", gzip.compress(b"x" * 1000)[:-9], hashlib.sha256(b"x" * 1000).digest(), 1000, is_tar=False, is_gzip=True)
        for name in ("text", "cut"):
            self.get(name, self.inner / "dest", code=3)
            self.assertEqual(os.listdir(self.inner), [])

    def test_source_path_names_no_other_place(self):
        self.insert("plain", b"data", hashlib.sha256(b"data").digest(), 4, is_tar=False)
        for path in ("/etc/evil", "../../evil", "a/..", "..", "/", "a/.", ".", "//", "../"):
            self.query("UPDATE models SET source_path = %s", (path,))
            self.get("plain", "--force")
            self.assertLessEqual(set(self.tidy()), {"inner", "evil", "model", "a"}, path)
            self.assertEqual(os.listdir(self.base / "state") if self.state.exists() else [], [])
        self.assertEqual(sorted(os.listdir(self.base)), sorted({"models", "out"} | {p.name for p in self.base.iterdir() if p.name == "state"}))
        self.assertFalse(pathlib.Path("/etc/evil").exists())


if __name__ == "__main__":
    unittest.main()
