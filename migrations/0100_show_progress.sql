-- How far a collection has come, for whoever looks at the database while it goes on: calls of those predicted, calls a second, throttled answers,
-- seconds left. It is no evidence, and a crash may take it.
create unlogged table run_progress (
  source_id int primary key,
  run_id uuid not null,
  at timestamptz not null,
  phase text not null,
  done int not null,
  total int,
  per_second float8,
  throttles int not null,
  seconds_left float8,
  detail text not null
);
