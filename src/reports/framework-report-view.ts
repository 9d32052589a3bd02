import { compareBytes } from '../digest.ts'
import type { Framework, SavedEvaluation, Snapshot, Status, StatusCounts } from '../model.ts'
import { addCounts } from '../status-counts.ts'
import { byUrgency, type ControlSection, controlSections } from './control-section.ts'
import { type ExceptionRow, exceptionRow } from './exception-row.ts'
import { gapCauses } from './gap-causes.ts'
import type { OperationCalls } from './operation-calls.ts'
import { ReportsError } from './reports-error.ts'
import { type MissingDataset, type SourceSection, sourceSection } from './source-section.ts'
import { checkOutcome, type Standing } from './standing.ts'

/** How one requirement of a framework stands. It is decided where controls are judged; a report only prints it. */
export interface RequirementOutcome {
  readonly id: string
  readonly label: string
  /** `uncovered`: no control of the catalog speaks to it */
  readonly status: Status | 'uncovered'
  readonly controls: readonly { readonly id: string; readonly basis: 'public' | 'judgement' }[]
}

/** Everything a framework report says, as plain JSON: the HTML and the JSON format are made of nothing else. Times are RFC 3339 text. */
export interface FrameworkReportView {
  readonly kind: 'framework_report'
  readonly schema: 'https://evidenced.dev/schemas/framework-report-v1.json'
  readonly framework: Omit<Framework, 'requirements'>
  readonly asOf: string
  readonly evaluatedAt: string
  /** when the document was made; null in a document that must be the same each time */
  readonly issuedAt: string | null
  readonly softwareVersion: string
  readonly evaluation: { readonly id: number; readonly digest: string; readonly catalogDigest: string }
  /** false when an input was denied or not read to its end */
  readonly isComplete: boolean
  readonly missing: readonly MissingDataset[]
  /** over `missing`: what to grant, sorted */
  readonly missingActions: readonly string[]
  readonly totals: StatusCounts & { readonly controls: number; readonly controlsBy: { readonly [standing in Standing]: number } }
  /** controls with fails, the most urgent first */
  readonly failing: readonly ControlLine[]
  /** controls that have no fail and could not be judged wholly, the most urgent first */
  readonly undecided: readonly ControlLine[]
  readonly requirements: readonly RequirementSection[]
  readonly requirementsBy: { readonly [status in RequirementOutcome['status']]: number }
  readonly controls: readonly ControlSection[]
  /** the register of the exceptions of these controls, whatever their state */
  readonly exceptions: readonly ExceptionRow[]
  readonly sources: readonly SourceSection[]
  /** what each source's second way of reading found, and how many ways to access its accounts there are */
  readonly proofs: readonly SourceProof[]
  readonly notInView: readonly string[]
  /** files of the catalog that are broken, with the mistake: their controls decided nothing */
  readonly brokenFiles: readonly string[]
}

/** A requirement with the controls that speak to it, as reports show it. */
export interface RequirementSection extends Omit<RequirementOutcome, 'controls'> {
  readonly controls: readonly {
    readonly id: string
    readonly basis: 'public' | 'judgement'
    /** null when the control was not evaluated */
    readonly title: string | null
    readonly standing: Standing
    readonly fail: number
    readonly unknown: number
  }[]
}

/** What stands beside the snapshot of a source in files of their own. */
export interface SourceProof {
  readonly source: string
  /** rows of the effective access matrix; null when it was not made */
  readonly accessRows: number | null
  /** false: at least so many */
  readonly accessIsComplete: boolean
  readonly crossChecks: readonly {
    readonly name: string
    readonly made: boolean
    readonly statement: string
    readonly compared: number
    readonly differences: number
    readonly examples: readonly string[]
  }[]
}

/** A control in a short list. */
export type ControlLine = Pick<
  ControlSection,
  'id' | 'title' | 'severity' | 'population' | 'populationIsLowerBound' | 'fail' | 'unknown'
>

/** What a framework report is made from. */
export interface FrameworkReportInput {
  readonly framework: Framework
  /** in the framework's own order */
  readonly requirements: readonly RequirementOutcome[]
  readonly evaluation: SavedEvaluation
  /** exactly those the evaluation rests on */
  readonly snapshots: readonly Snapshot[]
  /** from `countCalls`, one call per snapshot, joined; empty when the ledger is not at hand */
  readonly calls: readonly OperationCalls[]
  /** left out: none */
  readonly proofs?: readonly SourceProof[]
  readonly softwareVersion: string
  /** left out or null: the document is a function of its evaluation alone */
  readonly issuedAt?: Date | null
  /** what AWS lets nobody read, or what is not collected, one sentence each */
  readonly notInView: readonly string[]
  /** problems of the catalog, one line each; left out: none */
  readonly brokenFiles?: readonly string[]
}

