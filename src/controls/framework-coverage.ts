import type { Evaluation, Framework, Severity, StatusCounts } from '../model.ts'
import { addCounts } from '../status-counts.ts'
import type { Catalog } from './catalog.ts'

/** What an evaluation says of one control of a requirement, summed over sources. */
export interface RequirementControl extends StatusCounts {
  readonly id: string
  readonly basis: 'public' | 'judgement'
  /** null for a control that is not in the catalog, or is broken */
  readonly title: string | null
  readonly severity: Severity | null
}

/** A requirement as an evaluation sees it. */
export interface RequirementCoverage {
  readonly id: string
  readonly label: string
  readonly status: 'fail' | 'unknown' | 'pass' | 'not_applicable' | 'uncovered'
  readonly controls: readonly RequirementControl[]
}

/** A framework as an evaluation sees it. */
export interface FrameworkCoverage {
  readonly framework: Framework
  readonly requirements: readonly RequirementCoverage[]
}

/**
 * A framework as an evaluation sees it. A requirement's status is derived: any fail makes it fail; else any unknown, or a control that
 * is missing from the evaluation, makes it unknown; without a control it is uncovered; when no control found anything it applies to
 * it is not applicable; else it passes. Exceptions change nothing.
 */
export function frameworkCoverage(catalog: Catalog, framework: Framework, evaluation: Evaluation): FrameworkCoverage {
  const byControl = Map.groupBy(evaluation.outcomes, outcome => outcome.control.id)
  const requirements = framework.requirements.map(({ id, label, controls }) => {
    const found = controls.map(({ id: control, basis }) => {
      const outcomes = byControl.get(control) ?? []
      const info = catalog.controls.find(each => each.id === control) ?? outcomes[0]?.control
      return { ...addCounts(outcomes), id: control, basis, title: info?.title ?? null, severity: info?.severity ?? null }
    })
    const isMissing = controls.some(({ id: control }) => !byControl.has(control))
    return { id, label, status: statusOf(found, isMissing), controls: found }
  })
  return { framework, requirements }
}

function statusOf(controls: readonly RequirementControl[], isMissing: boolean): RequirementCoverage['status'] {
  if (controls.length === 0) return 'uncovered'
  if (controls.some(control => control.fail > 0)) return 'fail'
  if (isMissing || controls.some(control => control.unknown > 0 || control.populationIsLowerBound)) return 'unknown'
  return controls.some(control => control.pass > 0) ? 'pass' : 'not_applicable'
}
