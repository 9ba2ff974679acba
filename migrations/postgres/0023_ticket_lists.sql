-- Why: a page of tickets that few or none match was found by reading all tickets with all that they hold. What a list
-- can be asked for stands in one index in the order of the list, which is read instead; what picks few tickets has one
-- of its own.
DROP INDEX ticket_by_registration;
CREATE INDEX ticket_list ON ticket
    (registered_at, id, is_open, state, kind, class, severity, owner, segment, customer, parent_id);
CREATE INDEX ticket_by_owner ON ticket (owner, registered_at, id) WHERE owner IS NOT NULL;
CREATE INDEX ticket_by_segment ON ticket (segment, registered_at, id);
-- Looked at every few seconds.
CREATE INDEX ticket_clock_reopen ON ticket_clock (ticket_id, due_at) WHERE clock = 'reopen-window';
CREATE INDEX ticket_explaining ON ticket (registered_at, id) WHERE is_open AND kind = 'fault' AND parent_id IS NULL;
