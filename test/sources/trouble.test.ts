import { expect } from 'chai'
import type { Counts } from '../../src/model.ts'
import { buildOrganization, type SimulatedOrganization } from '../../src/simulator/index.ts'
import { datasets, planCollection } from '../../src/sources/index.ts'
import { type Collected, collected, type FreshOptions, fast, freshAws } from './fresh-aws.ts'

const small = { seed: 11, accounts: 5, users: 12, groups: 4, permissionSets: 4, applications: 2, iamUsers: 0 }

/** Leaves that have no children: a refusal of them is a gap of their own parts and of nothing else. */
const leaves = [
  'identitystore.group_memberships',
  'sso.permission_sets',
  'sso.inline_policies',
  'sso.managed_policies',
  'sso.customer_managed_policy_references',
  'sso.permissions_boundaries',
  'sso.tags',
  'sso.account_assignments',
  'sso.application_assignments',
  'sso.application_assignment_configurations',
  'sso.application_session_configurations',
  'sso.application_access_scopes',
  'sso.application_authentication_methods',
  'sso.application_grants',
  'sso.access_control_attributes',
  'organizations.tags',
  'organizations.policy_documents',
  'organizations.policy_targets',
  'organizations.service_access',
  'organizations.resource_policies',
]

function readerOf(organization: SimulatedOrganization): string {
  return `arn:aws:iam::${organization.organization?.MasterAccountId}:role/Reader`
}

function coverages(found: Collected, dataset: string): readonly string[] {
  return [
    ...new Set([...found.parts.values()].filter(part => part.dataset === dataset).map(part => part.end?.coverage ?? 'no end')),
  ]
}

/** What AWS says of these is that the feature is switched off, which is an answer too. */
const off = ['sso.access_control_attributes']

/** Every dataset but these must be complete: trouble stays where it is. */
function expectElsewhereComplete(found: Collected, ...touched: readonly string[]): void {
  for (const { name } of datasets.filter(each => each.reach === 'source'))
    if (!touched.includes(name))
      expect(coverages(found, name), name).to.deep.equal([off.includes(name) ? 'not_enabled' : 'complete'])
}

