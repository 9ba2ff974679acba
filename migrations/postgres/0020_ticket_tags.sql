-- Why: lists are filtered by tags of the second level (R49). A ticket's body holds them; here they can be found.
CREATE TABLE ticket_tag (
    tag       TEXT NOT NULL,
    ticket_id TEXT NOT NULL REFERENCES ticket (id),
    PRIMARY KEY (tag, ticket_id)
);

CREATE INDEX ticket_tag_of_ticket ON ticket_tag (ticket_id);

INSERT INTO ticket_tag (tag, ticket_id)
SELECT DISTINCT j.value, t.id FROM ticket t, jsonb_array_elements_text(t.body -> 'process' -> 'tags') AS j (value);
