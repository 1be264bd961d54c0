-- Everything large is a body: compressed, addressed by the SHA-256 of what it
-- holds, written once and never changed.
CREATE TABLE body (
	id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	digest bytea NOT NULL UNIQUE,
	data   bytea NOT NULL
);
-- The bodies are compressed already.
ALTER TABLE body ALTER COLUMN data SET STORAGE EXTERNAL;

-- Where the configuration with a digest stands: body id << 16 | slot + 1.
CREATE TABLE place (
	digest bytea PRIMARY KEY,
	ref    bigint NOT NULL
);

CREATE TABLE snapshot (
	seq       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	hash      text NOT NULL,
	taken     bigint NOT NULL, -- microseconds since 1970, UTC
	assets    bigint NOT NULL,
	relations bigint NOT NULL,
	sources   text NOT NULL,   -- JSON
	frame     bigint NOT NULL REFERENCES body(id),
	manifest  bytea NOT NULL,  -- ids of the bodies it is made of
	UNIQUE (hash, taken)
);
CREATE INDEX snapshot_taken ON snapshot (taken, seq);

CREATE TABLE blob (
	step    text NOT NULL,
	key     text NOT NULL,
	version bigint NOT NULL,
	digest  bytea NOT NULL,
	data    bytea NOT NULL,
	PRIMARY KEY (step, key, version)
);

-- Who holds the advisory lock of this schema.
CREATE TABLE holder (
	one   boolean PRIMARY KEY DEFAULT true CHECK (one),
	pid   bigint NOT NULL,
	host  text NOT NULL,
	since text NOT NULL
);
