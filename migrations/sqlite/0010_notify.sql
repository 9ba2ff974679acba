-- Why: an event in the outbox becomes one delivery a channel, so that each is tried by itself, gives up by itself and
-- is never told twice under two keys. `notice` is what is said of the event: fixed when it is expanded, without
-- personal data. `batch` fixes which deliveries go in one message before it is sent: sent again after a death, it
-- carries the same key.
ALTER TABLE outbox ADD COLUMN expanded_at TEXT;
ALTER TABLE outbox ADD COLUMN notice TEXT;

-- Up to now there was nobody to tell: what is old is not told late.
UPDATE outbox SET expanded_at = created_at, delivered_at = COALESCE(delivered_at, created_at);

CREATE INDEX outbox_to_expand ON outbox (seq) WHERE expanded_at IS NULL;
CREATE INDEX outbox_by_delivery ON outbox (delivered_at) WHERE delivered_at IS NOT NULL;

CREATE TABLE delivery (
    seq          INTEGER NOT NULL REFERENCES outbox (seq),
    channel      TEXT    NOT NULL,
    ticket_id    TEXT    NOT NULL,
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

CREATE INDEX delivery_waiting ON delivery (channel, next_at, seq) WHERE delivered_at IS NULL AND dead_at IS NULL;
CREATE INDEX delivery_by_ticket ON delivery (channel, ticket_id, seq);
CREATE INDEX delivery_dead ON delivery (seq, channel) WHERE dead_at IS NOT NULL;
