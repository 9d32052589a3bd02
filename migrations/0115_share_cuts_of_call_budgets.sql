-- A throttled answer cuts the rate of every process that shares the budget, not only of the one that met it: when it was, and how fast that
-- process went. Null until AWS throttles.
alter table call_budget
  -- seconds since 1970 by this server's clock
  add column cut_at float8,
  -- calls a second before the cut
  add column cut_from float8;
