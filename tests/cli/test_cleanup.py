"""cleanup: only what is proven goes, and only by --apply."""

import fcntl
import os
import pathlib
import pty
import shutil
import subprocess
import tempfile
import unittest

from harness import PROGRAM, digest, program_environment
from life import DISK, PLAN_COLUMNS, CleanupCase
from stores import RAM_DISK, Postgres, on_both, only_on

BERTOPIC = "bertopic_model_0a1b2c3d"


@on_both
class Plan(CleanupCase):
    def test_nothing_goes_without_apply(self):
        self.write_some(3)
        self.sync()
        before = self.left()
        for arguments in ((), ("--plan", self.plan_file), ("--report", self.base / "r.html"), ("--json",), ("-q",)):
            self.cleanup(*arguments)
            self.assertEqual(self.left(), before)
        self.cleanup("--yes", code=2)
        self.cleanup("--trash", self.base / "trash", code=2)
        self.cleanup("--apply", self.plan_file, "--plan", self.plan_file, code=2)
        self.assertEqual(self.left(), before)

    def test_proof_stands_in_the_plan(self):
        path, = self.write_some(1)
        self.write("new_model.joblib", b"not stored")
        self.sync("--exclude", "new_*")
        rows = self.plan()
        self.assertEqual(list(self.read_plan()[0]), PLAN_COLUMNS)
        self.assertEqual(self.plan_file.stat().st_mode & 0o777, 0o600)
        row, st, data = rows[path.name], path.stat(), path.read_bytes()
        stored, created, run = self.query("SELECT encode(stored_sha256, 'hex'), created_at, run_id::text FROM models")[0]
        self.assertEqual(row, dict(row, action="delete", kind="file", name="event0_regression", version="1", raw_bytes=str(len(data)), reason="",
                                   content_sha256=digest(data), stored_sha256=stored, run_id=run, dev=str(st.st_dev), ino=str(st.st_ino),
                                   size=str(st.st_size), mtime_ns=str(st.st_mtime_ns), ctime_ns=str(st.st_ctime_ns)))
        self.assertTrue(row["stored_at"].startswith(str(created)[:16].replace(" ", "T")), row["stored_at"])
        self.assertEqual(rows["new_model.joblib"], dict(rows["new_model.joblib"], action="keep", reason="it is not stored", content_sha256=""))

    def test_report_says_what_may_go_and_what_must_stay(self):
        self.write_some(2)
        self.sync()
        self.write("new_model.joblib", b"not stored")
        (self.tree / "link_model.joblib").symlink_to("event0_regression.joblib")
        out = self.cleanup().out
        go, stay = out.split("Must stay:\n")
        self.assertIn("event0_regression.joblib  is event0_regression@1", go)
        self.assertIn("the symbolic link link_model.joblib leads to it, and would lead nowhere", go)
        self.assertIn("new_model.joblib: it is not stored", stay)
        self.assertIn("link_model.joblib", stay)
        self.assertIn("2 may go (5.84 KiB), 2 must stay (10 B); nothing was deleted", stay)
        self.assertIn("2 must stay", stay)
        summary = self.cleanup("--json").summary()
        self.assertEqual((summary["can_go"], summary["must_stay"], summary["exit_code"]), (2, 2, 0))

    def test_wrong_ending_of_the_report_is_told_first(self):
        self.write_some(1)
        self.sync()
        result = self.cleanup("--plan", self.plan_file, "--report", self.base / "r.txt", code=2)
        self.assertEqual(result.out, "")
        self.assertFalse(self.plan_file.exists())

    def test_strange_paths_come_back(self):
        names = ['quote"s, and = signs_model.joblib', "per%cent%2F_model.joblib", "blank  _model.joblib"]
        for i, name in enumerate(names):
            self.write(name, b"%d strange " % i * 50)
        strange = self.tree / os.fsdecode(b"caf\xe9_model.joblib")
        strange.write_bytes(b"latin " * 50)
        table = self.base / "map.csv"
        table.write_text("path,name\ncaf?_model.joblib,cafe_model\n")
        self.sync("--map", table)
        self.plan("--map", table)
        self.plan_file.read_text("utf-8")
        self.apply("--map", table)
        self.assertEqual(self.left(), [])

    def test_no_tree_empty_tree_and_only_other_files(self):
        self.write_some(1)
        self.sync()
        self.plan()
        shutil.move(self.tree, self.base / "away")
        self.cleanup("--plan", self.base / "p2.csv", code=2)
        self.cleanup("--apply", self.plan_file, "--yes", code=2)
        self.tree.mkdir()
        (self.tree / "readme.txt").write_text("x")
        result = self.cleanup("--plan", self.base / "p2.csv", code=1)
        self.assertIn("holds no model", result.err)
        self.assertIn("holds no model", self.cleanup("--apply", self.plan_file, "--yes", code=1).err)
        self.assertFalse((self.base / "p2.csv").exists())

    def test_no_schema_and_no_store(self):
        self.write_some(1)
        self.cleanup(code=10)
        if self.kind is Postgres:
            self.cleanup(url=f"host={self.base} port=5 dbname=x user=y", code=5)

    def test_row_without_digests_is_no_proof(self):
        path = self.write("hand_model.joblib", b"by hand " * 100)
        self.assertEqual(self.db("upgrade").code, 0)
        self.query("INSERT INTO models (name, version, model_type, event, model_binary) VALUES ('hand_model', 1, 'model', 'hand', %s)", (path.read_bytes(),))
        row = self.plan()["hand_model.joblib"]
        self.assertEqual(row["action"], "keep")
        self.assertIn("no digest", row["reason"])
        # docs/cleanup.md tells how to record them
        self.query("""UPDATE models SET content_sha256 = sha256(model_binary), stored_sha256 = sha256(model_binary), raw_bytes = octet_length(model_binary),
                             stored_bytes = octet_length(model_binary), format = 'file', encoding = 'identity'
                       WHERE content_sha256 IS NULL AND stored_sha256 IS NULL AND chunk_count = 0""")
        self.assertEqual(self.plan()["hand_model.joblib"]["action"], "delete")
        self.apply()
        self.assertEqual(self.left(), [])

    def test_content_that_only_reading_back_disproves(self):
        path, = self.write_some(1)
        self.sync()
        self.query("UPDATE models SET model_binary = %s, stored_sha256 = sha256('other'), stored_bytes = 5", (b"other",))
        self.assertEqual(self.plan()[path.name]["action"], "keep")


