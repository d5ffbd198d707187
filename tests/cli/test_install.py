"""make install and make deb: what they bring, that it works where it lands, and that all of it goes again."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import story
from harness import PROGRAM, ROOT, is_sanitized

BUILD = os.path.relpath(pathlib.Path(PROGRAM).parent, ROOT)
NAME = "migrate_models_to_db"


def run(*command, code=0, **options):
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES")}
    done = subprocess.run([*map(str, command)], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=300, check=False, **options)
    if done.returncode != code:
        raise AssertionError(f"{command}: exit code {done.returncode}\n{done.stdout}")
    return done.stdout


def files(folder):
    return {str(path.relative_to(folder)) for path in pathlib.Path(folder).rglob("*") if not path.is_dir()}


def needs(*programs):
    return unittest.skipUnless(all(map(shutil.which, programs)), f"needs {' and '.join(programs)}")


class Installation(unittest.TestCase):
    """One that the tests of a class look at."""

    @classmethod
    def setUpClass(cls):
        cls.base = pathlib.Path(os.path.realpath(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="cli-install-"))))
        cls.prefix = cls.base / "usr"
        run("make", "-s", "install", f"BUILD={BUILD}", f"PREFIX={cls.prefix}", cwd=ROOT)
        cls.share = cls.prefix / "share"


class Installed(Installation):
    def test_all_is_there(self):
        wanted = {f"bin/{NAME}", f"share/man/man1/{NAME}.1", f"share/bash-completion/completions/{NAME}", f"share/zsh/site-functions/_{NAME}",
                  f"share/fish/vendor_completions.d/{NAME}.fish", "lib/systemd/system/migrate-models.service", "lib/systemd/system/migrate-models.timer",
                  f"share/{NAME}/python/migrate_models.py",
                  *(f"share/doc/{NAME}/{page}" for page in story.pages()),
                  *(f"share/doc/{NAME}/examples/{path.name}" for path in (ROOT / "scripts" / "examples").iterdir())}
        self.assertEqual(files(self.prefix), wanted)
        self.assertIn(NAME, run(self.prefix / "bin" / NAME, "--version"))

    def test_uninstall_takes_all_away(self):
        with tempfile.TemporaryDirectory(prefix="cli-install-") as root:
            for target in ("install", "uninstall"):
                run("make", "-s", target, f"BUILD={BUILD}", f"DESTDIR={root}", "PREFIX=/opt", cwd=ROOT)
                self.assertEqual(bool(files(root)), target == "install")
            self.assertEqual(list(pathlib.Path(root).rglob(NAME)), [])

    @needs("systemd-analyze")
    def test_units(self):
        folder = self.prefix / "lib" / "systemd" / "system"
        for name in ("migrate-models.service", "migrate-models.timer"):
            self.assertEqual(run("systemd-analyze", "verify", "--man=no", folder / name, cwd=folder), "")
        self.assertIn(f"ExecStart={self.prefix}/bin/{NAME} run", (folder / "migrate-models.service").read_text())

    def test_manual_has_every_row_of_the_tables(self):
        text = (self.share / "man" / "man1" / f"{NAME}.1").read_text()
        for option in story.option_table():
            self.assertRegex(text, rf"(?m)^\.It .*Fl {option[1:]}\b")
        commands = re.findall(r"(?m)^\$ migrate_models_to_db ((?:\w+ ?)+) --help$", (ROOT / "tests" / "cli" / "golden" / "help.txt").read_text())
        self.assertGreater(len(commands), 7)
        for command in commands:
            self.assertRegex(text, rf"(?m)^\.It Cm {command}\b")

    @needs("mandoc")
    def test_manual_is_well_formed(self):
        self.assertEqual(run("mandoc", "-T", "lint", self.share / "man" / "man1" / f"{NAME}.1"), "")


class Completion(Installation):
    """What a shell offers behind a line. The last word is being typed."""

    offered = [(["ch"], "check"), (["db", "up"], "upgrade"), (["--backup", "f"], "full"), (["check", "--one"], "--one-way"), (["run", "--one"], ""),
               (["db", "upgrade", "--state-d"], "--state-dir"), (["--state-dir", "mod"], "models"), (["restore", "mod"], "models"),
               (["--map", "na"], "names.csv"), (["check", "na"], ""), (["--retries", ""], "")]

    def setUp(self):
        self.folder = self.base / "work"
        (self.folder / "models").mkdir(parents=True, exist_ok=True)
        (self.folder / "names.csv").touch()

    def test_bash(self):
        script = f"""source {self.share}/bash-completion/completions/{NAME}
                     complete -p {NAME} >/dev/null
                     COMP_WORDS=({NAME} "$@") COMP_CWORD=$#
                     _{NAME}
                     echo "${{COMPREPLY[*]}}" """
        for words, offer in self.offered:
            self.assertEqual(run("bash", "-uc", script, "bash", *words, cwd=self.folder).strip(), offer, words)
        self.assertEqual(run("bash", "-uc", script, "bash", "--backup", "=", "m", cwd=self.folder).strip(), "meta")

    @needs("fish")
    def test_fish(self):
        lines = "\n".join(f"echo (complete -C '{NAME} {' '.join(words)}' | string replace -r '\\t.*' '' | string trim -r -c /)" for words, _ in self.offered)
        script = f"source {self.share}/fish/vendor_completions.d/{NAME}.fish\n{lines}"
        self.assertEqual(run("fish", "--no-config", "-c", script, cwd=self.folder).split("\n")[:-1], [offer for _, offer in self.offered])

    @needs("zsh")
    def test_zsh(self):
        """Its _arguments asks a terminal; what it is asked is looked at."""
        script = f"""_arguments() {{ print -rl -- "$@" }}
                     words=({NAME} "$@") CURRENT=$#words
                     source {self.share}/zsh/site-functions/_{NAME}"""
        run("zsh", "-n", f"{self.share}/zsh/site-functions/_{NAME}")
        for words, said, not_said in ((["check", "--one"], "--one-way[", "--upgrade["), (["run", ""], "--upgrade[", "--one-way["), ([""], "--upgrade[", "--one-way["),
                                      (["db", "upgrade", ""], "--state-dir=[", "--upgrade["), (["--backup", "f"], "full|meta|none:(full meta none)", "--plan")):
            told = run("zsh", "-f", "-c", script, "zsh", *words, cwd=self.folder)
            self.assertIn(said, told)
            self.assertNotIn(not_said, told)


@unittest.skipIf(is_sanitized(), "a package of the compiler's checks is no package")
class Package(unittest.TestCase):
    @needs("dpkg-deb", "dpkg-shlibdeps", "strip")
    def test_package_goes_as_it_came(self):
        package = ROOT / run("make", "-s", "deb", f"BUILD={BUILD}", cwd=ROOT).splitlines()[-1]
        self.addCleanup(package.unlink)
        self.addCleanup(shutil.rmtree, ROOT / BUILD / "deb")
        told = run("dpkg-deb", "--info", package)
        for library in ("libpq5", "libsqlite3-0", "libc6"):
            self.assertRegex(told, rf"Depends: .*\b{library}\b")
        if shutil.which("lintian"):
            self.assertEqual(run("lintian", "--allow-root", "--fail-on", "error,warning", package), "")
        if os.geteuid() != 0:
            self.skipTest("only root installs a package")
        with tempfile.TemporaryDirectory(prefix="cli-deb-") as root:
            dpkg = ["dpkg", f"--root={root}", "--force-depends", "--force-bad-path", "--log=/dev/null"]
            for folder in ("updates", "info", "triggers"):
                pathlib.Path(root, "var/lib/dpkg", folder).mkdir(parents=True)
            for name in ("status", "available"):
                pathlib.Path(root, "var/lib/dpkg", name).touch()
            run(*dpkg, "--install", package)
            self.assertIn(NAME, run(pathlib.Path(root, "usr/bin", NAME), "--version"))
            self.assertIn("/usr/bin/", pathlib.Path(root, "usr/lib/systemd/system/migrate-models.service").read_text())
            run(*dpkg, "--purge", "migrate-models-to-db")
            self.assertEqual({name for name in files(root) if not name.startswith("var/lib/dpkg/")}, set())
            self.assertFalse(pathlib.Path(root, "usr").exists())


if __name__ == "__main__":
    unittest.main()
