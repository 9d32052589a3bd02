import { expect } from 'chai'
import { buildOrganization, type SimulatedOrganization } from '../../src/simulator/index.ts'
import type { CheckMode } from '../../src/sources/index.ts'
import { type Collected, collected, type FreshOptions, freshAws } from './fresh-aws.ts'

const shape = { seed: 51, accounts: 8, users: 20, groups: 6, permissionSets: 5, applications: 1, iamUsers: 0 }

interface Check {
  readonly made: boolean
  readonly statement: string
  readonly population: number
  readonly compared: number
  readonly differences: number
  readonly examples: readonly string[]
  readonly seed: string
}

async function checked(
  organization: SimulatedOrganization,
  options: { checks?: CheckMode; fresh?: FreshOptions; prepare?: (fresh: Awaited<ReturnType<typeof freshAws>>) => void } = {},
): Promise<{ check: (name: string) => Check; found: Collected }> {
  await using fresh = await freshAws(organization, options.fresh)
  options.prepare?.(fresh)
  const found = await collected(fresh, { checks: options.checks ?? 'exhaustive' })
  const rows = found.rows('evidenced.cross_checks')
  return {
    found,
    check(name) {
      const row = rows.get(name)
      if (row === undefined) throw new Error(`no check ${name}`)
      return row as Check
    },
  }
}

