import { elements, strings } from './policy-element.ts'

/** What the Condition of a statement limits. */
export interface Limits {
  /** it tests more than who, how, when and from where one asks, of whatever is asked for */
  readonly isLimited: boolean
  /** patterns of actions that it limits beside */
  readonly limitedActions: readonly string[]
}

/** Who, how, how safely, when and from where one asks. Whoever meets it, with MFA or in the office, may do all that is allowed. */
const circumstances = new Set(
  [
    ...['multifactorauthpresent', 'multifactorauthage', 'securetransport', 'tokenissuetime', 'currenttime', 'epochtime'],
    ...['sourceip', 'vpcsourceip', 'sourcevpc', 'sourcevpcarn', 'sourcevpce', 'vpceaccount', 'vpceorgid', 'vpceorgpaths'],
    ...['ec2instancesourcevpc', 'ec2instancesourceprivateipv4', 'useragent', 'referer'],
    ...['principalarn', 'principalaccount', 'principalorgid', 'principalorgpaths', 'principaltype', 'userid', 'username'],
    ...['principalisawsservice', 'principalservicename', 'principalservicenameslist', 'federatedprovider', 'sourceidentity'],
    ...['viaawsservice', 'calledvia', 'calledviafirst', 'calledvialast'],
  ].map(key => `aws:${key}`),
)

/** Keys that every request has. */
const alwaysThere = new Set(['requestedregion', 'resourceaccount', 'resourceorgid', 'resourceorgpaths'].map(key => `aws:${key}`))

/** Keys that every request of some actions has, and no other. */
const thereFor: { readonly [key: string]: readonly string[] } = {
  'iam:passedtoservice': ['iam:passrole'],
  'iam:policyarn': ['iam:attach*', 'iam:detach*'],
  'iam:awsservicename': ['iam:createservicelinkedrole'],
}

/**
 * What a Condition keeps from being allowed. A test that is met where its key is missing (`…IfExists`, `ForAllValues:…`, `…Not…`, Null)
 * limits those requests alone that have the key; one that excludes some values of a key is taken for NotAction: it allows all but them.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
export function limitsOf(condition: unknown): Limits {
  if (condition === undefined || condition === null) return { isLimited: false, limitedActions: [] }
  const operators = elements(condition)
  if (operators === null) return { isLimited: true, limitedActions: [] }
  const limits = [...operators].flatMap(([operator, tested]) => {
    const keys = elements(tested)
    return keys === null ? [everything] : [...keys].map(([key, value]) => limitedBy(operator, key, value))
  })
  return { isLimited: limits.includes(everything), limitedActions: [...new Set(limits.flat())] }
}

const everything: readonly string[] = []
const nothing: readonly string[] = []

/** The actions that one test limits. */
function limitedBy(operator: string, key: string, value: unknown): readonly string[] {
  if (circumstances.has(key) || key.startsWith('aws:principaltag/') || isMetByAll(operator, value)) return nothing
  if (!isMetWithout(operator, value)) return everything
  if (isExcluding(operator, value)) return nothing
  return alwaysThere.has(key) ? everything : (thereFor[key] ?? nothing)
}

/** Nothing is tested of a value that may be anything. */
function isMetByAll(operator: string, value: unknown): boolean {
  const isPattern = /^(for(any|all)values?:)?(stringlike|arnlike|arnequals)(ifexists)?$/.test(operator)
  return isPattern && (strings(value)?.some(isAnything) ?? false)
}

function isMetWithout(operator: string, value: unknown): boolean {
  if (operator === 'null') return (Array.isArray(value) ? value : [value]).every(each => String(each).toLowerCase() === 'true')
  if (operator.endsWith('ifexists')) return true
  return !operator.startsWith('foranyvalue:') && (operator.startsWith('forallvalues:') || isNegated.test(operator))
}

const isNegated = /^(forallvalues:)?((string|numeric|date|arn)not|notipaddress)/

/** Some values are excluded, and not all: `StringNotEquals` takes `*` for a star. */
function isExcluding(operator: string, value: unknown): boolean {
  const isPattern = /not(like|equals)/.test(operator) && !/stringnotequals/.test(operator)
  return isNegated.test(operator) && !(isPattern && (strings(value)?.some(isAnything) ?? false))
}

function isAnything(pattern: string): boolean {
  return /^\*+$/.test(pattern)
}
