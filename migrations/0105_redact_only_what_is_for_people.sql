-- A redaction leaves everything but the strings that are only for people (reasons, names, tickets) as it was: a piece inside an instant, a control or a scope
-- was taken for a piece of a value.

-- A text whose NULs (which json_each cannot read) are another character.
create function without_nul(body text) returns json language sql immutable as $$
  select regexp_replace(body, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\uFFFF', 'g')::json
$$;

-- A text of canonical JSON without the strings for people. Items of a list belong to its member, and all below a scope to the scope.
create function frame_of(value json, member text) returns text language plpgsql immutable as $$
begin
  case json_typeof(value)
  when 'string' then
    return case when member = any (array['reason', 'ticket', 'requestedBy', 'approvedBy', 'revokedBy', 'revokedReason', 'problem', 'problems', 'text', 'owner', 'by'])
      then '""' else value::text end;
  when 'object' then
    return '{' || coalesce((select string_agg(to_json(e.key)::text || ':' || frame_of(e.value, case when 'scope' in (e.key, member) then 'scope' else e.key end), ',' order by e.ordinality)
      from json_each(value) with ordinality e), '') || '}';
  when 'array' then
    return '[' || coalesce((select string_agg(frame_of(e.value, member), ',' order by e.ordinality) from json_array_elements(value) with ordinality e), '') || ']';
  else
    return value::text;
  end case;
end $$;

create or replace function guard_redaction() returns trigger language plpgsql as $$
begin
  if new.body is not null and new.salt is null
    and to_jsonb(new) - array['body', 'salt', 'redacted'] = to_jsonb(old) - array['body', 'salt', 'redacted']
    and frame_of(without_nul(new.body), '') = frame_of(without_nul(old.body), '')
    and exists (select from ledger where position = new.redacted and kind = 'disposal' and payload::json->>'texts' is not null
      and xmin::text = pg_current_xact_id()::xid::text)
  then
    return new;
  end if;
  raise exception 'evidence is append-only (%.%: %)', tg_table_schema, tg_table_name, lower(tg_op) using errcode = 'restrict_violation';
end $$;

do $$
begin
  execute format('alter function without_nul(text) set search_path = %I, pg_temp', current_schema());
  execute format('alter function frame_of(json, text) set search_path = %I, pg_temp', current_schema());
  execute format('alter function guard_redaction() set search_path = %I, pg_temp', current_schema());
end $$;
