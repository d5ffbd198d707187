"""What the tests of check, cleanup, get and restore share. They ask what is done to files and rows, not whether a disk keeps it: their files
are in memory where that is possible, and the server does not wait for its disk."""

import os
import pathlib
import tempfile

from harness import CliCase, admin

RAM_DISK = pathlib.Path("/dev/shm")
DISK = pathlib.Path(tempfile.gettempdir())


def set_fsync(value):
    admin(f"ALTER SYSTEM SET fsync = {value}")
    admin("SELECT pg_reload_conf()")


class LifeCase(CliCase):
    @classmethod
    def setUpClass(cls):
        cls.be_quick()

    @classmethod
    def be_quick(cls):
        if os.access(RAM_DISK, os.W_OK):
            before, tempfile.tempdir = tempfile.tempdir, str(RAM_DISK)
            cls.addClassCleanup(setattr, tempfile, "tempdir", before)
        set_fsync("off")
        cls.addClassCleanup(set_fsync, "on")
