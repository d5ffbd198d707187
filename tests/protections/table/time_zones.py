"""13: created_at means to readers what it means in the rows of others."""

from protection import P

ROWS = [
    P("no-time-zone-of-the-host", 13, "src/store/postgres/session/target.c", 'unsetenv("PGTZ");', "", "cli/test_time_zones.TimeZones.test_a_database_in_another_zone",
      "rows of two hosts would not sort by their time"),
]
