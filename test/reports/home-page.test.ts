import { expect } from 'chai'
import type { RunRecord } from '../../src/model.ts'
import { homeView, renderPage } from '../../src/reports/index.ts'
import { sampleEvaluation, sampleHome, sampleSnapshot } from './sample.ts'

const failedRun: RunRecord = {
  id: 'later',
  source: 'acme',
  startedAt: new Date('2026-06-30T06:00:00Z'),
  endedAt: new Date('2026-06-30T06:01:00Z'),
  outcome: 'failed',
  snapshotVersion: null,
  error: 'the role arn:aws:iam::111122223333:role/EvidencedReader refused the external id',
  errorCode: 'ROLE_REFUSED',
}

describe('the first page', () => {
  it('shows coverage first, then controls with their arithmetic, then downloads', () => {
    const { html } = renderPage(homeView(sampleHome()))
    const order = ['id="coverage"', 'id="controls"', 'id="evidence"'].map(text => html.indexOf(text))
    expect(order.every(at => at > 0)).to.equal(true)
    expect([...order].sort((a, b) => a - b)).to.deep.equal(order)
    expect(html).to.include('INCOMPLETE.').and.include('sso:GetInlinePolicyForPermissionSet')
    expect(html)
      .to.include('<span>sso.inline_policies</span> <b>≥ 8</b>')
      .and.include('<span>identitystore.users</span> <b>512</b>')
    expect(html).to.include('href="/bundles/0197a3f5"').and.include('href="/reports/soc2.html"')
    expect(html).to.include('6 hours ago').and.include('2026-06-30 00:21:00Z')
  })

  it('says when the whole store was last computed again, loudly when something was wrong or it could not be done', () => {
    const last = { at: new Date('2026-06-28T06:25:00Z'), snapshots: 3, evaluations: 2, problems: 0, headsMissing: 1, first: [] }
    const page = (more: object, failure: string | null = null) =>
      renderPage(homeView(sampleHome({ verification: { last: { ...last, ...more }, failure, schedule: '0 4 * * 0' } }))).html
    expect(page({}))
      .to.include('last computed again 2 days ago')
      .and.include('3 snapshots and 2 evaluations, all as it was sealed; 1 head is missing outside')
      .and.not.include('NOT AS IT WAS SEALED')
    const problem = { kind: 'row', name: 'identitystore.users u1', message: 'what it says was changed' }
    expect(page({ problems: 1, first: [problem] }))
      .to.include('THE STORE IS NOT AS IT WAS SEALED')
      .and.include('row identitystore.users u1: what it says was changed')
    expect(page({}, 'the bucket cannot be read')).to.include('could not be verified').and.include('the bucket cannot be read')
    const never = sampleHome({ verification: { last: null, failure: null, schedule: '0 4 * * 0' } })
    expect(renderPage(homeView(never)).html).to.include('was never computed again yet')
  })

  it('says on top what is older than the schedule asks for, and what else needs attention', () => {
    const [source] = sampleHome().sources
    const since = new Date('2026-06-30T02:00:00Z')
    const { html } = renderPage(
      homeView(sampleHome({ sources: [{ ...source!, overdueSince: since }], attention: ['acme is overdue', '<b>broken</b>'] })),
    )
    expect(html).to.include('<title>evidenced: stale</title>').and.include('STALE.').and.include('<li>acme is overdue</li>')
    expect(html).to.include('&lt;b&gt;broken')
    expect(renderPage(homeView(sampleHome())).html).to.not.match(/STALE|Needs attention/)
  })

  it('says that it listens on this machine only, and why', () => {
    expect(renderPage(homeView(sampleHome())).html).to.include(
      'listens on this machine only (loopback), since sign-in does not exist yet',
    )
  })

  it('puts controls with fails first, the most severe of them on top', () => {
    const { evaluation } = homeView(sampleHome())
    expect(evaluation?.groups.map(({ standing }) => standing)).to.deep.equal(['fail', 'unknown', 'pass'])
    expect(evaluation?.groups[0]?.controls.map(({ id }) => id)).to.deep.equal([
      'IDC-PS-001',
      'IDC-ASG-002',
      'IDC-ASG-001',
      'IDC-USER-001',
      'IDC-GRP-001',
    ])
  })

  it('says that the last run failed, why, and that what is shown is older', () => {
    const snapshot = sampleSnapshot({ isComplete: true })
    const { html } = renderPage(
      homeView(
        sampleHome({ sources: [{ label: 'acme', snapshot, lastRun: failedRun }], evaluation: sampleEvaluation(snapshot) }),
      ),
    )
    expect(html)
      .to.include('did not end in a snapshot (Failed)')
      .and.include(failedRun.error)
      .and.include('What stands below is older')
    const same = { ...failedRun, id: snapshot.runId, outcome: 'sealed' as const }
    expect(homeView(sampleHome({ sources: [{ label: 'acme', snapshot, lastRun: same }] })).sources[0]?.laterRun).to.equal(null)
  })

  it('says that an evaluation judged an older snapshot than the last one', () => {
    const older = sampleEvaluation({ ...sampleSnapshot(), version: 6, digest: 'a'.repeat(64) })
    const view = homeView(sampleHome({ evaluation: older }))
    expect(view.evaluation?.olderThanSnapshots).to.deep.equal(['acme version 6'])
    expect(renderPage(view).html).to.include('Not the last snapshot.')
    expect(homeView(sampleHome()).evaluation?.olderThanSnapshots).to.deep.equal([])
  })

  it('is never COMPLETE while a source was not collected, and tells what to run', () => {
    const view = homeView(
      sampleHome({ sources: [{ label: 'new', snapshot: null, lastRun: null }], evaluation: null, bundles: [], reports: [] }),
    )
    expect(view.isComplete).to.equal(false)
    const { html } = renderPage(view)
    expect(html)
      .to.include('INCOMPLETE')
      .and.include('evidenced collect')
      .and.include('evidenced evaluate')
      .and.include('evidenced bundle')
    const { html: empty } = renderPage(
      homeView(sampleHome({ sources: [], evaluation: null, bundles: [], reports: [], keyFingerprint: null })),
    )
    expect(empty).to.include('No source.').and.not.include('COMPLETE.')
  })

  it('links only to places of this server and to https, whatever it is given', () => {
    const hrefOf = (href: string) => {
      const { html } = renderPage(homeView(sampleHome({ bundles: [], reports: [{ title: 'the link', href }] })))
      return /href="([^"]*)">the link/.exec(html)?.[1]
    }
    for (const href of ['/bundles/1', 'https://example.com/x', '#controls']) expect(hrefOf(href)).to.equal(href)
    for (const href of [
      'javascript:alert(1)',
      ' javascript:alert(1)',
      'JAVASCRIPT:x',
      'data:text/html,x',
      '//evil.example',
      '/\\\\evil',
      'vbscript:x',
    ]) {
      expect(hrefOf(href), href).to.equal('#')
    }
  })

  it('names the styles that a policy must let through, and needs nothing else', () => {
    const page = renderPage(homeView(sampleHome()))
    expect(page.styleSources).to.match(/^'sha256-[A-Za-z0-9+/]{43}='$/)
    expect(page.html).to.not.match(/<script|\s(src|style|on\w+)=|@import|url\(/i)
  })
})

describe('the error page', () => {
  it('says what happened and the way out, as text', () => {
    const { html } = renderPage({
      kind: 'error',
      status: 404,
      title: 'There is no such page',
      message: '<b>/x</b>',
      hint: 'go back',
      softwareVersion: '0.1.0',
    })
    expect(html)
      .to.include('There is no such page')
      .and.include('&lt;b&gt;/x&lt;/b&gt;')
      .and.include('go back')
      .and.include('href="/"')
  })
})
