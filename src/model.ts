/**
 * The nouns that cross a door between rooms, one file a subject in `model/`. Types only: what one room alone uses lives in that room.
 * Times are `Date` inside and RFC 3339 outside; digests are lower-case hexadecimal SHA-256.
 */

export type { AccessAnswer, AccessPath, PermissionSetClass } from './model/access.ts'
export type { Change, SnapshotDiff } from './model/change.ts'
export type {
  CallRecord,
  CollectedBatch,
  CollectionPlan,
  Counts,
  PartEnd,
  PartPiece,
  PlannedDiscovery,
  PlanStep,
  Progress,
  Resource,
  Row,
} from './model/collection.ts'
export type {
  ControlInfo,
  Framework,
  ParameterOverride,
  ParameterValue,
  ParameterValues,
  Requirement,
  Severity,
  Status,
} from './model/control.ts'
export type { Coverage, Gap, GapReason, PartId, UnreadPart } from './model/coverage.ts'
export type { ControlOutcome, Evaluation, Result, SavedEvaluation, StatusCounts, Subject } from './model/evaluation.ts'
export type { Artifact, BundleRecord } from './model/evidence.ts'
export type {
  Exception,
  ExceptionFile,
  ExceptionFilePart,
  ExceptionScope,
  ExceptionState,
  RegisteredException,
} from './model/exception.ts'
export type { Finding, FindingFigures, FindingNote, FindingState } from './model/finding.ts'
export type { ImportedRows, ImportFile, ImportKind } from './model/import.ts'
export type { Facts, Json } from './model/json.ts'
export type { LedgerEntry, SignedHead } from './model/ledger.ts'
export type {
  DatasetSummary,
  EstateRows,
  Kept,
  KeptSnapshot,
  RunRecord,
  SeenSince,
  Snapshot,
  SourceHistory,
  SourceRows,
  StoredEdges,
  StoredResource,
  StoredState,
} from './model/snapshot.ts'
export type { Caller, Place, RoleOnTheWay, Source, SourceAuth, SourceIam, SourceIdentity } from './model/source.ts'
