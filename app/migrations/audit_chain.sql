-- The chain of the trail: each row of act, change and reading gets a seal, in batches, a moment after its
-- commit. hash = sha256(hash before, number, words of the row), so that a row edited, deleted, inserted, moved
-- or cut off afterwards is found by whoever kept one hash elsewhere.

SET ROLE sis_audit;

-- I, U, D: a row of the domain. T: a table emptied by TRUNCATE. L: rows loaded without a trace, on purpose, and
-- said so. C: columns that a migration added, with the value that they gave to the rows that were there.
ALTER TABLE audit.change
    ADD COLUMN reserved_hash text,
    DROP CONSTRAINT change_operation_check,
    ADD CONSTRAINT change_operation_check CHECK (operation IN ('I', 'U', 'D', 'T', 'L', 'C'));
CREATE INDEX change_without_act ON audit.change (at) WHERE act_id IS NULL;

-- Somebody was shown a record that few may read.
CREATE TABLE audit.reading (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    txid        bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    act_id      bigint NOT NULL REFERENCES audit.act (id),
    table_name  text NOT NULL,
    row_key     jsonb NOT NULL
);
CREATE INDEX reading_row ON audit.reading (table_name, row_key);
CREATE INDEX reading_act ON audit.reading (act_id);

-- The values of tables under row-level security, under the same policy: `owner` holds the columns that it asks
-- for. The change says «dato reservado» and keeps a hash of this row; the salt keeps short values from being
-- guessed by it.
CREATE TABLE audit.reserved (
    change_id   bigint PRIMARY KEY REFERENCES audit.change (id),
    table_name  text NOT NULL,
    owner       jsonb NOT NULL,
    salt        text NOT NULL,
    old_values  jsonb,
    new_values  jsonb
);
ALTER TABLE audit.reserved ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY adders ON audit.reserved FOR INSERT WITH CHECK (true);
-- Only functions that give no value away say so (verify, compare); the others take it back.
CREATE POLICY checkers ON audit.reserved FOR SELECT
    USING (current_setting('audit.checking', true) = 'on');

CREATE TABLE audit.seal (
    seq         bigint PRIMARY KEY,
    kind        "char" NOT NULL CHECK (kind IN ('a', 'c', 'r')),
    row_id      bigint NOT NULL,
    hash        bytea NOT NULL,
    UNIQUE (kind, row_id)
);

-- The head of the chain. `settled`: every row up to this number is sealed or was never committed, so that one
-- without a seal was put there by somebody. `pending` becomes `settled` when all transactions up to
-- `pending_txid` are over: only then can no row with such a number still be on its way.
CREATE TABLE audit.sealing (
    single       boolean PRIMARY KEY DEFAULT true CHECK (single),
    seq          bigint NOT NULL DEFAULT 0,
    hash         bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    at           timestamptz,
    settled      bigint[] NOT NULL DEFAULT '{0,0,0}',
    pending      bigint[],
    pending_txid bigint
);
INSERT INTO audit.sealing DEFAULT VALUES;

