"""cleanup --apply: directories, the last moment, kill -9, trees that cannot be read, standbys."""

import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from harness import NOBODY, PROGRAM, digest, program_environment, wait_until
from life import CleanupCase

BERTOPIC = "bertopic_model_0a1b2c3d"
KILLS = int(os.environ.get("KILLS", "50"))


class Directories(CleanupCase):
    def setUp(self):
        super().setUp()
        self.write(f"{BERTOPIC}/topics.json", b'{"topics": []}' * 50)
        self.write(f"{BERTOPIC}/images/0.png", b"png " * 500)
        self.write(f"{BERTOPIC}/empty.txt", b"")
        (self.tree / BERTOPIC / "nothing").mkdir()
        self.sync()
        self.source = self.tree / BERTOPIC
        self.assertEqual(self.plan()[BERTOPIC]["action"], "delete")

    def check_stays(self, change):
        """Something happens inside after the plan: all that is there then stays."""
        self.assertEqual(self.plan()[BERTOPIC]["action"], "delete")
        change()
        before = sorted(self.source.rglob("*"))
        answer = self.apply(code=3)
        self.assertIn("changed after the plan", answer[BERTOPIC])
        self.assertEqual(sorted(self.source.rglob("*")), before)

    def test_goes_whole(self):
        self.apply()
        self.assertEqual(list(self.tree.iterdir()), [])

    def test_stays_whole(self):
        topics, added = self.source / "topics.json", self.source / "images" / "new.txt"
        self.check_stays(topics.touch)
        self.check_stays(lambda: os.chmod(topics, 0o600))
        self.check_stays(lambda: added.write_text("came later"))
        self.sync()
        self.check_stays(lambda: (self.source / "flag").touch())
        (self.source / "flag").unlink()
        self.check_stays(lambda: (self.source / "another").mkdir())
        (self.source / "another").rmdir()
        self.check_stays(added.unlink)

    def test_what_a_kill_left_is_reported_and_never_stored(self):
        left = self.tree / f".cleanup-{digest(BERTOPIC.encode())[:16]}"
        self.source.rename(left)
        (left / "images" / "0.png").unlink()
        self.write_some(1)
        summary = self.sync(code=3).summary()
        self.assertEqual((summary["new"], summary["failed"]), (1, 1))
        self.assertEqual(set(self.stored()), {(BERTOPIC, 1), ("event0_regression", 1)})
        self.assertEqual(self.plan(code=3)[left.name]["action"], "keep")
        self.assertTrue((left / "topics.json").exists())

    def test_what_a_kill_left_whole_is_taken_up_by_the_same_plan(self):
        path, = self.write_some(1)
        self.sync()
        self.plan()
        self.source.rename(self.tree / f".cleanup-{digest(BERTOPIC.encode())[:16]}")
        path.rename(self.tree / f".cleanup-{digest(path.name.encode())[:16]}")
        self.assertEqual(self.apply(), {BERTOPIC: None, path.name: None})
        self.assertEqual(list(self.tree.iterdir()), [])

    def test_what_a_kill_left_and_somebody_changed_stays(self):
        path, = self.write_some(1)
        self.sync()
        self.plan()
        left = self.tree / f".cleanup-{digest(path.name.encode())[:16]}"
        path.rename(left)
        left.write_bytes(left.read_bytes()[::-1])
        self.assertIsNotNone(self.apply(code=3)[path.name])
        self.assertTrue(left.exists())

    def test_link_inside(self):
        (self.source / "link").symlink_to("topics.json")
        self.assertIsNotNone(self.apply(code=3)[BERTOPIC])
        self.assertTrue((self.source / "topics.json").exists())


