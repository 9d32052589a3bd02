import { buildEstate, type Catalog, classify } from '../controls/index.ts'
import { isComplete } from '../coverage.ts'
import { compareBytes } from '../digest.ts'
import type { Facts, PermissionSetClass, Snapshot } from '../model.ts'
import {
  accessMatrix,
  accessReport,
  type ChangeList,
  callsByDataset,
  callsReport,
  changeLists,
  changesReport,
  countCalls,
  findingsReport,
  type MatrixQuestion,
  populationNames,
  populationReport,
  populationTable,
  type SourceProof,
  type TableReport,
  tieOutReport,
} from '../reports/index.ts'
import { latestEvaluation, readResources, readSnapshot, type Store, sourceRows } from '../store/index.ts'
import { softwareVersion } from '../version.ts'
import { entryOf, findingsWith } from './evaluation-entry.ts'
import { mistakesOf } from './mistakes.ts'
import { type Parts, PipelineError } from './parts.ts'
import { periodReport } from './period-report.ts'
import { plainReading, type Reading } from './reading.ts'

/** Reports that are tables, by name. */
export const tableKinds: readonly string[] = [...populationNames, 'access', 'calls', 'tie-out', 'findings', ...changeLists]

/** Which of them are about a period. */
export const periodKinds: readonly string[] = changeLists

/** Which table to report on, and of what. */
export interface TableRequest {
  /** one of `tableKinds` */
  readonly kind: string
  /** labels of sources */
  readonly sources: readonly string[]
  /** of `findings`: only this source; null: every source, also one that is not configured any more */
  readonly onlySource: string | null
  /** null: the last snapshot of each source, the last evaluation */
  readonly asOf: Date | null
  /** needed by `periodKinds` */
  readonly period: { readonly from: Date; readonly to: Date } | null
  /** whose controls `failures` are of */
  readonly framework: string
  /** of `access` */
  readonly access: Pick<MatrixQuestion, 'by' | 'account' | 'user' | 'permissionSet'>
}

/**
 * A report that is tables, one for each source; those of a period, and the findings, are one over all sources.
 * @throws {PipelineError} NOTHING_COLLECTED when a source has no snapshot by then, or did not collect the population; UNKNOWN_NAME when no
 * snapshot knows the account, user or permission set asked for; NOTHING_EVALUATED of `findings`
 */
export async function tableReports(
  parts: Pick<Parts, 'store' | 'catalog'>,
  request: TableRequest,
): Promise<readonly TableReport[]> {
  const { kind, period, framework } = request
  if (isChangeList(kind) && period !== null) return [changesReport(kind, await periodReport(parts, { framework, ...period }))]
  if (kind === 'findings') return [await findingsTable(parts, request)]
  const reports: TableReport[] = []
  const unknown: (readonly string[])[] = []
  for (const source of request.sources) {
    const snapshot = await readSnapshot(parts.store, source, request.asOf === null ? 'latest' : { asOf: request.asOf })
    if (snapshot === null) {
      throw new PipelineError(
        'NOTHING_COLLECTED',
        `there is no snapshot of ${source}${request.asOf === null ? '' : ' by then'}`,
        {
          hint: 'run `evidenced collect`, or name a later instant',
        },
      )
    }
    if (kind === 'access') {
      const found = await accessOf(parts, snapshot, request.access)
      unknown.push(found.unknownNames)
      reports.push(found.report)
    } else reports.push(await snapshotTable(plainReading(parts.store), kind, snapshot))
  }
  const nowhere = unknown[0]?.filter(name => unknown.every(names => names.includes(name))) ?? []
  if (nowhere.length > 0) {
    throw new PipelineError('UNKNOWN_NAME', `no snapshot knows ${nowhere.join(', ')}`, {
      hint: 'write an account id or name, a user id or name, a permission set ARN or name, as AWS has it',
    })
  }
  return reports
}

/** Reports of one snapshot that every bundle holds: effective access, tie-out with cross-checks, and the call ledger as a table. */
export interface Proof {
  readonly summary: SourceProof
  readonly reports: readonly TableReport[]
}

export async function proofOf(reading: Reading, snapshot: Snapshot, classes: Iterable<PermissionSetClass>): Promise<Proof> {
  const question = { by: 'account', classification: classOf(classes, snapshot.source) } as const
  const matrix = await accessMatrix(snapshot, dataset => reading.resources(snapshot, dataset), question)
  const checks = await checksOf(reading, snapshot)
  return {
    summary: {
      source: snapshot.source,
      accessRows: matrix.count,
      accessIsComplete: matrix.isComplete,
      crossChecks: checks.map(check => ({
        name: String(check.name),
        made: check.made === true,
        statement: String(check.statement),
        compared: Number(check.compared),
        differences: Number(check.differences),
        examples: (check.examples as readonly string[] | undefined) ?? [],
      })),
    },
    reports: [
      accessReport(snapshot, matrix, 'by account', softwareVersion),
      await snapshotTable(reading, 'tie-out', snapshot),
      await snapshotTable(reading, 'calls', snapshot),
    ],
  }
}

