import { derived, type Fields, linkOrNull, text, textOrNull } from './field.ts'

/** The organization, its instance of Identity Center, and what the two say of accounts and sets. */
export const organizationSchema: { readonly [type: string]: Fields } = {
  Organization: {
    Id: text('id of the organization'),
    FeatureSet: textOrNull('ALL or CONSOLIDATED_BILLING'),
    MasterAccountId: textOrNull('the management account'),
    name: derived('string', 'the id'),
    delegations: derived('list<Delegation>', 'member accounts and the services they administer'),
    instances: derived('list<Instance>', 'instances of Identity Center'),
    centralRootFeatures: derived('list<string>', 'features of central root access that are enabled'),
  },
  Delegation: {
    ServicePrincipal: derived(
      'string',
      'e.g. sso.amazonaws.com; organizations.amazonaws.com: by the delegation policy of Organizations',
    ),
    AccountId: derived('string', 'the member account'),
    name: derived('string', 'service and account'),
    account: linkOrNull(['Account'], 'the account; null when it is no longer in the organization'),
  },
  Policy: {
    Id: text('id of the policy'),
    Name: textOrNull('name for people'),
    Type: textOrNull('SERVICE_CONTROL_POLICY or RESOURCE_CONTROL_POLICY'),
    name: derived('string', 'Name, else the id'),
  },
  Instance: {
    InstanceArn: text('the ARN'),
    Name: textOrNull('name for people'),
    Status: textOrNull('CREATE_IN_PROGRESS, DELETE_IN_PROGRESS or ACTIVE'),
    OwnerAccountId: textOrNull('the account that owns it'),
    name: derived('string', 'Name, else the ARN'),
    isOwnedByManagement: derived('bool', 'the management account owns it: an organization instance'),
    instances: derived('list<Instance>', 'every instance that was listed'),
    activeAccounts: derived('list<Account>', 'accounts with State ACTIVE'),
    users: derived('list<User>', 'every user of the identity store'),
    issuers: derived('list<TrustedTokenIssuer>', 'trusted token issuers'),
    attributeKeys: derived('list<string>', 'keys of the attributes for access control; none when they are not enabled'),
  },
  TrustedTokenIssuer: {
    TrustedTokenIssuerArn: textOrNull('the ARN'),
    Name: textOrNull('name for people'),
    issuerUrl: derived('dyn', 'where its tokens come from; null when it names none'),
  },
  Provisioning: {
    AccountId: derived('string', 'twelve digits'),
    PermissionSetArn: derived('string', 'the ARN'),
    name: derived('string', 'permission set and account'),
    permissionSet: derived('PermissionSet', 'the permission set'),
    isOutdated: derived('bool', 'the account still holds an older version of the set'),
    outdatedSince: derived('Since', 'the first snapshot that shows it outdated'),
    missingPolicies: derived(
      'list<string>',
      'customer managed policies and boundary that the set names and the account does not have',
    ),
  },
  Collected: {
    dataset: derived('string', 'name of the dataset'),
    accountId: derived('string', 'account it was read in'),
    name: derived('string', 'dataset and place'),
    coverage: derived(
      'string',
      'complete, complete_with_changes, incomplete, denied, not_enabled, not_applicable or not_collectable',
    ),
    reason: derived('string', 'in words, where it is not complete'),
    actions: derived('list<string>', 'IAM actions that are missing'),
    lastComplete: derived('Since', 'when it was last read to its end; where no snapshot shows that, longer ago than anything'),
    rows: derived('int', 'rows that were read'),
  },
}
