-- Why: calls that were listened to are looked up by number, address and time: whose they were, how they sounded in
-- each ten seconds, what spoiled them. Numbers (`_enc`) are sealed with a key that the database does not hold and found
-- by keyed hashes. `voice_call_key` is what else a call is found by: hosts, and the identities of its other legs.
CREATE TABLE voice_call (
    id         TEXT    NOT NULL PRIMARY KEY,
    started_at TIMESTAMPTZ NOT NULL,
    ended_at   TIMESTAMPTZ NOT NULL,
    trunk      TEXT,
    gateway    TEXT,
    customer   TEXT,
    is_bad     BOOLEAN NOT NULL,
    from_enc   TEXT,
    from_hash  TEXT,
    to_enc     TEXT,
    to_hash    TEXT,
    body       JSONB   NOT NULL
);

CREATE INDEX voice_call_by_start ON voice_call (started_at, id);
CREATE INDEX voice_call_by_end ON voice_call (ended_at);
CREATE INDEX voice_call_by_from ON voice_call (from_hash, started_at) WHERE from_hash IS NOT NULL;
CREATE INDEX voice_call_by_to ON voice_call (to_hash, started_at) WHERE to_hash IS NOT NULL;
CREATE INDEX voice_call_by_trunk ON voice_call (trunk, started_at) WHERE trunk IS NOT NULL;

CREATE TABLE voice_call_key (
    key     TEXT NOT NULL,
    call_id TEXT NOT NULL REFERENCES voice_call (id) ON DELETE CASCADE,
    PRIMARY KEY (key, call_id)
);

CREATE INDEX voice_call_key_by_call ON voice_call_key (call_id);
