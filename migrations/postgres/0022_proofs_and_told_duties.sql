-- Why: a file of a ticket may prove what its customer agreed to, as the recording of the call or his drawn signature:
-- each kind is kept for its own time and goes with the person. And what a month asks of people is told as events of
-- tickets are: the outbox takes events that no ticket has. Theirs are below zero, what is said of them is fixed when
-- they are written, and `key` lets none be told twice.
ALTER TABLE ticket_attachment ADD COLUMN kind TEXT NOT NULL DEFAULT 'capture';

CREATE INDEX ticket_attachment_by_kind ON ticket_attachment (kind, at);

ALTER TABLE outbox ADD COLUMN event_seq BIGINT REFERENCES ticket_event (seq);
ALTER TABLE outbox ADD COLUMN key TEXT;
ALTER TABLE outbox DROP CONSTRAINT outbox_seq_fkey;
UPDATE outbox SET event_seq = seq;
ALTER TABLE outbox ADD CHECK ((event_seq IS NULL) = (key IS NOT NULL));
CREATE UNIQUE INDEX outbox_key ON outbox (key) WHERE key IS NOT NULL;

ALTER TABLE delivery ALTER COLUMN ticket_id DROP NOT NULL;
