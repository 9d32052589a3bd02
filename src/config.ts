import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { configSchema } from './config-schema.ts'
import { cronProblem } from './cron.ts'
import { type Prepare, type Problem, problemLine, readYaml } from './document.ts'
import { AppError } from './errors.ts'
import type { Json, ParameterOverride, ParameterValues, Severity, Source } from './model.ts'

/** The configuration as the program uses it: defaults filled in, paths absolute, references resolved. */
export interface Config {
  readonly file: string
  readonly dataDir: string
  /** null: the embedded PostgreSQL in dataDir */
  readonly databaseUrl: string | null
  /** true lets the daemon work as a superuser of an external database */
  readonly allowSuperuser: boolean
  readonly sources: readonly Source[]
  readonly schedule: { readonly collect: string; readonly timeZone: string }
  readonly server: { readonly host: string; readonly port: number }
  readonly controlFolders: readonly string[]
  /** framework whose parameter profile replaces the defaults; null for none */
  readonly frameworkProfile: string | null
  readonly parameters: { readonly [controlId: string]: ParameterValues }
  /** parameter values for a profile, a source or accounts with a tag */
  readonly parameterOverrides: readonly ParameterOverride[]
  readonly exceptions: { readonly file: string | null; readonly maxDays: number }
  readonly findings: { readonly dueDays: { readonly [severity in Severity]: number } }
  readonly frameworks: readonly string[]
  /** days to keep what no later snapshot shows */
  readonly retention: Retention
  readonly evidenceFolder: string
  readonly keyFile: string | null
  /** key in AWS KMS that signs evidence; null: a key file does */
  readonly kmsKeyArn: string | null
  /** time-stamp authority (RFC 3161) that is asked for each bundle; null: none */
  readonly timestampUrl: string | null
  /** where the signed heads of snapshots are kept, outside the database */
  readonly headsFolder: string
  /** a bucket that gets them too; null: none */
  readonly headsBucket: HeadBucketConfig | null
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  /** where a member stands in the file, for problems that only another room can see */
  placeOf(path: readonly (string | number)[]): { readonly line: number; readonly column: number }
}

/** Days by source and by framework; see `retentionOf`. */
export interface Retention {
  /** null: for ever */
  readonly days: number | null
  /** of the single calls of a collection; null: for ever */
  readonly callLedgerDays: number | null
  readonly sources: { readonly [label: string]: number }
  /** of any framework, configured or not */
  readonly frameworks: { readonly [id: string]: number }
}

/**
 * How long one source is kept, and what asks for it. A configured framework that asks for more beats the source's own number.
 * @param label of a source; null: what belongs to no source, which is kept as long as the source that is kept longest
 * @returns `days` null: for ever
 */
export function retentionOf(
  { retention, frameworks, sources }: Pick<Config, 'retention' | 'frameworks' | 'sources'>,
  label: string | null,
): { readonly days: number | null; readonly because: string } {
  if (label === null) {
    const all = sources.map(source => retentionOf({ retention, frameworks, sources }, source.label))
    return all.find(each => each.days === null) ?? all.reduce((most, each) => (each.days! > most.days! ? each : most))
  }
  const own = retention.sources[label]
  const days = own ?? retention.days
  if (days === null) return { days, because: 'no retention is configured' }
  const because = own === undefined ? 'retention.days' : `retention.sources.${label}`
  return frameworks.reduce(
    (longest, id) => {
      const asked = retention.frameworks[id]
      return asked !== undefined && asked > longest.days ? { days: asked, because: `retention.frameworks.${id}` } : longest
    },
    { days, because },
  )
}

/** Where heads go beside the folder, as `heads.bucket` says. */
export interface HeadBucketConfig {
  readonly name: string
  readonly region: string
  readonly prefix: string
  readonly endpoint: string | null
  readonly lockDays: number | null
}

export type ConfigCode = 'CONFIG_NOT_FOUND' | 'CONFIG_NOT_READABLE' | 'CONFIG_INVALID'

export class ConfigError extends AppError<ConfigCode> {
  readonly problems: readonly Problem[]

  constructor(
    code: ConfigCode,
    message: string,
    options: { hint?: string; cause?: unknown; problems?: readonly Problem[] } = {},
  ) {
    super(code, message, options)
    this.problems = options.problems ?? []
  }
}

