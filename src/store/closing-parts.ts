import type { CollectionPlan } from '../model.ts'
import type { Connection } from './database.ts'
import type { PartGroup, RunParts } from './run-parts.ts'

/** What a run says of parts that it did not read. */
export interface UnreadParts {
  /** their parent is gone, so that what they held is, too */
  readonly vanished: ReadonlySet<number>
  /** their parent was seen, and they were not read all the same */
  readonly missed: readonly number[]
}

/**
 * Tells apart the parts that the database knows and the run did not read. A parent is gone when the run read the dataset at that place,
 * nothing says that its parents were not all known (an open part of the whole dataset, parent ''), and the list that names its parents, by
 * the plan, does not show it: other lists may still do, as a credential report of IAM names users for hours after they are deleted. A dataset that is one list (parent '') never vanishes: if it was not read, it was not read.
 */
export async function judgeUnread(
  on: Connection,
  sourceId: number,
  plan: Pick<CollectionPlan, 'steps'>,
  parts: RunParts,
  seenEntities: ReadonlySet<number>,
): Promise<UnreadParts> {
  const touched = new Set<PartGroup>()
  const whollyOpen = new Set<PartGroup>()
  for (const index of parts.touched()) {
    touched.add(parts.groupOf(index))
    if (!parts.isComplete(index) && parts.parentOf(index) === '') whollyOpen.add(parts.groupOf(index))
  }
  const judged = new Set([...touched].filter(group => !whollyOpen.has(group)))
  const unread: number[] = []
  for (let index = 0; index < parts.count; index++) {
    if (parts.idOf(index) === 0 || parts.isTouched(index) || parts.parentOf(index) === '') continue
    if (judged.has(parts.groupOf(index))) unread.push(index)
  }
  if (unread.length === 0) return { vanished: new Set(), missed: [] }
  const named = await on.query<{ key: string; dataset: string; id: number }>(
    `select k.key, d.name as dataset, e.id from resource_key k join entity e on e.key_id = k.id join dataset d on d.id = e.dataset_id
     where k.source_id = $1 and k.key = any ($2::text[])`,
    [sourceId, [...new Set(unread.map(index => parts.parentOf(index)))]],
  )
  const shownBy = new Map<string, Set<string>>()
  for (const { key, dataset, id } of named)
    if (seenEntities.has(id)) shownBy.set(key, (shownBy.get(key) ?? new Set()).add(dataset))
  const listsOf = new Map(plan.steps.map(step => [step.dataset, step.parents]))
  const isMissed = (index: number) => {
    const shown = shownBy.get(parts.parentOf(index))
    if (shown === undefined) return false
    const lists = listsOf.get(parts.groupOf(index).dataset)
    return lists === undefined || lists.some(list => shown.has(list))
  }
  return { vanished: new Set(unread.filter(index => !isMissed(index))), missed: unread.filter(isMissed) }
}
