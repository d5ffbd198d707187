"""Code of other roles never runs with the rights of whoever runs the program, and nobody may read more than before."""

import unittest

import psycopg2

from harness import PROGRAM, ROOT, CliCase
from test_schema import BY_HAND

CODE = """
CREATE FUNCTION public.caught() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'caught'; END $$;
CREATE FUNCTION public.caught_value() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'caught'; END $$;
CREATE FUNCTION public.caught_check(text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN true; END $$;
CREATE DOMAIN public.caught_domain AS text CHECK (VALUE <> 'x');
CREATE DOMAIN public.other_domain AS text CHECK (public.caught_check(VALUE));
CREATE DOMAIN public.caught_below AS text;
CREATE DOMAIN public.above AS public.caught_below;
CREATE OPERATOR public.=== (leftarg = text, rightarg = text, function = pg_catalog.texteq);
ALTER FUNCTION public.caught() OWNER TO {0};
ALTER FUNCTION public.caught_value() OWNER TO {0};
ALTER FUNCTION public.caught_check(text) OWNER TO {0};
ALTER DOMAIN public.caught_domain OWNER TO {0};
ALTER DOMAIN public.caught_below OWNER TO {0};
ALTER OPERATOR public.=== (text, text) OWNER TO {0};
"""
BAITS = { # how it is said: what runs it
    "trigger bait": "CREATE TRIGGER bait BEFORE INSERT ON {0} FOR EACH ROW EXECUTE FUNCTION public.caught()",
    "trigger late": "CREATE TRIGGER late AFTER INSERT OR UPDATE ON {0} FOR EACH STATEMENT EXECUTE FUNCTION public.caught()",
    "a default": "ALTER TABLE {0} ADD bait text; ALTER TABLE {0} ALTER bait SET DEFAULT public.caught_value()",
    "constraint bait": "ALTER TABLE {0} ADD CONSTRAINT bait CHECK (public.caught_check('x'))",
    "constraint other": "ALTER TABLE {0} ADD CONSTRAINT other CHECK ('a' OPERATOR(public.===) 'a')",
    "index bait": "CREATE INDEX bait ON {0} ((public.caught_check('x')))",
    "constraint other_domain_check": "ALTER TABLE {0} ADD bait public.other_domain",
    "column bait": "ALTER TABLE {0} ADD bait public.caught_domain",
    "column bait ": "ALTER TABLE {0} ADD bait public.above",
    "constraint  other_domain_check": "ALTER TABLE {0} ADD bait public.other_domain[]",
}

READ_BAITS = {"statistics object bait": "CREATE STATISTICS bait (ndistinct) ON name, (public.caught_check(name)) FROM {0}"} # from PostgreSQL 14


class TrustCase(CliCase):
    def setUp(self):
        super().setUp()
        self.mallory = self.role("mallory")
        self.write_some(2)

    def role(self, name, login=False):
        role = f"{name}_{self.database}"
        self.query(f"CREATE ROLE {role} {'LOGIN' if login else ''}; GRANT CREATE, USAGE ON SCHEMA public TO {role}")
        self.addCleanup(self.drop_role, role)
        return role

    def drop_role(self, role):
        self.query(f"RESET ROLE; REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role} CASCADE; DROP ROLE {role}")

    def url_as(self, role):
        return self.url.replace(f"user={psycopg2.extensions.parse_dsn(self.url)['user']}", f"user={role}")

    def refused(self, result, *words):
        self.assertEqual(result.code, 10, result.all())
        for word in words:
            self.assertIn(word, result.err)
        self.assertIn("hint:", result.err)


