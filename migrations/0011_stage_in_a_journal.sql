-- What a run reads is staged as a journal, one compressed entry a batch, instead of as rows: a row is written once, when it is sealed.
-- What an interrupted run had staged the old way is read again.
drop table staged_part, staged_entity, staged_membership, staged_assignment;
update collection set state = 'discarded' where state = 'open';
create table staged_batch (
  collection_id int not null,
  id bigint generated always as identity,
  -- pieces that hold entities, and such that hold edges
  entities int not null,
  edges int not null,
  body bytea not null,
  primary key (collection_id, id)
);
alter table staged_batch alter column body set storage external;

-- Digest of the edges of a part as its last reading showed them, so that equal answers are known without a look at the rows. It can be
-- lost without harm: a part without one is compared row by row.
create table part_content (
  part_id int primary key,
  digest bytea not null
);

-- What still holds, without its body.
create index on entity_version (source_id, entity_id, part_id) where to_version = 2147483647;
