import { compareBytes } from '../digest.ts'
import type {
  ControlInfo,
  ControlOutcome,
  Facts,
  ParameterValue,
  ParameterValues,
  RegisteredException,
  Result,
  Severity,
  StatusCounts,
} from '../model.ts'
import { addCounts } from '../status-counts.ts'
import { type ExceptionNote, exceptionNotes } from './exception-row.ts'
import { actionsOf } from './source-section.ts'
import { type Standing, standingOf } from './standing.ts'

/** One control in a report, over all sources it was evaluated on. */
export interface ControlSection extends StatusCounts, Omit<ControlInfo, 'parameters' | 'parametersByTag'> {
  readonly parameters: readonly { readonly name: string; readonly value: ParameterValue }[]
  readonly standing: Standing
  readonly outcomes: readonly OutcomeSection[]
}

/** A control on one source. Subjects that passed or did not apply are counted here and named in the CSV of results. */
export interface OutcomeSection extends StatusCounts {
  readonly source: string
  readonly standing: Standing
  readonly parametersDigest: string
  /** parameters that are not those of the control's first source, and what tags of accounts change, in words */
  readonly parameterNotes: readonly string[]
  readonly populationDigest: string
  readonly error: string | null
  readonly failing: readonly ResultRow[]
  readonly unknowns: readonly ResultRow[]
  /** IAM actions that would turn the unknowns into answers */
  readonly actions: readonly string[]
}

/** A result as reports show it. */
export interface ResultRow {
  readonly subjectKind: 'resource' | 'dataset'
  readonly type: string
  readonly key: string
  readonly name: string
  readonly reason: string
  readonly facts: Facts
  readonly actions: readonly string[]
  /** approved exceptions that stand beside a fail */
  readonly exceptions: readonly ExceptionNote[]
}

const severities: readonly Severity[] = ['critical', 'high', 'medium', 'low']

type Notes = ReturnType<typeof exceptionNotes>

/**
 * Sections sorted by control id, each with its outcomes sorted by source.
 * @param register exceptions of the evaluation, to say beside a fail what excepts it
 */
export function controlSections(
  outcomes: readonly ControlOutcome[],
  register: readonly RegisteredException[] = [],
): ControlSection[] {
  const notes = exceptionNotes(register)
  const byId = Map.groupBy(outcomes, outcome => outcome.control.id)
  return [...byId].sort(([a], [b]) => compareBytes(a, b)).map(([, group]) => controlSection(group[0]!.control, group, notes))
}

/** The most severe first, then the one with most fails: the order in which people should look. */
export function byUrgency(a: ControlSection, b: ControlSection): number {
  return severities.indexOf(a.severity) - severities.indexOf(b.severity) || b.fail - a.fail || compareBytes(a.id, b.id)
}

function controlSection(control: ControlInfo, outcomes: readonly ControlOutcome[], notes: Notes): ControlSection {
  const { parameters, ...info } = control
  return {
    id: info.id,
    version: info.version,
    title: info.title,
    severity: info.severity,
    resource: info.resource,
    datasets: info.datasets,
    rationale: info.rationale,
    remediation: info.remediation,
    references: info.references,
    appliesTo: info.appliesTo,
    requirement: info.requirement,
    parameters: Object.entries(parameters)
      .sort(([a], [b]) => compareBytes(a, b))
      .map(([name, value]) => ({ name, value })),
    digest: info.digest,
    ...addCounts(outcomes),
    standing: standingOf(outcomes),
    outcomes: [...outcomes]
      .sort((a, b) => compareBytes(a.source, b.source))
      .map(outcome => outcomeSection(outcome, notes, parameters)),
  }
}

function outcomeSection(outcome: ControlOutcome, notes: Notes, usual: ParameterValues): OutcomeSection {
  const rowsOf = (status: Result['status']) =>
    outcome.results.filter(result => result.status === status).map(result => resultRow(result, notes))
  return {
    source: outcome.source,
    ...addCounts([outcome]),
    standing: standingOf([outcome]),
    parametersDigest: outcome.parametersDigest,
    parameterNotes: parameterNotes(outcome.control, usual),
    populationDigest: outcome.populationDigest,
    error: outcome.error,
    failing: rowsOf('fail'),
    unknowns: rowsOf('unknown'),
    actions: actionsOf(outcome.results.flatMap(result => result.gaps)),
  }
}

function parameterNotes({ parameters, parametersByTag = [] }: ControlInfo, usual: ParameterValues): readonly string[] {
  const text = ([name, value]: readonly [string, ParameterValue]) => `${name} = ${JSON.stringify(value)}`
  const own = Object.entries(parameters).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(usual[name]))
  return [
    ...own.map(each => `${text(each)} for this source`),
    ...parametersByTag.map(({ tag, parameters: values }) => {
      const tags = Object.entries(tag).map(([key, value]) => `${key}=${value}`)
      return `${Object.entries(values).map(text).join(', ')} in accounts tagged ${tags.join(', ')}`
    }),
  ]
}

function resultRow({ subject, reason, facts, gaps, exceptions = [] }: Result, notes: Notes): ResultRow {
  return {
    subjectKind: subject.kind,
    type: subject.type,
    key: subject.key,
    name: subject.name,
    reason,
    facts,
    actions: actionsOf(gaps),
    exceptions: exceptions.flatMap(id => notes.get(id) ?? []),
  }
}
