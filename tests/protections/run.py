"""Takes each protection of protections.py out of a private copy of the source, builds that, and demands that the named test fails.

A mutant that survives is an error; so is one that does not compile, or whose old text is not exactly once in its file. Run under
scripts/with-postgres. PROTECTIONS=WORDS selects by name (parts of names, or patterns with * and ?); JOBS is the number of mutants at a
time. `run.py --texts` only looks whether all old texts are there, which takes no time.
"""

import collections
import concurrent.futures
import fnmatch
import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
from protection import places, taken_out  # noqa: E402
from protections import PROTECTIONS  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPIED = ["Makefile", "src", "include", "sql", "scripts", "tests", "fixtures", "docs"]
MAKE = ["env", "-u", "MAKEFLAGS", "-u", "MAKELEVEL", "make", "-s", "BUILD=build", "OPT=-O1", "HARDEN=-fPIE"]
PROGRAM, SHIM = "build/migrate_models_to_db", "build/tests/fault/shim.so"
SHORT = {"KILLS": "12"}  # what a long form of the tests would cost is spent elsewhere
GRACE_SECONDS = 30
PASSED, FAILED, SKIPPED, HUNG, BROKEN = "passed", "failed", "skipped", "hung", "broken"


class Problem(Exception):
    """The protection could not be tried."""


def selected():
    words = os.environ.get("PROTECTIONS", "*").split()
    return [p for p in PROTECTIONS if any(word in p.name or fnmatch.fnmatch(p.name, word) for word in words)]


def text_problems(protections):
    """What is wrong with the table itself: a text that the source does not have, or has twice."""
    for name, count in collections.Counter(p.name for p in PROTECTIONS).items():
        if count > 1:
            yield f"{name}: two protections have this name"
    for p in protections:
        path = ROOT / p.file
        count = len(places(p, path.read_text())) if path.exists() else 0
        if count != 1:
            yield f"{p.name}: found {count} times, not once, in {p.file}; the source has changed: mend the table"
        if not has_test(p.test):
            yield f"{p.name}: there is no test {p.test}"


def has_test(test):
    where, name = test.split("/", 1)
    program, _, case = name.partition(":")
    module, _, function = name.partition(".")
    path = ROOT / "tests" / where / (f"{program}.c" if case else f"{module}.py")
    wanted = f"START_TEST({case})" if case else f"    def {function.rpartition('.')[2]}(self"
    return path.exists() and wanted in path.read_text()


def drop_left_databases():
    """The tests name their databases by process, and leave them to the end of the server. Here so many processes come and go that a number comes
    again: what a process left that has gone is dropped."""
    import psycopg2  # the texts alone can be checked without it
    connection = psycopg2.connect(dbname="postgres")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname ~ '^(cli|t)_[0-9]+_[0-9]+$'")
        left = [name for name, in cursor.fetchall() if not pathlib.Path("/proc", name.split("_")[1]).exists()]
        for name in left:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    connection.close()


