#!/usr/bin/env bash
# How many voice packets a second each way of capturing takes without losing one, in the same run: our ring, pnet
# with a 64 MiB buffer, pnet as it comes, dumpcap (the capture half of tshark). A veth pair between two namespaces
# of our own; needs root. Prints a line for each: rate asked, sent, captured, lost, processor share.
#
#   benches/rtp_listen.sh [SECONDS [RATE...]]     3 20000 50000 100000 200000 unless stated
#   LINESMAN_BENCH_LONG=30 adds 30 s of 100,000 a second through the whole of `linesman rtp listen`
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds="${1:-3}"
shift || true
rates=("$@")
((${#rates[@]})) || rates=(20000 50000 100000 200000)
# Another profile than release says nothing of processor time.
profile="${LINESMAN_BENCH_PROFILE:-release}"

cargo build --locked --profile "$profile" -p linesman-probes --example capture
target="${CARGO_TARGET_DIR:-target}/${profile/#dev/debug}"
capture="$target/examples/capture"
near="lmb$$-near" far="lmb$$-far"
folder="$(mktemp -d)"
cleanup() {
    ip netns del "$near" 2>/dev/null || true
    ip netns del "$far" 2>/dev/null || true
    rm -rf "$folder"
}
trap cleanup EXIT
ip netns add "$near"
ip netns add "$far"
ip -n "$near" link add wan type veth peer name wan netns "$far"
ip -n "$near" addr add 198.18.60.1/30 dev wan
ip -n "$far" addr add 198.18.60.2/30 dev wan
ip -n "$near" link set wan up
ip -n "$far" link set wan up
# The far end says nothing of what nobody listens for.
ip netns exec "$far" nft -f - <<'RULES'
table ip bench {
    chain in {
        type filter hook input priority 0
        udp dport 20000 drop
    }
}
RULES

field() { sed -n "s/.*$1 \([0-9.]*\).*/\1/p"; }

printf '%-14s %9s %9s %9s %8s %7s\n' receiver rate sent captured lost cpu
for how in ring pnet pnet-default dumpcap; do
    for rate in "${rates[@]}"; do
        if [[ "$how" == dumpcap ]]; then
            command -v dumpcap >/dev/null || continue
            # From the prefix, so that CPU time is dumpcap's.
            ip netns exec "$far" bash -c "TIMEFORMAT='cpu %U %S'; time dumpcap -q -i wan -B 64 -f 'udp dst port 20000' \
                -a duration:$((seconds + 3)) -w /dev/null" >"$folder/out" 2>"$folder/err" &
        else
            ip netns exec "$far" "$capture" "$how" wan $((seconds + 3)) >"$folder/out" 2>"$folder/err" &
        fi
        receiver=$!
        until grep -qE "ready|Capturing on" "$folder/err"; do
            kill -0 "$receiver"
            read -rt 0.1 <> <(:) || true
        done
        sent="$(ip netns exec "$near" "$capture" send 198.18.60.2:20000 "$rate" "$seconds" | field sent)"
        wait "$receiver" || true
        if [[ "$how" == dumpcap ]]; then
            captured="$(sed -n 's/.*received\/dropped on interface .*: \([0-9]*\)\/.*/\1/p' "$folder/err")"
            cpu="$(sed -n 's/^cpu \([0-9.]*\) \([0-9.]*\)/\1 \2/p' "$folder/err" | awk '{print $1 + $2}')"
        else
            captured="$(field captured <"$folder/out")"
            cpu="$(field cpu <"$folder/out")"
        fi
        awk -v how="$how" -v rate="$rate" -v sent="$sent" -v got="${captured:-0}" -v cpu="${cpu:-0}" -v s="$seconds" \
            'BEGIN { printf "%-14s %9d %9d %9d %7.3f%% %7.3f\n", how, rate, sent, got, (sent - got) * 100 / sent, cpu / s }'
    done
done

if [[ -n "${LINESMAN_BENCH_LONG:-}" ]]; then
    cargo build --locked --profile "$profile"
    long="$LINESMAN_BENCH_LONG"
    ip netns exec "$far" bash -c "TIMEFORMAT='cpu %U %S'; time '$target/linesman' rtp listen wan --json --for $((long + 3))s" \
        >"$folder/out" 2>"$folder/err" &
    receiver=$!
    until grep -q "listening on wan" "$folder/err"; do
        kill -0 "$receiver"
        read -rt 0.1 <> <(:) || true
    done
    ip netns exec "$near" "$capture" send 198.18.60.2:20000 100000 "$long"
    wait "$receiver" || true
    grep -E '"(captured|kernel_drops|packets)"' "$folder/out"
    grep '^cpu' "$folder/err"
fi
