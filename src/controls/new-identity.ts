import type { Facts } from '../model.ts'
import type { Nameable } from './approvals.ts'
import { Change, type ChangeSurroundings, whenOf } from './change.ts'
import { type ChangeEvent, eventsOf, type Watched } from './change-events.ts'
import type { List } from './entity.ts'
import type { Past } from './past.ts'
import { joinGaps, Undecided } from './values.ts'

/** What new identities ask of the estate. */
export interface NewIdentitySurroundings extends ChangeSurroundings {
  /** people of the roster that a user may be; open while no roster is imported */
  peopleOfId(userId: string): List
  userNamed(id: string): Nameable
}

const users = 'identitystore.users'
const iamUsers = 'iam.users'
const accessKeys = 'iam.access_keys'

/** An access key that is not active is as good as none. */
const watched: readonly Watched[] = [
  { dataset: users, thing: state => `user|${state.key}`, signature: () => 'there' },
  { dataset: iamUsers, thing: state => `iamUser|${state.key}`, signature: () => 'there' },
  {
    dataset: accessKeys,
    thing: state => `accessKey|${state.key}`,
    signature: facts => (facts.Status === 'Active' ? 'active' : null),
  },
]

export const newIdentityDatasets: readonly string[] = watched.map(({ dataset }) => dataset)

/** Users, IAM users and access keys that came into being. */
export function newIdentities(estate: NewIdentitySurroundings, past: Past) {
  const { events, unproven } = eventsOf(past, watched)
  return { members: events.filter(event => event.isThere).map(event => new NewIdentity(estate, past, event)), unproven }
}

export class NewIdentity extends Change {
  declare readonly estate: NewIdentitySurroundings
  readonly kind: string
  readonly resourceId: string
  readonly #facts: Facts

  constructor(estate: NewIdentitySurroundings, past: Past, event: ChangeEvent) {
    super(estate, event.thing, whenOf(past, event))
    const at = event.thing.indexOf('|')
    this.kind = event.thing.slice(0, at)
    this.resourceId = event.thing.slice(at + 1)
    this.#facts = event.rows[0]!.after!
  }

  get typeName(): string {
    return 'NewIdentity'
  }
  get name(): string {
    const { UserName, AccessKeyId } = this.#facts
    if (this.kind === 'accessKey')
      return `access key ${String(AccessKeyId ?? this.resourceId)} of ${String(UserName ?? this.resourceId)}`
    return `${this.kind === 'iamUser' ? 'IAM user' : 'user'} ${String(UserName ?? this.resourceId)}`
  }
  get people(): List {
    return this.kind === 'user' ? this.estate.peopleOfId(this.resourceId) : []
  }
  protected get approvable() {
    const { AccessKeyId, UserName } = this.#facts
    const resources = [this.resourceId, ...this.resourceId.split('|'), ...(typeof AccessKeyId === 'string' ? [AccessKeyId] : [])]
    const [owner] = this.resourceId.split('|') as [string]
    if (this.kind !== 'user') return { user: { id: owner, name: owner.split('/').at(-1)! }, resources, needs: [] }
    const now = this.estate.userNamed(owner)
    return { user: typeof UserName === 'string' ? onceNamed(now, UserName) : now, resources, needs: [['user'] as const] }
  }
}

/** A user by the name that it came into being with, which its approval gives, whatever it is called by now. */
function onceNamed(user: Nameable, name: string): Nameable {
  const { aliases = [], unread } = user
  if (!(user.name instanceof Undecided)) return { ...user, name, aliases: user.name === null ? aliases : [...aliases, user.name] }
  return { ...user, name, unread: unread === undefined ? user.name : joinGaps(unread, user.name) }
}
