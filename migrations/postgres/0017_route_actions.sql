-- Why: lines that are stopped, diverted or restored wait for people or for a program, over all tickets; what is true
-- of each stands in its ticket. `next_at` is when a program has to look at it: an order survives any death.
CREATE TABLE route_action (
    ticket_id TEXT        NOT NULL REFERENCES ticket (id),
    number    BIGINT      NOT NULL,
    line      TEXT        NOT NULL,
    action    TEXT        NOT NULL,
    state     TEXT        NOT NULL,
    asked_at  TIMESTAMPTZ NOT NULL,
    next_at   TIMESTAMPTZ,
    PRIMARY KEY (ticket_id, number)
);

CREATE INDEX route_action_due ON route_action (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX route_action_by_state ON route_action (state, asked_at);
