import { DescribePolicyCommand, ListPoliciesCommand, ListTargetsForPolicyCommand } from '@aws-sdk/client-organizations'
import type { Facts } from '../../model.ts'
import { isListed } from '../confirming.ts'
import {
  callsPer,
  type Dataset,
  isAbout,
  joined,
  type Operation,
  operationsOf,
  pagesOf,
  rowOf,
  rowsOf,
  text,
} from '../dataset.ts'
import { jsonPaging } from '../service.ts'

const operation = operationsOf('organizations')
const pageSize = 20
/** What limits accounts from above; other types configure services. */
const types = ['SERVICE_CONTROL_POLICY', 'RESOURCE_CONTROL_POLICY']

const policies: Dataset = {
  name: 'organizations.policies',
  operation: operation('ListPolicies', ListPoliciesCommand),
  parents: { each: types },
  pageSize,
  needs: 'organization',
  input: type => ({ Filter: type }),
  rows: answer => rowsOf(answer.Policies, policy => text(policy, 'Id')),
  calls(rows) {
    const pages = pagesOf(rows('organizations.policies'), pageSize)
    return pages === null ? null : pages + types.length - 1
  },
}

const documents: Dataset = {
  ...detail('organizations.policy_documents', operation('DescribePolicy', DescribePolicyCommand)),
  pageSize: null,
  // summary and text of one policy, as one resource: the summary's members beside Content
  rows(answer, policyId) {
    const policy = (answer.Policy ?? null) as Facts | null
    if (policy === null || typeof policy.Content !== 'string') return null
    const { PolicySummary, ...others } = policy
    if (!isAbout((PolicySummary ?? {}) as Facts, 'Id', policyId)) return null
    return rowOf({ ...(PolicySummary as Facts | undefined), ...others }, policyId)
  },
  calls: rows => rows('organizations.policies'),
}

const targets: Dataset = {
  ...detail('organizations.policy_targets', operation('ListTargetsForPolicy', ListTargetsForPolicyCommand)),
  pageSize,
  rows: (answer, policyId) => rowsOf(answer.Targets, target => joined(policyId, text(target, 'TargetId'))),
  calls: rows => callsPer(rows('organizations.policies'), rows('organizations.policy_targets'), pageSize),
}

/** Service control and resource control policies, their text, and what they are attached to. */
export const policyDatasets: readonly Dataset[] = [policies, documents, targets]

/** A dataset that is asked for once per policy. */
function detail(name: string, asked: Operation): Omit<Dataset, 'rows' | 'calls' | 'pageSize'> {
  return {
    name,
    operation: asked,
    parents: [{ dataset: 'organizations.policies', parent: policy => policy.key }],
    needs: 'organization',
    input: policyId => ({ PolicyId: policyId }),
    gone: {
      what: 'the policy',
      isMeant: trouble => trouble.code === 'PolicyNotFoundException',
      operations: [policies.operation],
      async confirm(ask, policyId, subject) {
        for (const type of types) {
          const found = await isListed(ask, { dataset: policies, parent: type, subject, paging: jsonPaging }, policyId)
          if (found !== 'gone') return found
        }
        return 'gone'
      },
    },
  }
}
