import type { Change, Snapshot } from '../model.ts'
import { type Names, namesAt } from './names.ts'
import { locate } from './snapshot.ts'
import type { Store } from './store.ts'

/** Ids that a change is about. */
interface About {
  readonly user?: string
  readonly group?: string
  readonly permissionSet?: string
  readonly account?: string
}

const batchSize = 1000

/**
 * Changes with what people call whom and what they are about, e.g. `jane@example.com in group admins`, as the snapshot or one before it had it;
 * '' where no name is known. Looked up by the thousand.
 * @param snapshot the later one of the two
 */
export async function* withNames(
  store: Store,
  snapshot: Snapshot,
  changes: AsyncIterable<Change>,
): AsyncGenerator<Change & { readonly name: string }> {
  const { sourceId, version } = await locate(store, snapshot)
  let batch: Change[] = []
  async function* named() {
    const abouts = batch.map(aboutOf)
    const of = (member: keyof About) => [...new Set(abouts.flatMap(about => about[member] ?? []))]
    const wanted = { users: of('user'), groups: of('group'), permissionSets: of('permissionSet'), accounts: of('account') }
    const names = await namesAt(store, sourceId, version, wanted)
    for (const [i, change] of batch.entries()) yield { ...change, name: textOf(abouts[i]!, names) }
    batch = []
  }
  for await (const change of changes) if (batch.push(change) === batchSize) yield* named()
  yield* named()
}

function aboutOf({ dataset, parent, key }: Change): About {
  const [type, id] = key.slice(parent.length + 1).split('|')
  const principal = type === 'USER' ? { user: id! } : type === 'GROUP' ? { group: id! } : {}
  switch (dataset) {
    case 'identitystore.users':
      return { user: key }
    case 'identitystore.groups':
      return { group: key }
    case 'identitystore.group_memberships':
      return { user: type!, group: parent }
    case 'organizations.accounts':
      return { account: key }
    case 'sso.application_assignments':
      return principal
    case 'sso.account_assignments':
      return { ...principal, account: parent.slice(0, parent.indexOf('|')), permissionSet: parent.slice(parent.indexOf('|') + 1) }
    default:
      return { permissionSet: [parent, key].find(each => each.includes(':permissionSet/'))?.split('|')[0] ?? '' }
  }
}

/** Names, and ids of what has none beside something that has one. */
function textOf({ user, group, permissionSet, account }: About, names: Names): string {
  const known = {
    user: user === undefined ? null : names.users.get(user)?.name,
    group: group === undefined ? null : names.groups.get(group),
    permissionSet: permissionSet === undefined ? null : names.permissionSets.get(permissionSet),
    account: account === undefined ? null : names.accounts.get(account),
  }
  if (Object.values(known).every(name => (name ?? null) === null)) return ''
  const [person, team] = [known.user ?? user, known.group ?? group]
  const who = [person, team === undefined ? undefined : `${person === undefined ? '' : 'in '}group ${team}`]
  const [set, place] = [known.permissionSet ?? permissionSet, known.account ?? account]
  const what = [set, place === undefined ? undefined : set === undefined ? place : `in ${place}`]
  const said = [who, what].map(parts => parts.filter(each => each !== undefined).join(' ')).filter(text => text !== '')
  return said.join(': ')
}
