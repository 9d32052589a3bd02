-- What changed between two snapshots, and who reaches a permission set, are found without reading whole tables: rows of one snapshot stand
-- together, so that a block range index on their first version costs next to nothing.
create index on entity_version using brin (from_version) with (pages_per_range = 16, autosummarize = on);
create index on membership_version using brin (from_version) with (pages_per_range = 16, autosummarize = on);
create index on assignment_version using brin (from_version) with (pages_per_range = 16, autosummarize = on);

-- the second half of a pair `accountId|permissionSetArn`
create index part_second_parent on part (source_id, dataset_id, substr(parent, strpos(parent, '|') + 1)) where strpos(parent, '|') > 0;
