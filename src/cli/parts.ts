import { accessSync, constants, statSync } from 'node:fs'
import { type Config, invalidConfig } from '../config.ts'
import { type Catalog, loadCatalog } from '../controls/index.ts'
import { nearest, problemLine } from '../document.ts'
import { type KeyRecord, listKeys, openSigner, outsideSigner, type Signer, type Timestamper } from '../evidence/index.ts'
import type { Log } from '../log.ts'
import type { Source } from '../model.ts'
import { type Look, openLook } from '../reports/index.ts'
import { type Aws, openAws, openHeadBucket, openHeadFiles, openKmsKey, openTimeStampAuthority } from '../sources/index.ts'
import { type HeadSigner, type HeadSink, openStore, type Store, sharedBudget } from '../store/index.ts'
import { softwareVersion } from '../version.ts'
import { UsageError } from './exit.ts'
import type { Terminal } from './terminal.ts'

const now = () => new Date()

/** Opens the database of a configuration; the caller disposes of it. */
export function storeOf(config: Config, log: Log): Promise<Store> {
  return openStore({ url: config.databaseUrl, dataDir: config.dataDir, log, now, softwareVersion })
}

/** Clients of AWS that share their call budget with every process on the same database. */
export function awsOf(store: Store, log: Log, environment: NodeJS.ProcessEnv): Aws {
  return openAws({ budget: sharedBudget(store), log, now, environment, softwareVersion })
}

/**
 * Loads the catalog with the configuration's own folders, profile and parameters. A broken file of the catalog is told, and the rest runs.
 * @throws {ConfigError} CONFIG_INVALID when the configuration names a control, parameter, profile or framework that there is not
 */
export function catalogOf(
  config: Pick<Config, 'controlFolders' | 'frameworkProfile' | 'parameters'> &
    Partial<Pick<Config, 'file' | 'frameworks' | 'retention' | 'placeOf' | 'parameterOverrides'>>,
  terminal: Pick<Terminal, 'note'>,
): Catalog {
  const { file = 'config', placeOf = () => ({ line: 0, column: 0 }) } = config
  const lost = config.controlFolders.flatMap((folder, i) => {
    const message = unreadable(folder)
    if (message === null) return []
    const hint = 'name the folder of your own controls, or take it out'
    return [{ file, ...placeOf(['controls', 'folders', i]), path: `controls.folders[${i}]`, message, hint }]
  })
  if (lost.length > 0) throw invalidConfig(lost)
  const catalog = loadCatalog({
    ownFolders: config.controlFolders,
    profile: config.frameworkProfile,
    parameters: config.parameters,
    overrides: config.parameterOverrides ?? [],
  })
  const misconfigured = catalog.problems
    .filter(problem => problem.file === 'config')
    .map(problem => ({ ...problem, file, ...placeOf(problem.path.split(/[.[\]]+/)) }))
  const known = catalog.frameworks.map(framework => framework.id)
  const named: readonly (readonly [id: string, path: string, place: readonly (string | number)[]])[] = [
    ...(config.frameworks ?? []).map((id, i) => [id, `frameworks[${i}]`, ['frameworks', i]] as const),
    ...Object.keys(config.retention?.frameworks ?? {}).map(
      id => [id, `retention.frameworks.${id}`, ['retention', 'frameworks', id]] as const,
    ),
  ]
  for (const [id, path, place] of named) {
    if (known.includes(id)) continue
    const meant = nearest(id, known)
    const hint = meant === null ? `known: ${known.join(', ')}` : `did you mean ${meant}?`
    misconfigured.push({ file, ...placeOf(place), path, message: `there is no framework ${id}`, hint })
  }
  if (misconfigured.length > 0) throw invalidConfig(misconfigured)
  for (const problem of catalog.problems) terminal.note(problemLine(problem))
  return catalog
}

/** Why a folder cannot be read, in words; null: it can. */
function unreadable(folder: string): string | null {
  try {
    accessSync(folder, constants.R_OK)
    return statSync(folder).isDirectory() ? null : `${folder} is no folder`
  } catch (error) {
    return `the folder of controls ${folder} cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'error'}`
  }
}

/** What signs evidence: the key in dataDir, a key file, or a key in AWS KMS. */
export async function signerOf(config: Config): Promise<Signer> {
  const { kmsKeyArn, keyFile, dataDir } = config
  if (kmsKeyArn !== null) return outsideSigner(await openKmsKey({ keyArn: kmsKeyArn, environment: process.env }))
  return openSigner(keyFile === null ? { dataDir } : { keyFile })
}

/** How documents look with this configuration. @throws {ReportsError} TEMPLATE_BROKEN, LOGO_INVALID */
export function lookOf({ reports }: Config): Look {
  return openLook(reports)
}

/** Who stamps the signature of a bundle; null when none is configured. */
export function timestamperOf({ timestampUrl }: Config): Timestamper | null {
  return timestampUrl === null ? null : openTimeStampAuthority({ url: timestampUrl, environment: process.env })
}

/** Public keys that sign or have signed; of a key that is managed elsewhere only itself is known. */
export async function publishedKeys(config: Config, signer: Signer): Promise<readonly KeyRecord[]> {
  if (config.keyFile === null && config.kmsKeyArn === null) return listKeys(config.dataDir)
  const { fingerprint, publicKeyPem } = signer
  return [{ fingerprint, publicKeyPem, state: 'current', retiredAt: null, revokedAt: null, reason: null }]
}

/** Where heads of snapshots and evaluations are left, and what signs them. */
export async function headsOf(
  config: Config,
  environment: NodeJS.ProcessEnv,
): Promise<{ readonly sinks: readonly HeadSink[]; readonly signer: HeadSigner }> {
  return { sinks: headSinksOf(config, environment), signer: await signerOf(config) }
}

export function headSinksOf(config: Config, environment: NodeJS.ProcessEnv): readonly HeadSink[] {
  const folder = openHeadFiles(config.headsFolder)
  return config.headsBucket === null ? [folder] : [folder, openHeadBucket(config.headsBucket, { environment, now })]
}

/** The sources a command is about: all, or the one named with `--source`. */
export function sourcesOf(config: Config, label: string | undefined): readonly Source[] {
  if (label === undefined) return config.sources
  const source = config.sources.find(candidate => candidate.label === label)
  if (source === undefined)
    throw new UsageError(`no source is labelled ${label}`, `configured: ${config.sources.map(each => each.label).join(', ')}`)
  return [source]
}
