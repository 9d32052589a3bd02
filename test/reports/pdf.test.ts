import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type FrameworkReportView, frameworkReportPdf, frameworkReportView } from '../../src/reports/index.ts'
import { outcomeOf, sampleControl, sampleEvaluation, sampleInput, sampleSnapshot } from './sample.ts'

/** The PDF as poppler reads it. Skips visibly where poppler is absent; in CI its absence is a failure. */
describe('a framework report as PDF', () => {
  const folder = mkdtempSync(join(tmpdir(), 'evidenced-pdf-'))

  before(function () {
    if (spawnSync('pdftotext', ['-v']).error === undefined) return
    if (process.env.CI === 'true') expect.fail('poppler-utils is not installed')
    this.skip()
  })

  after(() => rmSync(folder, { recursive: true, force: true }))

  async function written(view: FrameworkReportView): Promise<Buffer> {
    return Buffer.concat(await frameworkReportPdf(view))
  }

  function ask(tool: string, bytes: Buffer, ...args: string[]): string {
    const path = join(folder, 'report.pdf')
    writeFileSync(path, bytes)
    const { status, stdout, stderr } = spawnSync(
      tool,
      args.map(arg => (arg === 'FILE' ? path : arg)),
      { encoding: 'utf8', maxBuffer: 1 << 28 },
    )
    expect(status, stderr).to.equal(0)
    expect(stderr).to.equal('')
    return stdout
  }

  it('says on the first page what it is, from where, when, whether it is complete and what failed', async () => {
    const view = frameworkReportView(sampleInput())
    const text = ask('pdftotext', await written(view), '-layout', '-l', '1', 'FILE', '-')
    for (const part of [
      'INCOMPLETE',
      'sso:GetInlinePolicyForPermissionSet',
      'acme',
      'o-a1b2c3d4e5',
      '2026-06-30 00:21:00Z',
      view.evaluation.digest,
      'IDC-PS-001',
      'EvidencedReader',
    ])
      expect(text).to.contain(part)
  })

  it('says of a complete report what the HTML says: which results are unknown all the same', async () => {
    const view = frameworkReportView(sampleInput({ snapshots: [sampleSnapshot({ isComplete: true })] }))
    const text = ask('pdftotext', await written(view), '-raw', '-l', '1', 'FILE', '-').replaceAll(/\s+/g, ' ')
    expect(text).to.contain('COMPLETE: Every dataset of 1 source was read to its end.')
    expect(text).to.match(/\d+ results? (is|are) unknown for other reasons/)
  })

  it('names the controls that decided nothing, which make a report incomplete whose inputs were all read', async () => {
    const view = frameworkReportView(
      sampleInput({
        snapshots: [sampleSnapshot({ isComplete: true })],
        brokenFiles: [1, 2, 3, 4, 5].map(n => `SOD-00${n} of acme: a conflicting pair is written A|B, found Admin`),
      }),
    )
    const text = ask('pdftotext', await written(view), '-raw', '-l', '1', 'FILE', '-').replaceAll(/\s+/g, ' ')
    expect(text).to.contain('INCOMPLETE: not every control could judge.').and.not.contain('not every input')
    expect(text).to.contain('decided nothing: SOD-004 of acme: a conflicting pair is written A|B, found Admin and 1 more')
  })

  it('carries source, as-of, run, digest and page n of m on every page', async () => {
    const view = frameworkReportView(sampleInput())
    const bytes = await written(view)
    const pages = ask('pdftotext', bytes, '-raw', 'FILE', '-').split('\f').slice(0, -1)
    expect(pages).to.have.length.greaterThan(3)
    const [source] = view.sources
    for (const [i, text] of pages.entries()) {
      const flat = text.replaceAll(/\s+/g, ' ')
      for (const part of [
        `page ${i + 1} of ${pages.length}`,
        source!.identity.instanceArn,
        source!.snapshot.runId,
        source!.snapshot.digest,
        view.evaluation.digest,
        'as of 2026-06-30',
      ])
        expect(flat, `page ${i + 1}`).to.contain(part)
    }
  })

  it('is tagged, with table headers, and has a bookmark per section and control', async () => {
    const view = frameworkReportView(sampleInput())
    const bytes = await written(view)
    expect(ask('pdfinfo', bytes, 'FILE')).to.match(/Tagged: +yes/)
    const tree = ask('pdfinfo', bytes, '-struct', 'FILE')
    for (const tag of ['H1', 'H2', 'H3', 'Table', 'Caption', 'THead', 'TBody', 'LBody'])
      expect(tree).to.match(new RegExp(`^ *${tag}\\b`, 'm'))
    expect(tree).to.contain('/Scope /Column').and.to.contain('/Scope /Row')
    expect(ask('pdfinfo', bytes, '-struct-text', 'FILE')).to.contain('IDC-PS-001')
    expect(bytes.toString('latin1').match(/\/Dest \[/g)).to.have.lengthOf(view.controls.length + 11)
  })

  it('is the same bytes each time', async () => {
    const view = frameworkReportView(sampleInput())
    expect(Buffer.compare(await written(view), await written(view))).to.equal(0)
  })

  it('drops no character of a name, and shows those it has no font for, and those that nobody sees, as code points', async () => {
    const snapshot = sampleSnapshot()
    const outcome = outcomeOf(sampleControl('IDC-USER-001', 'No idle user', 'low', 'user'), 3, 1, 0, 0)
    const [result] = outcome.results
    const name = 'Zoë Łukasz Олена Σωκράτης 漢 evil\u202etxt'
    const named = { ...outcome, results: [{ ...result!, subject: { ...result!.subject, name } }] }
    const view = frameworkReportView(sampleInput({ evaluation: sampleEvaluation(snapshot, [named]) }))
    const text = ask('pdftotext', await written(view), '-raw', 'FILE', '-').replaceAll(/\s+/g, ' ')
    for (const part of ['Zoë', 'Łukasz', 'Олена', 'Σωκράτης', '[U+6F22]', 'evil[U+202E]txt']) expect(text).to.contain(part)
  })

  it('ends a table at the row limit and says where all of them stand', async () => {
    const snapshot = sampleSnapshot()
    const outcome = outcomeOf(sampleControl('IDC-USER-001', 'No idle user', 'low', 'user'), 150, 150, 0, 0)
    const view = frameworkReportView(sampleInput({ evaluation: sampleEvaluation(snapshot, [outcome]) }))
    const bytes = Buffer.concat(await frameworkReportPdf(view, { rowLimit: 120 }))
    const text = ask('pdftotext', bytes, '-raw', 'FILE', '-').replaceAll(/\s+/g, ' ')
    expect(text).to.contain('The first 120 of 150 rows are printed here; all of them stand in results.csv.')
    expect(text).to.contain('user.119@acme.example').and.not.to.contain('user.120@acme.example')
  })
})
