import type { Severity } from './control.ts'

/**
 * How a finding stands, from one evaluation to the next that changes it. It began after `openedAfter` and by `openedBy`, it ended after
 * `resolvedAfter` and by `resolvedBy`: seal times of snapshots, or instants of evaluations where one snapshot was judged twice. An `…After` of
 * null: it may be older than anything that was judged.
 */
export interface FindingState {
  /** a fail that becomes unknown, or is judged no more, is not resolved */
  readonly state: 'open' | 'resolved'
  /** what the last evaluation made of it; `pass_or_gone`: it passes, or is not there any more */
  readonly status: 'fail' | 'unknown' | 'not_judged' | 'pass' | 'not_applicable' | 'pass_or_gone'
  readonly name: string
  readonly severity: Severity
  /** what was found when it was opened */
  readonly reason: string
  /** subjects that an unknown makes undecided; 1 for a fail */
  readonly subjects: number
  /** ids of the approved exceptions beside it: it stays open, and is not due */
  readonly exceptions: readonly string[]
  /** 1 when it was opened, one more each time it was reopened */
  readonly episode: number
  readonly openedAfter: Date | null
  readonly openedBy: Date
  readonly resolvedAfter: Date | null
  readonly resolvedBy: Date | null
  /** since when its days to be mended count */
  readonly raisedBy: Date
  readonly raisedBecause: 'opened' | 'reopened' | 'exception_ended'
  /** null once it is resolved, and while it is excepted */
  readonly dueAt: Date | null
}

/** A failing subject over time, or one cause that leaves subjects of a control unknown. */
export interface Finding extends FindingState {
  readonly id: number
  readonly control: string
  readonly source: string
  readonly kind: 'fail' | 'unknown'
  readonly subjectType: string
  /** key of the subject; of an unknown its cause: `dataset|reason|IAM action` */
  readonly subjectKey: string
  /**
   * ids of exceptions that stood beside it when it was last judged and have ended since: revoked, lapsed, taken out of the file. They are not
   * among `exceptions`, and the next evaluation raises it again
   */
  readonly endedExceptions: readonly string[]
  readonly owner: string | null
  readonly ticket: string | null
}

/** What someone said of a finding. */
export interface FindingNote {
  readonly id: number
  readonly at: Date
  readonly by: string
  readonly kind: 'assigned' | 'note'
  /** after an assignment; null: nobody, none */
  readonly owner: string | null
  readonly ticket: string | null
  readonly text: string | null
}

/** Open findings, and how long the resolved ones took, of one severity. */
export interface FindingFigures {
  readonly severity: Severity
  readonly open: number
  /** of the open ones */
  readonly excepted: number
  readonly overdue: number
  /** of the open ones, those that are causes of unknowns */
  readonly unknown: number
  /** episodes that ended */
  readonly resolved: number
  /** from `openedBy` to `resolvedBy`, in days; null: none was resolved */
  readonly meanDaysToResolve: number | null
  readonly medianDaysToResolve: number | null
}
