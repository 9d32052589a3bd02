import { expect } from 'chai'
import { buildEstate, type Classification, classify } from '../../src/controls/index.ts'
import type { Gap } from '../../src/model.ts'
import { estateRows, gap, type SmallSet } from './estate-rows.ts'

async function classified(set: Omit<SmallSet, 'arn'>, gaps: readonly Gap[] = []): Promise<Classification> {
  const estate = await buildEstate(estateRows({ sets: [{ arn: 'ps1', name: 'Ops', ...set }], gaps }))
  const [found, ...more] = [...classify(estate)]
  expect(more).to.deep.equal([])
  return found!
}

const policy = (...statements: readonly object[]) => JSON.stringify({ Version: '2012-10-17', Statement: statements })
const allow = (more: object) => ({ Effect: 'Allow', Action: '*', Resource: '*', ...more })
const statement = (members: object) => policy(members)

describe('the classification of a permission set', () => {
  const inline: readonly (readonly [what: string, text: string, classification: string])[] = [
    ['Action * on Resource *', policy(allow({})), 'admin'],
    ['Action *:*', policy(allow({ Action: '*:*' })), 'admin'],
    ['a list of actions with * in it', policy(allow({ Action: ['s3:Get*', '*'] })), 'admin'],
    ['a list of resources with * in it', policy(allow({ Resource: ['arn:aws:s3:::a', '*'] })), 'admin'],
    ['one statement that is no list', JSON.stringify({ Statement: allow({}) }), 'admin'],
    ['element names in another case', '{"statement":{"effect":"Allow","action":"*","resource":"*"}}', 'admin'],
    ['NotAction alone', statement({ Effect: 'Allow', NotAction: 'iam:*', Resource: '*' }), 'admin'],
    ['NotAction * (nothing)', statement({ Effect: 'Allow', NotAction: '*', Resource: '*' }), 'none'],
    ['NotResource', statement({ Effect: 'Allow', Action: '*', NotResource: 'arn:aws:s3:::secret' }), 'admin'],
    ['NotResource * (nothing)', statement({ Effect: 'Allow', Action: '*', NotResource: '*' }), 'none'],
    ['every ARN', policy(allow({ Resource: 'arn:aws:*:*:*:*' })), 'admin'],
    ['arn:*', policy(allow({ Resource: 'arn:*' })), 'admin'],
    ['every ARN in two letters', policy(allow({ Resource: 'arn*' })), 'admin'],
    ['every ARN by its colons', policy(allow({ Resource: '*:*' })), 'admin'],
    ['every action, written to be overlooked', policy(allow({ Action: '?*' })), 'admin'],
    ['a Deny of it', policy(allow({}), allow({ Effect: 'Deny', Action: '?*' })), 'admin'],
    ['NotResource of nearly everything', statement({ Effect: 'Allow', Action: '*', NotResource: '*:*:*:*:*:*:*' }), 'admin'],
    ['every resource of a service', policy(allow({ Resource: 'arn:aws:s3:::*' })), 'none'],
    ['one bucket', policy(allow({ Resource: 'arn:aws:s3:::bucket/*' })), 'none'],
    ['one service', policy(allow({ Action: 's3:*' })), 'none'],
    ['all of IAM', policy(allow({ Action: 'iam:*' })), 'admin'],
    ...[
      ...['arn:aws:iam::*', 'arn:aws:iam:*', 'arn:aws:iam*', 'arn:aws:i?m::*', 'arn:*:iam::*:*', 'arn:aws-cn:iam::*:*/*'],
      ...['arn:aws:iam::*:*/*', 'arn:aws:iam::*:policy*', 'arn:aws:iam::*:policy/?*', 'arn:aws:iam::*:policy/**'],
      ...['arn:aws:iam::????????????:policy/*', 'arn:aws:iam::111122223333:policy/*', 'arn:aws:iam::1111*:pol*/*'],
      ...[`arn:aws:iam::\${aws:PrincipalAccount}:policy/*`, 'arn:aws:*:*:111122223333:*', 'arn:aws:*policy/*'],
    ].map(
      Resource =>
        [`versions of policies on ${Resource}`, policy(allow({ Action: 'iam:CreatePolicyVersion', Resource })), 'admin'] as const,
    ),
    ...[
      'arn:aws:iam::*:policy/a*',
      'arn:aws:iam::*:policy/team/*',
      'arn:aws:iam::*:policy/?',
      'arn:aws:iam::*:*-own',
      'arn:aws:iam::*:*app*',
    ].map(
      Resource =>
        [`versions of policies on ${Resource}`, policy(allow({ Action: 'iam:CreatePolicyVersion', Resource })), 'none'] as const,
    ),
    ['everything in IAM by a short ARN', policy(allow({ Resource: 'arn:aws:iam::*' })), 'admin'],
    [
      'assigning, by a short ARN',
      policy(allow({ Action: 'sso:PutInline*', Resource: 'arn:aws:sso:::permissionSet/*' })),
      'admin',
    ],
    ['a Deny by a pattern of ARNs', policy(allow({}), allow({ Effect: 'Deny', Resource: 'arn:*' })), 'admin'],
    ['all of IAM on one role', policy(allow({ Action: 'iam:*', Resource: 'arn:aws:iam::111122223333:role/x' })), 'none'],
    [
      'all of IAM but what makes an administrator',
      policy(allow({ Action: 'iam:*' }), allow({ Effect: 'Deny', Action: 'iam:*' })),
      'none',
    ],
    ['everything on the resources of another service', policy(allow({ Resource: 'arn:aws:dynamodb:*:*:table/*' })), 'none'],
    ['everything on every role', policy(allow({ Resource: 'arn:aws:iam::*:role/*' })), 'admin'],
    ['assigning permission sets', policy(allow({ Action: 'sso:CreateAccountAssignment' })), 'admin'],
    ['a policy for a role, and taking it on', policy(allow({ Action: ['iam:PutRolePolicy', 'sts:AssumeRole'] })), 'admin'],
    [
      'a policy for the user whom a role session is not',
      policy(allow({ Action: 'iam:PutUserPolicy', Resource: `arn:aws:iam::*:user/\${aws:username}` })),
      'none',
    ],
    ['all of STS, which makes a root user from the management account alone', policy(allow({ Action: 'sts:*' })), 'none'],
    ['a policy for a role alone', policy(allow({ Action: 'iam:PutRolePolicy' })), 'none'],
    ['code that runs with another role', policy(allow({ Action: 'lambda:UpdateFunctionCode' })), 'none'],
    [
      'a condition on what is asked for',
      policy(allow({ Condition: { StringEquals: { 'aws:RequestedRegion': 'eu-west-1' } } })),
      'none',
    ],
    ['a condition on how one asks', policy(allow({ Condition: { Bool: { 'aws:MultiFactorAuthPresent': 'true' } } })), 'admin'],
    ...(
      [
        [{ StringEquals: { 'aws:PrincipalOrgID': 'o-1' } }, 'admin'],
        [{ 'ForAnyValue:StringLike': { 'AWS:PrincipalOrgPaths': 'o-1/*' } }, 'admin'],
        [{ StringEquals: { 'aws:PrincipalAccount': '111122223333' } }, 'admin'],
        [{ StringEquals: { 'aws:PrincipalType': 'AssumedRole' } }, 'admin'],
        [{ StringEquals: { 'aws:PrincipalTag/team': 'ops' } }, 'admin'],
        [{ ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/x' } }, 'admin'],
        [
          { DateGreaterThan: { 'aws:CurrentTime': '2020-01-01T00:00:00Z', 'aws:TokenIssueTime': '2020-01-01T00:00:00Z' } },
          'admin',
        ],
        [{ NumericGreaterThan: { 'aws:EpochTime': '0' } }, 'admin'],
        [{ Bool: { 'aws:ViaAWSService': 'false', 'aws:PrincipalIsAWSService': 'false' } }, 'admin'],
        [{ StringLike: { 'aws:RequestedRegion': '*' } }, 'admin'],
        [{ StringLikeIfExists: { 'aws:ResourceTag/team': ['ops', '*'] } }, 'admin'],
        [{ StringLike: { 'aws:RequestedRegion': 'eu-*' } }, 'none'],
        [{ StringNotLike: { 'aws:RequestedRegion': '*' } }, 'none'],
        [{ StringNotLike: { 'aws:RequestedRegion': 'ap-*' } }, 'admin'],
        [{ StringNotEquals: { 'aws:RequestedRegion': '*' } }, 'admin'],
        [{ StringNotEqualsIgnoreCaseIfExists: { 'aws:RequestedRegion': '*' } }, 'admin'],
        [{ ArnNotEquals: { 'aws:RequestedRegion': '*' } }, 'none'],
        [{ StringNotEquals: { 'aws:ResourceTag/team': 'payroll' } }, 'admin'],
        [{ StringEqualsIfExists: { 'ec2:InstanceType': 't3.micro' } }, 'admin'],
        [{ 'ForAllValues:StringEquals': { 'aws:TagKeys': ['team'] } }, 'admin'],
        [{ 'ForAnyValue:StringEquals': { 'aws:TagKeys': ['team'] } }, 'none'],
        [{ Null: { 'aws:ResourceTag/team': 'true' } }, 'admin'],
        [{ Null: { 'aws:ResourceTag/team': 'false' } }, 'none'],
        [{ StringEqualsIfExists: { 'aws:RequestedRegion': 'eu-west-1' } }, 'none'],
        [{ StringEqualsIfExists: { 'iam:PassedToService': 'ec2.amazonaws.com' } }, 'admin'],
        [{ StringEquals: { 'aws:ResourceTag/team': '*' } }, 'none'],
        [{ StringEquals: { 'aws:ResourceTag/team': `\${aws:PrincipalTag/team}` } }, 'none'],
        [{ StringEquals: { 'aws:PrincipalOrgID': 'o-1', 'iam:PassedToService': 'ec2.amazonaws.com' } }, 'none'],
      ] as const
    ).map(
      ([Condition, classification]) =>
        [`the condition ${JSON.stringify(Condition)}`, policy(allow({ Condition })), classification] as const,
    ),
    [
      'a condition on how one asks, and one on what is asked for',
      policy(
        allow({
          Condition: { Bool: { 'AWS:SecureTransport': 'true' }, StringEquals: { 'aws:ResourceTag/team': 'ops' } },
        }),
      ),
      'none',
    ],
    ['a condition that is none', policy(allow({ Condition: { Bool: 'yes' } })), 'none'],
    [
      'a Deny of everything without MFA',
      policy(allow({}), allow({ Effect: 'Deny', Condition: { Bool: { 'aws:MultiFactorAuthPresent': 'false' } } })),
      'admin',
    ],
    ['an empty condition', policy(allow({ Condition: {} })), 'admin'],
    ['a Deny of everything beside it', policy(allow({}), allow({ Effect: 'Deny' })), 'none'],
    [
      'a Deny of everything with a condition',
      policy(allow({}), allow({ Effect: 'Deny', Condition: { Bool: { a: 'b' } } })),
      'admin',
    ],
    ['a Deny of one service', policy(allow({}), allow({ Effect: 'Deny', Action: 'iam:*' })), 'admin'],
    ['a Deny of everything but a list', policy(allow({}), { Effect: 'Deny', NotAction: 's3:*', Resource: '*' }), 'admin'],
    ['no statements', policy(), 'none'],
    ['an empty text', '', 'none'],
    ['white space', '  ', 'none'],
    ['no JSON', '{"Statement":', 'unknown'],
    ['no Statement', '{}', 'unknown'],
    ['an Effect that is none', policy(allow({ Effect: 'allow' })), 'unknown'],
    ['an action that is a number', policy(allow({ Action: 1 })), 'unknown'],
    ['neither Action nor NotAction', statement({ Effect: 'Allow', Resource: '*' }), 'unknown'],
    ['both Resource and NotResource', policy(allow({ NotResource: 'a' })), 'unknown'],
    ['a list as document', '[]', 'unknown'],
  ]
  for (const [what, text, classification] of inline) {
    it(`is ${classification} for an inline policy with ${what}`, async () => {
      expect((await classified({ inline: text })).classification).to.equal(classification)
    })
  }

  it('says that a malformed inline policy is broken data, never none', async () => {
    const found = await classified({ inline: 'not a policy' })
    expect(found.classification).to.equal('unknown')
    expect(found.gaps[0]).to.include({ dataset: 'sso.inline_policies', reason: 'invalid_answer', action: null })
  })

  const managed: readonly (readonly [name: string, classification: string])[] = [
    ['AdministratorAccess', 'admin'],
    ['PowerUserAccess', 'admin'],
    ['IAMFullAccess', 'admin'],
    ['AdministratorAccess-Amplify', 'admin'],
    ['AWSManagedSettingsAdminAccess', 'admin'],
    ['SystemAdministrator', 'none'],
    ['ReadOnlyAccess', 'none'],
    ['job-function/ViewOnlyAccess', 'none'],
    ['AWSDenyAll', 'none'],
  ]
  for (const [name, classification] of managed) {
    it(`is ${classification} for the AWS managed policy ${name}`, async () => {
      expect((await classified({ managed: [name] })).classification).to.equal(classification)
    })
  }

  it('is unknown for a managed policy that nobody has read, and names the action', async () => {
    const found = await classified({ managed: ['ReadOnlyAccess', 'SomethingNewByAws'] })
    expect(found.classification).to.equal('unknown')
    expect(found.gaps).to.have.length(1)
    expect(found.gaps[0]).to.include({ action: 'iam:GetPolicyVersion', reason: 'not_collected' })
    expect(found.gaps[0]!.message).to.contain('SomethingNewByAws')
  })

  it('is unknown for a customer managed policy, whose document lies elsewhere', async () => {
    const found = await classified({ customer: ['ops'] })
    expect(found.classification).to.equal('unknown')
    expect(found.gaps[0]).to.include({ action: 'iam:GetPolicyVersion', dataset: 'sso.customer_managed_policy_references' })
  })

  it('is decided by what is known, whatever else could not be read', async () => {
    const gaps = [gap('sso.inline_policies', { parent: 'ps1' })]
    expect((await classified({ managed: ['AdministratorAccess'], customer: ['ops'] }, gaps)).classification).to.equal('admin')
    expect((await classified({ managed: ['AWSDenyAll'], customer: ['ops'] }, gaps)).classification).to.equal('none')
  })

  it('names the action of every answer that was refused', async () => {
    const refused = ['sso.inline_policies', 'sso.managed_policies', 'sso.customer_managed_policy_references']
    const found = await classified(
      {},
      refused.map(dataset => gap(dataset, { parent: 'ps1' })),
    )
    expect(found.classification).to.equal('unknown')
    expect(found.gaps.map(each => each.action)).to.have.members([
      'sso:GetInlinePolicyForPermissionSet',
      'sso:ListManagedPoliciesInPermissionSet',
      'sso:ListCustomerManagedPolicyReferencesInPermissionSet',
    ])
  })

  describe('with a permissions boundary', () => {
    const admin = { managed: ['AdministratorAccess'] }
    const aws = (name: string) => ({ ManagedPolicyArn: `arn:aws:iam::aws:policy/${name}` })

    it('is none when the boundary is known not to allow everything', async () => {
      const found = await classified({ ...admin, boundary: aws('ReadOnlyAccess') })
      expect(found.classification).to.equal('none')
      expect(found.reason).to.contain('ReadOnlyAccess')
    })
    it('stays admin when the boundary allows everything', async () => {
      expect((await classified({ ...admin, boundary: aws('AdministratorAccess') })).classification).to.equal('admin')
    })
    it('stays admin when the boundary administers identity', async () => {
      expect((await classified({ ...admin, boundary: aws('IAMFullAccess') })).classification).to.equal('admin')
    })
    it('is what the boundary leaves: identity itself may be administered through one that allows no more than that', async () => {
      const all = { inline: policy(allow({})), boundary: aws('IAMFullAccess') }
      const found = await classified(all)
      expect(found.classification).to.equal('admin')
      expect(found.reason).to.contain('it can change what a policy says')
      expect(
        (await classified({ inline: policy(allow({ Action: 'sso:*' })), boundary: aws('IAMFullAccess') })).classification,
      ).to.equal('none')
    })
    it('is unknown when nobody has read the boundary, and names the action that would tell', async () => {
      const customer = { CustomerManagedPolicyReference: { Name: 'limits', Path: '/' } }
      const refused = [gap('sso.permissions_boundaries', { parent: 'ps1' })]
      for (const [found, action] of [
        [await classified({ ...admin, boundary: aws('SomethingNewByAws') }), 'iam:GetPolicyVersion'],
        [await classified({ ...admin, boundary: customer }), 'iam:GetPolicyVersion'],
        [await classified(admin, refused), 'sso:GetPermissionsBoundaryForPermissionSet'],
      ] as const) {
        expect(found.classification).to.equal('unknown')
        expect(found.gaps.map(each => each.action)).to.deep.equal([action])
      }
      expect((await classified({}, refused)).classification).to.equal('none')
    })
  })
})
