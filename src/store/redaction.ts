import { canonicalJson, compareBytes, sha256 } from '../digest.ts'
import type { Json } from '../model.ts'
import type { Connection } from './database.ts'
import { type NamingRow, naming, wordsOf } from './naming.ts'

/** A text that people wrote and that names a person: a note on a finding, a step of an exception, a file of exceptions, a register of them. */
export interface WrittenText {
  readonly kind: 'finding_note' | 'exception_event' | 'exception_file' | 'exception_register'
  readonly key: string
  /** what people call it */
  readonly name: string
  /** pieces that name the person, in characters from 1; empty when it names the person only where a name has to stay */
  readonly pieces: readonly { readonly start: number; readonly length: number }[]
  /** what is left of it */
  readonly body: string
  /** the person is named in it still: in what an exception covers, in an id, in a path */
  readonly isLeft: boolean
}

/** What one redaction is about, for the ledger: how many texts, and SHA-256 over one line for each, with the digest of what is left of it. */
export interface Redaction {
  readonly texts: number
  readonly textsDigest: string
}

/**
 * Members whose text is only for people: names and words. What decides (scopes, controls, times) and what things are called by stays. The database
 * holds redactions to the same list (`frame_of`).
 */
const forPeople = new Set([
  ...['reason', 'ticket', 'requestedBy', 'approvedBy', 'revokedBy', 'revokedReason', 'problem', 'problems'],
  ...['text', 'owner', 'by'],
])

const texts: readonly (readonly [WrittenText['kind'], string])[] = [
  [
    'finding_note',
    `select id::text as key, 'what was said of finding ' || finding_id || ' (' || kind || ' ' || id || ')' as name, body from finding_note n order by n.id`,
  ],
  [
    'exception_event',
    `select id::text as key, 'exception ' || exception_id || ' (' || kind || ')' as name, body from exception_event e order by e.id`,
  ],
  [
    'exception_file',
    `select id::text as key, 'file of exceptions ' || id || case when id = (select max(id) from exception_file)
       then ', the last that was read: change the file, or it is read again as it stands' else '' end as name, body from exception_file f order by f.id`,
  ],
  [
    'exception_register',
    `select encode(digest, 'hex') as key, 'the exceptions that evaluation ' || (select min(e.id) from evaluation e where e.exceptions = r.digest)
       || ' was the first to know' as name, body from exception_register r order by digest`,
  ],
]

/** Every text that people wrote and that names a person. @param marker what stands in the place of a name */
export async function textsNaming(on: Connection, names: readonly string[], marker: string): Promise<readonly WrittenText[]> {
  const found: WrittenText[] = []
  for (const [kind, text] of texts)
    for (const { key, name, body } of await naming<NamingRow & { key: string; name: string }>(on, text, [], names))
      found.push({ kind, key, name, ...without(body, names, marker) })
  return found
}

/** What the ledger says of a redaction before it is done. */
export function redactionOf(written: readonly WrittenText[]): Redaction | null {
  const lines = written
    .filter(({ pieces }) => pieces.length > 0)
    .sort((a, b) => compareBytes(a.kind, b.kind) || compareBytes(a.key, b.key))
    .map(({ kind, key, body }) => `${JSON.stringify([kind, key, sha256(body)])}\n`)
  return lines.length === 0 ? null : { texts: lines.length, textsDigest: sha256(lines.join('')) }
}

/** Takes the pieces out, under an entry of the ledger that the same transaction wrote before. */
export async function redact(on: Connection, written: readonly WrittenText[], entry: number, marker: string): Promise<void> {
  const pieces = written.flatMap(({ kind, key, pieces: own }) => own.map(piece => ({ kind, key, ...piece })))
  if (pieces.length === 0) return
  await on.execute(
    'insert into redaction_choice (kind, key, start, length) select * from unnest($1::text[], $2::text[], $3::int[], $4::int[])',
    [
      pieces.map(each => each.kind),
      pieces.map(each => each.key),
      pieces.map(each => each.start),
      pieces.map(each => each.length),
    ],
  )
  await on.query('select redact($1, $2)', [entry, marker])
}

/** A marker that stands for a person: the id, which stays everywhere, where it can be one. */
export function markerOf(id: string): string {
  return /^[A-Za-z0-9_-]{1,128}$/.test(id) ? `[${id}]` : '[person]'
}

/** Whether a name stands in the place of one that was taken out, so that nobody can tell any more whose it was. */
export function isMarker(name: string): boolean {
  return /^\[[A-Za-z0-9_-]{1,128}\]$/.test(name)
}

function without(body: string, names: readonly string[], marker: string): Pick<WrittenText, 'pieces' | 'body' | 'isLeft'> {
  const words = wordsOf(names, 'giu')
  const spans = [...stringsIn(JSON.parse(body) as Json, '', 0)].filter(({ member }) => forPeople.has(member))
  const inside: (readonly [from: number, to: number])[] = []
  for (const { from, to } of spans)
    for (const word of words)
      for (const match of body.slice(from, to).matchAll(word))
        inside.push([from + match.index, from + match.index + match[0].length])
  const cuts = merged(inside)
  let left = body
  for (const [from, to] of cuts.toReversed()) left = `${left.slice(0, from)}${marker}${left.slice(to)}`
  const lower = left.toLowerCase()
  return {
    pieces: cuts.map(([from, to]) => ({ start: lengthOf(body.slice(0, from)) + 1, length: lengthOf(body.slice(from, to)) })),
    body: left,
    isLeft: wordsOf(names, 'u').some(word => word.test(lower)),
  }
}

/** In characters, as the database counts. */
function lengthOf(text: string): number {
  return [...text].length
}

/** Overlapping pieces as one, in order. */
function merged(pieces: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  const found: (readonly [number, number])[] = []
  for (const [from, to] of [...pieces].sort((a, b) => a[0] - b[0])) {
    const last = found.at(-1)
    if (last !== undefined && from <= last[1]) found[found.length - 1] = [last[0], Math.max(last[1], to)]
    else found.push([from, to])
  }
  return found
}

interface Span {
  /** the member that it is the value of, or an item of */
  readonly member: string
  readonly from: number
  readonly to: number
}

/** Where the strings of a value stand in its canonical JSON, without their quotes; returns where the value ends. */
function* stringsIn(value: Json, member: string, at: number): Generator<Span, number> {
  if (typeof value === 'string') {
    const to = at + canonicalJson(value).length
    yield { member, from: at + 1, to: to - 1 }
    return to
  }
  if (typeof value !== 'object' || value === null) return at + canonicalJson(value).length
  const items: readonly (readonly [prefix: string, member: string, item: Json])[] = Array.isArray(value)
    ? value.map(item => ['', member, item] as const)
    : Object.entries(value as { readonly [name: string]: Json })
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(
          ([name, item]) => [`${canonicalJson(name)}:`, name === 'scope' || member === 'scope' ? 'scope' : name, item] as const,
        )
  let end = at + 1
  for (const [i, [prefix, name, item]] of items.entries())
    end = yield* stringsIn(item, name, end + (i > 0 ? 1 : 0) + prefix.length)
  return end + 1
}
