-- Why: facts about the database itself that must change in the same transaction as what they speak of:
-- the fencing number of the daemon that may write, the newest plan carried out, how far the roll-up has come.
CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO meta (name, value) VALUES ('fence', '0'), ('carried_out_generation', '0');
