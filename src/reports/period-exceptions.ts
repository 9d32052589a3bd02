import { compareBytes } from '../digest.ts'
import type { ExceptionState, RegisteredException, SavedEvaluation } from '../model.ts'
import { type ExceptionRow, exceptionRow } from './exception-row.ts'

/** An exception of the register over a period: the last evaluation that knew it says what it is, all of them say what it did. */
export interface PeriodException extends ExceptionRow {
  /** evaluations one after the other that knew it alike */
  readonly stretches: readonly ExceptionStretch[]
  /** instants of the first and the last evaluation of the period in which it was approved and not over; null: in none */
  readonly inForceFrom: string | null
  readonly inForceTo: string | null
  /** how it ended between two evaluations of the period; null: it did not, or not in the period */
  readonly ended: 'lapsed' | 'revoked' | 'taken_out' | null
  /** instant of the first evaluation that shows it ended */
  readonly endedBy: string | null
  /** every fail it stood beside in the period */
  readonly covered: readonly CoveredFail[]
  /** of `covered`, those that the last evaluation of the period shows failing with no exception beside them */
  readonly failingUncovered: number
}

export interface ExceptionStretch {
  /** `absent`: an evaluation between those that knew it did not know it */
  readonly state: ExceptionState | 'absent'
  /** fails it stood beside in each */
  readonly covers: number
  readonly problem: string | null
  readonly evaluations: number
  /** instants of the first and the last of them */
  readonly from: string
  readonly to: string
}

/** One failing subject beside which an exception stood. */
export interface CoveredFail {
  readonly control: string
  readonly source: string
  readonly subjectType: string
  readonly key: string
  readonly name: string
  readonly evaluations: number
  /** instants of the first and the last evaluation in which it stood beside it */
  readonly from: string
  readonly to: string
}

/** Follows the register from evaluation to evaluation. */
export interface ExceptionTracker {
  /** of the period, in the order of their instants */
  add(evaluation: SavedEvaluation): void
  /** sorted by id */
  end(): readonly PeriodException[]
}

interface Known {
  last: RegisteredException
  readonly stretches: ExceptionStretch[]
  readonly covered: Map<string, CoveredFail>
}

/** @param isNamed which controls' exceptions are followed */
export function trackExceptions(isNamed: (control: string) => boolean): ExceptionTracker {
  const known = new Map<string, Known>()
  /** fails of the last evaluation, and whether an exception stands beside them */
  let fails = new Map<string, boolean>()
  return {
    add({ asOf, exceptions = [], outcomes }) {
      const at = asOf.toISOString()
      const present = new Set<string>()
      for (const exception of exceptions.filter(({ controls }) => controls.some(isNamed))) {
        const own = known.get(exception.id) ?? { last: exception, stretches: [], covered: new Map() }
        known.set(exception.id, own)
        own.last = exception
        present.add(exception.id)
        lengthen(own.stretches, { state: exception.state, covers: exception.covers, problem: exception.problem }, at)
      }
      for (const [id, { stretches }] of known)
        if (!present.has(id)) lengthen(stretches, { state: 'absent', covers: 0, problem: null }, at)
      fails = new Map()
      for (const { control, source, results } of outcomes) {
        if (!isNamed(control.id)) continue
        for (const { subject, status, exceptions: beside = [] } of results) {
          if (status !== 'fail') continue
          const key = [control.id, source, subject.kind, subject.type, subject.key].join('\n')
          fails.set(key, beside.length > 0)
          for (const id of beside) {
            const covered = known.get(id)?.covered
            if (covered === undefined) continue
            const about = { control: control.id, source, subjectType: subject.type, key: subject.key, name: subject.name }
            const before = covered.get(key)
            covered.set(key, { ...about, evaluations: (before?.evaluations ?? 0) + 1, from: before?.from ?? at, to: at })
          }
        }
      }
    },
    end: () =>
      [...known]
        .sort(([a], [b]) => compareBytes(a, b))
        .map(([, { last, stretches, covered }]) => {
          const inForce = stretches.filter(({ state }) => state === 'approved')
          return {
            ...exceptionRow(last),
            stretches,
            inForceFrom: inForce[0]?.from ?? null,
            inForceTo: inForce.at(-1)?.to ?? null,
            ...endOf(stretches),
            covered: [...covered].sort(([a], [b]) => compareBytes(a, b)).map(([, each]) => each),
            failingUncovered: [...covered.keys()].filter(key => fails.get(key) === false).length,
          }
        }),
  }
}

function lengthen(stretches: ExceptionStretch[], said: Pick<ExceptionStretch, 'state' | 'covers' | 'problem'>, at: string): void {
  const last = stretches.at(-1)
  if (last !== undefined && last.state === said.state && last.covers === said.covers && last.problem === said.problem)
    stretches[stretches.length - 1] = { ...last, evaluations: last.evaluations + 1, to: at }
  else stretches.push({ ...said, evaluations: 1, from: at, to: at })
}

/** An exception ended where one that was in force is not any more, and does not come again. */
function endOf(stretches: readonly ExceptionStretch[]): Pick<PeriodException, 'ended' | 'endedBy'> {
  const last = stretches.findLastIndex(({ state }) => state === 'approved')
  const next = last === -1 ? undefined : stretches[last + 1]
  if (next === undefined || next.state === 'requested' || next.state === 'approved') return { ended: null, endedBy: null }
  return { ended: next.state === 'absent' ? 'taken_out' : next.state, endedBy: next.from }
}
