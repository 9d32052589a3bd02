import { expect } from 'chai'
import { buildOrganization, type SimulatedOrganization } from '../../src/simulator/index.ts'
import { expectedOf } from './expected.ts'
import { collected, freshAws } from './fresh-aws.ts'

const small = { seed: 21, accounts: 6, users: 6, groups: 3, permissionSets: 4, applications: 3, iamUsers: 0 }

/** An organization with something in every dataset that is seldom filled. */
function richOrganization(): SimulatedOrganization {
  const organization = buildOrganization(small)
  const { accounts, instance, permissionSets, applications, policies, roots, ous } = organization
  const [, member, other] = accounts
  permissionSets[0]!.tags = Array.from({ length: 7 }, (_, i) => ({ Key: `key-${i}`, Value: `value ${i}` }))
  const outdated = organization.assignments[0]!
  organization.outdatedPairs.push({ AccountId: outdated.AccountId, PermissionSetArn: outdated.PermissionSetArn })
  applications[1]!.assignmentRequired = false
  applications[1]!.backgroundSessions = 'ENABLED'
  delete applications[2]!.backgroundSessions
  applications[0]!.accessScopes = Array.from({ length: 23 }, (_, i) => ({ Scope: `scope-${String(i).padStart(2, '0')}` }))
  organization.accessControlAttributes = {
    Status: 'ENABLED',
    InstanceAccessControlAttributeConfiguration: {
      AccessControlAttributes: [{ Key: 'CostCenter', Value: { Source: ['urn:example:cost'] } }],
    },
  }
  const issuerArn = `${instance!.InstanceArn.replace(':::instance', '::111122223333:trustedTokenIssuer')}/tti-1`
  organization.trustedTokenIssuers.push({
    TrustedTokenIssuerArn: issuerArn,
    Name: 'partner',
    TrustedTokenIssuerType: 'OIDC_JWT',
    configuration: { OidcJwtConfiguration: { IssuerUrl: 'https://login.example.com', ClaimAttributePath: 'email' } },
  })
  organization.organizationTags[member!.Id] = [{ Key: 'owner', Value: 'team-a' }]
  organization.organizationTags[roots[0]!.Id] = [{ Key: 'owner', Value: 'platform' }]
  if (ous[0]) organization.organizationTags[ous[0].Id] = [{ Key: 'stage', Value: 'prod' }]
  policies.push({
    ...policies[0]!,
    Id: 'p-rcp12345',
    Name: 'stay-inside',
    Type: 'RESOURCE_CONTROL_POLICY',
    content: '{"Version":"2012-10-17","Statement":[]}',
    targets: [member!.Id],
  })
  organization.delegations.push(
    { accountId: member!.Id, servicePrincipal: 'sso.amazonaws.com', enabledAt: new Date('2024-05-01T00:00:00Z') },
    { accountId: member!.Id, servicePrincipal: 'guardduty.amazonaws.com', enabledAt: new Date('2024-06-01T00:00:00Z') },
    { accountId: other!.Id, servicePrincipal: 'config.amazonaws.com', enabledAt: new Date('2024-07-01T00:00:00Z') },
  )
  organization.resourcePolicy = '{"Version":"2012-10-17","Statement":[]}'
  return organization
}

describe('the datasets', () => {
  for (const pageSize of [2, 100]) {
    it(`hold what is seldom configured, read in pages of ${pageSize}`, async () => {
      const organization = richOrganization()
      await using fresh = await freshAws(organization, { simulator: { pageSize } })
      const found = await collected(fresh)
      for (const [dataset, rows] of expectedOf(organization)) {
        expect(Object.fromEntries(found.rows(dataset)), dataset).to.deep.equal(Object.fromEntries(rows))
      }
      for (const part of found.parts.values())
        if (!/^(account-access|sso-directory)\./.test(part.dataset))
          expect(part.end?.coverage, `${part.dataset} ${part.parent}`).to.equal('complete')
      const resource = [...found.rows('organizations.resource_policies').values()]
      expect(resource).to.have.length(1)
      expect(resource[0]).to.include({ Id: 'rp-evidence', Content: organization.resourcePolicy })
    })
  }

  it('take "none is set" for none: no resource policy, and attributes that are not enabled', async () => {
    await using fresh = await freshAws(buildOrganization(small))
    const found = await collected(fresh)
    for (const [dataset, coverage] of [
      ['sso.access_control_attributes', 'not_enabled'],
      ['organizations.resource_policies', 'complete'],
    ] as const) {
      expect(found.rows(dataset).size, dataset).to.equal(0)
      const ends = [...found.parts.values()].filter(part => part.dataset === dataset).map(part => part.end!)
      expect(ends.map(end => [end.coverage, end.gaps])).to.deep.equal([[coverage, []]])
    }
  })

  it('ask for lists without a page size where AWS takes none', async () => {
    await using fresh = await freshAws(richOrganization(), { simulator: { pageSize: 2 } })
    await collected(fresh)
    const unsized = fresh.simulator.calls.filter(call =>
      ['ListTagsForResource', 'ListApplicationGrants', 'ListApplicationAuthenticationMethods'].includes(call.operation),
    )
    expect(unsized.length).to.be.greaterThan(10)
    for (const call of unsized) expect(call.input).to.not.have.property('MaxResults')
    expect(unsized.some(call => 'NextToken' in call.input)).to.equal(true)
  })

  it('an answer that does not say whether an assignment is required decides nothing', async () => {
    const organization = buildOrganization(small)
    const [application] = organization.applications
    Object.assign(application!, { assignmentRequired: undefined })
    await using fresh = await freshAws(organization)
    const found = await collected(fresh)
    const { end } = found.part('sso.application_assignment_configurations', application!.ApplicationArn)
    expect(end).to.include({ coverage: 'incomplete' })
    expect(end.gaps[0]).to.include({ reason: 'invalid_answer' })
  })

  const vanishing: readonly [string, string, (organization: SimulatedOrganization) => string][] = [
    [
      'organizations.policy_documents',
      'DescribePolicy',
      organization => {
        const gone = organization.policies.shift()!
        return gone.Id
      },
    ],
    [
      'organizations.delegated_services',
      'ListDelegatedServicesForAccount',
      organization => {
        const { accountId } = organization.delegations[0]!
        organization.delegations = organization.delegations.filter(each => each.accountId !== accountId)
        return accountId
      },
    ],
    [
      'sso.trusted_token_issuer_details',
      'DescribeTrustedTokenIssuer',
      organization => organization.trustedTokenIssuers.shift()!.TrustedTokenIssuerArn,
    ],
    ['sso.application_grants', 'ListApplicationGrants', organization => organization.applications.shift()!.ApplicationArn],
  ]
  for (const [dataset, operation, remove] of vanishing) {
    it(`are empty and complete below what was deleted meanwhile, confirmed by AWS: ${dataset}`, async () => {
      const organization = richOrganization()
      await using fresh = await freshAws(organization)
      let gone: string | null = null
      fresh.simulator.hook(operation, () => {
        gone ??= remove(organization)
      })
      const found = await collected(fresh)
      const { end, rows } = found.part(dataset, gone!)
      expect(rows.size).to.equal(0)
      expect(end.coverage).to.equal('complete_with_changes')
      expect(end.gaps).to.deep.equal([])
    })
  }
})
