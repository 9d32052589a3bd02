import { type Call, required, type Service, WireError } from './call.ts'
import { rowWith } from './lookup.ts'
import type { SimulatedAccount, SimulatedDelegation, SimulatedOu, SimulatedPolicy, SimulatedRoot } from './organization.ts'
import { type List, page } from './paging.ts'
import { wireMembers } from './wire.ts'

/** AWS Organizations: for the management account and members that are delegated administrator for any service. */
export const organizations: Service = {
  name: 'organizations',
  protocol: 'json',
  target: 'AWSOrganizationsV20161128',
  admit,
  resource: () => '*',
  operations: {
    DescribeOrganization: call => ({ Organization: wireMembers(call.organization.organization ?? {}) }),
    ListRoots: call => {
      const { rows, next } = page(call, call.organization.roots, roots)
      return { Roots: rows.map(wireMembers), NextToken: next }
    },
    ListOrganizationalUnitsForParent: call => {
      const parent = parentOf(call)
      const children = call.organization.ous.filter(ou => call.organization.parents[ou.Id] === parent)
      const { rows, next } = page(call, children, ous)
      return { OrganizationalUnits: rows.map(wireMembers), NextToken: next }
    },
    ListAccounts: call => {
      const { rows, next } = page(call, call.organization.accounts, accounts)
      return { Accounts: rows.map(wireMembers), NextToken: next }
    },
    DescribeAccount: call => ({ Account: wireMembers(accountOf(call, required(call.input, 'AccountId', invalid))) }),
    ListAccountsForParent: call => {
      const parent = parentOf(call)
      const children = call.organization.accounts.filter(account => call.organization.parents[account.Id] === parent)
      const { rows, next } = page(call, children, accounts)
      return { Accounts: rows.map(wireMembers), NextToken: next }
    },
    ListParents: call => {
      const parent = call.organization.parents[required(call.input, 'ChildId', invalid)]
      if (!parent) throw new WireError('ChildNotFoundException', "You specified a child that doesn't exist.")
      return { Parents: [{ Id: parent, Type: parent.startsWith('r-') ? 'ROOT' : 'ORGANIZATIONAL_UNIT' }] }
    },
    ListTagsForResource: call => {
      const id = required(call.input, 'ResourceId', invalid)
      const { accounts: all, roots: tops, ous: units, policies: documents } = call.organization
      if (![all, tops, units, documents].some(list => list.some(one => one.Id === id))) throw noTarget()
      const { rows, next } = page(call, call.organization.organizationTags[id] ?? [], tags)
      return { Tags: rows, NextToken: next }
    },
    ListDelegatedAdministrators: call => {
      const principal = call.input.ServicePrincipal
      const delegations = call.organization.delegations.filter(
        one => principal === undefined || one.servicePrincipal === principal,
      )
      const { rows, next } = page(call, [...firstByAccount(delegations).values()], administrators)
      return {
        DelegatedAdministrators: rows.map(one => {
          const { Paths: _, ...account } = accountOf(call, one.accountId)
          return { ...wireMembers(account), DelegationEnabledDate: one.enabledAt }
        }),
        NextToken: next,
      }
    },
    ListDelegatedServicesForAccount: call => {
      const { Id } = accountOf(call, required(call.input, 'AccountId', invalid))
      const delegations = call.organization.delegations.filter(one => one.accountId === Id)
      if (delegations.length === 0) {
        throw new WireError(
          'AccountNotRegisteredException',
          'The provided account is not a registered delegated administrator for your organization.',
        )
      }
      const { rows, next } = page(call, delegations, delegatedServices)
      return {
        DelegatedServices: rows.map(one => ({ ServicePrincipal: one.servicePrincipal, DelegationEnabledDate: one.enabledAt })),
        NextToken: next,
      }
    },
    ListAWSServiceAccessForOrganization: call => {
      const { rows, next } = page(call, call.organization.serviceAccess, servicePrincipals)
      return { EnabledServicePrincipals: rows.map(wireMembers), NextToken: next }
    },
    ListPolicies: call => {
      const type = required(call.input, 'Filter', invalid)
      const { rows, next } = page(
        call,
        call.organization.policies.filter(policy => policy.Type === type),
        policies,
      )
      return { Policies: rows.map(wireMembers), NextToken: next }
    },
    DescribePolicy: call => {
      const policy = policyOf(call)
      return { Policy: { PolicySummary: wireMembers(policy), Content: policy.content } }
    },
    ListTargetsForPolicy: call => {
      const { rows, next } = page(call, policyOf(call).targets, targets)
      return { Targets: rows.map(id => targetOf(call, id)), NextToken: next }
    },
    DescribeResourcePolicy: call => {
      const { resourcePolicy, organization } = call.organization
      if (resourcePolicy === null) {
        throw new WireError(
          'ResourcePolicyNotFoundException',
          "We can't find a resource policy with the parameter that you specified.",
        )
      }
      const Arn = `arn:${call.organization.partition}:organizations::${organization?.MasterAccountId}:resourcepolicy/${organization?.Id}/rp-evidence`
      return { ResourcePolicy: { ResourcePolicySummary: { Id: 'rp-evidence', Arn }, Content: resourcePolicy } }
    },
  },
}

