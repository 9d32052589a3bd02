import { type Database, transaction } from './database.ts'
import { lockSpaces } from './locks.ts'

/** The role that a program's database user is made a member of: it may add evidence and change nothing of it. */
export const appRole = 'evidenced_app'

/**
 * Makes the application role where it is not there, and grants it what the program needs: to read and add everywhere, to end versions, and
 * to work freely in the tables that hold no evidence. Safe to repeat; needed after each migration.
 * @returns false when this user may neither make the role nor find it
 */
export async function grantAppRole(db: Database): Promise<boolean> {
  return transaction(db, async on => {
    await on.query('select pg_advisory_xact_lock($1, 1)', [lockSpaces.migration])
    const [found] = await on.query<{ exists: boolean; allowed: boolean }>(
      `select exists (select from pg_roles where rolname = $1) as exists,
         (select rolsuper or rolcreaterole from pg_roles where rolname = current_user) as allowed`,
      [appRole],
    )
    if (!found!.exists && !found!.allowed) return false
    // roles belong to the whole server: another database's migration may make it at this moment
    if (!found!.exists) {
      await on.execute(
        `do $$ begin create role ${appRole} nologin; exception when duplicate_object or unique_violation then null; end $$`,
      )
    }
    await on.execute(grants)
    return true
  })
}

/** A table of evidence has a guard; what the guard lets change is granted by column. */
const grants = `do $$
declare
  t record;
  changing text;
  routine regprocedure;
begin
  execute format('grant usage on schema %I to ${appRole}', current_schema());
  -- rows that are sent by COPY bring their numbers along
  execute format('grant usage on all sequences in schema %I to ${appRole}', current_schema());
  -- what runs as the owner is not for everybody
  for routine in select oid from pg_proc where pronamespace = current_schema()::regnamespace and prosecdef loop
    execute format('grant execute on function %s to ${appRole}', routine);
  end loop;
  for t in
    select c.oid, c.relname, exists (select from pg_trigger g where g.tgrelid = c.oid and g.tgname = 'guard') as guarded
    from pg_class c where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
  loop
    execute format('revoke all on %I from ${appRole}', t.relname);
    execute format('grant select on %I to ${appRole}', t.relname);
    -- to vacuum away what a disposal leaves; it changes no row
    if current_setting('server_version_num')::int >= 170000 then
      execute format('grant maintain on %I to ${appRole}', t.relname);
    end if;
    continue when t.relname like 'schema_migration%';
    execute format('grant insert on %I to ${appRole}', t.relname);
    -- which instance a source is, and when and under which settings a collection began, stays as it was written
    if t.relname = 'source' then
      grant update (label, organization_id) on source to ${appRole};
      continue;
    elsif t.relname = 'collection' then
      grant update (run_id, callers, state) on collection to ${appRole};
      continue;
    elsif not t.guarded then
      execute format('grant update, delete on %I to ${appRole}', t.relname);
      continue;
    end if;
    select string_agg(quote_ident(a.attname), ', ') into changing from pg_attribute a
    where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
      and (a.attname in ('to_version', 'to_evaluation')
        or t.relname = 'run' and a.attname in ('ended_at', 'outcome', 'snapshot_version', 'error', 'error_code'));
    if changing is not null then
      execute format('grant update (%s) on %I to ${appRole}', changing, t.relname);
    end if;
  end loop;
end $$`
