#!/bin/bash
# Compares Linesman's ICMP engine with fping on the same targets in one run.
#
# Makes two network namespaces joined by a veth pair; the far one answers for the whole of
# 198.18.0.0/15 (addresses for benchmarks, RFC 2544). Prints both results as JSON and the ratio
# of CPU time per request. Needs root, iproute2 and fping; removes what it made.
#
# usage: benches/icmp_fleet.sh [TARGETS [RATE [SECONDS]]]     default: 10000 10000 6
set -euo pipefail
cd "$(dirname "$0")/.."

targets=${1:-10000} rate=${2:-10000} seconds=${3:-6}
prober="lm-fleet-$$-a" responder="lm-fleet-$$-b"
work=$(mktemp -d)

cleanup() {
    ip netns del "$prober" 2>/dev/null || true
    ip netns del "$responder" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

[ "$(id -u)" = 0 ] || { echo "needs root, for network namespaces" >&2; exit 1; }
command -v fping >/dev/null || { echo "needs fping (on Debian: apt install fping)" >&2; exit 1; }

cargo build --quiet --release -p linesman-probes --example fleet
fleet="${CARGO_TARGET_DIR:-target}/release/examples/fleet"

ip netns add "$prober"
ip netns add "$responder"
ip -n "$prober" link add lmf0 type veth peer name lmf1 netns "$responder"
ip -n "$prober" link set lo up
ip -n "$responder" link set lo up
ip -n "$prober" addr add 198.51.100.1/30 dev lmf0
ip -n "$responder" addr add 198.51.100.2/30 dev lmf1
ip -n "$prober" link set lmf0 up
ip -n "$responder" link set lmf1 up
ip -n "$responder" route add local 198.18.0.0/15 dev lo
ip -n "$prober" route add 198.18.0.0/15 via 198.51.100.2
ip netns exec "$prober" fping -q -r 5 198.18.0.1

awk -v n="$targets" 'BEGIN { for (i = 0; i < n; i++)
    printf "198.%d.%d.%d\n", 18 + int(i / 65536), int(i / 256) % 256, i % 256 }' >"$work/targets"

ip netns exec "$prober" "$fleet" "$work/targets" "$rate" "$seconds" >"$work/linesman"
# An unprivileged socket must serve as well: the kernel then owns the identifier.
ip netns exec "$prober" sh -c 'echo "0 2147483647" >/proc/sys/net/ipv4/ping_group_range'
ip netns exec "$prober" "$fleet" "$work/targets" "$rate" "$seconds" >"$work/linesman-datagram"

# fping has 65,535 sequence numbers for 10 s: its interval is a whole number of 10 us, and a run
# of more requests than that must be slower, or it stops.
counts=$((rate * seconds / targets)); counts=$((counts > 0 ? counts : 1))
interval=$(awk -v r="$rate" 'BEGIN { printf "%.2f", 1000 / r }')
TIMEFORMAT='%R %U %S'
{ time ip netns exec "$prober" fping -q -C "$counts" -p 1000 -i "$interval" -t 1000 -f "$work/targets" \
    2>"$work/fping" >/dev/null || true; } 2>"$work/fping-time"

python3 - "$work" "$counts" <<'PYTHON'
import json, pathlib, sys
work, counts = pathlib.Path(sys.argv[1]), int(sys.argv[2])
ours = [json.loads((work / name).read_text()) for name in ("linesman", "linesman-datagram")]
sent = received = 0
rtts = []
stopped = None
for line in (work / "fping").read_text().splitlines():
    host, separator, answers = line.partition(" : ")
    if not separator:
        stopped = stopped or line
        continue
    answers = answers.split()
    sent += len(answers)
    got = [float(answer) for answer in answers if answer != "-"]
    received += len(got)
    rtts += got
rtts.sort()
rank = lambda percent: round(rtts[-(-len(rtts) * percent // 100) - 1] * 1000) if rtts else None
real, user, system = map(float, (work / "fping-time").read_text().split()[-3:])
fping = {"prober": "fping", "sent": sent, "received": received, "lost": sent - received, "stopped": stopped,
         "seconds": real, "cpu_seconds": round(user + system, 3),
         "cpu_microseconds_per_request": (user + system) * 1e6 / max(sent, 1),
         "rtt_p50_us": rank(50), "rtt_p99_us": rank(99)}
for result in [*ours, fping]:
    print(json.dumps(result))
for result in ours:
    ratio = result["cpu_microseconds_per_request"] / fping["cpu_microseconds_per_request"] if sent else None
    print(json.dumps({"socket": result["socket"], "cpu_per_request_linesman_to_fping": ratio and round(ratio, 2),
                      "reached_rate_linesman": round(result["sent"] / (result["seconds"])),
                      "reached_rate_fping": round(sent / real)}))
PYTHON
