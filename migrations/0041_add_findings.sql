-- Findings: a failing subject (or a cause of unknowns) over time. Its states hold from evaluation to evaluation; owner, ticket and notes are
-- what people say of it. `evaluation.findings` is the digest of the states that an evaluation began; null: it did not move findings.
create table finding (
  id int primary key check (id > 0),
  control_id text collate "C" not null,
  source text collate "C" not null,
  kind text collate "C" not null check (kind in ('fail', 'unknown')),
  subject_type text collate "C" not null,
  subject_key text collate "C" not null,
  unique (control_id, source, kind, subject_type, subject_key)
);
-- body: canonical JSON text; digest: SHA-256 over it
create table finding_version (
  finding_id int not null references finding,
  from_evaluation int not null,
  to_evaluation int not null default 2147483647 check (to_evaluation > from_evaluation),
  state text collate "C" not null check (state in ('open', 'resolved')),
  body text not null,
  digest bytea not null,
  primary key (finding_id, from_evaluation)
);
create index on finding_version (finding_id) where to_evaluation = 2147483647 and state = 'open';
create index on finding_version (from_evaluation);
create table finding_note (
  id int primary key check (id > 0),
  finding_id int not null references finding,
  at timestamptz not null,
  kind text collate "C" not null check (kind in ('assigned', 'note')),
  body text not null,
  digest bytea not null,
  ledger_position bigint not null
);
create index on finding_note (finding_id, id);
alter table evaluation add column findings bytea;

do $$
declare
  guard record;
begin
  for guard in select * from (values ('finding', 'refuse_change'), ('finding_version', 'guard_evaluation'), ('finding_note', 'refuse_change')) t (name, routine)
  loop
    execute format('create trigger guard before update or delete on %I for each row execute function %I()', guard.name, guard.routine);
    execute format('create trigger guard_truncate before truncate on %I for each statement execute function refuse_change()', guard.name);
    execute format('alter table %I enable always trigger guard', guard.name);
    execute format('alter table %I enable always trigger guard_truncate', guard.name);
  end loop;
end $$;
