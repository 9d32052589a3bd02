-- A finding's name and reason may name a person: they stand apart from its state, salted, so that they can be disposed of while the state and
-- every digest stay. Findings from before have them in their state.
alter table finding_version add column words text, add column salt bytea, add column disposed bigint;
create index on finding_version (disposed) where disposed is not null;

create function guard_finding_words() returns trigger language plpgsql set search_path from current as $$
begin
  if old.disposed is null and old.words is not null and new.words is null and new.salt is null
    and to_jsonb(new) - array['words', 'disposed', 'salt'] = to_jsonb(old) - array['words', 'disposed', 'salt']
    and exists (select from ledger where position = new.disposed and kind = 'disposal' and xmin::text = pg_current_xact_id()::xid::text)
  then
    return new;
  end if;
  raise exception 'evidence is append-only (%.%: %)', tg_table_schema, tg_table_name, lower(tg_op) using errcode = 'restrict_violation';
end $$;
drop trigger guard on finding_version;
create trigger guard before update on finding_version for each row when (new.disposed is not distinct from old.disposed) execute function guard_evaluation();
create trigger guard_disposal before update on finding_version for each row when (new.disposed is distinct from old.disposed)
  execute function guard_finding_words();
create trigger guard_delete before delete on finding_version for each row execute function refuse_change();
alter table finding_version enable always trigger guard;
alter table finding_version enable always trigger guard_disposal;
alter table finding_version enable always trigger guard_delete;

create or replace function dispose(entry bigint) returns bigint language plpgsql security definer set search_path from current as $$
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
  update finding_version f set words = null, salt = null, disposed = entry from disposal_choice c
  where c.kind = 'finding' and f.finding_id = c.entity_id and f.from_evaluation = c.n and f.words is not null;
  get diagnostics changed = row_count;
  total := total + changed;
  if total is distinct from expected then
    raise exception 'entry % of the ledger is about % rows, and % were chosen', entry, expected, total using errcode = 'restrict_violation';
  end if;
  delete from disposal_choice;
  return total;
end $$;
