"""The SQL that databases are counted and described with; every answer is one line of JSON."""

from __future__ import annotations

STEADY = """
SET statement_timeout = 0; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres';
SET TimeZone = 'UTC'; SET extra_float_digits = 3; SET bytea_output = 'hex'; SET lc_monetary = 'C';
SET xmloption = 'content'; SET search_path = pg_catalog; SET row_security = off;
"""
"""The same row reads the same in every session, on every host."""

TABLES = """
SELECT coalesce(json_object_agg(n.nspname || '.' || c.relname, format('%I.%I', n.nspname, c.relname)
                ORDER BY n.nspname, c.relname), '{}')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND c.relpersistence = 'p'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e');
"""
"""Of extensions' own tables (PostGIS brings some) a dump has no rows."""
COUNT = """
SELECT json_build_object('rows', count(*), 'checksum', coalesce(sum(
    ('x' || substr(md5(t::text), 1, 16))::bit(64)::bigint::numeric), 0)::text)
FROM ONLY {table} t;
"""
"""Sixty-four bits of each row's MD5, added up: no order, and no row is left out unseen."""
EXTENSIONS = "SELECT coalesce(json_object_agg(extname, extversion), '{}') FROM pg_extension;"
ROLES = """
SELECT coalesce(json_agg(json_build_object('name', rolname, 'make', format(
  'CREATE ROLE %I WITH %s %s %s %s %s %s %s CONNECTION LIMIT %s%s%s;', rolname,
  CASE WHEN rolsuper THEN 'SUPERUSER' ELSE 'NOSUPERUSER' END,
  CASE WHEN rolinherit THEN 'INHERIT' ELSE 'NOINHERIT' END,
  CASE WHEN rolcreaterole THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END,
  CASE WHEN rolcreatedb THEN 'CREATEDB' ELSE 'NOCREATEDB' END,
  CASE WHEN rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END,
  CASE WHEN rolreplication THEN 'REPLICATION' ELSE 'NOREPLICATION' END,
  CASE WHEN rolbypassrls THEN 'BYPASSRLS' ELSE 'NOBYPASSRLS' END,
  rolconnlimit, coalesce(' PASSWORD ' || quote_literal(rolpassword), ''),
  coalesce(' VALID UNTIL ' || quote_literal(rolvaliduntil::text), ''))) ORDER BY rolname), '[]')
FROM pg_authid WHERE rolname !~ '^pg_' AND oid <> 10;
"""
"""Passwords are in it as their SCRAM verifiers, as in PostgreSQL's own pg_dumpall."""
GRANTS = """
SELECT coalesce(json_agg(format('GRANT %I TO %I%s;', r.rolname, m.rolname,
  CASE WHEN a.admin_option THEN ' WITH ADMIN OPTION' ELSE '' END)), '[]')
FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
WHERE m.rolname !~ '^pg_';
"""
SHAPE = """
SELECT json_build_object('owner', quote_ident(pg_get_userbyid(datdba)),
  'encoding', pg_encoding_to_char(encoding), 'collate', datcollate, 'ctype', datctype,
  'public_connects', has_database_privilege('public', oid, 'CONNECT'),
  'grants', (SELECT coalesce(json_agg(format('GRANT %s ON DATABASE :"db" TO %s%s;',
      x.privilege_type, CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END,
      CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)), '[]')
    FROM aclexplode(datacl) x),
  'settings', (SELECT coalesce(json_agg(format('ALTER DATABASE :"db" SET %I = %L;',
      split_part(one, '=', 1), substr(one, strpos(one, '=') + 1))), '[]')
    FROM pg_db_role_setting s, unnest(s.setconfig) one
    WHERE s.setdatabase = pg_database.oid AND s.setrole = 0))
FROM pg_database WHERE datname = current_database();
"""
SENTINEL = """
CREATE SCHEMA IF NOT EXISTS orchestrator;
CREATE TABLE IF NOT EXISTS orchestrator.sentinel (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, written_at timestamptz NOT NULL, run text);
DELETE FROM orchestrator.sentinel WHERE written_at < :'at'::timestamptz
  - interval '7 days';
INSERT INTO orchestrator.sentinel (written_at, run) VALUES (:'at', :'run');
"""
NEWEST_SENTINEL = """
SELECT json_build_object('id', id, 'written_at', to_char(written_at AT TIME ZONE 'UTC',
  'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')) FROM orchestrator.sentinel ORDER BY id DESC LIMIT 1;
"""
HAS_SENTINELS = "SELECT to_json(to_regclass('orchestrator.sentinel') IS NOT NULL);"
RECOVERY = "SELECT to_json(pg_is_in_recovery());"
