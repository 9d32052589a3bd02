import { appRole } from './app-role.ts'
import { query } from './database.ts'
import { StoreError } from './error.ts'
import type { Store } from './store.ts'

/**
 * Refuses to work for long as a user to whom no guard and no grant means anything.
 * @throws {StoreError} DATABASE_SUPERUSER on an external database; the embedded one is this program's own
 */
export async function refuseSuperuser(store: Store): Promise<void> {
  if (store.kind === 'embedded') return
  const [user] = await query<{ name: string; is_superuser: boolean }>(
    store.db,
    'select rolname as name, rolsuper as is_superuser from pg_roles where rolname = current_user',
  )
  if (user?.is_superuser !== true) return
  throw new StoreError(
    'DATABASE_SUPERUSER',
    `${user.name} is a superuser of the database at ${store.db.where}: evidence must not be in its reach`,
    {
      hint: `give the program a user of its own (create role evidenced_collector login password '…' in role ${appRole}), or set database.allowSuperuser: true`,
    },
  )
}
