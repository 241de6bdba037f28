-- The audit trail: who, which verb, why, from where (act), and every row changed (change).
-- Owned by sis_audit, which cannot log in. The application may call the functions and touch nothing.

CREATE SCHEMA audit AUTHORIZATION sis_audit;
SET ROLE sis_audit;

CREATE TABLE audit.act (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    txid        bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    account_id  integer,
    actor       text NOT NULL,
    verb        text NOT NULL,
    reason      text,
    origin      text NOT NULL,
    address     text,
    request_id  text,
    db_user     text NOT NULL DEFAULT session_user
);
CREATE INDEX act_at ON audit.act (at);

CREATE TABLE audit.change (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    txid        bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    act_id      bigint REFERENCES audit.act (id),
    db_user     text NOT NULL DEFAULT session_user,
    table_name  text NOT NULL,
    row_key     jsonb NOT NULL,
    operation   char(1) NOT NULL CHECK (operation IN ('I', 'U', 'D')),
    old_values  jsonb,
    new_values  jsonb
);
CREATE INDEX change_row ON audit.change (table_name, row_key);
CREATE INDEX change_act ON audit.change (act_id);

-- The columns named in a list, as a JSON object.
CREATE FUNCTION audit.part(whole jsonb, names text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
    SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(whole) WHERE key = ANY (names)
$$;

-- Secret values become their SHA-256: enough to see that they changed, useless to learn them.
CREATE FUNCTION audit.blind(whole jsonb, secret text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
    SELECT jsonb_object_agg(key, CASE
        WHEN key = ANY (secret) AND value <> 'null'
        THEN to_jsonb('sha256:' || encode(sha256(convert_to(value #>> '{}', 'UTF8')), 'hex'))
        ELSE value END)
    FROM jsonb_each(whole)
$$;

-- The one trigger function. Arguments: key columns, secret columns, ignored columns (each comma-joined).
CREATE FUNCTION audit.record() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    key_names  text[] := string_to_array(TG_ARGV[0], ',');
    secrets    text[] := string_to_array(TG_ARGV[1], ',');
    ignored    text[] := string_to_array(TG_ARGV[2], ',');
    before     jsonb;
    after      jsonb;
    row_key    jsonb;
BEGIN
    IF TG_OP <> 'INSERT' THEN before := to_jsonb(OLD); END IF;
    IF TG_OP <> 'DELETE' THEN after := to_jsonb(NEW); END IF;
    row_key := audit.part(coalesce(before, after), key_names);
    IF TG_OP = 'UPDATE' THEN
        -- Only what changed; the key as it was, so that a replay finds the row.
        SELECT jsonb_object_agg(b.key, b.value), jsonb_object_agg(b.key, a.value)
          INTO before, after
          FROM jsonb_each(before) b JOIN jsonb_each(after) a USING (key)
         WHERE b.value IS DISTINCT FROM a.value AND b.key <> ALL (ignored);
        IF before IS NULL THEN RETURN NULL; END IF;
    END IF;
    IF cardinality(secrets) > 0 THEN
        before := audit.blind(before, secrets);
        after := audit.blind(after, secrets);
    END IF;
    INSERT INTO audit.change (act_id, table_name, row_key, operation, old_values, new_values)
    VALUES (nullif(current_setting('app.act', true), '')::bigint, TG_TABLE_NAME, row_key,
            left(TG_OP, 1), before, after);
    RETURN NULL;
END
$$;

-- Open an act in this transaction; every row changed after it carries its number.
CREATE FUNCTION audit.open_act(
    account_id integer, actor text, verb text, reason text, origin text, address text, request_id text
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    number bigint;
BEGIN
    INSERT INTO audit.act (account_id, actor, verb, reason, origin, address, request_id)
    VALUES (account_id, actor, verb, reason, origin, address, request_id)
    RETURNING id INTO number;
    PERFORM set_config('app.act', number::text, true);
    RETURN number;
END
$$;

-- The history of one row, newest first.
CREATE FUNCTION audit.history(wanted_table text, wanted_key jsonb)
RETURNS TABLE (id bigint, at timestamptz, actor text, verb text, reason text, origin text,
               operation char(1), old_values jsonb, new_values jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT c.id, c.at, coalesce(a.actor, c.db_user), coalesce(a.verb, 'sql'), a.reason,
           coalesce(a.origin, 'base de datos'), c.operation, c.old_values, c.new_values
      FROM audit.change c LEFT JOIN audit.act a ON a.id = c.act_id
     WHERE c.table_name = wanted_table AND c.row_key = wanted_key
     ORDER BY c.id DESC
$$;

-- The number of the last recorded change.
CREATE FUNCTION audit.head() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT coalesce(max(id), 0) FROM audit.change
$$;

CREATE FUNCTION audit.refuse() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'The audit trail is only added to (% refused)', TG_OP;
END
$$;
CREATE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.act
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse();
CREATE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.change
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse();

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit FROM PUBLIC;
GRANT USAGE ON SCHEMA audit TO sis_app, sis_owner;
GRANT EXECUTE ON FUNCTION audit.open_act, audit.history, audit.head TO sis_app, sis_owner;
GRANT EXECUTE ON FUNCTION audit.record TO sis_owner;

RESET ROLE;
