import type { Snapshot } from '../model.ts'

/** What no report can show, because AWS lets nobody read it or because it is not collected: one sentence each. */
const always: readonly string[] = [
  'MFA devices of Identity Center users and the MFA settings of the instance: AWS offers no public API for them.',
  'When an Identity Center user last signed in: AWS offers no public API for it; sign-ins stand in CloudTrail only.',
  'The kind of identity source (Identity Center directory, external identity provider, Active Directory): AWS offers no public API for it.',
  'Entitlements of account access manager, which assign people directly to IAM roles.',
  'Trust between accounts, roles outside Identity Center and SAML federation straight into IAM.',
]

const withoutIam: readonly string[] = [
  'IAM of the accounts: users, groups and access keys.',
  'The documents of customer managed policies: they lie in the member accounts; what depends on them is unknown.',
]

/** What these snapshots cannot show. IAM of the accounts is in view only when every one of them has collected it. */
export function notInViewOf(snapshots: readonly Snapshot[]): readonly string[] {
  const hasIam = snapshots.every(snapshot => snapshot.datasets.some(dataset => dataset.name === 'iam.users'))
  return hasIam ? always : [...always, ...withoutIam]
}
