import { isFullAccess, isFullDenial, type PolicyDocument, type Statement } from './policy-document.ts'
import { joinGaps, type Unknown } from './values.ts'

/** Everything that says what a principal may do. */
export interface Grants {
  /** statements of the policies that were read */
  readonly statements: readonly Statement[]
  /** policies that could not be read: they may allow more */
  readonly unread: readonly Unknown[]
  /** the permissions boundary: null for none, and for one that could not be read, since a restriction must be proven */
  readonly boundary: PolicyDocument | null
}

/**
 * Whether any action that a pattern stands for is allowed. Explicit denies and a boundary that was read take away; a policy that was
 * not read may add, but is not assumed to take away. Statements are not added up to one action.
 * @param wanted lower-case action, with or without wildcards
 * @param how `broadly`: on every resource of a type and without a condition; `at_all`: on anything
 */
export function allows(grants: Grants, wanted: string, how: 'broadly' | 'at_all'): boolean | Unknown {
  const { statements, unread, boundary } = grants
  if (statements.some(each => denies(each, wanted))) return false
  if (boundary !== null && !boundary.statements.some(each => grantsSome(each, wanted, 'at_all', boundary.statements)))
    return false
  if (statements.some(each => grantsSome(each, wanted, how, statements))) return true
  return unread.length === 0 ? false : unread.reduce(joinGaps)
}

/** Whether everything is allowed: administrator access. */
export function allowsEverything({ statements, unread, boundary }: Grants): boolean | Unknown {
  if (statements.some(isFullDenial)) return false
  if (boundary !== null && !boundary.statements.some(isFullAccess)) return false
  if (statements.some(isFullAccess)) return true
  return unread.length === 0 ? false : unread.reduce(joinGaps)
}

/** Services of which one Allow statement grants every action on every resource without a condition; `*` stands for all. */
export function serviceWildcards(statement: Statement): readonly string[] {
  const { effect, actions, actionPatterns, resources, isConditional } = statement
  if (effect !== 'Allow' || resources === 'some' || isConditional) return []
  if (actions !== 'some') return ['*']
  return actionPatterns.flatMap(pattern => /^([a-z0-9-]+):\*+$/.exec(pattern)?.[1] ?? [])
}

function grantsSome(statement: Statement, wanted: string, how: 'broadly' | 'at_all', all: readonly Statement[]): boolean {
  const { effect, actions, actionPatterns, isBroad, isConditional } = statement
  if (effect !== 'Allow' || (how === 'broadly' && (!isBroad || isConditional))) return false
  if (actions === 'every') return true
  if (actions === 'all_but') return !actionPatterns.some(pattern => covers(pattern, wanted))
  // a deny of the very pattern that allows leaves nothing of it
  const denied = all.filter(each => each.effect === 'Deny' && each.resources === 'every' && !each.isConditional)
  return actionPatterns.some(
    pattern => meets(pattern, wanted) && !denied.some(each => each.actionPatterns.some(other => covers(other, pattern))),
  )
}

/** An unconditional Deny of all that is wanted, on literally everything: what lowers must be proven. */
function denies({ effect, actions, actionPatterns, resources, isConditional }: Statement, wanted: string): boolean {
  if (effect !== 'Deny' || resources !== 'every' || isConditional) return false
  if (actions === 'every') return true
  const isNamed = actionPatterns.some(pattern => covers(pattern, wanted))
  return actions === 'all_but' ? !actionPatterns.some(pattern => meets(pattern, wanted)) : isNamed
}

/** True when every text that `inner` stands for is one that `outer` stands for. `*` any number, `?` one character. */
export function covers(outer: string, inner: string): boolean {
  return walk(outer, inner, 0, 0, false)
}

/** True when some text is matched by both. */
export function meets(a: string, b: string): boolean {
  return walk(a, b, 0, 0, true)
}

function walk(a: string, b: string, i: number, j: number, mayBoth: boolean): boolean {
  while (i < a.length || j < b.length) {
    if (a[i] === '*') {
      if (i + 1 === a.length) return true
      for (let next = j; next <= b.length; next++) if (walk(a, b, i + 1, next, mayBoth)) return true
      return false
    }
    if (mayBoth && b[j] === '*') return walk(b, a, j, i, mayBoth)
    const isOne = a[i] === b[j] || (a[i] === '?' && j < b.length && b[j] !== '*') || (mayBoth && b[j] === '?' && i < a.length)
    if (!isOne) return false
    i++
    j++
  }
  return true
}
