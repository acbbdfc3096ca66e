CREATE TABLE users (
  name TEXT PRIMARY KEY,
  role TEXT NOT NULL CHECK (role IN ('customer', 'clerk', 'admin')),
  password_hash TEXT NOT NULL
) STRICT;

CREATE TABLE policies (
  id TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  product TEXT NOT NULL,
  premium_cents INTEGER NOT NULL,
  status TEXT NOT NULL,
  created_at TEXT NOT NULL
) STRICT;
CREATE INDEX policies_by_holder ON policies (holder);

CREATE TABLE documents (
  id TEXT PRIMARY KEY,
  policy TEXT NOT NULL REFERENCES policies (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  media_type TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  created_at TEXT NOT NULL
) STRICT;
CREATE INDEX documents_by_policy ON documents (policy);
