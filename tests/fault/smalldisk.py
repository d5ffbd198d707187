"""A small file system in memory, to be filled up. Only root can mount one."""

import atexit
import os
import pathlib
import subprocess
import tempfile
import unittest


class SmallDisk:
    def __init__(self, size):
        """size as mount(8) has it. Skips the test when it is not allowed."""
        if os.geteuid() != 0:
            raise unittest.SkipTest("only root can mount a small file system")
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="disk-"))
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", self.path], capture_output=True, check=False)
        if done.returncode != 0:
            self.path.rmdir()
            raise unittest.SkipTest("mount is not allowed here")
        atexit.register(self.unmount)  # of a test that was interrupted

    def give_to(self, path):
        """To the owner of that path."""
        owner = os.stat(path)
        os.chown(self.path, owner.st_uid, owner.st_gid)

    def resize(self, size):
        subprocess.run(["mount", "-o", f"remount,size={size}", self.path], check=True)

    def fill(self, leave=0):
        """Leaves so many bytes, in whole pages."""
        left = os.statvfs(self.path)
        with open(self.path / "filler", "wb") as filler:
            os.posix_fallocate(filler.fileno(), 0, left.f_bavail * left.f_bsize - leave)

    def make_room(self):
        (self.path / "filler").unlink(missing_ok=True)

    def unmount(self):
        atexit.unregister(self.unmount)
        subprocess.run(["umount", "--lazy", self.path], check=True)
        self.path.rmdir()
