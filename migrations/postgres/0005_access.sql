-- Why: who may do what. Only the SHA-256 of a secret is kept: whoever reads the database, or a copy of it,
-- cannot come in with what he finds. Names of tokens are never given twice, because the audit trail has them.
CREATE TABLE api_token (
    name         TEXT        NOT NULL PRIMARY KEY,
    hash         TEXT        NOT NULL UNIQUE,
    role         TEXT        NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    expires_at   TIMESTAMPTZ NOT NULL,
    last_used_at TIMESTAMPTZ,
    revoked_at   TIMESTAMPTZ
);

CREATE TABLE session (
    hash         TEXT        NOT NULL PRIMARY KEY,
    token_name   TEXT        NOT NULL REFERENCES api_token (name),
    created_at   TIMESTAMPTZ NOT NULL,
    last_used_at TIMESTAMPTZ NOT NULL
);

CREATE INDEX session_by_creation ON session (created_at);
