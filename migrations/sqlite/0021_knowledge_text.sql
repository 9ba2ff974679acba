-- Why: words are found by the database's own full text index instead of a table of tokens. The columns hold texts that
-- the program took apart (words, pairs of Chinese signs), so that both databases find the same. An article has its
-- number as row. Articles that are there already are put in by the program when it starts: SQL cannot take them apart.
DROP TABLE knowledge_token;

CREATE VIRTUAL TABLE knowledge_text USING fts5 (
    title, symptom, cause, solution, tokenize = 'unicode61 remove_diacritics 0'
);

-- Words that were taken out are not left lying in the index.
INSERT INTO knowledge_text (knowledge_text, rank) VALUES ('secure-delete', 1);

CREATE TRIGGER knowledge_text_goes_with_its_article AFTER DELETE ON knowledge_article
BEGIN
    DELETE FROM knowledge_text WHERE rowid = old.number;
END;
