"""What pgbouncer says when it will not, and when it cannot for now: both with one SQLSTATE."""

import os
import pathlib
import shutil
import socket
import subprocess
import unittest

from netcase import NetCase, wait_until

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")


@unittest.skipUnless(PGBOUNCER, "pgbouncer is not installed (Debian: apt-get install pgbouncer)")
class Pooler(NetCase):
    def start(self, mode, server_port, more=""):
        """Returns a URL of the pooler."""
        folder = pathlib.Path(self.base)
        folder.chmod(0o755)
        work = folder / "pooler"
        work.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        (work / "ini").write_text(f"""[databases]
* = host=127.0.0.1 port={server_port} user={os.environ['PGUSER']}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
logfile = {work}/log
pidfile = {work}/pid
{more}
""")
        account = []
        if os.geteuid() == 0:  # it refuses to run as root
            os.chown(work, 65534, 65534)
            account = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
        process = subprocess.Popen([*account, PGBOUNCER, "-q", str(work / "ini")], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, cwd="/")
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_until(lambda: self.answers(port))
        return f"host=127.0.0.1 port={port} user={os.environ['PGUSER']} dbname={self.database}"

    @staticmethod
    def answers(port):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return True
        except OSError:
            return False

    def test_statement_mode(self):
        result = self.run_net(url=self.start("statement", os.environ["PGPORT"]))
        self.assertEqual(result.code, 1, result.err)
        self.assertIn("statement pooling mode [08P01]", result.err)
        self.assertIn("hint: a pooler must be in session or transaction mode", result.err)
        self.assertNotIn("trying again", result.err)

    def test_session_mode(self):
        self.assertEqual(self.run_net(url=self.start("session", os.environ["PGPORT"])).code, 0)

    def test_server_behind_it_is_away(self):
        """08P01 too, but it passes: it is tried again, and the exit code is that of a store out of reach."""
        result = self.run_net("--retries", "1", url=self.start("transaction", 1, "server_login_retry = 1\nquery_wait_timeout = 2"))
        self.assertEqual(result.code, 5, result.err)
        self.assertIn("[08P01]", result.err)
        self.assertIn("trying again", result.err)


if __name__ == "__main__":
    unittest.main()