@on_both
class AfterThePlan(CleanupCase):
    """One thing happens to each source between plan and apply; the one that nothing happens to is the only one that goes."""

    def make(self, *names):
        for i, name in enumerate(names):
            self.write(f"{name}_model.joblib", f"{name} {i} ".encode() * 200)
        self.write("untouched_model.joblib", b"untouched " * 200)
        self.sync()
        self.plan()

    def check_stay(self, reasons, arguments=()):
        """Applies the plan. reasons: {source: part of the reason}."""
        before = self.left()
        answer = self.apply(*arguments, code=3)
        self.assertIsNone(answer.pop("untouched_model.joblib"))
        self.assertEqual(set(answer), {f"{name}_model.joblib" if "/" not in name and ".." not in name else name for name in reasons})
        for name, word in reasons.items():
            path = f"{name}_model.joblib" if f"{name}_model.joblib" in answer else name
            with self.subTest(name):
                self.assertIn(word, answer[path] or "REMOVED")
        self.assertEqual(self.left(), [name for name in before if name != "untouched_model.joblib"])

    def test_sources(self):
        self.make("reversed", "flipped", "grown", "shrunk", "touched", "mode", "renamed", "linked", "directory", "vanished")
        path = {name: self.tree / f"{name}_model.joblib" for name in ("reversed", "flipped", "grown", "shrunk", "touched", "mode", "renamed", "linked",
                                                                      "directory", "vanished")}
        path["reversed"].write_bytes(path["reversed"].read_bytes()[::-1])
        before, data = path["flipped"].stat(), bytearray(path["flipped"].read_bytes())
        data[5] ^= 1
        path["flipped"].write_bytes(data)
        os.utime(path["flipped"], ns=(before.st_atime_ns, before.st_mtime_ns))
        with open(path["grown"], "ab") as file:
            file.write(b"more")
        os.truncate(path["shrunk"], 100)
        path["touched"].touch()
        path["mode"].chmod(0o600)
        shutil.copy2(path["renamed"], self.base / "copy")
        shutil.move(self.base / "copy", path["renamed"])
        os.rename(path["linked"], self.tree / "real")
        path["linked"].symlink_to("real")
        path["directory"].unlink()
        self.write("directory_model.joblib/MLmodel", b"{}")
        path["vanished"].unlink()
        changed = "changed after the plan"
        self.check_stay({"reversed": changed, "flipped": changed, "grown": changed, "shrunk": changed, "touched": changed, "mode": changed,
                         "renamed": changed, "linked": "no model is there", "directory": changed, "vanished": "no model is there"})
        self.assertTrue((self.tree / "linked_model.joblib").is_symlink() and (self.tree / "real").exists())

    def test_rows(self):
        self.make("deleted", "damaged", "short", "other", "unproven", "recoded", "plain")
        self.allow_damage()
        change = lambda name, change, *values: self.query(f"UPDATE models SET {change} WHERE name = '{name}_model'", values)
        self.query("DELETE FROM models WHERE name = 'deleted_model'")
        self.flip("damaged_model", 20)
        self.put_payload("short_model", self.payload("short_model")[:20])
        change("other", "model_binary = %s, stored_sha256 = sha256('other'), content_sha256 = sha256('other'), stored_bytes = 5, raw_bytes = 5, "
                        "encoding = 'identity'", b"other")
        # Only reading back can tell this one: all that the server can prove fits.
        change("unproven", "model_binary = %s, stored_sha256 = sha256('other'), stored_bytes = 5, encoding = 'identity'", b"other")
        data = (self.tree / "recoded_model.joblib").read_bytes()
        self.query("UPDATE models SET model_binary = %s, stored_sha256 = sha256(%s), stored_bytes = raw_bytes, encoding = 'identity' "
                   "WHERE name = 'recoded_model'", (data, data))
        change("plain", "stored_sha256 = NULL")
        self.check_stay({"deleted": "not stored", "damaged": "damaged", "short": "damaged", "other": "no stored version has this content",
                         "unproven": "the content has 5 bytes", "recoded": "another row", "plain": "no digest"})

    def test_lines(self):
        names = ["content", "stored", "version", "name", "dev", "ino", "size", "mtime_ns", "ctime_ns", "kind"]
        self.make(*names)
        wrong = {"content": {"content_sha256": "0" * 64}, "stored": {"stored_sha256": "f" * 64}, "version": {"version": "2"}, "name": {"name": "kind_model"},
                 "kind": {"kind": "directory"}}

        def change(row):
            name = row["path"].removesuffix("_model.joblib")
            if name in ("dev", "ino", "size", "mtime_ns", "ctime_ns"):
                return dict(row, **{name: str(int(row[name]) + 1)})
            return dict(row, **wrong.get(name, {}))

        self.edit(change)
        row, changed = "another row or content", "changed after the plan"
        self.check_stay(dict(content=row, stored=row, version=row, name=row, kind=changed, **{name: changed for name in names[4:9]}))

    def test_paths(self):
        self.make("a", "b", "c", "d", "e", "f", "other")
        outside = self.base / "outside_model.joblib"
        outside.write_bytes((self.tree / "a_model.joblib").read_bytes())
        paths = {"a": "../outside_model.joblib", "b": str(outside), "c": "sub/../../outside_model.joblib", "d": f"../{self.tree.name}/d_model.joblib",
                 "e": "./e_model.joblib", "f": f"{self.tree}/f_model.joblib"}

        def change(row):
            name = row["path"].removesuffix("_model.joblib")
            if name == "untouched":
                return row
            return dict(row, path=paths[name]) if name in paths else None

        self.edit(change)
        before = self.left()
        answer = self.apply(code=3)
        self.assertIsNone(answer.pop("untouched_model.joblib"))
        self.assertEqual(set(answer), set(paths.values()))
        self.assertTrue(all("no model is there" in reason for reason in answer.values()), answer)
        self.assertEqual(self.left(), [name for name in before if name != "untouched_model.joblib"])
        self.assertTrue(outside.exists())
        self.plan()
        self.edit(lambda row: dict(row, path="other_model.joblib") if row["path"] == "a_model.joblib" else None)
        self.assertIn("changed after the plan", self.apply(code=3)["other_model.joblib"])


