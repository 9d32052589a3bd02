import { expect } from 'chai'
import { buildOrganization } from '../../src/simulator/index.ts'
import { externalId, workplace } from './program.ts'

describe('the inventory of accounts of people', function () {
  this.timeout(120_000)

  it('shows the users of Identity Center and of IAM, with status, application, source and ids', async () => {
    const organization = buildOrganization({ seed: 7, accounts: 2, users: 5, groups: 2, permissionSets: 2, iamUsers: 1 })
    const [user] = organization.users
    user!.ExternalIds = [{ Issuer: 'https://idp.example', Id: '42' }]
    const roles = organization.accounts.map(({ Id }) => `arn:aws:iam::${Id}:role/EvidencedIamReader`)
    const home = `arn:aws:iam::${organization.organization!.MasterAccountId}:role/EvidencedReader`
    await using place = await workplace({ organization, trust: [home, ...roles].map(roleArn => ({ roleArn, externalId })) })
    expect((await place.run('inventory')).code).to.equal(2)
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of the configuration
    place.configure({ source: { iam: { roleName: 'EvidencedIamReader', externalId: '${EXTERNAL_ID}' } } })
    const collected = await place.run('collect', '--json')
    expect(collected.code, collected.stderr).to.equal(0)
    const { json } = await place.run('inventory', '--json')
    expect(json.sources).to.deep.equal([{ source: 'acme', version: 1, isComplete: true }])
    const of = (application: string) => json.accounts.filter((each: { application: string }) => each.application === application)
    expect(of('AWS IAM Identity Center')).to.have.length(organization.users.length)
    expect(of('AWS IAM')).to.have.length(organization.accounts.length)
    expect(json.accounts.find((each: { userName: string }) => each.userName === user!.UserName)).to.include({
      status: user!.UserStatus,
      source: 'acme',
      externalIds: 'https://idp.example 42',
    })
    const printed = await place.run('inventory', '--source', 'acme')
    expect(printed.stdout).to.include('AWS IAM Identity Center').and.include(user!.UserName)
    expect(printed.stdout).to.include('acme: snapshot 1')
  })
})
