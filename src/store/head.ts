import { createHash } from 'node:crypto'
import { canonicalJson, digestOf } from '../digest.ts'
import type { Json, SignedHead } from '../model.ts'
import { query, streamRows, transaction } from './database.ts'
import { StoreError } from './error.ts'
import { lockSpaces } from './locks.ts'
import { type Shape, shapes } from './resource.ts'
import type { Store } from './store.ts'

/** Where heads are kept, out of the reach of whoever owns the database. */
export interface HeadSink {
  /** heads of one source in the order of their making; none at all is an empty list */
  heads(stream: string): Promise<readonly SignedHead[]>
  /** a head's change set, line by line */
  lines(head: SignedHead): AsyncIterable<string>
  /** keeps lines first and then the head, durably; a head is there whole or not at all */
  write(head: SignedHead, lines: AsyncIterable<string>): Promise<void>
}

export interface HeadSigner {
  readonly fingerprint: string
  sign(bytes: Uint8Array): Promise<Uint8Array>
}

/**
 * Writes the heads that a source's snapshots still lack outside, oldest first: after a seal that is one, and after an interruption
 * those that were missed.
 * @param source label
 * @returns how many were written
 */
export async function publishHeads(store: Store, source: string, sink: HeadSink, signer: HeadSigner): Promise<number> {
  const [found] = await query<{ id: number; partition: string; instance_arn: string }>(
    store.db,
    'select id, partition, instance_arn from source where label = $1',
    [source],
  )
  if (found === undefined) throw new StoreError('NOT_FOUND', `no source is labelled ${source} in this database`)
  return transaction(store.db, async on => {
    await on.query('select pg_advisory_xact_lock($1, $2)', [lockSpaces.heads, found.id])
    return publish(store, found.id, streamOf(found.partition, found.instance_arn), sink, signer)
  })
}

async function publish(store: Store, sourceId: number, stream: string, sink: HeadSink, signer: HeadSigner): Promise<number> {
  let last = (await sink.heads(stream)).at(-1) ?? null
  const sealed = await query<{ version: number; digest: Buffer; position: string; ledger_digest: Buffer }>(
    store.db,
    `select s.version, s.digest, g.position, g.digest as ledger_digest from snapshot s
     join ledger g on g.kind = 'snapshot' and g.payload::json->>'run' = s.run_id::text
     where s.source_id = $1 and s.version > $2 order by s.version`,
    [sourceId, last?.version ?? 0],
  )
  for (const row of sealed) {
    const { lines, digest } = await addUp(changeLines(store, sourceId, row.version))
    const body = {
      ...{ stream, version: row.version, snapshotDigest: row.digest.toString('hex') },
      ...{ ledgerPosition: Number(row.position), ledgerDigest: row.ledger_digest.toString('hex') },
      ...{ lines, linesDigest: digest, previousDigest: last === null ? null : digestOf({ ...last }) },
    }
    const signature = Buffer.from(await signer.sign(Buffer.from(canonicalJson(body)))).toString('base64')
    last = { ...body, keyFingerprint: signer.fingerprint, signature }
    await sink.write(last, changeLines(store, sourceId, row.version))
  }
  return sealed.length
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

/** Number of lines and SHA-256 over them. */
export async function addUp(lines: AsyncIterable<string>): Promise<{ lines: number; digest: string }> {
  const sum = createHash('sha256')
  let count = 0
  for await (const line of lines) {
    sum.update(`${line}\n`)
    count++
  }
  return { lines: count, digest: sum.digest('hex') }
}
