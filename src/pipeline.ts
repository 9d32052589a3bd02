import { randomUUID } from 'node:crypto'
import {
  buildEstate,
  type Catalog,
  type Estate,
  type Explanation,
  evaluate,
  explainStatus,
  frameworkCoverage,
  populationOf,
} from './controls/index.ts'
import { isComplete } from './coverage.ts'
import { canonicalJson } from './digest.ts'
import { AppError, explain } from './errors.ts'
import { type Signer, sealBundle } from './evidence/index.ts'
import type { Log } from './log.ts'
import type {
  Artifact,
  BundleRecord,
  EstateRows,
  Framework,
  Json,
  Progress,
  Result,
  SavedEvaluation,
  Snapshot,
  Source,
} from './model.ts'
import {
  countCalls,
  type FrameworkReportView,
  frameworkReportView,
  populationArtifacts,
  type ReportFormat,
  reportArtifact,
  resultsArtifact,
  snapshotArtifact,
} from './reports/index.ts'
import { type Aws, collect, planCollection } from './sources/index.ts'
import {
  failRun,
  lastCounts,
  latestEvaluation,
  openRun,
  readCalls,
  readEstate,
  readImports,
  readLedger,
  readResources,
  readSnapshot,
  recordFailure,
  type Store,
  saveBundle,
  saveEvaluation,
  saveParts,
  sealRun,
} from './store/index.ts'
import { softwareVersion } from './version.ts'

/** What the program is made of: built once by the command line and handed down. */
export interface Parts {
  readonly aws: Aws
  readonly store: Store
  readonly catalog: Catalog
  readonly now: () => Date
  readonly log: Log
}

export class PipelineError extends AppError<
  'INTERRUPTED' | 'NOTHING_COLLECTED' | 'NOTHING_EVALUATED' | 'UNKNOWN_FRAMEWORK' | 'UNKNOWN_CONTROL'
> {}

export interface CollectionOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: Progress) => void
}

/**
 * One collection of one source, from the plan to the sealed snapshot. What an interrupted run had read is not read again.
 * @throws what a room throws when nothing can be proven; the failure is on record then, and the previous snapshot untouched
 */
export async function runCollection(
  parts: Omit<Parts, 'catalog'>,
  source: Source,
  options: CollectionOptions = {},
): Promise<Snapshot> {
  const startedAt = parts.now()
  let opened = false
  try {
    const plan = await planCollection(parts.aws, source, await lastCounts(parts.store, source.label))
    await using run = await openRun(parts.store, source, plan)
    opened = true
    try {
      for await (const batch of collect(parts.aws, source, plan, run.done, options.onProgress)) {
        await saveParts(run, batch)
        if (options.signal?.aborted) throw interrupted(source)
      }
      const snapshot = await sealRun(run)
      parts.log.info('collected', {
        source: source.label,
        version: snapshot.version,
        calls: snapshot.calls,
        gaps: snapshot.gaps.length,
      })
      return snapshot
    } catch (error) {
      if (!(error instanceof PipelineError)) await failRun(run, failureOf(error))
      throw error
    }
  } catch (error) {
    if (!opened) await recordFailure(parts.store, source, { ...failureOf(error), startedAt })
    throw error
  }
}

function interrupted(source: Source): PipelineError {
  return new PipelineError('INTERRUPTED', `the collection of ${source.label} was interrupted`, {
    hint: 'what was read is kept: run it again within a day, and it goes on from there',
  })
}

function failureOf(error: unknown): { readonly code: string; readonly message: string } {
  return { code: error instanceof AppError ? error.code : 'UNEXPECTED', message: explain(error) }
}

