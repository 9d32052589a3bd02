-- The signed heads stand in the database too, beside those outside: who can write here can take one away, and cannot sign another.
-- The leaves of a head's change set are the version rows that begin and end with its version.
create table signed_head (
  stream text collate "C" not null,
  version int not null check (version > 0),
  head text not null,
  primary key (stream, version)
);
create trigger guard before update or delete on signed_head for each row execute function refuse_change();
create trigger guard_truncate before truncate on signed_head for each statement execute function refuse_change();
alter table signed_head enable always trigger guard;
alter table signed_head enable always trigger guard_truncate;
create index on ledger ((payload::json->>'run')) where kind = 'snapshot';
create index on ledger ((payload::json->>'evaluation')) where kind = 'evaluation';
