import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  buildEstate,
  type Catalog,
  classify,
  controlTexts,
  type Estate,
  type Explanation,
  evaluate,
  explainStatus,
  frameworkCoverage,
  loadCatalog,
  populationOf,
} from './controls/index.ts'
import { isComplete } from './coverage.ts'
import { canonicalJson, compareBytes } from './digest.ts'
import { problemLine } from './document.ts'
import { AppError, explain } from './errors.ts'
import { type Manifest, readBundleFile, readBundleLines, type Signer, sealBundle } from './evidence/index.ts'
import type { Log } from './log.ts'
import type {
  Artifact,
  BundleRecord,
  ControlInfo,
  ControlOutcome,
  EstateRows,
  Framework,
  Json,
  Progress,
  Result,
  SavedEvaluation,
  Snapshot,
  Source,
  Subject,
} from './model.ts'
import {
  countCalls,
  defaultFormats,
  type FrameworkFormat,
  type FrameworkReportView,
  frameworkArtifact,
  frameworkReportView,
  judgedResults,
  notInViewOf,
  type PeriodReportView,
  periodChanges,
  periodReportView,
  populationArtifacts,
  populationWorkbook,
  readSnapshotLines,
  resultLine,
  resultLinesArtifact,
  resultsArtifact,
  snapshotArtifact,
  verifyPageArtifact,
} from './reports/index.ts'
import { type Aws, type CheckMode, collect, planCollection } from './sources/index.ts'
import {
  baselineCounts,
  type EvaluationHead,
  failRun,
  type HeadSigner,
  type HeadSink,
  lastCounts,
  latestEvaluation,
  listEvaluations,
  listRuns,
  listSnapshots,
  openRun,
  publishHeads,
  readCalls,
  readEstate,
  readEvaluation,
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
  /** where each sealed snapshot leaves a signed head outside the database; left out, none does */
  readonly heads?: { readonly sink: HeadSink; readonly signer: HeadSigner }
}

export class PipelineError extends AppError<
  'INTERRUPTED' | 'NOTHING_COLLECTED' | 'NOTHING_EVALUATED' | 'UNKNOWN_FRAMEWORK' | 'UNKNOWN_CONTROL'
> {}

export interface CollectionOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: Progress) => void
  /** default `sampled` */
  readonly checks?: CheckMode
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
    const counts = await lastCounts(parts.store, source.label)
    const plan = await planCollection(parts.aws, source, counts, await baselineCounts(parts.store, source.label))
    await using run = await openRun(parts.store, source, plan)
    opened = true
    try {
      for await (const batch of collect(parts.aws, source, plan, run.done, options.onProgress, options.checks ?? 'sampled')) {
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
      await leaveHead(parts, source)
      return snapshot
    } catch (error) {
      if (!(error instanceof PipelineError)) await failRun(run, failureOf(error))
      throw error
    }
  } catch (error) {
    if (!opened && failureOf(error).code !== 'SOURCE_BUSY')
      await recordFailure(parts.store, source, { ...failureOf(error), startedAt })
    throw error
  }
}

/** A head that cannot be written takes nothing away from the sealed snapshot: it is told, and written with the next one. */
async function leaveHead({ store, heads, log }: Pick<Parts, 'store' | 'heads' | 'log'>, source: Source): Promise<void> {
  if (heads === undefined) return
  try {
    await publishHeads(store, source.label, heads.sink, heads.signer)
  } catch (error) {
    log.error('no head outside the database', { source: source.label, error })
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
  const evaluation = await saveEvaluation(parts.store, evaluate(parts.catalog, estate, asOf), [...classify(estate)])
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
  const judged = { ...evaluation, outcomes }
  const results = [...judgedResults(judged, outcome => populationOf(estate, outcome.source, outcome.control.resource))].map(
    each => each.result,
  )
  return { evaluation, results }
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
    brokenFiles: parts.catalog.problems.map(problemLine),
  })
}

/** The report of one framework on the last evaluation, as a file that is not written yet. */
export async function frameworkReport(
  parts: Pick<Parts, 'store' | 'catalog'>,
  framework: string,
  format: FrameworkFormat,
  asOf: Date | null,
): Promise<{ readonly artifact: Artifact; readonly complete: boolean }> {
  const found = frameworkOf(parts.catalog, framework)
  const judged = await readJudged(parts, asOf)
  const view = await viewOf(parts, judged, found)
  return {
    artifact: frameworkArtifact(format, view, judged.evaluation, populationsOf(judged)),
    complete: judged.snapshots.every(isComplete) && parts.catalog.problems.length === 0,
  }
}

/** Every resource a control ranges over: what turns the kept results of an evaluation into all of them. */
function populationsOf({ estate }: Judged): (outcome: ControlOutcome) => Iterable<Subject> {
  return outcome => populationOf(estate, outcome.source, outcome.control.resource)
}

/**
 * The report of one framework over a period: every evaluation in it, what failed and was mended, who came, moved and left, and which days
 * have a snapshot. The state before the period is read too, since it says what was open when it began.
 * @throws {PipelineError} UNKNOWN_FRAMEWORK; NOTHING_COLLECTED when no snapshot was sealed in the period
 */
