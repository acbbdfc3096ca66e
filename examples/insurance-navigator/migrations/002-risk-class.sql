-- The version before this one neither reads nor writes the column: its default keeps that version working.
ALTER TABLE policies ADD COLUMN risk_class TEXT NOT NULL DEFAULT 'standard';
CREATE INDEX policies_by_risk_class ON policies (risk_class);
