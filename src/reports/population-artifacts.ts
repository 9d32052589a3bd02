import { canonicalJson, compareBytes } from '../digest.ts'
import type { Artifact, Facts, Gap, Snapshot, StoredResource } from '../model.ts'
import { pathPart } from './artifact-name.ts'
import { type Cell, csvMediaType, csvOf } from './csv.ts'
import { cell, type Lookups, type Population, type PopulationColumn } from './population-columns.ts'
import { populations } from './populations.ts'

/** Gives the resources of one dataset of the snapshot, in the order they are to stand. Called as often as an artifact is read. */
export type ReadDataset = (dataset: string) => AsyncIterable<StoredResource>

/**
 * One CSV per population of a snapshot, and `columns.csv`, which says what each column holds. A population that was denied or not read to
 * its end carries `.incomplete` in its name, so that a file never looks like the whole when it is not; a cell that could not be read says
 * `not read: …` with the IAM action and is never empty. Every file has one header and data rows only.
 */
export function populationArtifacts(snapshot: Snapshot, read: ReadDataset): Artifact[] {
  const folder = `populations/${pathPart(snapshot.source)}`
  return [
    ...populationsOf(snapshot).map(population => populationArtifact(folder, population, snapshot, read)),
    {
      path: `${folder}/columns.csv`,
      mediaType: csvMediaType,
      title: 'What each column of the population files holds',
      read: () => csvOf(['file', 'column', 'meaning'], columnRows(snapshot)),
    },
  ]
}

/** The populations of a snapshot: those whose dataset nobody asked for are not among them (the report names them as not in view). */
export function populationsOf({ datasets }: Snapshot): readonly Population[] {
  const collected = new Set(datasets.map(({ name }) => name))
  return populations.filter(({ isOptional, dataset }) => isOptional !== true || collected.has(dataset))
}

function populationArtifact(folder: string, population: Population, snapshot: Snapshot, read: ReadDataset): Artifact {
  const isComplete = populationProblem(snapshot, population) === null
  return {
    path: `${folder}/${population.name}${isComplete ? '' : '.incomplete'}.csv`,
    mediaType: csvMediaType,
    title: `${isComplete ? '' : 'INCOMPLETE: '}${population.title}`,
    read: () =>
      csvOf(
        columnsOf(population).map(({ name }) => name),
        populationRows(population, snapshot, read),
      ),
  }
}

/** Columns of every population, in front of its own. */
const before: readonly PopulationColumn[] = [
  { name: 'key', meaning: 'key of the row within its dataset', value: ({ key }) => key },
]

/** Columns of every population, after its own. */
const after: readonly PopulationColumn[] = [
  {
    name: 'firstSeenAt',
    meaning: 'when the first snapshot that shows it was sealed',
    value: ({ firstSeenAt }) => firstSeenAt.toISOString(),
  },
  {
    name: 'seenFromTheStart',
    meaning: 'true: the very first snapshot of the source shows it, so it may be older than anything we know',
    value: ({ seenFromTheStart }) => seenFromTheStart,
  },
  { name: 'digest', meaning: 'SHA-256 of salt and facts; the salt stands in the snapshot file', value: ({ digest }) => digest },
  { name: 'facts', meaning: 'everything AWS said of it, as JSON', value: ({ facts }) => canonicalJson(facts) },
]

/** Columns of a population as they stand in its files. */
export function columnsOf(population: Population): readonly PopulationColumn[] {
  return [...before, ...population.columns, ...after]
}

/** Rows of a population, one cell per column. Streams. */
export async function* populationRows(
  population: Population,
  snapshot: Snapshot,
  read: ReadDataset,
): AsyncGenerator<readonly Cell[]> {
  const lookups = await openLookups(population, snapshot, read)
  const columns = columnsOf(population)
  const kept = new Set([...before, ...after].filter(({ name }) => name !== 'facts'))
  for (const dataset of datasetsOf(population, snapshot)) {
    for await (const row of read(dataset)) {
      const { disposed } = row
      yield disposed === undefined
        ? columns.map(column => column.value(row, lookups))
        : columns.map(column => (kept.has(column) ? column.value(row, lookups) : goneText(disposed)))
    }
  }
}

/** The datasets whose rows a population holds in this snapshot. */
function datasetsOf({ dataset, also = [] }: Population, snapshot: Snapshot): readonly string[] {
  return [dataset, ...also.filter(name => snapshot.datasets.some(summary => summary.name === name))]
}

/** The first coverage that keeps a population from being the whole; null when it is. */
export function populationProblem(snapshot: Snapshot, population: Population): string | null {
  return datasetsOf(population, snapshot).reduce<string | null>((found, name) => found ?? coverageProblem(snapshot, name), null)
}

/** File, column and meaning of every column of every population. */
export function* columnRows(snapshot: Snapshot): Generator<readonly Cell[]> {
  for (const population of populationsOf(snapshot)) {
    for (const column of columnsOf(population)) yield [`${population.name}.csv`, column.name, column.meaning]
  }
}

