import { compareBytes } from '../digest.ts'
import type {
  CallRecord,
  Facts,
  Gap,
  Json,
  ParameterValues,
  Resource,
  SavedEvaluation,
  Snapshot,
  StoredResource,
  Subject,
} from '../model.ts'

/** Puts pseudonyms in place of what names people, in everything a report can be made of. The same person has the same one everywhere. */
export interface Mask {
  text(text: string): string
  subject(subject: Subject): Subject
  facts(facts: Facts): Facts
  /** without the salt, with which a name that somebody suspects could be confirmed */
  row<T extends Resource>(row: T): T
  rows<T extends Resource>(rows: AsyncIterable<T>): AsyncGenerator<T>
  gap(gap: Gap): Gap
  snapshot(snapshot: Snapshot): Snapshot
  evaluation(evaluation: SavedEvaluation): SavedEvaluation
  call(call: CallRecord): CallRecord
  /** any plain data; times stay */
  any<T>(value: T): T
}

/** What a bundle with pseudonyms says of itself. */
export const maskStatement = {
  replaced: [
    'of users of the identity store: ids, sign-in names, display and given names, e-mail addresses, ids in the external identity provider, and everything else that is personal',
    'of IAM users: the name, in their ARNs too',
    'of imported rows: names, e-mail addresses and ids of people',
    'of parameters of controls: names of people in them, as far as they are written as AWS has them',
  ],
  stays: [
    'names and ids of groups, accounts, permission sets and applications, and whatever they were named after',
    'descriptions, titles and tags that people wrote, unless a replaced name stands in them',
    'ids that AWS gave (access keys, memberships), ARNs of roles and the session names of those who read',
  ],
  notCheckable:
    'digests of resources and snapshots are over what was read, not over pseudonyms: with this bundle alone nobody can compute them again',
} as const

/** Members of a user that say who it is; everything below them is replaced. */
const personal = new Set([
  ...[
    'UserId',
    'UserName',
    'DisplayName',
    'NickName',
    'Name',
    'Emails',
    'ExternalIds',
    'ProfileUrl',
    'PhoneNumbers',
    'Addresses',
  ],
  ...['Birthdate', 'Photos', 'Website', 'CreatedBy', 'UpdatedBy'],
])

/** Members and columns whose whole text is somebody's name, wherever they stand. */
const naming =
  /^(user|display|nick|given|family|formatted|full|person|manager|owner)?_?(name|email|user|id)$|^(email|e-mail|emails|owner|manager|reviewer|approver|formatted|user_?name|user_?id|member)$/i

