import {
  DescribeGroupCommand,
  IdentitystoreClient,
  ListGroupMembershipsCommand,
  ListGroupsCommand,
  ListUsersCommand,
} from '@aws-sdk/client-identitystore'
import type { Facts } from '../../model.ts'
import { callsPer, type Dataset, isAbout, joined, operationsOf, pagesOf, rowsOf, text } from '../dataset.ts'
import { jsonPaging, type Service } from '../service.ts'
import { withSets } from '../sets.ts'
import type { Trouble } from '../trouble.ts'

const operation = operationsOf('identitystore')
const pageSize = 100

/** SCIM's enterprise attributes, the one extension that AWS has. */
const enterprise = 'aws:identitystore:enterprise'

const describeGroup = operation('DescribeGroup', DescribeGroupCommand)

const users: Dataset = {
  name: 'identitystore.users',
  isPopulation: true,
  operation: operation('ListUsers', ListUsersCommand),
  parents: 'none',
  pageSize,
  input: (_parent, { identityStoreId, hasExtensions }) => ({
    IdentityStoreId: identityStoreId,
    ...(hasExtensions ? { Extensions: [enterprise] } : {}),
  }),
  rows: answer => required(answer, 'Users', 'UserId'),
  calls: rows => pagesOf(rows('identitystore.users'), pageSize),
  isNotListable,
  emptyBeside: ['identitystore.groups'],
  personal: ['Birthdate', 'Addresses', 'PhoneNumbers', 'Photos'],
}

const groups: Dataset = {
  name: 'identitystore.groups',
  isPopulation: true,
  operation: operation('ListGroups', ListGroupsCommand),
  parents: 'none',
  pageSize,
  input: (_parent, { identityStoreId }) => ({ IdentityStoreId: identityStoreId }),
  rows: answer => required(answer, 'Groups', 'GroupId'),
  calls: rows => pagesOf(rows('identitystore.groups'), pageSize),
  isNotListable,
  emptyBeside: ['identitystore.users'],
}

/** Per group and not per user: only so are memberships of deleted users seen. */
const groupMemberships: Dataset = {
  name: 'identitystore.group_memberships',
  isPopulation: 'in_sum',
  operation: operation('ListGroupMemberships', ListGroupMembershipsCommand),
  parents: [{ dataset: 'identitystore.groups', parent: group => group.key }],
  pageSize,
  input: (groupId, { identityStoreId }) => ({ IdentityStoreId: identityStoreId, GroupId: groupId }),
  rows: (answer, groupId) =>
    rowsOf(answer.GroupMemberships, membership => {
      const member = membership.MemberId as Facts | undefined
      if (!isAbout(membership, 'GroupId', groupId)) return undefined
      return joined(groupId, member === undefined || member === null ? undefined : text(member, 'UserId'))
    }),
  calls: rows => callsPer(rows('identitystore.groups'), rows('identitystore.group_memberships'), pageSize),
  gone: {
    what: 'the group',
    isMeant: trouble => isGroupMissing(trouble),
    operations: [describeGroup],
    async confirm(ask, groupId, { identityStoreId }) {
      const said = await ask(describeGroup, { IdentityStoreId: identityStoreId, GroupId: groupId })
      if ('answer' in said) return 'exists'
      return isGroupMissing(said.trouble) ? 'gone' : said.trouble
    },
  },
}

export const identitystore: Service = {
  name: 'identitystore',
  endpointName: 'IDENTITYSTORE',
  open: config => new IdentitystoreClient(config),
  region: homeRegion => homeRegion,
  budgetKey: () => 'identitystore',
  // 20 a second over all operations: IAM Identity Center quotas
  rate: () => 20,
  isOneAtATime: false,
  paging: jsonPaging,
  budgetScope: 'organization',
  datasets: [withSets(users, 'ExternalIds'), withSets(groups, 'ExternalIds'), groupMemberships],
}

/** Identity Store's model promises its lists: an answer without one is no empty directory. */
function required(answer: Facts, list: string, id: string) {
  return rowsOf(answer[list], row => text(row, id))
}

/** With Active Directory as identity source, lists without a filter are refused as invalid (aws/aws-sdk#629). */
function isNotListable(trouble: Trouble): boolean {
  return trouble.code === 'ValidationException' && trouble.kind === 'rejected'
}

/** A missing IDENTITY_STORE is a wrong Region, account or id, and no group that went away. */
function isGroupMissing(trouble: Trouble): boolean {
  return trouble.kind === 'not_found' && trouble.resourceType === 'GROUP'
}
