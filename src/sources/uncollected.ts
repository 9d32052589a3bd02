import type { PartPiece } from '../model.ts'
import type { Session } from './session.ts'

/** What is known to exist and not read by this program, and why. */
const known: readonly { readonly dataset: string; readonly reason: string }[] = [
  {
    dataset: 'account-access.entitlements',
    reason:
      'account access manager can assign people directly to IAM roles, beside permission sets. Its entitlements are not read: no client of the AWS SDK is here for it, and nothing documents a question whose answer would prove that all of them were listed. Roles that trust account-access.amazonaws.com can be reached that way',
  },
  {
    dataset: 'sso-directory.identity_sources',
    reason:
      'where users come from (the directory of IAM Identity Center, an external provider, Active Directory) is told by the console alone: AWS has no public API for it. ExternalIds and CreatedBy of users show who made each of them',
  },
  {
    dataset: 'sso-directory.mfa_devices',
    reason:
      'the MFA devices of Identity Center users, and whether MFA is demanded, are told by the console alone: AWS has no public API for them. That they are not here does not mean that there are none; import an attestation (control IDC-INS-002)',
  },
]

/**
 * What is not read is said in every snapshot, so that nobody takes its absence for none.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/account-access-manager.html
 */
export function uncollected(session: Session): readonly PartPiece[] {
  const now = session.way.now()
  return known.map(({ dataset, reason }) => {
    const part = { dataset, place: session.place('sso'), parent: '' }
    const nothing = { key: null, member: null, action: null, errorCode: null }
    const gap = { ...part, ...nothing, reason: 'not_collected' as const, message: reason }
    const observed = { firstObservedAt: now, lastObservedAt: now }
    const end = { coverage: 'not_collectable' as const, reason, gaps: [gap], pages: 0, duplicates: 0, ...observed }
    return { part, isFirst: true, rows: [], end }
  })
}
