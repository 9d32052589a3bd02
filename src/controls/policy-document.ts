import { limitsOf } from './policy-condition.ts'
import { elements, strings } from './policy-element.ts'

/** One statement of an identity policy, by what it means. */
export interface Statement {
  /** where it is written: `inline policy`, or the name of a policy */
  readonly policy: string
  readonly sid: string | null
  readonly effect: 'Allow' | 'Deny'
  /** `every`: `*` or `*:*`; `all_but`: NotAction; `some`: a list of actions */
  readonly actions: 'every' | 'all_but' | 'some'
  /** `every`: literally `*`; `nearly_every`: every ARN (`arn*`, `arn:aws:*:*:*:*`) or NotResource; `some`: a list of resources */
  readonly resources: 'every' | 'nearly_every' | 'some'
  /** actions as written (of NotAction for `all_but`), in lower case */
  readonly actionPatterns: readonly string[]
  /** resources as written; none for NotResource */
  readonly resourcePatterns: readonly string[]
  /** a Condition is written, whatever it tests: a Deny with one takes nothing away for certain */
  readonly isConditional: boolean
  /** a Condition limits what is asked for: an Allow with one does not allow everything it names */
  readonly isLimited: boolean
  /** patterns of actions that a Condition limits although it does not limit the others */
  readonly limitedActions: readonly string[]
}

export interface PolicyDocument {
  readonly statements: readonly Statement[]
}

/**
 * Reads an identity policy by meaning: `Statement` one or many, `Action` and `Resource` string or list, element names and actions in any
 * case, NotAction and NotResource. Statements that only together allow everything (`a*` … `z*`) are not added up.
 * @param text JSON as AWS sends it; an empty text has no statements
 * @returns the statements, or in words why this is no policy
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 */
export function readPolicy(text: string, policy: string): PolicyDocument | { readonly malformed: string } {
  if (text.trim() === '') return { statements: [] }
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    return { malformed: `it is not JSON: ${error instanceof Error ? error.message : String(error)}` }
  }
  return readDocument(parsed, policy)
}

/** The same of a document that is parsed already. */
export function readDocument(document: unknown, policy: string): PolicyDocument | { readonly malformed: string } {
  const members = elements(document)
  if (members === null) return { malformed: 'it is not a JSON object' }
  const written = members.get('statement')
  const list = Array.isArray(written) ? written : [written]
  const statements: Statement[] = []
  for (const [index, each] of list.entries()) {
    const statement = readStatement(each, policy)
    if (typeof statement === 'string') return { malformed: `statement ${index + 1} ${statement}` }
    statements.push(statement)
  }
  return { statements }
}

/** Allow, every action (or NotAction alone) on every resource, without a limiting condition: administrator access. */
export function isFullAccess(statement: Statement): boolean {
  const { effect, actions, resources, isLimited } = statement
  return effect === 'Allow' && actions !== 'some' && resources !== 'some' && !isLimited
}

/** Deny of everything without a condition: whatever else is allowed has no effect. Only the literal `*` counts, since this proves safety. */
export function isFullDenial(statement: Statement): boolean {
  const { effect, actions, resources, isConditional } = statement
  return effect === 'Deny' && actions === 'every' && resources === 'every' && !isConditional
}

/** Every action on every resource, and nothing is denied: as a boundary or a guardrail it keeps nobody from anything. */
export function allowsAll(statements: readonly Statement[]): boolean {
  const isAll = (statement: Statement) => statement.actions === 'every' && isFullAccess(statement)
  return statements.some(isAll) && statements.every(({ effect }) => effect === 'Allow')
}

function readStatement(written: unknown, policy: string): Statement | string {
  const members = elements(written)
  if (members === null) return 'is not a JSON object'
  const effect = members.get('effect')
  if (effect !== 'Allow' && effect !== 'Deny') return 'has an Effect that is neither Allow nor Deny'
  const action = strings(members.get('action'))
  const notAction = strings(members.get('notaction'))
  if ((action === null) === (notAction === null)) return 'must have either Action or NotAction, a text or a list of texts'
  const resource = strings(members.get('resource'))
  const notResource = strings(members.get('notresource'))
  if ((resource === null) === (notResource === null)) return 'must have either Resource or NotResource, a text or a list of texts'
  const condition = members.get('condition')
  const sid = members.get('sid')
  return {
    policy,
    sid: typeof sid === 'string' ? sid : null,
    effect,
    actions:
      action === null
        ? notAction!.some(isEveryAction)
          ? 'some'
          : 'all_but'
        : action.some(effect === 'Allow' ? isNearlyEveryAction : isEveryAction)
          ? 'every'
          : 'some',
    resources: resource === null ? (notResource!.some(isEveryArn) ? 'some' : 'nearly_every') : reach(resource),
    actionPatterns:
      action === null && notAction!.some(isEveryAction) ? [] : (action ?? notAction!).map(each => each.toLowerCase()),
    resourcePatterns: resource ?? [],
    isConditional: condition !== undefined && condition !== null && (elements(condition)?.size ?? 1) > 0,
    ...limitsOf(condition),
  }
}

function reach(resources: readonly string[]): Statement['resources'] {
  if (resources.some(resource => /^\*+$/.test(resource))) return 'every'
  return resources.some(isNearlyEveryArn) ? 'nearly_every' : 'some'
}

function isEveryAction(pattern: string): boolean {
  return /^\*+(:\*+)?$/.test(pattern)
}

/** The same written to be overlooked: `?*`, `*:?*`. For what an Allow gives, never for what a Deny takes away. */
function isNearlyEveryAction(pattern: string): boolean {
  return /^[*?]*\*[*?]*(:[*?]*\*[*?]*)?$/.test(pattern)
}

/** Nothing but wildcards after some of `arn:aws:`: `arn*`, `*:*`, `arn:aws*:*`. For what an Allow gives, as above. */
function isNearlyEveryArn(pattern: string): boolean {
  const rest = /^(?:arn:aws(?:-[a-z-]+)?|arn(?::(?:aw?)?)?|ar?)?([*?:]*)$/.exec(pattern)?.[1]
  return rest?.includes('*') ?? false
}

/** `*`, `arn:*`, `arn:aws:*`, `arn:*:*:*:*:*` and their like: nothing but wildcards after the partition. */
function isEveryArn(pattern: string): boolean {
  return /^\*+$/.test(pattern) || /^arn(:[a-z*-]+)?(:\*+)+$/.test(pattern) || /^arn:\*+$/.test(pattern)
}
