import { type Call, required, type Service, WireError } from './call.ts'
import { rowsWith, rowWith } from './lookup.ts'
import type { SimulatedGroup, SimulatedMembership, SimulatedUser } from './organization.ts'
import { type List, page } from './paging.ts'
import { wireMembers } from './wire.ts'

/** Identity Store: readable from every account of the organization, in every Region the instance is enabled in. */
export const identityStore: Service = {
  name: 'identitystore',
  protocol: 'json',
  target: 'AWSIdentityStore',
  admit: call => storeId(call),
  resource: call =>
    `arn:${call.organization.partition}:identitystore::${call.organization.instance?.OwnerAccountId}:identitystore/${call.input.IdentityStoreId}`,
  operations: {
    DescribeIdentityStore: call => {
      const IdentityStoreId = storeId(call)
      const { partition, instance, networkConfiguration } = call.organization
      const IdentityStoreArn = `arn:${partition}:identitystore::${instance?.OwnerAccountId}:identitystore/${IdentityStoreId}`
      return { IdentityStoreId, IdentityStoreArn, NetworkConfiguration: networkConfiguration }
    },
    ListUsers: call => {
      refuseDirectory(call)
      const { rows, next } = page(call, filtered(call, call.organization.users, 'UserName'), users)
      return { Users: rows.map(user => withExtensions(call, user)), NextToken: next }
    },
    DescribeUser: call => withExtensions(call, userOf(call, required(call.input, 'UserId'))),
    GetUserId: call => {
      const user = call.organization.users.find(alternate(call))
      if (!user) throw missing(call, 'USER', '')
      return { IdentityStoreId: storeId(call), UserId: user.UserId, UserArn: user.UserArn }
    },
    ListGroups: call => {
      refuseDirectory(call)
      const { rows, next } = page(call, filtered(call, call.organization.groups, 'DisplayName'), groups)
      return { Groups: rows.map(wireMembers), NextToken: next }
    },
    DescribeGroup: call => wireMembers(groupOf(call, required(call.input, 'GroupId'))),
    GetGroupId: call => {
      const group = call.organization.groups.find(alternate(call))
      if (!group) throw missing(call, 'GROUP', '')
      return { IdentityStoreId: storeId(call), GroupId: group.GroupId, GroupArn: group.GroupArn }
    },
    ListGroupMemberships: call => {
      const group = groupOf(call, required(call.input, 'GroupId'))
      const { rows, next } = page(call, rowsWith(call.organization.memberships, groupIdOf, group.GroupId), memberships)
      return { GroupMemberships: rows.map(wireMembers), NextToken: next }
    },
    ListGroupMembershipsForMember: call => {
      const user = userOf(call, memberId(call))
      const { rows, next } = page(call, rowsWith(call.organization.memberships, memberIdOf, user.UserId), memberships)
      return { GroupMemberships: rows.map(wireMembers), NextToken: next }
    },
    IsMemberInGroups: call => {
      const user = userOf(call, memberId(call))
      const ids = call.input.GroupIds
      if (!Array.isArray(ids) || ids.length < 1 || ids.length > 100) {
        throw new WireError(
          'ValidationException',
          "1 validation error detected: Value at 'groupIds' failed to satisfy constraint: Member must have length between 1 and 100",
        )
      }
      const held = new Set(rowsWith(call.organization.memberships, memberIdOf, user.UserId).map(groupIdOf))
      return {
        Results: ids.map(id => ({ GroupId: id, MemberId: { UserId: user.UserId }, MembershipExists: held.has(String(id)) })),
      }
    },
  },
}

const userIdOf = (user: SimulatedUser) => user.UserId
const groupKeyOf = (group: SimulatedGroup) => group.GroupId
const groupIdOf = (membership: SimulatedMembership) => membership.GroupId
const memberIdOf = (membership: SimulatedMembership) => membership.MemberId.UserId

const users: List<SimulatedUser> = { maximum: 100, key: userIdOf, style: 'identitystore' }
const groups: List<SimulatedGroup> = { maximum: 100, key: groupKeyOf, style: 'identitystore' }
const memberships: List<SimulatedMembership> = { maximum: 100, key: row => row.MembershipId, style: 'identitystore' }

