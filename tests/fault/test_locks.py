"""Other sessions hold locks or write the same keys, and an administrator has set hostile limits or rules of his own."""

import os
import time
import unittest

from netcase import NetCase, admin, wait_until


class Locks(NetCase):
    INSERT = "INSERT INTO models (name, version, model_type, event, model_binary) VALUES (%s, 1, 'x', 'x', 'x')"

    def test_table_lock(self):
        reference = self.reference()
        with self.session(autocommit=False) as cursor:
            cursor.execute("LOCK TABLE models IN SHARE MODE")
            process = self.spawn_net("--lock-timeout", "1s", "--retries", "8")
            time.sleep(2.5)
        result = self.finish(process)
        self.assertEqual(result.code, 0, result.err)
        self.assertIn("[55P03]", result.err)
        self.check_done(reference)

    def test_table_lock_for_ever(self):
        reference = self.reference()
        for mode, cause in (("SHARE", "55P03"), ("ACCESS EXCLUSIVE", "no answer|55P03")):
            with self.subTest(mode=mode), self.session(autocommit=False) as cursor:
                cursor.execute(f"LOCK TABLE models IN {mode} MODE")
                started = time.monotonic()
                result = self.run_net("--lock-timeout", "1s", "--timeout", "2s", "--retries", "1", url=self.url)
                self.assertLess(time.monotonic() - started, 15)
                self.assertEqual(result.code, 5, result.err)
                self.assertRegex(result.err, cause)
        result = self.run_net()
        self.assertEqual(result.code, 0, result.err)
        self.check_done(reference)

    def test_deadlock(self):
        """The other session holds a key late in the batch and wants one that is early; the program is the one that is shot."""
        reference = self.reference()
        with self.session(autocommit=False) as cursor:
            cursor.execute("SET deadlock_timeout = '30s'")
            cursor.execute(self.INSERT, ("event1_classifier_binary",))
            process = self.spawn_net("--jobs", "1", "--timeout", "10s", "--lock-timeout", "10s")
            wait_until(lambda: self.query("SELECT count(*) FROM pg_locks WHERE NOT granted") != [(0,)])
            cursor.execute(self.INSERT, ("large_model",))
            cursor.connection.rollback()
        result = self.finish(process)
        self.assertEqual(result.code, 0, result.err)
        self.assertIn("[40P01]", result.err)
        self.check_done(reference)

    def test_other_writer_of_one_key(self):
        """It commits while the program waits for it: its content is respected."""
        reference = self.reference()
        with self.session(autocommit=False) as cursor:
            cursor.execute(self.INSERT, ("event1_classifier_binary",))
            process = self.spawn_net("--jobs", "1", "--timeout", "10s", "--lock-timeout", "10s")
            wait_until(lambda: self.query("SELECT count(*) FROM pg_locks WHERE NOT granted") != [(0,)])
            cursor.connection.commit()
        result = self.finish(process)
        self.assertEqual(result.code, 0, result.err)
        stored = {row[:2]: row for row in self.content()[0]}
        self.assertEqual(stored.pop(("event1_classifier_binary", 1))[6], None)
        second = stored.pop(("event1_classifier_binary", 2))
        expected = {row[:2]: row for row in reference[0]}
        self.assertEqual(second[2:], expected.pop(("event1_classifier_binary", 1))[2:])
        self.assertEqual(stored, expected)
        self.check_rows()
        self.check_backups()
        self.check_no_op()


class Settings(NetCase):
    """What an administrator has set for the database or the role."""

    def set(self, **values):
        for name, value in values.items():
            admin(f'ALTER DATABASE "{self.database}" SET {name} = {value}')

    def test_short_timeouts(self):
        """The sessions idle while large models are packed, inside of a transaction and outside."""
        chunk = os.urandom(40000)
        for i in range(2):
            self.write(f"big{i}_model.joblib", b"%d" % i + b"".join(chunk[i * 17 % 30000:] + b"%d" % i for i in range(500)))
        self.set(statement_timeout="'100ms'", idle_in_transaction_session_timeout="'50ms'", idle_session_timeout="'50ms'")
        result = self.run_net("--compress", "gzip:9", "--jobs", "1", "--retries", "8")
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual(result.summary()["new"], 10)
        admin(f'ALTER DATABASE "{self.database}" RESET ALL')
        self.check_rows()
        self.check_backups()

    def test_durable_commit(self):
        self.set(synchronous_commit="off", lock_timeout="0", default_transaction_isolation="serializable", search_path="pg_catalog, public")
        self.query("""CREATE TABLE public.seen (name text, value text);
                      CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                          INSERT INTO public.seen SELECT name, setting FROM pg_catalog.pg_settings
                           WHERE name IN ('synchronous_commit', 'lock_timeout', 'transaction_isolation', 'search_path');
                          RETURN NULL; END $$;
                      CREATE TRIGGER note AFTER INSERT ON public.models EXECUTE FUNCTION public.note();
                      CREATE TRIGGER note AFTER INSERT OR UPDATE ON public.model_runs EXECUTE FUNCTION public.note()""")
        result = self.run_net()
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual(sorted(self.query("SELECT DISTINCT name, value FROM public.seen")),
                         [("lock_timeout", "5000"), ("search_path", "public, pg_temp"), ("synchronous_commit", "on"),
                          ("transaction_isolation", "read committed")])

    def test_check_of_the_user(self):
        """One bad model costs no other one."""
        reference = self.reference()
        self.write("bad.joblib", b"bad " * 200)
        self.query("ALTER TABLE models ADD CONSTRAINT no_bad CHECK (name <> 'bad')")
        for rows in ("3", "1000"):
            with self.subTest(batch_rows=rows):
                self.reset()
                result = self.run_net("--batch-rows", rows)
                self.assertEqual(result.code, 3, result.err)
                self.assertEqual((result.summary()["new"], result.summary()["failed"]), (8, 1))
                self.assertRegex(result.models()["bad.joblib"]["reason"], "bad.joblib.*no_bad")
                self.assertEqual(self.content(), reference)
                self.check_rows()
                self.check_backups()
                again = self.run_net("--batch-rows", rows).summary()
                self.assertEqual((again["exit_code"], again["new"], again["unchanged"], again["failed"]), (3, 0, 8, 1))

    def test_unique_key_of_the_user(self):
        """23505 that no other writer explains."""
        reference = self.reference()
        self.write("twin/event0_classifier_binary.joblib", (self.tree / "event0_classifier_binary.joblib").read_bytes())
        self.query("CREATE UNIQUE INDEX one_content ON models (content_sha256)")
        result = self.run_net()
        self.assertEqual(result.code, 3, result.err)
        failed = [path for path, model in result.models().items() if model["status"] == "failed"]
        self.assertEqual(len(failed), 1, result.out)
        self.assertIn("event0_classifier_binary", failed[0])
        self.assertIn("one_content", result.models()[failed[0]]["reason"])
        self.assertEqual(sorted(row[1:] for row in self.content()[0]), sorted(row[1:] for row in reference[0]))
        self.check_rows()
        self.check_backups()
        self.assertEqual(self.run_net().summary()["failed"], 1)


if __name__ == "__main__":
    unittest.main()
