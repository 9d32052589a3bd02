import { expect } from 'chai'
import { buildOrganization, type SimulatedOrganization, type Simulator } from '../../src/simulator/index.ts'
import { type Collected, collected, freshAws } from './fresh-aws.ts'

const shape = { seed: 17, accounts: 3, users: 4, groups: 2, permissionSets: 3, applications: 1, iamUsers: 2 }
const always = Number.POSITIVE_INFINITY

/** An organization in which everything that can be asked about is there, and IAM of its management account is read. */
async function read(prepare: (simulator: Simulator, organization: SimulatedOrganization) => void): Promise<Collected> {
  const organization = buildOrganization(shape)
  organization.trustedTokenIssuers.push({ TrustedTokenIssuerArn: 'arn:aws:sso::1:trustedTokenIssuer/x/tti-1', Name: 'x' })
  const member = organization.accounts.at(-1)!.Id
  organization.delegations.push({ accountId: member, servicePrincipal: 'x.amazonaws.com', enabledAt: new Date() })
  const management = organization.organization!.MasterAccountId
  const roleArn = `arn:aws:iam::${management}:role/Reader`
  await using fresh = await freshAws(organization, {
    simulator: { trust: [{ roleArn, externalId: null }] },
    source: { iam: { roleName: 'Reader', externalId: null, accounts: [management] } },
  })
  prepare(fresh.simulator, organization)
  return await collected(fresh, { checks: 'exhaustive' })
}

function endsOf(found: Collected, dataset: string) {
  return [...found.parts.values()].filter(part => part.dataset === dataset).map(part => part.end!)
}

/** What is asked, what AWS says of it, and the list that is asked whether it is gone. */
const confirmed: readonly (readonly [dataset: string, asked: string, code: string, list: string, member: string])[] = [
  ['sso.permission_sets', 'sso:DescribePermissionSet', 'ResourceNotFoundException', 'sso:ListPermissionSets', 'PermissionSets'],
  [
    'sso.account_assignments',
    'sso:ListAccountAssignments',
    'ResourceNotFoundException',
    'sso:ListAccountsForProvisionedPermissionSet',
    'AccountIds',
  ],
  [
    'sso.trusted_token_issuer_details',
    'sso:DescribeTrustedTokenIssuer',
    'ResourceNotFoundException',
    'sso:ListTrustedTokenIssuers',
    'TrustedTokenIssuers',
  ],
  [
    'organizations.delegated_services',
    'organizations:ListDelegatedServicesForAccount',
    'AccountNotRegisteredException',
    'organizations:ListDelegatedAdministrators',
    'DelegatedAdministrators',
  ],
  [
    'organizations.policy_documents',
    'organizations:DescribePolicy',
    'PolicyNotFoundException',
    'organizations:ListPolicies',
    'Policies',
  ],
]

/** Lists in groups that do not hang from each other. */
const lists: readonly (readonly (readonly [operation: string, member: string, dataset: string])[])[] = [
  [
    ['sso:ListPermissionSets', 'PermissionSets', 'sso.permission_set_arns'],
    ['sso:ListApplications', 'Applications', 'sso.applications'],
    ['sso:ListTrustedTokenIssuers', 'TrustedTokenIssuers', 'sso.trusted_token_issuers'],
    ['organizations:ListRoots', 'Roots', 'organizations.roots'],
    ['organizations:ListAccounts', 'Accounts', 'organizations.accounts'],
    ['organizations:ListPolicies', 'Policies', 'organizations.policies'],
    ['organizations:ListDelegatedAdministrators', 'DelegatedAdministrators', 'organizations.delegated_administrators'],
    ['organizations:ListAWSServiceAccessForOrganization', 'EnabledServicePrincipals', 'organizations.service_access'],
  ],
  [
    ['sso:ListAccountsForProvisionedPermissionSet', 'AccountIds', 'sso.provisioned_accounts'],
    ['sso:ListAccountsForProvisionedPermissionSet', 'AccountIds', 'sso.outdated_provisioned_accounts'],
    ['sso:ListManagedPoliciesInPermissionSet', 'AttachedManagedPolicies', 'sso.managed_policies'],
    [
      'sso:ListCustomerManagedPolicyReferencesInPermissionSet',
      'CustomerManagedPolicyReferences',
      'sso.customer_managed_policy_references',
    ],
    ['sso:ListTagsForResource', 'Tags', 'sso.tags'],
    ['sso:ListApplicationAssignments', 'ApplicationAssignments', 'sso.application_assignments'],
    ['sso:ListApplicationAccessScopes', 'Scopes', 'sso.application_access_scopes'],
    ['sso:ListApplicationAuthenticationMethods', 'AuthenticationMethods', 'sso.application_authentication_methods'],
    ['sso:ListApplicationGrants', 'Grants', 'sso.application_grants'],
    ['organizations:ListTagsForResource', 'Tags', 'organizations.tags'],
    ['organizations:ListTargetsForPolicy', 'Targets', 'organizations.policy_targets'],
    ['organizations:ListDelegatedServicesForAccount', 'DelegatedServices', 'organizations.delegated_services'],
  ],
  [
    ['sso:ListAccountAssignments', 'AccountAssignments', 'sso.account_assignments'],
    ['organizations:ListOrganizationalUnitsForParent', 'OrganizationalUnits', 'organizations.organizational_units'],
  ],
]

