#!/bin/sh
# Prints how many rows were ever written to the live database, as PostgreSQL's statistics have it.
set -eu
exec psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 \
  --command='SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_user_tables' \
  --dbname="${PGDATABASE:?the name of the database}"