async function snapshotTable(reading: Reading, kind: string, snapshot: Snapshot): Promise<TableReport> {
  if (kind === 'calls') return callsReport(snapshot, () => reading.calls(snapshot), softwareVersion)
  if (kind === 'tie-out') {
    return tieOutReport(snapshot, {
      operations: await countCalls(snapshot.source, reading.calls(snapshot)),
      byDataset: await callsByDataset(reading.calls(snapshot)),
      checks: await checksOf(reading, snapshot),
      softwareVersion,
    })
  }
  const table = populationTable(kind, snapshot, dataset => reading.resources(snapshot, dataset))
  if (table !== null) return populationReport(kind, snapshot, table, softwareVersion)
  throw new PipelineError('NOTHING_COLLECTED', `snapshot ${snapshot.version} of ${snapshot.source} did not collect ${kind}`, {
    hint: 'configure sources[].iam and collect again',
  })
}

async function findingsTable(
  { store, catalog }: Pick<Parts, 'store' | 'catalog'>,
  { asOf, onlySource }: Pick<TableRequest, 'asOf' | 'onlySource'>,
): Promise<TableReport> {
  const evaluation = await latestEvaluation(store, asOf === null ? {} : { asOf })
  const findings = evaluation === null ? null : await findingsWith(store, evaluation, await entryOf(store, evaluation))
  if (evaluation === null || findings === null) {
    const what = evaluation === null ? 'there is no evaluation' : `evaluation ${evaluation.id} moved no findings`
    throw new PipelineError('NOTHING_EVALUATED', `${what}${asOf === null ? '' : ` as of ${asOf.toISOString()}`}`, {
      hint: 'run `evidenced evaluate`, or name a later instant',
    })
  }
  const isAsked = ({ source }: { readonly source: string }) => onlySource === null || source === onlySource
  const found = await Promise.all(
    evaluation.snapshots.filter(isAsked).map(({ source, version }) => readSnapshot(store, source, { version })),
  )
  const snapshots = found.filter(snapshot => snapshot !== null)
  const mistakes = mistakesOf(catalog, evaluation)
  return findingsReport({
    ...{ evaluation, findings: findings.filter(isAsked), snapshots, softwareVersion, mistakes },
    isComplete: snapshots.every(isComplete) && mistakes.length === 0,
  })
}

async function accessOf(
  { store, catalog }: { readonly store: Store; readonly catalog: Catalog },
  snapshot: Snapshot,
  asked: TableRequest['access'],
): Promise<{ readonly report: TableReport; readonly unknownNames: readonly string[] }> {
  const sources = [sourceRows(store, snapshot)]
  const classes = classify(await buildEstate({ asOf: snapshot.sealedAt, sources }, catalog.managedPolicies))
  const matrix = await accessMatrix(snapshot, dataset => readResources(store, snapshot, dataset), {
    ...asked,
    classification: classOf(classes, snapshot.source),
  })
  const only = [asked.account, asked.user, asked.permissionSet].filter(each => each !== undefined)
  const words = `by ${asked.by.replace('-', ' ')}${only.length === 0 ? '' : `, only ${only.join(', ')}`}`
  return { report: accessReport(snapshot, matrix, words, softwareVersion), unknownNames: matrix.unknownNames }
}

function classOf(classes: Iterable<PermissionSetClass>, source: string): (arn: string) => string | null {
  const known = new Map<string, string>()
  for (const each of classes) if (each.source === source) known.set(each.permissionSetArn, each.classification)
  return arn => known.get(arn) ?? null
}

/** What the cross-checks of a snapshot found, by name; empty when none were made. */
async function checksOf({ resources }: Reading, snapshot: Snapshot): Promise<readonly Facts[]> {
  const dataset = 'evidenced.cross_checks'
  if (!snapshot.datasets.some(({ name }) => name === dataset)) return []
  const found = await Array.fromAsync(resources(snapshot, dataset))
  return found.map(({ facts }) => facts).sort((a, b) => compareBytes(String(a.name), String(b.name)))
}

function isChangeList(kind: string): kind is ChangeList {
  return changeLists.some(each => each === kind)
}
