ALTER TABLE policies ADD COLUMN broker TEXT NOT NULL DEFAULT 'none';
UPDATE policies SET product = upper(product);
