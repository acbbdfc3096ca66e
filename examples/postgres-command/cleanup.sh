#!/bin/sh
# Drops what a restore into scratch made, and nothing else.
set -eu
[ "${HOLDFAST_INTO:?live or scratch}" = scratch ] || exit 0
exec dropdb --if-exists --force --maintenance-db="${PGADMINDATABASE:-postgres}" "${HOLDFAST_SCRATCH_NAME:?}"
