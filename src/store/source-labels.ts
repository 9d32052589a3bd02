import type { Connection } from './database.ts'

/** Sources that have a label, or had it. */
export type SourcesByLabel = (label: string) => ReadonlySet<number>

/** A source may be called otherwise by now, and what was said of it under an earlier label counts still. */
export async function sourcesByLabel(on: Pick<Connection, 'query'>): Promise<SourcesByLabel> {
  const rows = await on.query<{ label: string; id: number }>(
    'select label, id from source union select label, source_id from snapshot',
  )
  const known = new Map<string, Set<number>>()
  for (const { label, id } of rows) known.set(label, (known.get(label) ?? new Set()).add(id))
  return label => known.get(label) ?? new Set()
}

/** Every label that a source has or had. */
export async function labelsOf(on: Pick<Connection, 'query'>, sourceIds: readonly number[]): Promise<string[]> {
  const rows = await on.query<{ label: string }>(
    'select label from source where id = any ($1::int[]) union select label from snapshot where source_id = any ($1::int[])',
    [sourceIds],
  )
  return rows.map(row => row.label)
}
