-- Why: the newest looks at the measurements, so that a restart goes on where the last look ended, and the
-- faults with their history, so that people can ask what was wrong yesterday.
CREATE TABLE diagnosis (
    generation BIGINT      NOT NULL PRIMARY KEY,
    at         TIMESTAMPTZ NOT NULL,
    body       JSONB       NOT NULL
);

-- One row an episode: a root cause and its first bad round.
CREATE TABLE fault (
    fault_key  TEXT        NOT NULL,
    began      TIMESTAMPTZ NOT NULL,
    life       TEXT        NOT NULL,
    cleared_at TIMESTAMPTZ,
    body       JSONB       NOT NULL,
    PRIMARY KEY (fault_key, began)
);

CREATE INDEX fault_by_end ON fault (cleared_at);