const invalid = 'InvalidInputException'
const twenty = { maximum: 20, style: 'organizations' } as const
const byId = { ...twenty, key: (one: { Id: string }) => one.Id }
const roots: List<SimulatedRoot> = byId
const ous: List<SimulatedOu> = byId
const accounts: List<SimulatedAccount> = byId
const policies: List<SimulatedPolicy> = byId
const tags: List<{ Key: string; Value: string }> = { ...twenty, key: one => one.Key }
const targets: List<string> = { ...twenty, key: one => one }
const administrators: List<SimulatedDelegation> = { ...twenty, key: one => one.accountId }
const delegatedServices: List<SimulatedDelegation> = { ...twenty, key: one => one.servicePrincipal }
const servicePrincipals: List<{ ServicePrincipal: string }> = { ...twenty, key: one => one.ServicePrincipal }
const accountIdOf = (account: SimulatedAccount) => account.Id

function admit(call: Call): void {
  const { organization, accounts: members, delegations } = call.organization
  const { accountId } = call.caller
  if (!organization || !rowWith(members, accountIdOf, accountId)) {
    throw new WireError('AWSOrganizationsNotInUseException', 'Your account is not a member of an organization.')
  }
  if (call.operation === 'DescribeOrganization' || accountId === organization.MasterAccountId) return
  if (delegations.some(one => one.accountId === accountId)) return
  throw new WireError('AccessDeniedException', "You don't have permissions to access this resource.")
}

function parentOf(call: Call): string {
  const id = required(call.input, 'ParentId', invalid)
  const { roots: tops, ous: units } = call.organization
  if (tops.some(root => root.Id === id) || units.some(ou => ou.Id === id)) return id
  throw new WireError('ParentNotFoundException', "You specified a parent that doesn't exist.")
}

function accountOf(call: Call, id: string): SimulatedAccount {
  const account = rowWith(call.organization.accounts, accountIdOf, id)
  if (!account) throw new WireError('AccountNotFoundException', "You specified an account that doesn't exist.")
  return account
}

function policyOf(call: Call): SimulatedPolicy {
  const id = required(call.input, 'PolicyId', invalid)
  const policy = call.organization.policies.find(one => one.Id === id)
  if (!policy) throw new WireError('PolicyNotFoundException', "You specified a policy that doesn't exist.")
  return policy
}

function targetOf(call: Call, id: string): object {
  const { accounts: all, roots: tops, ous: units } = call.organization
  const found = [
    { kind: 'ROOT', list: tops },
    { kind: 'ORGANIZATIONAL_UNIT', list: units },
    { kind: 'ACCOUNT', list: all },
  ]
  for (const { kind, list } of found) {
    const one = list.find(({ Id }) => Id === id)
    if (one) return { TargetId: one.Id, Arn: one.Arn, Name: one.Name, Type: kind }
  }
  throw noTarget()
}

function noTarget(): WireError {
  return new WireError('TargetNotFoundException', "You specified a target that doesn't exist.")
}

function firstByAccount(delegations: readonly SimulatedDelegation[]): Map<string, SimulatedDelegation> {
  const first = new Map<string, SimulatedDelegation>()
  for (const one of delegations) if (!first.has(one.accountId)) first.set(one.accountId, one)
  return first
}
