-- Why: a file of a ticket may prove what its customer agreed to, as the recording of the call or his drawn signature:
-- each kind is kept for its own time and goes with the person. And what a month asks of people is told as events of
-- tickets are: the outbox takes events that no ticket has. Theirs are below zero, what is said of them is fixed when
-- they are written, and `key` lets none be told twice. Tables with references are made anew, as SQLite needs it.
ALTER TABLE ticket_attachment ADD COLUMN kind TEXT NOT NULL DEFAULT 'capture';

CREATE INDEX ticket_attachment_by_kind ON ticket_attachment (kind, at);

CREATE TABLE outbox_with_duties (
    seq          INTEGER NOT NULL PRIMARY KEY,
    event_seq    INTEGER REFERENCES ticket_event (seq),
    key          TEXT,
    created_at   TEXT    NOT NULL,
    expanded_at  TEXT,
    notice       TEXT,
    delivered_at TEXT,
    CHECK ((event_seq IS NULL) = (key IS NOT NULL))
) STRICT;

INSERT INTO outbox_with_duties (seq, event_seq, created_at, expanded_at, notice, delivered_at)
    SELECT seq, seq, created_at, expanded_at, notice, delivered_at FROM outbox;

CREATE TABLE delivery_with_duties (
    seq          INTEGER NOT NULL REFERENCES outbox_with_duties (seq),
    channel      TEXT    NOT NULL,
    ticket_id    TEXT,
    created_at   TEXT    NOT NULL,
    next_at      TEXT    NOT NULL,
    gathered     INTEGER NOT NULL,
    batch        INTEGER,
    attempts     INTEGER NOT NULL,
    tried_at     TEXT,
    delivered_at TEXT,
    dead_at      TEXT,
    last_error   TEXT,
    PRIMARY KEY (seq, channel)
) STRICT;

INSERT INTO delivery_with_duties (seq, channel, ticket_id, created_at, next_at, gathered, batch, attempts, tried_at,
    delivered_at, dead_at, last_error)
    SELECT seq, channel, ticket_id, created_at, next_at, gathered, batch, attempts, tried_at, delivered_at, dead_at,
    last_error FROM delivery;

DROP TABLE delivery;
DROP TABLE outbox;
ALTER TABLE outbox_with_duties RENAME TO outbox;
ALTER TABLE delivery_with_duties RENAME TO delivery;

CREATE UNIQUE INDEX outbox_key ON outbox (key) WHERE key IS NOT NULL;
CREATE INDEX outbox_undelivered ON outbox (seq) WHERE delivered_at IS NULL;
CREATE INDEX outbox_to_expand ON outbox (seq) WHERE expanded_at IS NULL;
CREATE INDEX outbox_by_delivery ON outbox (delivered_at) WHERE delivered_at IS NOT NULL;
CREATE INDEX delivery_waiting ON delivery (channel, next_at, seq) WHERE delivered_at IS NULL AND dead_at IS NULL;
CREATE INDEX delivery_by_ticket ON delivery (channel, ticket_id, seq);
CREATE INDEX delivery_dead ON delivery (seq, channel) WHERE dead_at IS NOT NULL;
