-- Why: announced work. Inside its window new trouble on what it covers opens no ticket; what outlives it does,
-- with its real beginning. `body` is the window with its trail; the other columns repeat what is searched by.
CREATE TABLE maintenance_window (
    id        TEXT    NOT NULL PRIMARY KEY,
    version   INTEGER NOT NULL,
    starts_at TEXT    NOT NULL,
    ends_at   TEXT    NOT NULL,
    body      TEXT    NOT NULL
) STRICT;

CREATE INDEX maintenance_window_by_end ON maintenance_window (ends_at, id);
