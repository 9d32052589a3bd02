export { type AccessQuestion, access } from './access.ts'
export { verifyingAlone } from './alone.ts'
export { baselineCounts } from './baseline.ts'
export { type BrokenControl, brokenControls } from './broken-controls.ts'
export { type SharedBudget, sharedBudget } from './budget.ts'
export { listBundles, saveBundle } from './bundle.ts'
export { readCalls } from './calls.ts'
export { withNames } from './change-names.ts'
export type { HeadCheck } from './check-heads.ts'
export { checkSnapshot, type SnapshotProblem } from './check-snapshot.ts'
export { diff } from './diff.ts'
export type { Disposal } from './disposal.ts'
export { type CallDisposal, disposeCalls, previewCallDisposal } from './dispose-calls.ts'
export { type StoreCode, StoreError } from './error.ts'
export { readEstate, sourceRows } from './estate.ts'
export { type EvaluationHead, latestEvaluation, listEvaluations, readEvaluation, saveEvaluation } from './evaluation.ts'
export {
  approveException,
  type ExceptionRequest,
  lastExceptionFile,
  readExceptions,
  requestException,
  revokeException,
  saveExceptionFile,
} from './exceptions.ts'
export { type ExportManifest, exportStore } from './export.ts'
export type { DueDays } from './finding-states.ts'
export {
  type Assignment,
  assignFinding,
  type FindingFilter,
  type FindingVersion,
  findingFigures,
  noteFinding,
  readFinding,
  readFindings,
} from './findings.ts'
export { type HeadSigner, type HeadSink, publishEvaluationHeads, publishHeads } from './head.ts'
export { health, type StoreHealth } from './health.ts'
export { readHistory } from './history.ts'
export { addHold, type Hold, type HoldScope, listHolds, releaseHold } from './hold.ts'
export { type ImportedStore, importStore } from './import-export.ts'
export { type ImportRecord, listImports, readImports, saveImport } from './imports.ts'
export { type KeptVerification, lastVerification, readKept, saveVerification } from './kept.ts'
export { appendLedger, checkLedger, type LedgerCheck, type LedgerProblem, readLedger } from './ledger.ts'
export { becomeOnlyDaemon } from './only-daemon.ts'
export { accountsWithPairs, heldRows, keptFacts, stagedRows } from './part-rows.ts'
export { type Pseudonymisation, pseudonymise } from './privacy.ts'
export type { StoreProblem } from './problem.ts'
export { saveProgress } from './progress.ts'
export { recordChange } from './recorded.ts'
export { readResources } from './resource.ts'
export { previewRetention, type RetentionRule, type RetentionRules, type RetentionStep, runRetention } from './retention.ts'
export { failRun, listRuns, type OpenRun, openRun, recordFailure } from './run.ts'
export { sealRun } from './seal.ts'
export { claimSlot } from './slot.ts'
export { lastCounts, listSnapshots, readSnapshot, type WhichSnapshot } from './snapshot.ts'
export { saveParts } from './staging.ts'
export { type StoreStats, storeStats, type TableStats } from './stats.ts'
export { migrate, openStore, type Store, type StoreOptions } from './store.ts'
export { refuseSuperuser } from './superuser.ts'
export { type Sweep, sweepDisposed } from './sweep.ts'
export { type StoreVerification, verifyStore } from './verify-store.ts'
