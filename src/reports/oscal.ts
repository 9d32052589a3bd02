import type { Artifact, Json } from '../model.ts'
import { pathPart } from './artifact-name.ts'
import type { ControlSection, OutcomeSection, ResultRow } from './control-section.ts'
import type { ExceptionRow } from './exception-row.ts'
import type { FrameworkReportView, RequirementSection } from './framework-report-view.ts'
import { uuid5 } from './uuid5.ts'

const nameSpace = 'https://evidenced.dev/ns/oscal'

/**
 * A framework report as OSCAL assessment results 1.2.1. What was found stands in observations; a finding says satisfied or not of a
 * requirement. OSCAL knows no third state, so a requirement that could not be judged has observations and *no finding*: unknown is never
 * exported as satisfied. Ids are made from content: same view, same bytes.
 * @see https://pages.nist.gov/OSCAL/reference/1.2.1/assessment-results/json-reference/
 */
export function oscalArtifact(view: FrameworkReportView): Artifact {
  return {
    path: `reports/${pathPart(view.framework.id)}.oscal.json`,
    mediaType: 'application/json',
    title: `OSCAL assessment results 1.2.1: ${view.framework.name}, as of ${view.asOf}`,
    async *read() {
      yield Buffer.from(`${JSON.stringify({ 'assessment-results': assessmentResults(view) }, null, 2)}\n`)
    },
  }
}

function assessmentResults(view: FrameworkReportView): Json {
  const seed = `${view.framework.id} ${view.evaluation.digest}`
  const plan = uuid5(`plan ${seed}`)
  const observations = view.controls.flatMap(control =>
    control.outcomes.flatMap(outcome => observationsOf(view, control, outcome, seed)),
  )
  const reviewed = view.requirements.filter(({ controls }) => controls.length > 0)
  const findings = reviewed.flatMap(requirement => findingsOf(requirement, observations, seed))
  return {
    uuid: uuid5(`assessment-results ${seed}`),
    metadata: {
      title: line(`${view.framework.name}: identity evidence as of ${view.asOf}`),
      'last-modified': view.evaluatedAt,
      version: view.evaluation.digest,
      'oscal-version': '1.2.1',
      props: [prop('software-version', view.softwareVersion), prop('inputs', view.isComplete ? 'complete' : 'incomplete')],
    },
    'import-ap': {
      href: `#${plan}`,
      remarks: 'The continuous plan: what the controls of the catalog say, judged at each evaluation.',
    },
    results: [
      {
        uuid: uuid5(`result ${seed}`),
        title: line(`Evaluation ${view.evaluation.id}`),
        description: `Automated evaluation of ${view.controls.length} controls on ${view.sources.map(({ label, snapshot }) => `${label} snapshot ${snapshot.version} (SHA-256 ${snapshot.digest})`).join(', ')}. ${view.totals.population} results: ${view.totals.fail} fail, ${view.totals.unknown} unknown, ${view.totals.pass} pass, ${view.totals.notApplicable} not applicable.`,
        start: view.sources.map(({ snapshot }) => snapshot.startedAt).sort()[0] ?? view.asOf,
        end: view.evaluatedAt,
        props: [
          prop('evaluation-digest', view.evaluation.digest),
          prop('catalog-digest', view.evaluation.catalogDigest),
          ...view.missing.map(each =>
            prop(
              'missing-input',
              line(
                `${each.source}: ${each.dataset}: ${each.reason}${each.actions.length === 0 ? '' : `; grant ${each.actions.join(', ')}`}`,
              ),
            ),
          ),
          ...view.brokenFiles.map(each => prop('catalog-mistake', each)),
        ],
        'reviewed-controls': {
          'control-selections': [
            reviewed.length === 0
              ? {
                  description: 'No control of the catalog speaks to this framework.',
                  'exclude-controls': view.requirements.map(({ id }) => ({ 'control-id': token(id) })),
                }
              : { 'include-controls': reviewed.map(({ id }) => ({ 'control-id': token(id) })) },
          ],
        },
        ...(view.exceptions.length === 0 ? {} : { risks: view.exceptions.map(each => riskOf(each, observations, seed)) }),
        ...(observations.length === 0 ? {} : { observations: observations.map(({ json }) => json) }),
        ...(findings.length === 0 ? {} : { findings }),
        remarks: `Not in view: ${view.notInView.join(' ')}`,
      },
    ],
    'back-matter': {
      resources: [
        {
          uuid: plan,
          title: 'Assessment plan',
          description: 'The controls as evaluated, with their parameters: controls.json of the bundle.',
          rlinks: [{ href: '../controls.json' }],
        },
        { uuid: uuid5(`results ${seed}`), title: 'Every result', rlinks: [{ href: '../results.csv' }] },
      ],
    },
  }
}

interface Observation {
  readonly uuid: string
  readonly control: string
  readonly status: 'pass' | 'fail' | 'unknown'
  readonly json: Json
}

