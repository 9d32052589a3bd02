import type { Call } from './call.ts'
import type { SimulatedIam, SimulatedIamAccessKey, SimulatedIamUser } from './iam-account.ts'

const columns = [
  ...[
    'user',
    'arn',
    'user_creation_time',
    'password_enabled',
    'password_last_used',
    'password_last_changed',
    'password_next_rotation',
  ],
  ...['mfa_active', ...keyColumns(1), ...keyColumns(2)],
  ...['cert_1_active', 'cert_1_last_rotated', 'cert_2_active', 'cert_2_last_rotated'],
]

function keyColumns(number: 1 | 2): string[] {
  return ['active', 'last_rotated', 'last_used_date', 'last_used_region', 'last_used_service'].map(
    name => `access_key_${number}_${name}`,
  )
}

/** The credential report as CSV, one row for the root user and one for each IAM user. Accounts in China have no root user. */
export function credentialReport(account: SimulatedIam, call: Call): string {
  const { accountId } = call.caller
  const arn = `arn:${call.organization.partition}:iam::${accountId}`
  const created = call.organization.accounts.find(one => one.Id === accountId)?.JoinedTimestamp ?? call.now
  const { root } = account
  const used = root.passwordLastUsed ? stamp(root.passwordLastUsed) : 'no_information'
  const rootKeys = [...(root.accessKeys ? ['true', stamp(created), 'N/A', 'N/A', 'N/A'] : noKey), ...noKey]
  const rootRow = [
    '<root_account>',
    `${arn}:root`,
    stamp(created),
    'not_supported',
    used,
    'not_supported',
    'not_supported',
    root.mfa,
    ...rootKeys,
    ...noCertificates,
  ]
  const rows = [columns, ...(call.organization.partition === 'aws-cn' ? [] : [rootRow]), ...account.users.map(rowOf)]
  return `${rows.map(row => row.join(',')).join('\n')}\n`
}

const noKey = ['false', 'N/A', 'N/A', 'N/A', 'N/A']
const noCertificates = ['false', 'N/A', 'false', 'N/A']

function rowOf(user: SimulatedIamUser): (string | boolean)[] {
  const { loginProfile } = user
  const lastUsed = user.PasswordLastUsed instanceof Date ? stamp(user.PasswordLastUsed) : 'no_information'
  const password = loginProfile ? ['true', lastUsed, stamp(loginProfile.CreateDate), 'N/A'] : ['false', 'N/A', 'N/A', 'N/A']
  const [first, second] = user.accessKeys
  const keys = [...keyOf(first), ...keyOf(second)]
  return [user.UserName, user.Arn, stamp(user.CreateDate), ...password, user.mfaDevices.length > 0, ...keys, ...noCertificates]
}

function keyOf(key: SimulatedIamAccessKey | undefined): string[] {
  if (!key) return noKey
  const used = key.lastUsed
  const last = used ? [stamp(used.LastUsedDate), used.Region, used.ServiceName] : ['N/A', 'N/A', 'N/A']
  return [String(key.Status === 'Active'), stamp(key.CreateDate), ...last]
}

function stamp(at: Date): string {
  return `${at.toISOString().slice(0, 19)}+00:00`
}
