import { canonicalJson } from '../digest.ts'
import type { CallRecord, Snapshot } from '../model.ts'
import { aboutSnapshot, coverFor } from './about-snapshot.ts'
import { type AccessMatrix, accessGaps, matrixColumns } from './access-matrix.ts'
import { pathPart } from './artifact-name.ts'
import type { Cell } from './csv.ts'
import type { PeriodChange } from './period-changes.ts'
import type { PeriodReportView } from './period-report-view.ts'
import { periodWorkbook } from './period-workbook.ts'
import type { PopulationTable } from './population-artifacts.ts'
import { columnsNamed, type ReportTable, type TableReport } from './table-report.ts'

/** Lists of what changed in a period. */
export const changeLists = ['joiners', 'movers', 'leavers', 'changes', 'failures'] as const

export type ChangeList = (typeof changeLists)[number]

/** One population of a snapshot as a report of its own. */
export function populationReport(name: string, snapshot: Snapshot, table: PopulationTable, softwareVersion: string): TableReport {
  const about = aboutSnapshot(snapshot, softwareVersion)
  return {
    ...about,
    cover: coverFor(about.cover, table.isComplete),
    path: `populations/${pathPart(snapshot.source)}/${name}`,
    title: `${table.title}: ${snapshot.source}`,
    isComplete: table.isComplete,
    tables: [
      {
        name,
        about: table.title,
        columns: columnsNamed(table.columns, [
          'key',
          'seenFromTheStart',
          'digest',
          'facts',
          'inlinePolicy',
          'permissionsBoundary',
        ]),
        isComplete: table.isComplete,
        count: table.count,
        rows: table.rows,
      },
    ],
  }
}

/** Who can use which permission set in which account, as a report of its own. */
export function accessReport(snapshot: Snapshot, matrix: AccessMatrix, asked: string, softwareVersion: string): TableReport {
  const about = aboutSnapshot(snapshot, softwareVersion)
  return {
    ...about,
    path: `access/${pathPart(snapshot.source)}`,
    title: `Effective access, ${asked}: ${snapshot.source}`,
    isComplete: matrix.isComplete,
    cover: [
      ...about.cover,
      [
        'A row is',
        'one way in which one user can use one permission set in one account: assigned directly, or through one group',
      ],
      ['Rows', `${matrix.isComplete ? '' : 'at least '}${matrix.count}`],
      ['Assignments to groups without members', matrix.toEmptyGroups],
      ['Assignments to groups whose members could not be read', matrix.toUnreadGroups],
      ...coverFor(about.cover, matrix.isComplete),
    ],
    tables: [
      {
        name: 'access',
        about: 'Effective access',
        columns: columnsNamed(matrixColumns, [
          ...['permissionSetArn', 'groupId', 'userId', 'membershipFirstSeenAt', 'seenFromTheStart'],
        ]),
        isComplete: matrix.isComplete,
        count: matrix.count,
        rows: matrix.rows,
      },
      notReadTable(snapshot),
    ],
  }
}

function notReadTable(snapshot: Snapshot): ReportTable {
  const gaps = accessGaps(snapshot)
  return {
    name: 'not-read',
    about: 'What could not be read of it',
    columns: columnsNamed(['dataset', 'accountId', 'region', 'parent', 'key', 'reason', 'action', 'message']),
    isComplete: true,
    count: gaps.length,
    rows: () =>
      gaps.map(gap => [
        ...[gap.dataset, gap.place.accountId, gap.place.region, gap.parent, gap.key, gap.reason, gap.action, gap.message],
      ]),
  }
}