/** One observation per status that a control has on a source. */
function observationsOf(
  view: FrameworkReportView,
  control: ControlSection,
  outcome: OutcomeSection,
  seed: string,
): Observation[] {
  const unknowns = outcome.unknown > 0 || outcome.error !== null || outcome.populationIsLowerBound
  const all: [Observation['status'], boolean, readonly ResultRow[], number][] = [
    ['fail', outcome.fail > 0, outcome.failing, outcome.fail],
    ['unknown', unknowns, outcome.unknowns, outcome.unknown],
    ['pass', outcome.pass > 0, [], outcome.pass],
  ]
  return all
    .filter(([, isThere]) => isThere)
    .map(([status, , rows, count]) => {
      const uuid = uuid5(`observation ${seed} ${control.id} ${outcome.source} ${status}`)
      const json = {
        uuid,
        title: line(`${control.id} ${control.title}`),
        description: `${outcome.source}: ${count} of ${outcome.populationIsLowerBound ? 'at least ' : ''}${outcome.population} ${control.resource} subjects: ${status}. ${control.rationale}${outcome.error === null ? '' : ` The control is broken and decides nothing: ${outcome.error}`}`,
        props: [
          prop('control-id', control.id),
          prop('status', status),
          prop('severity', control.severity),
          prop('definition-digest', control.digest),
          prop('population-digest', outcome.populationDigest),
          prop('population', String(outcome.population)),
          prop('count', String(count)),
          ...(status === 'fail' && outcome.excepted > 0 ? [prop('excepted', String(outcome.excepted))] : []),
          ...(status === 'unknown' ? outcome.actions.map(action => prop('grant', action)) : []),
        ],
        methods: ['TEST'],
        types: ['finding'],
        ...(rows.length === 0 ? {} : { subjects: rows.map(row => subjectOf(outcome.source, row)) }),
        'relevant-evidence': [{ href: '../results.csv', description: `Every result of ${control.id}, passes included` }],
        collected: view.sources.find(({ label }) => label === outcome.source)?.snapshot.sealedAt ?? view.asOf,
      }
      return { uuid, control: control.id, status, json }
    })
}

function subjectOf(source: string, row: ResultRow): Json {
  return {
    'subject-uuid': uuid5(`subject ${source} ${row.type} ${row.key}`),
    type: row.type === 'user' ? 'user' : 'inventory-item',
    title: line(row.name === '' ? row.key : row.name),
    props: [prop('key', row.key), prop('type', row.type), ...row.exceptions.map(({ id }) => prop('exception', id))],
    remarks: row.reason,
  }
}

/** An exception is an accepted risk: it says who accepted it until when, and changes no finding. */
function riskOf(exception: ExceptionRow, observations: readonly Observation[], seed: string): Json {
  const { id, state, controls, scope, reason, requestedBy, approvedBy, approvedAt, expiresAt, ticket } = exception
  const related = observations.filter(({ control, status }) => status === 'fail' && controls.includes(control))
  return {
    uuid: uuid5(`risk ${seed} ${id}`),
    title: line(`Exception ${id}`),
    description: `${controls.join(', ')}: ${scope}`,
    statement: line(reason),
    props: [
      prop('exception', id),
      prop('exception-state', state),
      prop('requested-by', requestedBy),
      ...(approvedBy === null ? [] : [prop('approved-by', approvedBy)]),
      ...(approvedAt === null ? [] : [prop('approved-at', approvedAt)]),
      ...(ticket === null ? [] : [prop('ticket', ticket)]),
      prop('covers', String(exception.covers)),
    ],
    status: riskStatus[state],
    deadline: expiresAt,
    ...(related.length === 0 ? {} : { 'related-observations': related.map(({ uuid }) => ({ 'observation-uuid': uuid })) }),
  }
}

/** A request is asked for, an approval granted; what lapsed or was revoked is an open risk again. */
const riskStatus = {
  requested: 'deviation-requested',
  approved: 'deviation-approved',
  lapsed: 'open',
  revoked: 'open',
} as const

function findingsOf(requirement: RequirementSection, observations: readonly Observation[], seed: string): Json[] {
  if (requirement.status !== 'pass' && requirement.status !== 'fail') return []
  const { id, label, status } = requirement
  const named = new Set(requirement.controls.map(control => control.id))
  const related = observations.filter(each => named.has(each.control) && each.status === status)
  return [
    {
      uuid: uuid5(`finding ${seed} ${id}`),
      title: line(`${id} ${label}`),
      description: `Judged by ${[...named].join(', ')} only: a pass says that these passed, not that the whole requirement is met.`,
      target: {
        type: 'objective-id',
        'target-id': token(id),
        status: { state: status === 'pass' ? 'satisfied' : 'not-satisfied', reason: status },
      },
      ...(related.length === 0 ? {} : { 'related-observations': related.map(({ uuid }) => ({ 'observation-uuid': uuid })) }),
    },
  ]
}

function prop(name: string, value: string): Json {
  return { name, ns: nameSpace, value: line(value) }
}

/** One line without space at its ends, never empty, as OSCAL wants its strings. */
function line(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim() || '-'
}

/** An id as OSCAL's token: it begins with a letter. */
function token(id: string): string {
  const plain = id.replaceAll(/[^\p{L}\p{N}._-]/gu, '_')
  return /^[\p{L}_]/u.test(plain) ? plain : `_${plain}`
}
