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
import { findPersonRows, othersNaming, unremovableNaming } from './person.ts'
import { markerOf, redact, redactionOf, textsNaming } from './redaction.ts'
import type { Store } from './store.ts'

/** What was, or would be, taken out about one person. */
export interface Pseudonymisation extends Disposal {
  /** the user's id, or the ARN of an IAM user: it stays, and is all that is left of the person */
  readonly user: string
  /** what the person was looked for by */
  readonly names: readonly string[]
  /** the last snapshot shows the user: the next collection brings its facts again */
  readonly isStillThere: boolean
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
    refuseHeld((await standingHolds(on)).find(hold => keeps(hold, source, user)))
    const rows = await findPersonRows(on, sourceId, source, user, request.names)
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

function keeps({ scope }: Hold, source: string, user: string): boolean {
  if (scope.kind === 'all') return true
  return scope.source === source && (scope.kind === 'source' || scope.user === user)
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