@on_both
class Apply(CleanupCase):
    def setUp(self):
        super().setUp()
        self.paths = self.write_some(4)
        self.write("keep_model.joblib", b"the user keeps it " * 30)
        self.sync()
        self.plan()
        self.edit(lambda row: dict(row, action="keep") if row["path"] == "keep_model.joblib" else row)

    def test_exactly_the_lines_that_say_delete(self):
        self.write("new_model.joblib", b"came after the plan " * 30)
        self.sync()
        self.edit(lambda row: None if row["path"] == self.paths[3].name else row)
        self.assertEqual(self.apply(), {path.name: None for path in self.paths[:3]})
        self.assertEqual(self.left(), sorted([self.paths[3].name, "keep_model.joblib", "new_model.joblib"]))

    def test_intent_and_result_are_in_the_trail_and_again_is_harmless(self):
        self.paths[1].write_bytes(b"changed")
        self.apply(code=3)
        gone = [path.name for path in self.paths if path != self.paths[1]]
        self.assertEqual(self.events(), [(letter, name) for name in gone for letter in "rx"])
        answer = self.apply(code=3)
        self.assertTrue(all("no model is there" in answer[name] for name in gone), answer)
        self.assertEqual(self.left(), [self.paths[1].name, "keep_model.joblib"])
        self.assertEqual(self.sync().summary()["new"], 1)

    def rewrite_journal(self):
        """So much history that the next run rewrites it."""
        journal = self.journal()
        line = next(line for line in journal.read_text().splitlines(keepends=True) if line[9:11] == "f\t")
        with open(journal, "a") as file:
            file.write(line * 1100)
        self.sync()
        self.assertLess(len(journal.read_text().splitlines()), 100, "it was rewritten")

    def trail_in_journal(self):
        return [line for line in self.journal().read_text().splitlines(keepends=True) if line[9:11] in ("r\t", "x\t")]

    def test_the_journal_tells_it_until_it_is_rewritten(self):
        self.apply()
        before = self.events()
        self.assertEqual(len(before), 8)
        self.assertEqual([line[9] for line in self.trail_in_journal()], ["x"] * 4)
        self.rewrite_journal()
        self.assertEqual(self.trail_in_journal(), [])
        self.assertEqual(self.events(), before)

    def test_what_version_0_1_0_kept_in_the_journal_goes_into_the_trail(self):
        """Each line once, also when it is there already; and what later clean-ups note comes behind it."""
        self.edit(lambda row: dict(row, action="keep") if row["path"] != self.paths[0].name else row)
        self.apply()
        trail = self.journal().with_name("removed")
        old = trail.read_text().splitlines(keepends=True)[1:]
        self.assertEqual(len(old), 2)
        for already in ([], old[:1], old):
            with self.subTest(already=len(already)):
                trail.write_text("migrate_models_to_db removed 1\n" + "".join(already))
                with open(self.journal(), "a") as journal:
                    journal.write("".join(old))
                self.rewrite_journal()
                self.assertEqual(sorted(trail.read_text().splitlines(keepends=True)[1:]), sorted(old))
                self.assertEqual(self.trail_in_journal(), [])

    def test_a_trail_that_is_none_of_ours_is_not_touched(self):
        trail = self.journal().with_name("removed")
        trail.write_text("a user's own notes\n")
        trail.chmod(0o600)
        result = self.call([PROGRAM, "cleanup", "--state-dir", self.state, "-d", self.url, "--apply", self.plan_file, "--yes", self.tree])
        self.assertEqual(result.code, 1, result.all())
        self.assertIn(str(trail), result.err)
        self.assertEqual(trail.read_text(), "a user's own notes\n")
        self.assertTrue(all(path.exists() for path in self.paths))

    def test_twins_of_the_tree(self):
        self.edit(lambda row: dict(row, action="keep") if row["path"] != self.paths[1].name else row)
        self.write("event1_regression/MLmodel", b"another source of that name " * 20)
        result = self.apply(code=3)
        self.assertIn("same name", result[self.paths[1].name])
        self.assertTrue(self.paths[1].exists())

    def test_followed_links_stay(self):
        (self.tree / "sub").mkdir()
        os.rename(self.paths[0], self.tree / "sub" / "real")
        self.paths[0].symlink_to("sub/real")
        self.plan("-L")
        self.edit(lambda row: dict(row, action="delete") if (row["action"], row["reason"]) == ("keep", "it is reached through a symbolic link") else row)
        answer = self.apply("-L", code=3)
        self.assertIn("symbolic link", answer[self.paths[0].name])
        self.assertTrue(self.paths[0].is_symlink() and self.paths[0].exists())

    def test_hard_links_go_one_after_the_other(self):
        """The first removal changes the second's ctime: it wants a proof of its own."""
        os.link(self.paths[0], self.tree / "other_name_model.joblib")
        self.sync()
        self.plan()
        self.apply(code=3)
        self.assertEqual(len({"other_name_model.joblib", self.paths[0].name} & set(self.left())), 1)
        self.plan()
        self.apply()
        self.assertEqual(self.left(), [])

    def check_refused(self, text):
        """The file is no plan: usage error, nothing goes."""
        self.plan_file.write_bytes(text if isinstance(text, bytes) else text.encode())
        result = self.cleanup("--apply", self.plan_file, "--yes", code=2)
        self.assertIn(str(self.plan_file), result.err)
        self.assertEqual((len(self.left()), result.out), (5, ""))

    def test_no_plan_at_all(self):
        lines = self.plan_file.read_text().splitlines(keepends=True)
        for text in ("", "\n", "name,version\n", "".join(lines[1:]), "\0\0\0", lines[0].replace("action", "Action") + lines[1], b"\xff\xfe" + lines[0].encode()):
            self.check_refused(text)
        self.plan_file.unlink()
        self.cleanup("--apply", self.plan_file, "--yes", code=2)
        self.cleanup("--apply", self.base, "--yes", code=1)

    def test_torn_and_doubled_lines(self):
        lines = self.plan_file.read_text().splitlines(keepends=True)
        self.check_refused("".join([*lines, lines[1]]))
        self.check_refused("".join(lines[:3]) + lines[3][:40])
        self.check_refused("".join(lines[:3]) + lines[3][:-1])
        self.check_refused("".join(lines[:3]) + lines[3][:40] + "\n" + lines[4])
        for column, value in (("action", "Delete"), ("action", ""), ("kind", "link"), ("version", "-1"), ("version", "one"), ("version", ""),
                              ("content_sha256", ""), ("content_sha256", "0" * 63), ("stored_sha256", "x" * 64), ("size", "-5"), ("size", ""), ("name", ""),
                              ("ino", "99999999999999999999999"), ("path", ""), ("path", "%00"), ("path", "a%0"), ("mtime_ns", "1e9")):
            with self.subTest(column=column, value=value):
                self.plan_file.write_text("".join(lines))
                self.edit(lambda row: dict(row, **{column: value}) if row["path"] == self.paths[1].name else row)
                self.check_refused(self.plan_file.read_bytes())

    # --- who says yes

    def test_without_a_terminal_yes_is_needed(self):
        result = self.cleanup("--apply", self.plan_file, code=2)
        self.assertIn("--yes", result.err)
        self.assertEqual((len(self.left()), result.out), (5, ""))

    def answer_prompt(self, text):
        """--apply on a terminal, with this answer."""
        master, slave = pty.openpty()
        process = subprocess.Popen(self.command("--apply", self.plan_file), env=program_environment(), stdin=slave, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        os.close(slave)
        os.write(master, text)
        result = self.finish(process)
        os.close(master)
        self.assertIn("Remove up to 4 sources", result.err)
        return result

    def test_prompt(self):
        for text in (b"n\n", b"\n", b"\x04", b"no\n", b"maybe\n"):
            result = self.answer_prompt(text)
            self.assertEqual((result.code, len(self.left())), (1, 5), result.all())
            self.assertIn("nothing was removed", result.err)
        self.assertEqual(self.answer_prompt(b"y\n").code, 0)
        self.assertEqual(self.left(), ["keep_model.joblib"])

    @only_on(Postgres, "its server counts the rows that it reads")
    def test_work_grows_with_the_lines_not_with_their_square(self):
        """Many versions of one name: each is asked for by itself."""
        count = 200
        for i in range(1, count + 1):
            self.write(f"many_v{i}.joblib", b"%06d model " % i * 20)
        self.sync()
        self.plan()
        reads = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'models'"
        before = self.query(reads)[0][0]
        self.url += " options='-c enable_seqscan=off'"
        self.assertEqual(len(self.apply()), count + len(self.paths) + 1)
        self.assertLess(self.query(reads)[0][0] - before, 20 * count)

    def test_another_run_holds_the_lock(self):
        with open(next(self.state.glob("*/lock")), "r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.cleanup("--apply", self.plan_file, "--yes", code=11)
            self.cleanup()
        self.assertEqual(len(self.left()), 5)

    @only_on(Postgres, "it is a server that is away")
    def test_store_away(self):
        self.cleanup("--apply", self.plan_file, "--yes", url=f"host={self.base} port=5 dbname=x user=y", code=5)
        self.assertEqual(len(self.left()), 5)

    # --- trash

    def test_trash_keeps_the_paths(self):
        self.write("a/b/deep_model.joblib", b"deep " * 100)
        self.write(f"a/{BERTOPIC}/topics.json", b"{}" * 100)
        self.write(f"a/{BERTOPIC}/images/0.png", b"png " * 100)
        self.sync()
        shutil.copytree(self.tree, self.base / "before")
        self.plan()
        self.apply("--trash", self.base / "trash")
        self.assertEqual(self.left(), [])
        subprocess.run(["diff", "-r", self.base / "before", self.base / "trash"], check=True)
        self.assertEqual((self.base / "trash").stat().st_mode & 0o777, 0o700)

    def test_trash_never_overwrites(self):
        trash = self.base / "trash"
        trash.mkdir(mode=0o700)
        (trash / self.paths[1].name).write_text("there before")
        answer = self.apply("--trash", trash, code=3)
        self.assertEqual([name for name, reason in answer.items() if reason], [self.paths[1].name])
        self.assertIn("already holds this name", answer[self.paths[1].name])
        self.assertEqual(self.left(), [self.paths[1].name, "keep_model.joblib"])
        self.assertEqual((trash / self.paths[1].name).read_text(), "there before")
        (trash / self.paths[1].name).unlink()
        self.assertIsNone(self.apply("--trash", trash, code=3)[self.paths[1].name], "it was not renamed, so the plan still holds")

    def test_trash_does_not_follow_links(self):
        trash, elsewhere = self.base / "trash", self.base / "elsewhere"
        trash.mkdir(mode=0o700)
        elsewhere.mkdir()
        self.write("a/x_model.joblib", b"x " * 100)
        self.sync()
        self.plan()
        (trash / "a").symlink_to(elsewhere)
        answer = self.apply("--trash", trash, code=3)
        self.assertIsNotNone(answer["a/x_model.joblib"])
        self.assertTrue((self.tree / "a/x_model.joblib").exists())
        self.assertEqual(list(elsewhere.iterdir()), [])

    def test_trash_on_another_file_system(self):
        other = next((d for d in (RAM_DISK, DISK) if os.access(d, os.W_OK) and d.stat().st_dev != self.base.stat().st_dev), None)
        if other is None:
            self.skipTest("no second file system here")
        self.paths.append(self.write("a/b/deep_model.joblib", b"deep " * 100))
        self.sync()
        self.plan()
        self.edit(lambda row: dict(row, action="keep") if row["path"] == "keep_model.joblib" else row)
        before = self.ctimes()
        with tempfile.TemporaryDirectory(dir=other) as trash:
            answer = self.apply("--trash", trash, code=3)
            self.assertEqual(os.listdir(trash), [])
        self.check_plan_still_holds(answer, "another file system", before)

    def test_trash_on_another_mount_of_the_same_file_system(self):
        before, trash = self.ctimes(), self.base / "bound"
        trash.mkdir(mode=0o700)
        script = 'mount --bind "$0" "$0" || exit 77; exec "$@"'
        command = self.command("--apply", self.plan_file, "--yes", "--json", "--trash", trash)
        result = self.call(["unshare", "-m", "sh", "-c", script, trash, *command])
        if result.code == 77 or "unshare" in result.err:
            self.skipTest("no right to mount here")
        self.assertEqual(result.code, 3, result.all())
        self.check_plan_still_holds({line["path"]: line["reason"] for line in result.lines() if line["type"] == "model"}, "another file system", before)

    def ctimes(self):
        return {str(path.relative_to(self.tree)): path.stat().st_ctime_ns for path in self.paths}

    def check_plan_still_holds(self, answer, why, before):
        """Nothing was renamed, and the same plan goes with another trash."""
        self.assertEqual(set(answer), set(before))
        self.assertTrue(all(why in reason for reason in answer.values()), answer)
        self.assertEqual((self.left(), self.ctimes()), (sorted([*before, "keep_model.joblib"]), before))
        self.assertEqual(self.apply("--trash", self.base / "trash"), dict.fromkeys(before))
        self.assertTrue(all((self.base / "trash" / path).is_file() for path in before))

    def test_trash_inside_the_tree_is_refused(self):
        for trash in (self.tree, self.tree / "trash", self.tree / "a" / ".." / "b"):
            pathlib.Path(self.tree / "a").mkdir(exist_ok=True)
            result = self.cleanup("--apply", self.plan_file, "--yes", "--trash", trash, code=2)
            self.assertIn("inside", result.err)
            self.assertEqual(len(self.left()), 5)


if __name__ == "__main__":
    unittest.main()
