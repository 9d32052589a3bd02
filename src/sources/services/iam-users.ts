import {
  GetAccessKeyLastUsedCommand,
  GetLoginProfileCommand,
  ListAccessKeysCommand,
  ListMFADevicesCommand,
  ListUsersCommand,
} from '@aws-sdk/client-iam'
import { isListed, type Listing } from '../confirming.ts'
import { type CommandClass, callsPer, type Dataset, joined, type Operation, rowOf, rowsOf, text } from '../dataset.ts'
import { iamPaging } from './iam-paging.ts'

const pageSize = 1000

const listUsers = operation('ListUsers', ListUsersCommand)
const listAccessKeys = operation('ListAccessKeys', ListAccessKeysCommand)

const users: Dataset = {
  name: 'iam.users',
  isPopulation: 'per_account',
  operation: listUsers,
  parents: 'none',
  pageSize,
  input: () => ({}),
  rows: answer => rowsOf(answer.Users, user => text(user, 'Arn')),
  calls: rows => callsPer(rows('iam.account_summaries'), rows('iam.users'), pageSize),
}

const accessKeys: Dataset = {
  ...ofUser('iam.access_keys', listAccessKeys),
  pageSize,
  rows: (answer, userArn) => rowsOf(answer.AccessKeyMetadata, key => joined(userArn, text(key, 'AccessKeyId'))),
  calls: rows => callsPer(rows('iam.users'), rows('iam.access_keys'), pageSize),
}

const accessKeysLastUsed: Dataset = {
  name: 'iam.access_keys_last_used',
  operation: operation('GetAccessKeyLastUsed', GetAccessKeyLastUsedCommand),
  parents: [{ dataset: 'iam.access_keys', parent: key => key.key }],
  pageSize: null,
  input: key => ({ AccessKeyId: key.slice(key.lastIndexOf('|') + 1) }),
  rows: (answer, key) => ((answer.AccessKeyLastUsed ?? null) === null ? null : rowOf(answer, key)),
  calls: rows => rows('iam.access_keys'),
  gone: {
    what: 'the access key',
    // of a key that is not there IAM says AccessDenied, as of one that the role may not ask about: the list of keys decides
    isMeant: trouble => trouble.kind === 'not_found' || trouble.kind === 'denied',
    operations: [listAccessKeys],
    async confirm(ask, key) {
      const bar = key.lastIndexOf('|')
      const found = await isListed(ask, keysOf(key.slice(0, bar)), key.slice(bar + 1))
      if (found === 'gone') return 'gone'
      // a list that is none shows nothing gone
      if (found === 'exists' || found.reason === 'invalid_answer') return 'as_said'
      return found.kind === 'not_found' ? 'gone' : found
    },
  },
}

const mfaDevices: Dataset = {
  ...ofUser('iam.mfa_devices', operation('ListMFADevices', ListMFADevicesCommand)),
  pageSize,
  rows: (answer, userArn) => rowsOf(answer.MFADevices, device => joined(userArn, text(device, 'SerialNumber'))),
  calls: rows => callsPer(rows('iam.users'), rows('iam.mfa_devices'), pageSize),
}

const loginProfiles: Dataset = {
  ...ofUser('iam.login_profiles', operation('GetLoginProfile', GetLoginProfileCommand)),
  pageSize: null,
  rows: (answer, userArn) => rowOf(answer.LoginProfile, userArn),
  calls: rows => rows('iam.users'),
  // no console password. A user who is gone has the same error and no password either; iam.access_keys, read first, tells
  isNone: trouble => trouble.kind === 'not_found',
}

/** IAM users of one account and what they can sign in with. */
export const userDatasets: readonly Dataset[] = [users, accessKeys, accessKeysLastUsed, mfaDevices, loginProfiles]

/** A dataset that is asked for once per user. */
function ofUser(name: string, asked: Operation): Omit<Dataset, 'rows' | 'calls' | 'pageSize'> {
  return {
    name,
    operation: asked,
    parents: [{ dataset: 'iam.users', parent: user => user.key }],
    // without a name IAM would answer of the caller
    input: userArn => ({ UserName: nameIn(userArn) }),
    gone: {
      what: 'the user',
      isMeant: trouble => trouble.kind === 'not_found',
      operations: [listUsers],
      confirm: (ask, userArn) => isListed(ask, userList, userArn),
    },
  }
}

/** A user's name is the last step of its ARN. */
function nameIn(userArn: string): string {
  return userArn.slice(userArn.lastIndexOf('/') + 1)
}

const userList: Listing = {
  operation: listUsers,
  input: { MaxItems: pageSize },
  paging: iamPaging,
  list: 'Users',
  name: user => text(user, 'Arn'),
}

function keysOf(userArn: string): Listing {
  return {
    operation: listAccessKeys,
    input: { UserName: nameIn(userArn), MaxItems: pageSize },
    paging: iamPaging,
    list: 'AccessKeyMetadata',
    name: key => text(key, 'AccessKeyId'),
  }
}

function operation(name: string, command: CommandClass): Operation {
  return { service: 'iam', name, command }
}
