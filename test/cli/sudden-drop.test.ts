import { expect } from 'chai'
import { buildOrganization } from '../../src/simulator/index.ts'
import { workplace } from './program.ts'

describe('a sudden drop, as a user meets it', () => {
  it('keeps people as last known until somebody confirms that they are gone', async function () {
    this.timeout(180_000)
    const organization = buildOrganization({ seed: 71, accounts: 3, users: 40, groups: 3, permissionSets: 2, pairs: 3 })
    await using place = await workplace({ organization })
    expect((await place.run('collect', '--json')).code).to.equal(0)
    organization.users = organization.users.slice(0, 20)
    const nothing = await place.run('snapshots', 'confirm', 'acme', '1', '--json')
    expect(nothing.code).to.equal(2)
    const usersOf = (ended: Awaited<ReturnType<typeof place.run>>) =>
      ended.json.snapshots[0].datasets.find((row: { name: string }) => row.name === 'identitystore.users')
    for (const attempt of ['first', 'second']) {
      const collected = await place.run('collect', '--json')
      expect(collected.code, attempt).to.equal(3)
      expect(usersOf(collected), attempt).to.include({ coverage: 'incomplete', count: 20 })
    }
    const confirmed = await place.run('snapshots', 'confirm', 'acme', '3', '--json')
    expect(confirmed.code, confirmed.stderr).to.equal(0)
    expect(confirmed.json.datasets).to.deep.equal(['identitystore.users'])
    const believed = await place.run('collect', '--json')
    expect(believed.code, believed.stderr).to.equal(0)
    expect(usersOf(believed)).to.include({ coverage: 'complete', count: 20 })
  })
})
