-- The first schema: sources, runs and their staging, states as versions with a validity range, the chain of snapshots,
-- evaluations, the ledger. A version row holds from `from_version` up to, not including, `to_version`; 2147483647 means: still.

create table source (
  id int generated always as identity primary key,
  label text collate "C" not null unique,
  partition text not null,
  organization_id text,
  instance_arn text not null,
  created_at timestamptz not null,
  unique (partition, instance_arn)
);

-- Dictionaries. Their ids are local to this database and never enter a digest.
create table dataset (
  id int generated always as identity primary key,
  name text collate "C" not null unique
);
create table place (
  id int generated always as identity primary key,
  account_id text collate "C" not null,
  region text collate "C" not null,
  unique (account_id, region)
);
create table part (
  id int generated always as identity primary key,
  source_id int not null references source,
  dataset_id int not null references dataset,
  place_id int not null references place,
  parent text collate "C" not null,
  unique (source_id, dataset_id, place_id, parent)
);
create table resource_key (
  id int generated always as identity primary key,
  source_id int not null,
  key text collate "C" not null,
  unique (source_id, key)
);

-- Runs. A collection is what one or more runs stage until one of them seals it; its ledger of calls stays.
create table run (
  id uuid primary key,
  source_id int references source,
  label text not null,
  started_at timestamptz not null,
  ended_at timestamptz,
  outcome text not null check (outcome in ('running', 'sealed', 'failed', 'interrupted')),
  snapshot_version int,
  error text,
  error_code text,
  planned_calls float8,
  software_version text not null
);
create index on run (source_id, started_at);
create table collection (
  id int generated always as identity primary key,
  source_id int not null references source,
  run_id uuid not null references run,
  started_at timestamptz not null,
  settings bytea not null,
  callers text not null,
  state text not null check (state in ('open', 'sealed', 'discarded'))
);
create unique index on collection (source_id) where state = 'open';
create table call_chunk (
  collection_id int not null references collection,
  id bigint generated always as identity,
  lines int not null,
  body bytea not null,
  primary key (collection_id, id)
);
alter table call_chunk alter column body set storage external;

-- Staging: logged, since it must outlive the server's crash as well as ours.
create table staged_part (
  collection_id int not null,
  part_id int not null,
  coverage text,
  reason text,
  gaps text,
  pages int not null default 0,
  duplicates int not null default 0,
  first_observed_at timestamptz,
  last_observed_at timestamptz,
  primary key (collection_id, part_id)
);
create table staged_entity (
  collection_id int not null,
  part_id int not null,
  seq bigint generated always as identity,
  key text collate "C" not null,
  body text not null
);
create index on staged_entity (collection_id, part_id);
create table staged_membership (
  collection_id int not null,
  part_id int not null,
  seq bigint generated always as identity,
  user_key text collate "C" not null,
  membership_id text,
  store_key text collate "C",
  rest text,
  digest bytea not null
);
create index on staged_membership (collection_id, part_id);
create table staged_assignment (
  collection_id int not null,
  part_id int not null,
  seq bigint generated always as identity,
  principal_type int not null,
  principal_key text collate "C" not null,
  rest text,
  digest bytea not null
);
create index on staged_assignment (collection_id, part_id);

-- States. An entity is a key of a dataset at a place; its salt stands apart so that disposal can remove it.
create table entity (
  id int generated always as identity primary key,
  source_id int not null,
  dataset_id int not null,
  place_id int not null,
  key_id int not null,
  unique (source_id, dataset_id, place_id, key_id)
);
create index on entity (key_id);
create table entity_salt (
  entity_id int primary key,
  salt bytea not null check (octet_length(salt) = 16)
);
-- body: canonical JSON text, so that its digest can be computed again; digest: SHA-256 over salt and body
create table entity_version (
  source_id int not null,
  entity_id int not null,
  from_version int not null,
  to_version int not null default 2147483647 check (to_version > from_version),
  part_id int not null,
  digest bytea not null,
  body text,
  primary key (entity_id, from_version)
);
create index on entity_version (part_id, from_version);
create index on entity_version (source_id, to_version) where to_version < 2147483647;
-- an edge's facts are rebuilt from its part's parent, its columns and `rest`, which holds every member that is not a column
create table membership_version (
  source_id int not null,
  part_id int not null,
  user_id int not null,
  from_version int not null,
  to_version int not null default 2147483647 check (to_version > from_version),
  store_id int,
  membership_id text,
  rest text,
  digest bytea not null,
  primary key (part_id, user_id, from_version)
);
create index on membership_version (user_id, from_version);
create index on membership_version (source_id, to_version) where to_version < 2147483647;
-- principal_type: 1 user, 2 group
create table assignment_version (
  source_id int not null,
  part_id int not null,
  principal_type int not null check (principal_type in (1, 2)),
  principal_id int not null,
  from_version int not null,
  to_version int not null default 2147483647 check (to_version > from_version),
  rest text,
  digest bytea not null,
  primary key (part_id, principal_type, principal_id, from_version)
);
create index on assignment_version (principal_id, from_version);
create index on assignment_version (source_id, to_version) where to_version < 2147483647;

