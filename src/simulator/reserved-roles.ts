import { hash } from 'node:crypto'
import type { SimulatedIamRole } from './iam-account.ts'
import type { SimulatedOrganization, SimulatedPermissionSet } from './organization.ts'
import { permissionSetsIn } from './provisioning.ts'

/**
 * The roles that Identity Center keeps in an account: one for each permission set that is provisioned there, an independent witness of the pairs.
 * @see https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html path and name
 */
export function reservedRoles(organization: SimulatedOrganization, accountId: string): SimulatedIamRole[] {
  const arns = new Set(permissionSetsIn(organization, accountId))
  for (const pair of organization.unlistedPairs) if (pair.AccountId === accountId) arns.add(pair.PermissionSetArn)
  return organization.permissionSets
    .filter(set => arns.has(set.PermissionSetArn))
    .map(set => roleOf(organization, accountId, set))
}

function roleOf(organization: SimulatedOrganization, accountId: string, set: SimulatedPermissionSet): SimulatedIamRole {
  const { partition, instance } = organization
  const region = instance?.PrimaryRegion ?? 'us-east-1'
  const Path = `/aws-reserved/sso.amazonaws.com/${region === 'us-east-1' ? '' : `${region}/`}`
  const digest = hash('sha256', `${accountId}|${set.PermissionSetArn}`, 'hex')
  const RoleName = `AWSReservedSSO_${set.Name}_${digest.slice(0, 16)}`
  const provider = `arn:${partition}:iam::${accountId}:saml-provider/AWSSSO_${digest.slice(16, 32)}_DO_NOT_DELETE`
  return {
    Path,
    RoleName,
    RoleId: `AROA${digest.slice(32, 49).toUpperCase()}`,
    Arn: `arn:${partition}:iam::${accountId}:role${Path}${RoleName}`,
    CreateDate: set.CreatedDate,
    MaxSessionDuration: 43_200,
    ...(set.Description === undefined ? {} : { Description: set.Description }),
    AssumeRolePolicyDocument: JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Federated: provider },
          Action: ['sts:AssumeRoleWithSAML', 'sts:TagSession'],
          Condition: { StringEquals: { 'SAML:aud': 'https://signin.aws.amazon.com/saml' } },
        },
      ],
    }),
    inlinePolicies: set.inlinePolicy === '' ? {} : { AwsSSOInlinePolicy: set.inlinePolicy },
    attachedPolicies: [
      ...set.managedPolicies.map(({ Name, Arn }) => ({ PolicyName: Name, PolicyArn: Arn })),
      ...set.customerManagedPolicyReferences.map(({ Name, Path: path }) => ({
        PolicyName: Name,
        PolicyArn: `arn:${partition}:iam::${accountId}:policy${path}${Name}`,
      })),
    ],
  }
}
