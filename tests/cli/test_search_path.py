"""No operator or function of ours is looked up where somebody else can put one of the same name."""

import os
import pathlib
import re

import psycopg2

from harness import PROGRAM, ROOT, CliCase

SQL = sorted((ROOT / "sql" / "postgresql").glob("*.sql"))
WORDS = {word for path in SQL for word in re.findall(r"(\w+)\s*\(", path.read_text())}
FIRST_NORMAL_OID = 16384  # what is below came with the server
CALLED = re.compile(r":(?:opno|opfuncid|funcid|aggfnoid|winfnoid|minmaxtype)\s+(\d+)")

# For each operator and function that our files name, one of the same name and types, in a schema that stands before pg_catalog.
SHADOWS = """
DO $$
DECLARE
    it record;
BEGIN
    CREATE SCHEMA evil;
    FOR it IN SELECT oprname, oprleft::regtype AS l, oprright::regtype AS r, oprresult::regtype AS result FROM pg_operator
               WHERE oprleft <> 0 AND oprright <> 0 AND oprname IN ('=', '<>', '<', '>', '<=', '>=', '~~', '!~~', '||', '+', '-', '*', '&', '~', '^@') LOOP
        BEGIN
            EXECUTE format('CREATE OR REPLACE FUNCTION evil.%I(%s, %s) RETURNS %s LANGUAGE plpgsql AS ''BEGIN RAISE EXCEPTION ''''caught''''; END''',
                           'op_' || it.result::oid, it.l, it.r, it.result);
            EXECUTE format('CREATE OPERATOR evil.%s (leftarg = %s, rightarg = %s, function = evil.%I)', it.oprname, it.l, it.r, 'op_' || it.result::oid);
        EXCEPTION WHEN OTHERS THEN NULL; -- pseudo-types
        END;
    END LOOP;
    FOR it IN SELECT p.oid, proname, pg_get_function_identity_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result FROM pg_proc p
               WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind IN ('f', 'a') AND proname = ANY (:words) LOOP
        BEGIN
            EXECUTE format('CREATE FUNCTION evil.%I(%s) RETURNS %s LANGUAGE plpgsql AS ''BEGIN RAISE EXCEPTION ''''caught''''; END''',
                           it.proname, regexp_replace(it.arguments, 'ORDER BY.*', ''), it.result);
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
    END LOOP;
END
$$
"""

# In the schema of our tables: operators for all pairs of types that pg_catalog has none for, and functions for types that fit loosely.
CATCH_ALLS = """
DO $$
DECLARE
    types text[] := '{oid,regclass,regtype,regproc,name,text,varchar,bpchar,\\"char\\",int2,int4,int8,numeric,bytea,timestamp,timestamptz,bool,uuid,tid,xid,pg_node_tree,anyelement,anyarray,anynonarray}';
    l text;
    r text;
    o text;
    f text;
BEGIN
    FOREACH l IN ARRAY types LOOP
        FOREACH r IN ARRAY types LOOP
            EXECUTE format('CREATE FUNCTION public.catch_all(%s, %s) RETURNS bool LANGUAGE plpgsql AS ''BEGIN RAISE EXCEPTION ''''caught''''; END''', l, r);
            FOREACH o IN ARRAY '{=,<>,<,>,<=,>=,~~,||,+,-,*,&}'::text[] LOOP
                EXECUTE format('CREATE OPERATOR public.%s (leftarg = %s, rightarg = %s, function = public.catch_all)', o, l, r);
            END LOOP;
        END LOOP;
    END LOOP;
    FOREACH f IN ARRAY :words LOOP
        FOREACH l IN ARRAY '{name,text,varchar,regclass,oid,int4,anyelement}'::text[] LOOP
            BEGIN
                EXECUTE format('CREATE FUNCTION public.%I(%s) RETURNS text LANGUAGE plpgsql AS ''BEGIN RAISE EXCEPTION ''''caught''''; END''', f, l);
            EXCEPTION WHEN syntax_error OR reserved_name THEN NULL;
            END;
            FOREACH r IN ARRAY '{name,text,varchar,int4,anyelement}'::text[] LOOP
                EXECUTE format('CREATE FUNCTION public.%I(%s, %s) RETURNS text LANGUAGE plpgsql AS ''BEGIN RAISE EXCEPTION ''''caught''''; END''', f, l, r);
            END LOOP;
        END LOOP;
    END LOOP;
END
$$
"""


def words_literal():
    return "'{" + ",".join(sorted(WORDS)) + "}'::text[]"


class All(list):
    """psycopg2 keeps 50 notices; this keeps all."""


