import { canonicalJson } from '../digest.ts'
import type { Artifact, DatasetSummary, ImportedRows, SourceRows, StoredState } from '../model.ts'
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

/**
 * What was judged beside a snapshot: first line the earlier snapshots of the period that controls of changes look back and what is kept of
 * the evidence, then one earlier state of a resource a line.
 */
export function historyArtifact(source: string, read: () => Promise<Pick<SourceRows, 'history' | 'kept'>>): Artifact {
  return {
    path: `history/${pathPart(source)}.jsonl`,
    mediaType: jsonLines,
    title: `What changed in ${source} over the period that controls of changes look back, and which snapshots are kept`,
    async *read() {
      const { history, kept = null } = await read()
      const { states, ...period } = history ?? { states: [] }
      let lines = `${canonicalJson(plain({ source, kept, period: history === undefined ? null : period }))}\n`
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

/** Reads it back, the states as they are asked for, once. @param lines without line feeds */
export async function readHistoryLines(
  lines: AsyncIterable<string>,
): Promise<{ readonly source: string; readonly past: Pick<SourceRows, 'history' | 'kept'> }> {
  const iterator = lines[Symbol.asyncIterator]()
  const first = await iterator.next()
  const { source, kept = null, period = null } = JSON.parse(first.done === true ? '{}' : first.value)
  async function* states(): AsyncGenerator<StoredState> {
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      if (next.value !== '') yield JSON.parse(next.value)
    }
  }
  return {
    source,
    past: {
      ...(kept === null ? {} : { kept: { snapshots: kept.snapshots.map(sealedAgain), verifiedAt: dateOf(kept.verifiedAt) } }),
      ...(period === null
        ? {}
        : {
            history: {
              snapshots: period.snapshots.map(sealedAgain),
              previous: period.previous?.map(observedAgain) ?? null,
              states: states(),
            },
          }),
    },
  }
}

function sealedAgain<T extends { readonly sealedAt: string }>(each: T) {
  return { ...each, sealedAt: new Date(each.sealedAt) }
}

function observedAgain(
  each: DatasetSummary & { readonly firstObservedAt: string | null; readonly lastObservedAt: string | null },
) {
  return { ...each, firstObservedAt: dateOf(each.firstObservedAt), lastObservedAt: dateOf(each.lastObservedAt) }
}
