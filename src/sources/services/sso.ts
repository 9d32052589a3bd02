import {
  DescribeInstanceAccessControlAttributeConfigurationCommand,
  DescribeInstanceCommand,
  DescribePermissionSetCommand,
  GetInlinePolicyForPermissionSetCommand,
  GetPermissionsBoundaryForPermissionSetCommand,
  ListAccountAssignmentsCommand,
  ListAccountsForProvisionedPermissionSetCommand,
  ListCustomerManagedPolicyReferencesInPermissionSetCommand,
  ListInstancesCommand,
  ListManagedPoliciesInPermissionSetCommand,
  ListPermissionSetsCommand,
  ListTagsForResourceCommand,
  SSOAdminClient,
} from '@aws-sdk/client-sso-admin'
import type { Facts } from '../../model.ts'
import { isListed } from '../confirming.ts'
import {
  type Ask,
  type Confirmation,
  callsPer,
  type Dataset,
  isAbout,
  joined,
  type Operation,
  operationsOf,
  pagesOf,
  rowAbout,
  rowOf,
  rowsOf,
  type Subject,
  text,
} from '../dataset.ts'
import { jsonPaging, type Service } from '../service.ts'
import { withSets } from '../sets.ts'
import type { Trouble } from '../trouble.ts'
import { applicationDatasets } from './sso-applications.ts'
import { tokenIssuerDatasets } from './sso-token-issuers.ts'

const operation = operationsOf('sso')
const pageSize = 100

const describePermissionSet = operation('DescribePermissionSet', DescribePermissionSetCommand)

const instances: Dataset = {
  name: 'sso.instances',
  operation: operation('ListInstances', ListInstancesCommand),
  parents: 'none',
  pageSize,
  input: () => ({}),
  rows: answer => rowsOf(answer.Instances, instance => text(instance, 'InstanceArn')),
  calls: () => 1,
}

const instanceDetails: Dataset = {
  name: 'sso.instance_details',
  operation: operation('DescribeInstance', DescribeInstanceCommand),
  parents: 'instance',
  pageSize: null,
  input: instanceArn => ({ InstanceArn: instanceArn }),
  rows: (answer, instanceArn) => rowAbout(answer, 'InstanceArn', instanceArn),
  calls: () => 1,
}

const permissionSetArns: Dataset = {
  name: 'sso.permission_set_arns',
  isPopulation: true,
  operation: operation('ListPermissionSets', ListPermissionSetsCommand),
  parents: 'instance',
  pageSize,
  needs: 'organization_instance',
  input: instanceArn => ({ InstanceArn: instanceArn }),
  rows: answer =>
    rowsOf(
      answer.PermissionSets,
      row => text(row, 'PermissionSetArn'),
      arn => ({ PermissionSetArn: arn as string }),
    ),
  calls: rows => pagesOf(rows('sso.permission_set_arns'), pageSize),
  emptyBeside: ['sso.instance_details', 'sso.applications'],
}

const permissionSets = detail('sso.permission_sets', describePermissionSet, {
  rows: (answer, setArn) => rowAbout(answer.PermissionSet, 'PermissionSetArn', setArn),
  // asking DescribePermissionSet again would ask the one that said so: the list decides
  confirm: (ask, setArn, subject) =>
    isListed(ask, { dataset: permissionSetArns, parent: subject.instanceArn, subject, paging: jsonPaging }, setArn),
  confirmOperations: [permissionSetArns.operation],
})

const inlinePolicies = detail(
  'sso.inline_policies',
  operation('GetInlinePolicyForPermissionSet', GetInlinePolicyForPermissionSetCommand),
  {
    // none is set where it is empty or left out; what is no text is no policy, and not none
    rows: (answer, setArn) => (typeof (answer.InlinePolicy ?? '') === 'string' ? rowOf(answer, setArn) : null),
  },
)

const managedPolicies = detail(
  'sso.managed_policies',
  operation('ListManagedPoliciesInPermissionSet', ListManagedPoliciesInPermissionSetCommand),
  {
    isPaged: true,
    rows: (answer, setArn) => rowsOf(answer.AttachedManagedPolicies, policy => joined(setArn, text(policy, 'Arn'))),
  },
)

