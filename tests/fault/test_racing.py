"""Runs and clean-ups beside a process that swaps, links, replaces and appends all the time: no content may be gone from the disk and not be stored."""

import ctypes
import hashlib
import os
import pathlib
import random
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from harness import PROGRAM  # noqa: E402
from life import CleanupCase  # noqa: E402

AT_FDCWD, NOREPLACE, EXCHANGE = -100, 1, 2
LIBC = ctypes.CDLL(None, use_errno=True)


def rename(source, target, flags=NOREPLACE):
    """Never over a file: this process loses nothing itself."""
    return LIBC.renameat2(AT_FDCWD, os.fsencode(source), AT_FDCWD, os.fsencode(target), flags) == 0


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Racer(threading.Thread):
    def __init__(self, tree, out, seed):
        super().__init__(daemon=True)
        self.tree, self.out, self.random = tree, out, random.Random(seed)
        self.contents, self.count, self.ended = {}, 0, threading.Event()
        for folder in ("a", "b"):
            (tree / folder).mkdir()

    def make(self, path):
        self.count += 1
        data = f"content {self.count}\n".encode() * self.random.randint(1, 30)
        temporary = self.out / f"new{self.count}"
        temporary.write_bytes(data)
        self.contents[digest(data)] = str(path)
        rename(temporary, path)

    def name(self):
        return self.tree / self.random.choice(["", "a", "b"]) / f"m{self.random.randint(0, 60)}.joblib"

    def hide(self, path, into):
        """A link stands in its place for a moment."""
        held = self.out / f"{into}{self.random.random()}"
        if rename(path, held):
            os.symlink(held, path)
            time.sleep(self.random.random() * 0.01)
            os.unlink(path)
            rename(held, path)

    def append(self, path):
        """The longer content takes the place of the shorter one."""
        with open(path, "r+b", buffering=0) as file:
            old = file.read()
            time.sleep(self.random.random() * 0.01)
            more = b"more %f\n" % self.random.random()
            file.write(more)
            self.contents[digest(old + more)] = f"appended to {path}"
            self.contents.pop(digest(old), None)

    def grow_directory(self):
        folder = self.tree / "bertopic_model_1a2b3c4d"
        folder.mkdir(exist_ok=True)
        for name in ["config.json", "topics.json", f"x{self.random.randint(0, 9)}.bin"]:
            self.make(folder / name)

    def act(self):
        files = [path for path in self.tree.rglob("*.joblib") if path.is_file()]
        chance = self.random.random()
        if len(files) < 30 or chance < 0.2:
            self.make(self.name())
        elif chance < 0.4:
            rename(self.random.choice(files), self.random.choice(files), EXCHANGE)
        elif chance < 0.5:
            rename(self.random.choice(files), self.name())
        elif chance < 0.6:
            os.link(self.random.choice(files), self.name())
        elif chance < 0.7:
            self.append(self.random.choice(files))
        elif chance < 0.78:
            rename(self.tree / "a", self.tree / "b", EXCHANGE)
        elif chance < 0.84:
            self.hide(self.tree / "a", "folder")
        elif chance < 0.92:
            self.hide(self.random.choice(files), "file")
        else:
            self.grow_directory()

    def run(self):
        while not self.ended.is_set():
            try:
                self.act()
            except OSError:
                pass
            time.sleep(0.001)


class Racing(CleanupCase):
    def on_disk(self, *folders):
        return {digest(path.read_bytes()) for folder in folders for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}

    def in_store(self):
        """Contents of files, and of the members of directories."""
        found = set()
        for name, version, content, kind in self.query("SELECT name, version, encode(content_sha256, 'hex'), format FROM models"):
            found.add(content)
            if kind == "tar":
                back = self.base / f"back{version}"
                self.assertEqual(self.call([PROGRAM, "get", f"{name}@{version}", back, "-d", self.url]).code, 0)
                found |= self.on_disk(back)
        return found

    def test_nothing_is_lost(self):
        out = self.base / "out"
        out.mkdir()
        racer = Racer(self.tree, out, 1)
        for i in range(40):
            racer.make(self.tree / f"m{i}.joblib")
        self.assertEqual(self.db("upgrade").code, 0)
        racer.start()
        self.addCleanup(racer.ended.set)
        removed, end = 0, time.monotonic() + 60
        while removed < 60 and time.monotonic() < end:
            results = [self.run_program("-q"), self.call(self.command("-q", "--plan", self.plan_file))]
            results.append(result := self.call(self.command("--apply", self.plan_file, "--yes")))
            self.assertLessEqual({each.code for each in results}, {0, 1, 3}, result.all())  # 1: a folder vanished, nothing is removed then
            removed += sum(line.startswith("removed") for line in result.out.splitlines())
        racer.ended.set()
        racer.join()
        kept = self.on_disk(self.tree, out) | self.in_store()
        self.assertEqual({where for content, where in racer.contents.items() if content not in kept}, set())
        self.assertGreater(removed, 0)


if __name__ == "__main__":
    unittest.main()
