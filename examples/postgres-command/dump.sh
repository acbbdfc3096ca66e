#!/bin/sh
# Writes the live database to standard output. PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE say which one.
set -eu
exec pg_dump --format=custom --compress=1 --dbname="${PGDATABASE:?the name of the database}"
