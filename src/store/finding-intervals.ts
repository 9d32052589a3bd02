import type { Evaluation } from '../model.ts'
import type { Connection } from './database.ts'
import type { FindingIdentity, Interval } from './finding-states.ts'

/** The last evaluation that moved findings. */
export interface Previous {
  readonly id: number
  readonly asOf: Date
  readonly snapshots: Evaluation['snapshots']
}

/** @returns null before the first */
export async function previousOf(on: Connection): Promise<Previous | null> {
  const [row] = await on.query<{ id: number; as_of: Date; snapshots: string }>(
    'select id, as_of, snapshots from evaluation where findings is not null order by id desc limit 1',
  )
  if (row === undefined) return null
  return { id: row.id, asOf: row.as_of, snapshots: JSON.parse(row.snapshots) as Evaluation['snapshots'] }
}

/**
 * Times between which something changed that this evaluation shows: the two snapshots, or the two instants where one snapshot was judged
 * twice. Not comparable: the control was not judged before, or by another definition or other parameters, so that nobody knows since when.
 */
export async function intervalsOf(
  on: Connection,
  evaluation: Evaluation,
  previous: Previous | null,
): Promise<(identity: FindingIdentity) => Interval & { readonly isComparable: boolean }> {
  const seals = await on.query<{ label: string; version: number; sealed_at: Date }>(
    `select s.label, s.version, s.sealed_at from unnest($1::text[], $2::int[]) as n (label, version)
     join snapshot s on s.label = n.label and s.version = n.version`,
    [
      [...evaluation.snapshots, ...(previous?.snapshots ?? [])].map(({ source }) => source),
      [...evaluation.snapshots, ...(previous?.snapshots ?? [])].map(({ version }) => version),
    ],
  )
  const sealedAt = new Map(seals.map(row => [`${row.version} ${row.label}`, row.sealed_at]))
  const before = new Map(
    (previous === null ? [] : await definitionsAt(on, previous.id)).map(row => [`${row.control_id}\n${row.source}`, row.said]),
  )
  const now = new Map(
    evaluation.outcomes.map(({ control, source, parametersDigest }) => [
      ...[`${control.id}\n${source}`, `${control.digest} ${parametersDigest}`],
    ]) as [string, string][],
  )
  return ({ control, source }) => {
    const series = `${control}\n${source}`
    const present = evaluation.snapshots.find(each => each.source === source)
    const past = previous?.snapshots.find(each => each.source === source)
    const isComparable = before.has(series) && before.get(series) === now.get(series)
    const isOther = present !== undefined && past !== undefined && present.digest !== past.digest
    const seal = (each: typeof present) => (each === undefined ? undefined : sealedAt.get(`${each.version} ${each.source}`))
    const by = (isOther || past === undefined ? seal(present) : undefined) ?? evaluation.asOf
    const after = !before.has(series) || previous === null ? null : ((isOther ? seal(past) : undefined) ?? previous.asOf)
    return { after, by, isComparable }
  }
}

async function definitionsAt(on: Connection, evaluation: number) {
  return on.query<{ control_id: string; source: string; said: string }>(
    `select o.control_id, o.source, (c.body::json->>'digest') || ' ' || (o.body::json->>'parametersDigest') as said
     from outcome_version o join control_definition c on c.digest = o.definition
     where o.from_evaluation <= $1 and o.to_evaluation > $1`,
    [evaluation],
  )
}
