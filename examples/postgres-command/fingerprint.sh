#!/bin/sh
# Prints the structure of the database: it changes with a migration, not with a row.
set -eu
database="${PGDATABASE:?the name of the database}"
if [ "${HOLDFAST_INTO:?live or scratch}" = scratch ]; then database="${HOLDFAST_SCRATCH_NAME:?}"; fi
schema="$(pg_dump --schema-only --dbname="$database")"
# Comments hold versions, and newer minor versions write a random word into \restrict.
printf '%s\n' "$schema" | sed -e '/^--/d' -e '/^\\restrict /d' -e '/^\\unrestrict /d' -e '/^$/d' | sha256sum