-- Between these versions an open row was not seen: it is "last known" and no judgement may use it.
create table entity_unseen (
  source_id int not null,
  entity_id int not null,
  from_version int not null,
  to_version int not null default 2147483647 check (to_version > from_version),
  primary key (entity_id, from_version)
);
create index on entity_unseen (source_id, to_version);
create table membership_unseen (
  source_id int not null,
  part_id int not null,
  user_id int not null,
  from_version int not null,
  to_version int not null default 2147483647 check (to_version > from_version),
  primary key (part_id, user_id, from_version)
);
create index on membership_unseen (source_id, to_version);
create table assignment_unseen (
  source_id int not null,
  part_id int not null,
  principal_type int not null,
  principal_id int not null,
  from_version int not null,
  to_version int not null default 2147483647 check (to_version > from_version),
  primary key (part_id, principal_type, principal_id, from_version)
);
create index on assignment_unseen (source_id, to_version);

-- What could not be read is a state too.
create table gap_version (
  source_id int not null,
  digest bytea not null,
  from_version int not null,
  to_version int not null default 2147483647 check (to_version > from_version),
  dataset_id int not null,
  place_id int not null,
  body text not null,
  primary key (source_id, digest, from_version)
);
create table open_part_version (
  source_id int not null,
  part_id int not null,
  from_version int not null,
  to_version int not null default 2147483647 check (to_version > from_version),
  coverage text not null,
  reason text,
  primary key (part_id, from_version)
);
create index on open_part_version (source_id, to_version);

create table snapshot (
  source_id int not null references source,
  version int not null check (version > 0),
  run_id uuid not null unique references run,
  collection_id int not null references collection,
  label text not null,
  identity text not null,
  callers text not null,
  started_at timestamptz not null,
  sealed_at timestamptz not null,
  previous_digest bytea,
  digest bytea not null,
  planned_calls float8,
  calls int not null,
  throttles int not null,
  call_ledger_root bytea not null,
  software_version text not null,
  primary key (source_id, version)
);
create index on snapshot (sealed_at);
create table dataset_summary (
  source_id int not null,
  version int not null,
  dataset_id int not null,
  place_id int not null,
  coverage text not null,
  count int not null,
  digest bytea not null,
  parts int not null,
  open_parts int not null,
  pages int not null,
  calls int not null,
  duplicates int not null,
  first_observed_at timestamptz,
  last_observed_at timestamptz,
  reason text,
  primary key (source_id, version, dataset_id, place_id)
);

-- Evaluations: outcomes and results hold from evaluation to evaluation, so that one that changes nothing adds no row.
create table evaluation (
  id int primary key,
  evaluated_at timestamptz not null,
  as_of timestamptz not null,
  catalog_digest text not null,
  snapshots text not null,
  digest bytea not null
);
create index on evaluation (as_of);
create table control_definition (
  digest bytea primary key,
  body text not null
);
create table outcome_version (
  control_id text collate "C" not null,
  source text collate "C" not null,
  from_evaluation int not null,
  to_evaluation int not null default 2147483647 check (to_evaluation > from_evaluation),
  position int not null,
  definition bytea not null references control_definition,
  body text not null,
  digest bytea not null,
  primary key (control_id, source, from_evaluation)
);
create index on outcome_version (to_evaluation);
create table result_version (
  control_id text collate "C" not null,
  source text collate "C" not null,
  subject_key text collate "C" not null,
  subject_kind text collate "C" not null,
  subject_type text collate "C" not null,
  from_evaluation int not null,
  to_evaluation int not null default 2147483647 check (to_evaluation > from_evaluation),
  digest bytea not null,
  body text not null,
  primary key (control_id, source, subject_key, subject_kind, subject_type, from_evaluation)
);
create index on result_version (to_evaluation);

