-- What policy analysis said of permission sets, so that "who was admin" is answered without judging again. Sets that are plainly no
-- admin have no row; the entry of the evaluation in the ledger holds the digest of the others.
create table classification (
  evaluation_id int not null references evaluation,
  source_id int not null references source,
  version int not null,
  permission_set text collate "C" not null,
  classification text not null check (classification in ('admin', 'can_escalate', 'unknown')),
  reason text not null,
  primary key (evaluation_id, source_id, permission_set)
);
-- the snapshots that an evaluation classified, also when every set is plainly no admin
create table classified_snapshot (
  source_id int not null references source,
  version int not null,
  evaluation_id int not null references evaluation,
  primary key (source_id, version, evaluation_id)
);
do $$
declare
  name text;
begin
  foreach name in array array['classification', 'classified_snapshot'] loop
    execute format('create trigger guard before update or delete on %I for each row execute function refuse_change()', name);
    execute format('create trigger guard_truncate before truncate on %I for each statement execute function refuse_change()', name);
    execute format('alter table %I enable always trigger guard', name);
    execute format('alter table %I enable always trigger guard_truncate', name);
  end loop;
end $$;
