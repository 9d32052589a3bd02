import { randomUUID } from 'node:crypto'
import { parametersDigest } from '../controls/index.ts'
import { isComplete } from '../coverage.ts'
import { type PseudonymKey, type Signer, sealBundle, type Timestamper } from '../evidence/index.ts'
import type { BundleRecord, Progress } from '../model.ts'
import { defaultFormats, type FrameworkFormat, type Mask, maskStatement, verifyPageArtifact } from '../reports/index.ts'
import { listSnapshots, type Store, saveBundle } from '../store/index.ts'
import { softwareVersion } from '../version.ts'
import {
  controlFiles,
  keysFile,
  periodFiles,
  proofFiles,
  registerFiles,
  reportFiles,
  resultFiles,
  sourceFiles,
  surroundingFiles,
} from './bundle-files.ts'
import { type Judged, populationsOf, readJudged, spelledOut } from './evaluation.ts'
import { entryOf, findingsWith } from './evaluation-entry.ts'
import { frameworkOf } from './framework.ts'
import { proofsOf, viewOf } from './framework-report.ts'
import { mistakesOf } from './mistakes.ts'
import { onRecord } from './on-record.ts'
import type { Parts } from './parts.ts'
import { periodReport } from './period-report.ts'
import { maskedReading, plainReading, type Reading } from './reading.ts'

/** Which evidence to issue. */
export interface EvidenceRequest {
  readonly framework: string
  /** null: the last evaluation; of a period: the last one by its end */
  readonly asOf: Date | null
  /** left out: evidence of a point in time */
  readonly period?: { readonly from: Date; readonly to: Date }
  /** only what stood in the ledger up to this position, so that evidence can be made again as it was; left out: everything */
  readonly ledgerPosition?: number
  /** puts pseudonyms in place of people, for a party outside; left out: none */
  readonly pseudonyms?: PseudonymKey
  /** of the report; results.csv is always there. Left out: `defaultFormats` */
  readonly formats?: readonly FrameworkFormat[]
  /** final name of the ZIP file */
  readonly path: string
  readonly onProgress?: (progress: Progress) => void
}

/**
 * Issues the evidence of one framework as a signed bundle. It is a function of what stood in the ledger: made again, it has the same digest.
 * @throws {PipelineError} UNKNOWN_FRAMEWORK, NOTHING_EVALUATED, NOTHING_COLLECTED (in the period); what `sealBundle` throws when the file cannot be written
 */
export async function issueEvidence(
  parts: Omit<Parts, 'aws'> & { readonly signer: Signer; readonly timestamper?: Timestamper | null },
  request: EvidenceRequest,
): Promise<BundleRecord> {
  const framework = frameworkOf(parts.catalog, request.framework)
  const { period } = request
  const known =
    period === undefined && request.ledgerPosition === undefined ? null : await onRecord(parts.store, request.ledgerPosition)
  const asRead = await readJudged(parts, period?.to ?? request.asOf, known)
  const reading = await readingOf(parts.store, request, asRead)
  const { mask } = reading
  const judged = mask === null ? asRead : maskedJudged(asRead, mask)
  const { evaluation, snapshots } = judged
  const periodView =
    period === undefined || known === null
      ? null
      : await periodReport(parts, { framework: framework.id, ...period, record: known, reading })
  const populations = populationsOf(judged, mask)
  const formats = [...new Set(request.formats ?? defaultFormats)].filter(format => format !== 'csv')
  const proofs = await proofsOf(reading, judged)
  const view = await viewOf(parts, judged, framework, proofs)
  const complete =
    snapshots.every(isComplete) &&
    mistakesOf(parts.catalog, evaluation).length === 0 &&
    (periodView === null || periodView.isComplete)
  const entry = await entryOf(parts.store, evaluation)
  const ledgerPosition = period === undefined ? entry.position : (known?.position ?? 0)
  const found = await findingsWith(parts.store, evaluation, entry, ledgerPosition)
  const findings = found === null || mask === null ? found : mask.any(found)
  const sealed = await spelledOut(judged, async () =>
    sealBundle({
      artifacts: [
        ...reportFiles({ view, judged, populations, formats, look: parts.look, findings }),
        ...(periodView === null ? [] : periodFiles(periodView, formats, parts.look)),
        ...resultFiles(evaluation, populations),
        ...controlFiles(parts.catalog, evaluation, framework),
        ...registerFiles(evaluation, findings),
        await keysFile(parts.store, ledgerPosition),
        verifyPageArtifact(),
        ...proofs.flatMap(proof => proofFiles(proof, formats, parts.look)),
        ...snapshots.flatMap(snapshot => sourceFiles(reading, snapshot, formats, parts.look)),
        ...(await surroundingFiles(parts, judged, mask)),
      ],
      subject: {
        scope: {
          sources: snapshots.map(snapshot => snapshot.source),
          framework: framework.id,
          ...(period === undefined ? {} : { from: period.from.toISOString(), to: period.to.toISOString() }),
          ...(request.pseudonyms === undefined ? {} : { pseudonyms: { key: request.pseudonyms.id, ...maskStatement } }),
        },
        asOf: evaluation.asOf,
        ...(evaluation.asOf > evaluation.evaluatedAt ? { clock: evaluation.evaluatedAt.toISOString() } : {}),
        framework: { id: framework.id, version: framework.version, digest: framework.digest },
        evaluation: { digest: evaluation.digest, catalogDigest: evaluation.catalogDigest },
        snapshots: evaluation.snapshots,
        ledgerPosition,
        softwareVersion,
        complete,
        missing: [
          ...(periodView?.evaluations.length === 0 ? ['nothing was judged in the period'] : []),
          ...(periodView?.sources ?? [])
            .filter(({ days }) => days.partial + days.missing > 0)
            .map(
              ({ label, days }) => `${label}: of the days of the period ${days.partial} are partial and ${days.missing} missing`,
            ),
          ...view.brokenFiles.map(line => `control catalog: ${line}`),
          ...view.missing.map(
            each =>
              `${each.source}: ${each.dataset}: ${each.reason ?? each.coverage}${each.actions.length === 0 ? '' : ` (grant ${each.actions.join(', ')})`}`,
          ),
        ],
      },
      signer: parts.signer,
      ...(parts.timestamper ? { timestamper: parts.timestamper } : {}),
      path: request.path,
      ...(request.onProgress === undefined ? {} : { onProgress: request.onProgress }),
    }),
  )
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

/** Everybody in every snapshot that is read of has to be known, so that nobody is named. */
async function readingOf(store: Store, { pseudonyms, period }: EvidenceRequest, { snapshots }: Judged): Promise<Reading> {
  if (pseudonyms === undefined) return plainReading(store)
  const all = period === undefined ? snapshots : await listSnapshots(store, { limit: 1_000_000 })
  return maskedReading(store, pseudonyms.of, all)
}

function maskedJudged(judged: Judged, mask: Mask): Judged {
  const evaluation = mask.evaluation(judged.evaluation)
  // a digest of lists of names would confirm who is in them
  const outcomes = evaluation.outcomes.map(outcome => ({ ...outcome, parametersDigest: parametersDigest(outcome.control) }))
  return { ...judged, evaluation: { ...evaluation, outcomes }, snapshots: judged.snapshots.map(mask.snapshot) }
}