describe('what AWS refuses', () => {
  for (const dataset of leaves) {
    it(`is a gap that names the action: ${dataset}`, async () => {
      const { action } = datasets.find(each => each.name === dataset)!
      await using fresh = await freshAws(buildOrganization(small))
      fresh.simulator.deny(action)
      const found = await collected(fresh)
      expect(coverages(found, dataset)).to.deep.equal(['denied'])
      for (const gap of found.gaps(dataset))
        expect(gap).to.include({ reason: 'access_denied', action, errorCode: 'AccessDeniedException', key: null, member: null })
      expect(found.rows(dataset).size).to.equal(0)
      expectElsewhereComplete(found, dataset)
    })
  }

  it('says of everything below a refused list that its parents are not known', async () => {
    await using fresh = await freshAws(buildOrganization(small))
    fresh.simulator.deny('identitystore:ListGroups')
    const found = await collected(fresh)
    expect(found.part('identitystore.groups', '').end.coverage).to.equal('denied')
    const below = found.part('identitystore.group_memberships', '')
    expect(below.end.coverage).to.equal('denied')
    expect(below.end.gaps).to.have.length(1)
    expect(below.end.gaps[0]).to.include({ parent: '', key: null, reason: 'parent_not_read', action: 'identitystore:ListGroups' })
    expectElsewhereComplete(found, 'identitystore.groups', 'identitystore.group_memberships')
  })

  it('reaches grandchildren: refused permission sets leave assignments unknown', async () => {
    await using fresh = await freshAws(buildOrganization(small))
    fresh.simulator.deny('sso:ListPermissionSets')
    const found = await collected(fresh)
    for (const dataset of ['sso.permission_sets', 'sso.inline_policies', 'sso.provisioned_accounts', 'sso.account_assignments']) {
      const { end } = found.part(dataset, '')
      expect(end.coverage, dataset).to.equal('denied')
      expect(end.gaps[0], dataset).to.include({ reason: 'parent_not_read', action: 'sso:ListPermissionSets' })
    }
  })

  it('reads the children that are known when one parent is refused, and says that others may be missing', async () => {
    const organization = buildOrganization(small)
    await using fresh = await freshAws(organization)
    const refused = organization.permissionSets.find(set =>
      organization.assignments.some(each => each.PermissionSetArn === set.PermissionSetArn),
    )!.PermissionSetArn
    const isDiscovery = (input: object) => !('ProvisioningStatus' in input)
    fresh.simulator.deny(
      'sso:ListAccountsForProvisionedPermissionSet',
      input => input.PermissionSetArn === refused && isDiscovery(input),
    )
    const found = await collected(fresh)
    const known = organization.assignments.filter(each => each.PermissionSetArn !== refused)
    expect(found.rows('sso.account_assignments').size).to.equal(known.length)
    expect(found.part('sso.account_assignments', '').end).to.include({ coverage: 'denied' })
    expect(found.part('sso.provisioned_accounts', refused).end.coverage).to.equal('denied')
    expectElsewhereComplete(found, 'sso.provisioned_accounts', 'sso.account_assignments')
  })

  it('stops asking after a hundred refusals without one answer, and says so of each part', async () => {
    const organization = buildOrganization({ ...small, users: 20, groups: 150 })
    await using fresh = await freshAws(organization)
    fresh.simulator.deny('identitystore:ListGroupMemberships')
    const found = await collected(fresh)
    const asked = fresh.simulator.calls.filter(call => call.operation === 'ListGroupMemberships').length
    expect(asked).to.be.within(100, 140)
    expect(found.gaps('identitystore.group_memberships')).to.have.length(150)
    for (const gap of found.gaps('identitystore.group_memberships'))
      expect(gap).to.include({ reason: 'access_denied', action: 'identitystore:ListGroupMemberships' })
    const unasked = found.gaps('identitystore.group_memberships').filter(gap => gap.message.includes('not asked again'))
    expect(unasked).to.have.length(150 - asked)
  })

  it('asks on when some are refused and others are not', async () => {
    const organization = buildOrganization({ ...small, users: 20, groups: 150 })
    await using fresh = await freshAws(organization)
    const allowed = organization.groups[0]!.GroupId
    fresh.simulator.deny('identitystore:ListGroupMemberships', input => input.GroupId !== allowed)
    await collected(fresh)
    expect(fresh.simulator.calls.filter(call => call.operation === 'ListGroupMemberships')).to.have.length(150)
  })

  it('leaves gaps that say the same in the next run', async () => {
    const organization = buildOrganization(small)
    const roleArn = readerOf(organization)
    await using fresh = await freshAws(organization, {
      simulator: { trust: [{ roleArn, externalId: null }] },
      source: { auth: { roleArn, externalId: null } },
    })
    fresh.simulator.deny('sso:GetInlinePolicyForPermissionSet')
    fresh.simulator.deny('sso:ListAccountsForProvisionedPermissionSet')
    const gaps = async () => {
      const found = await collected(fresh)
      return [...found.parts.values()]
        .flatMap(part => part.end?.gaps ?? [])
        .sort((a, b) => (a.dataset + a.parent < b.dataset + b.parent ? -1 : 1))
    }
    const first = await gaps()
    expect(first.length).to.be.greaterThan(4)
    expect(await gaps()).to.deep.equal(first)
  })

  it('is told from a key that may not be used', async () => {
    await using fresh = await freshAws(buildOrganization(small))
    fresh.simulator.fault('identitystore:ListUsers', {
      kind: 'error',
      code: 'AccessDeniedException',
      members: { Reason: 'KMS_ACCESS_DENIED' },
    })
    fresh.simulator.fault('sso:ListApplications', {
      kind: 'error',
      code: 'ValidationException',
      members: { Reason: 'KMS_DisabledException' },
    })
    const found = await collected(fresh)
    expect(found.gaps('identitystore.users')[0]).to.include({ reason: 'encryption_key', action: 'kms:Decrypt' })
    expect(found.part('identitystore.users', '').end.coverage).to.equal('denied')
    expect(found.gaps('sso.applications')[0]).to.include({ reason: 'encryption_key', action: null })
    // a key that is gone is no group that is gone, whatever else the error says
    const lost = { Reason: 'KMS_KEY_NOT_FOUND', ResourceType: 'GROUP' }
    fresh.simulator.fault(
      'identitystore:ListGroupMemberships',
      { kind: 'error', code: 'ResourceNotFoundException', members: lost },
      Number.POSITIVE_INFINITY,
    )
    const keyless = await collected(fresh)
    expect(coverages(keyless, 'identitystore.group_memberships')).to.deep.equal(['incomplete'])
    for (const gap of keyless.gaps('identitystore.group_memberships')) expect(gap.reason).to.equal('encryption_key')
    expect(coverages(found, 'sso.applications')).to.deep.equal(['incomplete'])
    expect(found.part('sso.application_assignments', '').end.gaps[0]).to.include({ reason: 'parent_not_read' })
  })

  it('is told from what AWS cannot do: a directory that nobody can list', async () => {
    const organization = buildOrganization(small)
    organization.identitySource = 'active_directory'
    await using fresh = await freshAws(organization)
    const found = await collected(fresh)
    for (const dataset of ['identitystore.users', 'identitystore.groups']) {
      expect(found.part(dataset, '').end.coverage).to.equal('not_collectable')
      expect(found.gaps(dataset)[0]).to.include({ reason: 'directory_not_listable', action: null })
    }
    expect(found.part('identitystore.group_memberships', '').end.coverage).to.equal('not_collectable')
    expect(found.rows('sso.account_assignments').size).to.equal(organization.assignments.length)
  })

  it('is not taken for such a directory when it was listed before, until somebody confirms it, or in the same list', async () => {
    const invalid = { kind: 'error', code: 'ValidationException', message: 'invalid' } as const
    const endAfter = async (baseline: Counts) => {
      await using fresh = await freshAws(buildOrganization(small))
      fresh.simulator.fault('identitystore:ListUsers', invalid, Number.POSITIVE_INFINITY)
      const found = await collected(fresh, { plan: await planCollection(fresh.aws, fresh.source, {}, baseline) })
      const { coverage, gaps } = found.part('identitystore.users', '').end
      return [coverage, gaps.find(gap => gap.reason !== 'withheld')!.reason]
    }
    expect(await endAfter({ 'identitystore.users': 12 })).to.deep.equal(['incomplete', 'unconfirmed_drop'])
    expect(await endAfter({ 'identitystore.users': 0 })).to.deep.equal(['not_collectable', 'directory_not_listable'])
    await using fresh = await freshAws(buildOrganization(small), { simulator: { pageSize: 5 } })
    let begun = 0
    fresh.simulator.fault('identitystore:ListUsers', { kind: 'expired_page_token' })
    fresh.simulator.fault(
      'identitystore:ListUsers',
      invalid,
      Number.POSITIVE_INFINITY,
      ({ NextToken }) => !NextToken && begun++ > 0,
    )
    const { end } = (await collected(fresh)).part('identitystore.users', '')
    expect(end.coverage).to.equal('incomplete')
  })

  it('is told from an operation that does not exist in this partition', async () => {
    await using fresh = await freshAws(buildOrganization(small))
    fresh.simulator.fault('sso:ListApplications', { kind: 'error', code: 'UnknownOperationException' })
    const found = await collected(fresh)
    expect(coverages(found, 'sso.applications')).to.deep.equal(['not_collectable'])
    expect(found.gaps('sso.applications')[0]).to.include({ reason: 'unsupported' })
  })
})

