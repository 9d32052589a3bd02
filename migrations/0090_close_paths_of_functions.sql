-- Whose path does not name pg_temp is given temporary tables first: anybody could put one before `redaction`, with a trigger that then runs
-- as the owner, or before `ledger`. And what runs as the owner is for the application role, which grants say, not for everybody.
do $$
declare
  routine record;
begin
  for routine in
    select p.oid::regprocedure as name, p.prosecdef from pg_proc p
    where p.pronamespace = current_schema()::regnamespace and exists (select from unnest(p.proconfig) c where c like 'search_path=%')
  loop
    execute format('alter function %s set search_path = %I, pg_temp', routine.name, current_schema());
    continue when not routine.prosecdef;
    execute format('revoke execute on function %s from public', routine.name);
    if exists (select from pg_roles where rolname = 'evidenced_app') then
      execute format('grant execute on function %s to evidenced_app', routine.name);
    end if;
  end loop;
end $$;