/** Reads what a population refers to: names by key, and facts by parent. Memory is bounded by users, groups, accounts and permission sets. */
async function openLookups(population: Population, snapshot: Snapshot, read: ReadDataset): Promise<Lookups> {
  const names = new Map<string, string>()
  for (const { dataset, member } of population.names) {
    for await (const { key, facts, disposed } of read(dataset))
      names.set(`${dataset} ${key}`, disposed === undefined ? String(cell(facts[member]) ?? '') : goneText(disposed))
  }
  const parts = new Map<string, Facts[]>()
  const gone = new Map<string, string>()
  for (const dataset of population.parts) {
    for await (const { parent, facts, disposed } of read(dataset)) {
      if (disposed !== undefined) {
        gone.set(`${dataset} ${parent}`, goneText(disposed))
        continue
      }
      const part = parts.get(`${dataset} ${parent}`)
      if (part === undefined) parts.set(`${dataset} ${parent}`, [facts])
      else part.push(facts)
    }
  }
  const gaps = gapTextsOf(snapshot)
  return {
    source: snapshot.source,
    name: (dataset, key) => names.get(`${dataset} ${key}`) ?? gaps.of(dataset, key) ?? gaps.anyOf(dataset) ?? 'not listed',
    list(dataset, parent, textOf) {
      const found = parts.get(`${dataset} ${parent}`)
      const texts = (found ?? []).map(textOf).filter(text => text !== '')
      const gap =
        gone.get(`${dataset} ${parent}`) ?? gaps.of(dataset, parent) ?? (found === undefined ? gaps.ofWhole(dataset) : null)
      return [...texts.sort(compareBytes), ...(gap === null ? [] : [gap])].join(' ')
    },
    gap: (row, member) =>
      gaps.of(row.dataset, row.key, member) ?? gaps.of(row.dataset, row.parent, member) ?? gaps.of(row.dataset, '', member),
  }
}

/** What stands in a cell whose row was read and is not kept any more. */
function goneText(disposed: string): string {
  return `not kept: ${disposed}`
}

export interface GapTexts {
  /** of one resource, one part or one member of a resource */
  of(dataset: string, key: string, member?: string): string | null
  /** of a dataset of which nothing was read */
  ofWhole(dataset: string): string | null
  /** of a dataset that was not read to its end, so that a key may be in the part that is missing */
  anyOf(dataset: string): string | null
}

/** What to write where a snapshot has a gap. */
export function gapTextsOf(snapshot: Snapshot): GapTexts {
  const texts = new Map<string, string>()
  const first = new Map<string, string>()
  for (const gap of snapshot.gaps) {
    // this one is about parents that nobody knows of; the parts of those we know were asked for
    const isAboutOthers = gap.reason === 'parent_not_read' && gap.parent === ''
    if (!isAboutOthers) texts.set(`${gap.dataset} ${gap.key ?? gap.parent} ${gap.member ?? ''}`, gapText(gap))
    if (gap.member === null && !first.has(gap.dataset)) first.set(gap.dataset, gapText(gap))
  }
  const of = (dataset: string, key: string, member = '') => texts.get(`${dataset} ${key} ${member}`) ?? null
  const open = (dataset: string) => coverageProblem(snapshot, dataset)
  return {
    of,
    ofWhole: dataset => of(dataset, '') ?? (open(dataset) === 'incomplete' ? null : unread(dataset)),
    anyOf: unread,
  }
  function unread(dataset: string): string | null {
    const coverage = open(dataset)
    return coverage === null ? null : (first.get(dataset) ?? `not read: ${coverage}`)
  }
}

function gapText({ reason, action }: Gap): string {
  return action === null ? `not read: ${reason}` : `not read: ${reason} ${action}`
}

/** The worst coverage of a dataset over its places when it is not the whole; null when everything was read or there is nothing to read. */
export function coverageProblem(snapshot: Snapshot, dataset: string): string | null {
  const places = snapshot.datasets.filter(({ name }) => name === dataset)
  if (places.length === 0) return 'not_collected'
  const coverages: ReadonlySet<string> = new Set(places.map(({ coverage }) => coverage))
  return ['denied', 'incomplete', 'not_collectable'].find(coverage => coverages.has(coverage)) ?? null
}

/** Names of the populations there are files of. */
export const populationNames: readonly string[] = populations.map(({ name }) => name)

/** Columns and rows of a population. */
export interface PopulationTable {
  readonly title: string
  readonly columns: readonly string[]
  readonly isComplete: boolean
  /** rows, as the snapshot counts them */
  readonly count: number
  rows(): AsyncIterable<readonly Cell[]>
}

/**
 * A population as a table: the columns and rows of its CSV.
 * @returns null for a name that is not among `populationNames`, and for a population that was not collected
 */
export function populationTable(name: string, snapshot: Snapshot, read: ReadDataset): PopulationTable | null {
  const population = populationsOf(snapshot).find(each => each.name === name)
  if (population === undefined) return null
  const datasets = datasetsOf(population, snapshot)
  return {
    title: population.title,
    count: snapshot.datasets.reduce((sum, { name, count }) => sum + (datasets.includes(name) ? count : 0), 0),
    columns: columnsOf(population).map(column => column.name),
    isComplete: populationProblem(snapshot, population) === null,
    rows: () => populationRows(population, snapshot, read),
  }
}
