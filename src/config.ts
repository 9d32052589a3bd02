import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { checkMeaning, resolveReferences } from './config-meaning.ts'
import { configSchema } from './config-schema.ts'
import { type Problem, problemLine, readYaml } from './document.ts'
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
  readonly schedule: { readonly collect: string; readonly verify: string; readonly timeZone: string }
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
  /** how documents look: paths are absolute, null where nothing was chosen */
  readonly reports: {
    readonly templates: string | null
    readonly logo: string | null
    readonly timeZone: string | null
    readonly locale: string
  }
  /** where the signed heads of snapshots are kept, outside the database */
  readonly headsFolder: string
  /** a bucket that gets them too; null: none */
  readonly headsBucket: HeadBucketConfig | null
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  /** where a member stands in the file, for problems that only another room can see */
  placeOf(path: readonly (string | number)[]): { readonly line: number; readonly column: number }
}

/** Where heads go beside the folder, as `heads.bucket` says. */
export interface HeadBucketConfig {
  readonly name: string
  readonly region: string
  readonly prefix: string
  readonly endpoint: string | null
  readonly lockDays: number | null
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

export type ConfigCode = 'CONFIG_NOT_FOUND' | 'CONFIG_NOT_READABLE' | 'CONFIG_INVALID'

/** The configuration cannot be used; `problems` says where, and how to mend it. */
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
  schedule: { collect: string; verify: string; timeZone: string }
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
  reports: { templates?: string; logo?: string; timeZone?: string; locale: string }
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
    reports: { ...config.reports },
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
    reports: {
      templates: value.reports.templates === undefined ? null : resolve(base, value.reports.templates),
      logo: value.reports.logo === undefined ? null : resolve(base, value.reports.logo),
      timeZone: value.reports.timeZone ?? null,
      locale: value.reports.locale,
    },
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
