-- Why: bills that were compared are held with their inputs' hashes, contract version and result for five months
-- at least. `run_key` covers everything that a run depends on: the same files twice are one run. A run without
-- `planned_at` still has to be brought before the tickets; files lie in the directory of bills, by `id`.
CREATE TABLE reconcile_run (
    id          TEXT        NOT NULL PRIMARY KEY,
    run_key     TEXT        NOT NULL UNIQUE,
    party       TEXT        NOT NULL,
    period      TEXT,
    status      TEXT        NOT NULL,
    attempts    BIGINT      NOT NULL,
    request     JSONB       NOT NULL,
    answer      JSONB,
    fault       JSONB,
    error       TEXT,
    ticket_id   TEXT REFERENCES ticket (id),
    created_by  TEXT        NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    started_at  TIMESTAMPTZ,
    finished_at TIMESTAMPTZ,
    planned_at  TIMESTAMPTZ
);

CREATE INDEX reconcile_run_waiting ON reconcile_run (created_at, id) WHERE status IN ('queued', 'running');
CREATE INDEX reconcile_run_to_plan ON reconcile_run (finished_at) WHERE planned_at IS NULL;
CREATE INDEX reconcile_run_by_ticket ON reconcile_run (ticket_id);
CREATE INDEX reconcile_run_by_party ON reconcile_run (party, id);