class SearchPath(CliCase):
    def foreign(self, text):
        """The functions and operators in the parse trees of `text` that did not come with the server."""
        oids = sorted({int(oid) for oid in CALLED.findall(text) if int(oid) >= FIRST_NORMAL_OID})
        return [name for name, in self.query("""SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.oid = ANY (%s)
                                                UNION SELECT o.oid::regoperator::text FROM pg_operator o WHERE o.oid = ANY (%s)""", (oids, oids))]

    def shadowed(self):
        """A session in which each operator and function of pg_catalog is hidden by one of a schema that stands before it."""
        self.query(SHADOWS.replace(":words", words_literal()))
        connection = psycopg2.connect(self.url)
        self.addCleanup(connection.close)
        connection.autocommit = True
        connection.notices = All()
        cursor = connection.cursor()
        cursor.execute("SET search_path = evil, pg_catalog, public; SET client_min_messages = log; SET debug_print_parse = on")
        return connection, cursor

    def statement(self, path, cursor):
        """Runs a file of ours as far as it must be for its names to be looked up."""
        ledger = "_heads" in path.name and "heads" or "_log" in path.name and "log" or "migrate_models_revisions"
        text = path.read_text().replace(':"ledger"', f'"{ledger}"')
        if re.match(r"\d{4}_", path.name):
            cursor.execute(text[text.index("-- upgrade\n"):text.index("-- downgrade\n")])
        elif "STDIN" in text or "STDOUT" in text:
            cursor.execute(re.sub(r"TO STDOUT \(FORMAT binary\)|FROM STDIN \(FORMAT binary\)", "TO '/dev/null'", text))
        elif re.search(r"^(DO|CREATE)", text, re.M):
            cursor.execute(text)
        else:
            cursor.execute("PREPARE ours AS " + re.sub(r"\A(--.*\n)*", "", text))
            cursor.execute("DEALLOCATE ours")

    def test_each_file(self):
        connection, cursor = self.shadowed()
        cursor.execute("PREPARE theirs AS SELECT 1 WHERE 'a' || 'b' = 'ab'::text")
        self.assertIn("evil.", " ".join(self.foreign("".join(connection.notices)))) # the shadows work
        revisions = [path for path in SQL if re.match(r"\d{4}_", path.name)]
        first = revisions + [path for path in SQL if re.match(r"revisions_.*create", path.name)]
        by_hand = "id serial, name varchar(255), version int, model_type text, event text, model_binary bytea, created_at timestamp, is_active bool"
        for path in first + [path for path in SQL if path not in first]:
            if path is revisions[0]: # an adopted table: the first pass makes the tables, the second one has rows
                cursor.execute(f"CREATE TABLE evil.models ({by_hand}, UNIQUE (name, version))")
                cursor.execute("INSERT INTO evil.models (name, version, model_binary, model_type, event) VALUES ('a', 1, 'x', 't', 'e')")
                cursor.execute("GRANT SELECT ON evil.models TO pg_monitor")
            with self.subTest(path=path.name):
                del connection.notices[:]
                self.statement(path, cursor)
                self.assertEqual(self.foreign("".join(connection.notices)), [])
        left = self.query("""SELECT pg_describe_object(classid, objid, objsubid) FROM pg_depend d
                              WHERE classid <> 'pg_operator'::regclass AND deptype = 'n'
                                AND (refclassid = 'pg_proc'::regclass AND refobjid IN (SELECT oid FROM pg_proc WHERE pronamespace = 'evil'::regnamespace)
                                  OR refclassid = 'pg_operator'::regclass AND refobjid IN (SELECT oid FROM pg_operator WHERE oprnamespace = 'evil'::regnamespace))""")
        self.assertEqual(left, []) # checks, defaults and views
        del connection.notices[:]
        for path in reversed(revisions):
            cursor.execute(path.read_text().split("-- downgrade\n")[1])
        self.assertEqual(self.foreign("".join(connection.notices)), [])

    def test_each_command(self):
        """What the program sends, in the server's own log, under the path that it sets itself."""
        self.query(CATCH_ALLS.replace(":words", words_literal()))
        log = pathlib.Path(os.environ["PG_LOG"])
        start = log.stat().st_size
        url = self.url + " options='-c debug_print_parse=on -c log_min_messages=log'"
        self.write_some(2)
        plan = self.base / "plan.csv"
        for command in (["run", "-n"], ["run", "--upgrade", "--inline-limit", "1kB"], ["run"], ["check", "--download"], ["cleanup", "--plan", plan],
                        ["cleanup", "--apply", plan, "--yes"], ["get", "event0_regression", self.base / "got.joblib"], ["restore", self.state.glob("*/backups/*")],
                        ["db", "current"]):
            with self.subTest(command=command[0]):
                words = [str(word) for part in command for word in (part if hasattr(part, "__next__") else [part])]
                tree = [str(self.tree)] if words[0] in ("run", "check", "cleanup") else []
                state = ["--state-dir", str(self.state)] if words[0] in ("run", "cleanup") else []
                result = self.call([PROGRAM, *words, *state, "-d", url, *tree])
                self.assertEqual(result.code, 0, result.all())
        with log.open(errors="replace") as file:
            file.seek(start)
            text = file.read()
        self.assertGreater(len(CALLED.findall(text)), 500)
        self.assertEqual(self.foreign(text), [])
