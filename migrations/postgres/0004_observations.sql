-- Why: what was measured, round by round and rolled up by the hour, for 2,000 rows a second. The primary key
-- is the only index: rows of a target lie together in order of time, which is how they are read, rolled up
-- and deleted, and a second index would double what is written.
CREATE TABLE target (
    id   BIGINT      GENERATED ALWAYS AS IDENTITY NOT NULL PRIMARY KEY,
    name TEXT        NOT NULL UNIQUE
);

CREATE TABLE observation (
    target_id   BIGINT      NOT NULL REFERENCES target (id),
    start_at    TIMESTAMPTZ NOT NULL,
    end_at      TIMESTAMPTZ NOT NULL,
    kind        TEXT        NOT NULL,
    outcome     TEXT        NOT NULL,
    sent        BIGINT      NOT NULL,
    received    BIGINT      NOT NULL,
    duplicates  BIGINT      NOT NULL,
    rtt_min_ns  BIGINT,
    rtt_mean_ns BIGINT,
    rtt_p50_ns  BIGINT,
    rtt_p95_ns  BIGINT,
    rtt_p99_ns  BIGINT,
    rtt_max_ns  BIGINT,
    jitter_ns   BIGINT,
    code        BIGINT,
    extra       JSONB,
    PRIMARY KEY (target_id, start_at)
);

-- Rounds that could not be measured count nowhere but in `unmeasured`. The mean delay is
-- `rtt_sum_ns / rtt_answers`, so that hours can be added up to days.
CREATE TABLE observation_hourly (
    target_id   BIGINT      NOT NULL REFERENCES target (id),
    hour        TIMESTAMPTZ NOT NULL,
    rounds      BIGINT      NOT NULL,
    unmeasured  BIGINT      NOT NULL,
    sent        BIGINT      NOT NULL,
    received    BIGINT      NOT NULL,
    rtt_answers BIGINT      NOT NULL,
    rtt_sum_ns  DOUBLE PRECISION NOT NULL,
    rtt_max_ns  BIGINT,
    PRIMARY KEY (target_id, hour)
);