/** Judges the last snapshots as of an instant with the whole catalog, and keeps what it finds. */
export async function runEvaluation(parts: Pick<Parts, 'store' | 'catalog' | 'log'>, asOf: Date): Promise<SavedEvaluation> {
  const rows = await readEstate(parts.store, asOf)
  if (rows.sources.length === 0) {
    throw new PipelineError('NOTHING_COLLECTED', `no snapshot was sealed by ${asOf.toISOString()}`, {
      hint: 'run `evidenced collect` first, or name a later instant',
    })
  }
  const imports = await readImports(parts.store, asOf)
  const estate = await buildEstate({ ...rows, imports }, parts.catalog.managedPolicies)
  const evaluation = await saveEvaluation(parts.store, evaluate(parts.catalog, estate, asOf))
  parts.log.info('evaluated', { asOf, evaluation: evaluation.id, digest: evaluation.digest })
  return evaluation
}

/**
 * Why one subject has its status as of an instant: judged anew, nothing is kept.
 * @throws {ControlsError} UNKNOWN_CONTROL, UNKNOWN_SUBJECT
 */
export async function explainSubject(
  parts: Pick<Parts, 'store' | 'catalog'>,
  asOf: Date,
  control: string,
  subject: string,
): Promise<readonly Explanation[]> {
  const rows = await readEstate(parts.store, asOf)
  const imports = await readImports(parts.store, asOf)
  return explainStatus(
    parts.catalog,
    await buildEstate({ ...rows, imports }, parts.catalog.managedPolicies),
    asOf,
    control,
    subject,
  )
}

/** An evaluation with everything it was judged on. */
export interface Judged {
  readonly evaluation: SavedEvaluation
  readonly snapshots: readonly Snapshot[]
  readonly estate: Estate
}

/**
 * The last saved evaluation (as of an instant), with the snapshots it rests on, linked again.
 * @throws {PipelineError} NOTHING_EVALUATED
 */
export async function readJudged(parts: Pick<Parts, 'store' | 'catalog'>, asOf: Date | null): Promise<Judged> {
  const evaluation = await latestEvaluation(parts.store, asOf === null ? {} : { asOf })
  if (evaluation === null) {
    const when = asOf === null ? '' : ` as of ${asOf.toISOString()}`
    throw new PipelineError('NOTHING_EVALUATED', `there is no evaluation${when}`, { hint: 'run `evidenced evaluate` first' })
  }
  const found = await Promise.all(
    evaluation.snapshots.map(({ source, version }) => readSnapshot(parts.store, source, { version })),
  )
  const snapshots = found.filter(snapshot => snapshot !== null)
  return {
    evaluation,
    snapshots,
    estate: await buildEstate(await rowsOf(parts.store, evaluation.asOf, snapshots), parts.catalog.managedPolicies),
  }
}

async function rowsOf(store: Store, asOf: Date, snapshots: readonly Snapshot[]): Promise<EstateRows> {
  const imports = await readImports(store, asOf)
  return { asOf, imports, sources: snapshots.map(snapshot => ({ snapshot, resources: readResources(store, snapshot) })) }
}

/** What one control found on every subject, those with the implied status too, sorted by source and key. @throws {PipelineError} UNKNOWN_CONTROL */
export async function latestResults(
  parts: Pick<Parts, 'store' | 'catalog'>,
  control: string,
  asOf: Date | null,
): Promise<{ readonly evaluation: SavedEvaluation; readonly results: readonly Result[] }> {
  const { evaluation, estate } = await readJudged(parts, asOf)
  const outcomes = evaluation.outcomes.filter(outcome => outcome.control.id === control)
  if (outcomes.length === 0) {
    throw new PipelineError('UNKNOWN_CONTROL', `the evaluation holds no control ${control}`, {
      hint: 'see `evidenced controls list`, and evaluate again after adding one',
    })
  }
  const results = outcomes.flatMap(outcome => {
    const kept = new Map(outcome.results.map(result => [`${result.subject.kind} ${result.subject.key}`, result]))
    const about = outcome.results.filter(({ subject }) => subject.kind === 'dataset')
    const subjects = [...populationOf(estate, outcome.source, outcome.control.resource)]
    return [
      ...about,
      ...subjects.map(
        subject => kept.get(`resource ${subject.key}`) ?? { subject, status: outcome.implied, reason: '', facts: {}, gaps: [] },
      ),
    ]
  })
  return { evaluation, results }
}

