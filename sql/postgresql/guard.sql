-- Code of others that would run with this session's rights, a line each. $1 = the tables, text[]; $2 = what is to be done with them: 'read',
-- 'write' or 'change'. Whoever owns a table can run what he likes when it is written to (triggers, defaults, checks): a foreign owner is
-- refused for a change, and a superuser is never lent to one. Trusted are the session's role, all that it belongs to, superusers; and the
-- owner of the table, when he is not refused. Tables that inherit from ours are read with them. The planner evaluates what indexes, constraints and
-- statistics are made of, so reading runs that. Answers: what is wrong ('kind', 'owner', 'code'), the table, what uses the code, the code,
-- whose it is.
WITH RECURSIVE me AS (
    SELECT oid, rolsuper FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) SESSION_USER
), trusted (role) AS (
    SELECT oid FROM me
    UNION
    SELECT m.roleid FROM pg_catalog.pg_auth_members m JOIN trusted t ON m.member OPERATOR(pg_catalog.=) t.role
), family (table_oid) AS (
    SELECT pg_catalog.to_regclass(wanted.name)::oid FROM pg_catalog.unnest($1::text[]) AS wanted (name)
    UNION
    SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN family f ON i.inhparent OPERATOR(pg_catalog.=) f.table_oid
), ours AS (
    SELECT c.oid, c.relname, c.relkind, c.relowner, r.rolname,
           r.rolsuper OR EXISTS (SELECT FROM trusted WHERE role OPERATOR(pg_catalog.=) c.relowner) AS is_trusted
      FROM family f
      JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) f.table_oid
      JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) c.relowner
), value (table_oid, what, type) AS ( -- what a column is made of, domains over domains and elements of arrays too
    SELECT o.oid, pg_catalog.format('column %I', a.attname), a.atttypid
      FROM ours o
      JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) o.oid AND NOT a.attisdropped
     WHERE $2::text OPERATOR(pg_catalog.<>) 'read'
    UNION
    SELECT v.table_oid, v.what, inner_type
      FROM value v
      JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) v.type
     CROSS JOIN LATERAL pg_catalog.unnest(ARRAY[t.typbasetype, t.typelem]) AS inner_type
     WHERE inner_type OPERATOR(pg_catalog.<>) 0::oid
), part (table_oid, classid, objid, what) AS (
    SELECT o.oid, 'pg_catalog.pg_trigger'::regclass::oid, t.oid, pg_catalog.format('trigger %I', t.tgname)
      FROM ours o JOIN pg_catalog.pg_trigger t ON t.tgrelid OPERATOR(pg_catalog.=) o.oid
     WHERE NOT t.tgisinternal AND t.tgenabled OPERATOR(pg_catalog.<>) 'D' AND $2::text OPERATOR(pg_catalog.<>) 'read'
    UNION ALL
    SELECT o.oid, 'pg_catalog.pg_constraint'::regclass::oid, k.oid, pg_catalog.format('constraint %I', k.conname)
      FROM ours o JOIN pg_catalog.pg_constraint k ON k.conrelid OPERATOR(pg_catalog.=) o.oid
    UNION ALL
    SELECT o.oid, 'pg_catalog.pg_statistic_ext'::regclass::oid, s.oid, pg_catalog.format('statistics object %I', s.stxname)
      FROM ours o JOIN pg_catalog.pg_statistic_ext s ON s.stxrelid OPERATOR(pg_catalog.=) o.oid
    UNION ALL
    SELECT v.table_oid, 'pg_catalog.pg_constraint'::regclass::oid, k.oid, pg_catalog.format('constraint %I', k.conname)
      FROM value v JOIN pg_catalog.pg_constraint k ON k.contypid OPERATOR(pg_catalog.=) v.type
    UNION ALL
    SELECT o.oid, 'pg_catalog.pg_attrdef'::regclass::oid, d.oid, 'a default'
      FROM ours o JOIN pg_catalog.pg_attrdef d ON d.adrelid OPERATOR(pg_catalog.=) o.oid
     WHERE $2::text OPERATOR(pg_catalog.<>) 'read'
    UNION ALL
    SELECT o.oid, 'pg_catalog.pg_class'::regclass::oid, i.indexrelid, pg_catalog.format('index %s', i.indexrelid::regclass)
      FROM ours o JOIN pg_catalog.pg_index i ON i.indrelid OPERATOR(pg_catalog.=) o.oid
    UNION ALL
    SELECT o.oid, 'pg_catalog.pg_policy'::regclass::oid, p.oid, pg_catalog.format('policy %I', p.polname)
      FROM ours o JOIN pg_catalog.pg_policy p ON p.polrelid OPERATOR(pg_catalog.=) o.oid
    UNION ALL
    SELECT o.oid, 'pg_catalog.pg_rewrite'::regclass::oid, w.oid, pg_catalog.format('rule %I', w.rulename)
      FROM ours o JOIN pg_catalog.pg_rewrite w ON w.ev_class OPERATOR(pg_catalog.=) o.oid
), code (table_oid, what, called, owner) AS (
    SELECT part.table_oid, part.what, coalesce(p.oid::regprocedure::text, o.oid::regoperator::text), coalesce(p.proowner, o.oprowner)
      FROM part
      JOIN pg_catalog.pg_depend d ON d.classid OPERATOR(pg_catalog.=) part.classid AND d.objid OPERATOR(pg_catalog.=) part.objid
      LEFT JOIN pg_catalog.pg_proc p
        ON d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::regclass::oid AND p.oid OPERATOR(pg_catalog.=) d.refobjid
      LEFT JOIN pg_catalog.pg_operator o
        ON d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_operator'::regclass::oid AND o.oid OPERATOR(pg_catalog.=) d.refobjid
     WHERE d.refobjid OPERATOR(pg_catalog.=) coalesce(p.oid, o.oid)
    UNION ALL
    SELECT v.table_oid, v.what, t.oid::regtype::text, t.typowner
      FROM value v JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) v.type
)
SELECT 'kind', ours.relname, NULL::text, NULL::text, ours.rolname FROM ours WHERE ours.relkind OPERATOR(pg_catalog.<>) 'r'
UNION ALL
SELECT 'owner', ours.relname, NULL, NULL, ours.rolname
  FROM ours, me
 WHERE NOT ours.is_trusted AND ($2::text OPERATOR(pg_catalog.=) 'change' OR $2::text OPERATOR(pg_catalog.=) 'write' AND me.rolsuper)
UNION ALL
SELECT 'code', ours.relname, code.what, code.called, r.rolname
  FROM code
  JOIN ours ON ours.oid OPERATOR(pg_catalog.=) code.table_oid
  JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) code.owner
 CROSS JOIN me
 WHERE NOT r.rolsuper AND NOT EXISTS (SELECT FROM trusted WHERE role OPERATOR(pg_catalog.=) code.owner)
       AND NOT (code.owner OPERATOR(pg_catalog.=) ours.relowner AND NOT me.rolsuper AND $2::text OPERATOR(pg_catalog.<>) 'change')
