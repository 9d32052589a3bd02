import { canonicalJson } from '../digest.ts'
import type {
  Artifact,
  EstateRows,
  ImportedRows,
  Json,
  Kept,
  Snapshot,
  SourceHistory,
  SourceRows,
  StoredState,
} from '../model.ts'
import { pathPart } from './artifact-name.ts'

/** What was judged beside the snapshots: what people imported, and for each source what changed before and what is kept. */
export function judgedWithArtifacts(rows: EstateRows): readonly Artifact[] {
  const imports = rows.imports ?? []
  const files = rows.sources.flatMap(({ snapshot, history, kept }) =>
    history === undefined && kept === undefined ? [] : [sourceArtifact(snapshot, history, kept)],
  )
  return imports.length === 0 ? files : [importsArtifact(imports), ...files]
}

/** Where a bundle holds what people imported. */
export const importsPath = 'judged-with/imports.json'

function importsArtifact(imports: readonly ImportedRows[]): Artifact {
  return {
    path: importsPath,
    mediaType: 'application/json',
    title: 'What people imported beside AWS, as it was judged with: every row, with place and SHA-256 of the file',
    async *read() {
      yield Buffer.from(`${canonicalJson(plain(imports))}\n`)
    },
  }
}

/** Where a bundle holds what was judged beside a snapshot. */
export function judgedWithPath({ source, version }: Snapshot): string {
  return `judged-with/${pathPart(source)}-v${version}.jsonl`
}

function sourceArtifact(snapshot: Snapshot, history: SourceHistory | undefined, kept: Kept | undefined): Artifact {
  return {
    path: judgedWithPath(snapshot),
    mediaType: 'application/x-ndjson; charset=utf-8; header=present',
    title: `What changed in ${snapshot.source} before snapshot ${snapshot.version}: first line the snapshots of the period, then one state a line`,
    async *read() {
      const past = history === undefined ? null : { snapshots: history.snapshots, previous: history.previous }
      yield Buffer.from(`${canonicalJson(plain({ kind: 'period', history: past, kept: kept ?? null }))}\n`)
      for await (const state of history?.states ?? []) yield Buffer.from(`${canonicalJson(plain({ kind: 'state', ...state }))}\n`)
    },
  }
}

/** Reads back what people imported. @param text of the file; null when the bundle has none */
export function readImportsText(text: string | null): readonly ImportedRows[] {
  const imports = text === null ? [] : (JSON.parse(text) as readonly (ImportedRows & { readonly importedAt: string })[])
  return imports.map(each => ({ ...each, importedAt: new Date(each.importedAt) }))
}

/**
 * Reads back what was judged beside a snapshot; the states as they are asked for, once.
 * @param lines of the file, without line feeds
 */
export async function readJudgedWith(lines: AsyncIterable<string>): Promise<Pick<SourceRows, 'history' | 'kept'>> {
  const iterator = lines[Symbol.asyncIterator]()
  const first = await iterator.next()
  const { history, kept } = JSON.parse(first.done === true ? '{}' : first.value)
  async function* states(): AsyncGenerator<StoredState> {
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      const { kind: _, ...state } = JSON.parse(next.value)
      yield state
    }
  }
  const sealed = <T extends { readonly sealedAt: string }>(each: T) => ({ ...each, sealedAt: new Date(each.sealedAt) })
  return {
    ...(history === null ? {} : { history: { ...history, snapshots: history.snapshots.map(sealed), states: states() } }),
    ...(kept === null
      ? {}
      : {
          kept: {
            snapshots: kept.snapshots.map(sealed),
            verifiedAt: kept.verifiedAt === null ? null : new Date(kept.verifiedAt),
          },
        }),
  }
}

/** Dates to RFC 3339 text; everything else is JSON already. */
function plain(value: unknown): Json {
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value as Json
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
}
