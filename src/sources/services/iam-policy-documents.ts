import { GetPolicyCommand, GetPolicyVersionCommand } from '@aws-sdk/client-iam'
import type { Facts } from '../../model.ts'
import { type Ask, type Dataset, operationsOf, reusableRows, rowOf, text } from '../dataset.ts'
import type { Trouble } from '../trouble.ts'
import { decoded } from './iam-document.ts'

const operation = operationsOf('iam')
const name = 'iam.policy_documents'
const getPolicy = operation('GetPolicy', GetPolicyCommand)
const getVersion = operation('GetPolicyVersion', GetPolicyVersionCommand)

/**
 * The text of every AWS managed policy that a permission set holds, as policy or as boundary. It is the same in all accounts
 * of a partition, so the collecting role's own account answers for all. A version never changes, and a policy that is made anew has
 * another id: a document that an earlier run read under the same id and version is not asked for again.
 */
export const policyDocuments: Dataset = {
  name,
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
    isReusable: kept => versionOf(kept) !== null && documentOf(kept) !== null,
    async answer(ask, arn, _pause, kept) {
      const said = await ask(getPolicy, { PolicyArn: arn })
      if ('trouble' in said) return said
      const policy = (said.answer.Policy ?? {}) as Facts
      const version = versionOf(policy)
      if (version === null) return { answer: {} }
      const before = await kept()
      const known = before !== null && versionOf(before) === version ? documentOf(before) : null
      const document = known ?? (await readDocument(ask, arn, text(policy, 'DefaultVersionId')!))
      return 'trouble' in document ? document : { answer: { ...policy, ...document } }
    },
  },
  rows: (answer, arn) => (typeof answer.Document === 'string' ? rowOf(answer, arn) : null),
  calls(rows) {
    const documents = rows(name)
    return documents === null ? null : 2 * documents - Math.min(documents, rows(reusableRows(name)) ?? 0)
  },
}

/** The text of one version, asked of AWS; `documentReadAt` is ours: the run of that time has the call in its ledger. */
export async function readDocument(
  ask: Ask,
  arn: string,
  versionId: string,
): Promise<{ readonly Document: string | null; readonly documentReadAt: string } | { readonly trouble: Trouble }> {
  const said = await ask(getVersion, { PolicyArn: arn, VersionId: versionId })
  if ('trouble' in said) return said
  const document = decoded(((said.answer.PolicyVersion ?? {}) as Facts).Document)
  return { Document: typeof document === 'string' ? document : null, documentReadAt: said.observedAt.toISOString() }
}

/** Id and version that a document belongs to for ever; null where AWS does not name both. */
function versionOf(policy: Facts): string | null {
  const [id, versionId] = [text(policy, 'PolicyId'), text(policy, 'DefaultVersionId')]
  return id === undefined || versionId === undefined ? null : `${id} ${versionId}`
}

function documentOf(kept: Facts) {
  const [Document, documentReadAt] = [text(kept, 'Document'), text(kept, 'documentReadAt')]
  return Document === undefined || documentReadAt === undefined ? null : { Document, documentReadAt }
}
