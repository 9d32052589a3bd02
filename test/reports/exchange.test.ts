import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import formats from 'ajv-formats'
import { expect } from 'chai'
import type { SavedEvaluation } from '../../src/model.ts'
import {
  asffArtifact,
  type FrameworkReportView,
  frameworkReportView,
  judgedResults,
  ocsfArtifact,
  oscalArtifact,
  type RequirementOutcome,
} from '../../src/reports/index.ts'
import { textOf } from './bytes.ts'
import { outcomeOf, requirements, sampleControl, sampleEvaluation, sampleInput, sampleSnapshot, subjectOf } from './sample.ts'

/** NIST's schema of OSCAL assessment results 1.2.1, a work of the United States government in the public domain. */
const schema = JSON.parse(readFileSync(new URL('oscal/assessment-results-1.2.1.schema.json', import.meta.url), 'utf8'))

// biome-ignore lint/suspicious/noExplicitAny: documents are read by their documented shape
type Document = any

const snapshot = sampleSnapshot()
const passing: RequirementOutcome = {
  id: '8.3',
  label: 'One that passed',
  status: 'pass',
  controls: [{ id: 'IDC-ASG-004', basis: 'public' }],
}

function sample(evaluation: SavedEvaluation = sampleEvaluation(snapshot)) {
  const view = frameworkReportView(sampleInput({ evaluation, requirements: [...requirements, passing] }))
  const results = () =>
    judgedResults(evaluation, outcome =>
      Array.from({ length: outcome.population }, (_, n) => subjectOf(outcome.control.resource, n)),
    )
  return { view, results }
}

async function oscalOf(view: FrameworkReportView): Promise<Document> {
  return JSON.parse(await textOf(oscalArtifact(view).read()))
}

async function linesOf(chunks: AsyncIterable<Uint8Array>): Promise<Document[]> {
  const text = await textOf(chunks)
  return text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
}

describe('OSCAL assessment results', () => {
  const ajv = new Ajv({ allErrors: true })
  formats.default(ajv)
  const isValid = ajv.compile(schema)

  it("are valid against NIST's schema, with odd names too", async () => {
    const odd = outcomeOf(sampleControl('IDC-USER-001', 'No idle user', 'low', 'user'), 3, 2, 1, 0)
    const results = odd.results.map(result => ({ ...result, subject: { ...result.subject, name: ' two\n lines ', key: ' ' } }))
    for (const evaluation of [
      sampleEvaluation(snapshot),
      sampleEvaluation(snapshot, []),
      sampleEvaluation(snapshot, [{ ...odd, results }]),
    ]) {
      const document = await oscalOf(sample(evaluation).view)
      expect(isValid(document), JSON.stringify(isValid.errors?.slice(0, 3))).to.equal(true)
    }
    expect(isValid({ 'assessment-results': {} })).to.equal(false)
  })

  it('say satisfied only of a requirement that passed: an unknown one has observations and no finding', async () => {
    const { view } = sample()
    const [result] = (await oscalOf(view))['assessment-results'].results
    const states = new Map(result.findings.map((each: Document) => [each.target['target-id'], each.target.status.state]))
    for (const { id, status } of view.requirements) {
      expect(states.get(id === '8.3' ? '_8.3' : id), id).to.equal({ pass: 'satisfied', fail: 'not-satisfied' }[status as string])
    }
    expect(view.requirements.map(({ status }) => status)).to.include.members(['unknown', 'pass', 'fail'])
    const unknowns = result.observations.filter((each: Document) =>
      each.props.some((prop: Document) => prop.name === 'status' && prop.value === 'unknown'),
    )
    expect(unknowns).to.have.lengthOf(2)
    const proof = new Set(
      result.findings.flatMap((each: Document) =>
        (each['related-observations'] ?? []).map((other: Document) => other['observation-uuid']),
      ),
    )
    for (const each of unknowns) expect(proof.has(each.uuid)).to.equal(false)
    expect(JSON.stringify(unknowns)).to.contain('sso:GetInlinePolicyForPermissionSet')
  })

  it('are the same bytes each time', async () => {
    expect(await textOf(oscalArtifact(sample().view).read())).to.equal(await textOf(oscalArtifact(sample().view).read()))
  })
})

describe('OCSF compliance findings', () => {
  it('are one event per result of a named control that applies, unknown as Unknown', async () => {
    const { view, results } = sample()
    const events = await linesOf(ocsfArtifact(view, results).read())
    const { fail, unknown, pass } = view.totals
    const count = (id: number) => events.filter(each => each.compliance.status_id === id).length
    expect([count(3), count(0), count(1), events.length]).to.deep.equal([fail, unknown, pass, fail + unknown + pass])
    for (const event of events) {
      expect(event).to.include({ class_uid: 2003, category_uid: 2, type_uid: 200301, activity_id: 1 })
      expect(event).to.include.all.keys('time', 'severity_id', 'metadata', 'finding_info', 'compliance', 'resources')
      expect(event.compliance.requirements).to.have.length.greaterThan(0)
    }
    expect(new Set(events.map(each => each.finding_info.uid)).size).to.equal(events.length)
    const refused = events.find(each => each.compliance.status_id === 0)
    expect(refused.compliance.status_details).to.include('grant sso:GetInlinePolicyForPermissionSet')
  })
})

describe('findings for Security Hub', () => {
  it('are within the lengths that AWS takes, and call unknown NOT_AVAILABLE', async () => {
    const { view, results } = sample()
    const found = await linesOf(asffArtifact(view, results).read())
    const count = (status: string) => found.filter(each => each.Compliance.Status === status).length
    expect([count('FAILED'), count('NOT_AVAILABLE'), count('PASSED')]).to.deep.equal([
      view.totals.fail,
      view.totals.unknown,
      view.totals.pass,
    ])
    for (const each of found) {
      expect(each.Title).to.have.length.within(1, 256)
      expect(each.Remediation.Recommendation.Text).to.have.length.within(1, 512)
      expect(each.AwsAccountId).to.match(/^\d{12}$/)
      expect(each.Compliance.RelatedRequirements).to.have.length.within(1, 32)
    }
    expect(new Set(found.map(each => each.Id)).size).to.equal(found.length)
  })
})
