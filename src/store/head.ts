import { createHash } from 'node:crypto'
import { canonicalJson, digestOf } from '../digest.ts'
import type { Json, SignedHead } from '../model.ts'
import { query, streamRows, transaction } from './database.ts'
import { StoreError } from './error.ts'
import { insertHead, lastHead, readHeads } from './head-rows.ts'
import { lockSpaces } from './locks.ts'
import { type Shape, shapes } from './resource.ts'
import type { Store } from './store.ts'

/** Where heads are kept, out of the reach of whoever owns the database. */
export interface HeadSink {
  /** heads of one stream in the order of their making; none at all is an empty list */
  heads(stream: string): Promise<readonly SignedHead[]>
  /** version of the newest of them; 0 when there is none */
  lastVersion(stream: string): Promise<number>
  /** a head's change set as it was written: bytes of its lines, each with a line feed */
  changes(head: SignedHead): AsyncIterable<Uint8Array>
  /** keeps lines first and then the head, durably; a head is there whole or not at all, and never written over */
  write(head: SignedHead, lines: AsyncIterable<string>): Promise<void>
}

export interface HeadSigner {
  readonly fingerprint: string
  sign(bytes: Uint8Array): Promise<Uint8Array>
}

/** The heads of the evaluations. */
export const evaluationStream = 'evaluations'

/** What heads are made of: the snapshots of one source, or the evaluations. */
interface Stream {
  readonly name: string
  /** what was sealed after a version and has no head yet, oldest first */
  sealedAfter(version: number): Promise<readonly Sealed[]>
  /** the change set of a version */
  lines(version: number): AsyncIterable<string>
}

interface Sealed extends Pick<SignedHead, 'version' | 'ledgerPosition' | 'ledgerDigest'> {
  readonly digest: Pick<SignedHead, 'snapshotDigest' | 'evaluationDigest'>
}

/**
 * Makes the heads that a source's snapshots still lack, oldest first, and writes to each sink those that it has not got: after a seal that
 * is one, and after an interruption those that were missed.
 * @param source label
 * @returns how many were made
 * @throws what the first sink that fails throws, after the others had their turn
 */
export async function publishHeads(
  store: Store,
  source: string,
  sinks: readonly HeadSink[],
  signer: HeadSigner,
): Promise<number> {
  const [found] = await query<{ id: number; partition: string; instance_arn: string }>(
    store.db,
    'select id, partition, instance_arn from source where label = $1',
    [source],
  )
  if (found === undefined) throw new StoreError('NOT_FOUND', `no source is labelled ${source} in this database`)
  const stream: Stream = {
    name: streamOf(found.partition, found.instance_arn),
    sealedAfter: version => sealedSnapshots(store, found.id, version),
    lines: version => changeLines(store, found.id, version),
  }
  return publish(store, stream, found.id, sinks, signer)
}

/** The same for the evaluations. */
export async function publishEvaluationHeads(store: Store, sinks: readonly HeadSink[], signer: HeadSigner): Promise<number> {
  const stream: Stream = {
    name: evaluationStream,
    sealedAfter: version => sealedEvaluations(store, version),
    lines: version => evaluationLines(store, version),
  }
  return publish(store, stream, 0, sinks, signer)
}