/**
 * Puts together what a report of one framework says. Only controls that its requirements name are in it. Pure: no clock, no query.
 * @throws {ReportsError} TOTALS_DIFFER when an outcome does not add up; SNAPSHOT_DIFFERS when the snapshots are not those judged
 */
export function frameworkReportView(input: FrameworkReportInput): FrameworkReportView {
  const { evaluation, framework, brokenFiles = [] } = input
  const named = new Set(input.requirements.flatMap(requirement => requirement.controls.map(control => control.id)))
  const outcomes = evaluation.outcomes.filter(outcome => named.has(outcome.control.id))
  const causes = gapCauses(outcomes)
  const sources = judgedSnapshots(input).map(snapshot => sourceSection(snapshot, input.calls, causes))
  outcomes.forEach(checkOutcome)
  const { exceptions = [] } = evaluation
  const controls = controlSections(outcomes, exceptions)
  const byId = new Map(controls.map(control => [control.id, control]))
  const requirements = input.requirements.map(requirement => requirementSection(requirement, byId))
  const missing = sources.flatMap(source => source.missing)
  const { requirements: _, ...about } = framework
  return {
    kind: 'framework_report',
    schema: 'https://evidenced.dev/schemas/framework-report-v1.json',
    framework: about,
    asOf: evaluation.asOf.toISOString(),
    evaluatedAt: evaluation.evaluatedAt.toISOString(),
    issuedAt: input.issuedAt?.toISOString() ?? null,
    softwareVersion: input.softwareVersion,
    evaluation: { id: evaluation.id, digest: evaluation.digest, catalogDigest: evaluation.catalogDigest },
    isComplete: missing.length === 0 && brokenFiles.length === 0,
    missing,
    missingActions: [...new Set(missing.flatMap(({ actions }) => actions))].sort(compareBytes),
    totals: {
      ...addCounts(controls),
      controls: controls.length,
      controlsBy: countBy(
        standings,
        controls.map(({ standing }) => standing),
      ),
    },
    failing: controls
      .filter(({ standing }) => standing === 'fail')
      .sort(byUrgency)
      .map(controlLine),
    undecided: controls
      .filter(({ standing }) => standing === 'unknown')
      .sort(byUrgency)
      .map(controlLine),
    requirements,
    requirementsBy: countBy(
      statuses,
      requirements.map(({ status }) => status),
    ),
    controls,
    exceptions: exceptions.filter(each => each.controls.some(id => named.has(id))).map(exceptionRow),
    sources,
    proofs: input.proofs ?? [],
    notInView: input.notInView,
    brokenFiles,
  }
}

const standings = ['fail', 'unknown', 'pass', 'not_applicable', 'not_evaluated'] as const
const statuses = ['fail', 'unknown', 'pass', 'not_applicable', 'uncovered'] as const

function judgedSnapshots({ evaluation, snapshots }: FrameworkReportInput): Snapshot[] {
  const bySource = new Map(snapshots.map(snapshot => [snapshot.source, snapshot]))
  return [...evaluation.snapshots]
    .sort((a, b) => compareBytes(a.source, b.source))
    .map(judged => {
      const found = bySource.get(judged.source)
      if (found?.digest === judged.digest) return found
      const has = found === undefined ? 'none was given' : `version ${found.version} (${found.digest}) was given`
      throw new ReportsError(
        'SNAPSHOT_DIFFERS',
        `the evaluation rests on ${judged.source} version ${judged.version} (${judged.digest}), ${has}`,
        {
          hint: 'give the snapshots that the evaluation names',
        },
      )
    })
}

function controlLine({ id, title, severity, population, populationIsLowerBound, fail, unknown }: ControlSection): ControlLine {
  return { id, title, severity, population, populationIsLowerBound, fail, unknown }
}

function requirementSection(requirement: RequirementOutcome, controls: ReadonlyMap<string, ControlSection>): RequirementSection {
  return {
    ...requirement,
    controls: requirement.controls.map(({ id, basis }) => {
      const control = controls.get(id)
      const { title = null, standing = 'not_evaluated', fail = 0, unknown = 0 } = control ?? {}
      return { id, basis, title, standing, fail, unknown }
    }),
  }
}

function countBy<Name extends string>(names: readonly Name[], values: readonly Name[]): { readonly [name in Name]: number } {
  return Object.fromEntries(names.map(name => [name, values.filter(value => value === name).length])) as {
    [name in Name]: number
  }
}
