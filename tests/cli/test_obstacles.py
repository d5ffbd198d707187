"""A directory goes as a whole or not at all: what would stop a removal halfway is asked before, and told in the plan; and so is what get
would not bring back."""

import os
import shutil
import subprocess
import unittest

from harness import NOBODY, PROGRAM
from life import CleanupCase

BERTOPIC = "bertopic_model_0a1b2c3d"


class ObstacleCase(CleanupCase):
    def setUp(self):
        super().setUp()
        for name in ("config.json", "topics.json", "zz.bin", "images/0.jpg"):
            self.write(f"{BERTOPIC}/{name}", name * 100)
        self.write("a_model.joblib", "a" * 1000)
        self.source = self.tree / BERTOPIC

    def files(self):
        return sorted(str(path.relative_to(self.tree)) for path in self.tree.rglob("*") if path.is_file())


@unittest.skipIf(os.geteuid() == 0 and not NOBODY, "needs another user")
class AnotherUser(ObstacleCase):
    """As a user without special rights, over TCP."""

    def setUp(self):
        super().setUp()
        self.base.chmod(0o755)
        self.program, self.free = self.base / "program", self.base / "free"
        shutil.copy(PROGRAM, self.program)
        self.free.mkdir()
        self.plan_file = self.free / "plan.csv"
        if NOBODY:
            for path in [self.free, self.tree, *self.tree.rglob("*")]:
                os.chown(path, 65534, 65534)
        self.sync()

    def as_nobody(self, *words, code=0):
        command = [*NOBODY, self.program, "cleanup", "--state-dir", self.free / "state", "-d", self.url_of(self.database, host="127.0.0.1"), *words, self.tree]
        result = self.call(command, cwd="/")
        self.assertEqual(result.code, code, result.all())
        return result

    def reasons(self):
        self.as_nobody("--plan", self.plan_file)
        return {row["path"]: (row["action"], row["reason"]) for row in self.read_plan()}

    def test_folder_inside_that_cannot_be_written(self):
        before = self.files()
        (self.source / "images").chmod(0o555)
        self.addCleanup((self.source / "images").chmod, 0o755)
        action, reason = self.reasons()[BERTOPIC]
        self.assertEqual((action, reason), ("keep", "its folder images cannot be written"))
        self.plan_file.write_text(self.plan_file.read_text().replace('"keep"', '"delete"'))
        result = self.as_nobody("--apply", self.plan_file, "--yes", code=3)
        self.assertIn("its folder images cannot be written", result.out)
        self.assertEqual(self.files(), [path for path in before if path != "a_model.joblib"])

    def test_folder_of_the_source_that_cannot_be_written(self):
        self.tree.chmod(0o555)
        self.addCleanup(self.tree.chmod, 0o755)
        self.assertEqual(set(self.reasons().values()), {("keep", "its folder cannot be written")})

    @unittest.skipIf(os.geteuid() != 0, "needs two users")
    def test_sticky_folder_of_another_user(self):
        os.chown(self.tree, 0, 0)
        self.tree.chmod(0o1777)
        os.chown(self.source, 0, 0)
        reasons = self.reasons()
        self.assertEqual(reasons[BERTOPIC], ("keep", "it belongs to another user, and its folder is sticky"))
        self.assertEqual(reasons["a_model.joblib"][0], "delete")
        os.chown(self.source, 65534, 65534)
        os.chown(self.source / "images", 0, 0)
        (self.source / "images").chmod(0o1777)
        os.chown(self.source / "images" / "0.jpg", 0, 0)
        self.assertIn("its member images/0.jpg belongs to another user", self.reasons()[BERTOPIC][1])


@unittest.skipIf(os.geteuid() != 0, "needs rights")
class Root(ObstacleCase):
    def test_mount_inside(self):
        elsewhere = self.base / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / "0.jpg").write_bytes((self.source / "images" / "0.jpg").read_bytes())
        script = ('mount --bind "$1" "$2" || exit 77; shift 2; run=$1; shift; $run || exit 70; '
                  '"$@" --plan "$PLAN" && sed s/keep/delete/ "$PLAN" >"$PLAN.2" && "$@" --apply "$PLAN.2" --yes')
        run = f"{PROGRAM} run --upgrade -q --state-dir {self.state} {self.tree}"
        result = self.call(["unshare", "-m", "bash", "-c", script, "bash", elsewhere, self.source / "images", run, *self.command()],
                           env={"PLAN": str(self.plan_file), "MIGRATE_MODELS_DATABASE_URL": self.url})
        if result.code == 77 or "unshare" in result.err:
            self.skipTest("no right to mount here")
        self.assertEqual(result.code, 3, result.all())
        self.assertIn("its member images is a mount point", result.out)
        self.assertTrue((elsewhere / "0.jpg").exists() and (self.source / "topics.json").exists())

    def test_immutable_files(self):
        victim = self.source / "zz.bin"
        if subprocess.run(["chattr", "+i", victim], capture_output=True, check=False).returncode != 0:
            self.skipTest("no such flags here")
        self.addCleanup(subprocess.run, ["chattr", "-i", victim], check=True)
        self.sync()
        row = self.plan()[BERTOPIC]
        self.assertEqual((row["action"], row["reason"]), ("keep", "its member zz.bin is immutable (chattr +i)"))


class Losses(ObstacleCase):
    def test_what_get_does_not_bring_back_is_told(self):
        (self.tree / "a_model.joblib").chmod(0o600)
        (self.source / "config.json").chmod(0o664)
        (self.source / "topics.json").chmod(0o4755)
        os.chmod(self.source / "images", 0o700)
        try:
            os.setxattr(self.source / "zz.bin", "user.tag", b"x")
            attribute = ", extended attribute user.tag of zz.bin"
        except OSError:
            attribute = ""
        self.sync()
        rows = self.plan()
        self.assertEqual({row["action"] for row in rows.values()}, {"delete"})
        self.assertEqual(rows["a_model.joblib"]["reason"], "get does not bring back: mode 0600")
        self.assertEqual(rows[BERTOPIC]["reason"], "get does not bring back: mode 0664 of config.json and 2 more" + attribute)
        text = self.cleanup().out
        self.assertIn("mode 0600", text)
        self.cleanup("--report", self.base / "report.csv", "-q")
        self.assertIn("mode 0664 of config.json", (self.base / "report.csv").read_text())
        lines = self.cleanup("--json").models()
        self.assertIn("mode 0600", lines["a_model.joblib"]["reason"])

    def test_usual_sources_lose_nothing(self):
        (self.source / "config.json").chmod(0o755)
        self.sync()
        self.assertEqual({row["reason"] for row in self.plan().values()}, {""})
