import type { Status } from '../model.ts'
import { caseEstate } from './case-estate.ts'
import type { Catalog } from './catalog.ts'
import { type CompiledControl, wrongParameters } from './control.ts'
import type { ControlCase } from './control-file.ts'
import { populationOf } from './estate.ts'
import { judgeSource } from './evaluate.ts'

/** What became of one case. */
export interface CaseOutcome {
  readonly name: string
  readonly expected: Status
  /** null when the case itself is wrong, or names a subject that is not in its estate */
  readonly found: Status | null
  readonly ok: boolean
  /** the reason given for the subject, or what is wrong with the case */
  readonly reason: string
}

/** What became of all cases of one control. */
export interface ControlCases {
  readonly id: string
  readonly ok: boolean
  readonly cases: readonly CaseOutcome[]
  /** of pass, fail and unknown, those that no case expects */
  readonly missing: readonly Status[]
  /** false when every case would still be as expected with the requirement replaced by `true`: then the cases prove nothing */
  readonly noticesRequirement: boolean
  /** for people: everything that keeps the control from being ok */
  readonly problems: readonly string[]
}

/** What became of all cases that were run. */
export interface CaseReport {
  readonly ok: boolean
  readonly controls: readonly ControlCases[]
}

const needed: readonly Status[] = ['pass', 'fail', 'unknown']

/**
 * Runs the cases that stand in each control's file, with the control's default parameters and the case's own.
 * @param only id of one control; all by default
 */
export function runCases(catalog: Catalog, only?: string): CaseReport {
  const chosen = catalog.compiled.filter(({ info }) => only === undefined || info.id === only)
  const controls = chosen.map(control => casesOf(control, catalog))
  return { ok: controls.every(control => control.ok), controls }
}

function casesOf(control: CompiledControl, catalog: Catalog): ControlCases {
  const { file } = control
  const cases = file.cases.map(each => runCase(control, each, catalog))
  const missing = needed.filter(status => !file.cases.some(each => each.expect === status))
  const careless: CompiledControl = { ...control, requirement: () => true }
  const noticesRequirement = file.cases.some((each, index) => {
    const found = judgeCase({ ...careless, info: withDefaults(control, each) }, each, catalog)
    return cases[index]!.ok && found.status !== each.expect
  })
  const problems = cases
    .filter(each => !each.ok)
    .map(({ name, expected, found, reason }) => `${name}: expected ${expected}, found ${found ?? 'nothing'} (${reason})`)
  for (const status of missing) problems.push(`no case expects ${status}`)
  if (!noticesRequirement) problems.push('no case would notice if the requirement were replaced by true')
  return { id: file.id, ok: problems.length === 0, cases, missing, noticesRequirement, problems }
}

function runCase(control: CompiledControl, each: ControlCase, catalog: Catalog): CaseOutcome {
  const wrong = wrongParameters(control.file, each.parameters)
  const said = { name: each.name, expected: each.expect }
  if (wrong.length > 0) return { ...said, found: null, ok: false, reason: wrong.map(({ message }) => message).join('; ') }
  const { status, reason } = judgeCase({ ...control, info: withDefaults(control, each) }, each, catalog)
  const isSaid = each.says === null || reason.includes(each.says)
  const shown = isSaid ? reason : `the reason does not say "${each.says}": ${reason}`
  return { ...said, found: status, ok: status === each.expect && isSaid, reason: shown }
}

/** Cases speak of the control as its file says it, whatever the configuration sets. */
function withDefaults(control: CompiledControl, each: ControlCase): CompiledControl['info'] {
  const defaults = Object.entries(control.file.parameters).map(([name, declaration]) => [name, declaration.default])
  return { ...control.info, parameters: { ...Object.fromEntries(defaults), ...each.parameters } }
}

function judgeCase(control: CompiledControl, each: ControlCase, catalog: Catalog): { status: Status | null; reason: string } {
  try {
    const source = caseEstate(each, catalog.managedPolicies)
    const asOf = new Date(each.asOf)
    const outcome = judgeSource({ ...control, overrides: [] }, source, asOf)
    if (outcome.error !== null) return { status: null, reason: `the control is broken: ${outcome.error}` }
    const result = outcome.results.find(({ subject }) => subject.key === each.subject)
    if (result !== undefined) return { status: result.status, reason: result.reason }
    const subjects = [...populationOf({ asOf, sources: [source] }, source.source, control.info.resource)].map(({ key }) => key)
    if (subjects.includes(each.subject)) return { status: outcome.implied, reason: 'implied' }
    return {
      status: null,
      reason: `the estate of the case holds no ${control.info.resource} ${each.subject}; it holds ${subjects.join(', ') || 'none'}`,
    }
  } catch (error) {
    return { status: null, reason: error instanceof Error ? error.message : String(error) }
  }
}