class AtTheLastMoment(CleanupCase):
    """What happens to the store or the tree while --apply is at work: it is stopped at its first removal."""

    def setUp(self):
        super().setUp()
        for i in range(120):
            self.write(f"m{i:03d}_model.joblib", b"%d " % i * 200)
        self.sync()
        self.plan()

    def stop_in_the_middle(self, *arguments):
        process = subprocess.Popen(self.command("--apply", self.plan_file, "--yes", "--json", *arguments), env=program_environment(), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.reap, process)
        wait_until(lambda: not (self.tree / "m000_model.joblib").exists())
        process.send_signal(signal.SIGSTOP)
        self.assertTrue((self.tree / "m119_model.joblib").exists())
        return process

    def go_on(self, process):
        process.send_signal(signal.SIGCONT)
        result = self.finish(process)
        self.assertEqual(result.code, 3, result.err)
        return {line["path"]: line.get("reason") for line in result.lines() if line["type"] == "model" and not line["removed"]}

    def test_row_deleted_damaged_and_replaced(self):
        self.query("ALTER TABLE models DROP CONSTRAINT models_stored_sha256_matches")  # not later: what is stopped may hold a lock on the table
        process = self.stop_in_the_middle()
        self.query("DELETE FROM models WHERE name = 'm119_model'")
        self.query("UPDATE models SET model_binary = 'damaged' WHERE name = 'm118_model'")
        self.query("UPDATE models SET model_binary = 'other', stored_sha256 = sha256('other'), content_sha256 = sha256('other'), stored_bytes = 5, "
                   "raw_bytes = 5, encoding = 'identity' WHERE name = 'm117_model'")
        stays = self.go_on(process)
        self.assertEqual(set(stays), {"m117_model.joblib", "m118_model.joblib", "m119_model.joblib"})
        self.assertEqual(self.left(), sorted(stays))

    def test_source_changed_touched_and_replaced(self):
        process = self.stop_in_the_middle()
        (self.tree / "m119_model.joblib").write_bytes(b"x" * 200)
        (self.tree / "m118_model.joblib").touch()
        shutil.copy2(self.tree / "m117_model.joblib", self.base / "copy")
        os.replace(self.base / "copy", self.tree / "m117_model.joblib")
        (self.tree / "m116_model.joblib").unlink()
        (self.tree / "m116_model.joblib").symlink_to("m119_model.joblib")
        stays = self.go_on(process)
        self.assertEqual(set(stays), {f"m{i}_model.joblib" for i in (116, 117, 118, 119)})
        self.assertEqual(self.left(), sorted(stays))

    def end_sessions(self):
        self.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")

    def test_sessions_ended(self):
        """Another session is asked about the others, each before it goes."""
        process = self.stop_in_the_middle()
        self.end_sessions()
        self.query("DELETE FROM models WHERE name = 'm119_model'")
        self.assertEqual(set(self.go_on(process)), {"m119_model.joblib"})
        self.assertEqual(self.left(), ["m119_model.joblib"])

    def test_sessions_ended_without_retries(self):
        """The store cannot be asked any more: nothing else goes."""
        process = self.stop_in_the_middle("--retries", "0")
        self.end_sessions()
        process.send_signal(signal.SIGCONT)
        result = self.finish(process)
        self.assertEqual(result.code, 5, result.err)
        self.assertGreater(len(self.left()), 100)

    def test_interrupted(self):
        process = self.stop_in_the_middle()
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        result = self.finish(process)
        self.assertEqual(result.code, 128 + signal.SIGTERM, result.err)
        self.assertGreater(len(self.left()), 100)
        self.assertEqual(result.summary()["removed"], 120 - len(self.left()))


