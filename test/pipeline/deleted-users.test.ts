import { expect } from 'chai'
import { isComplete } from '../../src/coverage.ts'
import { silent } from '../../src/log.ts'
import { runCollection } from '../../src/pipeline/index.ts'
import { buildOrganization } from '../../src/simulator/index.ts'
import { readResources } from '../../src/store/index.ts'
import { freshAws } from '../sources/fresh-aws.ts'
import { freshStore } from '../store/fresh-store.ts'

describe('an IAM user that was deleted', () => {
  it('takes keys and devices along, although a credential report of hours ago still names it', async () => {
    const organization = buildOrganization({ seed: 3, accounts: 2, users: 2, groups: 1, permissionSets: 1, iamUsers: 2 })
    const roleName = 'EvidencedIamReader'
    const roles = organization.accounts.map(({ Id }) => ({ roleArn: `arn:aws:iam::${Id}:role/${roleName}`, externalId: null }))
    const iam = { roleName, externalId: null, accounts: null }
    await using fresh = await freshAws(organization, { simulator: { trust: roles }, source: { iam } })
    await using store = await freshStore()
    const parts = { aws: fresh.aws, store, now: () => new Date(), log: silent }
    const collect = () => runCollection(parts, fresh.source, { checks: 'none' })
    expect(isComplete(await collect())).to.equal(true)
    const documents = fresh.simulator.counts.get('iam:GetPolicyVersion')
    expect(documents).to.be.above(0)

    const own = organization.iam[organization.accounts[0]!.Id]!
    const gone = own.users.find(user => user.accessKeys.length > 0)!
    own.users = own.users.filter(user => user !== gone)
    const snapshot = await collect()
    // documents are handed in from the store
    expect(fresh.simulator.counts.get('iam:GetPolicyVersion')).to.equal(documents)

    const named = new Map<string, number>()
    for await (const { dataset, key } of readResources(store, snapshot))
      if (key.startsWith(gone.Arn)) named.set(dataset, (named.get(dataset) ?? 0) + 1)
    expect([...named.keys()]).to.deep.equal(['iam.credential_reports'])
    const open = snapshot.datasets.filter(each => each.openParts > 0 && each.coverage !== 'not_collectable')
    expect(open.map(each => `${each.name} ${each.reason}`)).to.deep.equal([])
  })
})