function storeId(call: Call): string {
  const asked = required(call.input, 'IdentityStoreId')
  const { instance } = call.organization
  const id = asked.slice(asked.lastIndexOf('/') + 1)
  const here = instance?.Regions.some(region => region.RegionName === call.region && region.Status === 'ACTIVE')
  if (!instance || !here || instance.IdentityStoreId !== id) {
    throw new WireError('ResourceNotFoundException', `IdentityStore not present for IdentityStoreId: ${id}`, 400, {
      ResourceType: 'IDENTITY_STORE',
      ResourceId: id,
    })
  }
  return id
}

/** Users of Active Directory can be looked up and not listed. */
function refuseDirectory(call: Call): void {
  const filters = call.input.Filters
  if (call.organization.identitySource !== 'active_directory' || (Array.isArray(filters) && filters.length > 0)) return
  throw new WireError('ValidationException', `${call.operation} without a filter is not supported for an external directory.`)
}

function filtered<Row extends { readonly [member: string]: unknown }>(
  call: Call,
  rows: readonly Row[],
  allowed: string,
): readonly Row[] {
  const filters = call.input.Filters
  if (!Array.isArray(filters) || filters.length === 0) return rows
  const [filter] = filters as { AttributePath?: unknown; AttributeValue?: unknown }[]
  if (filters.length > 1 || filter?.AttributePath !== allowed) {
    throw new WireError('ValidationException', `Filter must have one element, with AttributePath ${allowed}.`)
  }
  return rows.filter(row => row[allowed] === filter.AttributeValue)
}

/** Enterprise attributes are sent only to those who name the extension. */
function withExtensions(call: Call, user: SimulatedUser): object {
  if (user.Extensions === undefined || (Array.isArray(call.input.Extensions) && call.input.Extensions.length > 0))
    return wireMembers(user)
  const { Extensions: _, ...rest } = user
  return wireMembers(rest)
}

function userOf(call: Call, id: string): SimulatedUser {
  const user = rowWith(call.organization.users, userIdOf, id)
  if (!user) throw missing(call, 'USER', id)
  return user
}

function groupOf(call: Call, id: string): SimulatedGroup {
  const group = rowWith(call.organization.groups, groupKeyOf, id)
  if (!group) throw missing(call, 'GROUP', id)
  return group
}

function memberId(call: Call): string {
  const member = call.input.MemberId
  return required(typeof member === 'object' && member !== null ? (member as Record<string, unknown>) : {}, 'UserId')
}

function missing(call: Call, type: 'USER' | 'GROUP', id: string): WireError {
  return new WireError('ResourceNotFoundException', `${type} not found.`, 400, {
    ResourceType: type,
    ...(id === '' ? {} : { ResourceId: id }),
    RequestId: call.requestId,
  })
}

/** By `userName`, `emails.value` or `displayName`, or by the id an outside provider gave. */
function alternate(call: Call): (row: { readonly [member: string]: unknown }) => boolean {
  const asked = call.input.AlternateIdentifier as
    | {
        ExternalId?: { Issuer?: string; Id?: string }
        UniqueAttribute?: { AttributePath?: string; AttributeValue?: unknown }
      }
    | undefined
  const unique = asked?.UniqueAttribute
  if (unique) {
    const path = (unique.AttributePath ?? '').toLowerCase()
    const value = unique.AttributeValue
    if (call.operation === 'GetUserId' && path === 'username') return row => row.UserName === value
    if (call.operation === 'GetUserId' && path === 'emails.value') {
      return row => Array.isArray(row.Emails) && row.Emails.some(email => (email as { Value?: unknown }).Value === value)
    }
    if (call.operation === 'GetGroupId' && path === 'displayname') return row => row.DisplayName === value
  }
  const external = asked?.ExternalId
  if (external) {
    return row =>
      Array.isArray(row.ExternalIds) &&
      (row.ExternalIds as { Issuer?: string; Id?: string }[]).some(id => id.Issuer === external.Issuer && id.Id === external.Id)
  }
  throw new WireError('ValidationException', 'AlternateIdentifier must name an ExternalId or a supported UniqueAttribute.')
}