describe('what changes while it is read', () => {
  it('a group deleted after it was listed has no members, confirmed', async () => {
    const organization = buildOrganization(small)
    const [gone] = organization.groups
    await using fresh = await freshAws(organization)
    fresh.simulator.hook('identitystore:ListGroupMemberships', () => {
      organization.groups = organization.groups.filter(group => group !== gone)
    })
    const found = await collected(fresh)
    const part = found.part('identitystore.group_memberships', gone!.GroupId)
    expect(part.end).to.include({ coverage: 'complete_with_changes', reason: 'the group was deleted while the source was read' })
    expect(part.rows.size).to.equal(0)
    expect(part.end.gaps).to.deep.equal([])
    expect(found.calls.filter(call => call.operation === 'DescribeGroup')).to.have.length(1)
  })

  it('a group that is called missing and still exists is read again, and is open in the end', async () => {
    const organization = buildOrganization(small)
    const [odd, healed] = organization.groups
    await using fresh = await freshAws(organization)
    const missing = { kind: 'error', code: 'ResourceNotFoundException', members: { ResourceType: 'GROUP' } } as const
    fresh.simulator.fault(
      'identitystore:ListGroupMemberships',
      missing,
      Number.POSITIVE_INFINITY,
      input => input.GroupId === odd!.GroupId,
    )
    fresh.simulator.fault('identitystore:ListGroupMemberships', missing, 1, input => input.GroupId === healed!.GroupId)
    const found = await collected(fresh)
    expect(found.part('identitystore.group_memberships', odd!.GroupId).end).to.include({ coverage: 'incomplete' })
    expect(found.gaps('identitystore.group_memberships').map(gap => gap.reason)).to.deep.equal(['still_exists'])
    expect(found.part('identitystore.group_memberships', healed!.GroupId).end.coverage).to.equal('complete')
  })

  it('a group that may not be asked about stays open, with the action that would tell', async () => {
    const organization = buildOrganization(small)
    const [gone] = organization.groups
    await using fresh = await freshAws(organization)
    fresh.simulator.hook('identitystore:ListGroupMemberships', () => {
      organization.groups = organization.groups.filter(group => group !== gone)
    })
    fresh.simulator.deny('identitystore:DescribeGroup')
    const found = await collected(fresh)
    const { end } = found.part('identitystore.group_memberships', gone!.GroupId)
    expect(end.coverage).to.equal('denied')
    expect(end.gaps[0]).to.include({ action: 'identitystore:DescribeGroup' })
  })

  it('a missing identity store is no deleted group', async () => {
    await using fresh = await freshAws(buildOrganization(small))
    const missing = { kind: 'error', code: 'ResourceNotFoundException', members: { ResourceType: 'IDENTITY_STORE' } } as const
    fresh.simulator.fault('identitystore:ListGroupMemberships', missing, Number.POSITIVE_INFINITY)
    const found = await collected(fresh)
    expect(coverages(found, 'identitystore.group_memberships')).to.deep.equal(['incomplete'])
    expect(found.calls.some(call => call.operation === 'DescribeGroup')).to.equal(false)
    expect(found.gaps('identitystore.group_memberships')[0]!.message).to.include('belongs to another organization')
  })

  it('a permission set deleted after it was listed has nothing below it, and costs no further questions', async () => {
    const organization = buildOrganization(small)
    const gone = organization.permissionSets[0]!.PermissionSetArn
    await using fresh = await freshAws(organization)
    fresh.simulator.hook('sso:DescribePermissionSet', () => {
      organization.permissionSets = organization.permissionSets.filter(set => set.PermissionSetArn !== gone)
      organization.assignments = organization.assignments.filter(each => each.PermissionSetArn !== gone)
      organization.provisionedPairs = organization.provisionedPairs.filter(each => each.PermissionSetArn !== gone)
    })
    const found = await collected(fresh)
    for (const dataset of [
      'sso.permission_sets',
      'sso.inline_policies',
      'sso.managed_policies',
      'sso.permissions_boundaries',
      'sso.provisioned_accounts',
    ]) {
      expect(found.part(dataset, gone).end.coverage, dataset).to.equal('complete_with_changes')
      expect(found.part(dataset, gone).rows.size, dataset).to.equal(0)
    }
    expect(found.calls.filter(call => call.parameters.PermissionSetArn === gone).map(call => call.operation)).to.deep.equal([
      'DescribePermissionSet',
    ])
    expect(found.rows('sso.account_assignments').size).to.equal(organization.assignments.length)
  })

  it('takes no permission set and no application for deleted when the whole instance is found no more', async () => {
    const organization = buildOrganization({ ...small, applications: 2 })
    await using fresh = await freshAws(organization)
    const gone = { kind: 'error', code: 'ResourceNotFoundException', message: 'instance not found' } as const
    const lost = {
      'sso.managed_policies': 'ListManagedPoliciesInPermissionSet',
      'sso.application_grants': 'ListApplicationGrants',
    }
    for (const operation of Object.values(lost))
      fresh.simulator.hook(operation, () => {
        for (const asked of [operation, 'DescribePermissionSet', 'ListPermissionSets', 'DescribeApplication', 'ListApplications'])
          fresh.simulator.fault(asked, gone, Number.POSITIVE_INFINITY)
      })
    const found = await collected(fresh)
    for (const dataset of Object.keys(lost)) {
      const ends = [...found.parts.values()].filter(part => part.dataset === dataset).map(part => part.end!.coverage)
      expect(ends, dataset).to.include('incomplete').and.not.include('complete_with_changes')
    }
  })

  it('takes no permissions boundary for none when neither its permission set nor the instance is found any more', async () => {
    await using fresh = await freshAws(buildOrganization(small))
    const gone = { kind: 'error', code: 'ResourceNotFoundException', message: 'instance not found' } as const
    fresh.simulator.hook('DescribePermissionSet', () => {
      for (const asked of ['DescribePermissionSet', 'ListPermissionSets', 'GetPermissionsBoundaryForPermissionSet'])
        fresh.simulator.fault(asked, gone, Number.POSITIVE_INFINITY)
    })
    const found = await collected(fresh)
    const ends = [...found.parts.values()].filter(part => part.dataset === 'sso.permissions_boundaries')
    expect(ends.map(part => part.end!.coverage)).to.deep.equal(Array(small.permissionSets).fill('incomplete'))
  })

  it('a pair that is no longer provisioned has no assignments, confirmed by discovery', async () => {
    const organization = buildOrganization(small)
    const pair = organization.assignments[0]!
    await using fresh = await freshAws(organization)
    fresh.simulator.fault(
      'sso:ListAccountAssignments',
      { kind: 'error', code: 'ResourceNotFoundException' },
      Number.POSITIVE_INFINITY,
      input => input.AccountId === pair.AccountId && input.PermissionSetArn === pair.PermissionSetArn,
    )
    const isThis = (each: { AccountId: string; PermissionSetArn: string }) =>
      each.AccountId === pair.AccountId && each.PermissionSetArn === pair.PermissionSetArn
    fresh.simulator.hook('sso:ListAccountAssignments', input => {
      if (input.AccountId !== pair.AccountId || input.PermissionSetArn !== pair.PermissionSetArn) return
      organization.assignments = organization.assignments.filter(each => !isThis(each))
      organization.provisionedPairs = organization.provisionedPairs.filter(each => !isThis(each))
    })
    const found = await collected(fresh)
    expect(found.part('sso.account_assignments', `${pair.AccountId}|${pair.PermissionSetArn}`).end.coverage).to.equal(
      'complete_with_changes',
    )
  })

  it('an account that left after it was listed has no tags, confirmed', async () => {
    const organization = buildOrganization(small)
    const last = organization.accounts.at(-1)!
    await using fresh = await freshAws(organization)
    fresh.simulator.hook('organizations:ListTagsForResource', () => {
      organization.accounts = organization.accounts.filter(each => each !== last)
      delete organization.parents[last.Id]
    })
    const { end } = (await collected(fresh)).part('organizations.tags', last.Id)
    expect(end).to.include({ coverage: 'complete_with_changes' })
    expect(end.reason).to.include('was deleted while the source was read')
  })

  it('an organizational unit deleted after it was listed has nothing below it', async () => {
    const organization = buildOrganization({ ...small, ous: 3 })
    const gone = organization.ous.at(-1)!
    await using fresh = await freshAws(organization)
    fresh.simulator.fault(
      'organizations:ListOrganizationalUnitsForParent',
      { kind: 'error', code: 'ParentNotFoundException' },
      9,
      input => input.ParentId === gone.Id,
    )
    fresh.simulator.fault('organizations:ListParents', { kind: 'error', code: 'ChildNotFoundException' }, 9)
    const found = await collected(fresh)
    expect(found.part('organizations.organizational_units', gone.Id).end.coverage).to.equal('complete_with_changes')
  })
})

