-- The ledger of calls has a retention of its own: it goes as a whole collection, under an entry of the ledger that names the collection and
-- that the same transaction wrote before. Its root stays in the snapshot.
create function guard_calls() returns trigger language plpgsql set search_path from current as $$
begin
  if tg_op = 'DELETE' and exists (select from ledger where kind = 'disposal' and xmin::text = pg_current_xact_id()::xid::text
    and payload::jsonb->'callsOf' @> to_jsonb(old.collection_id))
  then
    return old;
  end if;
  raise exception 'evidence is append-only (%.%: %)', tg_table_schema, tg_table_name, lower(tg_op) using errcode = 'restrict_violation';
end $$;
drop trigger guard on call_chunk;
create trigger guard before update or delete on call_chunk for each row execute function guard_calls();
alter table call_chunk enable always trigger guard;

-- It runs as the owner, since the program's own role may change no evidence.
create function dispose_calls(entry bigint) returns bigint language plpgsql security definer set search_path from current as $$
declare
  changed bigint;
begin
  delete from call_chunk where collection_id in (
    select e::int from ledger g, jsonb_array_elements_text(g.payload::jsonb->'callsOf') e where g.position = entry and g.kind = 'disposal');
  get diagnostics changed = row_count;
  return changed;
end $$;