class Killed(CleanupCase):
    def test_kill_at_random_moments(self):
        """Nothing is lost that the store does not have; what must stay is always there; the next run and the next clean-up get to the end."""
        chance = random.Random(7)
        contents = {f"k{i:02d}_model.joblib": b"%d kill " % i * 300 for i in range(20)}
        contents.update({f"bertopic_model_0000000{i}/{name}": b"%d " % i * 400 for i in range(3) for name in ("topics.json", "a/b.bin", "config.json")})
        for name, data in contents.items():
            self.write(name, data)
        self.sync()
        (self.tree / "link_model.joblib").symlink_to("k00_model.joblib")
        must_stay = {"new_model.joblib": b"never stored " * 40, "k05_model.joblib": b"retrained after the plan " * 30}
        stored = {row[0] for row in self.query("SELECT encode(content_sha256, 'hex') FROM models WHERE format = 'file'")}
        killed = in_between = 0
        for turn in range(KILLS + 1):
            shutil.rmtree(self.tree)
            for name, data in contents.items():
                self.write(name, data)
            (self.tree / "link_model.joblib").symlink_to("k00_model.joblib")
            self.plan("-q")
            for name, data in must_stay.items():
                self.write(name, data)
            journal = len(self.events())
            process = subprocess.Popen(self.command("--apply", self.plan_file, "--yes", "-q"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE)
            # A moment after so many sources are gone; the first turn is left alone.
            wanted = chance.randrange(22)
            if turn > 0:
                wait_until(lambda: len(os.listdir(self.tree)) <= 25 - wanted or process.poll() is not None)
                time.sleep(chance.random() * 0.003)
                process.kill()
            result = self.finish(process)
            self.assertIn(result.code, (3, -signal.SIGKILL), result.all())
            killed += result.code == -signal.SIGKILL
            left = self.left()
            for name, data in must_stay.items():
                self.assertEqual((self.tree / name).read_bytes(), data, f"turn {turn}: {name}")
            self.assertTrue((self.tree / "link_model.joblib").is_symlink())
            gone = [name for name in contents if name not in left and "/" not in name]
            intended = {path for _, path in self.events()[journal:]}
            in_between += 0 < len(gone) < 19
            for name in gone:
                self.assertIn(digest(contents[name]), stored)
                self.assertIn(name, intended, "removed without a word in the journal")
            hidden = [p for p in self.tree.iterdir() if p.name.startswith(".cleanup-")]
            self.assertLessEqual(len(hidden), 1, hidden)
            for name in set(contents) & set(left):
                if name not in must_stay:
                    self.assertEqual((self.tree / name).read_bytes(), contents[name])
            if hidden and turn % 2:  # the same command goes on
                again = self.call(self.command("--apply", self.plan_file, "--yes", "-q"))
                self.assertEqual(again.code, 3, again.all())
                self.assertEqual(set(self.left()) & set(contents), {"k05_model.joblib"})
                self.assertLessEqual([p.is_dir() for p in self.tree.glob(".cleanup-*")], [True])
            whole = [p for p in self.tree.iterdir() if p.name.startswith("bertopic")]
            for source in whole:  # under its own name a directory is whole
                self.assertEqual(len([p for p in source.rglob("*") if p.is_file()]), 3, f"turn {turn}")
        self.assertGreater(killed, KILLS / 2)
        self.assertGreater(in_between, KILLS / 10)


class Unreadable(CleanupCase):
    """A folder that cannot be read is an error, never empty. As a user without special rights, over TCP."""

    def test_folder_and_member(self):
        if not NOBODY and os.geteuid() == 0:
            self.skipTest("needs another user")
        self.write("open/a_model.joblib", b"a " * 100)
        self.write("closed/b_model.joblib", b"b " * 100)
        self.write(f"{BERTOPIC}/topics.json", b"{}" * 100)
        self.write(f"{BERTOPIC}/part/x.json", b"{}" * 100)
        self.sync()
        self.base.chmod(0o755)
        program, free = self.base / "program", self.base / "free"
        shutil.copy(PROGRAM, program)
        free.mkdir()
        free.chmod(0o777)
        for path in self.tree.rglob("*"):
            path.chmod(0o777 if path.is_dir() else 0o666)
        self.tree.chmod(0o777)
        (self.tree / "closed").chmod(0)
        (self.tree / BERTOPIC / "part").chmod(0)
        self.addCleanup((self.tree / "closed").chmod, 0o755)
        url = self.url_of(self.database, host="127.0.0.1")
        as_nobody = lambda *words: self.call([*NOBODY, program, "cleanup", "--state-dir", free / "state", "-d", url, *words, self.tree], cwd="/")
        self.plan_file = free / "plan.csv"
        result = as_nobody("--plan", self.plan_file)
        self.assertEqual(result.code, 1, result.all())
        self.assertIn("closed", result.err)
        self.assertIn("Permission denied", result.err)
        self.assertFalse(self.plan_file.exists())

        result = as_nobody("--plan", self.plan_file, "--exclude", "closed")
        self.assertEqual(result.code, 3, result.all())
        self.assertEqual({row["path"]: row["action"] for row in self.read_plan()}, {"open/a_model.joblib": "delete", BERTOPIC: "keep"})

        self.assertEqual(as_nobody("--apply", self.plan_file, "--yes").code, 1)
        self.tree.chmod(0)
        self.addCleanup(self.tree.chmod, 0o755)
        self.assertEqual(as_nobody("--apply", self.plan_file, "--yes").code, 1)
        self.tree.chmod(0o755)
        self.assertTrue((self.tree / "open" / "a_model.joblib").exists())


class Standby(CleanupCase):
    """What a standby has is no proof: it may lag behind, and may go away."""

    def start_standby(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="standby-", dir="/tmp"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        owner = pathlib.Path(os.environ["PGDATA_DIR"]).stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
        who = [] if os.geteuid() != 0 else ["setpriv", f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--clear-groups", "--"]
        binaries, data = os.environ["PG_BIN"], folder / "data"
        environment = dict(os.environ, PGDATABASE="postgres")
        subprocess.run([*who, f"{binaries}/pg_basebackup", "-D", data, "-R", "-c", "fast", "--no-sync", "-X", "stream"], check=True, cwd="/", env=environment)
        control = [*who, f"{binaries}/pg_ctl", "-D", data, "-w", "-l", folder / "log"]
        port = int(os.environ["PGPORT"])
        options = f"-k {folder} -p {port} -c listen_addresses= -c hot_standby=on -c fsync=off"
        self.addCleanup(subprocess.run, [*control, "stop", "-m", "immediate"], cwd="/", check=False, stdout=subprocess.DEVNULL)
        subprocess.run([*control, "start", "-o", options], check=True, cwd="/", stdout=subprocess.DEVNULL)
        return self.url_of(self.database, host=folder)

    def test_check_reads_it_and_cleanup_refuses(self):
        self.write_some(2)
        self.sync()
        self.plan()
        standby = self.start_standby()
        result = self.call([PROGRAM, "check", "--download", "-d", standby, self.tree])
        self.assertEqual(result.code, 0, result.all())
        self.assertIn("standby", self.cleanup("--apply", self.plan_file, "--yes", url=standby, code=1).err)
        self.cleanup("--plan", self.base / "p2.csv", url=standby)
        self.plan_file = self.base / "p2.csv"
        self.assertEqual({row["action"] for row in self.read_plan()}, {"keep"})
        self.assertIn("standby", self.read_plan()[0]["reason"])
        self.assertEqual(len(self.left()), 2)


if __name__ == "__main__":
    unittest.main()
