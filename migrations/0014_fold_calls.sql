-- Calls come a few at a time, and compress to a tenth of a line only by the thousand: they are staged with their run and folded into the
-- ledger of calls when it ends.
create table staged_calls (
  collection_id int not null,
  id bigint generated always as identity,
  lines int not null,
  body bytea not null,
  primary key (collection_id, id)
);
alter table staged_calls alter column body set storage external;