describe('what breaks on the way', () => {
  const once = async (
    fault: Parameters<Awaited<ReturnType<typeof freshAws>>['simulator']['fault']>[1],
    options: FreshOptions = {},
  ) => {
    const organization = buildOrganization(small)
    await using fresh = await freshAws(organization, { simulator: { pageSize: 5 }, ...options })
    fresh.simulator.fault('identitystore:ListUsers', fault, 1)
    const found = await collected(fresh)
    expect(found.rows('identitystore.users').size).to.equal(organization.users.length)
    expectElsewhereComplete(found)
    return found
  }

  it('is tried again: a server error, a broken connection, an answer cut off', async () => {
    for (const fault of [
      { kind: 'status', status: 500 },
      { kind: 'status', status: 503 },
      { kind: 'reset' },
      { kind: 'truncate' },
    ] as const) {
      const found = await once(fault)
      expect(
        found.calls.find(call => call.operation === 'ListUsers'),
        fault.kind,
      ).to.include({ attempts: 2, status: 200 })
    }
  })

  it('is tried again after a while when another change is under way, and left open when that does not end', async () => {
    await using fresh = await freshAws(buildOrganization(small), { aws: { retryDeadlineMs: 60_000 } })
    const conflict = { kind: 'error', code: 'ConcurrentModificationException' } as const
    fresh.simulator.fault('organizations:ListRoots', conflict)
    const found = await collected(fresh)
    expectElsewhereComplete(found)
    expect(fresh.simulator.calls.filter(call => call.operation === 'ListRoots')).to.have.length(2)
    await using stuck = await freshAws(buildOrganization(small))
    stuck.simulator.fault('organizations:ListRoots', conflict, Number.POSITIVE_INFINITY)
    expect(coverages(await collected(stuck), 'organizations.roots')).to.deep.equal(['incomplete'])
  })

  it('is tried again when there is no answer in time', async () => {
    const found = await once({ kind: 'hang' }, { aws: { requestTimeoutMs: 150 } })
    expect(found.calls.find(call => call.operation === 'ListUsers')).to.include({ attempts: 2, status: 200 })
  })

  for (const [name, fault, reason, options] of [
    ['server errors', { kind: 'status', status: 500 }, 'server_error', {}],
    ['broken connections', { kind: 'reset' }, 'network', {}],
    ['silence', { kind: 'hang' }, 'timeout', { aws: { requestTimeoutMs: 500, retryDeadlineMs: 1_200 } }],
    ['throttles', { kind: 'error', code: 'ThrottlingException' }, 'throttled', { aws: { retryDeadlineMs: 300 } }],
  ] as const) {
    it(`is incomplete and never shorter when it lasts: ${name}`, async () => {
      const organization = buildOrganization(small)
      await using fresh = await freshAws(organization, { simulator: { pageSize: 5 }, ...options })
      fresh.simulator.fault('identitystore:ListUsers', fault, Number.POSITIVE_INFINITY, input => input.NextToken !== undefined)
      const found = await collected(fresh)
      const { rows, end } = found.part('identitystore.users', '')
      expect(end.coverage).to.equal('incomplete')
      expect(end.gaps[0]).to.include({ reason, key: null, member: null })
      expect(rows.size, 'what was seen is kept').to.equal(5)
      expectElsewhereComplete(found, 'identitystore.users')
      const failed = found.calls.find(call => call.operation === 'ListUsers' && call.page === 2)!
      expect(failed.attempts).to.be.greaterThan(1)
      expect(failed.errorCode).to.be.a('string')
      if (reason === 'throttled') expect(failed.throttles).to.equal(failed.attempts)
    })
  }

  it('begins a list again when its page token is refused', async () => {
    const organization = buildOrganization(small)
    await using fresh = await freshAws(organization, { simulator: { pageSize: 3 } })
    for (const operation of ['identitystore:ListUsers', 'sso:ListPermissionSets', 'organizations:ListAccounts']) {
      fresh.simulator.fault(operation, { kind: 'expired_page_token' })
    }
    const found = await collected(fresh)
    expect(found.rows('identitystore.users').size).to.equal(organization.users.length)
    expect(found.rows('organizations.accounts').size).to.equal(organization.accounts.length)
    for (const operation of ['ListUsers', 'ListPermissionSets', 'ListAccounts']) {
      expect(
        found.calls.filter(call => call.operation === operation && call.page === 1),
        operation,
      ).to.have.length(2)
    }
    expectElsewhereComplete(found)
  })

  it('gives a list up after it was begun three times', async () => {
    const organization = buildOrganization(small)
    await using fresh = await freshAws(organization, { simulator: { pageSize: 4 } })
    fresh.simulator.fault('identitystore:ListUsers', { kind: 'expired_page_token' }, Number.POSITIVE_INFINITY)
    const found = await collected(fresh)
    const { rows, end } = found.part('identitystore.users', '')
    expect(end.coverage).to.equal('incomplete')
    expect(end.gaps[0]).to.include({ reason: 'page_token' })
    expect(rows.size).to.equal(4)
    expect(found.calls.filter(call => call.operation === 'ListUsers' && call.page === 1)).to.have.length(3)
  })

  it('does not walk in circles when the same page token comes twice', async () => {
    const organization = buildOrganization(small)
    await using fresh = await freshAws(organization, { simulator: { pageSize: 3 } })
    fresh.simulator.fault('identitystore:ListUsers', { kind: 'repeat_token' }, Number.POSITIVE_INFINITY)
    const found = await collected(fresh)
    expect(found.part('identitystore.users', '').end.coverage).to.equal('incomplete')
    expect(found.gaps('identitystore.users')[0]).to.include({ reason: 'page_token' })
  })

  it('takes an answer without its list for no answer, not for an empty directory', async () => {
    await using fresh = await freshAws(buildOrganization(small))
    const users = fresh.simulator.organization.users
    fresh.simulator.organization.users = users.map(({ UserId: _, ...rest }) => rest) as unknown as SimulatedOrganization['users']
    const found = await collected(fresh)
    expect(found.part('identitystore.users', '').end.coverage).to.equal('incomplete')
    expect(found.gaps('identitystore.users')[0]).to.include({ reason: 'invalid_answer' })
  })

  it('takes AWS’s clock for its own when a signature is refused for the time of this machine', async () => {
    const made = buildOrganization({ seed: 3, accounts: 2, users: 2, groups: 1, permissionSets: 1, iamUsers: 0 })
    // connecting finds the clocks agreed; the one that signs is the SDK's
    const now = () => new Date(Date.now() + 3_600_000)
    await using fresh = await freshAws(made, { simulator: { now }, aws: { now } })
    const refused = { kind: 'error', code: 'InvalidSignatureException', status: 403 } as const
    for (const action of ['sso:ListInstances', 'organizations:DescribeOrganization']) fresh.simulator.fault(action, refused)
    await collected(fresh)
    const asked = fresh.simulator.calls.filter(call => ['ListInstances', 'DescribeOrganization'].includes(call.operation))
    expect(asked.map(call => call.status)).to.have.members([403, 403, 200, 200])
  })

  it('renews a session that ends while it is used, and repeats the same page once', async () => {
    const organization = buildOrganization(small)
    const roleArn = readerOf(organization)
    await using fresh = await freshAws(organization, {
      simulator: { pageSize: 5, trust: [{ roleArn, externalId: null }] },
      source: { auth: { roleArn, externalId: null } },
    })
    fresh.simulator.fault('identitystore:ListUsers', { kind: 'expired_credentials' }, 1, input => input.NextToken !== undefined)
    const found = await collected(fresh)
    expect(found.rows('identitystore.users').size).to.equal(organization.users.length)
    expectElsewhereComplete(found)
    const assumed = fresh.simulator.calls.filter(call => call.operation === 'AssumeRole')
    expect(assumed).to.have.length(2)
    expect(new Set(assumed.map(call => call.input.RoleSessionName)).size).to.equal(1)
  })

  it('renews before the end of a short session', async () => {
    const organization = buildOrganization({ ...small, groups: 900, users: 60 })
    const roleArn = readerOf(organization)
    await using fresh = await freshAws(organization, {
      simulator: { latencyMs: 60, trust: [{ roleArn, externalId: null, sessionSeconds: 2 }] },
      source: { auth: { roleArn, externalId: null }, rateLimits: { ...fast, identitystore: 300 } },
    })
    const found = await collected(fresh)
    expectElsewhereComplete(found)
    expect(fresh.simulator.calls.filter(call => call.operation === 'AssumeRole').length).to.be.greaterThan(1)
    // renewed too late, the 32 calls under way would all be told; a machine that stands still for a moment may see a few
    expect(fresh.simulator.calls.filter(call => call.errorCode?.startsWith('ExpiredToken')).length).to.be.lessThan(10)
  })

  it('says credentials_expired, and asks for new ones once, when the role is taken away', async () => {
    const organization = buildOrganization(small)
    const roleArn = readerOf(organization)
    const trust = [{ roleArn, externalId: null }]
    await using fresh = await freshAws(organization, {
      simulator: { trust },
      source: { auth: { roleArn, externalId: null } },
    })
    fresh.simulator.hook('sso:ListPermissionSets', () => {
      trust.splice(0)
    })
    fresh.simulator.fault('sso:ListPermissionSets', { kind: 'expired_credentials' }, 1)
    const found = await collected(fresh)
    expect(found.gaps('sso.permission_set_arns')[0]).to.include({ reason: 'credentials_expired' })
    expect(coverages(found, 'sso.permission_set_arns')).to.deep.equal(['incomplete'])
    expect(fresh.simulator.calls.filter(call => call.operation === 'AssumeRole')).to.have.length(2)
  })

  it('does not go on asking with keys that have expired and that nobody renews', async () => {
    const organization = buildOrganization({ ...small, groups: 60, users: 30 })
    await using fresh = await freshAws(organization)
    const calls = () => fresh.simulator.calls.filter(call => call.service === 'identitystore').length
    fresh.simulator.fault(
      'identitystore:ListGroupMemberships',
      { kind: 'error', code: 'ExpiredTokenException' },
      Number.POSITIVE_INFINITY,
    )
    const found = await collected(fresh)
    expect(coverages(found, 'identitystore.group_memberships')).to.deep.equal(['incomplete'])
    for (const gap of found.gaps('identitystore.group_memberships')) expect(gap).to.include({ reason: 'credentials_expired' })
    // two lists, and the 32 that were under way when the first was told
    expect(calls()).to.be.at.most(2 + 32)
  })
})

