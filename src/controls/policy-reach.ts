import { isFullAccess, isFullDenial, type PolicyDocument, type Statement } from './policy-document.ts'
import { isBroad, isWhole } from './resource-reach.ts'
import { joinGaps, type Unknown } from './values.ts'
import { covers, meets } from './wildcards.ts'

type How = 'broadly' | 'to_oneself' | 'at_all'

/** Everything that says what a principal may do. */
export interface Grants {
  /** statements of the policies that were read */
  readonly statements: readonly Statement[]
  /** policies that could not be read: they may allow more */
  readonly unread: readonly Unknown[]
  /** the permissions boundary: null for none, and for one that could not be read, since a restriction must be proven */
  readonly boundary: PolicyDocument | null
  /** ARN of the IAM user whose grants they are; `any_user` for a group; nothing for a role session, which has no `aws:username` */
  readonly oneself?: string
}

/**
 * Whether any action that a pattern stands for is allowed. Explicit denies and a boundary that was read take away; a policy that was
 * not read may add, but is not assumed to take away. Statements are not added up to one action.
 * @param wanted lower-case action, with or without wildcards
 * @param how `broadly`: on every resource of a type and without a limiting condition; `to_oneself`: that, or on the user who asks;
 *   `at_all`: on anything
 */
export function allows(grants: Grants, wanted: string, how: How): boolean | Unknown {
  const { statements, unread, boundary, oneself } = grants
  if (statements.some(each => denies(each, wanted))) return false
  if (boundary !== null && !boundary.statements.some(each => grantsSome(each, wanted, 'at_all', boundary.statements)))
    return false
  if (statements.some(each => grantsSome(each, wanted, how, statements, oneself))) return true
  return unread.length === 0 ? false : unread.reduce(joinGaps)
}

interface Written {
  readonly patterns: number
  readonly denying: number
  readonly letters: number
  readonly denyingLetters: number
  /** letters of patterns with a wildcard before their end */
  readonly hardLetters: number
}

const written = new WeakMap<readonly Statement[], Written>()
const isHard = (pattern: string) => /[*?]./.test(pattern)
const lettersOf = (patterns: readonly string[]) => patterns.reduce((sum, pattern) => sum + pattern.length, 0)

/** What it takes at worst to tell whether an action is allowed, in looks at a pattern. */
export function workOf({ statements }: Grants, wanted: string): number {
  let found = written.get(statements)
  if (found === undefined) {
    const all = statements.flatMap(({ actionPatterns }) => actionPatterns)
    const denying = statements.filter(({ effect }) => effect === 'Deny').flatMap(({ actionPatterns }) => actionPatterns)
    found = {
      ...{ patterns: all.length, denying: denying.length, letters: lettersOf(all), denyingLetters: lettersOf(denying) },
      hardLetters: lettersOf(all.filter(isHard)),
    }
    written.set(statements, found)
  }
  const { patterns, denying, letters, denyingLetters, hardLetters } = found
  const places = (isHard(wanted) ? letters : hardLetters) * wanted.length + hardLetters * denyingLetters
  return 20 * (1 + patterns) + patterns * denying + places
}

/** Whether everything is allowed: administrator access. */
export function allowsEverything({ statements, unread, boundary }: Grants): boolean | Unknown {
  if (statements.some(isFullDenial)) return false
  if (boundary !== null && !boundary.statements.some(isFullAccess)) return false
  if (statements.some(isFullAccess)) return true
  return unread.length === 0 ? false : unread.reduce(joinGaps)
}

/** Services, as written, of which one Allow statement grants every action on every resource without a limiting condition; `*` stands for all. */
export function serviceWildcards(statement: Statement): readonly string[] {
  const { effect, actions, actionPatterns, resources, resourcePatterns, isLimited } = statement
  if (effect !== 'Allow' || isLimited) return []
  if (actions !== 'some') return resources === 'some' ? servicesOf(statement) : ['*']
  const whole = actionPatterns.flatMap(pattern => /^([a-z0-9*?-]+):[*?]*\*[*?]*$/.exec(pattern)?.[1] ?? [])
  if (resources !== 'some') return whole
  // one that is written with a wildcard stands for that of the resource
  const isNamed = (service: string) => /[*?]/.test(service) && wholeServices(statement).some(named => covers(service, named))
  return whole.filter(service => resourcePatterns.some(each => isWhole(each, service)) || isNamed(service))
}