/** The file as the schema describes it, after defaults. */
interface ConfigFile {
  dataDir: string
  database: { url?: string; allowSuperuser: boolean }
  sources: {
    label: string
    kind: 'aws'
    partition: string
    region: string
    auth: {
      roleArn?: string
      externalId?: string
      sourceIdentity?: string
      via?: { roleArn: string; externalId?: string }[]
    }
    budgetShare: number
    rateLimits: Record<string, number>
    includePersonalData: boolean
    includeUserExtensions: boolean
    iam?: { roleName: string; externalId?: string; accounts?: string[] }
  }[]
  schedule: { collect: string; timeZone: string }
  server: { host: string; port: number }
  controls: {
    folders: string[]
    frameworkProfile?: string
    parameters: Record<string, ParameterValues>
    overrides: (Partial<ParameterOverride> & Pick<ParameterOverride, 'parameters'>)[]
  }
  exceptions: { file?: string; maxDays: number }
  findings: Config['findings']
  frameworks: string[]
  retention: { days?: number; callLedgerDays?: number; sources: Record<string, number>; frameworks: Record<string, number> }
  evidence: { folder?: string; keyFile?: string; kmsKeyArn?: string; timestampUrl?: string }
  heads: { folder?: string; bucket?: { name: string; region: string; prefix: string; endpoint?: string; lockDays?: number } }
  log: { level: Config['logLevel'] }
}

/**
 * Reads, resolves and checks a configuration file. `${NAME}` in any text is an environment variable; a secret may be `file:/path`.
 * @throws {ConfigError} CONFIG_INVALID with every problem at once, each with file, line, column and what to write instead
 */
export function loadConfig(file: string, environment: NodeJS.ProcessEnv): Config {
  if (!existsSync(file)) {
    throw new ConfigError('CONFIG_NOT_FOUND', `no configuration at ${file}`, {
      hint: 'write one (config.example.yaml shows every key) or name another with --config FILE',
    })
  }
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new ConfigError('CONFIG_NOT_READABLE', `cannot read ${file}: ${(cause as Error).message}`, {
      cause,
      hint: 'check the file and its permissions',
    })
  }
  return parseConfig(text, resolve(file), environment)
}

/** The same from text; `file` names it in messages and is what relative paths start from. */
export function parseConfig(text: string, file: string, environment: NodeJS.ProcessEnv): Config {
  const yaml = readYaml(text, file, configSchema, (value, report) => {
    resolveReferences(value, [], file, environment, report)
    checkMeaning(value, report)
  })
  if (yaml.problems.length > 0) throw invalidConfig(yaml.problems)
  return configOf(yaml.value as unknown as ConfigFile, file, yaml.at)
}

/** The error that lists problems of a configuration, in the order of their places. */
export function invalidConfig(problems: readonly Problem[]): ConfigError {
  const list = [...problems].sort((a, b) => a.line - b.line || a.column - b.column)
  const message = `${list.length} ${list.length === 1 ? 'problem' : 'problems'} in the configuration:\n${list.map(problemLine).join('\n')}`
  return new ConfigError('CONFIG_INVALID', message, { problems: list })
}

/** The effective configuration without secrets, for people and logs. */
export function describeConfig(config: Config): Json {
  return {
    file: config.file,
    dataDir: config.dataDir,
    database: config.databaseUrl === null ? 'embedded' : withoutPassword(config.databaseUrl),
    sources: config.sources.map(({ iam, ...source }) => ({
      ...source,
      iam: iam
        ? { ...iam, accounts: iam.accounts && [...iam.accounts], externalId: iam.externalId === null ? null : '[set]' }
        : null,
      rateLimits: { ...source.rateLimits },
      auth: {
        ...source.auth,
        externalId: source.auth.externalId === null ? null : '[set]',
        via: (source.auth.via ?? []).map(role => ({ ...role, externalId: role.externalId === null ? null : '[set]' })),
      },
    })),
    schedule: { ...config.schedule },
    server: { ...config.server },
    controls: {
      folders: [...config.controlFolders],
      frameworkProfile: config.frameworkProfile,
      parameters: config.parameters as Json,
      overrides: config.parameterOverrides as unknown as Json,
    },
    exceptions: { ...config.exceptions },
    findings: { dueDays: { ...config.findings.dueDays } },
    frameworks: [...config.frameworks],
    retention: {
      days: config.retention.days,
      callLedgerDays: config.retention.callLedgerDays,
      sources: { ...config.retention.sources },
      frameworks: { ...config.retention.frameworks },
    },
    evidence: {
      folder: config.evidenceFolder,
      keyFile: config.keyFile,
      kmsKeyArn: config.kmsKeyArn,
      timestampUrl: config.timestampUrl,
    },
    heads: { folder: config.headsFolder, bucket: config.headsBucket === null ? null : { ...config.headsBucket } },
    log: { level: config.logLevel },
  }
}

