-- What began between two snapshots, row by row: rows that end leave their block ranges mixed, so that a block range index reads ten times what it
-- looks for. The first snapshot's rows need none, and are most.
create index on entity_version (source_id, from_version) where from_version > 1;
create index on membership_version (source_id, from_version) where from_version > 1;
create index on assignment_version (source_id, from_version) where from_version > 1;
