import { expect } from 'chai'
import { type Catalog, loadCatalog } from '../../src/controls/index.ts'
import { silent } from '../../src/log.ts'
import type { ImportKind, Result } from '../../src/model.ts'
import { explainSubject, latestResults, runCollection, runEvaluation } from '../../src/pipeline/index.ts'
import { buildOrganization } from '../../src/simulator/index.ts'
import { type Store, saveImport } from '../../src/store/index.ts'
import { type FreshAws, freshAws } from '../sources/fresh-aws.ts'
import { freshStore } from '../store/fresh-store.ts'

const whole = loadCatalog()
const only = (...ids: string[]): Catalog => ({
  ...whole,
  compiled: whole.compiled.filter(({ info }) => ids.includes(info.id)),
  controls: whole.controls.filter(({ id }) => ids.includes(id)),
})
const dayMs = 86_400_000

describe('changes of a look-back period', function () {
  this.timeout(240_000)

  it('fail until they are approved, or until they are undone', async () => {
    const organization = buildOrganization({
      seed: 5,
      users: 20,
      accounts: 4,
      groups: 5,
      permissionSets: 4,
      iamUsers: 0,
      defects: false,
    })
    const set =
      organization.permissionSets.find(
        ({ managedPolicies, inlinePolicy }) => managedPolicies.length === 0 && inlinePolicy === '',
      ) ?? organization.permissionSets[0]!
    set.managedPolicies = [{ Name: 'AdministratorAccess', Arn: 'arn:aws:iam::aws:policy/AdministratorAccess' }]
    set.permissionsBoundary = null
    organization.assignments = organization.assignments.filter(each => each.PermissionSetArn !== set.PermissionSetArn)
    const [account, user] = [organization.accounts[1]!, organization.users[3]!]
    await using fresh = await freshAws(organization)
    const start = Date.parse('2026-03-01T00:00:00Z')
    let day = 0
    const now = () => new Date(start + day * dayMs)
    await using store = await freshStore({ now })
    const catalog = only('CHG-001')
    const judge = async () => {
      await runEvaluation({ store, catalog, log: silent }, now())
      return (await latestResults({ store, catalog }, 'CHG-001', now())).results
    }

    await collect(fresh, store, now)
    expect(said(await judge())).to.deep.equal(['unknown history.snapshots', 'unknown import.approvals'])

    organization.assignments.push({
      ...{ AccountId: account.Id, PermissionSetArn: set.PermissionSetArn, PrincipalType: 'USER', PrincipalId: user.UserId },
    })
    day = 1
    await collect(fresh, store, now)
    expect(said(await judge())).to.deep.equal(['unknown import.approvals'])
    await bring(store, 'approvals', [])
    const subject = `${user.UserId}|${account.Id}|${set.PermissionSetArn}|2026-03-02T00:00:00Z`
    expect(said(await judge()), 'not due yet').to.deep.equal([`not_applicable ${subject}`])
    day = 4
    const [failed] = await judge()
    expect(failed).to.include({ status: 'fail' })
    expect(failed!.reason).to.contain(`${user.UserName}: ${set.Name} on ${account.Name} was gained between`)

    const approval = {
      ticket: 'T-7',
      approver: 'ben',
      approvedAt: '2026-03-01T12:00:00Z',
      user: user.UserName,
      permissionSet: set.Name,
    }
    await bring(store, 'approvals', [approval])
    expect(said(await judge())).to.deep.equal([`pass ${subject}`])
    const [explained] = await explainSubject({ store, catalog }, now(), 'CHG-001', subject)
    expect(JSON.stringify(explained)).to.contain('"status":"pass"')
    await bring(store, 'approvals', [])
    expect(said(await judge())).to.deep.equal([`fail ${subject}`])

    organization.assignments.pop()
    day = 5
    await collect(fresh, store, now)
    expect(said(await judge())).to.deep.equal([`not_applicable ${subject}`])
    day = 200
    expect(said(await judge()), 'nobody looked in this period').to.deep.equal(['unknown history.snapshots'])
  })
})

async function collect(fresh: FreshAws, store: Store, now: () => Date): Promise<void> {
  await runCollection({ aws: fresh.aws, store, now, log: silent }, fresh.source)
}

async function bring(store: Store, kind: ImportKind, rows: readonly Record<string, string>[]): Promise<void> {
  await saveImport(store, { kind, location: `${kind}.csv`, digest: 'a'.repeat(64), rows })
}

function said(results: readonly Result[]): readonly string[] {
  return results.map(({ status, subject }) => `${status} ${subject.key}`)
}
