-- Files that people bring beside AWS (roster, attestations): each import is kept as a whole, so that any evaluation can be made again.
create table import_file (
  id bigint primary key check (id > 0),
  kind text not null,
  location text not null,
  digest bytea not null,
  imported_at timestamptz not null,
  rows text not null
);
create index on import_file (kind, imported_at);

create trigger guard before update or delete on import_file for each row execute function refuse_change();
create trigger guard_truncate before truncate on import_file for each statement execute function refuse_change();
alter table import_file enable always trigger guard;
alter table import_file enable always trigger guard_truncate;
