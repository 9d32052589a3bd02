import type { Artifact, Finding } from '../model.ts'
import { pathPart } from './artifact-name.ts'
import type { Cell } from './csv.ts'
import { exceptionSheet } from './exceptions-artifact.ts'
import { findingSheet } from './findings-artifact.ts'
import type { FrameworkReportView } from './framework-report-view.ts'
import { type Look, plainLook } from './look.ts'
import { resultColumns } from './results-artifact.ts'
import type { SourceSection } from './source-section.ts'
import { completeness } from './template-helpers.ts'
import { type Sheet, workbookMediaType, workbookOf } from './workbook.ts'

/**
 * A framework report as a workbook: cover sheet, requirements, controls, every result (passes too), exceptions, findings, coverage, gaps, calls, what is not in view.
 * @param results rows of results.csv, pulled each time the artifact is read
 * @param findings those of findings.csv; null: the evaluation moved none, and there is no sheet of them
 */
export function reportWorkbook(
  view: FrameworkReportView,
  results: () => Iterable<readonly Cell[]>,
  look: Look = plainLook,
  findings: readonly Finding[] | null = null,
): Artifact {
  const title = `${view.isComplete ? '' : 'INCOMPLETE: '}${view.framework.name}`
  return {
    path: `reports/${pathPart(view.framework.id)}.xlsx`,
    mediaType: workbookMediaType,
    title: `${title}, as of ${view.asOf}`,
    read: () =>
      workbookOf({
        title,
        asOf: view.asOf,
        cover: coverOf(view),
        look,
        sheets: [
          ...[...sheetsOf(view), resultsSheet(results), exceptionSheet(view.exceptions)],
          ...(findings === null ? [] : [findingSheet(findings)]),
          ...proofSheets(view),
        ],
      }),
  }
}

/** Source, window, callers, snapshot and digest, for a cover sheet. */
export function identityCover({ label, identity, callers, snapshot, missing }: SourceSection): [string, Cell][] {
  return [
    ['Source', label],
    ['Organization', identity.organizationId ?? 'none'],
    ['Management account', identity.managementAccountId ?? 'not known'],
    ['Identity Center instance', identity.instanceArn],
    ['Identity store', identity.identityStoreId],
    ['Home Region, partition', `${identity.homeRegion}, ${identity.partition}`],
    ['Read by', callers.map(({ arn }) => arn).join('\n')],
    ['Collected', `${snapshot.startedAt} to ${snapshot.sealedAt}`],
    ['Snapshot', `version ${snapshot.version}, SHA-256 ${snapshot.digest}`],
    ['Run', snapshot.runId],
    ['Software', `evidenced ${snapshot.softwareVersion}`],
    ...missing.map(({ dataset, coverage, reason, actions }): [string, Cell] => [
      'MISSING',
      `${dataset}: ${coverage}; ${reason}${actions.length === 0 ? '' : `; grant ${actions.join(', ')}`}`,
    ]),
  ]
}

function coverOf(view: FrameworkReportView): [string, Cell][] {
  const { totals, evaluation, framework } = view
  return [
    [
      'Inputs',
      view.isComplete ? `COMPLETE: ${completeness(view)}` : 'INCOMPLETE: what depends on what is missing is unknown, never pass',
    ],
    ...view.brokenFiles.map((line): [string, Cell] => ['MISTAKE', `in the control catalog; this decided nothing: ${line}`]),
    ['As of', view.asOf],
    ['Framework', `${framework.name} ${framework.version}, ${framework.publisher}; digest ${framework.digest}`],
    ['Evaluation', `number ${evaluation.id} of ${view.evaluatedAt}, SHA-256 ${evaluation.digest}`],
    ['Control catalog', evaluation.catalogDigest],
    [
      'Results',
      `${totals.population} = ${totals.fail} fail + ${totals.unknown} unknown + ${totals.pass} pass + ${totals.notApplicable} not applicable`,
    ],
    ['Excepted', `of the ${totals.fail} fails, ${totals.excepted} stand beside an approved exception`],
    [
      'Controls',
      `${totals.controls}: ${totals.controlsBy.fail} fail, ${totals.controlsBy.unknown} unknown, ${totals.controlsBy.pass} pass, ${totals.controlsBy.not_applicable} not applicable`,
    ],
    ...view.sources.flatMap(identityCover),
    ['Times', 'UTC'],
  ]
}

