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
# Measured in November 2026, two virtual cores, files in the system's cache, CPU seconds; linesman's counts exact in
# all. Two virtual cores are not two: what is in one round compares, and other work on the machine makes any figure
# half as high again from one round to the next. 2 x 10 million rows, nothing else running:
#   reading the bytes once (floor)               0.6
#   linesman, one thread (735 MB)                6.9 to 8.5
#   linesman, two threads (739 MB)               7.1 to 8.2
#   linesman, two threads, 256M (253 MB)         9.1
#   Polars 2.1.0, exact full join               13.1    (wrong counts)
#   DuckDB 2.0, leanest exact full outer join   17.2    (wrong counts; 930 MB)
#   DuckDB 2.0, the query with right counts     49.3    (3.1 GB)
# so two threads took 0.41 to 0.48 of DuckDB's leanest, 0.17 of its query with the right counts, 12 to 14 times the
# floor; in wall time two threads went 1.5 to 2.1 times as fast as one.
# Since then what costs the same whatever the size (finding layouts, clocks and causes) was brought from about 0.6 to
# about 0.25 CPU s. On a machine that other work shared, before and after in turns, one thread: 2 x 1 million 0.93 to
# 1.43 before, 0.70 to 1.01 after (median 0.99 and 0.80); 2 x 10 million 7.5 and 8.0 before, 6.7 to 7.9 after.
# A round then, with the machine busy: one thread 6.7, two 8.2, 256M 7.4, DuckDB's leanest 14.0 (0.48, 0.58, 0.52).
# The cost of a row, one thread, rows of both files counted, microseconds: 2 x 1 million 0.35 to 0.50 (median 0.40),
# 2 x 10 million 0.34 to 0.39, 2 x 30 million (SMALL=1G) 0.37: in one round a row of 1 million costs 1.1 to 1.2 times
# one of 10 million.
# On a faster machine, ten rounds: two threads 3.8 to 5.0, DuckDB's leanest 7.2 to 10.3 (0.48 to 0.62, median 0.53), its
# query with the right counts 29.2 (0.15).
# 2 x 30 million rows with SMALL=1G: 852 MB at most (813 MiB), 30.2 CPU s with two threads, 22.4 with one.
# Since records are scattered as they are read and counted a block at a time (0.89 of what it took before, in turns), on
# the faster machine, eleven rounds: two threads 3.7 to 4.6, one 3.6 to 4.3, DuckDB's leanest 7.6 to 10.3 (two threads
# 0.40 to 0.52 of it, median 0.46), its query with the right counts 32.6 (0.12), Polars 8.4; the floor 0.35 to 0.5. Two
# threads went 1.6 to 1.9 times as fast as one, median 1.7. 2 x 1 million 0.55 to 0.67 with one thread; 2 x 30 million
# 16.8 with one thread (2 GiB, half of the records spilled), with SMALL=1G and two 19.2 in 824 MB (786 MiB).
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
