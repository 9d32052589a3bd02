import { itemsOf } from './effective.ts'
import type { Entity } from './entity.ts'
import { subjectOf } from './estate.ts'
import { questions } from './questions.ts'
import { schema } from './schema.ts'
import type { SourceEstate } from './source-estate.ts'
import { Account } from './targets.ts'
import { Undecided, type Unknown } from './values.ts'

/** Attributes by which an exception or a parameter may speak of a subject, besides `tag:KEY`. */
export const attributeNames = [
  'name',
  'key',
  'account',
  'organizationalUnit',
  'permissionSet',
  'principal',
  'application',
] as const

/** What an account gives, too, and which members of the schema lead to one. */
const leadsTo: { readonly [attribute: string]: readonly string[] } = {
  account: ['account', 'AccountId', 'accountId', 'isManagement'],
  organizationalUnit: ['account', 'AccountId', 'accountId', 'ouNames'],
  permissionSet: ['permissionSet', 'InlinePolicy'],
  principal: ['principal', 'PrincipalId', 'UserId', 'GroupId', 'isDirectoryExternal'],
  application: ['application', 'ApplicationArn'],
  tag: ['account', 'AccountId', 'accountId', 'permissionSet', 'tags'],
}

/** Whether things of a schema type can have an attribute: one that none has is a mistake, since it would cover nothing in silence. */
export function hasAttribute(type: string, attribute: string): boolean {
  if (attribute === 'name' || attribute === 'key') return true
  const named = attribute.startsWith('tag:') ? 'tag' : attribute
  if (type === 'Assignment') return named in leadsTo
  return (leadsTo[named] ?? []).some(member => member in (schema[type] ?? {}))
}

/**
 * The account that a subject is, lies in or gives access to.
 * @returns null: it has none, or the organization does not list it; unknown: that could not be read
 */
export function accountOf(source: SourceEstate, member: Entity): Account | null | Unknown {
  if (member instanceof Account) return member
  const { account, AccountId, accountId } = member as Entity & { account?: unknown; AccountId?: unknown; accountId?: unknown }
  if (account instanceof Account || account instanceof Undecided) return account as Account | Unknown
  const id = AccountId ?? accountId
  if (id instanceof Undecided) return id as Unknown
  return typeof id === 'string' ? source.accountOfId(id) : null
}

/** Every value of an attribute of a subject. Unknown: it could not be read, so nobody can say that it fits. */
export function attributeValues(
  source: SourceEstate,
  resource: string,
  member: Entity,
  attribute: string,
): readonly (string | Unknown)[] {
  if (attribute === 'key') return [member.key]
  if (attribute === 'name') return [subjectOf(source, resource, member).name]
  if (attribute === 'account') {
    const account = accountOf(source, member)
    if (account instanceof Undecided) return [account]
    const { AccountId, accountId } = member as Entity & { AccountId?: unknown; accountId?: unknown }
    return account === null ? texts([AccountId, accountId]) : texts([account.key, account.name])
  }
  if (attribute === 'organizationalUnit') {
    const account = accountOf(source, member)
    return account === null || account instanceof Undecided ? texts([account]) : texts([...itemsOf<unknown>(account.ouNames)])
  }
  if (attribute.startsWith('tag:')) {
    const key = attribute.slice('tag:'.length)
    return texts([accountOf(source, member), member, related(member, 'permissionSet')].map(owner => tagOf(owner, key)))
  }
  const own = attribute === member.typeName.replace(/^./, first => first.toLowerCase()) || isPrincipal(attribute, member)
  const thing = own ? member : related(member, attribute)
  if (thing instanceof Undecided) return [thing as Unknown]
  const { key, name } = (thing ?? {}) as { key?: unknown; name?: unknown }
  const { PrincipalId } = member as Entity & { PrincipalId?: unknown }
  return texts([key, name, attribute === 'principal' ? PrincipalId : undefined])
}

/** The value of a tag; null: there is none of that key, or nothing that has tags. */
export function tagOf(owner: unknown, key: string): unknown {
  return owner instanceof Undecided ? owner : (questions.tag!(owner, [key], { asOf: 0, fuel: 0 }) ?? null)
}

function isPrincipal(attribute: string, { typeName }: Entity): boolean {
  return attribute === 'principal' && (typeName === 'User' || typeName === 'Group')
}

function related(member: Entity, name: string): unknown {
  return (member as unknown as { readonly [name: string]: unknown })[name]
}

function texts(values: readonly unknown[]): readonly (string | Unknown)[] {
  return values.filter(value => typeof value === 'string' || value instanceof Undecided) as (string | Unknown)[]
}
