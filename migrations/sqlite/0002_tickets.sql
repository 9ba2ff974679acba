-- Why: tickets, what happened to them in a hash chain, and what people still have to be told.
-- `body` is the ticket; the other columns repeat what is searched by. The partial unique index is the last
-- guard of "one open ticket for a root cause".
CREATE TABLE ticket (
    id            TEXT    NOT NULL PRIMARY KEY,
    number_year   INTEGER NOT NULL,
    number_count  INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    kind          TEXT    NOT NULL,
    state         TEXT    NOT NULL,
    is_open       INTEGER NOT NULL,
    class         TEXT    NOT NULL,
    cause         TEXT    NOT NULL,
    segment       TEXT    NOT NULL,
    side          TEXT    NOT NULL,
    severity      TEXT    NOT NULL,
    dedupe_key    TEXT    NOT NULL,
    owner         TEXT,
    candidate     INTEGER NOT NULL,
    registered_at TEXT    NOT NULL,
    updated_at    TEXT    NOT NULL,
    body          TEXT    NOT NULL
) STRICT;

CREATE UNIQUE INDEX ticket_number ON ticket (number_year, number_count);
CREATE UNIQUE INDEX ticket_one_open_for_a_root_cause ON ticket (dedupe_key) WHERE is_open;
CREATE INDEX ticket_by_registration ON ticket (registered_at, id);
CREATE INDEX ticket_by_root_cause ON ticket (dedupe_key, registered_at);
CREATE INDEX ticket_not_final ON ticket (registered_at, id) WHERE state NOT IN ('closed', 'rejected', 'cancelled');

-- Keys that a ticket answers to besides its own: those it had before its location narrowed.
CREATE TABLE ticket_alias (
    alias     TEXT NOT NULL,
    ticket_id TEXT NOT NULL REFERENCES ticket (id),
    PRIMARY KEY (alias, ticket_id)
) STRICT, WITHOUT ROWID;

-- `seq` counts from 1 without a gap; `hash` covers `prev_hash` and every other field down to `payload`.
CREATE TABLE ticket_event (
    seq        INTEGER NOT NULL PRIMARY KEY,
    ticket_id  TEXT    NOT NULL REFERENCES ticket (id),
    at         TEXT    NOT NULL,
    actor      TEXT    NOT NULL,
    type       TEXT    NOT NULL,
    payload    TEXT    NOT NULL,
    visibility TEXT    NOT NULL,
    prev_hash  TEXT    NOT NULL,
    hash       TEXT    NOT NULL
) STRICT;

CREATE INDEX ticket_event_by_ticket ON ticket_event (ticket_id, seq);

-- The event's place is the idempotency key of its notification.
CREATE TABLE outbox (
    seq          INTEGER NOT NULL PRIMARY KEY REFERENCES ticket_event (seq),
    created_at   TEXT    NOT NULL,
    delivered_at TEXT
) STRICT;

CREATE INDEX outbox_undelivered ON outbox (seq) WHERE delivered_at IS NULL;
