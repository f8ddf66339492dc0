-- What agents can search: files of notes and sessions, in chunks, and the vectors of the chunks' texts.

CREATE TABLE memory_files (
    agent_id TEXT NOT NULL,
    source TEXT NOT NULL,
    path TEXT NOT NULL,
    hash TEXT NOT NULL,
    modified_at BIGINT NOT NULL,
    size BIGINT NOT NULL,
    indexed_at BIGINT NOT NULL,
    PRIMARY KEY (agent_id, source, path)
) WITHOUT ROWID;

CREATE TABLE memory_chunks (
    position INTEGER NOT NULL PRIMARY KEY,
    agent_id TEXT NOT NULL,
    source TEXT NOT NULL,
    path TEXT NOT NULL,
    ordinal BIGINT NOT NULL,
    start_line BIGINT NOT NULL,
    end_line BIGINT NOT NULL,
    hash TEXT NOT NULL,
    text TEXT NOT NULL,
    words TEXT NOT NULL,
    said_at BIGINT NOT NULL,
    UNIQUE (agent_id, source, path, ordinal)
);
CREATE INDEX memory_chunks_hash ON memory_chunks (agent_id, hash);

-- Positions are never given out anew: whoever has read up to one needs to read only what follows.
CREATE TABLE memory_vectors (
    position INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    agent_id TEXT NOT NULL,
    model TEXT NOT NULL,
    hash TEXT NOT NULL,
    embedding BLOB NOT NULL,
    UNIQUE (agent_id, model, hash)
);
CREATE INDEX memory_vectors_position ON memory_vectors (agent_id, model, position);

CREATE VIRTUAL TABLE memory_search USING fts5 (
    words, content = 'memory_chunks', content_rowid = 'position',
    tokenize = "unicode61 remove_diacritics 0"
);
CREATE TRIGGER memory_chunk_added AFTER INSERT ON memory_chunks BEGIN
    INSERT INTO memory_search (rowid, words) VALUES (new.position, new.words);
END;
CREATE TRIGGER memory_chunk_removed AFTER DELETE ON memory_chunks BEGIN
    INSERT INTO memory_search (memory_search, rowid, words)
    VALUES ('delete', old.position, old.words);
END;
