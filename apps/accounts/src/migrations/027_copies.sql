-- What becomes of copies whose items are edited or deleted on their network: they keep what was, or are as the network has it.
ALTER TABLE connections ADD COLUMN copies text NOT NULL DEFAULT 'keep' CHECK (copies IN ('keep', 'mirror'));
