import { GetAccountAuthorizationDetailsCommand } from '@aws-sdk/client-iam'
import type { Facts } from '../../model.ts'
import { callsPer, type Dataset, rowsOf, text } from '../dataset.ts'
import { withSets } from '../sets.ts'
import { withDocument, withDocuments } from './iam-document.ts'

const pageSize = 1000

const users = details('iam.user_details', ['User'], 'UserDetailList', user =>
  withDocuments(user, 'UserPolicyList', 'PolicyDocument'),
)

const groups = details('iam.group_details', ['Group'], 'GroupDetailList', group =>
  withDocuments(group, 'GroupPolicyList', 'PolicyDocument'),
)

const roles = details('iam.role_details', ['Role'], 'RoleDetailList', role =>
  withDocuments(withDocument(role, 'AssumeRolePolicyDocument'), 'RolePolicyList', 'PolicyDocument'),
)

/** The account's own policies, and those of AWS that are attached in it. */
const policies = details('iam.managed_policies', ['LocalManagedPolicy', 'AWSManagedPolicy'], 'Policies', policy =>
  withDocuments(policy, 'PolicyVersionList', 'Document'),
)

/** Who and what may do what in one account: one operation, asked once for each kind, so that each list has its own end. */
export const authorizationDatasets: readonly Dataset[] = [
  withSets(users, 'GroupList', 'AttachedManagedPolicies', 'UserPolicyList', 'Tags'),
  withSets(groups, 'AttachedManagedPolicies', 'GroupPolicyList'),
  withSets(roles, 'AttachedManagedPolicies', 'RolePolicyList', 'InstanceProfileList', 'Tags'),
  policies,
]

function details(name: string, filter: readonly string[], list: string, readable: (facts: Facts) => Facts): Dataset {
  return {
    name,
    isPopulation: 'per_account',
    operation: { service: 'iam', name: 'GetAccountAuthorizationDetails', command: GetAccountAuthorizationDetailsCommand },
    parents: 'none',
    pageSize,
    input: () => ({ Filter: filter }),
    rows: answer =>
      rowsOf(
        answer[list],
        each => text(each, 'Arn'),
        each => readable((each ?? {}) as Facts),
      ),
    calls: rows => callsPer(rows('iam.account_summaries'), rows(name), pageSize),
  }
}
