import {
  GetAccessKeyLastUsedCommand,
  GetLoginProfileCommand,
  ListAccessKeysCommand,
  ListMFADevicesCommand,
  ListUsersCommand,
} from '@aws-sdk/client-iam'
import { isListed } from '../confirming.ts'
import { callsPer, type Dataset, joined, type Operation, operationsOf, rowOf, rowsOf, text } from '../dataset.ts'
import { iamPaging } from './iam-paging.ts'

const operation = operationsOf('iam')
const pageSize = 1000

const users: Dataset = {
  name: 'iam.users',
  isPopulation: 'per_account',
  operation: operation('ListUsers', ListUsersCommand),
  parents: 'none',
  pageSize,
  input: () => ({}),
  rows: answer => rowsOf(answer.Users, user => text(user, 'Arn')),
  calls: rows => callsPer(rows('iam.account_summaries'), rows('iam.users'), pageSize),
}

const accessKeys: Dataset = {
  ...ofUser('iam.access_keys', operation('ListAccessKeys', ListAccessKeysCommand)),
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
    operations: [accessKeys.operation],
    async confirm(ask, key, subject) {
      const parent = key.slice(0, key.lastIndexOf('|'))
      const found = await isListed(ask, { dataset: accessKeys, parent, subject, paging: iamPaging }, key)
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
      operations: [users.operation],
      confirm: (ask, userArn, subject) => isListed(ask, { dataset: users, parent: '', subject, paging: iamPaging }, userArn),
    },
  }
}

/** A user's name is the last step of its ARN. */
function nameIn(userArn: string): string {
  return userArn.slice(userArn.lastIndexOf('/') + 1)
}
