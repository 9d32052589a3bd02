import type { Cell } from './csv.ts'
import { exceptionSheet } from './exceptions-artifact.ts'
import type { PeriodChange } from './period-changes.ts'
import type { PeriodReportView } from './period-report-view.ts'
import type { Sheet, SheetColumn, Workbook } from './workbook.ts'

/** A period report as a workbook: calendar, controls, every evaluation of each, failures with their days, joiners, movers, leavers, changes. */
export function periodWorkbook(view: PeriodReportView): Workbook {
  return {
    title: `${view.isComplete ? '' : 'INCOMPLETE: '}${view.framework.name}, ${view.from} to ${view.to}`,
    asOf: view.to,
    cover: [
      ['Period', `${view.from} to ${view.to}`],
      [
        'Framework',
        `${view.framework.name} ${view.framework.version}, ${view.framework.publisher}; digest ${view.framework.digest}`,
      ],
      ...view.sources.map(({ label, days }): [string, Cell] => [
        'Source',
        `${label}: ${days.complete} days complete, ${days.partial} partial, ${days.missing} missing`,
      ]),
      ['Evaluations', view.evaluations.length],
      ['Times', 'UTC. A change happened after "after" and before "by": no snapshot can date it better'],
      ['Not in view', view.notInView.join('\n')],
    ],
    sheets: [
      sheet('Calendar', ['source', 'day', 'coverage', 'snapshots', 'failedRuns'], () =>
        view.sources.flatMap(({ label, calendar }) =>
          calendar.map(each => [label, each.day, each.coverage, each.snapshots, each.failedRuns]),
        ),
      ),
      sheet(
        'Controls',
        [
          'control',
          'title',
          'severity',
          'requirements',
          'evaluations',
          'failing',
          'undecided',
          'passing',
          'populationAtStart',
          'populationAtEnd',
          'failsOpened',
          'failsResolved',
          'failsOpenAtEnd',
          'longestDaysToResolve',
          'definitions',
        ],
        () =>
          view.controls.map(each => [
            ...[
              each.id,
              each.title,
              each.severity,
              each.requirements.join(', '),
              each.counts.length,
              each.standings.fail,
              each.standings.unknown,
              each.standings.pass,
            ],
            ...[
              each.populationAtStart,
              each.populationAtEnd,
              each.openedInPeriod,
              each.resolvedInPeriod,
              each.openAtEnd,
              each.longestDaysToResolve,
            ],
            each.definitions.join(' '),
          ]),
      ),
      sheet(
        'Evaluations',
        ['control', 'evaluation', 'asOf', 'standing', 'population', 'fail', 'unknown', 'pass', 'notApplicable', 'excepted'],
        () =>
          view.controls.flatMap(({ id, counts }) =>
            counts.map(each => [
              id,
              each.evaluation,
              each.asOf,
              each.standing,
              each.population,
              each.fail,
              each.unknown,
              each.pass,
              each.notApplicable,
              each.excepted,
            ]),
          ),
      ),
      sheet(
        'Failures',
        [
          'control',
          'source',
          'subjectType',
          'key',
          'name',
          'reason',
          'openedAfter',
          'openedBy',
          'resolvedAfter',
          'resolvedBy',
          'resolution',
          'daysOpen',
        ],
        () =>
          view.controls.flatMap(({ episodes }) =>
            episodes.map(each => [
              ...[each.control, each.source, each.subjectType, each.key, each.name, each.reason, each.openedAfter, each.openedBy],
              ...[each.resolvedAfter, each.resolvedBy, each.resolution ?? 'open', each.daysOpen],
            ]),
          ),
      ),
      exceptionSheet(view.exceptions),
      sheet('Exceptions over time', ['exception', 'state', 'from', 'to', 'evaluations', 'covers', 'problem'], () =>
        view.exceptions.flatMap(({ id, stretches }) =>
          stretches.map(each => [id, each.state, each.from, each.to, each.evaluations, each.covers, each.problem]),
        ),
      ),
      sheet(
        'Excepted fails',
        ['exception', 'control', 'source', 'subjectType', 'key', 'name', 'from', 'to', 'evaluations', 'approvedBy', 'expiresAt'],
        () =>
          view.exceptions.flatMap(({ id, covered, approvedBy, expiresAt }) =>
            covered.map(each => [
              ...[id, each.control, each.source, each.subjectType, each.key, each.name, each.from, each.to, each.evaluations],
              ...[approvedBy, expiresAt],
            ]),
          ),
      ),
      changesSheet('Joiners', view.joiners),
      changesSheet('Movers', view.movers),
      changesSheet('Leavers', view.leavers),
      changesSheet('Changes', view.changes),
      sheet('Not compared', ['source', 'dataset', 'snapshot', 'at', 'reason'], () =>
        view.notCompared.map(each => [each.source, each.dataset, each.version, each.at, each.reason]),
      ),
      sheet('Snapshots', ['source', 'version', 'sealedAt', 'isComplete', 'missing', 'digest'], () =>
        view.sources.flatMap(({ label, snapshots }) =>
          snapshots.map(each => [label, each.version, each.sealedAt, each.isComplete, each.missing.join('; '), each.digest]),
        ),
      ),
    ],
  }
}

function changesSheet(name: string, changes: readonly PeriodChange[]): Sheet {
  return sheet(name, ['source', 'dataset', 'kind', 'name', 'key', 'user', 'userId', 'after', 'by', 'members'], () =>
    changes.map(each => [
      ...[each.source, each.dataset, each.kind, each.name, each.key, each.userName, each.userId, each.after, each.by],
      each.members.length === 0 ? null : JSON.stringify(each.members),
    ]),
  )
}

const times = new Set([
  'from',
  'to',
  'expiresAt',
  'asOf',
  'openedAfter',
  'openedBy',
  'resolvedAfter',
  'resolvedBy',
  'after',
  'by',
  'at',
  'sealedAt',
])

function sheet(name: string, columns: readonly string[], rows: () => (readonly Cell[])[]): Sheet {
  return {
    name,
    columns: columns.map((column): SheetColumn => (times.has(column) ? { name: column, type: 'time' } : { name: column })),
    rows,
  }
}