class Owners(TrustCase):
    def test_a_table_of_a_foreign_owner_is_not_adopted(self):
        self.query(f"{BY_HAND} ALTER TABLE models OWNER TO {self.mallory}")
        for result in (self.db("upgrade"), self.run_program("--upgrade")):
            self.refused(result, "the table models belongs to the role", self.mallory)
        self.assertEqual(self.query("SELECT to_regclass('model_chunks')::text"), [(None,)])

    def test_nor_written_to_by_a_superuser(self):
        self.db("upgrade")
        self.query(f"ALTER TABLE models OWNER TO {self.mallory}")
        self.refused(self.run_program(), "the table models belongs to the role", self.mallory)
        self.assertEqual(self.query("SELECT count(*) FROM models"), [(0,)])
        self.query("ALTER TABLE models OWNER TO CURRENT_USER; ALTER TABLE model_runs OWNER TO " + self.mallory)
        self.refused(self.run_program(), "the table model_runs belongs to the role", self.mallory)

    def test_a_record_of_revisions_that_somebody_put_there(self):
        self.query("CREATE TABLE migrate_models_revisions (revision text PRIMARY KEY, slug text, checksum text, applied_at timestamptz, applied_by text);"
                   f"ALTER TABLE migrate_models_revisions OWNER TO {self.mallory}")
        self.refused(self.db("upgrade"), "the table migrate_models_revisions belongs to the role", self.mallory)

    def test_a_role_that_this_one_belongs_to_is_no_foreigner(self):
        member = self.role("member", login=True)
        team, above = self.role("team"), self.role("above")
        self.query(f"GRANT {team} TO {member}; GRANT {above} TO {team}; {BY_HAND} ALTER TABLE models OWNER TO {above}")
        self.assertEqual(self.db("upgrade", url=self.url_as(member)).code, 0)
        result = self.call([PROGRAM, "run", "--state-dir", self.state, "-d", self.url_as(member), self.tree])
        self.assertEqual(result.code, 0, result.all())

    def test_a_role_with_grants_may_write_to_the_table_of_its_owner(self):
        owner, loader = self.role("owner", login=True), self.role("loader", login=True)
        self.assertEqual(self.db("upgrade", url=self.url_as(owner)).code, 0)
        self.query(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {loader}; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {loader}")
        result = self.call([PROGRAM, "run", "--state-dir", self.state, "-d", self.url_as(loader), self.tree])
        self.assertEqual(result.code, 0, result.all())

    def test_a_view_in_the_place_of_a_table_is_never_read(self):
        self.query(CODE.format(self.mallory))
        self.query(f"CREATE VIEW models AS SELECT public.caught_value() AS name, 1 AS version, ''::bytea AS model_binary; ALTER VIEW models OWNER TO {self.mallory}")
        for result in (self.run_program("-n"), self.run_program("--upgrade"), self.db("current"), self.db("upgrade")):
            self.refused(result, "models is not an ordinary table")
            self.assertNotIn("caught", result.all())


class Code(TrustCase):
    def setUp(self):
        super().setUp()
        self.query(CODE.format(self.mallory))

    def test_is_named_and_refused_by_run_and_restore(self):
        self.sync()
        backup = self.backup()
        self.query("DELETE FROM models")
        for table in ("models", "model_runs"):
            for user, bait in BAITS.items():
                with self.subTest(table=table, user=user):
                    self.query(bait.format(table))
                    self.write("other_regression.joblib", user + table)
                    results = [self.run_program()]
                    if table == "models":
                        results.append(self.call([PROGRAM, "restore", backup, "-d", self.url]))
                    self.query(f"DROP TRIGGER IF EXISTS bait ON {table}; DROP TRIGGER IF EXISTS late ON {table}; DROP INDEX IF EXISTS bait;"
                               f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS bait, DROP CONSTRAINT IF EXISTS other, DROP COLUMN IF EXISTS bait")
                    for result in results:
                        self.refused(result, f"{' '.join(user.split())} of the table {table} uses", self.mallory)
        self.assertEqual(self.query("SELECT count(*) FROM models"), [(0,)])
        self.assertEqual(self.run_program().code, 0)

    def test_of_the_chunks_too(self):
        self.sync("--include", "none")
        self.query(BAITS["trigger bait"].format("model_chunks"))
        result = self.run_program("--inline-limit", "1kB", "--compress", "none")
        self.refused(result, "trigger bait of the table model_chunks uses caught()", self.mallory)

    def test_is_not_adopted(self):
        for user, bait in BAITS.items():
            with self.subTest(user=user):
                self.query("DROP TABLE IF EXISTS models; " + BY_HAND + bait.format("models"))
                self.refused(self.db("upgrade"), f"{' '.join(user.split())} of the table models uses", self.mallory)

    def test_is_refused_to_readers_where_reading_runs_it(self):
        self.sync()
        self.query(BAITS["index bait"].format("models"))
        self.refused(self.run_program("-n"), "index bait of the table models uses caught_check(text)")
        self.query("DROP INDEX bait; " + BAITS["trigger bait"].format("models"))
        self.assertEqual(self.run_program("-n").code, 0)
        for user in ("constraint bait", "statistics object bait"):
            self.query((BAITS | READ_BAITS)[user].format("models"))
            for command in ([PROGRAM, "run", "-n"], [PROGRAM, "check"], [PROGRAM, "cleanup"]):
                with self.subTest(user=user, command=command[1]):
                    self.refused(self.call([*command, "-d", self.url, self.tree]), f"{' '.join(user.split())} of the table models uses caught_check(text)")
            self.query("ALTER TABLE models DROP CONSTRAINT IF EXISTS bait; DROP STATISTICS IF EXISTS bait")

    def test_of_tables_that_inherit_too(self):
        self.sync()
        self.query("CREATE TABLE child () INHERITS (models)")
        for user in ("index bait", "constraint bait", "statistics object bait"):
            with self.subTest(user=user):
                self.query((BAITS | READ_BAITS)[user].format("child"))
                self.refused(self.call([PROGRAM, "check", "-d", self.url, self.tree]), f"{' '.join(user.split())} of the table child uses caught_check(text)")
                self.query("DROP INDEX IF EXISTS bait; ALTER TABLE child DROP CONSTRAINT IF EXISTS bait; DROP STATISTICS IF EXISTS bait")
        self.query("DROP TABLE child; CREATE FOREIGN DATA WRAPPER bait; CREATE SERVER bait FOREIGN DATA WRAPPER bait;"
                   "CREATE FOREIGN TABLE child () INHERITS (models) SERVER bait")
        self.addCleanup(self.query, "DROP FOREIGN DATA WRAPPER bait CASCADE")
        self.refused(self.call([PROGRAM, "check", "-d", self.url, self.tree]), "child is not an ordinary table")

    def test_a_trigger_that_is_off_or_one_of_our_own_is_let_be(self):
        self.sync("--include", "none")
        self.query(BAITS["trigger bait"].format("models") + "; ALTER TABLE models DISABLE TRIGGER bait;"
                   "CREATE FUNCTION public.ours() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;"
                   "CREATE TRIGGER ours BEFORE INSERT ON models FOR EACH ROW EXECUTE FUNCTION public.ours()")
        self.assertEqual(self.run_program().code, 0)


class Grants(TrustCase):
    def may(self, role, *tables):
        return [self.query(f"SELECT has_table_privilege('{role}', '{table}', 'SELECT')")[0][0] for table in tables]

    def setUp(self):
        super().setUp()
        self.tenant = self.role("tenant", login=True)
        self.query(BY_HAND + "ALTER TABLE models ADD tenant text DEFAULT current_user; INSERT INTO models (name, version, model_type, event, model_binary, tenant) "
                   f"VALUES ('mine', 1, 't', 'e', 'x', '{self.tenant}'), ('secret', 1, 't', 'e', 'y', 'somebody')")

    def guard(self, force=False):
        self.query("CREATE POLICY own ON models FOR SELECT USING (tenant = current_user);"
                   f"ALTER TABLE models {'FORCE' if force else 'ENABLE'} ROW LEVEL SECURITY")

    def names(self, relation):
        try:
            return sorted(name for name, in self.query(f"SELECT name FROM {relation}", url=self.url_as(self.tenant)))
        except psycopg2.errors.InsufficientPrivilege:
            return "no"

    def test_readers_go_on_reading(self):
        self.query(f"GRANT SELECT ON models TO {self.tenant}")
        self.db("upgrade")
        self.assertEqual(self.may(self.tenant, "models", "model_chunks", "model_catalog", "latest_models", "model_runs", "store_identity", "model_digests", "model_aliases", "model_events"), [True] * 9)
        self.assertEqual(self.names("latest_models"), ["mine", "secret"])

    def test_none_under_row_level_security(self):
        for force in (False, True):
            with self.subTest(force=force):
                self.query(f"GRANT SELECT ON models TO {self.tenant}")
                self.guard(force)
                self.assertEqual(self.db("upgrade").code, 0)
                self.assertEqual(self.may(self.tenant, "model_chunks", "model_catalog", "latest_models", "model_digests", "model_aliases", "model_events"), [False] * 6)
                self.assertEqual(self.names("latest_models"), "no")
                self.query("DROP POLICY own ON models; DROP TABLE model_chunks, model_runs, store_identity, model_digests, model_aliases, model_events, migrate_models_revisions CASCADE;"
                           "ALTER TABLE models DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY; DROP VIEW model_catalog, latest_models;"
                           "ALTER TABLE models DROP CONSTRAINT models_stored_sha256_matches, DROP CONSTRAINT models_content_sha256_length,"
                           "DROP CONSTRAINT models_format_known, DROP CONSTRAINT models_encoding_known, DROP CONSTRAINT models_chunk_count_not_negative,"
                           "DROP CONSTRAINT models_members_sha256_length")

    def test_row_level_security_that_comes_later_goes_for_the_views(self):
        self.query(f"GRANT SELECT ON models TO {self.tenant}")
        self.db("upgrade")
        self.guard()
        if self.query("SELECT current_setting('server_version_num')::int")[0][0] < 150000:
            self.skipTest("views cannot look with the eyes of whoever asks before PostgreSQL 15")
        self.assertEqual(self.names("models"), ["mine"])
        self.assertEqual(self.names("latest_models"), ["mine"])
        self.assertEqual(self.names("model_catalog"), ["mine"])

    def test_columns_are_no_table(self):
        self.query(f"GRANT SELECT (name, version) ON models TO {self.tenant}")
        self.db("upgrade")
        self.assertEqual(self.may(self.tenant, "models", "model_chunks", "model_catalog", "latest_models", "model_runs", "store_identity", "model_digests", "model_aliases", "model_events"), [False] * 9)
        self.assertEqual(self.names("latest_models"), "no")
        self.assertEqual(self.names("models"), ["mine", "secret"])

    @staticmethod
    def down(number):
        return next((ROOT / "sql" / "postgresql").glob(f"{number:04}_*.sql")).read_text().split("-- downgrade\n")[1]

    def earlier(self):
        """As an earlier text of 0001 left it."""
        self.db("upgrade")
        self.query("ALTER VIEW model_catalog RESET (security_invoker); ALTER VIEW latest_models RESET (security_invoker);"
                   f"GRANT SELECT ON model_chunks, model_catalog, latest_models, model_runs TO {self.tenant};"
                   f"{self.down(3)}; DROP TABLE store_identity, model_digests; ALTER TABLE models DROP COLUMN members_sha256;"
                   "DELETE FROM migrate_models_revisions WHERE revision > '0001';"
                   "UPDATE migrate_models_revisions SET checksum = 'cdac9c5c637a9c5ed7e36099abbd9457fd198358ba8f8e738c6fd37800022b78'")

    def test_what_an_earlier_release_handed_on_is_taken_back(self):
        self.query(f"GRANT SELECT ON models TO {self.tenant}")
        self.guard()
        self.earlier()
        self.assertEqual(self.names("latest_models"), ["mine", "secret"])
        self.assertEqual(self.db("upgrade").code, 0)
        self.assertIn(self.names("latest_models"), (["mine"], "no"))
        self.assertIn(self.names("model_catalog"), (["mine"], "no"))
        self.assertEqual(self.may(self.tenant, "model_chunks"), [False])

    def test_who_reads_a_view_alone_goes_on_reading_it(self):
        self.earlier()
        self.assertEqual(self.names("latest_models"), ["mine", "secret"])
        self.assertEqual(self.db("upgrade").code, 0)
        self.assertEqual(self.names("latest_models"), ["mine", "secret"])


if __name__ == "__main__":
    unittest.main()