function configOf(value: ConfigFile, file: string, placeOf: Config['placeOf']): Config {
  const base = dirname(file)
  const dataDir = resolve(base, value.dataDir)
  return {
    file,
    dataDir,
    databaseUrl: value.database.url ?? null,
    allowSuperuser: value.database.allowSuperuser,
    sources: value.sources.map(({ iam, ...source }) => ({
      ...source,
      ...(iam === undefined
        ? {}
        : { iam: { roleName: iam.roleName, externalId: iam.externalId ?? null, accounts: iam.accounts ?? null } }),
      auth: {
        roleArn: source.auth.roleArn ?? null,
        externalId: source.auth.externalId ?? null,
        ...(source.auth.sourceIdentity === undefined ? {} : { sourceIdentity: source.auth.sourceIdentity }),
        ...(source.auth.via === undefined ? {} : { via: source.auth.via.map(role => ({ externalId: null, ...role })) }),
      },
    })),
    schedule: value.schedule,
    server: value.server,
    controlFolders: value.controls.folders.map(folder => resolve(base, folder)),
    frameworkProfile: value.controls.frameworkProfile ?? null,
    parameters: value.controls.parameters,
    parameterOverrides: value.controls.overrides.map(({ source = null, tag = null, profile = null, parameters }) => ({
      ...{ source, tag, profile, parameters },
    })),
    exceptions: {
      file: value.exceptions.file === undefined ? null : resolve(base, value.exceptions.file),
      maxDays: value.exceptions.maxDays,
    },
    findings: value.findings,
    frameworks: value.frameworks,
    retention: {
      days: value.retention.days ?? null,
      callLedgerDays: value.retention.callLedgerDays ?? null,
      sources: value.retention.sources,
      frameworks: value.retention.frameworks,
    },
    evidenceFolder: value.evidence.folder === undefined ? resolve(dataDir, 'evidence') : resolve(base, value.evidence.folder),
    keyFile: value.evidence.keyFile === undefined ? null : resolve(base, value.evidence.keyFile),
    kmsKeyArn: value.evidence.kmsKeyArn ?? null,
    timestampUrl: value.evidence.timestampUrl ?? null,
    headsFolder: value.heads.folder === undefined ? resolve(dataDir, 'heads') : resolve(base, value.heads.folder),
    headsBucket: bucketOf(value.heads.bucket),
    logLevel: value.log.level,
    placeOf,
  }
}

function bucketOf(bucket: ConfigFile['heads']['bucket']): HeadBucketConfig | null {
  if (bucket === undefined) return null
  const { name, region, prefix, endpoint = null, lockDays = null } = bucket
  return { name, region, prefix, endpoint, lockDays }
}

type Path = readonly (string | number)[]
type Report = Parameters<Prepare>[1]

function resolveReferences(node: Json, path: Path, file: string, environment: NodeJS.ProcessEnv, report: Report): void {
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
function checkMeaning(value: Json, report: Report): void {
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
  const timeZone = textOf(memberOf(value, 'schedule', 'timeZone'))
  if (timeZone !== null && !isTimeZone(timeZone)) {
    report(['schedule', 'timeZone'], `unknown time zone ${timeZone}`, 'write an IANA name, e.g. UTC or Europe/Berlin')
  }
  const collect = textOf(memberOf(value, 'schedule', 'collect'))
  const wrong = collect === null ? null : cronProblem(collect)
  if (wrong !== null) {
    report(
      ['schedule', 'collect'],
      `${JSON.stringify(collect)} is no schedule: ${wrong}`,
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

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

function withoutPassword(url: string): string {
  try {
    const parsed = new URL(url)
    if (parsed.password !== '') parsed.password = '***'
    parsed.search = ''
    return parsed.href
  } catch {
    return 'external'
  }
}
