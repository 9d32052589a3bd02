import {
  DescribeOrganizationCommand,
  ListAccountsCommand,
  ListOrganizationalUnitsForParentCommand,
  ListParentsCommand,
  ListRootsCommand,
  ListTagsForResourceCommand,
  OrganizationsClient,
} from '@aws-sdk/client-organizations'
import type { Facts } from '../../model.ts'
import { callsPer, type Dataset, joined, operationsOf, pagesOf, rowOf, rowsOf, text } from '../dataset.ts'
import { jsonPaging, type Service } from '../service.ts'
import { withSets } from '../sets.ts'
import { delegationDatasets } from './organizations-delegation.ts'
import { policyDatasets } from './organizations-policies.ts'

const operation = operationsOf('organizations')
const pageSize = 20

/** Calls a second per calling account, from "Quotas for AWS Organizations" (throttling limits). */
const rates: { readonly [operation: string]: number } = {
  DescribeOrganization: 1,
  DescribePolicy: 2,
  // not in the table: what its neighbour is allowed
  DescribeResourcePolicy: 1,
  ListAccounts: 8,
  ListAWSServiceAccessForOrganization: 1,
  ListDelegatedAdministrators: 5,
  ListDelegatedServicesForAccount: 1,
  ListOrganizationalUnitsForParent: 5,
  ListParents: 5,
  ListPolicies: 5,
  ListRoots: 1,
  ListTagsForResource: 10,
  ListTargetsForPolicy: 5,
}

/** Operations that stand in one row of that table. Whether they share its limit is not said there, so they do: their budget is named for the first of the row. */
const sharing: { readonly [operation: string]: string } = {
  ListDelegatedServicesForAccount: 'ListAWSServiceAccessForOrganization',
  ListOrganizationalUnitsForParent: 'ListParents',
  ListTargetsForPolicy: 'ListPolicies',
}

const listParents = operation('ListParents', ListParentsCommand)

const organization: Dataset = {
  name: 'organizations.organizations',
  operation: operation('DescribeOrganization', DescribeOrganizationCommand),
  parents: 'none',
  pageSize: null,
  needs: 'organization',
  input: () => ({}),
  rows: answer => rowOf(answer.Organization, text((answer.Organization ?? {}) as Facts, 'Id')),
  calls: () => 1,
}

const roots: Dataset = {
  name: 'organizations.roots',
  operation: operation('ListRoots', ListRootsCommand),
  parents: 'none',
  pageSize,
  needs: 'organization',
  input: () => ({}),
  rows: answer => rowsOf(answer.Roots, root => text(root, 'Id')),
  isNeverEmpty: true,
  calls: () => 1,
}

const organizationalUnits: Dataset = {
  name: 'organizations.organizational_units',
  operation: operation('ListOrganizationalUnitsForParent', ListOrganizationalUnitsForParentCommand),
  parents: [
    { dataset: 'organizations.roots', parent: root => root.key },
    { dataset: 'organizations.organizational_units', parent: unit => unit.key },
  ],
  pageSize,
  needs: 'organization',
  input: parentId => ({ ParentId: parentId }),
  rows: answer => rowsOf(answer.OrganizationalUnits, unit => text(unit, 'Id')),
  calls(rows) {
    const units = rows('organizations.organizational_units')
    return callsPer(units === null ? null : units + 1, units, pageSize)
  },
  gone: {
    what: 'the organizational unit',
    isMeant: trouble => trouble.code === 'ParentNotFoundException',
    operations: [listParents],
    async confirm(ask, unitId) {
      const said = await ask(listParents, { ChildId: unitId })
      if ('answer' in said) return 'exists'
      return said.trouble.code === 'ChildNotFoundException' ? 'gone' : said.trouble
    },
  },
}

const accounts: Dataset = {
  name: 'organizations.accounts',
  isPopulation: true,
  operation: operation('ListAccounts', ListAccountsCommand),
  parents: 'none',
  pageSize,
  needs: 'organization',
  input: () => ({}),
  rows: answer => rowsOf(answer.Accounts, account => text(account, 'Id')),
  isNeverEmpty: true,
  calls: rows => pagesOf(rows('organizations.accounts'), pageSize),
}

const tags: Dataset = {
  name: 'organizations.tags',
  operation: operation('ListTagsForResource', ListTagsForResourceCommand),
  parents: [
    { dataset: 'organizations.roots', parent: root => root.key },
    { dataset: 'organizations.organizational_units', parent: unit => unit.key },
    { dataset: 'organizations.accounts', parent: account => account.key },
  ],
  pageSize: 'unsized',
  needs: 'organization',
  input: id => ({ ResourceId: id }),
  rows: (answer, id) => rowsOf(answer.Tags, tag => joined(id, text(tag, 'Key'))),
  calls(rows) {
    const units = rows('organizations.organizational_units')
    const members = rows('organizations.accounts')
    return units === null || members === null ? null : 1 + units + members
  },
  gone: {
    what: 'the account or organizational unit',
    isMeant: trouble => trouble.code === 'TargetNotFoundException',
    operations: [listParents],
    async confirm(ask, id) {
      const said = await ask(listParents, { ChildId: id })
      if ('answer' in said) return 'exists'
      return said.trouble.code === 'ChildNotFoundException' ? 'gone' : said.trouble
    },
  },
}

export const organizations: Service = {
  name: 'organizations',
  endpointName: 'ORGANIZATIONS',
  open: config => new OrganizationsClient(config),
  region: (_homeRegion, partition) => partition.organizationsRegion,
  budgetKey: name => `organizations.${sharing[name] ?? name}`,
  rate: name => rates[name] ?? 1,
  isOneAtATime: true,
  paging: jsonPaging,
  budgetScope: 'organization',
  datasets: [
    organization,
    withSets(roots, 'PolicyTypes'),
    organizationalUnits,
    accounts,
    tags,
    ...policyDatasets,
    ...delegationDatasets,
  ],
}