export async function periodReport(
  parts: Pick<Parts, 'store' | 'catalog'>,
  request: { readonly framework: string; readonly from: Date; readonly to: Date },
): Promise<PeriodReportView> {
  const { from, to } = request
  const { store } = parts
  const framework = frameworkOf(parts.catalog, request.framework)
  const all = (await listSnapshots(store, { limit: noLimit })).filter(({ sealedAt }) => sealedAt <= to)
  const snapshots = all.filter(({ sealedAt }) => sealedAt >= from)
  if (snapshots.length === 0) {
    throw new PipelineError('NOTHING_COLLECTED', `no snapshot was sealed from ${from.toISOString()} to ${to.toISOString()}`, {
      hint: 'see `evidenced snapshots list`, and name a period that holds some',
    })
  }
  const sources = [...new Set(all.map(({ source }) => source))]
  const compared = await Promise.all(
    sources.map(source => {
      const own = all.filter(each => each.source === source).reverse()
      const before = own.filter(({ sealedAt }) => sealedAt < from).slice(-1)
      const chain = [...before, ...own.filter(({ sealedAt }) => sealedAt >= from)]
      return periodChanges(chain, (snapshot, dataset) => readResources(store, snapshot, dataset))
    }),
  )
  const runs = await listRuns(store, { limit: noLimit })
  return periodReportView({
    framework,
    from,
    to,
    sources,
    snapshots,
    failedRuns: runs.filter(
      ({ outcome, startedAt }) => /^(failed|interrupted)$/.test(outcome) && startedAt >= from && startedAt <= to,
    ),
    evaluations: evaluationsOf(store, from, to),
    changes: compared.flatMap(({ changes }) => changes),
    notCompared: compared.flatMap(({ notCompared }) => notCompared),
    softwareVersion,
    notInView: notInViewOf(snapshots),
  })
}

const noLimit = 1_000_000

/** Evaluations by the instant they judged, the last one made of each instant; the first is the last before the period. */
async function* evaluationsOf(store: Store, from: Date, to: Date): AsyncGenerator<SavedEvaluation> {
  const byInstant = new Map<number, EvaluationHead>()
  for (const head of await listEvaluations(store, { limit: noLimit })) {
    const at = head.asOf.getTime()
    if (at <= to.getTime() && (byInstant.get(at)?.id ?? 0) < head.id) byInstant.set(at, head)
  }
  const sorted = [...byInstant.values()].sort((a, b) => a.asOf.getTime() - b.asOf.getTime())
  const first = sorted.findIndex(({ asOf }) => asOf >= from)
  for (const { id } of first === -1 ? [] : sorted.slice(Math.max(0, first - 1))) {
    const evaluation = await readEvaluation(store, id)
    if (evaluation !== null) yield evaluation
  }
}

