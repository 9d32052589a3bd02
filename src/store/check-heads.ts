import { compareBytes, digestOf } from '../digest.ts'
import type { SignedHead } from '../model.ts'
import { changeLines, evaluationLines } from './change-lines.ts'
import { addUpBytes, type ChangeSum, linesIn } from './change-set.ts'
import { query } from './database.ts'
import { evaluationStream, type HeadSink, signedBytes, streamOf } from './head.ts'
import { headStreams, keptHeads } from './head-rows.ts'
import type { StoreProblem } from './problem.ts'
import type { Store } from './store.ts'

/** What heads are checked with. */
export interface HeadCheck {
  readonly sinks: readonly HeadSink[]
  /** null when no key of this fingerprint is trusted */
  verify(bytes: Uint8Array, head: SignedHead): boolean | null
  /** when and why a key was revoked; null when it was not. Left out: none was */
  revoked?(fingerprint: string): { readonly at: Date; readonly reason: string } | null
  /** is told each head of a revoked key that a later head of a trusted key holds in its chain */
  onHeld?(head: SignedHead): void
}

/** Snapshots of a source, or the evaluations, as the database has them now. */
interface Inside {
  /** for people: `acme version`, `evaluation` */
  readonly title: string
  readonly stream: string
  readonly digests: ReadonlyMap<number, string>
  /** bytes of whole lines */
  lines(version: number): AsyncIterable<Uint8Array>
  /** a quick way to know that the rows are those of the change set of a head; false also where it cannot tell */
  isProven: IsProven
}

/** @param kept what the change set adds up to that the head signs */
export type IsProven = (head: SignedHead, kept: ChangeSum) => boolean

/**
 * Holds a source's snapshots against their heads, in the database and outside: the signature and chain of the heads, the snapshot, the
 * ledger up to its entry, and the change set row by row.
 */
export async function* checkHeads(
  store: Store,
  source: { readonly id: number; readonly label: string; readonly partition: string; readonly instanceArn: string },
  check: HeadCheck,
  isProven: IsProven,
): AsyncGenerator<StoreProblem> {
  const text = 'select version, digest from snapshot where source_id = $1 order by version'
  yield* checkStream(store, check, {
    title: `${source.label} version`,
    stream: streamOf(source.partition, source.instanceArn),
    digests: await digestsOf(store, text, [source.id]),
    lines: version => changeLines(store, source.id, version),
    isProven,
  })
}

/** The same for the evaluations. */
export async function* checkEvaluationHeads(store: Store, check: HeadCheck): AsyncGenerator<StoreProblem> {
  yield* checkStream(store, check, {
    title: 'evaluation',
    stream: evaluationStream,
    digests: await digestsOf(store, 'select id as version, digest from evaluation order by id', []),
    lines: id => evaluationLines(store, id),
    isProven: () => false,
  })
}

async function digestsOf(store: Store, text: string, values: readonly unknown[]): Promise<ReadonlyMap<number, string>> {
  const rows = await query<{ version: number; digest: Buffer }>(store.db, text, values)
  return new Map(rows.map(row => [row.version, row.digest.toString('hex')]))
}

/** Streams that heads are kept of, in each sink and in the database (null). */
export interface KeptStreams {
  readonly sink: HeadSink | null
  readonly streams: readonly string[] | Error
}

/** Asked before the sources are read: what has a head by then has its source in the database by then. */
export async function keptStreams(store: Store, { sinks }: HeadCheck): Promise<KeptStreams[]> {
  const kept: KeptStreams[] = [{ sink: null, streams: await headStreams(store) }]
  for (const sink of sinks) kept.push({ sink, streams: await sink.streams().catch((error: Error) => error) })
  return kept
}

