import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect } from 'chai'
import { type Browser, chromium, type Page } from 'playwright-core'
import {
  exceptionRegisterArtifact,
  exceptionRegisterView,
  frameworkReportView,
  homeView,
  periodArtifacts,
  periodReportView,
  renderPage,
  renderReport,
  verifyPage,
} from '../../src/reports/index.ts'
import { textOf } from './bytes.ts'
import { exceptedEvaluation, pages as findingPages, lapsed, sampleException } from './finding-sample.ts'
import {
  framework,
  outcomeOf,
  requirements,
  sampleControl,
  sampleEvaluation,
  sampleHome,
  sampleInput,
  sampleSnapshot,
} from './sample.ts'

const executablePath = '/usr/bin/chromium'
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Rendered pages in a real browser. Skips visibly where Chromium is absent; in CI its absence is a failure. */
describe('in a browser', () => {
  let browser: Browser | null = null

  before(async function () {
    if (existsSync(executablePath)) browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
    else if (process.env.CI === 'true') expect.fail(`${executablePath} is not installed`)
    else this.skip()
  })

  after(() => browser?.close())

  const complete = sampleSnapshot({ isComplete: true })
  const pages: readonly [string, () => string | Promise<string>][] = [
    ['an incomplete report', () => reportOf()],
    ['a complete report', () => reportOf({ snapshots: [complete], evaluation: sampleEvaluation(complete, []) })],
    ['a period report', periodReport],
    ['a report with exceptions', () => reportOf({ evaluation: exceptedEvaluation() })],
    ['the register of exceptions', registerDocument],
    ['the list of findings', () => renderPage(findingPages.findings()).html],
    ['the page of a finding', () => renderPage(findingPages.finding()).html],
    ['the page of a control', () => renderPage(findingPages.control()).html],
    ['the page of exceptions', () => renderPage(findingPages.exceptions()).html],
    ['the page that verifies a bundle', () => Buffer.from(verifyPage()).toString('utf8')],
    ['the first page', () => renderPage(homeView(sampleHome())).html],
    ['the first page before anything was collected', () => renderPage(homeView(emptyHome())).html],
    [
      'the error page',
      () =>
        renderPage({ kind: 'error', status: 404, title: 'Not found', message: 'm', hint: 'h', softwareVersion: '0.1.0' }).html,
    ],
  ]

  for (const [name, make] of pages) {
    it(`${name} has no accessibility violation that axe-core knows, wide or narrow`, async () => {
      for (const width of [1280, 400]) {
        await using shown = await show(await make(), width)
        await shown.page.evaluate(axe)
        const violations = await shown.page.evaluate(
          'axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations.map(({ id, nodes }) => id + " " + nodes[0].html))',
        )
        expect(violations, `${width} pixels wide`).to.deep.equal([])
      }
    })
  }

  it('an incomplete report answers what, where from, when, whether complete and what failed without scrolling', async () => {
    await using shown = await show(reportOf(), 1280, 800)
    const visible = await shown.page.evaluate(`[...document.querySelectorAll('h1, .banner, .about tr, .found .sum, .found li')]
      .every(element => element.getBoundingClientRect().bottom <= innerHeight)`)
    expect(visible).to.equal(true)
    expect(await shown.page.evaluate('document.documentElement.scrollWidth <= innerWidth')).to.equal(true)
  })

  it('a document never scrolls sideways, however narrow: what is too wide breaks, or scrolls by itself', async () => {
    const long = 'ListCustomerManagedPolicyReferencesInPermissionSet'
    const report = reportOf({ evaluation: exceptedEvaluation() })
      .replaceAll(/(?<=:)List[A-Z][A-Za-z]+(?=<)/g, long)
      .replaceAll('<td>none</td>', `<td>${long}Exception × 1</td>`)
      .replaceAll('<dt>References</dt><dd>', `<dt>References</dt><dd>https://docs.aws.amazon.com/${long.repeat(3)}`)
    expect(report.split(long).length, 'there are long words').to.be.greaterThan(3)
    for (const html of [report, await registerDocument()]) {
      await using shown = await show(html, 1200)
      // parts that are far away are not laid out until they are near
      await shown.page.evaluate(
        "document.querySelectorAll('.rows').forEach(each => { each.style.contentVisibility = 'visible' })",
      )
      for (const width of [1200, 800, 400]) {
        await shown.page.setViewportSize({ width, height: 900 })
        expect(await shown.page.evaluate('document.documentElement.scrollWidth'), `${width} pixels wide`).to.equal(width)
      }
    }
  })

  it('a report keeps its styles under its own policy, and asks for nothing', async () => {
    await using shown = await show(reportOf(), 1280)
    expect(await shown.page.evaluate('getComputedStyle(document.querySelector(".banner")).borderLeftStyle')).to.equal('solid')
    expect(shown.requests).to.deep.equal([])
    expect(shown.complaints).to.deep.equal([])
  })

  it('a report whose styles were changed is shown without them: its policy holds', async () => {
    await using shown = await show(reportOf().replace('box-sizing', 'box-sizinG'), 1280)
    expect(await shown.page.evaluate('getComputedStyle(document.querySelector(".banner")).borderLeftStyle')).to.equal('none')
  })

  it('the first page works under the policy it names', async () => {
    const { html, styleSources } = renderPage(homeView(sampleHome()))
    const policy = `default-src 'none'; style-src ${styleSources}; form-action 'none'`
    await using shown = await show(
      html.replace('<meta charset', `<meta http-equiv="Content-Security-Policy" content="${policy}"><meta charset`),
      1280,
    )
    expect(await shown.page.evaluate('getComputedStyle(document.querySelector(".banner")).borderLeftStyle')).to.equal('solid')
    expect(shown.complaints).to.deep.equal([])
  })

  it('a report of 10,000 fails opens within seconds, and each is found in it', async () => {
    const outcome = outcomeOf(
      sampleControl('IDC-USER-001', 'No user without an access path', 'low', 'user'),
      10_000,
      10_000,
      0,
      0,
    )
    await using shown = await show(reportOf({ evaluation: sampleEvaluation(sampleSnapshot(), [outcome]) }), 1280)
    expect(await shown.page.evaluate('document.querySelectorAll(".results tbody tr").length')).to.equal(10_000)
  }).timeout(20_000)

  it('a report prints with its source, evaluation and page numbers on every page', async () => {
    await using shown = await show(reportOf(), 1280)
    const pdf = await shown.page.pdf({ preferCSSPageSize: true, tagged: true })
    expect(pdf.subarray(0, 5).toString()).to.equal('%PDF-')
    const css = await shown.page.evaluate('[...document.styleSheets].at(-1).cssRules[0].cssText')
    expect(css)
      .to.include('counter(page) " of " counter(pages)')
      .and.include('acme')
      .and.include(sampleEvaluation(sampleSnapshot()).digest)
  })

  async function show(html: string, width: number, height = 900) {
    const context = await browser!.newContext({ viewport: { width, height } })
    const page: Page = await context.newPage()
    const requests: string[] = []
    const complaints: string[] = []
    page.on('console', message => complaints.push(message.text()))
    page.on('pageerror', error => complaints.push(error.message))
    page.on('request', request => {
      if (!request.url().startsWith('data:text/html')) requests.push(request.url())
    })
    await page.setContent(html, { waitUntil: 'load' })
    return { page, requests, complaints, [Symbol.asyncDispose]: () => context.close() }
  }
})

