-- Why: words are found by the database's own full text index instead of a table of tokens. The columns hold texts that
-- the program took apart (words, pairs of Chinese signs), so that both databases find the same. An article has its
-- number as row. Articles that are there already are put in by the program when it starts: SQL cannot take them apart.
DROP TABLE knowledge_token;

CREATE TABLE knowledge_text (
    rowid    BIGINT   NOT NULL PRIMARY KEY REFERENCES knowledge_article (number) ON DELETE CASCADE,
    title    TEXT     NOT NULL,
    symptom  TEXT     NOT NULL,
    cause    TEXT     NOT NULL,
    solution TEXT     NOT NULL,
    words    TSVECTOR NOT NULL GENERATED ALWAYS AS (
        setweight(to_tsvector('simple', title), 'A') || setweight(to_tsvector('simple', symptom), 'B')
        || setweight(to_tsvector('simple', cause), 'C') || setweight(to_tsvector('simple', solution), 'D')
    ) STORED
);

CREATE INDEX knowledge_text_by_words ON knowledge_text USING gin (words);
