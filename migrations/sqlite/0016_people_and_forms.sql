-- Why: who does what in the procedure (departments, persons, duty roster, absences), and the records and forms that
-- tickets need. A roster is kept whole, version after version, with who wrote it and why (R114); forms are kept as
-- they were filled in, and never changed: a correction is a newer one.
CREATE TABLE people_roster (
    version INTEGER NOT NULL PRIMARY KEY,
    at      TEXT    NOT NULL,
    actor   TEXT    NOT NULL,
    note    TEXT    NOT NULL,
    body    TEXT    NOT NULL
) STRICT;

-- A filled-in form of a ticket. `body` holds its fields but for personal ones, which are in `ticket_text` and can
-- be erased with the person.
CREATE TABLE ticket_form (
    id        TEXT    NOT NULL PRIMARY KEY,
    ticket_id TEXT    NOT NULL REFERENCES ticket (id),
    form      TEXT    NOT NULL,
    count     INTEGER NOT NULL,
    at        TEXT    NOT NULL,
    actor     TEXT    NOT NULL,
    body      TEXT    NOT NULL,
    UNIQUE (ticket_id, form, count)
) STRICT;

-- A link that lets somebody without a login do one thing once: confirm a result, answer a survey. The secret in it
-- is known by its hash alone.
CREATE TABLE customer_link (
    hash       TEXT    NOT NULL PRIMARY KEY,
    ticket_id  TEXT    NOT NULL REFERENCES ticket (id),
    purpose    TEXT    NOT NULL,
    created_at TEXT    NOT NULL,
    actor      TEXT    NOT NULL,
    expires_at TEXT    NOT NULL,
    used_at    TEXT,
    note       TEXT    NOT NULL
) STRICT;

CREATE INDEX customer_link_of_ticket ON customer_link (ticket_id);
