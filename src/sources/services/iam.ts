import { IAMClient, ListOrganizationsFeaturesCommand } from '@aws-sdk/client-iam'
import { type Dataset, operationsOf, rowOf, text } from '../dataset.ts'
import { RawQueryProtocol } from '../raw-query-protocol.ts'
import type { Service } from '../service.ts'
import { withSets } from '../sets.ts'
import { accountDatasets } from './iam-account.ts'
import { authorizationDatasets } from './iam-authorization.ts'
import { iamPaging } from './iam-paging.ts'
import { policyDocuments } from './iam-policy-documents.ts'
import { userDatasets } from './iam-users.ts'

const operation = operationsOf('iam')

/** What IAM lets the organization do with the root users of its members. */
const organizationsFeatures: Dataset = {
  name: 'iam.organizations_features',
  operation: operation('ListOrganizationsFeatures', ListOrganizationsFeaturesCommand),
  parents: 'none',
  pageSize: null,
  needs: 'organization',
  input: () => ({}),
  rows: answer => rowOf(answer, text(answer, 'OrganizationId')),
  calls: () => 1,
  notEnabled({ code }) {
    if (code.startsWith('ServiceAccessNotEnabled'))
      return `IAM is no trusted service of the organization (${code}): no root feature is enabled`
    return code.startsWith('OrganizationNotInAllFeaturesMode') ? `the organization has not all features enabled (${code})` : null
  },
}

const common: Omit<Service, 'datasets'> = {
  name: 'iam',
  endpointName: 'IAM',
  open: config => new IAMClient({ ...config, protocol: RawQueryProtocol }),
  region: (_homeRegion, partition) => partition.iamRegion,
  budgetKey: () => 'iam',
  // AWS documents none; in the middle of what collectors in use assume
  rate: () => 20,
  isOneAtATime: false,
  paging: iamPaging,
  budgetScope: 'account',
}

/** IAM of one account, read with a role of that account. */
export const accountIam: Service = { ...common, datasets: [...accountDatasets, ...authorizationDatasets, ...userDatasets] }

/** What IAM says to the collecting role itself, wherever it lives. */
export const homeIam: Service = {
  ...common,
  datasets: [withSets(organizationsFeatures, 'EnabledFeatures'), withSets(policyDocuments, 'Tags')],
}
