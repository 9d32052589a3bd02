import { expect } from 'chai'
import {
  asffArtifact,
  exceptionRegisterArtifact,
  exceptionRegisterView,
  frameworkReportView,
  ocsfArtifact,
  oscalArtifact,
  renderPage,
  renderReport,
  resultRows,
} from '../../src/reports/index.ts'
import { textOf } from './bytes.ts'
import { exceptedEvaluation, lapsed, pages, sampleException, sampleFinding } from './finding-sample.ts'
import { sampleInput } from './sample.ts'

describe('pages of findings, controls and exceptions', () => {
  it('link each finding and control, say what is excepted, overdue and opened again, and run nothing', () => {
    const { html } = renderPage(pages.findings())
    expect(html).to.include('href="/findings/7"').and.include('href="/controls/IDC-PS-001"')
    expect(html).to.include('excepted by EX-1').and.include('<strong>overdue</strong>').and.include('again')
    expect(html).to.include('is &lt;b&gt;admin&lt;/b&gt;').and.not.include('<b>admin</b>')
    expect(html).to.include('1.25')
    expect(renderPage(pages.findings({ severity: 'high', due: 'overdue', state: null })).html)
      .to.include('<option value="high" selected>')
      .and.include('value="overdue" checked')
      .and.include('<option value="all" selected>')
  })

  it('show of one finding when it opened, what is known now, its history and what was said', () => {
    const { html } = renderPage(pages.finding())
    expect(html).to.include('Finding F-7').and.include('asked &lt;them&gt;').and.include('owner team-iam, ticket none')
    expect(html).to.include('Excepted by EX-1 until').and.include('tested &lt;each&gt; quarter')
    expect(html).to.include('after <time datetime="2026-06-01')
    expect(renderPage(pages.finding(sampleFinding({ openedAfter: null }))).html).to.include('nobody knows since when')
  })

  it('show of one control what it asks, its findings and exceptions; of exceptions the rows that do not count', () => {
    const { html } = renderPage(pages.control())
    expect(html).to.include('Passes when').and.include('F-7').and.include('approved by grace')
    const exceptions = renderPage(pages.exceptions()).html
    expect(exceptions).to.include('e.yaml:3:1').and.include('revoked by eve').and.include('Covers nothing:')
  })
})

describe('an exception in a document', () => {
  const evaluation = exceptedEvaluation()
  const view = frameworkReportView(sampleInput({ evaluation }))
  const judged = () => evaluation.outcomes.flatMap(outcome => outcome.results.map(result => ({ outcome, result }))).values()

  it('stands beside the fail and in the register, and changes no count', () => {
    const plain = frameworkReportView(sampleInput())
    const html = Buffer.from(renderReport(view, 'html')).toString()
    expect(html).to.include('Excepted by EX-1 until').and.include('Exceptions 1 to 2 of 2')
    const { excepted: _, ...counts } = view.totals
    const { excepted: __, ...before } = plain.totals
    expect(counts).to.deep.equal(before)
    expect(view.requirements).to.deep.equal(plain.requirements)
  })

  it('is a column of the results, an accepted risk in OSCAL, and a note in the findings of others, which stay failed', async () => {
    const outcomes = evaluation.outcomes.filter(({ excepted }) => excepted === 1)
    const row = resultRows({ ...evaluation, outcomes }, () => []).find(cells => cells.includes('EX-1'))
    expect(row).to.include('fail')
    expect(await textOf(oscalArtifact(view).read())).to.include('"status": "deviation-approved"')
    const lineOf = async (text: Promise<string>) => (await text).split('\n').filter(line => line.includes('EX-1'))
    const [ocsf, ...more] = await lineOf(textOf(ocsfArtifact(view, judged).read()))
    expect(more).to.deep.equal([])
    expect(JSON.parse(ocsf!).compliance).to.include({ status: 'Fail', status_id: 3 })
    const [asff] = await lineOf(textOf(asffArtifact(view, judged).read()))
    expect(JSON.parse(asff!)).to.deep.include({ Workflow: { Status: 'NEW' } })
    expect(JSON.parse(asff!).Compliance.Status).to.equal('FAILED')
    expect(JSON.parse(asff!).Note.UpdatedBy).to.equal('grace')
  })

  it('stands in a register of its own, the same bytes each time, in every format', async () => {
    const register = exceptionRegisterView({
      ...{ asOf: new Date('2026-06-30T00:00:00Z'), softwareVersion: '0.1.0', evaluation, problems: ['a row that is wrong'] },
      exceptions: [sampleException, lapsed],
    })
    expect(register.by).to.deep.equal({ requested: 0, approved: 1, lapsed: 0, revoked: 1 })
    for (const format of ['html', 'pdf', 'xlsx', 'csv', 'json'] as const) {
      const make = async () => Buffer.concat(await Array.fromAsync(exceptionRegisterArtifact(register, format).read()))
      const bytes = await make()
      expect(bytes.equals(await make()), format).to.equal(true)
      if (format === 'html') expect(bytes.toString()).to.include('a row that is wrong').and.include('EX-1')
      if (format === 'csv') expect(bytes.toString().split('\r\n')).to.have.lengthOf(4)
    }
  })
})
