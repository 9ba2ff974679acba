#!/bin/bash
# Compares Linesman's reconciliation with general engines on the same two files in one run: CPU
# seconds (user and system), peak memory, and whether each counts what was put in.
#
# Makes a pair of files of call records with known differences, and a virtual environment with the
# Python packages duckdb, polars and numpy; both in a temporary folder that is removed at the end.
#
# usage: benches/cdr_reconcile.sh [ROWS [SEED]]               default: 10000000 1
#   LINESMAN   the program to measure         (default: built here, release)
#   VENV       a virtual environment to use   (default: made here)
#   DATA       a folder for the files, kept   (default: made here; about 180 bytes a row)
#   ONLY       names of the runs to make, by comma (default: all)
#   SMALL      memory of the run that must not keep the records (default: 256M)
set -euo pipefail
cd "$(dirname "$0")/.."

rows=${1:-10000000} seed=${2:-1}
work=$(mktemp -d "${TMPDIR:-/var/tmp}/linesman-bench-XXXXXX")
trap 'rm -rf "$work"' EXIT

command -v python3 >/dev/null || { echo "needs python3 with venv (on Debian: apt install python3-venv)" >&2; exit 1; }
if [ -z "${VENV:-}" ]; then
    VENV=$work/venv
    python3 -m venv "$VENV"
    "$VENV/bin/pip" install --quiet duckdb polars numpy
fi
if [ -z "${LINESMAN:-}" ]; then
    cargo build --quiet --release --bin linesman
    LINESMAN=${CARGO_TARGET_DIR:-target}/release/linesman
fi

data=${DATA:-$work/data}
mkdir -p "$data"
if [ ! -f "$data/truth-$rows-$seed.json" ]; then
    "$VENV/bin/python" benches/cdr_reconcile.py make "$data" "$rows" "$seed"
fi
"$VENV/bin/python" benches/cdr_reconcile.py compare "$data" "$rows" "$seed" \
    --linesman "$LINESMAN" --only "${ONLY:-}" --small "${SMALL:-256M}" --work "$work"
