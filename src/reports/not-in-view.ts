/** What no report can show, because AWS lets nobody read it or because it is not collected. */
export const notInView: readonly string[] = [
  'MFA devices of Identity Center users and the MFA settings of the instance: AWS offers no public API for them.',
  'When an Identity Center user last signed in: AWS offers no public API for it; sign-ins stand in CloudTrail only.',
  'The kind of identity source (Identity Center directory, external identity provider, Active Directory): AWS offers no public API for it.',
  'Entitlements of account access manager, which assign people directly to IAM roles.',
  'IAM of the accounts: users, access keys, roles outside Identity Center, trust between accounts, SAML federation straight into IAM.',
  'The documents of customer managed policies: they lie in the member accounts; what depends on them is unknown.',
]
