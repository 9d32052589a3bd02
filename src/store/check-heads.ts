import { digestOf } from '../digest.ts'
import type { SignedHead } from '../model.ts'
import { query } from './database.ts'
import { addUp, changeLines, type HeadSink, signedBytes, streamOf } from './head.ts'
import type { StoreProblem } from './problem.ts'
import type { Store } from './store.ts'

/** What heads are checked with. */
export interface HeadCheck {
  readonly sink: HeadSink
  /** null when no key of this fingerprint is trusted */
  verify(bytes: Uint8Array, head: SignedHead): boolean | null
}

interface Sealed {
  readonly version: number
  readonly digest: Buffer
}

/**
 * Holds a source's snapshots against their heads outside: the signature and chain of the heads, the snapshot, the ledger up to its
 * entry, and the change set row by row.
 */
export async function* checkHeads(
  store: Store,
  source: { readonly id: number; readonly label: string; readonly partition: string; readonly instanceArn: string },
  { sink, verify }: HeadCheck,
): AsyncGenerator<StoreProblem> {
  const heads = await sink.heads(streamOf(source.partition, source.instanceArn))
  const sealed = await query<Sealed>(store.db, 'select version, digest from snapshot where source_id = $1 order by version', [
    source.id,
  ])
  const inside = new Map(sealed.map(row => [row.version, row.digest.toString('hex')]))
  let before: SignedHead | null = null
  for (const head of heads) {
    const name = `${source.label} version ${head.version}`
    yield* checkHead(head, before, name, verify)
    yield* checkInside(store, head, inside.get(head.version) ?? null, name)
    const kept = await addUp(sink.lines(head)).catch((error: Error) => error)
    if (kept instanceof Error) yield { kind: 'head', name, message: `its change set outside cannot be read: ${kept.message}` }
    else if (kept.digest !== head.linesDigest || kept.lines !== head.lines) {
      yield { kind: 'head', name, message: 'the change set kept outside is not the one that its head signs' }
    } else yield* compareLines(sink.lines(head), changeLines(store, source.id, head.version), name)
    inside.delete(head.version)
    before = head
  }
  for (const version of inside.keys()) {
    yield { kind: 'head_missing', name: `${source.label} version ${version}`, message: 'it has no head outside the database' }
  }
}

function* checkHead(
  head: SignedHead,
  before: SignedHead | null,
  name: string,
  verify: HeadCheck['verify'],
): Generator<StoreProblem> {
  const valid = verify(signedBytes(head), head)
  if (valid === null)
    yield { kind: 'head', name, message: `its head is signed with the key ${head.keyFingerprint}, which is not trusted here` }
  else if (!valid) yield { kind: 'head', name, message: 'the signature of its head is not valid' }
  const expected = before === null ? null : digestOf({ ...before })
  if (head.previousDigest !== expected || head.version !== (before?.version ?? 0) + 1)
    yield { kind: 'head', name, message: 'its head does not follow the one before: a head was changed or taken away' }
}

async function* checkInside(store: Store, head: SignedHead, digest: string | null, name: string): AsyncGenerator<StoreProblem> {
  if (digest === null) yield { kind: 'snapshot', name, message: 'the snapshot is missing; its head stands outside' }
  else if (digest !== head.snapshotDigest)
    yield { kind: 'snapshot', name, message: `its digest is ${digest}, the head outside says ${head.snapshotDigest}` }
  const [entry] = await query<{ digest: Buffer }>(store.db, 'select digest from ledger where position = $1', [
    head.ledgerPosition,
  ])
  const found = entry?.digest.toString('hex') ?? 'missing'
  if (found !== head.ledgerDigest) {
    const message = `entry ${head.ledgerPosition} is ${found}, the head of ${name} says ${head.ledgerDigest}: it or an entry before it was changed`
    yield { kind: 'ledger', name: `entry ${head.ledgerPosition}`, message }
  }
}

/** Two sorted lists of lines; what is in one only is named. */
async function* compareLines(
  outside: AsyncIterable<string>,
  inside: AsyncIterable<string>,
  snapshot: string,
): AsyncGenerator<StoreProblem> {
  const only = await differing(outside, inside)
  const named = (lines: readonly string[]) => new Map(lines.map(line => [nameOf(line), line]))
  const missing = named(only.left)
  const extra = named(only.right)
  for (const [name, line] of extra) {
    const was = missing.has(name) ? 'was changed after it was sealed' : `was not there when ${snapshot} was sealed`
    yield { kind: 'row', name, message: `${was} (${verbs[line[0]!]} with ${snapshot})` }
  }
  for (const [name, line] of missing) {
    if (!extra.has(name)) yield { kind: 'row', name, message: `is missing (${verbs[line[0]!]} with ${snapshot})` }
  }
}

const verbs: Record<string, string> = { '+': 'begins', '-': 'ends', '?': 'not seen', '!': 'seen again' }

async function differing(
  left: AsyncIterable<string>,
  right: AsyncIterable<string>,
): Promise<{ left: string[]; right: string[] }> {
  const only = { left: [] as string[], right: [] as string[] }
  const a = left[Symbol.asyncIterator]()
  const b = right[Symbol.asyncIterator]()
  let x = await a.next()
  let y = await b.next()
  while (!x.done || !y.done) {
    const order = x.done ? 1 : y.done ? -1 : Buffer.compare(Buffer.from(x.value), Buffer.from(y.value))
    if (order < 0) only.left.push(x.value as string)
    if (order > 0) only.right.push(y.value as string)
    if (order <= 0) x = await a.next()
    if (order >= 0) y = await b.next()
  }
  return only
}

/** `dataset account Region key` of a line. */
function nameOf(line: string): string {
  const bracket = line.indexOf(' [')
  const [key] = JSON.parse(line.slice(bracket + 1, line.lastIndexOf(' '))) as [string, string]
  return `${line.slice(2, bracket)} ${key}`
}