describe('what does not exist', () => {
  it('is not applicable, with the proof: no organization', async () => {
    const organization = buildOrganization(small)
    organization.organization = null
    await using fresh = await freshAws(organization)
    const found = await collected(fresh)
    for (const dataset of [
      'organizations.organizations',
      'organizations.roots',
      'organizations.organizational_units',
      'organizations.accounts',
    ]) {
      expect(found.part(dataset, '').end.coverage, dataset).to.equal('not_applicable')
      expect(found.part(dataset, '').end.reason, dataset).to.include('AWSOrganizationsNotInUseException')
    }
    expect(found.plan.identity.organizationId).to.equal(null)
  })

  it('is not applicable, with the proof: no organization, told by its roots where it may not be described', async () => {
    const organization = buildOrganization(small)
    organization.organization = null
    await using fresh = await freshAws(organization)
    fresh.simulator.deny('organizations:DescribeOrganization')
    const found = await collected(fresh)
    for (const dataset of ['organizations.organizations', 'organizations.accounts', 'organizations.tags'])
      expect(coverages(found, dataset), dataset).to.deep.equal(['not_applicable'])
  })

  it('is not enabled, with the proof: delegation in an organization for consolidated billing', async () => {
    await using fresh = await freshAws(buildOrganization(small))
    const asked = ['ListDelegatedAdministrators', 'ListAWSServiceAccessForOrganization', 'DescribeResourcePolicy']
    const Reason = 'ORGANIZATION_NOT_IN_ALL_FEATURES_MODE'
    for (const operation of asked)
      fresh.simulator.fault(operation, { kind: 'error', code: 'ConstraintViolationException', members: { Reason } }, 9)
    const found = await collected(fresh)
    const delegation = ['delegated_administrators', 'delegated_services', 'service_access', 'resource_policies']
    for (const name of delegation.map(each => `organizations.${each}`)) {
      const { end } = found.part(name, '')
      expect(end, name).to.include({ coverage: 'not_enabled' })
      expect(end.reason, name).to.include(Reason)
      expect(end.gaps, name).to.deep.equal([])
    }
    expectElsewhereComplete(found, ...delegation.map(each => `organizations.${each}`))
  })

  it('is open, and keeps what was shown, when a feature that answered is called not enabled', async () => {
    const organization = buildOrganization({ ...small, accounts: 30 })
    const members = organization.accounts.slice(1, 28)
    for (const { Id } of members)
      organization.delegations.push({ accountId: Id, servicePrincipal: 'x.amazonaws.com', enabledAt: new Date() })
    const Reason = 'ORGANIZATION_NOT_IN_ALL_FEATURES_MODE'
    const notEnabled = { kind: 'error', code: 'ConstraintViolationException', members: { Reason } } as const
    const administrators = 'organizations.delegated_administrators'
    const services = 'organizations.delegated_services'
    await using onPage = await freshAws(organization)
    const isLater = (input: object) => 'NextToken' in input
    onPage.simulator.fault('ListDelegatedAdministrators', notEnabled, Number.POSITIVE_INFINITY, isLater)
    const paged = await collected(onPage)
    expect(paged.part(administrators, '').end).to.include({ coverage: 'incomplete' })
    expect(paged.rows(administrators)).to.have.property('size', 20)
    expect(paged.rows(services)).to.have.property('size', 20)
    await using below = await freshAws(organization)
    below.simulator.fault('ListDelegatedServicesForAccount', notEnabled, 1)
    const found = await collected(below)
    expect(found.rows(services)).to.have.property('size', members.length - 1)
    const ends = [...found.parts.values()].filter(part => part.dataset === services).map(part => part.end!)
    expect(ends.filter(end => end.coverage === 'incomplete')).to.have.length(1)
    expect(found.gaps(services)).to.have.length(1)
  })

  it('is not enabled, with the proof: root features in an organization without all features', async () => {
    await using fresh = await freshAws(buildOrganization(small), {
      source: { iam: { roleName: 'R', externalId: null, accounts: [] } },
    })
    fresh.simulator.fault('iam:ListOrganizationsFeatures', { kind: 'error', code: 'OrganizationNotInAllFeaturesModeException' })
    const { end } = (await collected(fresh)).part('iam.organizations_features', '')
    expect(end).to.include({ coverage: 'not_enabled' })
  })

  it('is not applicable, with the proof: an instance without permission sets for accounts', async () => {
    const organization = buildOrganization(small)
    organization.instance!.details.PermissionSetsEnabled = false
    await using fresh = await freshAws(organization)
    const found = await collected(fresh)
    for (const dataset of ['sso.provisioned_accounts', 'sso.account_assignments']) {
      expect(found.part(dataset, '').end).to.include({ coverage: 'not_applicable' })
      expect(found.part(dataset, '').end.reason).to.include('PermissionSetsEnabled')
    }
    expect(coverages(found, 'sso.permission_sets')).to.deep.equal(['complete'])
  })

  it('is not applicable, with the proof: an account instance has neither sets nor assignments', async () => {
    const organization = buildOrganization(small)
    const member = organization.accounts.find(account => account.Id !== organization.organization!.MasterAccountId)!.Id
    organization.instance!.OwnerAccountId = member
    await using fresh = await freshAws(organization)
    const found = await collected(fresh)
    for (const { name } of datasets.filter(each =>
      /^sso\..*(permission_set|polic|boundar|provisioned|account_assignments|tags)/.test(each.name),
    )) {
      expect(coverages(found, name), name).to.deep.equal(['not_applicable'])
    }
    expect(found.rows('identitystore.users').size).to.equal(organization.users.length)
  })

  it('keeps an organization apart that AWS refuses to describe from one that does not exist', async () => {
    const organization = buildOrganization(small)
    await using fresh = await freshAws(organization)
    fresh.simulator.deny('organizations:DescribeOrganization')
    const found = await collected(fresh)
    expect(found.plan.identity.organizationId, 'told by the ARN of the root').to.equal(organization.organization!.Id)
    expect(found.part('organizations.organizations', '').end.coverage).to.equal('denied')
    expect(found.rows('organizations.accounts').size).to.equal(organization.accounts.length)
    fresh.simulator.deny('organizations:ListRoots')
    const blind = await collected(fresh)
    expect(blind.plan.identity.organizationId).to.equal(null)
    expect(coverages(blind, 'organizations.organizations')).to.deep.equal(['denied'])
    expect(coverages(blind, 'organizations.organizational_units')).to.deep.equal(['denied'])
  })
})
