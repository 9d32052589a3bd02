import type { ControlInfo, ControlOutcome, Evaluation, Result, Status } from '../../src/model.ts'

/** A small evaluation, made of the statuses of its subjects. */
export function evaluationOf(
  subjects: readonly { readonly key: string; readonly status: Status; readonly reason?: string }[],
  more: Partial<Evaluation> & { readonly control?: Partial<ControlInfo> } = {},
): Evaluation {
  const { control, ...rest } = more
  return {
    asOf: new Date('2026-03-01T00:00:00Z'),
    catalogDigest: 'c'.repeat(64),
    snapshots: [{ source: 'acme', version: 1, digest: 'd'.repeat(64) }],
    outcomes: [outcomeOf(subjects, control)],
    ...rest,
  }
}

export function outcomeOf(
  subjects: readonly { readonly key: string; readonly status: Status; readonly reason?: string }[],
  control: Partial<ControlInfo> = {},
): ControlOutcome {
  const count = (status: Status) => subjects.filter(each => each.status === status).length
  return {
    control: { ...controlInfo, ...control },
    ...{ source: 'acme', parametersDigest: 'p'.repeat(64), population: subjects.length, populationIsLowerBound: false },
    ...{
      pass: count('pass'),
      fail: count('fail'),
      unknown: count('unknown'),
      notApplicable: count('not_applicable'),
      excepted: 0,
    },
    ...{ populationDigest: 'e'.repeat(64), implied: 'pass', error: null },
    results: subjects.filter(each => each.status !== 'pass').map(resultOf),
  }
}

function resultOf({
  key,
  status,
  reason = 'because',
}: {
  readonly key: string
  readonly status: Status
  readonly reason?: string
}): Result {
  return {
    ...{ subject: { kind: 'resource', source: 'acme', type: 'user', key, name: `name of ${key}` }, status, reason },
    ...{ facts: { UserName: key, lines: ['ä', '\n'] }, gaps: [] },
  }
}

const controlInfo: ControlInfo = {
  ...{
    id: 'IDC-USER-001',
    version: '1.0.0',
    title: 'Users',
    severity: 'high',
    resource: 'user',
    datasets: ['identitystore.users'],
  },
  ...{
    rationale: 'r',
    remediation: 'm',
    references: [],
    appliesTo: 'true',
    requirement: 'true',
    parameters: { days: 3 },
    digest: 'f'.repeat(64),
  },
}