class Tree:
    """A copy of the source with a build folder of its own."""

    def __init__(self, folder):
        self.folder = folder

    @classmethod
    def of_checkout(cls, folder):
        folder.mkdir()
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            elif (ROOT / name).exists():
                shutil.copy2(ROOT / name, folder / name)
        return cls(folder)

    def copy(self, folder):
        """With what is built, and its times: nothing is built again."""
        shutil.copytree(self.folder, folder, copy_function=shutil.copy2)
        return Tree(folder)

    def build(self, targets, jobs=1):
        done = subprocess.run([*MAKE, f"-j{jobs}", *sorted(set(targets))], cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            errors = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()[-3:]
            raise Problem("does not compile: " + " | ".join(errors[:3]))

    def kill_programs(self):
        """Ends what a test still waits for: processes of this tree's program, and no other."""
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and os.readlink(entry / "exe").startswith(f"{self.folder}/build/"):
                    os.kill(int(entry.name), signal.SIGKILL)
            except OSError:
                pass

    def run(self, command, cwd, limit):
        """(exit code, output), or (None, output) after `limit` seconds."""
        env = dict(os.environ, **SHORT, PROGRAM=str(self.folder / PROGRAM), SHIM=str(self.folder / SHIM), PYTHONDONTWRITEBYTECODE="1")
        process = subprocess.Popen([*map(str, command)], cwd=self.folder / cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)
        hung = False
        end = time.monotonic() + limit
        while True:
            try:
                output, _ = process.communicate(timeout=max(0.1, end - time.monotonic()))
                return (None if hung else process.returncode), output
            except subprocess.TimeoutExpired:
                if time.monotonic() > end + GRACE_SECONDS:
                    os.killpg(process.pid, signal.SIGKILL)
                hung = True
                self.kill_programs()  # then the test fails by itself, and cleans up
                time.sleep(0.2)

    def test(self, test, limit):
        """One of PASSED …, and the output."""
        where, name = test.split("/", 1)
        if where in ("unit", "store"):
            program, case = name.split(":")
            code, output = self.run([self.folder / "build/tests" / where / program], ".", limit)
            failed = re.search(rf":[FE]:[^:\n]*:{case}:", output) is not None
        else:
            code, output = self.run([sys.executable, "-m", "unittest", name], f"tests/{where}", limit)
            failed = re.search(r"(?m)^FAILED \(", output) is not None
        if code is None:
            return HUNG, output
        if code == 0:
            return (SKIPPED if re.search(r"OK \(skipped=", output) else PASSED), output
        return (FAILED if failed else BROKEN), output


def targets_of(test):
    where, name = test.split("/", 1)
    return [f"build/tests/{where}/{name.split(':')[0]}"] if where in ("unit", "store") else [PROGRAM, SHIM]


class Suite:
    def __init__(self, protections, folder, jobs):
        self.protections = protections
        self.lock, self.dropping = threading.Lock(), threading.Lock()
        self.sound = {}  # test: (outcome, seconds, output) of the program as it is
        self.pristine = Tree.of_checkout(folder / "pristine")
        self.pristine.build([target for p in protections for target in targets_of(p.test)], jobs=os.cpu_count())
        self.lanes = queue.SimpleQueue()
        for number in range(jobs):
            self.lanes.put(self.pristine.copy(folder / f"lane{number}"))
        self.jobs = jobs

    def check_sound(self, test):
        """The program as it is passes the test; asked once for each test."""
        with self.lock:
            known = self.sound.setdefault(test, concurrent.futures.Future())
            mine = not hasattr(known, "asked")
            known.asked = True
        if mine:
            started = time.monotonic()
            try:
                outcome, output = self.pristine.test(test, 300)
                known.set_result((outcome, time.monotonic() - started, output))
            except BaseException as error:
                known.set_exception(error)
        return known.result()

    def attempt(self, lane, p):
        with self.dropping:
            drop_left_databases()
        outcome, seconds, output = self.check_sound(p.test)
        if outcome == SKIPPED:
            return "skipped", f"{p.test} is skipped here"
        if outcome != PASSED:
            raise Problem(f"the program as it is does not pass {p.test} ({outcome}):\n{output[-2000:]}")
        path = lane.folder / p.file
        whole = path.read_text()
        try:
            path.write_text(taken_out(p, whole))
            lane.build(targets_of(p.test))
            outcome, output = lane.test(p.test, 20 + 5 * seconds)
        finally:
            path.write_text(whole)
        if outcome == FAILED or (outcome == HUNG and p.may_hang):
            return "caught", f"by {p.test}"
        if outcome == PASSED:
            return "SURVIVED", f"{p.test} ({p.file}: {p.why})"
        raise Problem(f"{p.test} has {outcome}, it did not fail:\n{output[-2000:]}")

    def one(self, p):
        started = time.monotonic()
        lane = self.lanes.get()
        try:
            word, text = self.attempt(lane, p)
        except Problem as problem:
            word, text = "ERROR", str(problem)
        finally:
            self.lanes.put(lane)
        print(f"{word:8}  {p.name}  {text}  ({time.monotonic() - started:.0f} s)", flush=True)
        return word

    def run(self):
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            return collections.Counter(pool.map(self.one, self.protections))


def main():
    protections = selected()
    problems = list(text_problems(protections))
    for problem in problems:
        print(f"ERROR     {problem}")
    if problems or not protections:
        sys.exit("protections: none was tried")
    if sys.argv[1:] == ["--texts"]:
        return
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="protections-") as folder:
        os.chmod(folder, 0o755)  # some tests run the program as another user
        counts = Suite(protections, pathlib.Path(folder), int(os.environ.get("JOBS", "0")) or min(2, os.cpu_count())).run()
    told = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
    print(f"protections: {len(protections)} tried in {time.monotonic() - started:.0f} s: {told}")
    sys.exit(1 if counts["SURVIVED"] or counts["ERROR"] else 0)


if __name__ == "__main__":
    main()
