import type { SourceIdentity } from '../model.ts'
import type { Need } from './dataset.ts'

/** What a source is, as AWS has proven it. */
export interface Standing {
  readonly identity: SourceIdentity
  /** `unknown` when AWS refused to say */
  readonly organization: 'present' | 'absent' | 'unknown'
  readonly isOrganizationInstance: boolean
  readonly arePermissionSetsEnabled: boolean
}

/** Why a dataset cannot exist for this source, with the proof; null when it can. */
export function notApplicable(need: Need | undefined, standing: Standing | null): string | null {
  if (need === undefined || standing === null) return null
  const { instanceArn, instanceOwnerAccountId } = standing.identity
  if (need === 'organization') {
    return standing.organization === 'absent'
      ? 'the account is in no organization: organizations:DescribeOrganization answered AWSOrganizationsNotInUseException'
      : null
  }
  if (!standing.isOrganizationInstance) {
    return `${instanceArn} is an account instance of ${instanceOwnerAccountId}: it has no permission sets and no account assignments`
  }
  if (need === 'permission_sets_enabled' && !standing.arePermissionSetsEnabled) {
    return `sso:DescribeInstance of ${instanceArn} answered PermissionSetsEnabled false: there are no account assignments`
  }
  return null
}
