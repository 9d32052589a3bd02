import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import type { CallRecord, ControlOutcome } from '../../src/model.ts'
import { countCalls, frameworkReportView, ReportsError, renderReport, reportArtifact } from '../../src/reports/index.ts'
import { textOf } from './bytes.ts'
import {
  outcomeOf,
  place,
  sampleCalls,
  sampleControl,
  sampleEvaluation,
  sampleInput,
  sampleSnapshot,
  subjectOf,
} from './sample.ts'

describe('the framework report', () => {
  it('says INCOMPLETE first, with the IAM actions to grant, when an input was refused', () => {
    const view = frameworkReportView(sampleInput())
    expect(view)
      .to.include({ isComplete: false })
      .and.deep.include({ missingActions: ['sso:GetInlinePolicyForPermissionSet'] })
    const cover = coverOf(html(view))
    expect(cover)
      .to.include('INCOMPLETE.')
      .and.include('sso:GetInlinePolicyForPermissionSet')
      .and.not.include('COMPLETE.</strong> Every')
  })

  it('says COMPLETE when every dataset was read, though something was withheld on purpose', () => {
    const view = frameworkReportView(sampleInput({ snapshots: [sampleSnapshot({ isComplete: true })] }))
    expect(view.isComplete).to.equal(true)
    expect(coverOf(html(view)))
      .to.include('<strong>COMPLETE.</strong> Every dataset of 1 source was read to its end.')
      .and.include('for other reasons, named below.')
      .and.not.include('INCOMPLETE')
  })

  it('does not call an input incomplete that cannot be collected, is not enabled or does not apply', () => {
    for (const coverage of ['not_collectable', 'not_enabled', 'not_applicable', 'complete_with_changes'] as const) {
      const complete = sampleSnapshot({ isComplete: true })
      const [first, ...others] = complete.datasets
      const snapshot = { ...complete, datasets: [{ ...first!, coverage, reason: 'for a reason' }, ...others] }
      expect(frameworkReportView(sampleInput({ snapshots: [snapshot] })).isComplete, coverage).to.equal(true)
    }
  })

  it('tells what it is, from where, when, and by whom it was read', () => {
    const { identity, callers, digest } = sampleSnapshot()
    const cover = coverOf(html(frameworkReportView(sampleInput())))
    const facts = [
      identity.organizationId,
      identity.instanceArn,
      identity.identityStoreId,
      identity.homeRegion,
      identity.managementAccountId,
      callers[0]!.arn,
      digest,
    ]
    for (const fact of facts) expect(cover).to.include(fact)
    const { digest: evaluationDigest, catalogDigest } = sampleEvaluation(sampleSnapshot())
    expect(cover).to.include(evaluationDigest).and.include(catalogDigest).and.include('evidenced 0.1.0')
    expect(cover).to.include('2026-06-30 00:21:00Z').and.include('version 7')
  })

  it('prints for every control population = fail + unknown + pass + not applicable', () => {
    const view = frameworkReportView(sampleInput())
    for (const { population, pass, fail, unknown, notApplicable } of [view.totals, ...view.controls]) {
      expect(pass + fail + unknown + notApplicable).to.equal(population)
    }
    const text = plain(html(view))
    expect(text).to.include('655 in population = 17 fail + 0 unknown + 638 pass + 0 not applicable')
    expect(text).to.include('2,491 results = 48 fail + 6 unknown + 1,869 pass + 568 not applicable')
  })

  it('lists every failing and every unknown subject, with what to grant', () => {
    const outcome = outcomeOf(
      sampleControl('IDC-USER-001', 'No user without an access path', 'low', 'user'),
      20_000,
      10_000,
      1200,
      5,
    )
    const view = frameworkReportView(sampleInput({ evaluation: sampleEvaluation(sampleSnapshot(), [outcome]) }))
    const page = html(view)
    for (const n of [0, 499, 500, 9999, 10_000, 11_199]) expect(page).to.include(subjectOf('user', n).key)
    expect(page.match(/<table class="results">/g)).to.have.length(20 + 3)
    expect(plain(page))
      .to.include('failing subjects 9,501 to 10,000 of 10,000')
      .and.include('could not be judged, 1,001 to 1,200 of 1,200')
  })

  it('never lets what was not evaluated look like a pass', () => {
    const view = frameworkReportView(sampleInput())
    const { controls } = view.requirements.find(({ id }) => id === 'CC9.2')!
    expect(controls[0]).to.include({ id: 'HR-005', standing: 'not_evaluated', title: null })
    expect(rowOf(html(view), 'CC9.2'))
      .to.include('Not evaluated')
      .and.not.include('badge pass')
    expect(rowOf(html(view), 'CC1.3'))
      .to.include('Not covered')
      .and.include('no control')
      .and.not.include('badge pass')
  })

  it('puts a control with an unknown, an open population or a broken definition nowhere near pass', () => {
    const control = sampleControl('IDC-PS-001', 'AdministratorAccess', 'critical', 'permissionSet')
    const standingOf = (outcome: ControlOutcome) =>
      frameworkReportView(sampleInput({ evaluation: sampleEvaluation(sampleSnapshot(), [outcome]) })).controls[0]!.standing
    expect(standingOf(outcomeOf(control, 5, 0, 0, 2))).to.equal('pass')
    expect(standingOf(outcomeOf(control, 5, 0, 1, 0))).to.equal('unknown')
    expect(standingOf(outcomeOf(control, 5, 1, 1, 0))).to.equal('fail')
    expect(standingOf(outcomeOf(control, 5, 0, 0, 5))).to.equal('not_applicable')
    expect(standingOf({ ...outcomeOf(control, 5, 0, 0, 0), populationIsLowerBound: true })).to.equal('unknown')
    expect(standingOf({ ...outcomeOf(control, 5, 0, 0, 0), error: 'division by zero' })).to.equal('unknown')
    expect(standingOf(outcomeOf(control, 0, 0, 0, 0))).to.equal('not_applicable')
  })

  it('is not made from counts that do not add up, or from another snapshot than the one judged', () => {
    const snapshot = sampleSnapshot()
    const good = outcomeOf(sampleControl('IDC-PS-001', 'x', 'low', 'user'), 5, 1, 1, 0)
    for (const bad of [
      { ...good, population: 6 },
      { ...good, pass: 4 },
      { ...good, results: [] },
    ]) {
      const make = () => frameworkReportView(sampleInput({ evaluation: sampleEvaluation(snapshot, [bad]) }))
      expect(make).to.throw(ReportsError).with.property('code', 'TOTALS_DIFFER')
    }
    const other = { ...snapshot, digest: 'f'.repeat(64) }
    expect(() => frameworkReportView(sampleInput({ evaluation: sampleEvaluation(snapshot), snapshots: [other] })))
      .to.throw(ReportsError)
      .with.property('code', 'SNAPSHOT_DIFFERS')
  })

  it('says whether the call ledger ties out, and shows a difference instead of hiding it', () => {
    const calls = sampleCalls(sampleSnapshot())
    expect(plain(html(frameworkReportView(sampleInput({ calls }))))).to.include('it ties out with the snapshot')
    expect(plain(html(frameworkReportView(sampleInput({ calls: calls.slice(1) }))))).to.include(
      'it does not tie out with the 580 of the snapshot',
    )
  })

  it('has the same bytes for the same view, and holds everything as JSON too', async () => {
    const view = frameworkReportView(sampleInput())
    const again = frameworkReportView(structuredClone(sampleInput()))
    for (const format of ['html', 'json'] as const) {
      expect(Buffer.from(renderReport(view, format)).equals(renderReport(again, format))).to.equal(true)
    }
    expect(JSON.parse(Buffer.from(renderReport(view, 'json')).toString())).to.deep.equal(view)
    const artifact = reportArtifact(view, 'html')
    expect(artifact).to.include({ path: 'reports/soc2.html', mediaType: 'text/html; charset=utf-8' })
    expect(artifact.title).to.match(/^INCOMPLETE: SOC 2/)
    expect(await textOf(artifact.read())).to.equal(html(view))
  })

  it('shows names from outside as text, in cells, attributes, links and printed margins alike', () => {
    const evil = `"><img src=x onerror=alert(1)></style><script>alert(2)</script>'{{7}}`
    const control = {
      ...sampleControl('IDC-PS-001', evil, 'low', 'user'),
      references: [`javascript:alert(3)`, 'data:text/html,x', `https://x.example/${evil}`],
    }
    const outcome = outcomeOf(control, 3, 1, 1, 0)
    const named = {
      ...outcome,
      results: outcome.results.map(result => ({
        ...result,
        reason: evil,
        subject: { ...result.subject, name: evil, key: evil },
      })),
    }
    const source = evil
    const snapshot = { ...sampleSnapshot(), source }
    const evaluation = { ...sampleEvaluation(snapshot, [{ ...named, source }]) }
    const framework = { ...sampleInput().framework, name: evil, source: 'javascript:alert(4)' }
    const page = html(frameworkReportView(sampleInput({ snapshots: [snapshot], evaluation, framework, calls: [] })))
    expect(page).to.not.match(/<(img|script|iframe|object|link|base)\b/i)
    expect(page.match(/<style>/g)).to.have.length(2)
    expect(page.match(/<\/style>/g)).to.have.length(2)
    expect(page).to.not.match(/href="(javascript|data):/i)
    expect(page).to.include('&lt;script&gt;')
  })

  it('refers to nothing outside itself, and its own policy allows only its own styles', () => {
    const page = html(frameworkReportView(sampleInput()))
    expect(page).to.match(/^<!doctype html>\n<html lang="en">/)
    expect(page).to.match(
      /content="default-src 'none'; style-src 'sha256-[^']+' 'sha256-[^']+'; base-uri 'none'; form-action 'none'"/,
    )
    expect(page).to.not.match(/\s(src|srcset|style|on\w+)=/i)
    expect(page).to.not.match(/@import|url\(/i)
  })
})

describe('the templates', () => {
  const folder = new URL('../../reports/', import.meta.url)
  const templates = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.hbs'))

  it('make every link through the helper that refuses foreign schemes', () => {
    expect(templates).to.have.length.greaterThan(10)
    for (const name of templates) {
      const hrefs = [...readFileSync(new URL(name, folder), 'utf8').matchAll(/href="([^"]*?)("|\{\{)/g)]
      for (const [found, before] of hrefs) {
        const isHelper = before === '' && found.endsWith('{{')
        expect(isHelper || /^(#[a-z-]+|\/[a-z]*)$/.test(before!), `${name}: ${found}`).to.equal(true)
      }
      expect(readFileSync(new URL(name, folder), 'utf8'), name).to.not.match(/href="\{\{(?!(href|place) )/)
    }
  })

  it('escape everything: none uses the triple brace', () => {
    for (const name of templates) expect(readFileSync(new URL(name, folder), 'utf8'), name).to.not.match(/\{\{\{|\{\{&/)
  })

  it('stop at a name that the view does not have, in text, in conditions, in lists and in helpers', () => {
    const view = frameworkReportView(sampleInput())
    for (const name of [
      'framework',
      'isComplete',
      'missing',
      'totals',
      'sources',
      'controls',
      'requirements',
      'notInView',
      'issuedAt',
    ] as const) {
      const { [name]: _, ...without } = view
      expect(() => renderReport(without as typeof view, 'html'), name)
        .to.throw(ReportsError)
        .with.property('code', 'TEMPLATE_BROKEN')
    }
  })
})

describe('the tie-out of calls', () => {
  it('adds up calls, rows, requests, throttles and errors by operation and place', async () => {
    const call = (operation: string, changes: Partial<CallRecord> = {}): CallRecord => ({
      at: new Date('2026-06-30T00:00:00Z'),
      service: 'sso',
      operation,
      place,
      parameters: {},
      page: 1,
      items: 10,
      status: 200,
      errorCode: null,
      requestId: null,
      attempts: 1,
      throttles: 0,
      ms: 5,
      ...changes,
    })
    const sums = await countCalls('acme', [
      call('ListUsers'),
      call('ListUsers', { attempts: 3, throttles: 2, at: new Date('2026-06-29T00:00:00Z') }),
      call('ListGroups', { errorCode: 'AccessDeniedException', items: 0, status: 400 }),
      call('ListUsers', { place: { accountId: '1', region: 'us-east-1' } }),
    ])
    expect(
      sums.map(({ operation, accountId, calls, items, attempts, throttles }) => [
        operation,
        accountId,
        calls,
        items,
        attempts,
        throttles,
      ]),
    ).to.deep.equal([
      ['ListGroups', place.accountId, 1, 0, 1, 0],
      ['ListUsers', '1', 1, 10, 1, 0],
      ['ListUsers', place.accountId, 2, 20, 4, 2],
    ])
    expect(sums[0]!.errors).to.deep.equal({ AccessDeniedException: 1 })
    expect(sums[2]).to.include({ firstAt: '2026-06-29T00:00:00.000Z', lastAt: '2026-06-30T00:00:00.000Z' })
  })
})

function html(view: Parameters<typeof renderReport>[0]): string {
  return Buffer.from(renderReport(view, 'html')).toString('utf8')
}

/** What stands before the list of contents: the first screen. */
function coverOf(page: string): string {
  return page.slice(page.indexOf('<header'), page.indexOf('</header>'))
}

/** The row of a requirement. */
function rowOf(page: string, id: string): string {
  const start = page.indexOf(`>${id}</th>`)
  return page.slice(start, page.indexOf('</tr>', start))
}

/** The page as it is read: without marks, every run of white space as one space. */
function plain(page: string): string {
  return page
    .replace(/<[^>]+>/g, '')
    .replace(/&#x3D;/g, '=')
    .replace(/\s+/g, ' ')
}
