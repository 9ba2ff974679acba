-- Why: a month that is over asks for its summary and its improvement plan by a day (R81): who did them when, and what
-- was asked for already. A customer is followed up a month after he became one (R78), which is not the day on which
-- somebody wrote him down: where nobody says when, he is not new.
CREATE TABLE monthly_duty (
    month   TEXT NOT NULL,
    duty    TEXT NOT NULL,
    done_at TEXT NOT NULL,
    done_by TEXT NOT NULL,
    note    TEXT NOT NULL,
    PRIMARY KEY (month, duty)
) STRICT, WITHOUT ROWID;

CREATE TABLE monthly_call (
    key   TEXT NOT NULL PRIMARY KEY,
    month TEXT NOT NULL,
    at    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE customer ADD COLUMN started_on TEXT;
CREATE INDEX customer_by_start ON customer (started_on) WHERE started_on IS NOT NULL AND erased_at IS NULL;
