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
      const document = await oscalOf({ ...sample(evaluation).view, brokenFiles: ['own.yaml:3:1: severity:\nis no severity'] })
      expect(JSON.stringify(document)).to.include('"value":"own.yaml:3:1: severity: is no severity"')
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

describe('what the formats of others require', () => {
  const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/
  const text = { type: 'string', minLength: 1 }
  const listOf = (items: object) => ({ type: 'array', minItems: 1, items })
  /** Required members of the class and the objects it holds. @see https://schema.ocsf.io/1.8.0/classes/compliance_finding?profiles=cloud */
  const ocsf = {
    type: 'object',
    required: [
      ...['activity_id', 'category_uid', 'class_uid', 'cloud', 'compliance', 'finding_info', 'metadata', 'severity_id', 'time'],
      'type_uid',
    ],
    properties: {
      activity_id: { enum: [1, 2, 3] },
      category_uid: { const: 2 },
      class_uid: { const: 2003 },
      type_uid: { enum: [200301, 200302, 200303] },
      severity_id: { enum: [0, 1, 2, 3, 4, 5, 6, 99] },
      time: { type: 'integer', minimum: 1_000_000_000_000 },
      cloud: { type: 'object', required: ['provider'], properties: { provider: text } },
      metadata: {
        type: 'object',
        required: ['product', 'version'],
        properties: { version: { const: '1.8.0' }, product: { type: 'object', required: ['name', 'vendor_name'] } },
      },
      finding_info: {
        type: 'object',
        required: ['uid', 'title'],
        properties: { uid: text, title: text, analytic: { type: 'object', required: ['type_id'] } },
      },
      compliance: {
        type: 'object',
        required: ['status_id', 'standards', 'control'],
        properties: { status_id: { enum: [0, 1, 2, 3, 99] }, standards: listOf(text), requirements: listOf(text) },
      },
      resources: listOf({ type: 'object', required: ['uid', 'name'], properties: { uid: text, name: text } }),
    },
  }
  /** @see https://docs.aws.amazon.com/securityhub/latest/userguide/asff-required-attributes.html */
  const asff = {
    type: 'object',
    required: [
      ...['AwsAccountId', 'CreatedAt', 'Description', 'GeneratorId', 'Id', 'ProductArn', 'Resources', 'SchemaVersion'],
      ...['Severity', 'Title', 'Types', 'UpdatedAt'],
    ],
    properties: {
      AwsAccountId: { type: 'string', pattern: '^\\d{12}$' },
      CreatedAt: { type: 'string', pattern: rfc3339.source },
      UpdatedAt: { type: 'string', pattern: rfc3339.source },
      Description: { ...text, maxLength: 1024 },
      GeneratorId: { ...text, maxLength: 512 },
      Id: { ...text, maxLength: 512 },
      ProductArn: { type: 'string', pattern: '^arn:aws[a-z-]*:securityhub:[a-z0-9-]+:(\\d{12}):product/\\1/default$' },
      Resources: {
        ...listOf({ type: 'object', required: ['Id', 'Type'], properties: { Id: { ...text, maxLength: 512 }, Type: text } }),
        maxItems: 32,
      },
      SchemaVersion: { const: '2018-10-08' },
      Severity: { type: 'object', properties: { Label: { enum: ['INFORMATIONAL', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL'] } } },
      Title: { ...text, maxLength: 256 },
      Types: { ...listOf({ type: 'string', pattern: '^[^/]+/[^/]+/[^/]+$|^[^/]+/[^/]+$' }), maxItems: 50 },
      Compliance: {
        type: 'object',
        required: ['Status'],
        properties: {
          Status: { enum: ['PASSED', 'WARNING', 'FAILED', 'NOT_AVAILABLE'] },
          StatusReasons: listOf({ type: 'object', required: ['ReasonCode'] }),
        },
      },
      Workflow: { type: 'object', properties: { Status: { enum: ['NEW', 'NOTIFIED', 'RESOLVED', 'SUPPRESSED'] } } },
      RecordState: { enum: ['ACTIVE', 'ARCHIVED'] },
    },
  }

  it('is in every line, whatever the names are, and the same view gives the same bytes', async () => {
    const odd = outcomeOf(sampleControl('IDC-USER-001', 'No idle user', 'low', 'user'), 3, 2, 1, 0)
    const results = odd.results.map(result => ({
      ...result,
      reason: '',
      subject: { ...result.subject, name: '', key: `${'k'.repeat(2000)}${result.subject.key}` },
    }))
    const ajv = new Ajv({ allErrors: true, strict: false })
    for (const [make, schema] of [
      [ocsfArtifact, ocsf],
      [asffArtifact, asff],
    ] as const) {
      const isLineValid = ajv.compile(schema)
      const named = sampleEvaluation(snapshot, [{ ...odd, results }])
      const ofNamed = () => judgedResults(named, outcome => outcome.results.map(({ subject }) => subject))
      for (const { view, results: all } of [sample(), { ...sample(named), results: ofNamed }]) {
        const found = await linesOf(make(view, all).read())
        expect(found.length).to.be.greaterThan(1)
        for (const each of found) expect(isLineValid(each), JSON.stringify(isLineValid.errors?.slice(0, 2))).to.equal(true)
        expect(await textOf(make(view, all).read())).to.equal(await textOf(make(view, all).read()))
      }
      expect(isLineValid({})).to.equal(false)
    }
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
