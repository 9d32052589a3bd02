-- Disposal under retention or on a person's request: bodies and salts go, digests stay, and each row says which entry of the ledger stands for it.
-- Results get a salt of their own, so that a digest that stays cannot be guessed from; rows of imports stand one by one.

alter table entity_version add column disposed bigint;
alter table result_version add column status text, add column salt bytea, add column disposed bigint, alter column body drop not null;
-- 1: over the whole evaluation as JSON; 2: over the digests of its results
alter table evaluation add column digest_version int not null default 1;

create table import_row (
  import_id bigint not null references import_file,
  n int not null check (n > 0),
  digest bytea not null,
  salt bytea,
  body text,
  disposed bigint,
  primary key (import_id, n)
);
insert into import_row (import_id, n, digest, salt, body)
select r.import_id, r.n, sha256(r.salt || convert_to(r.body, 'UTF8')), r.salt, r.body
from (
  select f.id as import_id, e.n, e.body::text as body, substr(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 1, 16) as salt
  from import_file f, json_array_elements(f.rows::json) with ordinality e (body, n)
) r;
alter table import_file drop column rows;

-- few rows are disposed of, and they are looked for by their entry
create index on entity_version (disposed) where disposed is not null;
create index on result_version (disposed) where disposed is not null;
create index on import_row (disposed) where disposed is not null;

-- What one disposal is about, filled and emptied in its own transaction.
create unlogged table disposal_choice (
  kind text not null,
  entity_id int,
  import_id bigint,
  control_id text,
  source text,
  subject_key text,
  subject_kind text,
  subject_type text,
  n int not null,
  leaf text not null
);

-- A body goes together with an entry of the ledger that the same transaction wrote before; nothing else of the row changes.
create function guard_disposal() returns trigger language plpgsql set search_path from current as $$
begin
  if old.disposed is null and old.body is not null and new.body is null
    and to_jsonb(new) - array['body', 'disposed', 'salt', 'status'] = to_jsonb(old) - array['body', 'disposed', 'salt', 'status']
    and (tg_table_name <> 'result_version'
      or to_jsonb(new)->>'status' is not distinct from coalesce(to_jsonb(old)->>'status', old.body::json->>'status'))
    and to_jsonb(new)->>'salt' is null
    and exists (select from ledger where position = new.disposed and kind = 'disposal' and xmin::text = pg_current_xact_id()::xid::text)
  then
    return new;
  end if;
  raise exception 'evidence is append-only (%.%: %)', tg_table_schema, tg_table_name, lower(tg_op) using errcode = 'restrict_violation';
end $$;

-- A salt goes when no body of its entity is left.
create function guard_salt() returns trigger language plpgsql set search_path from current as $$
begin
  if tg_op = 'DELETE' and exists (select from entity_version where entity_id = old.entity_id and disposed is not null)
    and not exists (select from entity_version where entity_id = old.entity_id and body is not null)
  then
    return old;
  end if;
  raise exception 'evidence is append-only (%.%: %)', tg_table_schema, tg_table_name, lower(tg_op) using errcode = 'restrict_violation';
end $$;

do $$
declare
  guarded record;
begin
  for guarded in select * from (values ('entity_version', 'guard_version'), ('result_version', 'guard_evaluation'), ('import_row', 'refuse_change')) g (name, routine) loop
    execute format('drop trigger if exists guard on %I', guarded.name);
    execute format('create trigger guard before update on %I for each row when (new.disposed is not distinct from old.disposed) execute function %I()',
      guarded.name, guarded.routine);
    execute format('create trigger guard_disposal before update on %I for each row when (new.disposed is distinct from old.disposed) execute function guard_disposal()',
      guarded.name);
    execute format('create trigger guard_delete before delete on %I for each row execute function refuse_change()', guarded.name);
    execute format('create or replace trigger guard_truncate before truncate on %I for each statement execute function refuse_change()', guarded.name);
    for i in 1..4 loop
      execute format('alter table %I enable always trigger %I', guarded.name, (array['guard', 'guard_disposal', 'guard_delete', 'guard_truncate'])[i]);
    end loop;
  end loop;
  drop trigger guard on entity_salt;
  create trigger guard before update or delete on entity_salt for each row execute function guard_salt();
  alter table entity_salt enable always trigger guard;
end $$;

-- The one way: takes what stands in disposal_choice, under an entry of the ledger that names its number. It runs as the owner, since the
-- program's own role may change no evidence.
create function dispose(entry bigint) returns bigint language plpgsql security definer set search_path from current as $$
declare
  expected bigint := (select (payload::json->>'rows')::bigint from ledger where position = entry and kind = 'disposal');
  changed bigint;
  total bigint := 0;
begin
  update entity_version v set body = null, disposed = entry from disposal_choice c
  where c.kind = 'version' and v.entity_id = c.entity_id and v.from_version = c.n and v.body is not null;
  get diagnostics changed = row_count;
  total := total + changed;
  delete from entity_salt s using (select distinct entity_id from disposal_choice where kind = 'version') c
  where s.entity_id = c.entity_id and not exists (select from entity_version v where v.entity_id = s.entity_id and v.body is not null);
  update result_version r set body = null, salt = null, status = coalesce(r.status, r.body::json->>'status'), disposed = entry from disposal_choice c
  where c.kind = 'result' and r.control_id = c.control_id and r.source = c.source and r.subject_key = c.subject_key and r.subject_kind = c.subject_kind
    and r.subject_type = c.subject_type and r.from_evaluation = c.n and r.body is not null;
  get diagnostics changed = row_count;
  total := total + changed;
  update import_row i set body = null, salt = null, disposed = entry from disposal_choice c
  where c.kind = 'import' and i.import_id = c.import_id and i.n = c.n and i.body is not null;
  get diagnostics changed = row_count;
  total := total + changed;
  if total is distinct from expected then
    raise exception 'entry % of the ledger is about % rows, and % were chosen', entry, expected, total using errcode = 'restrict_violation';
  end if;
  delete from disposal_choice;
  return total;
end $$;