async function publish(
  store: Store,
  stream: Stream,
  lock: number,
  sinks: readonly HeadSink[],
  signer: HeadSigner,
): Promise<number> {
  const { made, ends } = await transaction(store.db, async on => {
    await on.query('select pg_advisory_xact_lock($1, $2)', [lockSpaces.heads, lock])
    await adopt(store, stream, sinks)
    return {
      made: await makeHeads(store, stream, signer),
      ends: await Promise.allSettled(sinks.map(sink => catchUp(store, stream, sink))),
    }
  })
  // thrown out here, since inside it would be told as a fault of the database
  const failed = ends.find(end => end.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return made
}

/** Heads that were made before the database kept any stand outside only. */
async function adopt(store: Store, stream: Stream, sinks: readonly HeadSink[]): Promise<void> {
  if ((await lastHead(store, stream.name)) !== null) return
  const sealed = new Map((await stream.sealedAfter(0)).map(each => [each.version, each]))
  for (const sink of sinks) {
    const heads = await sink.heads(stream.name).catch(() => [])
    if (heads.length === 0) continue
    for (const head of heads) {
      const { snapshotDigest, evaluationDigest } = sealed.get(head.version)?.digest ?? {}
      if (head.snapshotDigest !== snapshotDigest || head.evaluationDigest !== evaluationDigest) return
      await insertHead(store, head)
    }
    return
  }
}

async function makeHeads(store: Store, stream: Stream, signer: HeadSigner): Promise<number> {
  let last = await lastHead(store, stream.name)
  const sealed = await stream.sealedAfter(last?.version ?? 0)
  for (const { digest, ...what } of sealed) {
    const changes = await addUp(stream.lines(what.version))
    const body = {
      ...{ stream: stream.name, ...what, ...digest, lines: changes.lines, linesDigest: changes.digest },
      previousDigest: last === null ? null : digestOf({ ...last }),
    }
    const signature = Buffer.from(await signer.sign(Buffer.from(canonicalJson(body)))).toString('base64')
    last = { ...body, keyFingerprint: signer.fingerprint, signature }
    await insertHead(store, last)
  }
  return sealed.length
}

async function catchUp(store: Store, stream: Stream, sink: HeadSink): Promise<void> {
  for (const head of await readHeads(store, stream.name, await sink.lastVersion(stream.name)))
    await sink.write(head, stream.lines(head.version))
}

async function sealedSnapshots(store: Store, sourceId: number, version: number): Promise<Sealed[]> {
  const rows = await query<SealedRow>(
    store.db,
    `select s.version, s.digest, g.position, g.digest as ledger_digest from snapshot s
     join ledger g on g.kind = 'snapshot' and g.payload::json->>'run' = s.run_id::text
     where s.source_id = $1 and s.version > $2 order by s.version`,
    [sourceId, version],
  )
  return rows.map(row => ({ ...ledgerOf(row), digest: { snapshotDigest: row.digest.toString('hex') } }))
}

async function sealedEvaluations(store: Store, id: number): Promise<Sealed[]> {
  const rows = await query<SealedRow>(
    store.db,
    `select e.id as version, e.digest, g.position, g.digest as ledger_digest from evaluation e
     join ledger g on g.kind = 'evaluation' and g.payload::json->>'evaluation' = e.id::text
     where e.id > $1 order by e.id`,
    [id],
  )
  return rows.map(row => ({ ...ledgerOf(row), digest: { evaluationDigest: row.digest.toString('hex') } }))
}

interface SealedRow {
  readonly version: number
  readonly digest: Buffer
  readonly position: string
  readonly ledger_digest: Buffer
}

function ledgerOf({ version, position, ledger_digest }: SealedRow): Pick<Sealed, 'version' | 'ledgerPosition' | 'ledgerDigest'> {
  return { version, ledgerPosition: Number(position), ledgerDigest: ledger_digest.toString('hex') }
}

/** What the signature of a head is over. */
export function signedBytes({ keyFingerprint: _, signature: __, ...body }: SignedHead): Uint8Array {
  return Buffer.from(canonicalJson(body as unknown as Json))
}

/** Stable over a change of label, and fit for a file's name. */
export function streamOf(partition: string, instanceArn: string): string {
  return `${partition}-${instanceArn.slice(instanceArn.lastIndexOf('/') + 1)}`.replaceAll(/[^A-Za-z0-9_-]/g, '_')
}

/**
 * Everything that a snapshot changed among the rows, as sorted lines: `+` begins, `-` ends, `?` is not seen from here on, `!` is seen
 * again or gone; then dataset, account, Region, `[key, parent]` as JSON, and the row's digest.
 */
export async function* changeLines(store: Store, sourceId: number, version: number): AsyncGenerator<string> {
  for await (const batch of streamRows<{ line: string }>(store.db, changeLinesOf, [sourceId, version], 5000)) {
    for (const row of batch) yield row.line
  }
}

const changeLinesOf = `
  select (c.op || ' ' || d.name || ' ' || l.account_id || ' ' || l.region || ' [' || to_json(c.key)::text || ',' || to_json(c.parent)::text || '] '
    || encode(c.digest, 'hex')) collate "C" as line
  from (${shapes.flatMap(changesOf).join(' union all ')}) c
  join dataset d on d.id = c.dataset_id join place l on l.id = c.place_id
  order by line`

function changesOf({ kind, identity, joins, key }: Shape): string[] {
  const row = (op: string, condition: string) => `
    select '${op}' as op, p.dataset_id, p.place_id, ${key} as key, p.parent, v.digest
    from ${kind}_version v join part p on p.id = v.part_id ${joins} where v.source_id = $1 and ${condition}`
  const hidden = (
    column: string,
  ) => `exists (select from ${kind}_unseen u where ${identity.map(each => `u.${each} = v.${each}`).join(' and ')}
      and u.source_id = $1 and u.${column} = $2 and u.from_version < v.to_version and u.to_version > v.from_version)`
  // a table of times not seen is small or empty: asked first, it spares reading the versions
  const any = `(select count(*) > 0 from ${kind}_unseen where source_id = $1)`
  return [
    row('+', 'v.from_version = $2'),
    row('-', 'v.to_version = $2 and v.to_version < 2147483647'),
    row('?', `${any} and ${hidden('from_version')}`),
    row('!', `${any} and ${hidden('to_version')}`),
  ]
}

/** Everything that an evaluation changed among outcomes and results, in the same form. */
export async function* evaluationLines(store: Store, id: number): AsyncGenerator<string> {
  for await (const batch of streamRows<{ line: string }>(store.db, evaluationLinesOf, [id], 5000)) {
    for (const row of batch) yield row.line
  }
}

const evaluationLinesOf = `
  select (c.op || ' ' || c.kind || ' [' || to_json(c.key)::text || ',""] ' || encode(c.digest, 'hex')) collate "C" as line
  from (
    select '+' as op, 'outcome' as kind, control_id || ' ' || source as key, digest from outcome_version where from_evaluation = $1
    union all select '-', 'outcome', control_id || ' ' || source, digest from outcome_version where to_evaluation = $1
    union all select '+', 'result', control_id || ' ' || source || ' ' || subject_kind || ' ' || subject_type || ' ' || subject_key, digest
      from result_version where from_evaluation = $1
    union all select '-', 'result', control_id || ' ' || source || ' ' || subject_kind || ' ' || subject_type || ' ' || subject_key, digest
      from result_version where to_evaluation = $1
  ) c order by line`

/** Number of lines and SHA-256 over them. */
export async function addUp(lines: AsyncIterable<string>): Promise<{ lines: number; digest: string }> {
  const sum = createHash('sha256')
  let text = ''
  let count = 0
  for await (const line of lines) {
    text += `${line}\n`
    // many at once: each call costs more than its bytes
    if (++count % 256 !== 0) continue
    sum.update(text)
    text = ''
  }
  return { lines: count, digest: sum.update(text).digest('hex') }
}