create table ledger (
  position bigint primary key check (position > 0),
  at timestamptz not null,
  kind text not null,
  payload text not null,
  previous_digest bytea,
  digest bytea not null
);
create table bundle (
  id text primary key,
  issued_at timestamptz not null,
  as_of timestamptz not null,
  framework text,
  path text not null,
  size_bytes bigint not null,
  manifest_digest text not null,
  key_fingerprint text not null,
  ledger_position bigint not null,
  complete boolean not null
);

create table schedule_slot (
  schedule text not null,
  nominal_time timestamptz not null,
  holder text not null,
  claimed_at timestamptz not null default clock_timestamp(),
  primary key (schedule, nominal_time)
);
create unlogged table call_budget (
  key text primary key,
  -- theoretical arrival time of the next slot, seconds since 1970 by this server's clock
  tat float8 not null
);

-- Evidence is append-only. The one change a version may see is to end with the snapshot (or evaluation) that is being made.
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'evidence is append-only (%.%: %)', tg_table_schema, tg_table_name, lower(tg_op) using errcode = 'restrict_violation';
end $$;

create function guard_version() returns trigger language plpgsql set search_path from current as $$
begin
  if tg_op = 'UPDATE' and old.to_version = 2147483647
    and new.to_version = 1 + coalesce((select max(version) from snapshot where source_id = old.source_id), 0)
    and to_jsonb(new) - 'to_version' = to_jsonb(old) - 'to_version'
  then
    return new;
  end if;
  raise exception 'evidence is append-only (%.%: %)', tg_table_schema, tg_table_name, lower(tg_op) using errcode = 'restrict_violation';
end $$;

create function guard_evaluation() returns trigger language plpgsql set search_path from current as $$
begin
  if tg_op = 'UPDATE' and old.to_evaluation = 2147483647
    and new.to_evaluation = 1 + coalesce((select max(id) from evaluation), 0)
    and to_jsonb(new) - 'to_evaluation' = to_jsonb(old) - 'to_evaluation'
  then
    return new;
  end if;
  raise exception 'evidence is append-only (%.%: %)', tg_table_schema, tg_table_name, lower(tg_op) using errcode = 'restrict_violation';
end $$;

create function guard_run() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and old.outcome = 'running' and new.id = old.id and new.started_at = old.started_at then
    return new;
  end if;
  raise exception 'a run that ended does not change (%.%: %)', tg_table_schema, tg_table_name, lower(tg_op) using errcode = 'restrict_violation';
end $$;

-- always: an ordinary trigger sleeps while session_replication_role is replica
do $$
declare
  guard record;
begin
  for guard in
    select name, 'guard_version' as routine from unnest(array['entity_version', 'membership_version', 'assignment_version', 'entity_unseen',
      'membership_unseen', 'assignment_unseen', 'gap_version', 'open_part_version']) name
    union all
    select name, 'guard_evaluation' from unnest(array['outcome_version', 'result_version']) name
    union all
    select 'run', 'guard_run'
    union all
    select name, 'refuse_change' from unnest(array['dataset', 'place', 'part', 'resource_key', 'call_chunk', 'entity', 'entity_salt', 'snapshot',
      'dataset_summary', 'evaluation', 'control_definition', 'ledger', 'bundle', 'schedule_slot']) name
  loop
    execute format('create trigger guard before update or delete on %I for each row execute function %I()', guard.name, guard.routine);
    execute format('create trigger guard_truncate before truncate on %I for each statement execute function refuse_change()', guard.name);
    execute format('alter table %I enable always trigger guard', guard.name);
    execute format('alter table %I enable always trigger guard_truncate', guard.name);
  end loop;
end $$;
