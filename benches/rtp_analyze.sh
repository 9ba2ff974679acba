#!/usr/bin/env bash
# How many packets a CPU-second `linesman rtp analyze` takes, with SIP and playout simulation on, beside tshark in the
# same run; every stream's counts against the truth. Then a flood: 5,000 real streams among invented SSRCs, nine
# packets of ten; how much memory that adds, and how many of the streams are still counted right.
# Needs GNU time (Debian's package `time`); tshark is left out where it is not there.
#
#   benches/rtp_analyze.sh [PACKETS]     packets of the flood: 60000000 unless stated, 0 for none
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

flood="${1:-60000000}"
cargo build --locked --release --bin linesman
cargo build --locked --release -p linesman-media --example rtp_capture
target="${CARGO_TARGET_DIR:-target}/release"
linesman="${LINESMAN:-$target/linesman}" make="$target/examples/rtp_capture"
folder="$(mktemp -d -p "${TMPDIR:-/var/tmp}")"
trap 'rm -rf "$folder"' EXIT

# Runs a command, its output to a file; says CPU seconds, most memory in kB.
measured() {
    local out="$1"
    shift
    command time -f "%U %S %M" -o "$folder/time" "$@" >"$out" 2>"$folder/said" || [ $? -eq 1 ]
    # A command that ends with 1 has its say before the figures.
    tail -1 "$folder/time" | awk '{printf "%.2f %d\n", $1 + $2, $3}'
}
rate() { awk -v packets="$1" -v cpu="$2" 'BEGIN {printf "%.2f M packets a CPU-second", packets / cpu / 1e6}'; }

"$make" calls "$folder/calls.pcap" "$folder/calls.csv"
cat "$folder/calls.pcap" >/dev/null
for round in 1 2 3; do
    read -r cpu memory < <(measured "$folder/calls.json" "$linesman" rtp analyze --json "$folder/calls.pcap")
    packets="$(grep -o '"packets": *[0-9]*' "$folder/calls.json" | head -1 | grep -o '[0-9]*')"
    echo "linesman  $cpu CPU s, $(rate "$packets" "$cpu"), $((memory / 1024)) MiB"
    ((round > 1)) || "$make" check "$folder/calls.csv" "$folder/calls.json"
    if command -v tshark >/dev/null; then
        read -r theirs memory < <(measured "$folder/tshark.txt" tshark -n -r "$folder/calls.pcap" -q -z rtp,streams)
        echo "tshark    $theirs CPU s, $(rate "$packets" "$theirs"), $((memory / 1024)) MiB"
        awk -v ours="$cpu" -v theirs="$theirs" 'BEGIN {printf "%.1f times tshark'"'"'s rate\n", theirs / ours}'
    fi
done
((flood)) || exit 0

alone=$((flood / 10))
for share in 0 0.9; do
    packets=$([ "$share" = 0 ] && echo "$alone" || echo "$flood")
    mkfifo "$folder/pipe"
    "$make" flood "$packets" "$share" "$folder/flood.csv" >"$folder/pipe" &
    read -r cpu memory < <(measured "$folder/flood.json" bash -c 'exec "$0" rtp analyze --json - <"$1"' "$linesman" "$folder/pipe")
    wait
    rm "$folder/pipe"
    echo "invented $share of $packets packets: $cpu CPU s, $(rate "$packets" "$cpu"), $((memory / 1024)) MiB"
    "$make" check "$folder/flood.csv" "$folder/flood.json" 0.99 2>/dev/null
done
