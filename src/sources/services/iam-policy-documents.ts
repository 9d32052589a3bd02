import { GetPolicyCommand, GetPolicyVersionCommand } from '@aws-sdk/client-iam'
import type { Facts } from '../../model.ts'
import { type CommandClass, type Dataset, type Operation, rowOf, text } from '../dataset.ts'
import { decoded } from './iam-document.ts'

const getPolicy = operation('GetPolicy', GetPolicyCommand)
const getVersion = operation('GetPolicyVersion', GetPolicyVersionCommand)

/**
 * The text of every AWS managed policy that a permission set holds, as policy or as boundary. It is the same in all accounts
 * of a partition, so the collecting role's own account answers for all.
 */
export const policyDocuments: Dataset = {
  name: 'iam.policy_documents',
  operation: getVersion,
  parents: [
    { dataset: 'sso.managed_policies', parent: policy => text(policy.facts, 'Arn') ?? null },
    { dataset: 'sso.permissions_boundaries', parent: boundary => text(boundary.facts, 'ManagedPolicyArn') ?? null },
  ],
  pageSize: null,
  needs: 'organization_instance',
  input: arn => ({ PolicyArn: arn }),
  inquiry: {
    operations: [getPolicy],
    async answer(ask, arn) {
      const said = await ask(getPolicy, { PolicyArn: arn })
      if ('trouble' in said) return said
      const policy = (said.answer.Policy ?? {}) as Facts
      const versionId = text(policy, 'DefaultVersionId')
      if (versionId === undefined) return { answer: {} }
      const version = await ask(getVersion, { PolicyArn: arn, VersionId: versionId })
      if ('trouble' in version) return version
      return { answer: { ...policy, Document: decoded(((version.answer.PolicyVersion ?? {}) as Facts).Document) ?? null } }
    },
  },
  rows: (answer, arn) => (typeof answer.Document === 'string' ? rowOf(answer, arn) : null),
  calls(rows) {
    const documents = rows('iam.policy_documents')
    return documents === null ? null : 2 * documents
  },
}

function operation(name: string, command: CommandClass): Operation {
  return { service: 'iam', name, command }
}
