-- Everything large is a body: compressed, addressed by the SHA-256 of what it
-- holds, written once and never changed.
CREATE TABLE body (
	id     INTEGER PRIMARY KEY,
	digest BLOB NOT NULL UNIQUE,
	data   BLOB NOT NULL
);

-- Where the configuration with a digest stands: body id << 16 | slot + 1.
CREATE TABLE place (
	digest BLOB PRIMARY KEY,
	ref    INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE snapshot (
	seq       INTEGER PRIMARY KEY,
	hash      TEXT NOT NULL,
	taken     INTEGER NOT NULL, -- microseconds since 1970, UTC
	assets    INTEGER NOT NULL,
	relations INTEGER NOT NULL,
	sources   TEXT NOT NULL,    -- JSON
	frame     INTEGER NOT NULL REFERENCES body(id),
	manifest  BLOB NOT NULL,    -- ids of the bodies it is made of
	UNIQUE (hash, taken)
);
CREATE INDEX snapshot_taken ON snapshot (taken, seq);

CREATE TABLE blob (
	step    TEXT NOT NULL,
	key     TEXT NOT NULL,
	version INTEGER NOT NULL,
	digest  BLOB NOT NULL,
	data    BLOB NOT NULL,
	PRIMARY KEY (step, key, version)
);
