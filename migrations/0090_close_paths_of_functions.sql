-- The one way: puts the marker in the place of every piece that stands in redaction_choice, so that it can take away and write nothing else.
-- A piece lies inside one string that is a value, and cuts no escape: what a text has beside such strings stays as it is.
create or replace function redact(entry bigint, marker text) returns bigint language plpgsql security definer set search_path from current as $$
declare
  said json := (select payload::json from ledger where position = entry and kind = 'disposal');
  chosen record;
  piece record;
  place text;
  written text;
  remaining text;
  upto int;
  gap text;
  bare text;
  inside boolean;
  total bigint := 0;
  lines text;
begin
  if marker !~ '^\[[A-Za-z0-9_-]{1,128}\]$' then
    raise exception '% is no marker', marker using errcode = 'restrict_violation';
  end if;
  for chosen in select distinct kind, key from redaction_choice loop
    place := case chosen.kind when 'exception_register' then $q$encode(digest, 'hex')$q$ else 'id::text' end;
    execute format('select body from %I where %s = $1', chosen.kind, place) into strict written using chosen.key;
    upto := 1;
    remaining := '';
    inside := false;
    -- after the last piece comes what follows it, as a piece that is not there
    for piece in
      select c.start, c.length from redaction_choice c where c.kind = chosen.kind and c.key = chosen.key
      union all select length(written) + 1, 0 order by start, length desc
    loop
      gap := substr(written, upto, greatest(piece.start - upto, 0));
      bare := regexp_replace(gap, '\\(u[0-9a-fA-F]{4}|[^u])', '', 'g');
      if piece.start < upto or strpos(bare, '\') > 0 or upto > 1 and bare ~ '^[^"]*":' then
        raise exception 'a piece of % % is no piece of a value', chosen.kind, chosen.key using errcode = 'restrict_violation';
      end if;
      inside := inside <> (length(replace(bare, '"', '')) % 2 <> length(bare) % 2);
      remaining := remaining || gap;
      continue when piece.length = 0;
      if not inside or regexp_replace(substr(written, piece.start, piece.length), '\\(u[0-9a-fA-F]{4}|[^u])', '', 'g') ~ '["\\]' then
        raise exception 'a piece of % % is no piece of a value', chosen.kind, chosen.key using errcode = 'restrict_violation';
      end if;
      remaining := remaining || marker;
      upto := piece.start + piece.length;
    end loop;
    written := remaining;
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

-- Whose path does not name pg_temp is given temporary tables first: anybody could put one before `redaction`, with a trigger that then runs
-- as the owner, or before `ledger`. And what runs as the owner is for the application role, which grants say, not for everybody.
do $$
declare
  routine record;
begin
  for routine in
    select p.oid::regprocedure as name, p.prosecdef from pg_proc p
    where p.pronamespace = current_schema()::regnamespace and exists (select from unnest(p.proconfig) c where c like 'search_path=%')
  loop
    execute format('alter function %s set search_path = %I, pg_temp', routine.name, current_schema());
    continue when not routine.prosecdef;
    execute format('revoke execute on function %s from public', routine.name);
    if exists (select from pg_roles where rolname = 'evidenced_app') then
      execute format('grant execute on function %s to evidenced_app', routine.name);
    end if;
  end loop;
end $$;
