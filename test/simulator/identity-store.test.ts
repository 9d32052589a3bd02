import {
  DescribeGroupCommand,
  DescribeUserCommand,
  GetGroupIdCommand,
  GetUserIdCommand,
  IsMemberInGroupsCommand,
  ListGroupMembershipsCommand,
  ListUsersCommand,
  paginateListGroupMemberships,
  paginateListGroupMembershipsForMember,
  paginateListGroups,
  paginateListUsers,
} from '@aws-sdk/client-identitystore'
import { expect } from 'chai'
import { buildOrganization, emptyOrganization, identifiers, startSimulator, unlimited } from '../../src/simulator/index.ts'
import { all, clientsOf, failure, post } from './clients.ts'

describe('Identity Store on the wire', () => {
  it('lists every user, group and membership that the organization holds', async () => {
    const organization = buildOrganization({ users: 230, groups: 12 })
    await using simulator = await startSimulator({ organization, rates: unlimited })
    const client = clientsOf(simulator).identityStore
    const IdentityStoreId = organization.instance!.IdentityStoreId
    const users = await all(paginateListUsers({ client }, { IdentityStoreId }), page => page.Users)
    const groups = await all(paginateListGroups({ client }, { IdentityStoreId }), page => page.Groups)
    expect(users.map(user => user.UserId)).to.deep.equal(organization.users.map(user => user.UserId))
    expect(groups.map(group => group.GroupId)).to.deep.equal(organization.groups.map(group => group.GroupId))
    const found: string[] = []
    for (const { GroupId } of groups) {
      const members = await all(
        paginateListGroupMemberships({ client }, { IdentityStoreId, GroupId }),
        page => page.GroupMemberships,
      )
      found.push(...members.map(member => `${member.GroupId} ${member.MemberId?.UserId} ${member.CreatedAt?.toISOString()}`))
    }
    const held = organization.memberships.map(
      one => `${one.GroupId} ${one.MemberId.UserId} ${(one.CreatedAt as Date).toISOString()}`,
    )
    expect(found.sort()).to.deep.equal(held.sort())
  })

  it('sends members that nobody declared, and timestamps as epoch seconds', async () => {
    const organization = buildOrganization({ users: 1, groups: 1 })
    const user = organization.users[0]!
    user.Hologram = { Kind: 'new', depth: [1, 2] }
    user.CreatedAt = new Date('2026-05-01T10:20:30.250Z')
    user.remark = 'ours'
    await using simulator = await startSimulator({ organization })
    const { IdentityStoreId } = user
    const { json, headers } = await post(simulator, 'identitystore', 'AWSIdentityStore.ListUsers', { IdentityStoreId })
    const [sent] = json.Users as [Record<string, unknown>]
    expect(sent.Hologram).to.deep.equal({ Kind: 'new', depth: [1, 2] })
    expect(sent.Revision).to.equal(user.Revision)
    expect(sent.UserArn).to.equal(`arn:aws:identitystore:::user/${user.UserId}`)
    expect(sent.CreatedAt).to.equal(1777630830.25)
    expect(sent).not.to.have.property('remark')
    expect(headers.get('content-type')).to.equal('application/x-amz-json-1.1')
    expect(headers.get('x-amzn-requestid')).to.match(/^[0-9a-f-]{36}$/)
    expect(new Date(headers.get('date')!).getTime()).to.be.closeTo(Date.now(), 5_000)
  })

  it('sends enterprise extensions only to those who ask for them', async () => {
    const organization = buildOrganization({ users: 1, groups: 1 })
    organization.users[0]!.Extensions = { 'aws:identitystore:enterprise': { department: 'Treasury' } }
    await using simulator = await startSimulator({ organization })
    const client = clientsOf(simulator).identityStore
    const IdentityStoreId = organization.instance!.IdentityStoreId
    const plain = await client.send(new ListUsersCommand({ IdentityStoreId }))
    const asked = await client.send(new ListUsersCommand({ IdentityStoreId, Extensions: ['aws:identitystore:enterprise'] }))
    expect(plain.Users?.[0]?.Extensions).to.equal(undefined)
    expect(asked.Users?.[0]?.Extensions).to.deep.equal({ 'aws:identitystore:enterprise': { department: 'Treasury' } })
  })

  it('names IDENTITY_STORE when the store is another, or the Region is', async () => {
    const organization = emptyOrganization({ region: 'eu-west-1' })
    await using simulator = await startSimulator({ organization })
    const IdentityStoreId = organization.instance!.IdentityStoreId
    const unknown = await failure(
      clientsOf(simulator).identityStore.send(new ListUsersCommand({ IdentityStoreId: 'd-0000000000' })),
    )
    const elsewhere = await failure(
      clientsOf(simulator, { region: 'us-east-2' }).identityStore.send(new ListUsersCommand({ IdentityStoreId })),
    )
    for (const error of [unknown, elsewhere]) {
      expect(error.name).to.equal('ResourceNotFoundException')
      expect(error.ResourceType).to.equal('IDENTITY_STORE')
      expect(error.message).to.match(/^IdentityStore not present for IdentityStoreId: d-/)
    }
  })

  it('answers in every Region the instance is enabled in', async () => {
    const organization = buildOrganization({ users: 3, groups: 1 })
    const at = new Date()
    organization.instance!.Regions.push({ RegionName: 'us-east-2', Status: 'ACTIVE', AddedDate: at, IsPrimaryRegion: false })
    await using simulator = await startSimulator({ organization })
    const client = clientsOf(simulator, { region: 'us-east-2' }).identityStore
    const { Users } = await client.send(new ListUsersCommand({ IdentityStoreId: organization.instance!.IdentityStoreId }))
    expect(Users).to.have.length(3)
  })

  it('says which group or user is missing', async () => {
    const organization = buildOrganization({ users: 2, groups: 1 })
    await using simulator = await startSimulator({ organization })
    const client = clientsOf(simulator).identityStore
    const IdentityStoreId = organization.instance!.IdentityStoreId
    const GroupId = identifiers(99, 'aws').directory(IdentityStoreId)
    const group = await failure(client.send(new ListGroupMembershipsCommand({ IdentityStoreId, GroupId })))
    const user = await failure(client.send(new DescribeUserCommand({ IdentityStoreId, UserId: GroupId })))
    expect(group).to.include({ name: 'ResourceNotFoundException', ResourceType: 'GROUP', ResourceId: GroupId })
    expect(user).to.include({ name: 'ResourceNotFoundException', ResourceType: 'USER', ResourceId: GroupId })
  })

  it('finds users and groups by name, and tells membership in a hundred groups at once', async () => {
    const organization = buildOrganization({ users: 40, groups: 8 })
    const user = organization.users[3]!
    const group = organization.groups[2]!
    await using simulator = await startSimulator({ organization })
    const client = clientsOf(simulator).identityStore
    const { IdentityStoreId } = user
    const byName = (AttributePath: string, AttributeValue: string) => ({
      IdentityStoreId,
      AlternateIdentifier: { UniqueAttribute: { AttributePath, AttributeValue } },
    })
    expect((await client.send(new GetUserIdCommand(byName('userName', user.UserName)))).UserId).to.equal(user.UserId)
    expect((await client.send(new GetUserIdCommand(byName('emails.value', `${user.UserName}@example.com`)))).UserId).to.equal(
      user.UserId,
    )
    expect((await client.send(new GetGroupIdCommand(byName('displayName', group.DisplayName)))).GroupId).to.equal(group.GroupId)
    expect((await client.send(new DescribeGroupCommand({ IdentityStoreId, GroupId: group.GroupId }))).DisplayName).to.equal(
      group.DisplayName,
    )

    const MemberId = { UserId: user.UserId }
    const listed = await all(
      paginateListGroupMembershipsForMember({ client }, { IdentityStoreId, MemberId }),
      page => page.GroupMemberships,
    )
    const GroupIds = organization.groups.map(one => one.GroupId)
    const { Results } = await client.send(new IsMemberInGroupsCommand({ IdentityStoreId, MemberId, GroupIds }))
    const isMember = Results?.filter(one => one.MembershipExists).map(one => one.GroupId)
    expect(isMember).to.have.members(listed.map(one => one.GroupId))
    expect(isMember).not.to.have.length(0)
  })

  it('refuses to list an Active Directory without a filter, and finds one user in it', async () => {
    const organization = buildOrganization({ users: 5, groups: 1 })
    organization.identitySource = 'active_directory'
    await using simulator = await startSimulator({ organization })
    const client = clientsOf(simulator).identityStore
    const { IdentityStoreId, UserName } = organization.users[4]!
    expect((await failure(client.send(new ListUsersCommand({ IdentityStoreId })))).name).to.equal('ValidationException')
    const Filters = [{ AttributePath: 'UserName', AttributeValue: UserName }]
    const { Users } = await client.send(new ListUsersCommand({ IdentityStoreId, Filters }))
    expect(Users?.map(user => user.UserName)).to.deep.equal([UserName])
  })
})