export interface EvidenceRequest {
  readonly framework: string
  /** null: the last evaluation */
  readonly asOf: Date | null
  /** of the report; results.csv is always there. Left out: `defaultFormats` */
  readonly formats?: readonly FrameworkFormat[]
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
  const populations = populationsOf(judged)
  const formats = [...new Set(request.formats ?? defaultFormats)].filter(format => format !== 'csv')
  const view = await viewOf(parts, judged, framework)
  const complete = snapshots.every(isComplete) && parts.catalog.problems.length === 0
  const ledgerPosition = await positionOf(parts.store, evaluation)
  const sealed = await sealBundle({
    artifacts: [
      ...formats.map(format => frameworkArtifact(format, view, evaluation, populations)),
      resultsArtifact(evaluation, populations),
      resultLinesArtifact(evaluation, populations),
      controlsArtifact(evaluation, framework),
      ...controlFiles(parts.catalog, evaluation),
      verifyPageArtifact(),
      ...snapshots.flatMap(snapshot => sourceArtifacts(parts.store, snapshot, formats.includes('xlsx'))),
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
      missing: [
        ...view.brokenFiles.map(line => `control catalog: ${line}`),
        ...view.missing.map(
          each =>
            `${each.source}: ${each.dataset}: ${each.reason ?? each.coverage}${each.actions.length === 0 ? '' : ` (grant ${each.actions.join(', ')})`}`,
        ),
      ],
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

function sourceArtifacts(store: Store, snapshot: Snapshot, withWorkbooks: boolean): readonly Artifact[] {
  return [
    ...populationArtifacts(snapshot, dataset => readResources(store, snapshot, dataset)),
    ...(withWorkbooks ? [populationWorkbook(snapshot, dataset => readResources(store, snapshot, dataset))] : []),
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

/** Files of the controls that were judged with. One whose file has been changed since is left out: its definition stands in controls.json. */
function controlFiles(catalog: Catalog, evaluation: SavedEvaluation): readonly Artifact[] {
  const judged = new Map(evaluation.outcomes.map(({ control }) => [control.id, control.digest]))
  return controlTexts(catalog)
    .filter(({ id, digest }) => judged.get(id) === digest)
    .map(({ id, text }) => ({
      path: `controls/${id}.yaml`,
      mediaType: 'application/yaml',
      title: `Control ${id} as it was judged with, and its cases`,
      async *read() {
        yield Buffer.from(text)
      },
    }))
}

/** What judging a bundle again gave. */
export interface Reperformance {
  /** nothing differs and every result of the bundle was judged again */
  readonly ok: boolean
  readonly same: number
  /** the first hundred that differ: as the bundle says, and as it was judged again; null where one of them has no such result */
  readonly different: readonly { readonly bundle: string | null; readonly again: string | null }[]
  readonly differences: number
  /** what could not be judged again, and why */
  readonly notReperformed: readonly string[]
  /** what was taken from this program and not from the bundle */
  readonly takenFromHere: readonly string[]
}

/**
 * Judges a bundle's own snapshots with its own controls and parameters, and compares result by result with what it says. It needs no database
 * and no network. It does not check the seal: call `verifyBundle` first.
 * @throws {EvidenceError} BUNDLE_NOT_READABLE when the bundle does not hold what is needed
 */
export async function reperform(path: string, manifest: Manifest): Promise<Reperformance> {
  const { asOf, snapshots } = manifest.predicate
  const { controls } = JSON.parse(await textOf(readBundleFile(path, 'controls.json'))) as { controls: readonly ControlInfo[] }
  const held = new Set(manifest.predicate.files.map(file => file.path))
  const folder = mkdtempSync(join(tmpdir(), 'evidenced-reperform-'))
  try {
    for (const [i, { id }] of controls.entries()) {
      if (held.has(`controls/${id}.yaml`))
        writeFileSync(join(folder, `${i}.yaml`), await textOf(readBundleFile(path, `controls/${id}.yaml`)))
    }
    const parameters = Object.fromEntries(controls.map(control => [control.id, control.parameters]))
    const catalog = loadCatalog({ folders: [folder], parameters })
    const loaded = new Map(catalog.controls.map(control => [control.id, control.digest]))
    const missing = controls.filter(({ id, digest }) => loaded.get(id) !== digest).map(({ id }) => id)
    const wanted = [...held].filter(name => /^snapshots\/[^/]+\.jsonl$/.test(name)).sort(compareBytes)
    const sources = await Promise.all(wanted.map(name => readSnapshotLines(readBundleLines(path, name))))
    const strange = snapshots.filter(each => !sources.some(({ snapshot }) => snapshot.digest === each.digest))
    const at = new Date(asOf)
    const estate = await buildEstate({ asOf: at, sources }, catalog.managedPolicies)
    const evaluation = evaluate(catalog, estate, at)
    const again = new Map<string, string>()
    for (const judged of judgedResults(evaluation, outcome => populationOf(estate, outcome.source, outcome.control.resource)))
      if (!missing.includes(judged.outcome.control.id)) again.set(resultKey(judged.outcome, judged.result), resultLine(judged))
    return {
      ...(await compareResults(path, again, new Set(missing))),
      notReperformed: [
        ...missing.map(id => `${id}: the bundle does not hold the file it was judged with`),
        ...strange.map(
          ({ source, version }) => `${source}: the bundle does not hold snapshot ${version} as its manifest names it`,
        ),
      ],
      takenFromHere: [
        `the engine that judges, evidenced ${softwareVersion}; the bundle was judged by ${manifest.predicate.softwareVersion}`,
        `what AWS managed policies mean (${catalog.managedPolicies.origin}), digest ${catalog.managedPolicies.digest}`,
      ],
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const differencesShown = 100

async function compareResults(
  path: string,
  again: Map<string, string>,
  missing: ReadonlySet<string>,
): Promise<Pick<Reperformance, 'ok' | 'same' | 'different' | 'differences'>> {
  const different: { bundle: string | null; again: string | null }[] = []
  let same = 0
  let differences = 0
  const differ = (bundle: string | null, other: string | null) => {
    if (++differences <= differencesShown) different.push({ bundle, again: other })
  }
  for await (const line of readBundleLines(path, 'results.jsonl')) {
    const result = JSON.parse(line)
    if (missing.has(result.control)) continue
    const key = resultKey({ control: { id: result.control }, source: result.source }, result)
    const other = again.get(key) ?? null
    again.delete(key)
    if (other === line) same++
    else differ(line, other)
  }
  for (const line of again.values()) differ(null, line)
  return { ok: differences === 0 && missing.size === 0, same, different, differences }
}

function resultKey(
  { control, source }: { control: { id: string }; source: string },
  { subject }: Pick<Result, 'subject'>,
): string {
  return `${control.id}\n${source}\n${subject.kind}\n${subject.type}\n${subject.key}`
}

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(chunks)).toString('utf8')
}

/** Where the evaluation stands in the ledger: what a bundle of it may rest on, whenever it is made. */
async function positionOf(store: Store, evaluation: SavedEvaluation): Promise<number> {
  let position = 0
  for await (const entry of readLedger(store))
    if (entry.kind === 'evaluation' && entry.payload.digest === evaluation.digest) position = entry.position
  return position
}