/** Heads of what the database does not know: a source was taken away, or they are of another database. */
export function* checkStreams(
  kept: readonly KeptStreams[],
  sources: readonly { readonly partition: string; readonly instanceArn: string }[],
): Generator<StoreProblem> {
  const known = new Set([...sources.map(each => streamOf(each.partition, each.instanceArn)), evaluationStream])
  for (const { sink, streams } of kept) {
    if (streams instanceof Error) yield notRead('heads outside', `they cannot be read: ${streams.message}`, streams)
    else
      for (const stream of streams) {
        if (known.has(stream)) continue
        const message = `no source of this database has it: the source was taken away or changed, or the heads${sink === null ? ' in the database' : ''} are of another database`
        yield { kind: 'head', name: `stream ${stream}`, message }
      }
  }
}

/** What could not be looked at is missing; what is there and is not what was written is wrong. */
function notRead(name: string, message: string, error: Error): StoreProblem {
  return { kind: 'code' in error && error.code === 'HEADS_CHANGED' ? 'head' : 'head_missing', name, message }
}

async function* checkStream(store: Store, check: HeadCheck, inside: Inside): AsyncGenerator<StoreProblem> {
  const { sinks } = check
  const kept: SignedHead[] = []
  for (const { version, head } of await keptHeads(store, inside.stream)) {
    if (head !== null) kept.push(head)
    else yield { kind: 'head', name: `${inside.title} ${version} in the database`, message: 'what is kept as its head is none' }
  }
  yield* checkChain(store, kept, inside, check, ' in the database')
  let isRead = false
  for (const sink of sinks) {
    const heads = await sink.heads(inside.stream).catch((error: Error) => error)
    if (heads instanceof Error) {
      yield notRead(`${inside.title}s`, `their heads outside cannot be read: ${heads.message}`, heads)
      continue
    }
    isRead = true
    yield* checkChain(store, heads, inside, check, '')
    const outside = new Map(heads.map(head => [head.version, head]))
    for (const head of heads) {
      yield* checkInside(store, head, inside)
      yield* checkLines(sink, head, inside)
    }
    for (const head of kept) {
      const other = outside.get(head.version)
      if (other !== undefined && digestOf({ ...other }) !== digestOf({ ...head })) {
        const message = 'its head in the database is not the one outside'
        yield { kind: 'head', name: `${inside.title} ${head.version}`, message }
      }
    }
    for (const version of inside.digests.keys()) {
      if (outside.has(version)) continue
      const message = 'it has no head outside the database'
      yield { kind: 'head_missing', name: `${inside.title} ${version}`, message }
    }
  }
  if (isRead) return
  for (const head of kept) {
    yield* checkInside(store, head, inside)
    const found = await addUpBytes(inside.lines(head.version))
    if (found.digest !== head.linesDigest || found.lines !== head.lines) {
      const message = 'its rows are not those that its head signs'
      yield { kind: 'head', name: `${inside.title} ${head.version}`, message }
    }
  }
}

async function* checkChain(
  store: Store,
  heads: readonly SignedHead[],
  { title, stream }: Inside,
  check: HeadCheck,
  where: string,
): AsyncGenerator<StoreProblem> {
  const held = heldByTrusted(heads, check)
  let before: SignedHead | null = null
  for (const head of heads) {
    const name = `${title} ${head.version}${where}`
    yield* checkHead(head, before, name, check.verify)
    if (head.stream !== stream) yield { kind: 'head', name, message: `its head is one of ${head.stream}` }
    const revoked = check.revoked?.(head.keyFingerprint) ?? null
    if (revoked !== null) {
      const signed = `its head is signed with key ${head.keyFingerprint}, revoked on ${revoked.at.toISOString()} (${revoked.reason})`
      if (held.has(head)) check.onHeld?.(head)
      else if (await isRecordedAfter(store, head, revoked.at))
        yield { kind: 'head', name, message: `${signed}, and what it signs was recorded after that` }
      else {
        const message = `${signed}, and no later head of a trusted key holds it: collect and evaluate once more with the new key`
        yield { kind: 'head_missing', name, message }
      }
    }
    before = head
  }
}