const customerManagedPolicyReferences = detail(
  'sso.customer_managed_policy_references',
  operation('ListCustomerManagedPolicyReferencesInPermissionSet', ListCustomerManagedPolicyReferencesInPermissionSetCommand),
  {
    isPaged: true,
    rows: (answer, setArn) =>
      rowsOf(answer.CustomerManagedPolicyReferences, reference => {
        const name = text(reference, 'Name')
        return name === undefined ? undefined : `${setArn}|${text(reference, 'Path') ?? '/'}${name}`
      }),
  },
)

const permissionsBoundaries: Dataset = {
  ...detail(
    'sso.permissions_boundaries',
    operation('GetPermissionsBoundaryForPermissionSet', GetPermissionsBoundaryForPermissionSetCommand),
    {
      // where none is set AWS says so with an error: an answer without one is no answer
      rows: (answer, setArn) => rowOf(answer.PermissionsBoundary, setArn),
    },
  ),
  // "none is set" and "the set is gone" are the same error and both mean no row; a set that is gone is told by sso.permission_sets, which is read first
  isNone: isMissing,
}

const provisionedAccounts: Dataset = {
  ...detail(
    'sso.provisioned_accounts',
    operation('ListAccountsForProvisionedPermissionSet', ListAccountsForProvisionedPermissionSetCommand),
    {
      isPaged: true,
      rows: (answer, setArn) =>
        rowsOf(
          answer.AccountIds,
          row => joined(setArn, text(row, 'AccountId')),
          accountId => ({ AccountId: accountId as string }),
        ),
    },
  ),
  needs: 'permission_sets_enabled',
  calls: rows => callsPer(rows('sso.permission_set_arns'), rows('sso.provisioned_accounts'), pageSize),
}

/** By provisioned pair and not by principal: only so are assignments of deleted users and groups seen. */
const accountAssignments: Dataset = {
  name: 'sso.account_assignments',
  isPopulation: 'in_sum',
  operation: operation('ListAccountAssignments', ListAccountAssignmentsCommand),
  parents: [
    {
      dataset: 'sso.provisioned_accounts',
      parent: ({ key }) => `${key.slice(key.indexOf('|') + 1)}|${key.slice(0, key.indexOf('|'))}`,
    },
  ],
  pageSize,
  needs: 'permission_sets_enabled',
  input(pair, { instanceArn }) {
    const { accountId, setArn } = ofPair(pair)
    return { InstanceArn: instanceArn, AccountId: accountId, PermissionSetArn: setArn }
  },
  rows(answer, pair) {
    const { accountId, setArn } = ofPair(pair)
    return rowsOf(answer.AccountAssignments, assignment =>
      isAbout(assignment, 'AccountId', accountId) && isAbout(assignment, 'PermissionSetArn', setArn)
        ? joined(pair, text(assignment, 'PrincipalType'), text(assignment, 'PrincipalId'))
        : undefined,
    )
  },
  calls: rows => callsPer(rows('sso.provisioned_accounts'), rows('sso.account_assignments'), pageSize),
  gone: {
    what: 'the provisioning of the permission set in the account',
    isMeant: isMissing,
    operations: [provisionedAccounts.operation, describePermissionSet, permissionSetArns.operation],
    async confirm(ask, pair, subject) {
      const { accountId, setArn } = ofPair(pair)
      const accounts = { dataset: provisionedAccounts, parent: setArn, subject, paging: jsonPaging }
      const found = await isListed(ask, accounts, `${setArn}|${accountId}`)
      return typeof found === 'object' && isMissing(found) ? confirmByDescription(ask, setArn, subject) : found
    },
  },
}

/** A set that was changed and not provisioned again: the account still has the old one. */
const outdatedProvisionedAccounts: Dataset = {
  ...provisionedAccounts,
  name: 'sso.outdated_provisioned_accounts',
  input: (setArn, { instanceArn }) => ({
    InstanceArn: instanceArn,
    PermissionSetArn: setArn,
    ProvisioningStatus: 'LATEST_PERMISSION_SET_NOT_PROVISIONED',
  }),
  calls: rows => callsPer(rows('sso.permission_set_arns'), rows('sso.outdated_provisioned_accounts'), pageSize),
}

