import { canonicalJson } from '../digest.ts'
import type { Artifact, DatasetSummary, ImportedRows, SourceHistory, StoredState } from '../model.ts'
import { pathPart } from './artifact-name.ts'
import { dateOf, plain } from './snapshot-artifact.ts'

const jsonLines = 'application/x-ndjson; charset=utf-8; header=present'

/** What people brought beside AWS, as it was judged with: first line what it is, then one row a line. */
export function importArtifact({ rows, ...about }: ImportedRows): Artifact {
  return {
    path: `imports/${about.kind}.jsonl`,
    mediaType: jsonLines,
    title: `The imported ${about.kind}, as it was judged with`,
    async *read() {
      yield Buffer.from([{ ...about }, ...rows].map(each => `${canonicalJson(plain(each))}\n`).join(''))
    },
  }
}

/** Reads an import back. @param lines without line feeds */
export async function readImportLines(lines: AsyncIterable<string>): Promise<ImportedRows> {
  const [about, ...rows] = (await Array.fromAsync(lines)).map(line => JSON.parse(line))
  return { ...about, importedAt: new Date(about.importedAt), rows }
}

/** What changed in a source before the judged snapshot, as it was judged with: first line the snapshots, then one state a line. */
export function historyArtifact(source: string, read: () => Promise<SourceHistory>): Artifact {
  return {
    path: `history/${pathPart(source)}.jsonl`,
    mediaType: jsonLines,
    title: `What changed in ${source} over the period that controls of changes look back`,
    async *read() {
      const { states, ...about } = await read()
      let lines = `${canonicalJson(plain({ source, ...about }))}\n`
      for await (const state of states) {
        lines += `${canonicalJson(plain(state))}\n`
        if (lines.length < 1 << 16) continue
        yield Buffer.from(lines)
        lines = ''
      }
      yield Buffer.from(lines)
    },
  }
}

/** Reads a history back, the states as they are asked for, once. @param lines without line feeds */
export async function readHistoryLines(
  lines: AsyncIterable<string>,
): Promise<{ readonly source: string; readonly history: SourceHistory }> {
  const iterator = lines[Symbol.asyncIterator]()
  const first = await iterator.next()
  const about = JSON.parse(first.done === true ? '{}' : first.value)
  async function* states(): AsyncGenerator<StoredState> {
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      if (next.value !== '') yield JSON.parse(next.value)
    }
  }
  return {
    source: about.source,
    history: {
      snapshots: about.snapshots.map((each: { version: number; sealedAt: string }) => ({
        ...each,
        sealedAt: new Date(each.sealedAt),
      })),
      previous:
        about.previous?.map((each: DatasetSummary & { firstObservedAt: string | null; lastObservedAt: string | null }) => ({
          ...each,
          firstObservedAt: dateOf(each.firstObservedAt),
          lastObservedAt: dateOf(each.lastObservedAt),
        })) ?? null,
      states: states(),
    },
  }
}
