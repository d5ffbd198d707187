"""A page of the documentation as a story: its code blocks, run in their order in a folder of their own, as a reader would run them.

docs/architecture.md, "Code blocks of these pages", tells how to write a block."""

import itertools
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import textwrap
import time

from harness import NO_LIBPQ, PROGRAM, ROOT, admin, program_environment, samples
from stores import DISK

PYTHON = "/usr/bin/python3"
ADDRESS = "postgresql://ml@db.example.org/models"  # in the pages; stands for a database of the scratch server
COMPARED, SAVED = ("text",), ("csv", "conf")
CRON_FIELD = r"(?:\*|[0-9]+(?:-[0-9]+)?)(?:/[0-9]+)?(?:,[0-9]+(?:-[0-9]+)?)*"


class Block:
    def __init__(self, page, line, info, text, why_not=None):
        self.page, self.line, self.text, self.why_not = page, line, text, why_not
        self.kind, _, self.rest = info.partition(" ")

    def __str__(self):
        return f"{self.page}:{self.line}: {self.kind}\n{self.text}"


def pages():
    return ["README.md"] + sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))


def blocks(page):
    """The fenced blocks of a page and its comments `<!-- test`, in their order. A comment `<!-- not run: WHY -->` is for the block behind it."""
    lines, found, why_not = (ROOT / page).read_text().splitlines(), [], None
    numbered = iter(enumerate(lines, 1))
    for number, line in numbered:
        mark = re.fullmatch(r"\s*<!-- not run: (.*) -->", line)
        fence = re.fullmatch(r"(\s*)(```+)(.*)", line)
        if mark:
            why_not = mark[1]
        elif fence or line == "<!-- test":
            end = fence[2] if fence else "-->"
            inside = [text for _, text in itertools.takewhile(lambda item: item[1].strip() != end, numbered)]
            found.append(Block(page, number, fence[3].strip() if fence else "test", textwrap.dedent("\n".join(inside)) + "\n", why_not))
            why_not = None
        elif line.startswith("    ") and not lines[number - 2].strip():
            raise AssertionError(f"{page}:{number}: a block without a fence: begin it with ``` and its kind")
    return found


