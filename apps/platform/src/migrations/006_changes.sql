-- Of every change of an item its number, of the same sequence as `arrived`: an item whose `arrived` somebody has not seen is new to them.
ALTER TABLE items ADD COLUMN changed bigint NOT NULL DEFAULT nextval('items_arrived_seq');
CREATE INDEX items_changed ON items (user_id, changed);
