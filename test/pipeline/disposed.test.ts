import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { loadCatalog } from '../../src/controls/index.ts'
import { openSigner, readBundleFile, verifyBundle } from '../../src/evidence/index.ts'
import { silent } from '../../src/log.ts'
import { issueEvidence, periodReport, reperform, runCollection, runEvaluation } from '../../src/pipeline/index.ts'
import { buildOrganization, drift } from '../../src/simulator/index.ts'
import { pseudonymise, runRetention, verifyStore } from '../../src/store/index.ts'
import { freshAws } from '../sources/fresh-aws.ts'
import { clockAt } from '../store/collected.ts'
import { freshStore } from '../store/fresh-store.ts'

const catalog = loadCatalog()

describe('evidence over what was disposed of', function () {
  this.timeout(240_000)
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'evidenced-disposed-'))
  })
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  it('says so in every file, never takes it for absent, and leaves bundles that were issued before as they were', async () => {
    const organization = buildOrganization({
      seed: 3,
      accounts: 6,
      users: 20,
      groups: 5,
      permissionSets: 5,
      iamUsers: 0,
      defects: true,
    })
    const clock = clockAt('2026-01-01T00:00:00Z')
    await using fresh = await freshAws(organization)
    await using store = await freshStore({ now: clock.now })
    const signer = await openSigner({ dataDir: folder })
    const parts = { aws: fresh.aws, store, catalog, signer, now: clock.now, log: silent }
    const issue = async (name: string, asOf: string) => {
      const path = join(folder, name)
      const record = await issueEvidence(parts, { framework: 'soc2', asOf: new Date(asOf), path, formats: ['html'] })
      const { ok, manifest, problems } = await verifyBundle(path)
      expect(ok, JSON.stringify(problems)).to.equal(true)
      return { path, manifest: manifest!, record }
    }
    for (let month = 1; month <= 3; month++) {
      clock.moveTo(`2026-0${month}-01T00:00:00Z`)
      if (month > 1) {
        drift(organization, { seed: 9, day: month, at: new Date() })
        for (const user of organization.users) user.Title = `Title ${month}`
      }
      await runCollection({ aws: fresh.aws, store, now: clock.now, log: silent }, fresh.source)
      await runEvaluation(parts, clock.now())
    }
    const january = '2026-01-15T00:00:00Z'
    const before = await issue('before.zip', january)
    expect((await reperform(before.path, before.manifest)).ok).to.equal(true)

    clock.moveTo('2026-03-20T00:00:00Z')
    const rules = { of: () => ({ days: 30, because: 'test' }), imports: { days: 30, because: 'test' } }
    const [step] = await runRetention(store, rules)
    expect(step!.resources).to.be.greaterThan(15)
    expect((await verifyStore(store, null)).problems).to.deep.equal([])
    expect((await reperform(before.path, before.manifest)).ok, 'an issued bundle holds its own').to.equal(true)

    const after = await issue('after.zip', january)
    const said = `disposed of under retention on 2026-03-20 (ledger entry ${step!.ledgerPosition})`
    const users = await textOf(after.path, 'populations/acme/users.csv')
    expect(users.split(said).length - 1, 'every user says it in its cells').to.be.greaterThan(15)
    expect(users.trim().split('\r\n').length).to.equal(
      (await textOf(before.path, 'populations/acme/users.csv')).trim().split('\r\n').length,
    )
    const again = await reperform(after.path, after.manifest)
    expect(again.differences, JSON.stringify(again.different.slice(0, 3), null, 2)).to.equal(0)
    expect(again.ok).to.equal(false)
    expect(again.unjudged).to.be.greaterThan(0)
    expect(again.notReperformed.join()).to.contain(said)

    const period = await periodReport(parts, { framework: 'soc2', from: new Date('2026-01-02'), to: new Date('2026-03-10') })
    const changed = period.changes.filter(each => each.dataset === 'identitystore.users')
    expect(changed.filter(each => each.kind === 'removed').length).to.be.lessThan(5)
    expect(changed.find(each => each.kind === 'changed')!.members[0]!.before).to.equal(said)

    const latest = await issue('latest.zip', '2026-03-10T00:00:00Z')
    const whole = await reperform(latest.path, latest.manifest)
    expect(whole.differences).to.equal(0)
    expect(whole.notReperformed, 'since when a state holds is known less far back').to.have.lengthOf(1)
    expect(await textOf(latest.path, 'populations/acme/users.csv')).not.to.contain('disposed of')
    await pseudonymise(store, { source: 'acme', user: organization.users[3]!.UserId, isDryRun: false })
    const without = await issue('without.zip', '2026-03-10T00:00:00Z')
    expect(await textOf(without.path, 'snapshots/acme-v3.jsonl')).not.to.contain(organization.users[3]!.UserName)
    expect(await textOf(without.path, 'results.jsonl')).not.to.contain(organization.users[3]!.UserName)
    expect((await reperform(without.path, without.manifest)).differences).to.equal(0)
    expect((await verifyStore(store, null)).problems).to.deep.equal([])
  })
})

async function textOf(path: string, file: string): Promise<string> {
  return Buffer.concat(await Array.fromAsync(readBundleFile(path, file))).toString('utf8')
}
