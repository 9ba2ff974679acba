-- Why: tickets that people register. Whose they are and what stands above them is searched by; `reported` keeps
-- them out of the planning of measured faults.
ALTER TABLE ticket ADD COLUMN reported BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE ticket ADD COLUMN customer TEXT;
ALTER TABLE ticket ADD COLUMN parent_id TEXT;

CREATE INDEX ticket_by_customer ON ticket (customer, registered_at) WHERE customer IS NOT NULL;
CREATE INDEX ticket_by_parent ON ticket (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX ticket_open_by_segment ON ticket (segment) WHERE is_open;
CREATE INDEX ticket_to_plan ON ticket (registered_at, id)
    WHERE NOT reported AND state NOT IN ('closed', 'rejected', 'cancelled');

-- Words of people, which may name a person: erased without touching the chain, which holds their hash alone.
CREATE TABLE ticket_text (
    ticket_id TEXT        NOT NULL REFERENCES ticket (id),
    sha256    TEXT        NOT NULL,
    at        TIMESTAMPTZ NOT NULL,
    body      JSONB       NOT NULL,
    PRIMARY KEY (ticket_id, sha256)
);

-- A registration that is sent again makes no second ticket.
CREATE TABLE ticket_idempotency (
    actor     TEXT        NOT NULL,
    key       TEXT        NOT NULL,
    request   TEXT        NOT NULL,
    ticket_id TEXT        NOT NULL REFERENCES ticket (id),
    at        TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (actor, key)
);
