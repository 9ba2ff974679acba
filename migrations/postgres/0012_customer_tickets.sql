-- Why: tickets and customers know each other. What people write of a person is sealed at rest as the person himself
-- is: `body_enc` holds it, `body` what an older program left in clear until the first start seals it. Tickets that wait
-- for the end of a fault or of announced work, and solved ones by element and by cause, are found by an index; a
-- contact has a language.
CREATE TABLE ticket_text_sealed (
    id        TEXT        NOT NULL PRIMARY KEY,
    ticket_id TEXT        NOT NULL REFERENCES ticket (id),
    sha256    TEXT        NOT NULL,
    at        TIMESTAMPTZ NOT NULL,
    body      JSONB,
    body_enc  TEXT
);

INSERT INTO ticket_text_sealed (id, ticket_id, sha256, at, body)
    SELECT ticket_id || '/' || sha256, ticket_id, sha256, at, body FROM ticket_text;

DROP TABLE ticket_text;
ALTER TABLE ticket_text_sealed RENAME TO ticket_text;
CREATE INDEX ticket_text_by_ticket ON ticket_text (ticket_id);
CREATE INDEX ticket_text_in_clear ON ticket_text (id) WHERE body IS NOT NULL;

-- Whoever registered a ticket for a known customer meant him.
INSERT INTO customer_ticket (ticket_id, customer_id, contact_id, linked_at)
    SELECT t.id, t.customer, NULL, t.registered_at FROM ticket t JOIN customer c ON c.id = t.customer
    WHERE NOT EXISTS
        (SELECT 1 FROM customer_ticket l WHERE l.ticket_id = t.id AND l.customer_id = t.customer);

CREATE INDEX ticket_clock_waiting ON ticket_clock (ticket_id)
    WHERE clock IN ('announced-work', 'fault-over');
CREATE INDEX ticket_solved_by_segment ON ticket (segment, updated_at)
    WHERE state IN ('resolved', 'awaiting_confirmation', 'settled', 'closed');
CREATE INDEX ticket_solved_by_cause ON ticket (class, cause, updated_at)
    WHERE state IN ('resolved', 'awaiting_confirmation', 'settled', 'closed');

ALTER TABLE contact ADD COLUMN language TEXT;
