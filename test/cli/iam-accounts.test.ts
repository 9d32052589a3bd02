import { expect } from 'chai'
import { buildOrganization } from '../../src/simulator/index.ts'
import { externalId, type Workplace, workplace } from './program.ts'

describe('IAM of the accounts, as a user collects it', () => {
  let place: Workplace
  const organization = buildOrganization({ seed: 41, accounts: 5, users: 5, groups: 2, permissionSets: 3, pairs: 6, iamUsers: 2 })
  const active = organization.accounts.filter(account => account.State === 'ACTIVE')
  const [lost] = active.slice(-1)

  before(async function () {
    this.timeout(120_000)
    const home = organization.organization!.MasterAccountId
    const members = active.filter(account => account !== lost).map(({ Id }) => `arn:aws:iam::${Id}:role/EvidencedIamReader`)
    const trust = [`arn:aws:iam::${home}:role/EvidencedReader`, ...members].map(roleArn => ({ roleArn, externalId }))
    place = await workplace({ organization, trust })
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of the configuration, resolved by the program
    place.configure({ source: { iam: { roleName: 'EvidencedIamReader', externalId: '${EXTERNAL_ID}' } } })
  })

  after(() => place[Symbol.asyncDispose]())

  it('keeps each account apart: one refused role leaves one account denied and the exit code 3', async function () {
    this.timeout(120_000)
    const collected = await place.run('collect', '--json')
    expect(collected.code, collected.stderr).to.equal(3)
    const shown = (await place.run('snapshots', 'show', 'acme', '--json')).json
    const { resources } = shown.datasets.find((each: { name: string }) => each.name === 'iam.users')
    const users = resources as { accountId: string; key: string }[]
    const known = active.filter(account => account !== lost)
    expect(users.map(user => user.key).sort()).to.deep.equal(
      known.flatMap(({ Id }) => organization.iam[Id]!.users.map(user => user.Arn)).sort(),
    )
    for (const user of users) expect(user.accountId).to.equal(user.key.split(':')[4])
    const gaps = shown.gaps as { dataset: string; place: { accountId: string }; action: string; message: string }[]
    const refused = gaps.filter(gap => gap.dataset === 'iam.users')
    expect(refused).to.have.length(1)
    expect(refused[0]!.action).to.equal('sts:AssumeRole')
    expect(refused[0]!.message).to.include(lost!.Id)
    const rows = collected.json.snapshots[0].datasets as { name: string; coverage: string; calls: number }[]
    const details = rows.filter(row => row.name.endsWith('_details') && row.name.startsWith('iam.'))
    // suspended accounts do not count; one operation for three datasets is counted once for each
    for (const row of details) expect(row.calls, row.name).to.equal(known.length)
  })

  it('prints the policies that it takes, and refuses roles that do not exist', async () => {
    const member = (await place.run('aws', 'policy', '--role', 'iam')).stdout
    expect(member).to.include('iam:GenerateCredentialReport').and.not.include('sso:')
    expect((await place.run('aws', 'policy', '--with-iam')).stdout).to.include('iam:GetPolicyVersion')
    expect((await place.run('aws', 'policy', '--role', 'other')).code).to.equal(2)
  })
})
