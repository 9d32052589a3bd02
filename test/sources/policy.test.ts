import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import type { AppError } from '../../src/errors.ts'
import { buildOrganization } from '../../src/simulator/index.ts'
import {
  accountPolicy,
  cloudFormationTemplate,
  datasets,
  diagnose,
  requiredPolicy,
  terraformConfiguration,
  trustPolicy,
} from '../../src/sources/index.ts'
import { collected, freshAws } from './fresh-aws.ts'

interface Policy {
  readonly Statement: readonly {
    readonly Sid: string
    readonly Effect: string
    readonly Action: readonly string[]
    readonly Resource: string | readonly string[]
  }[]
}

/** Actions that are asked only to tell whether something was deleted, with the answer that raises the question. */
const onlyOfTheDeleted: { readonly [action: string]: readonly [operation: string, code: string] } = {
  'organizations:ListParents': ['organizations:ListTagsForResource', 'TargetNotFoundException'],
  'sso:DescribeApplication': ['sso:ListApplicationAssignments', 'ResourceNotFoundException'],
}

/** Asked by the diagnosis alone. */
const onlyOfTheDoctor = ['identitystore:DescribeIdentityStore']

describe('the policies', () => {
  it('are about the datasets of docs/datasets.md and no others', () => {
    const text = readFileSync(new URL('../../docs/datasets.md', import.meta.url), 'utf8')
    const documented = [...text.matchAll(/^\| `([a-z_.]+)` \| `([a-z]+:[A-Za-z]+)`/gm)].map(([, name, action]) => ({
      name,
      action,
    }))
    expect(datasets.map(({ name, action }) => ({ name, action }))).to.deep.equal(
      documented.sort((a, b) => (a.name! < b.name! ? -1 : 1)),
    )
  })

  it('allow what a collection asks for and nothing that writes', async () => {
    const policy = requiredPolicy('aws') as unknown as Policy
    const allowed = policy.Statement.flatMap(statement => statement.Action)
    await using fresh = await freshAws(
      buildOrganization({ seed: 2, accounts: 4, users: 4, groups: 2, permissionSets: 2, iamUsers: 0 }),
    )
    const { calls } = await collected(fresh)
    for (const call of calls) if (call.service !== 'sts') expect(allowed).to.include(`${call.service}:${call.operation}`)
    for (const action of allowed) expect(action).to.match(/^(sso|identitystore|organizations):(List|Describe|Get)[A-Z]/)
    expect(allowed).to.include('identitystore:DescribeGroup')
  })

  it('stand in the partition they are for and below the limit of a managed policy', () => {
    const text = JSON.stringify(requiredPolicy('aws-us-gov'))
    expect(text).to.include('arn:aws-us-gov:identitystore').and.not.include('arn:aws:')
    expect(text.length).to.be.lessThan(6144)
    expect(JSON.stringify(requiredPolicy('aws-us-gov', { iam: true })).length).to.be.lessThan(6144)
  })

  it('demand the external id of whoever assumes the role', () => {
    expect(
      trustPolicy({ partition: 'aws', principalArn: 'arn:aws:iam::111122223333:role/collector', externalId: 'x' }),
    ).to.deep.equal({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: 'arn:aws:iam::111122223333:role/collector' },
          Action: 'sts:AssumeRole',
          Condition: { StringEquals: { 'sts:ExternalId': 'x' } },
        },
      ],
    })
  })

  it('come as templates too, with the same statements and the external id left open', () => {
    const setup = {
      partition: 'aws',
      roleName: 'audit/EvidencedIamReader',
      principalArn: 'arn:aws:iam::111122223333:role/collector',
    }
    for (const role of ['collector', 'iam'] as const) {
      const policy = role === 'iam' ? accountPolicy('aws') : requiredPolicy('aws', { iam: true })
      // biome-ignore lint/suspicious/noExplicitAny: a template by its documented shape
      const stack = cloudFormationTemplate({ ...setup, role, withIam: true }) as any
      const { Properties } = stack.Resources.Reader
      expect(Properties).to.include({ RoleName: 'EvidencedIamReader', Path: '/audit/' })
      expect(Properties.Policies[0].PolicyDocument).to.deep.equal(policy)
      expect(Properties.AssumeRolePolicyDocument.Statement[0].Condition).to.deep.equal({
        StringEquals: { 'sts:ExternalId': { Ref: 'ExternalId' } },
      })
      expect(stack.Parameters.ExternalId).to.deep.include({ NoEcho: true, MinLength: 22 })
      // biome-ignore lint/suspicious/noExplicitAny: as above
      const terraform = terraformConfiguration({ ...setup, role, withIam: true }) as any
      // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of Terraform
      expect(terraform.variable.external_id.validation.condition).to.equal('${length(var.external_id) >= 22}')
      expect(JSON.parse(terraform.resource.aws_iam_role_policy.evidenced.policy)).to.deep.equal(policy)
      expect(terraform.resource.aws_iam_role.evidenced.assume_role_policy).to.include('sts:ExternalId')
    }
  })

  it('are sufficient, and the lack of any one action is noticed by its name', async function () {
    this.timeout(240_000)
    const organization = buildOrganization({
      seed: 2,
      accounts: 2,
      users: 2,
      groups: 1,
      permissionSets: 1,
      applications: 1,
      iamUsers: 2,
    })
    const [management] = organization.accounts
    organization.resourcePolicy = '{}'
    organization.trustedTokenIssuers.push({ TrustedTokenIssuerArn: 'arn:aws:sso::1:trustedTokenIssuer/x/tti-1', Name: 'x' })
    organization.delegations.push({
      accountId: organization.accounts[1]!.Id,
      servicePrincipal: 'x.amazonaws.com',
      enabledAt: new Date(),
    })
    organization.permissionSets[0]!.managedPolicies = [
      { Name: organization.managedPolicies[0]!.PolicyName, Arn: organization.managedPolicies[0]!.Arn },
    ]
    const roleArn = `arn:aws:iam::${management!.Id}:role/EvidencedIamReader`
    await using fresh = await freshAws(organization, {
      simulator: { trust: [{ roleArn, externalId: null }] },
      source: { iam: { roleName: 'EvidencedIamReader', externalId: null, accounts: [management!.Id] } },
    })
    const actionsOf = (policy: unknown) => (policy as Policy).Statement.flatMap(statement => statement.Action)
    // principals that are in no list: cross-checks ask for each whether it was deleted
    const [pair] = organization.assignments
    const ghost = (type: 'USER' | 'GROUP', id: string) => ({ ...pair!, PrincipalType: type, PrincipalId: id })
    organization.assignments.push(ghost('USER', '00000000-1111-2222-3333-444444444444'))
    organization.assignments.push(ghost('GROUP', '00000000-1111-2222-3333-555555555555'))
    const { AccountId, PermissionSetArn } = pair!
    for (const kind of ['creation', 'deletion', 'provisioning'] as const)
      organization.pendingRequests.push({
        ...{ kind, RequestId: kind, Status: 'IN_PROGRESS', CreatedDate: new Date(), AccountId, PermissionSetArn },
      })
    const all = await collected(fresh, { checks: 'exhaustive' })
    const open = (found: typeof all) =>
      [...found.parts.values()].filter(part => part.end?.coverage === 'denied' || part.end?.coverage === 'incomplete')
    expect(open(all)).to.deep.equal([])
    const notMade = (found: typeof all) =>
      [...found.rows('evidenced.cross_checks').values()].filter(check => !(check as { made: boolean }).made)
    expect(notMade(all)).to.deep.equal([])
    const asked = new Set(all.calls.map(call => `${call.service}:${call.operation}`))
    const granted = new Set([...actionsOf(requiredPolicy('aws', { iam: true })), ...actionsOf(accountPolicy('aws'))])
    const unasked = [...granted].filter(action => !asked.has(action))
    expect(unasked).to.have.members([...Object.keys(onlyOfTheDeleted), ...onlyOfTheDoctor])
    for (const action of granted) {
      fresh.simulator.deny(action)
      if (onlyOfTheDoctor.includes(action)) {
        const { checks } = await diagnose(fresh.aws, fresh.source)
        expect(checks.find(each => each.check === action)).to.include({ result: 'warning' })
        fresh.simulator.allow(action)
        continue
      }
      const [operation, code] = onlyOfTheDeleted[action] ?? [null, '']
      if (operation !== null) fresh.simulator.fault(operation, { kind: 'error', code })
      const said = await collected(fresh, { checks: 'exhaustive' }).then(
        found => JSON.stringify([open(found).flatMap(part => part.end!.gaps.map(gap => gap.action)), notMade(found)]),
        // without this one nothing is proven at all: it is an error
        (error: AppError) => `${error.code} ${error.message} ${error.hint}`,
      )
      expect(said, action).to.include(action)
      fresh.simulator.allow(action)
    }
  })
})
