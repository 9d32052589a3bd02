import {
  GetAccessKeyLastUsedCommand,
  GetLoginProfileCommand,
  ListAccessKeysCommand,
  ListMFADevicesCommand,
  ListUsersCommand,
} from '@aws-sdk/client-iam'
import type { Facts } from '../../model.ts'
import {
  type Ask,
  type CommandClass,
  type Confirmation,
  callsPer,
  type Dataset,
  joined,
  type Operation,
  rowOf,
  rowsOf,
  text,
} from '../dataset.ts'

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
  rows: answer => (answer.Users === undefined ? null : rowsOf(answer.Users, user => text(user, 'Arn'))),
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
      const said = await ask(listAccessKeys, { UserName: nameIn(key.slice(0, bar)), MaxItems: pageSize })
      if ('trouble' in said) return said.trouble.kind === 'not_found' ? 'gone' : said.trouble
      const { AccessKeyMetadata: listed } = said.answer
      const keys = Array.isArray(listed) ? rowsOf(listed, each => text(each, 'AccessKeyId')) : null
      // a list that is none shows nothing gone
      return keys === null || keys.some(each => each.key === key.slice(bar + 1)) ? 'as_said' : 'gone'
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
      confirm: confirmByList,
    },
  }
}

/** A user's name is the last step of its ARN. */
function nameIn(userArn: string): string {
  return userArn.slice(userArn.lastIndexOf('/') + 1)
}

async function confirmByList(ask: Ask, userArn: string): Promise<Confirmation> {
  const seen = new Set<string>()
  for (let page: Facts = {}; ; ) {
    const said = await ask(listUsers, { MaxItems: pageSize, ...page })
    if ('trouble' in said) return said.trouble
    const found = rowsOf(said.answer.Users, user => text(user, 'Arn')) ?? []
    if (found.some(user => user.key === userArn)) return 'exists'
    const token = text(said.answer, 'Marker')
    if (token === undefined || token === '') return 'gone'
    if (seen.has(token)) return 'exists'
    seen.add(token)
    page = { Marker: token }
  }
}

function operation(name: string, command: CommandClass): Operation {
  return { service: 'iam', name, command }
}
