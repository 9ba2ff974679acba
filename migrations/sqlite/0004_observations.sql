-- Why: what was measured, round by round and rolled up by the hour, for 2,000 rows a second. The primary key
-- is the only index: rows of a target lie together in order of time, which is how they are read, rolled up
-- and deleted, and a second index would double what is written.
CREATE TABLE target (
    id   INTEGER NOT NULL PRIMARY KEY,
    name TEXT    NOT NULL UNIQUE
) STRICT;

CREATE TABLE observation (
    target_id   INTEGER NOT NULL REFERENCES target (id),
    start_at    TEXT    NOT NULL,
    end_at      TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    outcome     TEXT    NOT NULL,
    sent        INTEGER NOT NULL,
    received    INTEGER NOT NULL,
    duplicates  INTEGER NOT NULL,
    rtt_min_ns  INTEGER,
    rtt_mean_ns INTEGER,
    rtt_p50_ns  INTEGER,
    rtt_p95_ns  INTEGER,
    rtt_p99_ns  INTEGER,
    rtt_max_ns  INTEGER,
    jitter_ns   INTEGER,
    code        INTEGER,
    extra       TEXT,
    PRIMARY KEY (target_id, start_at)
) STRICT, WITHOUT ROWID;

-- Rounds that could not be measured count nowhere but in `unmeasured`. The mean delay is
-- `rtt_sum_ns / rtt_answers`, so that hours can be added up to days.
CREATE TABLE observation_hourly (
    target_id   INTEGER NOT NULL REFERENCES target (id),
    hour        TEXT    NOT NULL,
    rounds      INTEGER NOT NULL,
    unmeasured  INTEGER NOT NULL,
    sent        INTEGER NOT NULL,
    received    INTEGER NOT NULL,
    rtt_answers INTEGER NOT NULL,
    rtt_sum_ns  REAL    NOT NULL,
    rtt_max_ns  INTEGER,
    PRIMARY KEY (target_id, hour)
) STRICT, WITHOUT ROWID;
