import { sha256 } from '../digest.ts'
import { query } from './database.ts'
import type { DisposalEntry } from './disposal.ts'
import type { StoreProblem } from './problem.ts'
import type { Store } from './store.ts'

/** Holds every text from which a person's names were taken out against the entry of the ledger that says how it was left. */
export async function checkRedactions(store: Store, entries: ReadonlyMap<number, DisposalEntry>): Promise<StoreProblem[]> {
  const problems: StoreProblem[] = []
  const say = (name: string, message: string) => problems.push({ kind: 'disposal', name, message })
  const said = await query<{ entry: number; count: number; digest: string }>(
    store.db,
    `select entry::float8 as entry, count(*)::int as count, encode(sha256(convert_to(string_agg(
       '["' || kind || '","' || key || '","' || encode(digest, 'hex') || E'"]\\n', '' order by kind, key), 'UTF8')), 'hex') as digest
     from redaction group by entry`,
  )
  const found = new Map(said.map(each => [each.entry, each]))
  for (const { position, redaction } of entries.values()) {
    const { count, digest } = found.get(position) ?? { count: 0, digest: sha256('') }
    if (count !== (redaction?.texts ?? 0))
      say(`entry ${position}`, `it redacted ${redaction?.texts ?? 0} texts, and ${count} name it`)
    else if (redaction !== null && digest !== redaction.textsDigest)
      say(`entry ${position}`, 'the texts that name it are not as it left them')
    found.delete(position)
  }
  for (const entry of found.keys()) say(`entry ${entry}`, 'texts were redacted under it, and it is no disposal')
  for (const { kind, key } of await query<{ kind: string; key: string }>(store.db, changed))
    say(`${kind.replaceAll('_', ' ')} ${key}`, 'it was redacted, and is not as it was left')
  return problems
}

const texts = ['finding_note', 'exception_event', 'exception_file', 'exception_register'].map(
  kind =>
    `select '${kind}' as kind, ${kind === 'exception_register' ? `encode(digest, 'hex')` : 'id::text'} as key, body, salt, redacted from ${kind} where redacted is not null`,
)
const changed = `select t.kind, t.key from (${texts.join(' union all ')}) t
  left join redaction r on r.entry = t.redacted and r.kind = t.kind collate "C" and r.key = t.key collate "C"
  where r.digest is distinct from sha256(convert_to(t.body, 'UTF8')) or t.salt is not null order by t.kind, t.key`
