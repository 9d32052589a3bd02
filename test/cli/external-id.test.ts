import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { buildOrganization } from '../../src/simulator/index.ts'
import { externalId, workplace } from './program.ts'

const principal = 'arn:aws:iam::999988887777:role/collector'

describe('the external id', function () {
  this.timeout(120_000)

  it('is made once, kept for its owner alone, demanded by the printed trust policy and used by collections', async () => {
    const organization = buildOrganization({ seed: 7, accounts: 3, users: 4, groups: 2, permissionSets: 2, iamUsers: 0 })
    const roleArn = `arn:aws:iam::${organization.organization!.MasterAccountId}:role/EvidencedReader`
    await using place = await workplace({ organization, trust: [] })
    place.configure({ auth: { roleArn } })
    const policyOf = async () => {
      const printed = await place.run('aws', 'trust-policy', '--principal', principal)
      expect(printed.code, printed.stderr).to.equal(0)
      return JSON.parse(printed.stdout)
    }
    const policy = await policyOf()
    const [statement] = policy.Statement
    const made: string = statement.Condition.StringEquals['sts:ExternalId']
    expect(made).to.match(/^[A-Za-z0-9_-]{43}$/)
    expect(await policyOf()).to.deep.equal(policy)
    expect((await place.run('aws', 'external-id')).stdout.trim()).to.equal(made)
    const folder = join(place.folder, 'data', 'external-ids')
    expect(readdirSync(folder)).to.deep.equal(['acme'])
    expect(statSync(join(folder, 'acme')).mode & 0o777).to.equal(0o600)
    expect(statSync(folder).mode & 0o777).to.equal(0o700)

    const refused = await place.run('collect', '--json')
    expect(refused.json.errors[0].code).to.equal('ROLE_REFUSED')
    expect(refused.stdout + refused.stderr).not.to.contain(made)
    place.aws.trust({ roleArn, externalId: null })
    expect((await place.run('collect', '--json')).json.errors[0].code).to.equal('EXTERNAL_ID_NOT_DEMANDED')
    place.aws.trust({ roleArn, externalId: made })
    const collected = await place.run('collect', '--json')
    expect(collected.code, collected.stderr).to.equal(0)
    expect(collected.stdout + collected.stderr).not.to.contain(made)
    expect((await place.run('config', 'show', '--json')).stdout).not.to.contain(made)
  })

  it('stands beside where everything belongs: what to paste where, for the source as it is configured', async () => {
    await using place = await workplace()
    const auth = { roleArn: place.roleArn, externalId, sourceIdentity: 'evidenced' }
    place.configure({ auth, source: { iam: { roleName: 'audit/Reader', externalId } } })
    const policy = await place.run('aws', 'policy', '--source', 'acme')
    expect(policy.json.Statement.map((each: { Sid: string }) => each.Sid)).to.include('IamRead')
    expect(policy.stderr).to.include('as the policy of the role sources[].auth.roleArn').and.not.include('--with-iam')
    const trust = await place.run('aws', 'trust-policy', '--principal', principal)
    const needed = JSON.parse(/needs this in its own policy: (.*)/.exec(trust.stderr)![1]!)
    expect(needed.Resource).to.deep.equal([place.roleArn, 'arn:aws:iam::*:role/audit/Reader'])
    const stack = await place.run('aws', 'cloudformation', '--principal', principal, '--role', 'iam', '--source', 'acme')
    const { Properties } = stack.json.Resources.Reader
    expect(Properties).to.include({ RoleName: 'Reader', Path: '/audit/' })
    expect(Properties.AssumeRolePolicyDocument.Statement[0].Action).to.include('sts:SetSourceIdentity')
    expect(stack.stderr)
      .to.include('create-stack-set')
      .and.include('management account out')
      .and.include('roleName: audit/Reader')
    const terraform = await place.run('aws', 'terraform', '--principal', principal, '--source', 'acme')
    expect(terraform.json.resource.aws_iam_role.evidenced.name).to.equal('EvidencedReader')
    expect(terraform.stderr).to.include('evidenced.tf.json').and.include('auth: { roleArn: "arn:aws:iam::')
    expect(terraform.stderr).not.to.include(externalId)
    place.configure()
    expect((await place.run('aws', 'policy', '--source', 'acme')).stdout)
      .to.include('sso:ListInstances')
      .and.not.include('"iam:')
  })

  it('is asked for by name where there are several sources, and never one that STS would refuse', async () => {
    await using place = await workplace()
    const usage = async (...args: string[]) => {
      const { code, stderr } = await place.run('aws', ...args)
      expect(code, stderr).to.equal(2)
      return stderr
    }
    expect(await usage('trust-policy', '--principal', principal, '--external-id', '')).to.contain('is no external id')
    expect(await usage('trust-policy', '--principal', principal, '--external-id', 'x')).to.contain('2 to 1224')
    expect(await usage('trust-policy', '--principal', 'me')).to.contain('arn:aws:iam::111122223333:role/collector')
    const session = 'arn:aws:sts::999988887777:assumed-role/collector/i-0123'
    expect(await usage('trust-policy', '--principal', session)).to.contain(`its role, ${principal}`)
    expect(await usage('trust-policy', '--principal', principal.replace('aws', 'aws-moon'))).to.contain('no principal')
    expect(await usage('policy', '--partition', 'aws-moon')).to.contain('Known: aws, aws-us-gov, aws-cn')
    expect(await usage('cloudformation', '--principal', principal, '--partition', 'aws-cn')).to.match(/write --partition aws$/im)
    const sources = ['one', 'two'].map(label => ({ label, kind: 'aws', region: 'eu-west-1' }))
    place.configure({ more: { sources } })
    expect(await usage('trust-policy', '--principal', principal)).to.contain('one, two')
    const made = await place.run('aws', 'trust-policy', '--principal', '999988887777', '--source', 'two')
    const [{ Principal }] = JSON.parse(made.stdout).Statement
    expect(Principal.AWS).to.equal('arn:aws:iam::999988887777:root')
  })

  it('is asked for in the printed commands as the one of the source they are for', async () => {
    await using place = await workplace()
    const commands = async (...args: string[]) => {
      const { stderr } = await place.run('aws', ...args, '--principal', principal)
      return [...new Set(stderr.match(/\$\(evidenced [^)]*\)/g))]
    }
    expect(await commands('terraform')).to.deep.equal(['$(evidenced aws external-id)'])
    expect(await commands('terraform', '--source', 'acme')).to.deep.equal(['$(evidenced aws external-id --source acme)'])
    const sources = ['one', 'two'].map(label => ({ label, kind: 'aws', region: 'eu-west-1' }))
    place.configure({ more: { sources } })
    const ofTwo = await commands('cloudformation', '--role', 'iam', '--source', 'two')
    expect(ofTwo).to.deep.equal(['$(evidenced aws external-id --source two)'])
    expect(await commands('cloudformation')).to.deep.equal(['$(evidenced aws external-id --source LABEL)'])
    const elsewhere = await commands('terraform', '--config', 'missing.yaml')
    expect(elsewhere).to.deep.equal(['$(evidenced aws external-id --config missing.yaml)'])
  })
})
