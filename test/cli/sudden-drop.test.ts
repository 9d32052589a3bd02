import { expect } from 'chai'
import { buildOrganization, emptyOrganization } from '../../src/simulator/index.ts'
import { externalId, workplace } from './program.ts'

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

  it('does not believe a directory without users and groups until somebody confirms it', async function () {
    this.timeout(180_000)
    await using place = await workplace({ organization: emptyOrganization() })
    const first = await place.run('collect', '--json')
    expect(first.code, first.stderr).to.equal(3)
    const confirmed = await place.run('snapshots', 'confirm', 'acme', '1', '--json')
    expect(confirmed.json.datasets).to.deep.equal(['identitystore.groups', 'identitystore.users'])
    const believed = await place.run('collect', '--json')
    expect(believed.code, believed.stderr).to.equal(0)
  })

  it('keeps memberships, assignments and IAM users as last known until somebody confirms', async function () {
    this.timeout(240_000)
    const organization = buildOrganization({
      seed: 72,
      accounts: 3,
      users: 40,
      groups: 3,
      permissionSets: 3,
      pairs: 9,
      assignments: 24,
      iamUsers: 24,
    })
    const roles = organization.accounts.map(({ Id }) => `arn:aws:iam::${Id}:role/EvidencedIamReader`)
    const home = `arn:aws:iam::${organization.organization!.MasterAccountId}:role/EvidencedReader`
    await using place = await workplace({ organization, trust: [home, ...roles].map(roleArn => ({ roleArn, externalId })) })
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of the configuration, resolved by the program
    place.configure({ source: { iam: { roleName: 'EvidencedIamReader', externalId: '${EXTERNAL_ID}' } } })
    const first = await place.run('collect', '--json')
    expect(first.code, first.stderr).to.equal(0)
    const emptied = organization.accounts[0]!.Id
    const users = organization.iam[emptied]!.users
    const [group] = organization.memberships.map(row => row.GroupId)
    const memberships = organization.memberships.filter(row => row.GroupId !== group)
    expect(memberships.length).to.be.below(organization.memberships.length * 0.8)
    organization.memberships = memberships
    organization.assignments = organization.assignments.slice(0, 12)
    organization.iam[emptied]!.users = users.slice(0, 4)
    // the report that AWS keeps for four hours would go on naming them
    organization.iam[emptied]!.credentialReport = null
    const datasets = ['iam.users', 'identitystore.group_memberships', 'sso.account_assignments']
    const dropped = (await place.run('collect', '--json')).json.snapshots[0]
    for (const name of datasets)
      expect(dropped.datasets.find((row: { name: string }) => row.name === name).coverage, name).to.equal('incomplete')
    const again = (await place.run('collect', '--json')).json.snapshots[0]
    for (const name of datasets)
      expect(again.datasets.find((row: { name: string }) => row.name === name).coverage, name).to.equal('incomplete')
    const confirmed = await place.run('snapshots', 'confirm', 'acme', '3', '--json')
    expect(confirmed.code, confirmed.stderr).to.equal(0)
    expect(confirmed.json.datasets).to.include.members(datasets)
    const believed = await place.run('collect', '--json')
    const isOpen = (row: { coverage: string }) => ['incomplete', 'denied'].includes(row.coverage)
    expect(believed.json.snapshots[0].datasets.filter(isOpen)).to.deep.equal([])
    expect(believed.code, believed.stderr).to.equal(0)
    const rows = believed.json.snapshots[0].datasets
    for (const name of datasets)
      expect(rows.find((row: { name: string }) => row.name === name).coverage, name).to.equal('complete')
  })
})