/** With the path, which is left out, and the name: the same name is the same pseudonym in every account, as texts do not say in which. */
const iamArn = /(arn:aws[a-z-]*:iam::\d{12}:(?:user|mfa)\/)(?:[^\s|"',;]*\/)?([^\s|"',;/]+)/g
const wordStart = /[\p{L}\p{N}_]/u
const word = /[\p{L}\p{N}_.%+@~'-]+/gu

/**
 * Learns who there is.
 * @param pseudonym of a text, the same each time
 * @param people rows of every snapshot: users of the identity store and of IAM first, then memberships and assignments
 */
export async function maskOf(pseudonym: (text: string) => string, people: AsyncIterable<StoredResource>): Promise<Mask> {
  const whole = new Map<string, string>()
  const byFirstWord = new Map<string, string[]>()
  const learn = (text: Json | undefined, token: string) => {
    if (typeof text !== 'string' || text === '' || whole.has(text)) return
    whole.set(text, token)
    // a short plain word may be a word: it is replaced where it stands alone, not inside sentences
    if (/^[A-Za-z]{1,5}$/.test(text)) return
    const [first] = text.match(word) ?? []
    if (first === undefined) return
    const known = byFirstWord.get(first)
    if (known === undefined) byFirstWord.set(first, [text])
    else known.push(text)
  }
  for await (const row of people) {
    if (row.dataset !== 'identitystore.users' && row.dataset !== 'iam.users') {
      // who is gone from the directory is named here only
      const { MemberId: member, PrincipalType: type, PrincipalId: principal } = row.facts
      const id = (member as Facts | undefined)?.UserId ?? (type === 'USER' ? principal : undefined)
      if (typeof id === 'string') learn(id, pseudonym(`user ${id}`))
      continue
    }
    if (row.dataset === 'iam.users') {
      if (typeof row.facts.UserName === 'string') learn(row.facts.UserName, pseudonym(`iam ${row.facts.UserName}`))
      continue
    }
    const token = pseudonym(`user ${row.key}`)
    for (const facts of [row.facts, ...row.earlier.map(each => each.facts)]) {
      for (const member of ['UserId', 'UserName', 'DisplayName', 'NickName'] as const) learn(facts[member], token)
      for (const email of listOf(facts.Emails)) learn(email.Value, token)
      for (const external of listOf(facts.ExternalIds)) learn(external.Id, token)
      learn((facts.Name as Facts | undefined)?.Formatted, token)
    }
  }
  for (const texts of byFirstWord.values()) texts.sort((a, b) => b.length - a.length)

  function text(value: string): string {
    if (value.length < 2) return value
    const arns = value.replace(
      iamArn,
      (_, start: string, name: string) => `${start}${whole.get(name) ?? pseudonym(`iam ${name}`)}`,
    )
    let done = ''
    let at = 0
    for (const found of arns.matchAll(word)) {
      if (found.index < at) continue
      // a full stop or an apostrophe may belong to the sentence
      const candidates = [found[0], found[0].replace(/[.'-]+$/, '')].flatMap(first => byFirstWord.get(first) ?? [])
      const name = candidates.find(each => arns.startsWith(each, found.index) && endsThere(arns, found.index + each.length))
      if (name === undefined) continue
      done += arns.slice(at, found.index) + whole.get(name)!
      at = found.index + name.length
    }
    return done + arns.slice(at)
  }
  function endsThere(all: string, at: number): boolean {
    return at >= all.length || !wordStart.test(all[at]!)
  }
  function json(value: Json, isName: boolean): Json {
    if (typeof value === 'string') return isName ? (whole.get(value) ?? text(value)) : text(value)
    if (Array.isArray(value))
      return inOrder(
        value,
        value.map(each => json(each, isName)),
      )
    if (typeof value !== 'object' || value === null || value instanceof Date) return value
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [text(name), json(each, naming.test(name))]))
  }
  const facts = (value: Facts): Facts => json(value, false) as Facts
  function userFacts(value: Facts, token: string): Facts {
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, personal.has(name) ? replaced(each, token) : json(each, false)]),
    )
  }
  function row<T extends Resource>(value: T): T {
    const stored = value as T & Partial<StoredResource>
    const token = pseudonym(`user ${value.key}`)
    const own = (each: Facts) => (value.dataset === 'identitystore.users' ? userFacts(each, token) : iamFacts(value, facts(each)))
    return {
      ...value,
      key: value.dataset === 'identitystore.users' ? token : text(value.key),
      parent: text(value.parent),
      facts: own(value.facts),
      ...(stored.salt === undefined ? {} : { salt: null }),
      ...(stored.earlier === undefined ? {} : { earlier: stored.earlier.map(each => ({ ...each, facts: own(each.facts) })) }),
    }
  }
  /** A user of IAM is known by its ARN, which stands in the key or the parent. */
  function iamFacts({ dataset, key, parent }: Resource, value: Facts): Facts {
    const [found] = `${key} ${parent}`.matchAll(iamArn)
    if (!dataset.startsWith('iam.') || found === undefined || !found[1]!.endsWith(':user/')) return value
    const token = whole.get(found[2]!) ?? pseudonym(`iam ${found[2]}`)
    return {
      ...value,
      ...(value.UserName === undefined ? {} : { UserName: token }),
      ...(value.user === undefined ? {} : { user: token }),
    }
  }
  function parameters(values: ParameterValues): ParameterValues {
    return Object.fromEntries(
      Object.entries(values).map(([name, value]) => [
        name,
        typeof value === 'string' ? oneOf(value) : Array.isArray(value) ? value.map(oneOf) : value,
      ]),
    )
  }
  const oneOf = (value: string): string => whole.get(value) ?? text(value)
  const subject = (value: Subject): Subject => ({
    ...value,
    key: text(value.key),
    name: whole.get(value.name) ?? text(value.name),
  })
  const gap = (value: Gap): Gap => ({
    ...value,
    parent: text(value.parent),
    key: value.key === null ? null : text(value.key),
    message: text(value.message),
  })
  return {
    text,
    subject,
    facts,
    row,
    async *rows(rows) {
      for await (const each of rows) yield row(each)
    },
    gap,
    snapshot: value => ({ ...value, gaps: value.gaps.map(gap) }),
    evaluation: value => ({
      ...value,
      outcomes: value.outcomes.map(outcome => ({
        ...outcome,
        control: {
          ...outcome.control,
          parameters: parameters(outcome.control.parameters),
          ...(outcome.control.parametersByTag === undefined
            ? {}
            : {
                parametersByTag: outcome.control.parametersByTag.map(each => ({
                  ...each,
                  parameters: parameters(each.parameters),
                })),
              }),
        },
        error: outcome.error === null ? null : text(outcome.error),
        results: outcome.results.map(result => ({
          ...result,
          subject: subject(result.subject),
          reason: text(result.reason),
          facts: facts(result.facts),
          gaps: result.gaps.map(gap),
        })),
      })),
      ...(value.exceptions === undefined ? {} : { exceptions: json(value.exceptions as unknown as Json, false) as never }),
    }),
    call: value => ({ ...value, parameters: facts(value.parameters) }),
    any: value => json(value as Json, false) as typeof value,
  }
}

/** A list in which names were replaced is sorted again: its order would tell the order of the people, and nobody could make it again. */
function inOrder(before: readonly Json[], after: readonly Json[]): readonly Json[] {
  const isText = (each: Json): each is string => typeof each === 'string'
  if (!after.every(isText) || after.every((each, i) => each === before[i])) return after
  return [...after].sort(compareBytes)
}

/** Every text below a member is the person's one pseudonym; what is no text stays. */
function replaced(value: Json, token: string): Json {
  if (typeof value === 'string') return value === '' ? '' : token
  if (Array.isArray(value)) return value.map(each => replaced(each, token))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, name === 'Type' || name === 'Issuer' ? each : replaced(each, token)]),
  )
}

function listOf(value: Json | undefined): readonly Facts[] {
  return Array.isArray(value) ? value.filter((each): each is Facts => typeof each === 'object' && each !== null) : []
}
