-- Holds, disposals and the last configuration are asked for by kind, and a ledger of years is long.
create index on ledger (kind, position);
