"""created_at is an instant, or what a clock in the time zone of the database shows: never what the environment of a run says."""

import datetime
import unittest

from harness import PROGRAM
from life import LifeCase

ZONES = ["Asia/Tokyo", "America/St_Johns", "UTC"]


class TimeZones(LifeCase):
    def stored_at(self):
        """created_at of the rows as an instant, asked by a session without a time zone of its own: what readers without PGTZ see."""
        return [row for row, in self.query("SELECT extract(epoch FROM created_at::timestamptz)::float8 FROM models")]

    def shown_at(self, env=None):
        result = self.call([PROGRAM, "check", "-v", "--json", "-d", self.url, self.tree], env=env)
        self.assertEqual(result.code, 0, result.all())
        shown = [line["created_at"] for line in result.lines() if line["type"] == "model"]
        return [datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() for text in shown]

    def look(self):
        for zone in ZONES:
            self.write(f"in_{zone.replace('/', '_')}.joblib", zone)
            self.sync(env={"PGTZ": zone, "TZ": zone})
        now = datetime.datetime.now().timestamp()
        for times in [self.stored_at(), *(self.shown_at({"PGTZ": zone, "TZ": zone}) for zone in ZONES)]:
            self.assertEqual(len(times), len(ZONES))
            for time in times:
                self.assertAlmostEqual(time, now, delta=300)

    def test_a_database_in_another_zone(self):
        self.query(f'ALTER DATABASE "{self.database}" SET TimeZone = \'Asia/Kolkata\'')
        self.look()

    def test_an_adopted_column_that_has_a_zone(self):
        self.query(f'ALTER DATABASE "{self.database}" SET TimeZone = \'Asia/Kolkata\'')
        self.query("CREATE TABLE models (id serial PRIMARY KEY, name text, version bigint, model_type text, event text, model_binary bytea,"
                   "created_at timestamptz DEFAULT now(), is_active boolean DEFAULT true, UNIQUE (name, version))")
        self.look()

    def test_a_restored_row_keeps_to_it(self):
        self.query(f'ALTER DATABASE "{self.database}" SET TimeZone = \'Asia/Kolkata\'')
        self.write("x.joblib", "x")
        self.sync(env={"PGTZ": "America/St_Johns"})
        self.query("DELETE FROM models")
        result = self.call([PROGRAM, "restore", "-d", self.url, self.backup()], env={"PGTZ": "Asia/Tokyo"})
        self.assertEqual(result.code, 0, result.all())
        self.assertAlmostEqual(self.stored_at()[0], datetime.datetime.now().timestamp(), delta=300)


if __name__ == "__main__":
    unittest.main()
