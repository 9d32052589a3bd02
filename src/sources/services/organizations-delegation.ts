import {
  DescribeResourcePolicyCommand,
  ListAWSServiceAccessForOrganizationCommand,
  ListDelegatedAdministratorsCommand,
  ListDelegatedServicesForAccountCommand,
} from '@aws-sdk/client-organizations'
import type { Facts } from '../../model.ts'
import { isListed } from '../confirming.ts'
import { callsPer, type Dataset, joined, operationsOf, pagesOf, rowOf, rowsOf, text } from '../dataset.ts'
import { jsonPaging } from '../service.ts'
import type { Trouble } from '../trouble.ts'

const operation = operationsOf('organizations')
const pageSize = 20

/** An organization for consolidated billing alone delegates nothing, and trusts no service. */
function notEnabled({ code, detail }: Trouble): string | null {
  return code === 'ConstraintViolationException' && detail === 'ORGANIZATION_NOT_IN_ALL_FEATURES_MODE'
    ? `the organization has not all features enabled: AWS answered ${code} with ${detail}`
    : null
}

const administrators: Dataset = {
  name: 'organizations.delegated_administrators',
  operation: operation('ListDelegatedAdministrators', ListDelegatedAdministratorsCommand),
  parents: 'none',
  pageSize,
  needs: 'organization',
  input: () => ({}),
  rows: answer => rowsOf(answer.DelegatedAdministrators, account => text(account, 'Id')),
  calls: rows => pagesOf(rows('organizations.delegated_administrators'), pageSize),
  notEnabled,
}

/** What each delegated administrator may administer: `sso.amazonaws.com` among them reaches every account. */
const delegatedServices: Dataset = {
  name: 'organizations.delegated_services',
  operation: operation('ListDelegatedServicesForAccount', ListDelegatedServicesForAccountCommand),
  parents: [{ dataset: 'organizations.delegated_administrators', parent: account => account.key }],
  pageSize,
  needs: 'organization',
  input: accountId => ({ AccountId: accountId }),
  rows: (answer, accountId) => rowsOf(answer.DelegatedServices, service => joined(accountId, text(service, 'ServicePrincipal'))),
  calls: rows => callsPer(rows('organizations.delegated_administrators'), rows('organizations.delegated_services'), pageSize),
  gone: {
    what: 'the delegation',
    isMeant: trouble => trouble.code === 'AccountNotRegisteredException' || trouble.code === 'AccountNotFoundException',
    operations: [administrators.operation],
    confirm: (ask, accountId, subject) =>
      isListed(ask, { dataset: administrators, parent: '', subject, paging: jsonPaging }, accountId),
  },
}

const serviceAccess: Dataset = {
  name: 'organizations.service_access',
  operation: operation('ListAWSServiceAccessForOrganization', ListAWSServiceAccessForOrganizationCommand),
  parents: 'none',
  pageSize,
  needs: 'organization',
  input: () => ({}),
  rows: answer => rowsOf(answer.EnabledServicePrincipals, service => text(service, 'ServicePrincipal')),
  calls: rows => pagesOf(rows('organizations.service_access'), pageSize),
  notEnabled,
}

/** The policy that lets members act for the organization. */
const resourcePolicies: Dataset = {
  name: 'organizations.resource_policies',
  operation: operation('DescribeResourcePolicy', DescribeResourcePolicyCommand),
  parents: 'none',
  pageSize: null,
  needs: 'organization',
  input: () => ({}),
  rows(answer) {
    const policy = (answer.ResourcePolicy ?? null) as Facts | null
    if (policy === null || typeof policy.Content !== 'string') return null
    const { ResourcePolicySummary, ...others } = policy
    const summary = (ResourcePolicySummary ?? {}) as Facts
    return rowOf({ ...summary, ...others }, text(summary, 'Id'))
  },
  calls: () => 1,
  notEnabled,
  isNone: trouble => trouble.code === 'ResourcePolicyNotFoundException',
}

/** Who may administer the organization beside its management account, and which services it trusts. */
export const delegationDatasets: readonly Dataset[] = [administrators, delegatedServices, serviceAccess, resourcePolicies]
