import { identifiers } from './identifiers.ts'
import type { SimulatedOrganization } from './organization.ts'

/**
 * An organization with a management account, a root and an Identity Center instance, and nobody in it.
 * @param options `seed` makes the ids; `region` is the home Region; `at` the time everything was made
 */
export function emptyOrganization(
  options: { seed?: number; partition?: string; region?: string; at?: Date } = {},
): SimulatedOrganization {
  const { seed = 1, partition = 'aws', region = 'eu-west-1', at = new Date('2024-01-08T09:00:00Z') } = options
  const id = identifiers(seed, partition)
  const organizationId = id.organization()
  const management = id.account()
  const rootId = id.root()
  const instance = id.instance()
  return {
    partition,
    organization: {
      Id: organizationId,
      Arn: `arn:${partition}:organizations::${management}:organization/${organizationId}`,
      FeatureSet: 'ALL',
      MasterAccountArn: id.accountArn(management, organizationId, management),
      MasterAccountId: management,
      MasterAccountEmail: 'aws-management@example.com',
    },
    roots: [
      {
        Id: rootId,
        Arn: `arn:${partition}:organizations::${management}:root/${organizationId}/${rootId}`,
        Name: 'Root',
        PolicyTypes: [{ Type: 'SERVICE_CONTROL_POLICY', Status: 'ENABLED' }],
      },
    ],
    ous: [],
    accounts: [
      {
        Id: management,
        Arn: id.accountArn(management, organizationId, management),
        Email: 'aws-management@example.com',
        Name: 'management',
        State: 'ACTIVE',
        Paths: [`${organizationId}/${rootId}/${management}/`],
        JoinedMethod: 'INVITED',
        JoinedTimestamp: at,
      },
    ],
    parents: { [management]: rootId },
    organizationTags: {},
    policies: [],
    serviceAccess: [{ ServicePrincipal: 'sso.amazonaws.com', DateEnabled: at }],
    delegations: [],
    resourcePolicy: null,
    instance: {
      InstanceArn: instance.arn,
      IdentityStoreId: instance.storeId,
      OwnerAccountId: management,
      Name: 'identity-center',
      Status: 'ACTIVE',
      CreatedDate: at,
      PrimaryRegion: region,
      Regions: [{ RegionName: region, Status: 'ACTIVE', AddedDate: at, IsPrimaryRegion: true }],
      details: {
        PermissionSetsEnabled: true,
        EncryptionConfigurationDetails: { KeyType: 'AWS_OWNED_KMS_KEY', EncryptionStatus: 'ENABLED' },
      },
    },
    identitySource: 'identity_center',
    users: [],
    groups: [],
    memberships: [],
    permissionSets: [],
    assignments: [],
    provisionedPairs: [],
    unlistedPairs: [],
    outdatedPairs: [],
    pendingRequests: [],
    applications: [],
    applicationAssignments: [],
    trustedTokenIssuers: [],
    accessControlAttributes: null,
    rootFeatures: ['RootCredentialsManagement'],
    iam: {},
    managedPolicies: [],
    defects: [],
  }
}
