import { canonicalJson } from '../digest.ts'
import type { Artifact, Json, Snapshot, SourceRows, StoredResource } from '../model.ts'
import { pathPart } from './artifact-name.ts'

/**
 * The whole snapshot as JSON lines: first the snapshot with its datasets, gaps and digests (`kind: snapshot`), then one line per resource
 * (`kind: resource`) with facts, salt and digest. Each line is RFC 8785 canonical JSON, so that anybody can recompute what the snapshot's
 * digests rest on: SHA-256(salt bytes, canonical facts), and per dataset SHA-256 over the
 * sorted digests of `[key, parent, digest]` as canonical JSON, a line feed after each. A resource whose body is not kept any more has its digest,
 * empty facts and, as `disposed`, why.
 * @param read gives the snapshot's resources in the order they are to stand; called once per `read` of the artifact
 */
export function snapshotArtifact(snapshot: Snapshot, read: () => AsyncIterable<StoredResource>): Artifact {
  return {
    path: `snapshots/${pathPart(snapshot.source)}-v${snapshot.version}.jsonl`,
    mediaType: 'application/x-ndjson; charset=utf-8; header=present',
    title: `Snapshot ${snapshot.version} of ${snapshot.source} as it was read: first line the snapshot, then one resource a line`,
    async *read() {
      let lines = `${canonicalJson(plain({ kind: 'snapshot', ...snapshot }))}\n`
      for await (const resource of read()) {
        lines += `${canonicalJson(plain(resourceLine(resource)))}\n`
        if (lines.length < 1 << 16) continue
        yield Buffer.from(lines)
        lines = ''
      }
      if (lines !== '') yield Buffer.from(lines)
    },
  }
}

function resourceLine(resource: StoredResource): object {
  const { dataset, place, parent, key, facts, salt, digest, firstSeenAt, seenFromTheStart, since, earlier, disposed } = resource
  const gone = disposed === undefined ? {} : { disposed }
  const line = {
    kind: 'resource',
    dataset,
    place,
    parent,
    key,
    facts,
    salt,
    digest,
    firstSeenAt,
    seenFromTheStart,
    since,
    ...gone,
  }
  return earlier.length === 0 ? line : { ...line, earlier }
}

/**
 * Reads a snapshot file back, the resources as they are asked for, once.
 * @param lines of the file, without line feeds
 * @throws {SyntaxError} when a line is no JSON
 */
export async function readSnapshotLines(lines: AsyncIterable<string>): Promise<SourceRows> {
  const iterator = lines[Symbol.asyncIterator]()
  const first = await iterator.next()
  const { kind: _, ...head } = JSON.parse(first.done === true ? '{}' : first.value)
  const snapshot: Snapshot = {
    ...head,
    startedAt: new Date(head.startedAt),
    sealedAt: new Date(head.sealedAt),
    datasets: head.datasets.map((each: { firstObservedAt: string | null; lastObservedAt: string | null }) => ({
      ...each,
      firstObservedAt: dateOf(each.firstObservedAt),
      lastObservedAt: dateOf(each.lastObservedAt),
    })),
  }
  async function* resources(): AsyncGenerator<StoredResource> {
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      const { kind: _kind, earlier = [], ...row } = JSON.parse(next.value)
      yield {
        ...row,
        firstSeenAt: new Date(row.firstSeenAt),
        since: new Date(row.since),
        earlier: earlier.map((each: { from: string }) => ({ ...each, from: new Date(each.from) })),
      }
    }
  }
  return { snapshot, resources: resources() }
}

/** A time read back. */
export function dateOf(text: string | null): Date | null {
  return text === null ? null : new Date(text)
}

/** Dates to RFC 3339 text; everything else is JSON already. */
export function plain(value: unknown): Json {
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value as Json
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
}
