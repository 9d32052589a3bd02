import { ListUsersCommand as ListIamUsersCommand } from '@aws-sdk/client-iam'
import { ListUsersCommand, paginateListUsers } from '@aws-sdk/client-identitystore'
import { ListAccountsCommand, paginateListAccounts } from '@aws-sdk/client-organizations'
import { ListPermissionSetsCommand, paginateListAccountAssignments, paginateListPermissionSets } from '@aws-sdk/client-sso-admin'
import { expect } from 'chai'
import fc from 'fast-check'
import { buildOrganization, startSimulator, unlimited } from '../../src/simulator/index.ts'
import { all, clientsOf, failure } from './clients.ts'

describe('Paging on the wire', () => {
  it("serves AWS's maximum when no size is asked for, and never more", async () => {
    const organization = buildOrganization({ users: 101, accounts: 21, groups: 2, permissionSets: 101, pairs: 21 })
    await using simulator = await startSimulator({ organization, rates: unlimited })
    const { identityStore, organizations, sso } = clientsOf(simulator)
    const { InstanceArn, IdentityStoreId } = organization.instance!
    const users = await identityStore.send(new ListUsersCommand({ IdentityStoreId }))
    const accounts = await organizations.send(new ListAccountsCommand({}))
    const sets = await sso.send(new ListPermissionSetsCommand({ InstanceArn }))
    expect([users.Users?.length, accounts.Accounts?.length, sets.PermissionSets?.length]).to.deep.equal([100, 20, 100])
    expect([users.NextToken, accounts.NextToken, sets.NextToken].every(token => typeof token === 'string')).to.equal(true)
    const rest = await identityStore.send(new ListUsersCommand({ IdentityStoreId, NextToken: users.NextToken }))
    expect(rest.Users).to.have.length(1)
    expect(rest.NextToken).to.equal(undefined)
  })

  it('refuses a page size over the maximum as each service does', async () => {
    const organization = buildOrganization({ users: 1, groups: 1 })
    await using simulator = await startSimulator({ organization, rates: unlimited })
    const { iam, identityStore, organizations, sso } = clientsOf(simulator)
    const { InstanceArn, IdentityStoreId } = organization.instance!
    const user = await failure(identityStore.send(new ListUsersCommand({ IdentityStoreId, MaxResults: 101 })))
    const set = await failure(sso.send(new ListPermissionSetsCommand({ InstanceArn, MaxResults: 101 })))
    const none = await failure(sso.send(new ListPermissionSetsCommand({ InstanceArn, MaxResults: 0 })))
    const account = await failure(organizations.send(new ListAccountsCommand({ MaxResults: 21 })))
    const robot = await failure(iam.send(new ListIamUsersCommand({ MaxItems: 1001 })))
    expect([user.name, set.name, none.name]).to.deep.equal(['ValidationException', 'ValidationException', 'ValidationException'])
    expect(account).to.include({ name: 'InvalidInputException', Reason: 'MAX_VALUE_EXCEEDED' })
    expect(robot.name).to.equal('ValidationError')
    expect(user.message).to.contain("Value '101' at 'maxResults'")
  })

  it('refuses a token that it did not give, or gave for another question', async () => {
    const organization = buildOrganization({ users: 5, groups: 3, accounts: 5 })
    await using simulator = await startSimulator({ organization, rates: unlimited, pageSize: 2 })
    const { iam, identityStore, organizations, sso } = clientsOf(simulator)
    const { InstanceArn, IdentityStoreId } = organization.instance!
    const { NextToken } = await identityStore.send(new ListUsersCommand({ IdentityStoreId }))
    const other = await failure(identityStore.send(new ListUsersCommand({ IdentityStoreId, Extensions: ['x'], NextToken })))
    const garbage = await failure(identityStore.send(new ListUsersCommand({ IdentityStoreId, NextToken: 'garbage' })))
    const swapped = await failure(sso.send(new ListPermissionSetsCommand({ InstanceArn, NextToken })))
    const account = await failure(organizations.send(new ListAccountsCommand({ NextToken })))
    const robot = await failure(iam.send(new ListIamUsersCommand({ Marker: 'garbage' })))
    expect([other, garbage, swapped].map(error => error.name)).to.deep.equal(Array(3).fill('ValidationException'))
    expect(account).to.include({ name: 'InvalidInputException', Reason: 'INVALID_NEXT_TOKEN' })
    expect(robot.name).to.equal('ValidationError')
  })

  it('gives every row once, whatever the page size', async () => {
    const organization = buildOrganization({ users: 37, groups: 30, accounts: 9, permissionSets: 4, pairs: 12, assignments: 200 })
    const { InstanceArn, IdentityStoreId } = organization.instance!
    const [{ AccountId, PermissionSetArn }] = organization.assignments as [(typeof organization.assignments)[0]]
    const ofPair = organization.assignments.filter(
      one => one.AccountId === AccountId && one.PermissionSetArn === PermissionSetArn,
    )
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 45 }), fc.integer({ min: 1, max: 45 }), async (pageSize, asked) => {
        await using simulator = await startSimulator({ organization, rates: unlimited, pageSize })
        const { identityStore, organizations, sso } = clientsOf(simulator)
        const users = await all(
          paginateListUsers({ client: identityStore, pageSize: asked }, { IdentityStoreId }),
          page => page.Users,
        )
        const sets = await all(
          paginateListPermissionSets({ client: sso, pageSize: asked }, { InstanceArn }),
          page => page.PermissionSets,
        )
        const accounts = await all(paginateListAccounts({ client: organizations }, {}), page => page.Accounts)
        const pair = { InstanceArn, AccountId, PermissionSetArn }
        const assignments = await all(
          paginateListAccountAssignments({ client: sso, pageSize: asked }, pair),
          page => page.AccountAssignments,
        )
        expect(users.map(one => one.UserId)).to.deep.equal(organization.users.map(one => one.UserId))
        expect(sets).to.deep.equal(organization.permissionSets.map(one => one.PermissionSetArn))
        expect(accounts.map(one => one.Id)).to.deep.equal(organization.accounts.map(one => one.Id))
        expect(assignments).to.deep.equal(ofPair)
        expect(simulator.counts.get('identitystore:ListUsers')).to.equal(Math.ceil(37 / Math.min(pageSize, asked)))
      }),
      { numRuns: 12 },
    )
  })

  it('passes nobody over when rows are deleted between two pages', async () => {
    const organization = buildOrganization({ users: 10, groups: 1 })
    await using simulator = await startSimulator({ organization, rates: unlimited, pageSize: 4 })
    const { identityStore } = clientsOf(simulator)
    const { IdentityStoreId } = organization.instance!
    const ids = organization.users.map(user => user.UserId)
    const first = await identityStore.send(new ListUsersCommand({ IdentityStoreId }))
    organization.users.splice(1, 2)
    const second = await identityStore.send(new ListUsersCommand({ IdentityStoreId, NextToken: first.NextToken }))
    expect(second.Users?.map(user => user.UserId)).to.deep.equal(ids.slice(4, 8))
    // the last row served is the one that goes
    organization.users = organization.users.filter(user => user.UserId !== ids[7])
    const third = await identityStore.send(new ListUsersCommand({ IdentityStoreId, NextToken: second.NextToken }))
    expect(third.Users?.map(user => user.UserId)).to.deep.equal(ids.slice(8))
  })
})
