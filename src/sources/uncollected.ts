import type { PartPiece } from '../model.ts'
import type { Session } from './session.ts'

const dataset = 'account-access.entitlements'
const reason =
  'account access manager can assign people directly to IAM roles, beside permission sets. Its entitlements are not read: no client of the AWS SDK is here for it, and nothing documents a question whose answer would prove that all of them were listed. Roles that trust account-access.amazonaws.com can be reached that way'

/**
 * What is known to exist and is not read by this program, said in every snapshot so that nobody takes its absence for none.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/account-access-manager.html
 */
export function uncollected(session: Session): readonly PartPiece[] {
  const now = session.way.now()
  const part = { dataset, place: session.place('sso'), parent: '' }
  const gap = {
    ...part,
    key: null,
    member: null,
    reason: 'not_collected' as const,
    action: null,
    errorCode: null,
    message: reason,
  }
  const end = {
    coverage: 'not_collectable' as const,
    reason,
    gaps: [gap],
    pages: 0,
    duplicates: 0,
    firstObservedAt: now,
    lastObservedAt: now,
  }
  return [{ part, isFirst: true, rows: [], end }]
}
