ALTER TABLE policies ADD COLUMN broker TEXT;
UPDATE policies SET brokerage = 'none';
