"""Makes pairs of CDR files with known differences and measures programs on them.

Called by cdr_reconcile.sh. Needs numpy and polars to make the files, duckdb and polars to compare.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

DAYS = 31
FIRST = 1777593600  # 2026-05-01T00:00:00Z
CLOCK_S = 3
TOLERANCE_S = 5
COLUMNS = ["id", "caller", "callee", "start", "duration", "billed", "rate", "amount", "gateway"]


def paths(folder, rows, seed):
    return [os.path.join(folder, f"{name}-{rows}-{seed}.{end}")
            for name, end in [("ours", "csv"), ("theirs", "csv"), ("deck", "csv"), ("truth", "json")]]


def make(folder, rows, seed):
    """One base of calls; each side is that base with its own faults."""
    import numpy as np
    import polars as pl

    ours_path, theirs_path, deck_path, truth_path = paths(folder, rows, seed)
    rng = np.random.default_rng(seed)

    # Forty destinations; the last two carry the calls that are charged wrongly.
    prefixes = [8613000 + 11 * number for number in range(38)] + [8618001, 8618002]
    rate = rng.integers(50, 900, len(prefixes)) * 100  # millionths a minute
    stale = rate + rng.integers(5, 60, len(prefixes)) * 100
    share = np.full(len(prefixes), (1 - 0.0018) / 38)
    share[38], share[39] = 0.0010, 0.0008

    def day(at):
        return time.strftime("%Y-%m-%d", time.gmtime(at))

    with open(deck_path, "w") as deck:
        deck.write("prefix,destination,rate_per_min,initial_sec,increment_sec,connect_fee,"
                   "effective_from,effective_to,currency\n")
        for number, prefix in enumerate(prefixes):
            before = f"{day(FIRST - 365 * 86400)},{day(FIRST - 86400)}"
            after = f"{day(FIRST - 86400)},"
            for price, span in [(stale[number], before), (rate[number], after)]:
                deck.write(f"{prefix},Zone {number},{price / 1e6:.4f},6,6,0,{span},USD\n")

    count = rows
    row = rng.choice(len(prefixes), count, p=share)
    caller = 85200000000 + rng.integers(0, 200_000, count) * 37
    callee = np.array(prefixes)[row] * 1_000_000 + rng.integers(0, 1_000_000, count)
    start = FIRST + rng.integers(0, DAYS * 86400 - 600, count)
    redial = np.flatnonzero(rng.random(count) < 0.10)
    redial = redial[(redial > 0)]
    redial = redial[np.isin(redial - 1, redial, invert=True)]
    for column in (row, caller, callee):
        column[redial] = column[redial - 1]
    start[redial] = start[redial - 1] + rng.integers(8, 129, len(redial))
    talk = np.minimum(rng.exponential(110, count).astype(np.int64) + 1, 7200)
    talk[rng.random(count) < 0.35] = 0
    gateway = rng.integers(1, 13, count)

    fate = rng.random(count)
    missing_theirs = fate < 0.001
    missing_ours = (fate >= 0.001) & (fate < 0.002)
    duplicate = (fate >= 0.002) & (fate < 0.0025)
    jitter = (fate >= 0.0025) & (fate < 0.003)
    longer = (fate >= 0.003) & (fate < 0.0032) & (talk > 0)

    def billed(seconds, block):
        return (seconds + block - 1) // block * block

    their_talk = talk + np.where(longer, rng.integers(20, 200, count), 0)
    their_start = start + CLOCK_S + np.where(jitter, rng.choice([-2, -1, 1, 2], count), 0)
    our_billed = billed(talk, 6)
    their_billed = np.where(row == 38, billed(their_talk, 60), billed(their_talk, 6))
    our_rate = rate[row]
    their_rate = np.where(row == 39, stale[row], our_rate)
    our_amount = our_rate * our_billed // 60  # exact: blocks of 6 s at whole ten-thousandths
    their_amount = their_rate * their_billed // 60

    both = ~missing_theirs & ~missing_ours
    differs = both & ((talk != their_talk) | (our_amount != their_amount))
    truth = {
        "rows": count,
        "ours": int((~missing_ours).sum()),
        "theirs": int((~missing_theirs).sum() + duplicate.sum()),
        "paired": int(both.sum()),
        "only_ours": int(missing_theirs.sum()),
        "only_theirs": int(missing_ours.sum()),
        "duplicates_theirs": int(duplicate.sum()),
        "differs": int(differs.sum()),
        "jittered": int((jitter & both).sum()),
        "increment_60": int((both & (row == 38) & (our_billed != their_billed)).sum()),
        "stale_rate": int((both & (row == 39) & (talk > 0)).sum()),
        "longer": int((longer & both).sum()),
        "total_ours": int(our_amount[~missing_ours].sum()),
        "total_theirs": int(their_amount[~missing_theirs].sum() + their_amount[duplicate].sum()),
    }

    def write(path, keep, twice, letter, start, talk, billed, rate, amount, by_end):
        index = np.concatenate([np.flatnonzero(keep), np.flatnonzero(twice)])
        order = start[index] + (talk[index] if by_end else 0)
        index = index[np.argsort(order, kind="stable")]
        step = 2_000_000
        with open(path, "wb") as file:
            for at in range(0, max(len(index), 1), step):
                part = index[at:at + step]
                # Each side has its own identities: they tell nothing about the other's.
                ident = part * 7919 % 2_147_483_647 if letter == "c" else part * 104_729 % 2_147_483_629
                pl.DataFrame({
                    "id": ident,
                    "caller": caller[part],
                    "callee": callee[part],
                    "start": start[part] * 1_000_000,
                    "duration": talk[part],
                    "billed": billed[part],
                    "rate": rate[part] / 1e6,
                    "amount": amount[part] / 1e6,
                    "gateway": gateway[part],
                }).with_columns(
                    id=pl.lit(letter) + pl.col("id").cast(pl.String).str.zfill(10),
                    start=pl.col("start").cast(pl.Datetime("us")),
                    gateway=pl.lit("gw") + pl.col("gateway").cast(pl.String),
                ).write_csv(file, include_header=at == 0, datetime_format="%Y-%m-%d %H:%M:%S",
                            float_precision=6)

    nobody = np.zeros(count, dtype=bool)
    write(ours_path, ~missing_ours, nobody, "c", start, talk, our_billed, our_rate, our_amount, False)
    write(theirs_path, ~missing_theirs, duplicate, "t", their_start, their_talk, their_billed,
          their_rate, their_amount, True)
    with open(truth_path, "w") as file:
        json.dump(truth, file)
    print(json.dumps({"made": truth, "bytes": [os.path.getsize(ours_path), os.path.getsize(theirs_path)]}))


# Each run below is a process of its own and prints its counts as JSON.

def run_nothing(ours, theirs, out):
    import duckdb  # noqa: F401  what starting the interpreter with the package costs
    print("{}")


def run_floor(ours, theirs, out):
    import numpy as np

    total = 0
    buffer = bytearray(1 << 20)
    words = np.frombuffer(buffer, dtype=np.uint64)
    for path in (ours, theirs):
        with open(path, "rb", buffering=0) as file:
            while got := file.readinto(buffer):
                total = (total + int(words[:got // 8].sum())) & (2**64 - 1)
    print(json.dumps({"sum": total}))


def tables():
    names = {"id": "VARCHAR", "caller": "BIGINT", "callee": "BIGINT", "start": "TIMESTAMP",
             "duration": "INTEGER", "billed": "INTEGER", "rate": "DOUBLE", "amount": "DOUBLE",
             "gateway": "VARCHAR"}
    return "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in names.items()) + "}"


def duck(threads=2):
    import duckdb

    connection = duckdb.connect(config={"threads": threads})
    return connection


def scan(path, columns):
    return (f"(SELECT {columns} FROM read_csv('{path}', header=true, delim=',', "
            f"columns={tables()}, auto_detect=false))")


def run_duckdb_exact(ours, theirs, out):
    need = "caller, callee, start, duration, amount"
    con = duck()
    con.execute(f"""COPY (
        SELECT o.caller, o.callee, o.start, o.duration, o.amount,
               t.caller AS tc, t.callee AS tk, t.start AS ts, t.duration AS td, t.amount AS ta
        FROM {scan(ours, need)} o FULL OUTER JOIN {scan(theirs, need)} t
          ON o.caller = t.caller AND o.callee = t.callee AND o.start + INTERVAL {CLOCK_S} SECOND = t.start
        WHERE o.caller IS NULL OR t.caller IS NULL OR o.duration <> t.duration OR o.amount <> t.amount
    ) TO '{out}' (HEADER)""")
    a, b, c = con.execute(f"""SELECT count(*) FILTER (tc IS NULL), count(*) FILTER (caller IS NULL),
        count(*) FILTER (caller IS NOT NULL AND tc IS NOT NULL) FROM read_csv('{out}')""").fetchone()
    print(json.dumps({"only_ours": a, "only_theirs": b, "duplicates_theirs": 0, "differs": c}))


def run_duckdb_islands(ours, theirs, out):
    con = duck()
    con.execute(f"""COPY (
        WITH both_sides AS (
            SELECT 0 AS side, caller, callee, epoch(start)::BIGINT + {CLOCK_S} AS sec, duration, amount
            FROM {scan(ours, 'caller, callee, start, duration, amount')}
            UNION ALL
            SELECT 1, caller, callee, epoch(start)::BIGINT, duration, amount
            FROM {scan(theirs, 'caller, callee, start, duration, amount')}
        ), gaps AS (
            SELECT *, sec - lag(sec) OVER (PARTITION BY caller, callee ORDER BY sec) > {TOLERANCE_S} AS fresh
            FROM both_sides
        ), islands AS (
            SELECT *, sum(CASE WHEN fresh THEN 1 ELSE 0 END)
                OVER (PARTITION BY caller, callee ORDER BY sec RANGE UNBOUNDED PRECEDING) AS island
            FROM gaps
        ), ranked AS (
            SELECT *, row_number() OVER (PARTITION BY caller, callee, island, side ORDER BY sec) AS rank
            FROM islands
        ), paired AS (
            SELECT caller, callee, island, rank, count(*) FILTER (side = 0) AS o, count(*) FILTER (side = 1) AS t,
                max(duration) FILTER (side = 0) AS od, max(duration) FILTER (side = 1) AS td,
                max(amount) FILTER (side = 0) AS oa, max(amount) FILTER (side = 1) AS ta, max(rank) AS r
            FROM ranked GROUP BY caller, callee, island, rank
        )
        SELECT * FROM paired WHERE o = 0 OR t = 0 OR od <> td OR oa <> ta
    ) TO '{out}' (HEADER)""")
    a, b, c = con.execute(f"""SELECT count(*) FILTER (t = 0), count(*) FILTER (o = 0),
        count(*) FILTER (o > 0 AND t > 0) FROM read_csv('{out}')""").fetchone()
    print(json.dumps({"only_ours": a, "only_theirs_and_duplicates": b, "differs": c}))


def run_polars_exact(ours, theirs, out):
    import polars as pl

    def side(path, shift):
        return (pl.scan_csv(path, schema={
            "id": pl.String, "caller": pl.Int64, "callee": pl.Int64, "start": pl.String, "duration": pl.Int32,
            "billed": pl.Int32, "rate": pl.Float64, "amount": pl.Float64, "gateway": pl.String})
            .select("caller", "callee",
                    pl.col("start").str.to_datetime("%Y-%m-%d %H:%M:%S") + pl.duration(seconds=shift),
                    "duration", "amount"))

    (side(ours, CLOCK_S)
        .join(side(theirs, 0), on=["caller", "callee", "start"], how="full", suffix="_t")
        .filter(pl.col("caller").is_null() | pl.col("caller_t").is_null()
                | (pl.col("duration") != pl.col("duration_t")) | (pl.col("amount") != pl.col("amount_t")))
        .sink_csv(out, engine="streaming"))
    rows = pl.read_csv(out)
    only_ours = rows["caller_t"].is_null()
    only_theirs = rows["caller"].is_null()
    print(json.dumps({"only_ours": int(only_ours.sum()), "only_theirs": int(only_theirs.sum()),
                      "duplicates_theirs": 0, "differs": int((~only_ours & ~only_theirs).sum())}))


RUNS = {"nothing": run_nothing, "floor": run_floor, "duckdb_exact": run_duckdb_exact,
        "duckdb_islands": run_duckdb_islands, "polars_exact": run_polars_exact}


def measure(command):
    """CPU seconds, wall seconds, peak resident megabytes, standard output."""
    with tempfile.TemporaryFile() as answer:
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=answer)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        answer.seek(0)
        text = answer.read().decode()
    if process.returncode not in (0, 1):
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, text


def linesman_counts(text):
    answer = json.loads(text)
    counts = answer["counts"]
    kinds = {}
    for cause in answer["causes"]:
        kinds[cause["kind"]] = kinds.get(cause["kind"], 0) + cause["calls"]
    return {
        "ours": counts["ours"], "theirs": counts["theirs"], "paired": counts["paired"],
        "only_ours": counts["only_ours"], "only_theirs": counts["only_theirs"],
        "duplicates_theirs": counts["duplicates_theirs"], "amount_differs": counts["amount_differs"],
        "causes": kinds, "unexplained": answer["unexplained"],
    }


def right(counts, truth):
    """Whether every count that can be compared is the one that was put in."""
    pairs = {key: truth[key] for key in
             ("ours", "theirs", "paired", "only_ours", "only_theirs", "duplicates_theirs") if key in counts}
    if "differs" in counts:
        pairs["differs"] = truth["differs"]
    if "only_theirs_and_duplicates" in counts:
        pairs["only_theirs_and_duplicates"] = truth["only_theirs"] + truth["duplicates_theirs"]
    return all(counts[key] == value for key, value in pairs.items())


def compare(args):
    ours, theirs, deck, truth_path = paths(args.folder, args.rows, args.seed)
    with open(truth_path) as file:
        truth = json.load(file)
    out = os.path.join(args.work, "differences.csv")

    def linesman(*more):
        return [args.linesman, "cdr", "reconcile", "--ours", ours, "--theirs", theirs, "--rates", deck,
                "--json", *more]

    def python(name):
        return [sys.executable, __file__, "run", name, ours, theirs, out]

    commands = {
        "floor": python("floor"),
        "linesman_1": linesman("--threads", "1"),
        "linesman_2": linesman("--threads", "2"),
        "linesman_small": linesman("--threads", "2", "--memory", args.small),
        "python_start": python("nothing"),
        "duckdb_exact": python("duckdb_exact"),
        "duckdb_islands": python("duckdb_islands"),
        "polars_exact": python("polars_exact"),
    }
    only = [name for name in args.only.split(",") if name]
    results = {}
    for name, command in commands.items():
        if only and name not in only:
            continue
        cpu, wall, rss, text = measure(command)
        counts = linesman_counts(text) if name.startswith("linesman") else json.loads(text)
        comparable = name not in ("floor", "python_start")
        results[name] = {"cpu_s": round(cpu, 2), "wall_s": round(wall, 2), "rss_mb": round(rss),
                         "right": right(counts, truth) if comparable else None, "counts": counts}
        print(f"{name:16} {cpu:8.2f} CPU s {wall:8.2f} s {rss:8.0f} MB  "
              f"{'' if not comparable else 'right' if right(counts, truth) else 'WRONG'}  {json.dumps(counts)}",
              flush=True)
    print("truth", json.dumps(truth))
    base = results.get("linesman_2")
    if base:
        for name in ("floor", "duckdb_exact", "duckdb_islands", "polars_exact"):
            if name in results:
                print(f"CPU of linesman_2 / {name}: {base['cpu_s'] / max(results[name]['cpu_s'], 0.01):.3f}")
        if "linesman_1" in results:
            print(f"wall of linesman_1 / linesman_2: {results['linesman_1']['wall_s'] / base['wall_s']:.2f}")


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("make", "compare"):
        command = commands.add_parser(name)
        command.add_argument("folder")
        command.add_argument("rows", type=int)
        command.add_argument("seed", type=int)
        if name == "compare":
            command.add_argument("--linesman", required=True)
            command.add_argument("--only", default="")
            command.add_argument("--small", default="256M")
            command.add_argument("--work", required=True)
    one = commands.add_parser("run")
    one.add_argument("name", choices=RUNS)
    one.add_argument("ours")
    one.add_argument("theirs")
    one.add_argument("out")
    args = parser.parse_args()
    if args.command == "make":
        make(args.folder, args.rows, args.seed)
    elif args.command == "compare":
        compare(args)
    else:
        RUNS[args.name](args.ours, args.theirs, args.out)


main()
