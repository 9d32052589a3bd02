-- What people wrote (notes on findings, exceptions and files of them) gets a salt, and can have one person's names taken out: a piece of text
-- becomes a marker, the digest of what was written stays, and an entry of the ledger says how many texts were left as what.
alter table finding_note add column salt bytea, add column redacted bigint;
alter table exception_event add column salt bytea, add column redacted bigint;
alter table exception_file add column salt bytea, add column redacted bigint;
alter table exception_register add column salt bytea, add column redacted bigint;

-- digest: SHA-256 of the text as it was left
create table redaction (
  entry bigint not null,
  kind text collate "C" not null check (kind in ('finding_note', 'exception_event', 'exception_file', 'exception_register')),
  key text collate "C" not null,
  digest bytea not null,
  primary key (entry, kind, key)
);
create trigger guard before update or delete on redaction for each row execute function refuse_change();
create trigger guard_truncate before truncate on redaction for each statement execute function refuse_change();
alter table redaction enable always trigger guard;
alter table redaction enable always trigger guard_truncate;

-- Pieces to take out, counted in characters from 1; filled and emptied in its own transaction.
create unlogged table redaction_choice (
  kind text not null check (kind in ('finding_note', 'exception_event', 'exception_file', 'exception_register')),
  key text not null,
  start int not null check (start > 0),
  length int not null check (length > 0)
);

create function guard_redaction() returns trigger language plpgsql set search_path from current as $$
begin
  if new.body is not null and new.salt is null
    and to_jsonb(new) - array['body', 'salt', 'redacted'] = to_jsonb(old) - array['body', 'salt', 'redacted']
    and exists (select from ledger where position = new.redacted and kind = 'disposal' and payload::json->>'texts' is not null
      and xmin::text = pg_current_xact_id()::xid::text)
  then
    return new;
  end if;
  raise exception 'evidence is append-only (%.%: %)', tg_table_schema, tg_table_name, lower(tg_op) using errcode = 'restrict_violation';
end $$;

do $$
declare
  name text;
begin
  foreach name in array array['finding_note', 'exception_event', 'exception_file', 'exception_register'] loop
    execute format('drop trigger guard on %I', name);
    execute format('create trigger guard before update on %I for each row when (new.redacted is not distinct from old.redacted) execute function refuse_change()', name);
    execute format('create trigger guard_redaction before update on %I for each row when (new.redacted is distinct from old.redacted) execute function guard_redaction()', name);
    execute format('create trigger guard_delete before delete on %I for each row execute function refuse_change()', name);
    execute format('alter table %I enable always trigger guard', name);
    execute format('alter table %I enable always trigger guard_redaction', name);
    execute format('alter table %I enable always trigger guard_delete', name);
  end loop;
end $$;

-- The one way: puts the marker in the place of every piece that stands in redaction_choice, so that it can take away and write nothing else.
-- It runs as the owner, since the program's own role may change no evidence.
create function redact(entry bigint, marker text) returns bigint language plpgsql security definer set search_path from current as $$
declare
  said json := (select payload::json from ledger where position = entry and kind = 'disposal');
  chosen record;
  piece record;
  place text;
  written text;
  total bigint := 0;
  lines text;
begin
  if marker !~ '^\[[A-Za-z0-9_-]{1,128}\]$' then
    raise exception '% is no marker', marker using errcode = 'restrict_violation';
  end if;
  for chosen in select distinct kind, key from redaction_choice loop
    place := case chosen.kind when 'exception_register' then $q$encode(digest, 'hex')$q$ else 'id::text' end;
    execute format('select body from %I where %s = $1', chosen.kind, place) into strict written using chosen.key;
    for piece in select c.start, c.length from redaction_choice c where c.kind = chosen.kind and c.key = chosen.key order by c.start desc loop
      written := overlay(written placing marker from piece.start for piece.length);
    end loop;
    insert into redaction (entry, kind, key, digest) values (redact.entry, chosen.kind, chosen.key, sha256(convert_to(written, 'UTF8')));
    execute format('update %I set body = $1, salt = null, redacted = $2 where %s = $3', chosen.kind, place) using written, entry, chosen.key;
    total := total + 1;
  end loop;
  select string_agg('["' || r.kind || '","' || r.key || '","' || encode(r.digest, 'hex') || E'"]\n', '' order by r.kind, r.key) into lines
  from redaction r where r.entry = redact.entry;
  if total is distinct from (said->>'texts')::bigint or said->>'textsDigest' is distinct from encode(sha256(convert_to(coalesce(lines, ''), 'UTF8')), 'hex') then
    raise exception 'entry % of the ledger is about other texts than the % chosen', entry, total using errcode = 'restrict_violation';
  end if;
  delete from redaction_choice;
  return total;
end $$;
