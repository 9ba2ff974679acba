-- Why: a month's figures are reported once and must not change afterwards, whatever happens to its tickets: the
-- report is kept as it was, with its hash and the versions of the rules that it was counted by.
CREATE TABLE monthly_report (
    month        TEXT        NOT NULL PRIMARY KEY,
    frozen_at    TIMESTAMPTZ NOT NULL,
    frozen_by    TEXT        NOT NULL,
    rule_version TEXT        NOT NULL,
    sha256       TEXT        NOT NULL,
    body         JSONB       NOT NULL
);
