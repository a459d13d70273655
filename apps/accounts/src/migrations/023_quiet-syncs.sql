-- When files of the stream that could not be had are to be tried again, or to be asked about; null: there are none.
ALTER TABLE streams ADD COLUMN media_due_at timestamptz DEFAULT now();

-- It found nothing new and had nothing to store: there is nothing to be written or told about it.
ALTER TABLE sync_jobs ADD COLUMN is_quiet boolean NOT NULL DEFAULT false;
