import type { Config } from '../config.ts'
import { type Catalog, loadCatalog } from '../controls/index.ts'
import { problemLine } from '../document.ts'
import { openSigner, type Signer } from '../evidence/index.ts'
import type { Log } from '../log.ts'
import type { Source } from '../model.ts'
import { type Aws, openAws, openHeadFiles } from '../sources/index.ts'
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

/** Loads the catalog; what is broken in it is told, and the rest runs. */
export function catalogOf(config: Pick<Config, 'controlFolders' | 'parameters'>, terminal: Pick<Terminal, 'note'>): Catalog {
  const catalog = loadCatalog({ ownFolders: config.controlFolders, parameters: config.parameters })
  for (const problem of catalog.problems) terminal.note(problemLine(problem))
  return catalog
}

export function signerOf(config: Config): Promise<Signer> {
  return openSigner(config.keyFile === null ? { dataDir: config.dataDir } : { keyFile: config.keyFile })
}

/** Where a collection leaves the heads of its snapshots. */
export async function headsOf(config: Config): Promise<{ readonly sink: HeadSink; readonly signer: HeadSigner }> {
  return { sink: openHeadFiles(config.headsFolder), signer: await signerOf(config) }
}

/** The sources a command is about: all, or the one named with `--source`. */
export function sourcesOf(config: Config, label: string | undefined): readonly Source[] {
  if (label === undefined) return config.sources
  const source = config.sources.find(candidate => candidate.label === label)
  if (source === undefined)
    throw new UsageError(`no source is labelled ${label}`, `configured: ${config.sources.map(each => each.label).join(', ')}`)
  return [source]
}
