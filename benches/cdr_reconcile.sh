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
#
# Measured in November 2026 on two virtual cores that other work shared, which makes any figure half as high
# again from one round to the next; what is in one round compares. Three rounds of 2 x 10 million rows, files in
# the system's cache, CPU seconds (linesman's counts exact in all):
#   reading the bytes once (floor)               0.5   0.6   0.7
#   linesman, one thread (735 MB)                6.8   6.9   8.6
#   linesman, two threads (739 MB)               9.4   8.6   8.5
#   linesman, two threads, 256M (253 MB)         8.1  10.3   9.7
#   DuckDB 2.0, leanest exact full outer join   16.3  16.7  18.4    (wrong counts; 930 MB)
# so two threads took 0.58, 0.51 and 0.46 of DuckDB's CPU, one 0.41 to 0.47; 13 to 18 times the floor. Against
# DuckDB's query with the right counts (61.6 CPU s, 3.1 GB), in a round of its own: 0.19.
# (The half that is aimed at is thus reached by one thread, by two only in the quietest round; two later rounds
# on a busier machine gave two threads 0.55 and 0.51, one thread 0.44 and 0.49.)
# 2 x 30 million rows with SMALL=1G: 829 MB at most, 30.6 CPU s.
# One thread, microseconds a row: 2 x 1 million 0.72 to 0.88 (of which 0.4 or so are finding the layouts, the clocks
# and the causes, which cost the same whatever the size), 2 x 10 million 0.37 to 0.45, 2 x 30 million 0.39 to 0.42.
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