-- The words of a row, the same on every server and in every time zone.
CREATE FUNCTION audit.moment(at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;
CREATE FUNCTION audit.words(a audit.act) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT jsonb_build_object('kind', 'act', 'id', a.id, 'at', audit.moment(a.at), 'txid', a.txid,
        'account', a.account_id, 'actor', a.actor, 'verb', a.verb, 'reason', a.reason, 'origin', a.origin,
        'address', a.address, 'request', a.request_id, 'db_user', a.db_user)::text
$$;
CREATE FUNCTION audit.words(c audit.change) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT jsonb_build_object('kind', 'change', 'id', c.id, 'at', audit.moment(c.at), 'txid', c.txid,
        'act', c.act_id, 'db_user', c.db_user, 'table', c.table_name, 'key', c.row_key,
        'operation', c.operation, 'old', c.old_values, 'new', c.new_values, 'reserved', c.reserved_hash)::text
$$;
CREATE FUNCTION audit.words(r audit.reading) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT jsonb_build_object('kind', 'reading', 'id', r.id, 'at', audit.moment(r.at), 'txid', r.txid,
        'act', r.act_id, 'table', r.table_name, 'key', r.row_key)::text
$$;
CREATE FUNCTION audit.link(before bytea, seq bigint, words text) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT sha256(convert_to(encode(before, 'hex') || ' ' || seq || ' ' || words, 'UTF8'))
$$;
CREATE FUNCTION audit.next_link(state bytea, head bytea, seq bigint, words text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN sha256(convert_to(encode(coalesce(state, head), 'hex') || ' ' || seq || ' ' || words, 'UTF8'));
END
$$;
CREATE AGGREGATE audit.chain(head bytea, seq bigint, words text) (SFUNC = audit.next_link, STYPE = bytea);
CREATE FUNCTION audit.hash_of(v audit.reserved) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT encode(sha256(convert_to(
        jsonb_build_array(v.salt, v.table_name, v.owner, v.old_values, v.new_values)::text, 'UTF8')), 'hex')
$$;

-- The columns of a key, as a JSON object.
CREATE FUNCTION audit.key(whole jsonb, names text[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF cardinality(names) = 1 THEN
        RETURN jsonb_build_object(names[1], whole -> names[1]);
    END IF;
    RETURN audit.part(whole, names);
END
$$;

-- Names without their values.
CREATE FUNCTION audit.veil(whole jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
    SELECT jsonb_object_agg(key, 'dato reservado') FROM jsonb_each(whole)
$$;

-- Add one change: secret values as their hash, those of a table under row-level security in the reserved part.
CREATE FUNCTION audit.write(
    named text, row_key jsonb, operation text, before jsonb, after jsonb, secret text, asked jsonb
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    part   audit.reserved;
BEGIN
    IF secret <> '' THEN
        before := audit.blind(before, string_to_array(secret, ','));
        after := audit.blind(after, string_to_array(secret, ','));
    END IF;
    IF asked IS NULL THEN
        INSERT INTO audit.change (act_id, table_name, row_key, operation, old_values, new_values)
        VALUES (nullif(current_setting('app.act', true), '')::bigint, named, row_key, operation, before, after);
        RETURN;
    END IF;
    part := (0, named, asked, gen_random_uuid(), before, after);
    INSERT INTO audit.change
        (act_id, table_name, row_key, operation, old_values, new_values, reserved_hash)
    VALUES (nullif(current_setting('app.act', true), '')::bigint, named, row_key, operation,
            audit.veil(before), audit.veil(after), audit.hash_of(part))
    RETURNING id INTO part.change_id;
    INSERT INTO audit.reserved SELECT part.*;
END
$$;

-- The one trigger function. Arguments, each comma-joined: key columns, secret columns, ignored columns and, of a
-- table under row-level security, the columns that its policy asks for. TRUNCATE has none.
CREATE OR REPLACE FUNCTION audit.record() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    keys     text[];
    old_row  jsonb;
    new_row  jsonb;
    before   jsonb;
    after    jsonb;
    row_key  jsonb;
    asked    jsonb;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        PERFORM audit.write(TG_TABLE_NAME, '{}', 'T', NULL, NULL, '', NULL);
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN old_row := to_jsonb(OLD); END IF;
    IF TG_OP <> 'DELETE' THEN new_row := to_jsonb(NEW); END IF;
    keys := string_to_array(TG_ARGV[0], ',');
    row_key := audit.key(coalesce(old_row, new_row), keys);
    IF TG_NARGS > 3 THEN asked := audit.key(coalesce(new_row, old_row), string_to_array(TG_ARGV[3], ',')); END IF;
    IF TG_OP <> 'UPDATE' THEN
        PERFORM audit.write(TG_TABLE_NAME, row_key, left(TG_OP, 1), old_row, new_row, TG_ARGV[1], asked);
        RETURN NULL;
    END IF;
    -- Only what changed; the key as it was, so that a replay finds the row.
    SELECT jsonb_object_agg(b.key, b.value), jsonb_object_agg(b.key, a.value)
      INTO before, after
      FROM jsonb_each(old_row) b JOIN jsonb_each(new_row) a USING (key)
     WHERE b.value IS DISTINCT FROM a.value AND b.key <> ALL (string_to_array(TG_ARGV[2], ','));
    IF before ?| keys THEN  -- another key is another row: one goes, one comes
        PERFORM audit.write(TG_TABLE_NAME, row_key, 'D', old_row, NULL, TG_ARGV[1], asked);
        PERFORM audit.write(TG_TABLE_NAME, audit.key(new_row, keys), 'I', NULL, new_row, TG_ARGV[1], asked);
    ELSIF before IS NOT NULL THEN
        PERFORM audit.write(TG_TABLE_NAME, row_key, 'U', before, after, TG_ARGV[1], asked);
    END IF;
    RETURN NULL;
END
$$;

-- As before; the number of the transaction comes first, so that seal() knows by it which rows are on their way.
CREATE OR REPLACE FUNCTION audit.open_act(
    account_id integer, actor text, verb text, reason text, origin text, address text, request_id text
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    number bigint;
BEGIN
    PERFORM pg_current_xact_id();
    INSERT INTO audit.act (account_id, actor, verb, reason, origin, address, request_id)
    VALUES (account_id, actor, verb, reason, origin, address, request_id)
    RETURNING id INTO number;
    PERFORM set_config('app.act', number::text, true);
    RETURN number;
END
$$;

-- Within an act: its person is shown these records.
CREATE FUNCTION audit.note_readings(named text, keys jsonb[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    INSERT INTO audit.reading (act_id, table_name, row_key)
    SELECT nullif(current_setting('app.act', true), '')::bigint, named, key FROM unnest(keys) key
$$;

-- Rows that came without a trace, on purpose: who loads says so. Their keys are `id`, from one to another.
CREATE FUNCTION audit.note_load(named text, first bigint, last bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT audit.write(named, jsonb_build_object('from', first, 'to', last), 'L', NULL, NULL, '', NULL)
$$;

-- Columns that a migration added: their value in the rows that were there; those whose value is not known.
CREATE FUNCTION audit.note_added(named text, known jsonb, others text[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT audit.write(named, '{}', 'C', (SELECT jsonb_object_agg(name, NULL) FROM unnest(others) name),
                       known, '', NULL)
$$;

-- Give the next rows their seals, at most so many; how many they were. One at a time. Call it first in its
-- transaction: what a transaction under way may still write is told by the numbers of transactions.
CREATE FUNCTION audit.seal(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    alone   boolean := pg_current_xact_id_if_assigned() IS NULL;
    head    audit.sealing;
    numbers bigint[];
    oldest  bigint;
    done    integer;
BEGIN
    PERFORM pg_advisory_xact_lock(20130140);
    SELECT * INTO head FROM audit.sealing;
    SELECT ARRAY[(SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM audit.act_id_seq),
                 (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM audit.change_id_seq),
                 (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM audit.reading_id_seq)]
      INTO numbers;
    oldest := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    INSERT INTO audit.seal (seq, kind, row_id, hash)
    SELECT seq, kind, id, audit.chain(head.hash, seq, words) OVER (ORDER BY seq)
      FROM (SELECT head.seq + t.place AS seq, t.kind, t.id,
                   CASE t.kind WHEN 'a' THEN audit.words(a) WHEN 'c' THEN audit.words(c)
                   ELSE audit.words(r) END AS words
              FROM (SELECT kind, id, row_number() OVER (ORDER BY txid, kind, id) AS place
                      FROM (SELECT 'a'::"char" AS kind, x.id, x.txid FROM audit.act x
                             WHERE x.id > head.settled[1]
                             UNION ALL
                            SELECT 'c', x.id, x.txid FROM audit.change x WHERE x.id > head.settled[2]
                             UNION ALL
                            SELECT 'r', x.id, x.txid FROM audit.reading x WHERE x.id > head.settled[3]) each
                     WHERE NOT EXISTS (SELECT FROM audit.seal s WHERE s.kind = each.kind AND s.row_id = each.id)
                     ORDER BY place LIMIT most) t
              LEFT JOIN audit.act a ON t.kind = 'a' AND a.id = t.id
              LEFT JOIN audit.change c ON t.kind = 'c' AND c.id = t.id
              LEFT JOIN audit.reading r ON t.kind = 'r' AND r.id = t.id) w;
    GET DIAGNOSTICS done = ROW_COUNT;
    IF done > 0 THEN
        UPDATE audit.sealing SET seq = head.seq + done, at = clock_timestamp(),
               hash = (SELECT s.hash FROM audit.seal s WHERE s.seq = head.seq + done);
    END IF;
    IF alone AND done < most THEN
        -- A copy of the database on another server counts transactions anew; none of the old ones goes on there.
        IF head.pending_txid < oldest OR head.pending_txid > pg_current_xact_id()::text::bigint THEN
            head.settled := head.pending;
            head.pending := NULL;
            UPDATE audit.sealing SET settled = head.settled, pending = NULL, pending_txid = NULL;
        END IF;
        IF head.pending IS NULL AND head.settled <> numbers THEN
            UPDATE audit.sealing SET pending = numbers, pending_txid = pg_current_xact_id()::text::bigint;
        END IF;
    END IF;
    RETURN done;
END
$$;

-- The last seal, and since when a row waits for one.
CREATE FUNCTION audit.chain_head() RETURNS TABLE (seq bigint, hash text, at timestamptz, waiting_since timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT h.seq, encode(h.hash, 'hex'), h.at, least(
        (SELECT min(x.at) FROM audit.act x WHERE x.id > h.settled[1]
            AND NOT EXISTS (SELECT FROM audit.seal s WHERE s.kind = 'a' AND s.row_id = x.id)),
        (SELECT min(x.at) FROM audit.change x WHERE x.id > h.settled[2]
            AND NOT EXISTS (SELECT FROM audit.seal s WHERE s.kind = 'c' AND s.row_id = x.id)),
        (SELECT min(x.at) FROM audit.reading x WHERE x.id > h.settled[3]
            AND NOT EXISTS (SELECT FROM audit.seal s WHERE s.kind = 'r' AND s.row_id = x.id)))
      FROM audit.sealing h
$$;

-- What is wrong between two seals: `missing` (the seal itself), `deleted` (its row), `edited`, and of the
-- reserved part `hidden_deleted`, `hidden_edited`.
CREATE FUNCTION audit.verify(first bigint, last bigint)
RETURNS TABLE (seq bigint, kind text, row_id bigint, fault text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('audit.checking', 'on', true);
    RETURN QUERY
    WITH links AS (
        SELECT s.*, lag(s.hash) OVER w AS before, lag(s.seq) OVER w AS previous
          FROM audit.seal s WHERE s.seq BETWEEN first - 1 AND last WINDOW w AS (ORDER BY s.seq)
    ), judged AS (
        SELECT l.seq, l.kind, l.row_id, CASE
            WHEN coalesce(a.id, c.id, r.id) IS NULL THEN 'deleted'
            WHEN l.seq > 1 AND l.previous IS DISTINCT FROM l.seq - 1 THEN NULL  -- nothing to judge it by
            WHEN l.hash <> audit.link(coalesce(l.before, decode(repeat('00', 32), 'hex')), l.seq,
                CASE l.kind WHEN 'a' THEN audit.words(a) WHEN 'c' THEN audit.words(c) ELSE audit.words(r) END)
            THEN 'edited'
            WHEN c.reserved_hash IS NOT NULL AND v.change_id IS NULL THEN 'hidden_deleted'
            WHEN c.reserved_hash <> audit.hash_of(v) THEN 'hidden_edited' END AS fault
          FROM links l
          LEFT JOIN audit.act a ON l.kind = 'a' AND a.id = l.row_id
          LEFT JOIN audit.change c ON l.kind = 'c' AND c.id = l.row_id
          LEFT JOIN audit.reading r ON l.kind = 'r' AND r.id = l.row_id
          LEFT JOIN audit.reserved v ON v.change_id = c.id AND c.reserved_hash IS NOT NULL
         WHERE l.seq >= first)
    SELECT j.seq, j.kind::text, j.row_id, j.fault FROM judged j WHERE j.fault IS NOT NULL
    UNION ALL
    SELECT n, NULL, NULL, 'missing' FROM generate_series(first, last) n
     WHERE NOT EXISTS (SELECT FROM audit.seal s WHERE s.seq = n)
     ORDER BY 1;
    PERFORM set_config('audit.checking', '', true);
END
$$;

-- Rows that do not belong: `inserted`, no seal of the chain knows them although their turn is over; `backdated`, their moment is
-- well before that of the row numbered before them, which only a hand or a clock set back does.
CREATE FUNCTION audit.strangers() RETURNS TABLE (kind text, row_id bigint, fault text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
    settled bigint[];
    last    bigint;
BEGIN
    SELECT h.settled, h.seq INTO settled, last FROM audit.sealing h;
    PERFORM set_config('audit.checking', 'on', true);
    RETURN QUERY
    SELECT 'a', x.id, 'inserted' FROM audit.act x WHERE x.id <= settled[1]
       AND NOT EXISTS (SELECT FROM audit.seal s WHERE s.kind = 'a' AND s.row_id = x.id AND s.seq BETWEEN 1 AND last)
    UNION ALL
    SELECT 'c', x.id, 'inserted' FROM audit.change x WHERE x.id <= settled[2]
       AND NOT EXISTS (SELECT FROM audit.seal s WHERE s.kind = 'c' AND s.row_id = x.id AND s.seq BETWEEN 1 AND last)
    UNION ALL
    SELECT 'r', x.id, 'inserted' FROM audit.reading x WHERE x.id <= settled[3]
       AND NOT EXISTS (SELECT FROM audit.seal s WHERE s.kind = 'r' AND s.row_id = x.id AND s.seq BETWEEN 1 AND last)
    UNION ALL
    SELECT 'v', v.change_id, 'inserted' FROM audit.reserved v JOIN audit.change c ON c.id = v.change_id
     WHERE c.reserved_hash IS NULL
    UNION ALL
    SELECT y.kind, y.id, 'backdated' FROM (
        SELECT 'a' AS kind, id, at, lag(at) OVER (ORDER BY id) AS before FROM audit.act
        UNION ALL
        SELECT 'c', id, at, lag(at) OVER (ORDER BY id) FROM audit.change
        UNION ALL
        SELECT 'r', id, at, lag(at) OVER (ORDER BY id) FROM audit.reading) y
     WHERE y.at < y.before - interval '10 minutes';
    PERFORM set_config('audit.checking', '', true);
END
$$;

-- What a fault tells of a row: when, by whom, of which record.
CREATE FUNCTION audit.about(wanted_kind text, wanted_id bigint) RETURNS TABLE (at timestamptz, words text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT a.at, a.actor || ' ' || a.verb FROM audit.act a WHERE wanted_kind = 'a' AND a.id = wanted_id
    UNION ALL
    SELECT c.at, c.table_name || ' ' || c.row_key::text FROM audit.change c
     WHERE wanted_kind IN ('c', 'v') AND c.id = wanted_id
    UNION ALL
    SELECT r.at, r.table_name || ' ' || r.row_key::text FROM audit.reading r
     WHERE wanted_kind = 'r' AND r.id = wanted_id
$$;

-- The chain as it leaves the house: a reserved value is «dato reservado».
CREATE FUNCTION audit.export(first bigint, last bigint) RETURNS TABLE (seq bigint, hash text, words text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT s.seq, encode(s.hash, 'hex'),
           CASE WHEN a.id IS NOT NULL THEN audit.words(a) WHEN c.id IS NOT NULL THEN audit.words(c)
                WHEN r.id IS NOT NULL THEN audit.words(r) END
      FROM audit.seal s
      LEFT JOIN audit.act a ON s.kind = 'a' AND a.id = s.row_id
      LEFT JOIN audit.change c ON s.kind = 'c' AND c.id = s.row_id
      LEFT JOIN audit.reading r ON s.kind = 'r' AND r.id = s.row_id
     WHERE s.seq BETWEEN first AND last ORDER BY s.seq
$$;

-- The hash of one seal; none when there is no such seal. Number 0 is the hash before the first.
CREATE FUNCTION audit.hash_at(wanted bigint) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT CASE wanted WHEN 0 THEN repeat('00', 32)
                ELSE (SELECT encode(s.hash, 'hex') FROM audit.seal s WHERE s.seq = wanted) END
$$;

-- The history of one row, newest first, with who was shown it (R). Reserved values reach whom the policy lets.
CREATE OR REPLACE FUNCTION audit.history(wanted_table text, wanted_key jsonb)
RETURNS TABLE (id bigint, at timestamptz, actor text, verb text, reason text, origin text,
               operation char(1), old_values jsonb, new_values jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('audit.checking', '', true);
    RETURN QUERY
    SELECT c.id, c.at, coalesce(a.actor, c.db_user), coalesce(a.verb, 'sql'), a.reason,
           coalesce(a.origin, 'base de datos'), c.operation,
           coalesce(v.old_values, c.old_values), coalesce(v.new_values, c.new_values)
      FROM audit.change c LEFT JOIN audit.act a ON a.id = c.act_id
      LEFT JOIN audit.reserved v ON v.change_id = c.id AND c.reserved_hash IS NOT NULL
     WHERE c.table_name = wanted_table AND c.row_key = wanted_key
    UNION ALL
    SELECT r.id, r.at, a.actor, a.verb, a.reason, a.origin, 'R', NULL, NULL
      FROM audit.reading r JOIN audit.act a ON a.id = r.act_id
     WHERE r.table_name = wanted_table AND r.row_key = wanted_key
     ORDER BY at DESC, id DESC;
END
$$;

-- Acts, and changes that no act explains, newest first, from before a moment on.
CREATE FUNCTION audit.find(
    since timestamptz, until timestamptz, person text, wanted_verb text, wanted_table text, wanted_id bigint,
    most integer
) RETURNS TABLE (act_id bigint, change_id bigint, at timestamptz, actor text, verb text, reason text,
                 origin text, address text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT a.id, NULL, a.at, a.actor, a.verb, a.reason, a.origin, a.address FROM audit.act a
     WHERE a.at >= since AND a.at < until
       AND (person IS NULL OR strpos(lower(a.actor), lower(person)) > 0)
       AND (wanted_verb IS NULL OR a.verb = wanted_verb)
       AND (wanted_table IS NULL OR a.id IN (
            SELECT c.act_id FROM audit.change c WHERE c.table_name = wanted_table
               AND (wanted_id IS NULL OR c.row_key = jsonb_build_object('id', wanted_id))
             UNION ALL
            SELECT r.act_id FROM audit.reading r WHERE r.table_name = wanted_table
               AND (wanted_id IS NULL OR r.row_key = jsonb_build_object('id', wanted_id))))
    UNION ALL
    SELECT NULL, c.id, c.at, c.db_user, 'sql', NULL, 'base de datos', NULL FROM audit.change c
     WHERE c.act_id IS NULL AND c.at >= since AND c.at < until
       AND (person IS NULL OR strpos(lower(c.db_user), lower(person)) > 0)
       AND (wanted_verb IS NULL OR wanted_verb = 'sql')
       AND (wanted_table IS NULL OR c.table_name = wanted_table)
       AND (wanted_id IS NULL OR c.row_key = jsonb_build_object('id', wanted_id))
     ORDER BY at DESC LIMIT most
$$;

-- One of them.
CREATE FUNCTION audit.one(wanted_act bigint, wanted_change bigint)
RETURNS TABLE (act_id bigint, change_id bigint, at timestamptz, actor text, verb text, reason text,
               origin text, address text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT a.id, NULL, a.at, a.actor, a.verb, a.reason, a.origin, a.address FROM audit.act a
     WHERE a.id = wanted_act
    UNION ALL
    SELECT NULL, c.id, c.at, c.db_user, 'sql', NULL, 'base de datos', NULL FROM audit.change c
     WHERE c.id = wanted_change AND c.act_id IS NULL
$$;

-- What an act, or a change without one, did and showed. Reserved values stay «dato reservado».
CREATE FUNCTION audit.details(wanted_act bigint, wanted_change bigint, most integer)
RETURNS TABLE (at timestamptz, table_name text, row_key jsonb, operation text, old_values jsonb, new_values jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT c.at, c.table_name, c.row_key, c.operation, c.old_values, c.new_values FROM audit.change c
     WHERE c.act_id = wanted_act OR c.id = wanted_change AND c.act_id IS NULL
    UNION ALL
    SELECT r.at, r.table_name, r.row_key, 'R', NULL, NULL FROM audit.reading r WHERE r.act_id = wanted_act
     ORDER BY 1 LIMIT most
$$;

-- A row as its changes leave it; none once it was deleted.
CREATE FUNCTION audit.next_state(state jsonb, operation char(1), after jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN CASE operation WHEN 'U' THEN coalesce(state, '{}') || after WHEN 'I' THEN after END;
END
$$;
CREATE AGGREGATE audit.rebuilt(operation char(1), after jsonb) (SFUNC = audit.next_state, STYPE = jsonb);

CREATE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.reading
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse();
CREATE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.reserved
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse();
CREATE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.seal
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse();

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.head, audit.chain_head, audit.hash_at, audit.verify, audit.strangers, audit.about, audit.export
    TO sis_app, sis_owner, sis_backup;
GRANT EXECUTE ON FUNCTION audit.open_act, audit.note_readings, audit.seal, audit.history, audit.find, audit.one,
    audit.details
    TO sis_app, sis_owner;
GRANT EXECUTE ON FUNCTION audit.record, audit.note_load, audit.note_added, audit.rebuilt, audit.blind, audit.part TO sis_owner;
GRANT USAGE ON SCHEMA audit TO sis_backup;

RESET ROLE;

-- From here on the owner of the schema's: it reads the tables that the trail is compared with.

-- Every traced table, with the arguments of its trigger.
CREATE FUNCTION audit.traced() RETURNS TABLE (table_name text, arguments text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT c.relname::text, trim_array(string_to_array(encode(t.tgargs, 'escape'), '\000'), 1)
      FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
     WHERE t.tgname = 'zz_audit' AND c.relnamespace = 'public'::regnamespace ORDER BY 1
$$;

-- The rows of a table that are not what their changes say: `inserted`, `deleted` or `changed` (these columns)
-- without a trace, and how many rows there are. No value is told. Rows of a stated load are compared in what was
-- changed since.
CREATE FUNCTION audit.compare(wanted text) RETURNS TABLE (total bigint, faults jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET timezone = 'UTC' AS $$
DECLARE
    given   text[];
    secrets text[];
    untold  text[];
    emptied bigint;
    loaded  int8multirange;
    added   jsonb := '{}';
    known   jsonb;
    keys    text;
BEGIN
    SELECT arguments INTO STRICT given FROM audit.traced() WHERE table_name = wanted;
    PERFORM set_config('audit.checking', 'on', true);
    EXECUTE format('SELECT count(*) FROM public.%I', wanted) INTO total;
    secrets := string_to_array(given[2], ',');
    SELECT string_to_array(given[3], ',') || coalesce(array_agg(attname::text), '{}') INTO untold
      FROM pg_attribute WHERE attrelid = format('public.%I', wanted)::regclass AND attgenerated <> '';
    SELECT string_agg(format('%L, to_jsonb(t.%I)', name, name), ', ') INTO keys
      FROM unnest(string_to_array(given[1], ',')) name;
    SELECT coalesce(max(id), 0) INTO emptied FROM audit.change WHERE table_name = wanted AND operation = 'T';
    SELECT coalesce(range_agg(int8range((c.row_key ->> 'from')::bigint, (c.row_key ->> 'to')::bigint, '[]')), '{}')
      INTO loaded FROM audit.change c WHERE c.table_name = wanted AND operation = 'L' AND id > emptied;
    FOR known IN SELECT new_values FROM audit.change WHERE table_name = wanted AND operation = 'C' ORDER BY id LOOP
        added := added || known;
    END LOOP;
    EXECUTE format($query$
        WITH trail AS (
            SELECT c.row_key, bool_or(c.operation = 'I') AS whole,
                   audit.rebuilt(c.operation, coalesce(v.new_values, c.new_values) ORDER BY c.id) AS state
              FROM audit.change c
              LEFT JOIN audit.reserved v ON v.change_id = c.id AND c.reserved_hash IS NOT NULL
             WHERE c.table_name = $1 AND c.operation IN ('I', 'U', 'D') AND c.id > $2 GROUP BY c.row_key
        ), actual AS (
            SELECT jsonb_build_object(%s) AS row_key, t AS record, to_jsonb(t) AS state FROM public.%I t
        ), pairs AS (
            SELECT coalesce(a.row_key, b.row_key) AS row_key, a.state AS is, b.state AS said, b.whole,
                   CASE WHEN a.state IS NOT NULL AND b.state IS NOT NULL THEN to_jsonb(jsonb_populate_record(
                       a.record, (CASE WHEN b.whole THEN $3 ELSE '{}' END || b.state) - $4 - $5)) END AS expected
              FROM actual a FULL JOIN trail b ON a.row_key = b.row_key
        ), judged AS (
            SELECT p.row_key, CASE
                WHEN p.is IS NULL AND p.said IS NOT NULL THEN 'deleted'
                WHEN p.is IS NOT NULL AND (p.said IS NULL OR NOT p.whole)
                    AND (p.whole OR (p.row_key ->> 'id')::bigint <@ $6 IS NOT TRUE) THEN 'inserted'
                ELSE 'changed' END AS fault,
                ARRAY(SELECT x.key FROM jsonb_each(p.is) x
                       WHERE p.expected IS NOT NULL AND x.value IS DISTINCT FROM p.expected -> x.key
                       UNION
                      SELECT x.key FROM jsonb_each(audit.blind(audit.part(p.is, $5), $5)) x
                       WHERE p.said ? x.key AND x.value IS DISTINCT FROM p.said -> x.key ORDER BY 1) AS columns
              FROM pairs p
             WHERE p.is IS NULL OR p.is IS DISTINCT FROM p.expected OR NOT p.whole OR $5 <> '{}')
        SELECT coalesce(jsonb_agg(f), '[]') FROM (
            SELECT j.row_key, j.fault, j.columns FROM judged j
             WHERE j.fault IN ('inserted', 'deleted') OR cardinality(j.columns) > 0
             ORDER BY j.row_key LIMIT 1000) f
    $query$, keys, wanted) INTO faults USING wanted, emptied, added, untold, secrets, loaded;
    RETURN NEXT;
    PERFORM set_config('audit.checking', '', true);
END
$$;

-- Write down the columns that came since the last time, with what they hold in the rows that were there.
CREATE FUNCTION audit.note_columns() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    traced text;
    added  record;
    blank  boolean;
    known  jsonb;
    others text[];
BEGIN
    PERFORM set_config('audit.checking', 'on', true);
    FOR traced IN SELECT table_name FROM audit.traced() LOOP
        known := '{}';
        others := '{}';
        FOR added IN
            SELECT attname::text AS name, atthasmissing, atttypid, (attmissingval::text::text[])[1] AS missing
              FROM pg_attribute
             WHERE attrelid = format('public.%I', traced)::regclass AND attnum > 0 AND NOT attisdropped
               AND NOT EXISTS (SELECT FROM audit.change c WHERE c.table_name = traced AND c.operation = 'C'
                                  AND (c.new_values ? attname::text OR c.old_values ? attname::text))
        LOOP
            IF added.atthasmissing AND added.atttypid NOT IN ('jsonb'::regtype, 'json'::regtype) THEN
                known := known || jsonb_build_object(added.name, added.missing);
            ELSE
                EXECUTE format('SELECT NOT EXISTS (SELECT FROM public.%I WHERE %I IS NOT NULL)', traced, added.name)
                   INTO blank;
                IF blank THEN known := known || jsonb_build_object(added.name, NULL);
                ELSE others := others || added.name; END IF;
            END IF;
        END LOOP;
        IF known <> '{}' OR others <> '{}' THEN
            -- What they hold is not known of the others: their rows tell it when they change.
            PERFORM audit.note_added(traced, known, others);
        END IF;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION audit.traced, audit.compare, audit.note_columns FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.traced, audit.compare TO sis_app, sis_backup;
