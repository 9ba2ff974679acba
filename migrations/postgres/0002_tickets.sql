-- Why: tickets, what happened to them in a hash chain, and what people still have to be told.
-- `body` is the ticket; the other columns repeat what is searched by. The partial unique index is the last
-- guard of "one open ticket for a root cause".
CREATE TABLE ticket (
    id            TEXT        NOT NULL PRIMARY KEY,
    number_year   BIGINT      NOT NULL,
    number_count  BIGINT      NOT NULL,
    version       BIGINT      NOT NULL,
    kind          TEXT        NOT NULL,
    state         TEXT        NOT NULL,
    is_open       BOOLEAN     NOT NULL,
    class         TEXT        NOT NULL,
    cause         TEXT        NOT NULL,
    segment       TEXT        NOT NULL,
    side          TEXT        NOT NULL,
    severity      TEXT        NOT NULL,
    dedupe_key    TEXT        NOT NULL,
    owner         TEXT,
    candidate     BOOLEAN     NOT NULL,
    registered_at TIMESTAMPTZ NOT NULL,
    updated_at    TIMESTAMPTZ NOT NULL,
    body          JSONB       NOT NULL
);

CREATE UNIQUE INDEX ticket_number ON ticket (number_year, number_count);
CREATE UNIQUE INDEX ticket_one_open_for_a_root_cause ON ticket (dedupe_key) WHERE is_open;
CREATE INDEX ticket_by_registration ON ticket (registered_at, id);
CREATE INDEX ticket_by_root_cause ON ticket (dedupe_key, registered_at);
CREATE INDEX ticket_not_final ON ticket (registered_at, id) WHERE state NOT IN ('closed', 'rejected', 'cancelled');

-- Keys that a ticket answers to besides its own: those it had before its location narrowed.
CREATE TABLE ticket_alias (
    alias     TEXT        NOT NULL,
    ticket_id TEXT        NOT NULL REFERENCES ticket (id),
    PRIMARY KEY (alias, ticket_id)
);

-- `seq` counts from 1 without a gap; `hash` covers `prev_hash` and every other field down to `payload`.
CREATE TABLE ticket_event (
    seq        BIGINT      NOT NULL PRIMARY KEY,
    ticket_id  TEXT        NOT NULL REFERENCES ticket (id),
    at         TIMESTAMPTZ NOT NULL,
    actor      TEXT        NOT NULL,
    type       TEXT        NOT NULL,
    payload    TEXT        NOT NULL,
    visibility TEXT        NOT NULL,
    prev_hash  TEXT        NOT NULL,
    hash       TEXT        NOT NULL
);

CREATE INDEX ticket_event_by_ticket ON ticket_event (ticket_id, seq);

-- The event's place is the idempotency key of its notification.
CREATE TABLE outbox (
    seq          BIGINT      NOT NULL PRIMARY KEY REFERENCES ticket_event (seq),
    created_at   TIMESTAMPTZ NOT NULL,
    delivered_at TIMESTAMPTZ
);

CREATE INDEX outbox_undelivered ON outbox (seq) WHERE delivered_at IS NULL;