describe('a list that cannot be read in full', () => {
  const spoiled = (member: string): readonly [what: string, text: string, by: string][] => [
    ['is left out', `"${member}":[`, '"Others":['],
    ['is no list', `"${member}":[`, `"${member}":"all","Others":[`],
    ['is null', `"${member}":[`, `"${member}":null,"Others":[`],
    ['has an element without a name', `"${member}":[`, `"${member}":[{},`],
    ['has a page token that is no text', `"${member}":[`, `"NextToken":7,"${member}":[],"Others":[`],
  ]
  for (const [dataset, asked, code, list, member] of confirmed)
    for (const [what, text, by] of spoiled(member))
      it(`proves nothing gone when it ${what}: ${dataset}`, async () => {
        const found = await read(simulator => {
          simulator.fault(asked, { kind: 'error', code }, always)
          // the first time the list is whole: only the second one, which shall confirm, is not
          simulator.hook(asked, () => simulator.fault(list, { kind: 'replace', text, by }, always))
        })
        const ends = endsOf(found, dataset)
        expect(ends).to.not.have.length(0)
        for (const end of ends) {
          expect(end).to.include({ coverage: 'incomplete' })
          expect(end.gaps[0]!.reason).to.be.oneOf(['invalid_answer', 'parent_not_read'])
        }
      })

  for (const [what, text, by] of [
    ['is left out', 'Users>', 'Others>'],
    ['has an element without a name', '<Arn>', '<Name>'],
    ['says that more follows, and not where', '<IsTruncated>false', '<IsTruncated>true'],
  ] as const)
    it(`proves no user of IAM gone when it ${what}`, async () => {
      const found = await read((simulator, { iam, organization }) => {
        const [user] = iam[organization!.MasterAccountId]!.users
        const isThis = (input: object) => 'UserName' in input && input.UserName === user!.UserName
        simulator.fault('iam:ListAccessKeys', { kind: 'error', code: 'NoSuchEntity', status: 404 }, always, isThis)
        simulator.hook('iam:ListAccessKeys', () => {
          iam[organization!.MasterAccountId]!.users = iam[organization!.MasterAccountId]!.users.filter(each => each !== user)
          simulator.fault('iam:ListUsers', { kind: 'replace', text, by }, always)
        })
      })
      expect(endsOf(found, 'iam.access_keys').filter(end => end.coverage === 'complete_with_changes')).to.deep.equal([])
      expect(endsOf(found, 'iam.access_keys').filter(end => end.coverage === 'incomplete')).to.have.length(1)
    })

  it('is no end of a list of IAM that says that more follows, and not where', async () => {
    const text = '<IsTruncated>false'
    const found = await read(simulator =>
      simulator.fault('iam:ListUsers', { kind: 'replace', text, by: '<IsTruncated>true' }, always),
    )
    for (const end of endsOf(found, 'iam.users')) expect(end).to.include({ coverage: 'incomplete' })
  })

  for (const [what, by] of [
    ['left out', () => '"Others":['],
    ['null', (member: string) => `"${member}":null,"Others":[`],
  ] as const)
    for (const group of lists)
      it(`is no empty list when it is ${what}: ${group[0]![2]} and others`, async () => {
        const found = await read(simulator => {
          for (const [operation, member] of new Map(group.map(each => [each[0], each])).values())
            simulator.fault(operation, { kind: 'replace', text: `"${member}":[`, by: by(member) }, always)
        })
        for (const [, , dataset] of group) {
          expect(endsOf(found, dataset), dataset).to.not.have.length(0)
          for (const end of endsOf(found, dataset)) expect(end, dataset).to.include({ coverage: 'incomplete' })
          expect(found.gaps(dataset)[0]!.reason, dataset).to.equal('invalid_answer')
        }
      })

  it('is no empty list: of users, of devices, of roles, of what is no list in XML', async () => {
    const found = await read(simulator => {
      simulator.fault('identitystore:ListUsers', { kind: 'replace', text: '"Users":[', by: '"Users":null,"Others":[' }, always)
      simulator.fault('iam:ListMFADevices', { kind: 'replace', text: 'MFADevices>', by: 'Others>' }, always)
      simulator.fault('iam:GetAccountAuthorizationDetails', { kind: 'replace', text: 'RoleDetailList>', by: 'Others>' }, always)
      simulator.fault('iam:ListVirtualMFADevices', { kind: 'replace', text: 'member>', by: 'entry>' }, always)
    })
    for (const dataset of ['identitystore.users', 'iam.mfa_devices', 'iam.role_details', 'iam.virtual_mfa_devices']) {
      expect(endsOf(found, dataset), dataset).to.not.have.length(0)
      for (const end of endsOf(found, dataset)) {
        expect(end, dataset).to.include({ coverage: 'incomplete' })
        expect(
          end.gaps.map(gap => gap.reason),
          dataset,
        ).to.include('invalid_answer')
      }
    }
  })

  for (const [what, by] of [
    ['is no list', '"AccountAssignments":"none","Others":['],
    ['is left out', '"Others":['],
    ['is null', '"AccountAssignments":null,"Others":['],
  ] as const)
    it(`makes no difference of a cross-check when it ${what}: the check was not made`, async () => {
      const list = '"AccountAssignments":['
      const found = await read(simulator => {
        simulator.fault('sso:ListAccountAssignmentsForPrincipal', { kind: 'replace', text: list, by }, always)
        const token = { kind: 'replace', text: '"PermissionSets":[', by: '"NextToken":"again","PermissionSets":[' } as const
        simulator.fault('sso:ListPermissionSetsProvisionedToAccount', token, always)
      })
      const checks = found.rows('evidenced.cross_checks')
      for (const name of ['principal_sample', 'discovery_both_ways'])
        expect(checks.get(name), name).to.include({ made: false, differences: 0 })
    })

  it('is empty where AWS leaves an empty one out: of the permission sets of an account', async () => {
    const found = await read(simulator => {
      const none = { kind: 'replace', text: '"PermissionSets":[]', by: '"Others":[]' } as const
      simulator.fault('sso:ListPermissionSetsProvisionedToAccount', none, always)
    })
    const check = found.rows('evidenced.cross_checks').get('discovery_both_ways')
    expect(check).to.include({ made: true, compared: 3, differences: 0 })
  })

  it('lets no account leave: one whose role is refused is refused', async () => {
    const organization = buildOrganization(shape)
    const active = organization.accounts.filter(account => account.State === 'ACTIVE')
    const lost = active.at(-1)!.Id
    const trust = active.flatMap(({ Id }) =>
      Id === lost ? [] : [{ roleArn: `arn:aws:iam::${Id}:role/Reader`, externalId: null }],
    )
    await using fresh = await freshAws(organization, {
      simulator: { trust },
      source: { iam: { roleName: 'Reader', externalId: null, accounts: null } },
    })
    fresh.simulator.hook('AssumeRole', () => {
      const spoilt = { kind: 'replace', text: '"Accounts":[', by: '"NextToken":7,"Accounts":[],"Others":[' } as const
      if (fresh.simulator.calls.some(call => call.operation === 'ListAccounts'))
        fresh.simulator.fault('organizations:ListAccounts', spoilt, always)
    })
    const found = await collected(fresh)
    expect(found.part('iam.users', '', lost).end).to.include({ coverage: 'denied' })
  })

  it('tries an account whose State nobody knows', async () => {
    const organization = buildOrganization({ ...shape, accounts: 2 })
    const [, other] = organization.accounts
    other!.State = 'RESTING'
    const trust = organization.accounts.map(({ Id }) => ({ roleArn: `arn:aws:iam::${Id}:role/Reader`, externalId: null }))
    await using fresh = await freshAws(organization, {
      simulator: { trust },
      source: { iam: { roleName: 'Reader', externalId: null, accounts: null } },
    })
    expect((await collected(fresh)).part('iam.users', '', other!.Id).end.coverage).to.equal('complete')
  })
})