/** What no report can show, because AWS lets nobody read it or because it is not collected. */
const notInView: readonly string[] = [
  'MFA devices of Identity Center users and the MFA settings of the instance: AWS offers no public API for them.',
  'When an Identity Center user last signed in: AWS offers no public API for it; sign-ins stand in CloudTrail only.',
  'The kind of identity source (Identity Center directory, external identity provider, Active Directory): AWS offers no public API for it.',
  'Entitlements of account access manager, which assign people directly to IAM roles.',
  'Trust between accounts, roles outside Identity Center and SAML federation straight into IAM.',
]

/** What is not in view as long as IAM of the accounts is not collected. */
const notInViewWithoutIam: readonly string[] = [
  'IAM of the accounts: users, groups and access keys.',
  'The documents of customer managed policies: they lie in the member accounts; what depends on them is unknown.',
]

function notInViewOf(snapshots: readonly Snapshot[]): readonly string[] {
  const hasIam = snapshots.every(snapshot => snapshot.datasets.some(dataset => dataset.name === 'iam.users'))
  return hasIam ? notInView : [...notInView, ...notInViewWithoutIam]
}

export function frameworkOf(catalog: Catalog, id: string): Framework {
  const framework = catalog.frameworks.find(each => each.id === id)
  if (framework !== undefined) return framework
  throw new PipelineError('UNKNOWN_FRAMEWORK', `there is no framework ${id}`, {
    hint: `known: ${catalog.frameworks.map(each => each.id).join(', ')}`,
  })
}

/** The framework's view of an evaluation: a function of the evaluation, the catalog and the call ledger alone. */
async function viewOf(
  parts: Pick<Parts, 'store' | 'catalog'>,
  judged: Judged,
  framework: Framework,
): Promise<FrameworkReportView> {
  const calls = await Promise.all(judged.snapshots.map(snapshot => countCalls(snapshot.source, readCalls(parts.store, snapshot))))
  return frameworkReportView({
    framework,
    requirements: frameworkCoverage(parts.catalog, framework, judged.evaluation).requirements,
    evaluation: judged.evaluation,
    snapshots: judged.snapshots,
    calls: calls.flat(),
    softwareVersion,
    notInView: notInViewOf(judged.snapshots),
  })
}

/** The report of one framework on the last evaluation, as a file that is not written yet. */
export async function frameworkReport(
  parts: Pick<Parts, 'store' | 'catalog'>,
  framework: string,
  format: ReportFormat | 'csv',
  asOf: Date | null,
): Promise<{ readonly artifact: Artifact; readonly complete: boolean }> {
  const found = frameworkOf(parts.catalog, framework)
  const judged = await readJudged(parts, asOf)
  const complete = judged.snapshots.every(isComplete)
  if (format === 'csv') return { artifact: resultsOf(judged), complete }
  return { artifact: reportArtifact(await viewOf(parts, judged, found), format), complete }
}

function resultsOf({ evaluation, estate }: Judged): Artifact {
  return resultsArtifact(evaluation, outcome => populationOf(estate, outcome.source, outcome.control.resource))
}

export interface EvidenceRequest {
  readonly framework: string
  /** null: the last evaluation */
  readonly asOf: Date | null
  /** final name of the ZIP file */
  readonly path: string
  readonly onProgress?: (progress: Progress) => void
}

/**
 * Issues the evidence of one framework as a signed bundle. It is a function of the evaluation: made again, it has the same digest.
 * @throws {PipelineError} UNKNOWN_FRAMEWORK, NOTHING_EVALUATED; what `sealBundle` throws when the file cannot be written
 */
