"""cleanup: only what is proven goes, and only by --apply."""

import csv
import fcntl
import os
import pathlib
import pty
import random
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from harness import NOBODY, PROGRAM, digest, program_environment, wait_until
from life import DISK, RAM_DISK, LifeCase

COLUMNS = ["action", "path", "kind", "name", "version", "raw_bytes", "content_sha256", "stored_sha256", "stored_at", "run_id", "dev", "ino", "size",
           "mtime_ns", "ctime_ns", "reason"]
BERTOPIC = "bertopic_model_0a1b2c3d"
KILLS = int(os.environ.get("KILLS", "50"))


class CleanupCase(LifeCase):
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
            writer = csv.DictWriter(file, COLUMNS, quoting=csv.QUOTE_ALL, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    def apply(self, *arguments, code=0):
        """--apply --yes --json; {path: None when removed, else the reason}."""
        result = self.cleanup("--apply", self.plan_file, "--yes", "--json", *arguments, code=code)
        self.answer = {line["path"]: line.get("reason") for line in result.lines() if line["type"] == "model"}
        for line in result.lines():
            if line["type"] == "model":
                self.assertEqual(line["removed"], "reason" not in line)
        kept = sum(reason is not None for reason in self.answer.values())
        summary = result.summary()
        self.assertEqual((summary["removed"], summary["kept"], summary["exit_code"]), (len(self.answer) - kept, kept, code))
        return self.answer

    def left(self):
        """All files and links of the tree."""
        return sorted(str(p.relative_to(self.tree)) for p in self.tree.rglob("*") if p.is_symlink() or not p.is_dir())

    def events(self):
        """The journal's lines of the clean-up: [(letter, path)]."""
        lines = [line[9:].split("\t") for line in self.journal().read_text().splitlines()[1:]]
        return [(fields[0], os.path.relpath(fields[10], self.tree)) for fields in lines if fields[0] in "rx"]


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
        self.assertEqual(list(self.read_plan()[0]), COLUMNS)
        self.assertEqual(self.plan_file.stat().st_mode & 0o777, 0o600)
        row, st, data = rows[path.name], path.stat(), path.read_bytes()
        stored, created, run = self.query("SELECT encode(stored_sha256, 'hex'), to_char(created_at, 'YYYY-MM-DD\"T\"HH24:MI'), run_id::text FROM models")[0]
        self.assertEqual(row, dict(row, action="delete", kind="file", name="event0_regression", version="1", raw_bytes=str(len(data)), reason="",
                                   content_sha256=digest(data), stored_sha256=stored, run_id=run, dev=str(st.st_dev), ino=str(st.st_ino),
                                   size=str(st.st_size), mtime_ns=str(st.st_mtime_ns), ctime_ns=str(st.st_ctime_ns)))
        self.assertTrue(row["stored_at"].startswith(created), row["stored_at"])
        self.assertEqual(rows["new_model.joblib"], dict(rows["new_model.joblib"], action="keep", reason="it is not stored", content_sha256=""))

    def test_report_says_what_may_go_and_what_must_stay(self):
        self.write_some(2)
        self.sync()
        self.write("new_model.joblib", b"not stored")
        (self.tree / "link_model.joblib").symlink_to("event0_regression.joblib")
        out = self.cleanup().out
        go, stay = out.split("Must stay:\n")
        self.assertIn("event0_regression.joblib  is event0_regression@1", go)
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
        self.query("UPDATE models SET model_binary = 'other', stored_sha256 = sha256('other'), stored_bytes = 5")
        self.assertEqual(self.plan()[path.name]["action"], "keep")


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
        self.write("directory_model.joblib/topics.json", b"{}")
        path["vanished"].unlink()
        changed = "changed after the plan"
        self.check_stay({"reversed": changed, "flipped": changed, "grown": changed, "shrunk": changed, "touched": changed, "mode": changed,
                         "renamed": changed, "linked": "is no model now", "directory": changed, "vanished": "not there any more"})
        self.assertTrue((self.tree / "linked_model.joblib").is_symlink() and (self.tree / "real").exists())

    def test_rows(self):
        self.make("deleted", "damaged", "short", "other", "unproven", "recoded", "plain")
        self.query("ALTER TABLE models DROP CONSTRAINT models_stored_sha256_matches")
        change = lambda name, change: self.query(f"UPDATE models SET {change} WHERE name = '{name}_model'")
        self.query("DELETE FROM models WHERE name = 'deleted_model'")
        change("damaged", "model_binary = set_byte(model_binary, 20, get_byte(model_binary, 20) # 1)")
        change("short", "model_binary = substring(model_binary FOR 20)")
        change("other", "model_binary = 'other', stored_sha256 = sha256('other'), content_sha256 = sha256('other'), stored_bytes = 5, raw_bytes = 5, "
                        "encoding = 'identity'")
        # Only reading back can tell this one: all that the server can prove fits.
        change("unproven", "model_binary = 'other', stored_sha256 = sha256('other'), stored_bytes = 5, encoding = 'identity'")
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
        row, changed = "another row or another content", "changed after the plan"
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
        self.assertTrue(all("not there" in reason for reason in answer.values()), answer)
        self.assertEqual(self.left(), [name for name in before if name != "untouched_model.joblib"])
        self.assertTrue(outside.exists())
        self.plan()
        self.edit(lambda row: dict(row, path="other_model.joblib") if row["path"] == "a_model.joblib" else None)
        self.assertIn("changed after the plan", self.apply(code=3)["other_model.joblib"])


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

    def test_intent_and_result_are_in_the_journal_and_again_is_harmless(self):
        self.paths[1].write_bytes(b"changed")
        self.apply(code=3)
        gone = [path.name for path in self.paths if path != self.paths[1]]
        self.assertEqual(self.events(), [(letter, name) for name in gone for letter in "rx"])
        answer = self.apply(code=3)
        self.assertTrue(all("not there any more" in answer[name] for name in gone), answer)
        self.assertEqual(self.left(), [self.paths[1].name, "keep_model.joblib"])
        self.assertEqual(self.sync().summary()["new"], 1)

    def test_twins_of_the_tree(self):
        self.edit(lambda row: dict(row, action="keep") if row["path"] != self.paths[1].name else row)
        self.write("event1_regression.pkl", b"another source of that name " * 20)
        result = self.apply("--pattern", "*.joblib", "--pattern", "*.pkl", code=3)
        self.assertIn("same name", result[self.paths[1].name])
        self.assertTrue(self.paths[1].exists())

    def test_followed_links_stay(self):
        (self.tree / "sub").mkdir()
        os.rename(self.paths[0], self.tree / "sub" / "real")
        self.paths[0].symlink_to("sub/real")
        self.plan("-L")
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

    def test_another_run_holds_the_lock(self):
        with open(next(self.state.glob("*/lock")), "r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.cleanup("--apply", self.plan_file, "--yes", code=11)
            self.cleanup()
        self.assertEqual(len(self.left()), 5)

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
        self.assertIn("something of this name", answer[self.paths[1].name])
        self.assertEqual(self.left(), [self.paths[1].name, "keep_model.joblib"])
        self.assertEqual((trash / self.paths[1].name).read_text(), "there before")

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
        with tempfile.TemporaryDirectory(dir=other) as trash:
            answer = self.apply("--trash", trash, code=3)
            self.assertEqual([p for p in pathlib.Path(trash).rglob("*") if p.is_file()], [])
        self.assertTrue(all("another file system" in reason for reason in answer.values()), answer)
        self.assertEqual(len(self.left()), 5)

    def test_trash_inside_the_tree_is_refused(self):
        for trash in (self.tree, self.tree / "trash", self.tree / "a" / ".." / "b"):
            pathlib.Path(self.tree / "a").mkdir(exist_ok=True)
            result = self.cleanup("--apply", self.plan_file, "--yes", "--trash", trash, code=2)
            self.assertIn("inside", result.err)
            self.assertEqual(len(self.left()), 5)


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

    def stop_in_the_middle(self):
        process = subprocess.Popen(self.command("--apply", self.plan_file, "--yes", "--json"), env=program_environment(), stdin=subprocess.DEVNULL,
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

    def test_sessions_ended(self):
        """The store cannot be asked any more: nothing else goes."""
        process = self.stop_in_the_middle()
        self.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
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
