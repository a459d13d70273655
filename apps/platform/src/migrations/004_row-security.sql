-- A second wall (docs/decisions/0007): of a table with people's rows a statement sees and changes those of the person that the service
-- says it works for, whatever it forgets to ask for; with '*' everybody's; with nothing said, none. A new table with a `user_id` needs
--   SELECT wall_in('its_name');
CREATE FUNCTION current_person() RETURNS uuid LANGUAGE sql STABLE AS
$$ SELECT nullif(nullif(current_setting('asheville.person', true), '*'), '')::uuid $$;

CREATE FUNCTION is_for_everybody() RETURNS boolean LANGUAGE sql STABLE AS
$$ SELECT coalesce(current_setting('asheville.person', true), '') = '*' $$;

-- FORCE: the service owns its tables, and owners would be let through.
CREATE FUNCTION wall_in(name regclass, owner_column text DEFAULT 'user_id') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', name);
  -- In sub-selects, so that they are asked once a statement and not once a row.
  EXECUTE format('CREATE POLICY people ON %s USING ((SELECT is_for_everybody()) OR %I = (SELECT current_person()))', name, owner_column);
END
$$;

SELECT wall_in(format('%I.%I', table_schema, table_name)::regclass)
FROM information_schema.columns WHERE table_schema = current_schema() AND column_name = 'user_id';