function sheetsOf(view: FrameworkReportView): Sheet[] {
  return [
    {
      name: 'Requirements',
      columns: [
        { name: 'requirement' },
        { name: 'label', width: 60 },
        { name: 'status' },
        { name: 'control' },
        { name: 'basis' },
        { name: 'controlStanding' },
        { name: 'fail' },
        { name: 'unknown' },
      ],
      *rows() {
        for (const { id, label, status, controls } of view.requirements) {
          if (controls.length === 0) yield [id, label, status, null, null, null, null, null]
          for (const each of controls) yield [id, label, status, each.id, each.basis, each.standing, each.fail, each.unknown]
        }
      },
    },
    {
      name: 'Controls',
      columns: [
        ...[
          'control',
          'version',
          'title',
          'severity',
          'source',
          'standing',
          'population',
          'populationIsLowerBound',
          'pass',
          'fail',
          'unknown',
          'notApplicable',
          'excepted',
        ].map(name => ({ name, width: name === 'title' ? 60 : 16 })),
        ...['parameters', 'appliesTo', 'requirement', 'rationale', 'remediation', 'definitionDigest', 'populationDigest'].map(
          name => ({ name, width: 40 }),
        ),
      ],
      *rows() {
        for (const control of view.controls) {
          for (const each of control.outcomes) {
            yield [
              ...[control.id, control.version, control.title, control.severity, each.source, each.standing],
              ...[
                each.population,
                each.populationIsLowerBound,
                each.pass,
                each.fail,
                each.unknown,
                each.notApplicable,
                each.excepted,
              ],
              ...[
                JSON.stringify(Object.fromEntries(control.parameters.map(({ name, value }) => [name, value]))),
                control.appliesTo,
                control.requirement,
              ],
              ...[control.rationale, control.remediation, control.digest, each.populationDigest],
            ]
          }
        }
      },
    },
  ]
}

function resultsSheet(results: () => Iterable<readonly Cell[]>): Sheet {
  const wide = new Set(['subjectKey', 'reason', 'facts'])
  return { name: 'Results', columns: resultColumns.map(({ name }) => ({ name, width: wide.has(name) ? 50 : 20 })), rows: results }
}

function proofSheets({ sources, proofs, notInView }: FrameworkReportView): Sheet[] {
  return [
    {
      name: 'Coverage',
      columns: [
        ...[
          'source',
          'dataset',
          'account',
          'region',
          'coverage',
          'rows',
          'isLowerBound',
          'parts',
          'openParts',
          'pages',
          'calls',
          'listedTwice',
        ].map(name => ({ name, width: name === 'dataset' ? 40 : 14 })),
        { name: 'firstObservedAt', type: 'time' },
        { name: 'lastObservedAt', type: 'time' },
        { name: 'digest', width: 66 },
        { name: 'reason', width: 60 },
      ],
      *rows() {
        for (const { label, datasets } of sources) {
          for (const each of datasets) {
            yield [
              ...[
                label,
                each.name,
                each.accountId,
                each.region,
                each.coverage,
                each.count,
                each.isLowerBound,
                each.parts,
                each.openParts,
              ],
              ...[each.pages, each.calls, each.duplicates, each.firstObservedAt, each.lastObservedAt, each.digest, each.reason],
            ]
          }
        }
      },
    },
    {
      name: 'Gaps',
      columns: [
        'source',
        'dataset',
        'account',
        'region',
        'parent',
        'key',
        'member',
        'reason',
        'action',
        'errorCode',
        'message',
        'unknownResults',
      ].map(name => ({ name, width: name === 'message' ? 80 : 22 })),
      *rows() {
        for (const { label, gaps } of sources)
          for (const gap of gaps)
            yield [
              label,
              gap.dataset,
              gap.accountId,
              gap.region,
              gap.parent,
              gap.key,
              gap.member,
              gap.reason,
              gap.action,
              gap.errorCode,
              gap.message,
              gap.results,
            ]
      },
    },
    {
      name: 'Calls',
      columns: [
        ...[
          'source',
          'service',
          'operation',
          'account',
          'region',
          'calls',
          'rowsAnswered',
          'requests',
          'throttles',
          'errors',
        ].map(name => ({ name })),
        { name: 'firstAt', type: 'time' },
        { name: 'lastAt', type: 'time' },
      ],
      *rows() {
        for (const { calls } of sources) {
          for (const sum of calls.operations) {
            const errors = Object.entries(sum.errors).map(([code, count]) => `${code} × ${count}`)
            yield [
              sum.source,
              sum.service,
              sum.operation,
              sum.accountId,
              sum.region,
              sum.calls,
              sum.items,
              sum.attempts,
              sum.throttles,
              errors.join(', '),
              sum.firstAt,
              sum.lastAt,
            ]
          }
        }
      },
    },
    {
      name: 'Cross-checks',
      columns: ['source', 'name', 'made', 'statement', 'compared', 'differences', 'examples'].map(name => ({
        name,
        width: name === 'statement' ? 80 : 22,
      })),
      *rows() {
        for (const { source, crossChecks } of proofs)
          for (const each of crossChecks)
            yield [source, each.name, each.made, each.statement, each.compared, each.differences, each.examples.join('\n')]
      },
    },
    {
      name: 'Not in view',
      columns: [{ name: 'What this report says nothing about', width: 140 }],
      rows: () => notInView.map(text => [text]),
    },
  ]
}