def shape(text):
    """What an output looks like: without its numbers, digests, and the width of its columns."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|\b(?=[0-9a-f]*[0-9])[0-9a-f]{12,}\b", "#", text)
    text = re.sub(r"[0-9]+(?:[.,:][0-9]+)*", "0", text)
    text = re.sub(r"\b0 (?:B|KiB|MiB|GiB|kB|MB|GB)\b", "SIZE", text)
    text = re.sub(r"\b0 (?:ms|s|min)\b", "TIME", text)
    return [" ".join(line.split()) for line in text.strip().splitlines()]


def same_shape(told, got):
    """A line `…` stands for any lines, `…` in a line for any characters."""
    parts = []
    for line in shape(told):
        parts.append(r"(?:.*\n)*?" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + r"\n")
    return re.fullmatch("".join(parts), "".join(line + "\n" for line in shape(got)))


def option_table():
    """{option: commands} of the program."""
    rows = subprocess.run([PROGRAM, "--help-markdown"], capture_output=True, text=True, check=True).stdout.splitlines()
    cells = [re.split(r"(?<!\\)\|", row) for row in rows[2:] if row.startswith("|")]
    return {re.search(r"--[\w-]+", cell[1])[0]: cell[2] for cell in cells}


class Story:
    def __init__(self, case, page):
        self.case, self.page = case, page
        base = pathlib.Path(os.path.realpath(case.enterContext(tempfile.TemporaryDirectory(prefix="cli-page-", dir=DISK))))
        self.folder, self.home, self.keep, programs = base / "work", base / "home", base / "keep", base / "bin"
        for path in (self.home, self.keep, programs):
            path.mkdir()
        shutil.copytree(samples(), self.folder / "models")
        time.sleep(0.03)  # a file that was changed just before it is read is read again, on purpose
        (programs / "migrate_models_to_db").symlink_to(PROGRAM)
        (programs / "python3").symlink_to(PYTHON)
        self.stands_for = {"/usr/local/bin/": f"{programs}/", "/srv/": f"{self.folder}/"}
        path = ":".join([str(programs), os.environ["PG_BIN"], os.environ["PATH"]])
        self.environment = program_environment({**NO_LIBPQ, "HOME": str(self.home), "XDG_STATE_HOME": None, "PATH": path, "KEEP": str(self.keep),
                                                "SOURCE": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": None, "TERM": "dumb"})
        self.output = None
        self.told = blocks(page)
        if any(ADDRESS in block.text or "PGSERVICE" in block.text or block.kind == "sql" for block in self.told):
            self.make_database()

    def make_database(self):
        name = f"docs_{os.getpid()}_{re.sub(r'[^a-z]+', '_', self.page.lower())}"
        admin("DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ml') THEN CREATE ROLE ml LOGIN; END IF; END $$")
        admin(f"CREATE DATABASE {name} OWNER ml")
        self.case.addCleanup(admin, f"DROP DATABASE {name} WITH (FORCE)")
        port = os.environ["PGPORT"]
        self.stands_for |= {ADDRESS.replace("ml@", user): f"postgresql://{user or 'ml@'}127.0.0.1:{port}/{name}" for user in ("ml@", "loader@", "reader@", "")}
        self.environment["SUPERUSER"] = f"postgresql://tester@127.0.0.1:{port}/{name}"
        (self.home / ".pg_service.conf").write_text(f"[models]\nhost=127.0.0.1\nport={port}\nuser=ml\ndbname={name}\n")

    def real(self, text):
        for told, meant in self.stands_for.items():
            text = text.replace(told, meant)
        return text

    def run(self):
        for block in self.told:
            if block.why_not is not None:
                self.output = None
                continue
            do = getattr(self, f"do_{block.kind}", None)
            if do is None:
                raise AssertionError(f"{block}\nno kind of block: {block.kind!r}")
            do(block)

    def fail(self, block, why):
        raise AssertionError(f"{block}\n{why}")

    def start(self, block, command, text="", **options):
        """What it printed on both outputs; it must end with 0."""
        options = {"cwd": self.folder, "env": self.environment} | options
        done = subprocess.run(command, input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False, **options)
        self.output = done.stdout.decode("utf-8", "replace")
        (self.keep / "output").write_bytes(done.stdout)
        if done.returncode != 0:
            self.fail(block, f"exit code {done.returncode}\n{self.output}")
        return self.output

    def shell(self, block, text):
        """As in one terminal: what is exported and the folder stay for the next block."""
        script = f"""[ ! -e "$KEEP/env" ] || . "$KEEP/env"; [ ! -e "$KEEP/cwd" ] || cd "$(cat "$KEEP/cwd")"
                     set -euo pipefail; trap 'code=$?; export -p >"$KEEP/env"; pwd >"$KEEP/cwd"; exit $code' EXIT
                     {self.real(text)}"""
        return self.start(block, ["bash", "-c", script])

    def compare(self, block, told, got):
        got = got.replace(str(self.folder), "/srv").replace(str(self.home), "/home/ml")
        if not same_shape(told, got):
            self.fail(block, "differs in shape from what is printed:\n" + got)

    # --- the kinds of blocks

    def do_test(self, block):
        self.shell(block, block.text)
        self.output = None

    def do_sh(self, block):
        self.shell(block, block.text)

    def do_console(self, block):
        """`$ ` before a command, `> ` before its further lines; what is printed under it."""
        for step in re.split(r"(?m)^(?=\$ )", block.text)[1:]:
            lines = step.splitlines()
            more = list(itertools.takewhile(lambda line: line.startswith("> "), lines[1:]))
            printed = self.shell(block, "\n".join(line[2:] for line in lines[:1] + more) + "\n")
            self.compare(block, "\n".join(lines[1 + len(more):]), printed)

    def do_text(self, block):
        if self.output is None:
            self.fail(block, "there is no block before it whose output this is")
        self.compare(block, block.text, self.output)

    def do_python(self, block):
        self.start(block, [PYTHON, "-"], self.real(block.text), cwd=self.where(), env=self.exported())

    def do_sql(self, block):
        """In the database of the page, or in the file that the info string names."""
        if block.rest:
            self.start(block, ["sqlite3", "-bail", block.rest], block.text, cwd=self.where())
        else:
            self.start(block, ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", self.real(ADDRESS)], self.real(block.text))

    def do_usage(self, block):
        """The synopsis of a command: it exists, and takes these options."""
        table = option_table()
        for line in block.text.splitlines():
            words = [word for word in shlex.split(line.split("  ")[0].replace("[", " ").replace("]", " ")) if word not in ("|",)]
            names = [word for word in words[1:3] if re.fullmatch("[a-z]+", word)]
            self.start(block, [PROGRAM, *names, "--help"])
            for option in re.findall(r"--[a-z-]+", line):
                if table.get(option, "") != "all" and not set(names) & set(re.split("[ ,]+", table.get(option, ""))):
                    self.fail(block, f"{names} does not take {option}")
        self.output = None

    def do_crontab(self, block):
        """Variables and lines of five fields and a command, which is run as cron does it: silently, or somebody gets mail."""
        variables = {"HOME": str(self.home), "LOGNAME": "ml", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}
        for line in block.text.splitlines():
            setting = re.fullmatch(r"(\w+)\s*=\s*(.*)", line)
            entry = re.fullmatch(rf"(?:{CRON_FIELD}\s+){{5}}(\S.*)", line)
            if setting:
                variables[setting[1]] = self.real(setting[2])
            elif entry:
                self.case.assertNotRegex(entry[1], r"(?<!\\)%", "a line's end to cron")
                printed = self.start(block, ["/bin/sh", "-c", self.real(entry[1])], cwd=self.home, env=variables)
                self.case.assertEqual(printed, "", line)
            elif line and not line.startswith("#"):
                self.fail(block, f"no line of a crontab: {line}")

    def do_systemd(self, block):
        """A unit: `systemd-analyze verify` finds nothing to say. Its name is in the info string; a timer comes behind its service."""
        (self.keep / block.rest).write_text(self.real(block.text))
        if shutil.which("systemd-analyze"):
            printed = self.start(block, ["systemd-analyze", "verify", "--man=no", str(self.keep / block.rest)], cwd=self.keep)
            self.case.assertEqual(printed, "", block)

    def do_csv(self, block):
        (self.folder / block.rest).write_text(block.text)

    # --- where the terminal of the story is

    def where(self):
        path = self.keep / "cwd"
        return path.read_text().strip() if path.exists() else self.folder

    def exported(self):
        """The environment as the blocks before left it."""
        if not (self.keep / "env").exists():
            return self.environment
        done = subprocess.run(["bash", "-c", '. "$1"; env -0', "sh", str(self.keep / "env")], env={}, capture_output=True, check=True)
        return dict(item.split("=", 1) for item in done.stdout.decode().split("\0") if item)


