import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { cronProblem } from './cron.ts'
import { nearest, type Prepare } from './document.ts'
import type { Json } from './model.ts'

/** Operations of Organizations that are asked: each may have a rate of its own. */
const organizationsOperations = [
  'DescribeOrganization',
  'DescribePolicy',
  'DescribeResourcePolicy',
  'ListAccounts',
  'ListAWSServiceAccessForOrganization',
  'ListDelegatedAdministrators',
  'ListDelegatedServicesForAccount',
  'ListOrganizationalUnitsForParent',
  'ListParents',
  'ListPolicies',
  'ListRoots',
  'ListTagsForResource',
  'ListTargetsForPolicy',
]

/** What a rate may be configured of. */
const budgets = ['sso', 'identitystore', 'iam', 'sts', ...organizationsOperations.map(name => `organizations.${name}`)]

type Path = readonly (string | number)[]
type Report = Parameters<Prepare>[1]

/** Puts environment variables in place of `${NAME}`, and the text of a file in place of `file:PATH` where a secret may stand. */
export function resolveReferences(node: Json, path: Path, file: string, environment: NodeJS.ProcessEnv, report: Report): void {
  if (typeof node !== 'object' || node === null) return
  const members = node as Record<string, Json>
  for (const [name, value] of Object.entries(members)) {
    const here = [...path, name]
    if (typeof value === 'string') members[name] = resolveText(value, here, file, environment, report)
    else resolveReferences(value, here, file, environment, report)
  }
}

function resolveText(text: string, path: Path, file: string, environment: NodeJS.ProcessEnv, report: Report): string {
  const replaced = text.replaceAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, name: string) => {
    const value = environment[name]
    if (value === undefined || value === '')
      report(path, `environment variable ${name} is not set`, `set ${name}, or write the value`)
    return value ?? ''
  })
  if (!isSecret(path) || !replaced.startsWith('file:')) return replaced
  const secretFile = resolve(dirname(file), replaced.slice('file:'.length))
  try {
    return readFileSync(secretFile, 'utf8').trim()
  } catch (error) {
    report(
      path,
      `cannot read ${secretFile}: ${(error as NodeJS.ErrnoException).code ?? 'error'}`,
      'check the path and its permissions',
    )
    return ''
  }
}

function isSecret(path: Path): boolean {
  const dotted = path.map(step => (/^\d+$/.test(String(step)) ? '*' : step)).join('.')
  return dotted === 'database.url' || /^sources\.\*\.(auth|iam|auth\.via\.\*)\.externalId$/.test(dotted)
}

/** What no schema can say. Members of a wrong type are passed over: the schema speaks of them. */
export function checkMeaning(value: Json, report: Report): void {
  const seen = new Set<string>()
  for (const [i, source] of listOf(memberOf(value, 'sources')).entries()) {
    const label = textOf(memberOf(source, 'label'))
    if (label !== null && seen.has(label))
      report(['sources', i, 'label'], `label ${label} is used twice`, 'give each source its own label')
    if (label !== null) seen.add(label)
    const partition = textOf(memberOf(source, 'partition')) ?? 'aws'
    const roles = [
      { path: ['auth', 'roleArn'], arn: textOf(memberOf(source, 'auth', 'roleArn')) },
      ...listOf(memberOf(source, 'auth', 'via')).map((role, at) => ({
        path: ['auth', 'via', at, 'roleArn'],
        arn: textOf(memberOf(role, 'roleArn')),
      })),
    ]
    for (const { path, arn } of roles) {
      const ofRole = arn?.split(':')[1]
      if (ofRole === undefined || ofRole === partition) continue
      const message = `the role is in partition ${ofRole}, the source in ${partition}`
      report(['sources', i, ...path], message, `write partition: ${ofRole}`)
    }
    for (const key of Object.keys(recordOf(memberOf(source, 'rateLimits')))) {
      if (budgets.includes(key)) continue
      const meant = nearest(key, budgets)
      const known = `known here: sso, identitystore, iam, sts, organizations.<Operation> with ${organizationsOperations.join(', ')}`
      const hint = meant === null ? known : `did you mean ${meant}? ${known}`
      report(['sources', i, 'rateLimits', key], `there is no budget ${key}`, hint)
    }
  }
  for (const label of Object.keys(recordOf(memberOf(value, 'retention', 'sources')))) {
    if (!seen.has(label))
      report(['retention', 'sources', label], `no source is labelled ${label}`, `configured: ${[...seen].join(', ') || 'none'}`)
  }
  for (const [i, override] of listOf(memberOf(value, 'controls', 'overrides')).entries()) {
    const label = textOf(memberOf(override, 'source'))
    if (label === null || seen.has(label)) continue
    const hint = `labels: ${[...seen].join(', ')}`
    report(['controls', 'overrides', i, 'source'], `no source is labelled ${label}`, hint)
  }
  const zoneBeside = textOf(memberOf(value, 'reports', 'timeZone'))
  if (zoneBeside !== null && !isTimeZone(zoneBeside))
    report(['reports', 'timeZone'], `unknown time zone ${zoneBeside}`, 'write an IANA name, e.g. Europe/Berlin')
  const locale = textOf(memberOf(value, 'reports', 'locale'))
  if (locale !== null && !isLocale(locale))
    report(['reports', 'locale'], `unknown locale ${locale}`, 'write a BCP 47 tag, e.g. en-GB or de-DE')
  const timeZone = textOf(memberOf(value, 'schedule', 'timeZone'))
  if (timeZone !== null && !isTimeZone(timeZone)) {
    report(['schedule', 'timeZone'], `unknown time zone ${timeZone}`, 'write an IANA name, e.g. UTC or Europe/Berlin')
  }
  for (const name of ['collect', 'verify']) {
    const cron = textOf(memberOf(value, 'schedule', name))
    const wrong = cron === null ? null : cronProblem(cron)
    if (wrong !== null)
      report(
        ['schedule', name],
        `${JSON.stringify(cron)} is no schedule: ${wrong}`,
        'five fields, e.g. "0 2 * * *" for 02:00 every day',
      )
  }
  if (textOf(memberOf(value, 'evidence', 'kmsKeyArn')) !== null && textOf(memberOf(value, 'evidence', 'keyFile')) !== null)
    report(['evidence', 'kmsKeyArn'], 'both keyFile and kmsKeyArn are named', 'leave one of them out')
  const host = textOf(memberOf(value, 'server', 'host'))
  if (host !== null && !['127.0.0.1', '::1', 'localhost'].includes(host)) {
    report(
      ['server', 'host'],
      `refusing to listen on ${host}: there is no sign-in yet`,
      'write 127.0.0.1 and put a proxy with sign-in in front',
    )
  }
}

function memberOf(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>(
    (at, name) =>
      typeof at === 'object' && at !== null && !Array.isArray(at) ? (at as { readonly [member: string]: Json })[name] : undefined,
    value,
  )
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : []
}

function recordOf(value: Json | undefined): { readonly [member: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as { readonly [member: string]: Json })
    : {}
}

function textOf(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null
}

function isLocale(name: string): boolean {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(name).length > 0
  } catch {
    return false
  }
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