const tags: Dataset = {
  ...detail('sso.tags', operation('ListTagsForResource', ListTagsForResourceCommand), {
    rows: (answer, setArn) => rowsOf(answer.Tags, tag => joined(setArn, text(tag, 'Key'))),
  }),
  pageSize: 'unsized',
  input: (setArn, { instanceArn }) => ({ InstanceArn: instanceArn, ResourceArn: setArn }),
}

/** Attributes for access control are switched on for the whole instance, or not at all. */
const accessControlAttributes: Dataset = {
  name: 'sso.access_control_attributes',
  operation: operation(
    'DescribeInstanceAccessControlAttributeConfiguration',
    DescribeInstanceAccessControlAttributeConfigurationCommand,
  ),
  parents: 'instance',
  pageSize: null,
  needs: 'organization_instance',
  input: instanceArn => ({ InstanceArn: instanceArn }),
  rows: (answer, instanceArn) => rowOf(answer, instanceArn),
  calls: () => 1,
  notEnabled: trouble =>
    isMissing(trouble)
      ? `attributes for access control are not enabled: sso:DescribeInstanceAccessControlAttributeConfiguration answered ${trouble.code}`
      : null,
}

export const sso: Service = {
  name: 'sso',
  endpointName: 'SSO_ADMIN',
  open: config => new SSOAdminClient(config),
  region: homeRegion => homeRegion,
  budgetKey: () => 'sso',
  // 20 a second over all operations: IAM Identity Center quotas
  rate: () => 20,
  isOneAtATime: false,
  paging: jsonPaging,
  budgetScope: 'organization',
  datasets: [
    withSets(instances, 'Regions'),
    withSets(instanceDetails, 'Regions'),
    permissionSetArns,
    permissionSets,
    inlinePolicies,
    managedPolicies,
    customerManagedPolicyReferences,
    permissionsBoundaries,
    tags,
    provisionedAccounts,
    outdatedProvisionedAccounts,
    accountAssignments,
    withSets(accessControlAttributes, 'InstanceAccessControlAttributeConfiguration.AccessControlAttributes'),
    ...applicationDatasets,
    ...tokenIssuerDatasets,
  ],
}

interface Detail {
  readonly isPaged?: boolean
  rows(answer: Facts, setArn: string): ReturnType<Dataset['rows']>
  readonly confirm?: (ask: Ask, setArn: string, subject: Subject) => Promise<Confirmation>
  readonly confirmOperations?: readonly Operation[]
}

/** A dataset that is asked for once per permission set. */
function detail(name: string, asked: Operation, { isPaged = false, rows, confirm, confirmOperations }: Detail): Dataset {
  return {
    name,
    operation: asked,
    parents: [{ dataset: 'sso.permission_set_arns', parent: set => set.key }],
    pageSize: isPaged ? pageSize : null,
    needs: 'organization_instance',
    input: (setArn, { instanceArn }) => ({ InstanceArn: instanceArn, PermissionSetArn: setArn }),
    rows,
    calls: known => known('sso.permission_set_arns'),
    gone: {
      what: 'the permission set',
      isMeant: isMissing,
      operations: confirmOperations ?? [describePermissionSet, permissionSetArns.operation],
      confirm: confirm ?? confirmByDescription,
    },
  }
}

async function confirmByDescription(ask: Ask, setArn: string, { instanceArn }: Subject): Promise<Confirmation> {
  const said = await ask(describePermissionSet, { InstanceArn: instanceArn, PermissionSetArn: setArn })
  if ('answer' in said) return 'exists'
  if (!isMissing(said.trouble)) return said.trouble
  // where the instance is not found the error is the same, and says nothing of the set
  const listed = await ask(permissionSetArns.operation, { InstanceArn: instanceArn, MaxResults: 1 })
  return 'trouble' in listed ? listed.trouble : 'gone'
}

function ofPair(pair: string): { accountId: string; setArn: string } {
  const bar = pair.indexOf('|')
  return { accountId: pair.slice(0, bar), setArn: pair.slice(bar + 1) }
}

function isMissing(trouble: Trouble): boolean {
  return trouble.kind === 'not_found'
}
