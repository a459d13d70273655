-- What a network that charges for it may be asked for in a calendar month (UTC); null: as much as there is.
ALTER TABLE connections ADD COLUMN reads_per_month integer CHECK (reads_per_month > 0);

CREATE TABLE monthly_reads (
  connection_id uuid NOT NULL REFERENCES connections ON DELETE CASCADE,
  -- Its first day.
  month date NOT NULL,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  reads bigint NOT NULL,
  PRIMARY KEY (connection_id, month)
);
CREATE INDEX monthly_reads_user ON monthly_reads (user_id);
SELECT wall_in('monthly_reads');
