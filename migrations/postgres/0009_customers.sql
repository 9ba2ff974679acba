-- Why: who is called when a ticket says that somebody is affected, what he has of ours, and who looked at it.
-- Columns in `_enc` are sealed with a key that the database does not hold; those in `_hash`, and `customer_word`,
-- are keyed hashes to find a row by. `customer_ticket` and `customer_text` keep a person's words out of the chain
-- of ticket events, so that they can be erased and the chain still verifies.
CREATE TABLE customer (
    id             TEXT    NOT NULL PRIMARY KEY,
    version        BIGINT  NOT NULL,
    kind           TEXT    NOT NULL,
    name_enc       TEXT,
    inventory_name TEXT,
    segment        TEXT,
    key_account    BOOLEAN NOT NULL,
    privacy_class  TEXT    NOT NULL,
    note_enc       TEXT,
    created_at     TIMESTAMPTZ    NOT NULL,
    created_by     TEXT    NOT NULL,
    updated_at     TIMESTAMPTZ    NOT NULL,
    erased_at      TIMESTAMPTZ
);

CREATE UNIQUE INDEX customer_by_inventory ON customer (inventory_name) WHERE inventory_name IS NOT NULL;
CREATE INDEX customer_by_update ON customer (updated_at) WHERE erased_at IS NULL;

CREATE TABLE contact (
    id                TEXT NOT NULL PRIMARY KEY,
    customer_id       TEXT NOT NULL REFERENCES customer (id),
    role              TEXT,
    title             TEXT,
    name_enc          TEXT,
    phone_enc         TEXT,
    phone_hash        TEXT,
    email_enc         TEXT,
    email_hash        TEXT,
    address_enc       TEXT,
    im_handle_enc     TEXT,
    preferred_channel TEXT,
    consent           TEXT NOT NULL,
    verified_at       TIMESTAMPTZ,
    verified_by       TEXT,
    created_at        TIMESTAMPTZ NOT NULL
);

CREATE INDEX contact_by_customer ON contact (customer_id, id);
CREATE INDEX contact_by_phone ON contact (phone_hash);
CREATE INDEX contact_by_email ON contact (email_hash);

CREATE TABLE customer_word (
    hash        TEXT NOT NULL,
    customer_id TEXT NOT NULL REFERENCES customer (id),
    PRIMARY KEY (hash, customer_id)
);

CREATE INDEX customer_word_by_customer ON customer_word (customer_id);

CREATE TABLE service_asset (
    id               TEXT    NOT NULL PRIMARY KEY,
    customer_id      TEXT    NOT NULL REFERENCES customer (id),
    kind             TEXT    NOT NULL,
    element          TEXT,
    company_supplied BOOLEAN NOT NULL,
    model            TEXT,
    serial_enc       TEXT,
    bought_on        TEXT,
    warranty_until   TEXT,
    meets_standard   BOOLEAN,
    created_at       TIMESTAMPTZ    NOT NULL
);

CREATE INDEX service_asset_by_customer ON service_asset (customer_id, id);

CREATE TABLE customer_ticket (
    ticket_id   TEXT NOT NULL REFERENCES ticket (id),
    customer_id TEXT NOT NULL REFERENCES customer (id),
    contact_id  TEXT,
    linked_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (ticket_id, customer_id)
);

CREATE INDEX customer_ticket_by_customer ON customer_ticket (customer_id);

-- What somebody said, in his words: the description of a complaint, who was there, what was answered.
CREATE TABLE customer_text (
    id          TEXT NOT NULL PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customer (id),
    ticket_id   TEXT REFERENCES ticket (id),
    kind        TEXT NOT NULL,
    text_enc    TEXT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    created_by  TEXT NOT NULL
);

CREATE INDEX customer_text_by_customer ON customer_text (customer_id, id);
CREATE INDEX customer_text_by_ticket ON customer_text (ticket_id, id);

-- Who read, changed, took out or erased personal data: a chain of its own, as that of ticket events.
CREATE TABLE privacy_event (
    seq         BIGINT  NOT NULL PRIMARY KEY,
    customer_id TEXT    NOT NULL,
    at          TIMESTAMPTZ    NOT NULL,
    actor       TEXT    NOT NULL,
    payload     TEXT    NOT NULL,
    prev_hash   TEXT    NOT NULL,
    hash        TEXT    NOT NULL
);

CREATE INDEX privacy_event_by_customer ON privacy_event (customer_id, seq);
