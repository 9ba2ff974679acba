-- Why: what was learnt of a case is written down once and found again: by what kind of case it is, then by its words.
-- `body` is the article; the other columns repeat what is searched by. Tokens are words and pairs of Chinese signs, so
-- that both databases find the same.
CREATE TABLE knowledge_article (
    id            TEXT        NOT NULL PRIMARY KEY,
    number        BIGINT      NOT NULL,
    version       BIGINT      NOT NULL,
    kind          TEXT        NOT NULL,
    review        TEXT        NOT NULL,
    class         TEXT        NOT NULL,
    purpose       TEXT        NOT NULL,
    source_ticket TEXT,
    updated_at    TIMESTAMPTZ NOT NULL,
    body          JSONB       NOT NULL
);

CREATE UNIQUE INDEX knowledge_article_number ON knowledge_article (number);
CREATE UNIQUE INDEX knowledge_article_by_ticket ON knowledge_article (source_ticket) WHERE source_ticket IS NOT NULL;
CREATE INDEX knowledge_article_by_class ON knowledge_article (review, class, number);

CREATE TABLE knowledge_token (
    token      TEXT   NOT NULL,
    article_id TEXT   NOT NULL REFERENCES knowledge_article (id),
    weight     BIGINT NOT NULL,
    PRIMARY KEY (token, article_id)
);

CREATE INDEX knowledge_token_by_article ON knowledge_token (article_id);

-- Who said of an article that it helped with a ticket, or not; once a person and ticket.
CREATE TABLE knowledge_use (
    article_id TEXT        NOT NULL REFERENCES knowledge_article (id),
    ticket_id  TEXT        NOT NULL REFERENCES ticket (id),
    by_whom    TEXT        NOT NULL,
    helped     BOOLEAN     NOT NULL,
    at         TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (article_id, ticket_id, by_whom)
);

-- The loops that look after solved tickets and after repairs read only what changed of late.
CREATE INDEX ticket_by_update ON ticket (updated_at);
CREATE INDEX ticket_verifying ON ticket (updated_at, id) WHERE state = 'verifying';
