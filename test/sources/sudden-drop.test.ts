import { expect } from 'chai'
import { buildOrganization } from '../../src/simulator/index.ts'
import { collect, planCollection } from '../../src/sources/index.ts'
import { freshAws, staged } from './fresh-aws.ts'

const shape = { seed: 61, accounts: 5, users: 40, groups: 4, permissionSets: 3, applications: 1, iamUsers: 0 }

async function collectedAfter(users: number, left: number, prepare?: (fresh: Awaited<ReturnType<typeof freshAws>>) => void) {
  const organization = buildOrganization(shape)
  organization.users = organization.users.slice(0, left)
  await using fresh = await freshAws(organization, { simulator: { pageSize: 10 } })
  prepare?.(fresh)
  const plan = await planCollection(fresh.aws, fresh.source, {}, { 'identitystore.users': users })
  const batches = []
  for await (const batch of collect(fresh.aws, fresh.source, plan, new Set())) batches.push(batch)
  const found = staged(plan, batches)
  const lists = fresh.simulator.calls.filter(call => call.operation === 'ListUsers' && !('NextToken' in call.input)).length
  return { ...found.part('identitystore.users', ''), lists }
}

describe('a sudden drop', () => {
  it('is listed again before it is believed, and stays open when it lasts', async () => {
    const { rows, end, lists } = await collectedAfter(40, 31)
    expect(lists).to.equal(2)
    expect(end.coverage).to.equal('incomplete')
    const [gap] = end.gaps.filter(each => each.reason !== 'withheld')
    expect(gap).to.include({ reason: 'unconfirmed_drop', action: null })
    expect(gap!.message).to.include('31').and.include('40').and.include('snapshots confirm acme')
    // what was seen is there
    expect(rows.size).to.equal(31)
  })

  it('is none at a fifth, nor in a small population', async () => {
    expect(await collectedAfter(40, 32)).to.deep.include({ lists: 1 })
    expect((await collectedAfter(40, 32)).end.coverage).to.equal('complete')
    expect((await collectedAfter(19, 2)).end.coverage).to.equal('complete')
  })

  it('is forgotten when the second list is whole', async () => {
    const { rows, end, lists } = await collectedAfter(40, 40, ({ simulator }) => {
      const { organization } = simulator
      const all = organization.users
      organization.users = all.slice(0, 10)
      let calls = 0
      simulator.hook('ListUsers', () => {
        if (++calls === 2) organization.users = all
      })
    })
    expect(lists).to.equal(2)
    expect(end.coverage).to.equal('complete')
    expect(rows.size).to.equal(40)
  })
})
