-- Exceptions: what was requested, approved and revoked by command, each file of exceptions as it was read, and the register that an
-- evaluation knew, so that its reports can be made again whatever happened to exceptions since.
create table exception_event (
  id bigint primary key check (id > 0),
  exception_id text collate "C" not null,
  kind text collate "C" not null check (kind in ('requested', 'approved', 'revoked')),
  at timestamptz not null,
  body text not null,
  digest bytea not null,
  unique (exception_id, kind)
);
create table exception_file (
  id bigint primary key check (id > 0),
  read_at timestamptz not null,
  body text not null,
  digest bytea not null
);
create index on exception_file (read_at);
create table exception_register (
  digest bytea primary key,
  body text not null
);
alter table evaluation add column exceptions bytea references exception_register;

do $$
declare
  name text;
begin
  foreach name in array array['exception_event', 'exception_file', 'exception_register'] loop
    execute format('create trigger guard before update or delete on %I for each row execute function refuse_change()', name);
    execute format('create trigger guard_truncate before truncate on %I for each statement execute function refuse_change()', name);
    execute format('alter table %I enable always trigger guard', name);
    execute format('alter table %I enable always trigger guard_truncate', name);
  end loop;
end $$;
