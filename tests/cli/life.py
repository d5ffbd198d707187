"""What the tests of check, cleanup, get and restore share. They ask what is done to files and rows, not whether a disk keeps it: their files
are in memory where that is possible, and the server does not wait for its disk."""

import csv
import os
import pathlib
import tempfile

from harness import PROGRAM, CliCase, admin
from stores import RAM_DISK, Postgres

PLAN_COLUMNS = ["action", "path", "kind", "name", "version", "raw_bytes", "content_sha256", "stored_sha256", "stored_at", "run_id", "dev", "ino", "size",
           "mtime_ns", "ctime_ns", "reason", "members_sha256", "readers_get", "store"]
DISK = pathlib.Path(tempfile.gettempdir())


def set_fsync(value):
    admin(f"ALTER SYSTEM SET fsync = {value}")
    admin("SELECT pg_reload_conf()")


class LifeCase(CliCase):
    fsync = "off" # quicker

    @classmethod
    def setUpClass(cls):
        cls.be_quick()

    @classmethod
    def be_quick(cls):
        if os.access(RAM_DISK, os.W_OK):
            before, tempfile.tempdir = tempfile.tempdir, str(RAM_DISK)
            cls.addClassCleanup(setattr, tempfile, "tempdir", before)
        if cls.kind is Postgres:
            set_fsync(cls.fsync)
            cls.addClassCleanup(set_fsync, "on")


class CleanupCase(LifeCase):
    fsync = "on" # else nothing may go
    proves = True

    def setUp(self):
        super().setUp()
        self.plan_file = self.base / "plan.csv"

    def command(self, *arguments, url=None):
        return [PROGRAM, "cleanup", "--state-dir", str(self.state), "-d", url or self.url, *map(str, arguments), str(self.tree)]

    def cleanup(self, *arguments, code=0, url=None, **options):
        result = self.call(self.command(*arguments, url=url), **options)
        self.assertEqual(result.code, code, result.all())
        return result

    def plan(self, *arguments, **options):
        """Writes a plan; its rows by path."""
        self.cleanup("--plan", self.plan_file, *arguments, **options)
        return {row["path"]: row for row in self.read_plan()}

    def read_plan(self):
        with open(self.plan_file, newline="") as file:
            return list(csv.DictReader(file, strict=True))

    def edit(self, change):
        """The plan with change(row) done to every row; None drops it."""
        rows = [row for row in map(change, self.read_plan()) if row is not None]
        with open(self.plan_file, "w", newline="") as file:
            writer = csv.DictWriter(file, PLAN_COLUMNS, quoting=csv.QUOTE_ALL, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    def apply(self, *arguments, code=0):
        """--apply --yes --json; {path: None when removed, else the reason}."""
        result = self.cleanup("--apply", self.plan_file, "--yes", "--json", *arguments, code=code)
        self.answer = {line["path"]: line.get("reason") for line in result.lines() if line["type"] == "model"}
        for line in result.lines():
            if line["type"] == "model":
                self.assertEqual(line["removed"], line["reason"] is None)
        kept = sum(reason is not None for reason in self.answer.values())
        summary = result.summary()
        self.assertEqual((summary["removed"], summary["kept"], summary["exit_code"]), (len(self.answer) - kept, kept, code))
        return self.answer

    def left(self):
        """All files and links of the tree."""
        return sorted(str(p.relative_to(self.tree)) for p in self.tree.rglob("*") if p.is_symlink() or not p.is_dir())

    def events(self):
        """The trail of the clean-ups: [(letter, path)]."""
        trail = self.journal().with_name("removed")
        lines = [line[9:].split("\t") for line in trail.read_text().splitlines()[1:]] if trail.exists() else []
        return [(fields[0], os.path.relpath(fields[10], self.tree)) for fields in lines if fields[0] in "rx"]