export async function issueEvidence(
  parts: Omit<Parts, 'aws'> & { readonly signer: Signer },
  request: EvidenceRequest,
): Promise<BundleRecord> {
  const framework = frameworkOf(parts.catalog, request.framework)
  const judged = await readJudged(parts, request.asOf)
  const { evaluation, snapshots } = judged
  const view = await viewOf(parts, judged, framework)
  const complete = snapshots.every(isComplete)
  const ledgerPosition = await positionOf(parts.store, evaluation)
  const sealed = await sealBundle({
    artifacts: [
      reportArtifact(view, 'html'),
      reportArtifact(view, 'json'),
      resultsOf(judged),
      controlsArtifact(evaluation, framework),
      ...snapshots.flatMap(snapshot => sourceArtifacts(parts.store, snapshot)),
    ],
    subject: {
      scope: { sources: snapshots.map(snapshot => snapshot.source), framework: framework.id },
      asOf: evaluation.asOf,
      framework: { id: framework.id, version: framework.version, digest: framework.digest },
      evaluation: { digest: evaluation.digest, catalogDigest: evaluation.catalogDigest },
      snapshots: evaluation.snapshots,
      ledgerPosition,
      softwareVersion,
      complete,
      missing: view.missing.map(
        each =>
          `${each.source}: ${each.dataset}: ${each.reason ?? each.coverage}${each.actions.length === 0 ? '' : ` (grant ${each.actions.join(', ')})`}`,
      ),
    },
    signer: parts.signer,
    path: request.path,
    ...(request.onProgress === undefined ? {} : { onProgress: request.onProgress }),
  })
  const record: BundleRecord = {
    id: randomUUID(),
    issuedAt: parts.now(),
    asOf: evaluation.asOf,
    framework: framework.id,
    path: request.path,
    sizeBytes: sealed.sizeBytes,
    manifestDigest: sealed.manifestDigest,
    keyFingerprint: parts.signer.fingerprint,
    ledgerPosition,
    complete,
  }
  await saveBundle(parts.store, record)
  parts.log.info('bundle issued', { framework: framework.id, path: request.path, manifest: sealed.manifestDigest })
  return record
}

function sourceArtifacts(store: Store, snapshot: Snapshot): readonly Artifact[] {
  return [
    ...populationArtifacts(snapshot, dataset => readResources(store, snapshot, dataset)),
    snapshotArtifact(snapshot, () => readResources(store, snapshot)),
    callsArtifact(store, snapshot),
  ]
}

/** The ledger of every call, one canonical JSON line each: SHA-256 over the lines is the snapshot's `callLedgerRoot`. */
function callsArtifact(store: Store, snapshot: Snapshot): Artifact {
  return {
    path: `calls/${snapshot.source}-v${snapshot.version}.jsonl`,
    mediaType: 'application/x-ndjson; charset=utf-8',
    title: `Every call made for snapshot ${snapshot.version} of ${snapshot.source}`,
    async *read() {
      for await (const call of readCalls(store, snapshot))
        yield Buffer.from(`${canonicalJson({ ...call, at: call.at.toISOString(), place: { ...call.place } })}\n`)
    },
  }
}

/** The controls as they were judged and the framework they are read by. */
function controlsArtifact(evaluation: SavedEvaluation, framework: Framework): Artifact {
  const controls = new Map(evaluation.outcomes.map(outcome => [outcome.control.id, outcome.control]))
  const text = `${JSON.stringify({ catalog: evaluation.catalogDigest, framework, controls: [...controls.values()] } as unknown as Json, null, 2)}\n`
  return {
    path: 'controls.json',
    mediaType: 'application/json',
    title: 'The controls as evaluated, with their parameters, and the framework',
    async *read() {
      yield Buffer.from(text)
    },
  }
}

/** Where the evaluation stands in the ledger: what a bundle of it may rest on, whenever it is made. */
async function positionOf(store: Store, evaluation: SavedEvaluation): Promise<number> {
  let position = 0
  for await (const entry of readLedger(store))
    if (entry.kind === 'evaluation' && entry.payload.digest === evaluation.digest) position = entry.position
  return position
}
