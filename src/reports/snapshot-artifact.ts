import { canonicalJson } from '../digest.ts'
import type { Artifact, Json, Snapshot, StoredResource } from '../model.ts'
import { pathPart } from './artifact-name.ts'

/**
 * The whole snapshot as JSON lines: first the snapshot with its datasets, gaps and digests (`kind: snapshot`), then one line per resource
 * (`kind: resource`) with facts, salt and digest. Each line is RFC 8785 canonical JSON, so that anybody can recompute what the snapshot's
 * digests rest on: SHA-256(salt bytes, canonical facts), and per dataset SHA-256 over the
 * sorted digests of `[key, parent, digest]` as canonical JSON, a line feed after each.
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
  const { dataset, place, parent, key, facts, salt, digest, firstSeenAt, seenFromTheStart, since } = resource
  return { kind: 'resource', dataset, place, parent, key, facts, salt, digest, firstSeenAt, seenFromTheStart, since }
}

/** Dates to RFC 3339 text; everything else is JSON already. */
function plain(value: unknown): Json {
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value as Json
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
}
