import { type Connection, transaction } from './database.ts'
import {
  choose,
  chooseFindings,
  chooseImports,
  chooseResults,
  chooseVersions,
  type Disposal,
  dispose,
  lockForDisposal,
} from './disposal.ts'
import { StoreError } from './error.ts'
import { type Hold, holdText, knownSource, onePerson, standingHolds } from './hold.ts'
import { findPersonRows, othersNaming, type PersonRows, unremovableNaming } from './person.ts'
import { markerOf, redact, redactionOf, textsNaming } from './redaction.ts'
import { labelsOf, type SourcesByLabel, sourcesByLabel } from './source-labels.ts'
import type { Store } from './store.ts'

/** What was, or would be, taken out about one person. */
export interface Pseudonymisation extends Disposal {
  /** the user's id, or the ARN of an IAM user: it stays, and is all that is left of the person */
  readonly user: string
  /** what the person was looked for by */
  readonly names: readonly string[]
  /** the last snapshot shows the user: the next collection brings its facts again */
  readonly isStillThere: boolean
  /** a collection of the source is under way, or was interrupted and may go on: what it read before is not looked through */
  readonly isBeingCollected: boolean
  /** resources of other datasets that name the person and were left, by dataset */
  readonly left: ReadonlyMap<string, number>
  /** what people wrote (notes on findings, exceptions) in which the person's names were replaced; each by what it is called */
  readonly redacted: readonly string[]
  /** what people wrote that names the person still, where a name decides: in what an exception covers, in an id, in a path */
  readonly writings: readonly string[]
  /** where else a name has to stay, since digests that cannot be written again are computed over it; in words, with how many */
  readonly unremovable: readonly string[]
  /** of the ledger; null when nothing was removed */
  readonly ledgerPosition: number | null
}

/**
 * Removes what names one person: facts and salt of the user over all versions, the results of evaluations, states of findings and rows of
 * imports that name it; and takes its names out of what people wrote. Digests stay, so every chain verifies; the entry in the ledger says how much
 * went and not of whom.
 * @param request.user id or user name, or ARN of an IAM user
 * @param request.names further names to look for
 * @param request.isDryRun true: nothing is removed
 * @throws {StoreError} NOT_FOUND, AMBIGUOUS; ON_HOLD when a hold keeps it
 */
export async function pseudonymise(
  store: Store,
  request: { readonly source: string; readonly user: string; readonly names?: readonly string[]; readonly isDryRun: boolean },
): Promise<Pseudonymisation> {
  const { source, isDryRun } = request
  const sourceId = await knownSource(store, source)
  const user = await onePerson(store, sourceId, source, request.user)
  return transaction(store.db, async on => {
    await lockForDisposal(on)
    const holds = await standingHolds(on)
    const named = await sourcesByLabel(on)
    refuseHeld(holds.find(hold => keeps(hold, named, sourceId, user)))
    const rows = await findPersonRows(on, sourceId, user, request.names)
    for (const hold of holds) if (await keepsSome(on, hold, named, rows)) refuseHeld(hold)
    const chosen = await choose(on, [
      [`${chooseVersions} v.entity_id = any ($1::int[])`, [rows.entityIds]],
      [`${chooseResults} r.digest = any ($1::bytea[])`, [rows.results]],
      [`${chooseFindings} f.digest = any ($1::bytea[])`, [rows.findings]],
      [`${chooseImports} i.digest = any ($1::bytea[])`, [rows.importRows]],
    ])
    const marker = markerOf(user)
    const texts = await textsNaming(on, rows.names, marker)
    const found = {
      ...{ user, names: rows.names, isStillThere: await isThere(on, sourceId, rows.entityIds) },
      isBeingCollected: (await on.query(`select from collection where source_id = $1 and state = 'open'`, [sourceId])).length > 0,
      left: await othersNaming(on, rows.names, rows.entityIds),
      redacted: texts.filter(({ pieces }) => pieces.length > 0).map(({ name }) => name),
      writings: texts.filter(({ isLeft }) => isLeft).map(({ name }) => name),
      unremovable: await unremovableNaming(on, rows.names),
    }
    if (isDryRun) {
      await on.execute('delete from disposal_choice')
      return { ...chosen, ...found, ledgerPosition: null }
    }
    const entry = await dispose(on, store.now(), { reason: 'privacy', source }, chosen, redactionOf(texts))
    if (entry !== null) await redact(on, texts, entry.position, marker)
    return { ...chosen, ...found, ledgerPosition: entry?.position ?? null }
  })
}

function keeps({ scope }: Hold, named: SourcesByLabel, sourceId: number, user: string): boolean {
  if (scope.kind === 'all') return true
  return named(scope.source).has(sourceId) && (scope.kind === 'source' || scope.user === user)
}

/** Whether some of a person's rows are kept by a hold on another person, or on another source: those of imports belong to every source. */
async function keepsSome(on: Connection, { scope }: Hold, named: SourcesByLabel, rows: PersonRows): Promise<boolean> {
  if (scope.kind === 'all') return true
  const sourceIds = [...named(scope.source)]
  if (scope.kind === 'source') {
    if (rows.importRows.length > 0) return true
    const found = await on.query(
      `select from result_version where digest = any ($1::bytea[]) and source = any ($3::text[])
       union all select from finding_version v join finding f on f.id = v.finding_id where v.digest = any ($2::bytea[]) and f.source = any ($3::text[]) limit 1`,
      [rows.results, rows.findings, await labelsOf(on, sourceIds)],
    )
    return found.length > 0
  }
  const digests = new Set([...rows.importRows, ...rows.results, ...rows.findings].map(digest => digest.toString('hex')))
  for (const id of sourceIds) {
    const kept = await findPersonRows(on, id, scope.user)
    if ([...kept.importRows, ...kept.results, ...kept.findings].some(digest => digests.has(digest.toString('hex')))) return true
  }
  return false
}

function refuseHeld(hold: Hold | undefined): void {
  if (hold === undefined) return
  throw new StoreError('ON_HOLD', `${holdText(hold)} keeps it: ${hold.reason} (${hold.by}, ${hold.addedAt.toISOString()})`, {
    hint: `release it first, with the reason: \`evidenced hold release ${hold.id} --reason TEXT\``,
  })
}

async function isThere(on: Connection, sourceId: number, entityIds: readonly number[]): Promise<boolean> {
  const rows = await on.query(
    'select from entity_version where source_id = $1 and entity_id = any ($2::int[]) and to_version = 2147483647 limit 1',
    [sourceId, entityIds],
  )
  return rows.length > 0
}
