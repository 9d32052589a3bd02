import { expect } from 'chai'
import { buildOrganization } from '../../src/simulator/index.ts'
import { collected, freshAws } from './fresh-aws.ts'

const shape = { seed: 23, accounts: 2, users: 4, groups: 2, permissionSets: 3, pairs: 4, applications: 0, iamUsers: 0 }

/** An answer that is spoilt on the wire, and the dataset that it is. */
const spoilt: readonly (readonly [what: string, operation: string, text: string, by: string, dataset: string])[] = [
  ['is about another group', 'ListGroupMemberships', '"GroupId":"', '"GroupId":"x', 'identitystore.group_memberships'],
  ['is about another account', 'ListAccountAssignments', '"AccountId":"', '"AccountId":"9', 'sso.account_assignments'],
  ['is about a number', 'ListAccountAssignments', '"AccountId":"', '"AccountId":9,"X":"', 'sso.account_assignments'],
  ['is about another set', 'ListAccountAssignments', '"PermissionSetArn":"', '"PermissionSetArn":"x', 'sso.account_assignments'],
  ['is about another set', 'DescribePermissionSet', '"PermissionSetArn":"', '"PermissionSetArn":"x', 'sso.permission_sets'],
  ['does not say what it is about', 'DescribePermissionSet', '"PermissionSetArn":"', '"Other":"', 'sso.permission_sets'],
  ['does not say what it is about', 'DescribeInstance', '"InstanceArn":"', '"Other":"', 'sso.instance_details'],
  [
    'is about another issuer',
    'DescribeTrustedTokenIssuer',
    '"TrustedTokenIssuerArn":"',
    '"TrustedTokenIssuerArn":"x',
    'sso.trusted_token_issuer_details',
  ],
  ['is about another policy', 'DescribePolicy', '"Id":"', '"Id":"x', 'organizations.policy_documents'],
  [
    'has a policy that is no text',
    'GetInlinePolicyForPermissionSet',
    '"InlinePolicy":',
    '"InlinePolicy":5,"X":',
    'sso.inline_policies',
  ],
  [
    'leaves the boundary out',
    'GetPermissionsBoundaryForPermissionSet',
    '"PermissionsBoundary"',
    '"Other"',
    'sso.permissions_boundaries',
  ],
  [
    'has null for the boundary',
    'GetPermissionsBoundaryForPermissionSet',
    '"PermissionsBoundary":',
    '"PermissionsBoundary":null,"X":',
    'sso.permissions_boundaries',
  ],
]

describe('an answer that is not what was asked for', () => {
  for (const [what, operation, text, by, dataset] of spoilt)
    it(`is none when it ${what}: ${operation}`, async () => {
      const organization = buildOrganization(shape)
      for (const set of organization.permissionSets)
        set.permissionsBoundary = { ManagedPolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }
      organization.trustedTokenIssuers.push({ TrustedTokenIssuerArn: 'arn:aws:sso::1:trustedTokenIssuer/x/tti-1', Name: 'x' })
      await using fresh = await freshAws(organization)
      const whole = (await collected(fresh)).rows(dataset)
      expect(whole.size, 'there is something to lose').to.be.greaterThan(0)
      fresh.simulator.fault(operation, { kind: 'replace', text, by }, Number.POSITIVE_INFINITY)
      const found = await collected(fresh)
      const ends = [...found.parts.values()].filter(part => part.dataset === dataset).map(part => part.end!)
      const open = ends.filter(end => end.coverage === 'incomplete')
      expect(open, dataset).to.have.length.greaterThan(0)
      for (const end of open) expect(end.gaps.find(gap => gap.reason !== 'withheld')).to.include({ reason: 'invalid_answer' })
      const shown = found.rows(dataset)
      for (const [key, facts] of shown) expect(facts, key).to.deep.equal(whole.get(key))
    })
})
