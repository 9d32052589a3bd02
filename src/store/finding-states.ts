import { compareBytes } from '../digest.ts'
import type { ControlOutcome, Evaluation, FindingState, Result, Severity } from '../model.ts'

/** Days until a finding is due, by severity. */
export type DueDays = { readonly [severity in Severity]: number }

/** What a finding is about, whatever becomes of it. */
export interface FindingIdentity {
  readonly control: string
  readonly source: string
  readonly kind: 'fail' | 'unknown'
  readonly subjectType: string
  readonly subjectKey: string
}

/** A fail, or a cause of unknowns, as one evaluation shows it. */
export interface Shown extends FindingIdentity {
  readonly name: string
  readonly severity: Severity
  readonly reason: string
  readonly subjects: number
  readonly exceptions: readonly string[]
}

/** Between which times something happened that this evaluation shows and the one before did not. */
export interface Interval {
  /** null: nobody knows since when */
  readonly after: Date | null
  readonly by: Date
}

export function identityKey({ control, source, kind, subjectType, subjectKey }: FindingIdentity): string {
  return `${control}\n${source}\n${kind}\n${subjectType}\n${subjectKey}`
}

/** Everything of an evaluation that is a finding: each fail, and of unknowns one for each control, source and cause. */
export function* shownIn(evaluation: Evaluation): Generator<Shown> {
  for (const outcome of evaluation.outcomes) {
    const { control, source } = outcome
    const about = { control: control.id, source, severity: control.severity, subjects: 1 }
    const causes = new Map<string, Shown>()
    for (const result of outcome.results) {
      const { subject, status, reason, exceptions = [] } = result
      if (status === 'fail')
        yield {
          ...{ ...about, kind: status, subjectType: subject.type, subjectKey: subject.key },
          ...{ name: subject.name, reason, exceptions },
        }
      if (status !== 'unknown') continue
      for (const [cause, { name, reason }] of causesOf(outcome, result)) {
        const first = { ...about, kind: status, subjectType: 'cause', subjectKey: cause, name, reason, exceptions: [] }
        const before = causes.get(cause)
        causes.set(cause, before === undefined ? first : { ...before, subjects: before.subjects + 1 })
      }
    }
    yield* causes.values()
  }
}

/** What keeps a subject from being judged, each cause once. */
function causesOf({ error }: ControlOutcome, { gaps, reason }: Result): ReadonlyMap<string, { name: string; reason: string }> {
  if (error !== null) return new Map([['broken', { name: 'the control is broken', reason: error }]])
  if (gaps.length === 0) return new Map([['other', { name: 'could not be judged', reason }]])
  return new Map(
    gaps.map(gap => {
      const said = gap.reason.replaceAll('_', ' ')
      const cause = { name: `${gap.action ?? gap.dataset}: ${said}`, reason: gap.message }
      return [`${gap.dataset}|${gap.reason}|${gap.action ?? ''}`, cause]
    }),
  )
}

/** What an evaluation says of things that it does not show as a fail or a cause any more. */
export function judgements(evaluation: Evaluation): (identity: FindingIdentity) => FindingState['status'] {
  const outcomes = new Map(
    evaluation.outcomes.map(outcome => [`${outcome.control.id}\n${outcome.source}`, new Judgement(outcome)]),
  )
  return identity => outcomes.get(`${identity.control}\n${identity.source}`)?.of(identity) ?? 'not_judged'
}

class Judgement {
  readonly #outcome: ControlOutcome
  #statuses: ReadonlyMap<string, Result['status']> | null = null
  /** false: what has no row may be there all the same */
  readonly #isWhole: boolean

  constructor(outcome: ControlOutcome) {
    this.#outcome = outcome
    const hasDataset = outcome.results.some(({ subject }) => subject.kind === 'dataset')
    this.#isWhole = !outcome.populationIsLowerBound && outcome.error === null && !hasDataset
  }

  of({ kind, subjectType, subjectKey }: FindingIdentity): FindingState['status'] {
    this.#statuses ??= new Map(this.#outcome.results.map(({ subject, status }) => [`${subject.type}\n${subject.key}`, status]))
    const status = kind === 'fail' ? this.#statuses.get(`${subjectType}\n${subjectKey}`) : undefined
    if (status !== undefined) return status
    if (!this.#isWhole || this.#outcome.error !== null) return 'unknown'
    return 'pass_or_gone'
  }
}

/** The state of a finding that is shown: opened, reopened, or still there. */
export function stateShown(before: FindingState | null, shown: Shown, interval: Interval, dueDays: DueDays): FindingState {
  const { name, severity, reason, subjects } = shown
  const exceptions = [...shown.exceptions].sort(compareBytes)
  const about = { state: 'open', status: shown.kind, name, severity, subjects, exceptions } as const
  const due = (raisedBy: Date) => (exceptions.length > 0 ? null : new Date(raisedBy.getTime() + dueDays[severity] * 86_400_000))
  if (before === null || before.state === 'resolved') {
    const { after, by } = interval
    return {
      ...{ ...about, reason, episode: (before?.episode ?? 0) + 1, openedAfter: after, openedBy: by },
      ...{ resolvedAfter: null, resolvedBy: null, raisedBy: by, dueAt: due(by) },
      raisedBecause: before === null ? 'opened' : 'reopened',
    }
  }
  if (before.exceptions.length > 0 && exceptions.length === 0)
    return { ...before, ...about, raisedBy: interval.by, raisedBecause: 'exception_ended', dueAt: due(interval.by) }
  const isSame = before.severity === severity && before.exceptions.length > 0 === exceptions.length > 0
  return { ...before, ...about, dueAt: isSame ? before.dueAt : due(before.raisedBy) }
}

/** The state of an open finding that is not shown: resolved where that is proven, else open and as little known as it is. */
export function stateGone(before: FindingState, status: FindingState['status'], interval: Interval): FindingState {
  if (status === 'unknown' || status === 'not_judged' || status === 'fail') return { ...before, status }
  return {
    ...{ ...before, state: 'resolved', status, exceptions: [], dueAt: null },
    ...{ resolvedAfter: interval.after, resolvedBy: interval.by },
  }
}
