import type { Finding, FindingFigures, RegisteredException } from '../../src/model.ts'
import { controlView, exceptionsView, findingsView, findingView } from '../../src/reports/index.ts'
import { sampleEvaluation, sampleSnapshot } from './sample.ts'

/** Findings and exceptions as their pages meet them. */
const now = new Date('2026-06-30T06:25:00Z')
const about = { softwareVersion: '0.1.0', now }
const day = (n: number) => new Date(Date.UTC(2026, 5, n))

export const sampleException: RegisteredException = {
  ...{ id: 'EX-1', origin: 'database', controls: ['IDC-PS-001'], reason: 'tested <each> quarter', ticket: 'SEC-7' },
  scope: { source: 'acme', subjects: null, match: { permissionSet: ['BreakGlass*'] }, when: null },
  ...{ requestedBy: 'ada', requestedAt: '2026-06-01T00:00:00.000Z', approvedBy: 'grace', approvedAt: '2026-06-02T00:00:00.000Z' },
  ...{ expiresAt: '2026-12-31T23:59:59.999Z', revokedBy: null, revokedAt: null, revokedReason: null },
  ...{ state: 'approved', covers: 1, problem: null },
}

export const lapsed: RegisteredException = {
  ...{ ...sampleException, id: 'old', origin: 'file', state: 'revoked', covers: 0, problem: 'there is no control X-1' },
  ...{ revokedBy: 'eve', revokedAt: '2026-06-03T00:00:00.000Z', revokedReason: 'gone', ticket: null },
}

/** The sample evaluation, with an exception beside the first fail of IDC-PS-001. */
export function exceptedEvaluation() {
  const evaluation = sampleEvaluation(sampleSnapshot())
  const outcomes = evaluation.outcomes.map(outcome => {
    if (outcome.control.id !== 'IDC-PS-001') return outcome
    const first = outcome.results.findIndex(({ status }) => status === 'fail')
    const results = outcome.results.map((result, i) => (i === first ? { ...result, exceptions: ['EX-1'] } : result))
    return { ...outcome, excepted: 1, results }
  })
  return { ...evaluation, outcomes, exceptions: [sampleException, lapsed] }
}

export function sampleFinding(changes: Partial<Finding> = {}): Finding {
  const failing = exceptedEvaluation()
    .outcomes.find(({ control }) => control.id === 'IDC-PS-001')!
    .results.find(({ status }) => status === 'fail')!
  return {
    ...{ id: 7, control: 'IDC-PS-001', source: 'acme', kind: 'fail', subjectType: failing.subject.type },
    ...{ subjectKey: failing.subject.key, name: failing.subject.name, severity: 'critical', state: 'open', status: 'fail' },
    ...{ reason: 'is <b>admin</b>', subjects: 1, exceptions: ['EX-1'], episode: 2, openedAfter: day(1), openedBy: day(2) },
    ...{ resolvedAfter: null, resolvedBy: null, raisedBy: day(2), raisedBecause: 'reopened', dueAt: null },
    ...{ owner: 'team-iam', ticket: 'SEC-9', endedExceptions: [] },
    ...changes,
  }
}

const others = [
  sampleFinding({ id: 8, exceptions: [], openedAfter: null, dueAt: day(9), owner: null, ticket: null, episode: 1 }),
  sampleFinding({ id: 9, state: 'resolved', status: 'pass_or_gone', resolvedAfter: day(3), resolvedBy: day(4), exceptions: [] }),
  sampleFinding({ id: 10, kind: 'unknown', subjectType: 'cause', subjectKey: 'a|b|c', status: 'unknown', subjects: 3 }),
]

export const figures: readonly FindingFigures[] = (['critical', 'high', 'medium', 'low'] as const).map((severity, i) => ({
  ...{ severity, open: 3 - i, excepted: i === 0 ? 1 : 0, overdue: i === 0 ? 1 : 0, unknown: 0, resolved: i },
  ...{ meanDaysToResolve: i === 0 ? null : i * 1.25, medianDaysToResolve: i === 0 ? null : i },
}))

const open = { state: 'open', severity: null, control: null, owner: null, due: null } as const

export const pages = {
  findings: (choice: Partial<Parameters<typeof findingsView>[0]['choice']> = {}) =>
    findingsView({ ...about, choice: { ...open, ...choice }, figures, findings: [sampleFinding(), ...others] }),
  finding: (finding = sampleFinding()) =>
    findingView({
      ...{ ...about, finding, evaluation: exceptedEvaluation() },
      versions: [{ ...finding, asOf: day(2), evaluation: 12 }],
      notes: [
        { id: 1, at: day(3), by: 'ada', kind: 'assigned', owner: 'team-iam', ticket: null, text: null },
        { id: 2, at: day(4), by: 'grace', kind: 'note', owner: 'team-iam', ticket: 'SEC-9', text: 'asked <them>' },
      ],
    }),
  control: () =>
    controlView({ ...about, id: 'IDC-PS-001', evaluation: exceptedEvaluation(), figures, findings: [sampleFinding()] })!,
  exceptions: () =>
    exceptionsView({ ...about, register: [sampleException, lapsed], problems: ['e.yaml:3:1: exceptions[1]: no'] }),
}