/** Heads that are chained, without a gap, to a later one that a key signed which is trusted still. */
function heldByTrusted(heads: readonly SignedHead[], { verify, revoked }: HeadCheck): ReadonlySet<SignedHead> {
  const held = new Set<SignedHead>()
  let isHolding = false
  for (const [i, head] of [...heads.entries()].reverse()) {
    const next = heads[i + 1]
    isHolding &&= next !== undefined && next.previousDigest === digestOf({ ...head })
    if (isHolding) held.add(head)
    isHolding ||= (revoked?.(head.keyFingerprint) ?? null) === null && verify(signedBytes(head), head) === true
  }
  return held
}

async function isRecordedAfter(store: Store, head: SignedHead, at: Date): Promise<boolean> {
  const [entry] = await query<{ at: Date }>(store.db, 'select at from ledger where position = $1', [head.ledgerPosition])
  return entry === undefined || entry.at > at
}

async function* checkLines(sink: HeadSink, head: SignedHead, inside: Inside): AsyncGenerator<StoreProblem> {
  const name = `${inside.title} ${head.version}`
  const kept = await addUpBytes(sink.changes(head)).catch((error: Error) => error)
  if (kept instanceof Error) yield notRead(name, `its change set outside cannot be read: ${kept.message}`, kept)
  else if (kept.digest !== head.linesDigest || kept.lines !== head.lines) {
    yield { kind: 'head', name, message: 'the change set kept outside is not the one that its head signs' }
  } else if (!inside.isProven(head, kept))
    yield* compareLines(linesIn(sink.changes(head)), linesIn(inside.lines(head.version)), name)
}

function* checkHead(
  head: SignedHead,
  before: SignedHead | null,
  name: string,
  verify: HeadCheck['verify'],
): Generator<StoreProblem> {
  const valid = verify(signedBytes(head), head)
  if (valid === null)
    yield {
      ...{ kind: 'head', name },
      message: `its head is signed with the key ${head.keyFingerprint}, which is not trusted here: copy dataDir/keys and the heads folder from where it was signed, or name the public key with --key`,
    }
  else if (!valid) yield { kind: 'head', name, message: 'the signature of its head is not valid' }
  const expected = before === null ? null : digestOf({ ...before })
  if (head.previousDigest !== expected || head.version !== (before?.version ?? 0) + 1)
    yield { kind: 'head', name, message: 'its head does not follow the one before: a head was changed or taken away' }
}

async function* checkInside(store: Store, head: SignedHead, inside: Inside): AsyncGenerator<StoreProblem> {
  const name = `${inside.title} ${head.version}`
  const kind = head.evaluationDigest === undefined ? 'snapshot' : 'evaluation'
  const digest = inside.digests.get(head.version)
  const signed = head.snapshotDigest ?? head.evaluationDigest
  if (digest === undefined) yield { kind, name, message: `the ${kind} is missing; its head says that there was one` }
  else if (digest !== signed) yield { kind, name, message: `its digest is ${digest}, its head says ${signed}` }
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
  const missing = Map.groupBy(only.left, nameOf)
  const extra = Map.groupBy(only.right, nameOf)
  const how = (lines: readonly string[]) => `(${lines.map(line => verbs[line[0]!]).join(' and ')} with ${snapshot})`
  for (const [name, lines] of extra) {
    const was = missing.has(name) ? 'was changed after it was sealed' : `was not there when ${snapshot} was sealed`
    yield { kind: 'row', name, message: `${was} ${how(lines)}` }
  }
  for (const [name, lines] of missing) {
    if (!extra.has(name)) yield { kind: 'row', name, message: `is missing ${how(lines)}` }
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
    const order = x.done ? 1 : y.done ? -1 : compareBytes(x.value, y.value)
    if (order < 0) only.left.push(x.value as string)
    if (order > 0) only.right.push(y.value as string)
    if (order <= 0) x = await a.next()
    if (order >= 0) y = await b.next()
  }
  return only
}

/** `dataset account Region key` of a line; the line where it is none of ours. */
function nameOf(line: string): string {
  const bracket = line.indexOf(' [')
  try {
    const [key] = JSON.parse(line.slice(bracket + 1, line.lastIndexOf(' '))) as [string, string]
    return `${line.slice(2, bracket)} ${key}`
  } catch {
    return line
  }
}