function reportOf(changes: Parameters<typeof sampleInput>[0] = {}): string {
  return Buffer.from(renderReport(frameworkReportView(sampleInput(changes)), 'html')).toString('utf8')
}

function registerDocument(): Promise<string> {
  const asOf = new Date('2026-06-30T00:00:00Z')
  const exceptions = [sampleException, lapsed]
  const view = exceptionRegisterView({ asOf, softwareVersion: '0.1.0', evaluation: null, exceptions, problems: ['wrong'] })
  return textOf(exceptionRegisterArtifact(view, 'html').read())
}

function emptyHome() {
  return sampleHome({
    sources: [{ label: 'new', snapshot: null, lastRun: null }],
    evaluation: null,
    bundles: [],
    reports: [],
    keyFingerprint: null,
  })
}

async function periodReport(): Promise<string> {
  const snapshot = sampleSnapshot()
  const day = snapshot.sealedAt.toISOString()
  const change = {
    source: 'acme',
    dataset: 'identitystore.users',
    kind: 'added' as const,
    key: 'u-1',
    name: 'ada',
    after: null,
    by: day,
  }
  const view = await periodReportView({
    framework: { ...framework, requirements },
    from: new Date(snapshot.sealedAt.getTime() - 5 * 86_400_000),
    to: snapshot.sealedAt,
    sources: ['acme'],
    snapshots: [snapshot],
    failedRuns: [],
    evaluations: (async function* () {
      yield sampleEvaluation(snapshot)
    })(),
    changes: [{ ...change, members: [], userId: 'u-1', userName: 'ada' }],
    notCompared: [],
    softwareVersion: '0.1.0',
    notInView: ['MFA'],
  })
  return textOf(periodArtifacts(view, 'html')[0]!.read())
}
