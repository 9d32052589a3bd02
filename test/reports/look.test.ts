import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { unzipSync } from 'fflate'
import { read } from 'hucre'
import {
  frameworkReportPdf,
  frameworkReportView,
  openLook,
  ReportsError,
  renderPage,
  renderReport,
  reportWorkbook,
} from '../../src/reports/index.ts'
import { bytesOf } from './bytes.ts'
import { sampleInput } from './sample.ts'

const packaged = (name: string) => readFileSync(fileURLToPath(new URL(`../../reports/${name}`, import.meta.url)), 'utf8')
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

describe('the look of documents', () => {
  let folder: string
  const view = frameworkReportView(sampleInput())

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'evidenced-look-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const write = (name: string, text: string | Buffer) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  const look = (more: Partial<Parameters<typeof openLook>[0]> = {}) =>
    openLook({ templates: folder, logo: null, timeZone: null, locale: 'en-GB', ...more })
  const html = (own = look()) => Buffer.from(renderReport(view, 'html', own)).toString('utf8')
  const failure = (work: () => unknown): ReportsError => {
    try {
      work()
    } catch (error) {
      if (error instanceof ReportsError) return error
      throw error
    }
    return expect.fail('nothing was refused')
  }

  it('takes a template, a partial or a style of the same name, and the rest as it comes', () => {
    const plain = html()
    write('partials/verify.hbs', '<section><h2>Ask {{framework.name}} of us</h2></section>')
    write('styles/base.css', `${packaged('styles/base.css')}\nh1 { color: #123456; }`)
    write('error.hbs', packaged('error.hbs').replace('</title>', ' at Example</title>'))
    const own = html()
    expect(own).to.contain(`<h2>Ask ${view.framework.name} of us</h2>`).and.to.contain('#123456')
    expect(own).to.contain('Tie-out of calls')
    expect(plain).to.not.contain('#123456')
    const page = { kind: 'error', status: 404, title: 'No', message: 'none', hint: null, softwareVersion: '1' } as const
    expect(renderPage(page, look()).html).to.contain(' at Example</title>')
  })

  it('names the file and the line of a template that is broken, and the way out', () => {
    write('partials/about.hbs', '<p>\n{{#if asOf}}</p>')
    const syntax = failure(() => html())
    expect(syntax.code).to.equal('TEMPLATE_BROKEN')
    expect(syntax.message).to.contain(join(folder, 'partials/about.hbs')).and.to.contain('line 2')
    expect(syntax.hint).to.contain('take the file away')
    write('partials/about.hbs', '<p>{{nobodyHasThis}}</p>')
    const missing = failure(() => html())
    expect(missing.message).to.contain(folder).and.to.contain('nobodyHasThis')
    rmSync(join(folder, 'partials'), { recursive: true })
    write('framwork-report.hbs', '')
    expect(failure(() => html()).message).to.contain('takes the place of no template')
    expect(failure(() => look({ templates: join(folder, 'none') })).code).to.equal('TEMPLATE_BROKEN')
  })

  it('cannot print what AWS sent without escaping it', () => {
    for (const open of [
      '{{{framework.name}}}',
      '{{&framework.name}}',
      '{{#if asOf}}{{{asOf}}}{{/if}}',
      '{{#if issuedAt}}{{else}}{{{asOf}}}{{/if}}',
    ]) {
      write('partials/verify.hbs', open)
      expect(failure(() => html()).message, open).to.contain('without escaping')
    }
  })

  it('cannot take away the policy of a document, or put anything before it', () => {
    const policy = '<meta http-equiv="Content-Security-Policy" content="POLICY-OF-THIS-DOCUMENT">'
    const report = packaged('framework-report.hbs')
    for (const [name, spoiled] of [
      ['none', report.replace(policy, '')],
      ['other', report.replace('POLICY-OF-THIS-DOCUMENT', "default-src 'unsafe-inline'")],
      ['late', report.replace(policy, '').replace('</head>', `<script>x</script>${policy}</head>`)],
      ['twice', report.replace('</main>', 'POLICY-OF-THIS-DOCUMENT</main>')],
      ['commented', report.replace(policy, `<!--${policy}-->`)],
    ] as const) {
      write('framework-report.hbs', spoiled)
      expect(failure(() => html()).message, name).to.contain('security policy')
    }
    write('framework-report.hbs', report.replace('<body>', '<body><script>alert(1)</script>'))
    expect(html()).to.match(/content="default-src 'none'; style-src [^;]*; base-uri 'none'; form-action 'none'"/)
    write('styles/base.css', '</style><script>x</script>')
    expect(failure(() => html()).message).to.contain('it holds a tag')
  })

  it('shows a local time beside UTC in the chosen manner, and never instead', async () => {
    const own = look({ timeZone: 'Europe/Berlin', locale: 'de-DE' })
    expect(html(own)).to.match(
      /<time datetime="[^"]+">2026-06-30 00:21:00Z<\/time> <span class="local">\(30\. Juni 2026, 02:21:00 MESZ\)<\/span>/,
    )
    const pdf = async (look_ = own) => Buffer.concat(await frameworkReportPdf(view, { look: look_ }))
    expect((await pdf()).equals(await pdf(look()))).to.equal(false)
    expect((await pdf()).equals(await pdf())).to.equal(true)
  })

  it('puts a logo into the document itself, and refuses what is no picture', async () => {
    write('logo.png', png)
    const own = look({ templates: null, logo: join(folder, 'logo.png') })
    expect(html(own))
      .to.contain(`src="data:image/png;base64,${png.toString('base64')}"`)
      .and.to.contain('img-src data:;')
    expect(html(look({ templates: null }))).to.not.contain('img-src')
    const pdf = Buffer.concat(await frameworkReportPdf(view, { look: own })).toString('latin1')
    expect(pdf).to.contain('/Subtype /Image')
    write('logo.svg', '<svg onload="x()"/>')
    expect(failure(() => look({ logo: join(folder, 'logo.svg') })).code).to.equal('LOGO_INVALID')
    expect(failure(() => look({ logo: join(folder, 'none.png') })).code).to.equal('LOGO_INVALID')
  })

  it('puts both on the cover of a workbook, which stays the same bytes and whole for those who read it', async () => {
    write('logo.png', png)
    const own = look({ templates: null, logo: join(folder, 'logo.png'), timeZone: 'Europe/Berlin', locale: 'de-DE' })
    const make = (look_: ReturnType<typeof look>) => bytesOf(reportWorkbook(view, () => [], look_).read())
    const bytes = await make(own)
    expect(bytes.equals(await make(own))).to.equal(true)
    const { sheets } = await read(bytes)
    const cover = sheets.find(({ name }) => name === 'About')!.rows.map(row => row.join(' '))
    expect(cover.find(line => line.startsWith('As of'))).to.contain('2026-06-30T00:21:00.000Z (30. Juni 2026, 02:21:00 MESZ)')
    expect(cover.find(line => line.startsWith('Beside UTC'))).to.contain('Europe/Berlin')
    const parts = new Map(Object.entries(unzipSync(bytes)))
    expect(Buffer.from(parts.get('xl/media/logo.png')!).equals(png)).to.equal(true)
    const text = (path: string) => Buffer.from(parts.get(path)!).toString('utf8')
    expect(text('xl/worksheets/sheet1.xml')).to.match(/<\/sheetData><drawing [^>]*r:id="rId1"\/><\/worksheet>$/)
    expect(text('xl/worksheets/_rels/sheet1.xml.rels')).to.contain('../drawings/drawing1.xml')
    expect(text('xl/drawings/_rels/drawing1.xml.rels')).to.contain('../media/logo.png')
    expect(text('[Content_Types].xml')).to.contain('image/png').and.to.contain('/xl/drawings/drawing1.xml')
    const plain = unzipSync(await make(look({ templates: null })))
    expect(Object.keys(plain).filter(name => /drawing|media/.test(name))).to.deep.equal([])
  })
})
