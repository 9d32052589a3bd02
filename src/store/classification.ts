import { compareBytes, digestOf } from '../digest.ts'
import type { Evaluation, PermissionSetClass } from '../model.ts'
import { type Connection, query } from './database.ts'
import type { Store } from './store.ts'

/** Keeps what policy analysis said of the permission sets of an evaluation's snapshots; what is plainly no admin has no row. */
export async function writeClassifications(
  on: Connection,
  evaluationId: number,
  evaluation: Evaluation,
  classes: readonly PermissionSetClass[],
): Promise<void> {
  const { snapshots } = evaluation
  await on.execute(
    `insert into classified_snapshot (source_id, version, evaluation_id)
     select s.source_id, s.version, $1 from unnest($2::text[]) w (digest) join snapshot s on encode(s.digest, 'hex') = w.digest`,
    [evaluationId, snapshots.map(each => each.digest)],
  )
  const rows = classes.filter(each => each.classification !== 'none')
  await on.execute(
    `insert into classification (evaluation_id, source_id, version, permission_set, classification, reason)
     select $1, c.source_id, c.version, w.permission_set, w.classification, w.reason
     from unnest($2::text[], $3::text[], $4::text[], $5::text[]) w (snapshot, permission_set, classification, reason)
     join snapshot s on encode(s.digest, 'hex') = w.snapshot
     join classified_snapshot c on c.source_id = s.source_id and c.version = s.version and c.evaluation_id = $1`,
    [
      ...[evaluationId, rows.map(each => snapshots.find(snapshot => snapshot.source === each.source)?.digest ?? '')],
      ...[rows.map(each => each.permissionSetArn), rows.map(each => each.classification), rows.map(each => each.reason)],
    ],
  )
}

/** What stands in the ledger: SHA-256 of the canonical JSON of the sorted `[permission set, class, reason]` that have a row. */
export function classificationDigest(
  classes: readonly Pick<PermissionSetClass, 'permissionSetArn' | 'classification' | 'reason'>[],
): string {
  const rows = classes
    .filter(each => each.classification !== 'none')
    .map(each => [each.permissionSetArn, each.classification, each.reason])
  return digestOf(rows.sort((a, b) => compareBytes(a.join(' '), b.join(' '))))
}

/** The same from the rows of an evaluation. */
export async function storedClassificationDigest(store: Store, evaluationId: number): Promise<string> {
  return classificationDigest(
    await query(
      store.db,
      `select permission_set as "permissionSetArn", classification, reason from classification where evaluation_id = $1`,
      [evaluationId],
    ),
  )
}

/** Classes of permission sets by version, of the versions that some evaluation classified; the last evaluation of a version counts. */
export async function classesBetween(
  store: Store,
  sourceId: number,
  first: number,
  last: number,
): Promise<ReadonlyMap<number, ReadonlyMap<string, PermissionSetClass['classification']>>> {
  const rows = await query<{
    version: number
    permission_set: string | null
    classification: PermissionSetClass['classification']
  }>(
    store.db,
    `select w.version, c.permission_set, c.classification
     from (select version, max(evaluation_id) as evaluation_id from classified_snapshot
       where source_id = $1 and version between $2 and $3 group by version) w
     left join classification c on c.evaluation_id = w.evaluation_id and c.source_id = $1`,
    [sourceId, first, last],
  )
  return new Map(
    [...Map.groupBy(rows, row => row.version)].map(([version, classes]) => [
      version,
      new Map(classes.flatMap(row => (row.permission_set === null ? [] : [[row.permission_set, row.classification] as const]))),
    ]),
  )
}
