-- What became of a file when pages that showed it were removed: `doubted`: perhaps nothing shows it any more, and until that is known it does not
-- count as stored, so that whoever brings it again vouches for it; `removing`: nothing did, and nobody may count on it again.
ALTER TABLE media ADD COLUMN fate text CHECK (fate IN ('doubted', 'removing'));
CREATE INDEX media_fate ON media (user_id, storage_id) WHERE fate IS NOT NULL;
