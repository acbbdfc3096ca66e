#!/bin/sh
# Reads a dump on standard input into a new database. With HOLDFAST_INTO=live the new one then takes the name of the live
# one, which is kept as <new name>_failed: two renames in one transaction, so that there is never half a database.
# The role needs CREATEDB and must own the live database. May be run again at any time.
set -eu
live="${PGDATABASE:?the name of the database}"
new="${HOLDFAST_SCRATCH_NAME:?a free name}"
admin() {
  psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --set=live="$live" --set=new="$new" "$@" \
    --dbname="${PGADMINDATABASE:-postgres}"
}
exists() {
  [ "$(echo "SELECT count(*) FROM pg_database WHERE datname = :'name'" | admin --tuples-only --no-align --set=name="$1")" = 1 ]
}

# A new, empty database like the live one; left over from an interrupted attempt, it is made again.
admin >&2 <<'SQL'
SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)', :'new') \gexec
SELECT format('CREATE DATABASE %I TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L OWNER %I',
              :'new', pg_encoding_to_char(encoding), datcollate, datctype, pg_get_userbyid(datdba))
FROM pg_database WHERE datname = :'live'
UNION ALL
SELECT format('CREATE DATABASE %I TEMPLATE template0', :'new')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'live') \gexec
SQL

# One transaction: everything or nothing.
pg_restore --single-transaction --exit-on-error --dbname="$new"
psql --no-psqlrc --quiet --command='ANALYZE' --dbname="$new" </dev/null >&2

[ "${HOLDFAST_INTO:?live or scratch}" = live ] || exit 0

# A dump does not hold what belongs to the database itself: its settings and who may connect.
admin >&2 <<'SQL'
SELECT format('ALTER DATABASE %I SET %I TO %L', :'new', split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1))
FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) setting
WHERE d.datname = :'live' AND s.setrole = 0 \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'new')
FROM pg_database WHERE datname = :'live' AND datacl IS NOT NULL \gexec
SELECT format('GRANT %s ON DATABASE %I TO %s', privilege_type, :'new',
              CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
FROM pg_database, aclexplode(datacl) WHERE datname = :'live' \gexec
SQL

# When the failed state is kept already, an earlier attempt came this far, and what is live now is its copy.
kept="${new}_failed"
if exists "$kept"; then kept="${new}_again"; fi
admin --set=kept="$kept" >&2 <<'SQL'
SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)', :'kept') WHERE :'kept' LIKE '%\_again' \gexec
SELECT format('ALTER DATABASE %I ALLOW_CONNECTIONS false', :'live')
FROM pg_database WHERE datname = :'live' \gexec
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :'live' \g /dev/null
BEGIN;
SELECT format('ALTER DATABASE %I RENAME TO %I', :'live', :'kept')
FROM pg_database WHERE datname = :'live' \gexec
SELECT format('ALTER DATABASE %I RENAME TO %I', :'new', :'live') \gexec
COMMIT;
SELECT format('ALTER DATABASE %I ALLOW_CONNECTIONS true', :'kept')
FROM pg_database WHERE datname = :'kept' \gexec
SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)', :'kept') WHERE :'kept' LIKE '%\_again' \gexec
SQL
