-- Parts are numbered by the hundred thousand in the transaction that seals them, with numbers it has just read: checking each of them three
-- times cost more than writing it.
alter table part drop constraint part_source_id_fkey, drop constraint part_dataset_id_fkey, drop constraint part_place_id_fkey;