/** Every call made for a snapshot, in the order of its ledger. */
export function callsReport(snapshot: Snapshot, read: () => AsyncIterable<CallRecord>, softwareVersion: string): TableReport {
  const callers = new Map(snapshot.callers.map(({ place, arn }) => [`${place.accountId} ${place.region}`, arn]))
  const about = aboutSnapshot(snapshot, softwareVersion)
  return {
    ...about,
    cover: coverFor(about.cover, true),
    path: `calls/${pathPart(snapshot.source)}-v${snapshot.version}`,
    title: `Call ledger of snapshot ${snapshot.version}: ${snapshot.source}`,
    isComplete: true,
    tables: [
      {
        name: 'calls',
        about: 'Every call, in order',
        columns: columnsNamed(
          [
            ...['at', 'service', 'operation', 'accountId', 'region', 'dataset', 'parameters', 'page', 'items', 'status'],
            ...['errorCode', 'requestId', 'attempts', 'throttles', 'ms', 'caller'],
          ],
          ['status', 'attempts', 'throttles', 'ms', 'caller'],
        ),
        isComplete: true,
        count: snapshot.calls,
        async *rows() {
          for await (const call of read()) {
            const { accountId, region } = call.place
            yield [
              ...[call.at.toISOString(), call.service, call.operation, accountId, region, call.dataset ?? null],
              ...[canonicalJson(call.parameters), call.page, call.items, call.status, call.errorCode, call.requestId],
              ...[call.attempts, call.throttles, call.ms, callers.get(`${accountId} ${region}`) ?? callerIn(snapshot, accountId)],
            ]
          }
        },
      },
    ],
  }
}

function callerIn(snapshot: Snapshot, accountId: string): Cell {
  return (snapshot.callers.find(({ place }) => place.accountId === accountId) ?? snapshot.callers[0])?.arn ?? null
}

/** Joiners, movers, leavers, all changes or failures of a period, as a report of its own. */
export function changesReport(list: ChangeList, view: PeriodReportView): TableReport {
  const workbook = periodWorkbook(view)
  const sheet = workbook.sheets.find(({ name }) => name.toLowerCase() === list)!
  const calendar = workbook.sheets.find(({ name }) => name === 'Calendar')!
  const lists: { readonly [name in ChangeList]: string } = {
    joiners: 'Joiners: users that a snapshot of the period shows for the first time',
    movers: 'Movers: memberships and direct assignments that people got or lost',
    leavers: 'Leavers: users that were removed or disabled',
    changes: 'Changes in all datasets',
    failures: 'Failures, with when each was opened and resolved',
  }
  const counts: { readonly [name in ChangeList]: readonly (PeriodChange | object)[] } = {
    ...{ joiners: view.joiners, movers: view.movers, leavers: view.leavers, changes: view.changes },
    failures: view.controls.flatMap(({ episodes }) => episodes),
  }
  const period = `${view.from.slice(0, 10)}-${view.to.slice(0, 10)}`
  return {
    path: `reports/${list}-${period}`,
    title: `${lists[list]}, ${view.from} to ${view.to}`,
    asOf: view.to,
    isComplete: view.isComplete,
    cover: workbook.cover.filter(
      ([name]) => name !== 'Not in view' && (list === 'failures' || !['Framework', 'Evaluations'].includes(name)),
    ),
    footer: view.sources.map(({ label, snapshots }) => {
      const last = snapshots.at(-1)
      return last === undefined ? `${label}: no snapshot` : `${label}: last snapshot ${last.version}, SHA-256 ${last.digest}`
    }),
    tables: [
      {
        name: list,
        about: lists[list],
        columns: sheet.columns.map(column => (column.name === 'members' ? { ...column, isPrinted: false } : column)),
        isComplete: true,
        count: counts[list].length,
        rows: sheet.rows,
      },
      {
        name: 'calendar',
        about: 'Coverage calendar: a day that is not complete proves nothing',
        columns: calendar.columns,
        isComplete: true,
        count: view.sources.reduce((sum, each) => sum + each.calendar.length, 0),
        rows: calendar.rows,
      },
    ],
    notInView: view.notInView,
    softwareVersion: view.softwareVersion,
  }
}
