-- Why: when each ticket has something to be done next, so that the sweep reads only what has come. The due times
-- themselves are computed from the ticket's log; every event of a ticket writes its rows anew.
CREATE TABLE ticket_clock (
    ticket_id TEXT        NOT NULL REFERENCES ticket (id),
    clock     TEXT        NOT NULL,
    due_at    TIMESTAMPTZ NOT NULL,
    next_at   TIMESTAMPTZ,
    state     TEXT        NOT NULL,
    PRIMARY KEY (ticket_id, clock)
);

CREATE INDEX ticket_clock_by_due ON ticket_clock (due_at);
CREATE INDEX ticket_clock_next ON ticket_clock (next_at, ticket_id) WHERE next_at IS NOT NULL;
