"""A PostgreSQL server of a test module's own, for faults that other tests must not feel: started by scripts/with-postgres, named in os.environ
in place of the shared one until stop()."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import netcase  # noqa: F401: finds the folder of the next
from stores import Postgres

ROOT = pathlib.Path(__file__).resolve().parents[2]
TELL = ("import json, os, sys; print(json.dumps({k: v for k, v in os.environ.items() if k.startswith(('PG', 'MIGRATE_MODELS_TEST'))}), flush=True); "
        "sys.stdin.read()")


class OwnServer:
    def __init__(self):
        self.process = subprocess.Popen([ROOT / "scripts" / "with-postgres", sys.executable, "-c", TELL], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("scripts/with-postgres does not start a server")
        named = json.loads(line)
        self.before = {name: os.environ.get(name) for name in named}
        os.environ.update(named)
        self.idle, Postgres.idle = Postgres.idle, []  # databases to be used again, of the shared server

    def stop(self):
        self.thaw()
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(30)
        Postgres.idle = self.idle
        for name, value in self.before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    @staticmethod
    def control(*words):
        subprocess.run([os.environ["PG_CTL"], *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @staticmethod
    def as_owner(*command, check=True, **options):
        """Runs a program as the user of the server."""
        owner = pathlib.Path(os.environ["PGDATA_DIR"]).stat()
        prefix = ["setpriv", f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--clear-groups", "--"] if os.geteuid() == 0 else []
        return subprocess.run([*prefix, *map(str, command)], check=check, cwd="/", **options)

    @staticmethod
    def postmaster():
        return int((pathlib.Path(os.environ["PGDATA_DIR"]) / "postmaster.pid").read_text().split()[0])

    def processes(self):
        """The postmaster and all its children."""
        first = self.postmaster()
        out = subprocess.run(["ps", "-o", "pid=", "--ppid", str(first)], capture_output=True, text=True, check=False).stdout
        return [first, *map(int, out.split())]

    def freeze(self):
        for pid in self.processes():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self):
        try:
            for pid in self.processes():
                os.kill(pid, signal.SIGCONT)
        except (FileNotFoundError, ProcessLookupError):
            pass  # the server is down