describe('the cross-checks', () => {
  it('find nothing where AWS agrees with itself, and say how much was compared', async () => {
    const organization = buildOrganization(shape)
    const { check } = await checked(organization)
    const everyone = organization.users.length + organization.groups.length
    for (const name of ['discovery_both_ways', 'principal_sample', 'empty_pairs', 'references', 'changes_in_progress']) {
      expect(check(name), name).to.include({ made: true, differences: 0 })
    }
    expect(check('principal_sample')).to.include({ population: everyone, compared: everyone })
    expect(check('discovery_both_ways').compared).to.equal(organization.accounts.length)
    expect(check('changed_in_window')).to.include({ made: true, differences: 0 })
    for (const head of [
      'sso.instances',
      'identitystore.users',
      'identitystore.groups',
      'organizations.accounts',
      'sso.permission_set_arns',
    ]) {
      expect(check(`heads_again ${head}`), head).to.include({ made: true, differences: 0 })
    }
    expect(check('reserved_roles')).to.include({ made: false })
  })

  it('understand that a user is assigned what its groups are', async () => {
    const organization = buildOrganization(shape)
    const [user] = organization.users
    const [assignment] = organization.assignments
    organization.assignments.push({ ...assignment!, PrincipalType: 'USER', PrincipalId: user!.UserId })
    const { check } = await checked(organization)
    expect(check('principal_sample')).to.include({ made: true, differences: 0 })
  })

  it('find an assignment that discovery hides, by principal', async () => {
    const organization = buildOrganization(shape)
    const [hidden] = organization.assignments
    organization.unlistedPairs.push({ AccountId: hidden!.AccountId, PermissionSetArn: hidden!.PermissionSetArn })
    const { check, found } = await checked(organization)
    expect(found.rows('sso.account_assignments').size).to.be.lessThan(organization.assignments.length)
    const principals = check('principal_sample')
    expect(principals.differences).to.be.greaterThan(0)
    expect(principals.examples.join('\n')).to.include(`${hidden!.AccountId}|${hidden!.PermissionSetArn} of GROUP|`)
  })

  it('find the hidden pair by the role that Identity Center keeps for it', async () => {
    const organization = buildOrganization(shape)
    const hidden = organization.assignments.find(each =>
      organization.accounts.some(one => one.Id === each.AccountId && one.State === 'ACTIVE'),
    )!
    organization.unlistedPairs.push({ AccountId: hidden.AccountId, PermissionSetArn: hidden.PermissionSetArn })
    const trust = organization.accounts.map(({ Id }) => ({
      roleArn: `arn:aws:iam::${Id}:role/EvidencedIamReader`,
      externalId: null,
    }))
    const iam = { roleName: 'EvidencedIamReader', externalId: null, accounts: null }
    const { check } = await checked(organization, { checks: 'sampled', fresh: { simulator: { trust }, source: { iam } } })
    const set = organization.permissionSets.find(each => each.PermissionSetArn === hidden.PermissionSetArn)!
    expect(check('reserved_roles').examples).to.deep.equal([
      `${set.Name} in ${hidden.AccountId} has a role in IAM, and discovery does not show it`,
    ])
    expect(check('account_counts')).to.include({ made: true, differences: 0 })
  })

  it('find lists that AWS cuts short, against what IAM counts', async () => {
    const organization = buildOrganization({ ...shape, accounts: 1, iamUsers: 3 })
    const { Id } = organization.accounts[0]!
    const trust = [{ roleArn: `arn:aws:iam::${Id}:role/EvidencedIamReader`, externalId: null }]
    const iam = { roleName: 'EvidencedIamReader', externalId: null, accounts: null }
    const { check } = await checked(organization, {
      fresh: { simulator: { trust }, source: { iam } },
      prepare: ({ simulator }) => simulator.fault('iam:ListUsers', { kind: 'missing_items' }),
    })
    expect(check('account_counts').examples).to.deep.equal([`${Id}: iam:GetAccountSummary says 3 Users, iam.users holds 2`])
  })

  it('list what changed while the source was read', async () => {
    const organization = buildOrganization(shape)
    const gone = organization.users.at(-1)!
    let calls = 0
    const { check } = await checked(organization, {
      prepare: ({ simulator }) =>
        simulator.hook('ListUsers', () => {
          if (++calls === 2) organization.users = organization.users.filter(user => user !== gone)
        }),
    })
    expect(check('heads_again identitystore.users').examples).to.deep.equal([`${gone.UserId} vanished while the source was read`])
  })

  it('name what AWS dates into the window', async () => {
    const organization = buildOrganization(shape)
    const [, user] = organization.users
    user!.UpdatedAt = new Date(Date.now() + 2000)
    const { check } = await checked(organization)
    const said = check('changed_in_window')
    expect(said).to.include({ differences: 1 })
    expect(said.examples[0]).to.include(`identitystore.users ${user!.UserId} was written at`)
  })

  it('say what Identity Center was still working on at begin and end, and read its assignments again', async () => {
    const organization = buildOrganization(shape)
    const [first, , last] = organization.assignments
    const request = (
      kind: 'creation' | 'deletion',
      RequestId: string,
      { AccountId, PermissionSetArn }: typeof first & object,
    ) => ({
      ...{ kind, RequestId, AccountId, PermissionSetArn, PrincipalType: 'USER' as const, PrincipalId: 'u-1' },
      ...{ Status: 'IN_PROGRESS' as const, CreatedDate: new Date() },
    })
    const creation = request('creation', 'request-of-the-beginning', first!)
    organization.pendingRequests.push(creation, { ...request('deletion', 'request-of-long-ago', last!), Status: 'SUCCEEDED' })
    const { check, found } = await checked(organization, {
      prepare({ simulator }) {
        simulator.hook('ListAccountAssignments', () => {
          if (creation.Status !== 'IN_PROGRESS') return
          Object.assign(creation, { Status: 'SUCCEEDED' })
          organization.pendingRequests.push(request('deletion', 'request-of-the-end', last!))
        })
      },
    })
    const said = check('changes_in_progress')
    expect(said).to.include({ made: true, population: 2, differences: 2 })
    expect(said.examples[0])
      .to.include('the creation of an assignment')
      .and.include('when the reading began (request-of-the-beginning)')
    expect(said.examples[1])
      .to.include('the deletion of an assignment')
      .and.include('when the reading ended (request-of-the-end)')
    const moving = new Set([first, last].map(each => `${each!.AccountId}|${each!.PermissionSetArn}`))
    for (const { dataset, parent, end } of found.parts.values())
      if (dataset === 'sso.account_assignments')
        expect(end?.coverage, parent).to.equal(moving.has(parent) ? 'complete_with_changes' : 'complete')
    expect(found.rows('sso.account_assignments').size).to.equal(organization.assignments.length)
  })

  it('confirm that a principal in no list is deleted, and tell one that is not', async () => {
    const organization = buildOrganization(shape)
    const [assignment] = organization.assignments
    const ghost = '00000000-1111-2222-3333-444444444444'
    organization.assignments.push({ ...assignment!, PrincipalType: 'USER', PrincipalId: ghost })
    const deleted = await checked(organization)
    expect(deleted.check('references')).to.include({ differences: 0 })
    expect(deleted.check('references').statement).to.include('1 principals are in no list, of 1 asked for 1 are deleted')
    const [first] = organization.groups
    organization.assignments.push({ ...organization.assignments[1]!, PrincipalType: 'GROUP', PrincipalId: first!.GroupId })
    const cut = await checked(organization, {
      prepare: ({ simulator }) => simulator.fault('ListGroups', { kind: 'missing_items' }, 1),
    })
    expect(cut.check('references').examples).to.deep.equal([`GROUP|${first!.GroupId} exists and is in no list`])
    expect(cut.check('heads_again identitystore.groups').examples).to.deep.equal([
      `${first!.GroupId} appeared while the source was read`,
    ])
  })

  it('sample by default: a tenth of the calls, named apart, with a seed and what the sample proves', async () => {
    const organization = buildOrganization({ ...shape, users: 400, groups: 30, accounts: 12, permissionSets: 10, pairs: 90 })
    const { check, found } = await checked(organization, { checks: 'sampled' })
    const extra = found.calls.filter(call => call.dataset === 'evidenced.cross_checks').length
    expect(extra).to.be.within(8, (found.calls.length - extra) * 0.1 + 4)
    const sample = check('principal_sample')
    expect(sample.compared).to.be.within(1, 60)
    expect(sample.population).to.equal(430)
    expect(sample.statement).to.match(/at 95 %, fewer than [\d.]+ % of principals do/)
    expect(sample.seed).to.match(/^[0-9a-f]{16}$/)
  })

  it('keep to a tenth of the calls, though each principal takes many pages', async () => {
    const organization = buildOrganization({ ...shape, users: 200, groups: 4, accounts: 40, permissionSets: 10, pairs: 300 })
    const { check, found } = await checked(organization, { checks: 'sampled', fresh: { simulator: { pageSize: 5 } } })
    const extra = found.calls.filter(call => call.dataset === 'evidenced.cross_checks')
    const heads = extra.filter(call => /^(ListUsers|ListGroups|ListAccounts|ListPermissionSets)$/.test(call.operation)).length
    const planned = found.calls.length - extra.length
    // when the allowance ends, a principal and an account may be under way on each of eight lines, with all their pages
    const mostPages = (operation: string, member: string) => {
      const pages = Map.groupBy(
        extra.filter(call => call.operation === operation),
        call => call.parameters[member],
      )
      return Math.max(0, ...[...pages.values()].map(calls => calls.length))
    }
    const underWay =
      mostPages('ListAccountAssignmentsForPrincipal', 'PrincipalId') +
      mostPages('ListPermissionSetsProvisionedToAccount', 'AccountId')
    expect(extra.length - heads).to.be.lessThan(planned * 0.1 + 8 * underWay)
    const sample = check('principal_sample')
    const asked = new Set(
      extra.filter(call => call.operation === 'ListAccountAssignmentsForPrincipal').map(call => call.parameters.PrincipalId),
    )
    expect(sample).to.include({ made: true, compared: asked.size, differences: 0 })
    expect(sample.compared).to.be.lessThan(sample.population)
  })

  it('are not made, and say why, where the role may not ask or the dataset is not whole', async () => {
    const organization = buildOrganization(shape)
    const { check, found } = await checked(organization, {
      prepare({ simulator }) {
        simulator.deny('sso:ListAccountAssignmentsForPrincipal')
        simulator.deny('organizations:ListAccounts')
      },
    })
    expect(check('principal_sample')).to.include({ made: false })
    expect(check('principal_sample').statement).to.include('AccessDeniedException')
    expect(check('discovery_both_ways').statement).to.include('organizations.accounts is denied')
    expect(found.part('evidenced.cross_checks', '').end.coverage).to.equal('complete')
  })
})
