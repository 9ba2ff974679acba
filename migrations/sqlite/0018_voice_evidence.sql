-- Why: what endpoints say of streams that our capture did not see is their word and stands apart from calls that were
-- measured. And a ticket has files: short captures of the worst calls, sealed as personal data are (`content_enc`),
-- few and small, forgotten with the calls.
CREATE TABLE voice_word (
    id      TEXT NOT NULL PRIMARY KEY,
    call_id TEXT NOT NULL,
    said_at TEXT NOT NULL,
    body    TEXT NOT NULL
) STRICT;

CREATE INDEX voice_word_by_call ON voice_word (call_id);
CREATE INDEX voice_word_by_time ON voice_word (said_at);

CREATE TABLE ticket_attachment (
    id          TEXT    NOT NULL PRIMARY KEY,
    ticket_id   TEXT    NOT NULL REFERENCES ticket (id),
    at          TEXT    NOT NULL,
    size        INTEGER NOT NULL,
    sha256      TEXT    NOT NULL,
    body        TEXT    NOT NULL,
    content_enc TEXT    NOT NULL
) STRICT;

CREATE INDEX ticket_attachment_by_ticket ON ticket_attachment (ticket_id, at);
CREATE INDEX ticket_attachment_by_time ON ticket_attachment (at);