/** Services all of whose resources are named by an Allow of every action, or of all but some of other services. */
function servicesOf(statement: Statement): readonly string[] {
  const { actions, actionPatterns } = statement
  const isLeft = (service: string) => actions === 'every' || !actionPatterns.some(each => meets(each, `${service}:*`))
  return wholeServices(statement).filter(isLeft)
}

/** Services all of whose resources a statement names, each by its own name. */
function wholeServices({ resourcePatterns }: Statement): readonly string[] {
  const named = resourcePatterns.flatMap(each => {
    const service = /^arn:[^:]*:([a-z0-9-]+):/i.exec(each)?.[1]?.toLowerCase()
    return service !== undefined && isWhole(each, service) ? [service] : []
  })
  return [...new Set(named)]
}

function grantsSome(statement: Statement, wanted: string, how: How, all: readonly Statement[], oneself?: string): boolean {
  const { effect, actions, actionPatterns, isLimited, limitedActions } = statement
  if (effect !== 'Allow') return false
  if (how !== 'at_all' && (isLimited || limitedActions.some(each => covers(each, wanted)))) return false
  if (how === 'broadly' && !isBroadOn(statement, wanted)) return false
  if (how === 'to_oneself' && !isBroadOn(statement, wanted) && !isOnOneself(statement, oneself)) return false
  if (actions === 'every') return true
  if (actions === 'all_but') return !actionPatterns.some(pattern => covers(pattern, wanted))
  // a deny of the very pattern that allows leaves nothing of it
  const denied = all.filter(each => each.effect === 'Deny' && each.resources === 'every' && !each.isConditional)
  return actionPatterns.some(
    pattern => meets(pattern, wanted) && !denied.some(each => each.actionPatterns.some(other => covers(other, pattern))),
  )
}

/** Services whose resources an action is about, where they are not those of its own service. */
const aboutOthers: { readonly [service: string]: readonly string[] } = {
  sts: ['iam'],
  ssm: ['ssm', 'ec2', 'ecs'],
  'ec2-instance-connect': ['ec2'],
}

const broad = new WeakMap<Statement, Map<string, boolean>>()

/** Whether the resources of a statement are all those of a type that an action may be about: `arn:aws:s3:::bucket/*` says nothing of IAM. */
function isBroadOn(statement: Statement, wanted: string): boolean {
  const { resources, resourcePatterns } = statement
  if (resources !== 'some') return true
  const service = wanted.slice(0, wanted.indexOf(':'))
  const known = broad.get(statement) ?? new Map<string, boolean>()
  broad.set(statement, known)
  let found = known.get(service)
  if (found === undefined) {
    found = (aboutOthers[service] ?? [service]).some(other => resourcePatterns.some(each => isBroad(each, other)))
    known.set(service, found)
  }
  return found
}

const username = /\$\{aws:username\b[^}]*\}/gi

/** Whether a resource is the user who asks, by ARN or by `${aws:username}`, on whatever path. */
function isOnOneself({ resourcePatterns }: Statement, oneself: string | undefined): boolean {
  if (oneself === undefined) return false
  if (oneself === 'any_user') return resourcePatterns.some(each => /:(user|[*?])[^:]*\$\{aws:username\b[^}]*\}[*?]*$/i.test(each))
  const name = oneself.split('/').at(-1)!
  return resourcePatterns.some(each => covers(each.replace(username, name), oneself))
}

/** An unconditional Deny of all that is wanted, on literally everything: what lowers must be proven. */
function denies({ effect, actions, actionPatterns, resources, isConditional }: Statement, wanted: string): boolean {
  if (effect !== 'Deny' || resources !== 'every' || isConditional) return false
  if (actions === 'every') return true
  const isNamed = actionPatterns.some(pattern => covers(pattern, wanted))
  return actions === 'all_but' ? !actionPatterns.some(pattern => meets(pattern, wanted)) : isNamed
}
