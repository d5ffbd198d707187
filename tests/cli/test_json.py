"""Every key of every JSON line is in docs/json.md, and every key there is printed, by the commands that the page names."""

import json
import re
import unittest

from harness import PROGRAM, ROOT
from life import CleanupCase
from stores import on_both

COMMANDS = ["run", "check", "cleanup", "cleanup --apply", "get", "restore", "copy", "ls", "info", "history", "activate", "deactivate", "rollback", "release", "alias",
            "db upgrade", "db current",
            "db heads", "db history", "db show", "db init", "db revision", "db merge", "db check"]


def documented():
    """{heading: {key: commands, or "all"}}"""
    tables = {}
    for line in (ROOT / "docs" / "json.md").read_text().splitlines():
        if line.startswith("## "):
            table = tables.setdefault(line[3:], {})
        row = re.match(r"\| (`\w+`(?:, `\w+`)*) \| ([^|`]+) \|", line)
        if row:
            table.update(dict.fromkeys(re.findall(r"`(\w+)`", row[1]), row[2].split(", ")))
    return tables


def keys_for(table, command):
    return {key for key, commands in table.items() if commands == ["all"] or command in commands}


@on_both
class Keys(CleanupCase):
    def answers(self):
        """The JSON lines of each command."""
        self.write_some(3)
        self.write("zero_model.joblib", b"")
        common = ["--json", "-d", self.url]
        state = ["--state-dir", self.state]
        yield "db upgrade", [PROGRAM, "db", "upgrade", *common]
        yield "db current", [PROGRAM, "db", "current", *common]
        yield "run", [PROGRAM, "run", "-n", *common, *state, self.tree]
        yield "run", [PROGRAM, "run", *common, *state, self.tree]
        self.query("DELETE FROM models WHERE name = 'event0_regression'")
        yield "restore", [PROGRAM, "restore", *common, *state, self.backup()]
        yield "check", [PROGRAM, "check", *common, self.tree]
        yield "check", [PROGRAM, "check", *common, self.base]
        yield "cleanup", [PROGRAM, "cleanup", *common, "--plan", self.plan_file, self.tree]
        yield "get", [PROGRAM, "get", *common, "event0_regression", self.base / "got"]
        for words in (["activate", "event1_regression@1"], ["deactivate", "event1_regression", "--allow-none"], ["activate", "event1_regression@1"],
                      ["alias", "event1_regression", "champion"], ["release", "event1_regression"], ["ls"], ["info", "event1_regression"], ["history"]):
            yield words[0], [PROGRAM, *words, *common]
        there = self.url_of(self.new_database())
        self.db("upgrade", url=there)
        yield "copy", [PROGRAM, "copy", "--json", *state, "--from", self.url, "--to", there]
        yield "cleanup --apply", [PROGRAM, "cleanup", *common, *state, "--apply", self.plan_file, "--yes", self.tree]

    def test_printed_keys_are_the_documented_ones(self):
        tables = documented()
        types = set()
        for command, words in self.answers():
            result = self.call(words)
            self.assertIn(result.code, (0, 3, 4), result.err)
            self.assertTrue(result.out, (command, result.err))
            for line in result.lines():
                with self.subTest(command, line=line):
                    table = tables.get(f"`{line['type']}`", tables["`applied` and `current`"])
                    self.assertEqual(set(line), keys_for(table, command))
                    types.add((command, line["type"]))
                    if line["type"] == "summary":
                        self.assertEqual((line["command"], line["exit_code"]), (command.split(" --")[0], result.code))
        self.assertIn(("check", "left_out"), types)
        types = {(command, kind) for command, kind in types if kind != "left_out"}
        expected = {(command, kind) for command in COMMANDS[:7] for kind in ("model", "summary")}
        expected |= {(command, "change") for command in ("activate", "deactivate", "release", "alias")}
        expected |= {(command, "summary") for command in ("activate", "deactivate", "release", "alias", "ls", "info", "history")}
        expected |= {("ls", "model"), ("info", "model"), ("info", "event"), ("history", "event")}
        self.assertEqual(types, expected | {("db upgrade", "applied"), ("db current", "current")})

    def test_commands_of_the_page_exist(self):
        for table in documented().values():
            for commands in table.values():
                self.assertTrue(commands == ["all"] or set(commands) <= set(COMMANDS), commands)

    def test_keys_of_the_source_are_the_documented_ones(self):
        source = "".join(path.read_text() for path in sorted((ROOT / "src" / "report").glob("*.c")))
        written = set(re.findall(r'(?:json_line_\w+|json_add_\w+|add_digest)\(line, "(\w+)"', source)) | {"type"}
        page = (ROOT / "docs" / "json.md").read_text()
        named = set().union(*documented().values()) | set(re.findall(r"`(\w+)`", page.split("## The report in a file")[1]))
        self.assertEqual(written - named, set(), "not in docs/json.md")
        self.assertEqual(named - written - {"inventory", "items", "model", "check", "cleanup"}, set(), "in docs/json.md, but never printed")

    def test_report_file_has_the_same_lines(self):
        self.write_some(2)
        self.sync()
        report = self.base / "report.json"
        for command in ("check", "cleanup"):
            lines = self.call([PROGRAM, command, "--json", "--report", report, "-d", self.url, self.tree]).lines()
            self.assertEqual(json.loads(report.read_text())["items"], lines[:-1])

    def test_quiet_leaves_no_line_out(self):
        self.write_some(2)
        self.sync()
        for words in (["run", "--state-dir", self.state, self.tree], ["run", "-n", "--state-dir", self.state, self.tree], ["check", self.tree], ["cleanup", self.tree]):
            lines = self.call([PROGRAM, *words, "-d", self.url, "-q", "--json"]).lines()
            self.assertEqual([line["type"] for line in lines], ["model", "model", "summary"], words)


if __name__ == "__main__":
    unittest.main()
