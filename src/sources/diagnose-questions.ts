import type { Facts, Row } from '../model.ts'
import { type Check, nothingToAsk } from './check.ts'
import { checkOperations } from './cross-checks.ts'
import { actionOf, type Operation } from './dataset.ts'
import { wayOut } from './gap.ts'
import { statementFor } from './policy.ts'
import { datasetNamed, servicesOf } from './services.ts'
import type { Session } from './session.ts'
import { notApplicable } from './standing.ts'

type First = (dataset: string) => string | undefined

/** What a question is asked about: of what is not here (requests in progress, deleted principals) nobody knows one to ask about. */
const inputs: { readonly [action: string]: (first: First, session: Session) => Facts | null } = {
  'sso:ListPermissionSetsProvisionedToAccount': (first, { subject }) =>
    whole({ InstanceArn: subject.instanceArn, AccountId: first('organizations.accounts'), MaxResults: 1 }),
  'sso:ListAccountAssignmentsForPrincipal': (first, { subject }) =>
    whole({
      ...{ InstanceArn: subject.instanceArn, PrincipalType: 'USER', MaxResults: 1 },
      PrincipalId: first('identitystore.users'),
    }),
  'sso:ListAccountAssignmentCreationStatus': (_, { subject }) => ({ InstanceArn: subject.instanceArn, MaxResults: 1 }),
  'sso:ListAccountAssignmentDeletionStatus': (_, { subject }) => ({ InstanceArn: subject.instanceArn, MaxResults: 1 }),
  'sso:ListPermissionSetProvisioningStatus': (_, { subject }) => ({ InstanceArn: subject.instanceArn, MaxResults: 1 }),
  'sso:DescribeApplication': first => whole({ ApplicationArn: first('sso.applications') }),
  'identitystore:DescribeUser': (first, { subject }) =>
    whole({ IdentityStoreId: subject.identityStoreId, UserId: first('identitystore.users') }),
  'identitystore:DescribeGroup': (first, { subject }) =>
    whole({ IdentityStoreId: subject.identityStoreId, GroupId: first('identitystore.groups') }),
  'organizations:ListParents': first => whole({ ChildId: first('organizations.accounts') }),
}

/**
 * The questions beside the datasets: of cross-checks, and whether something that AWS calls missing was deleted. Without one a snapshot is as
 * complete as it would be; the check is not made, or what was deleted stays open for one collection.
 * @param firstRow the first row of each dataset
 * @param tried actions that were tried already
 * @param refused by action that failed, or rests on one that did, the one that did
 */
export async function questionChecks(
  session: Session,
  firstRow: ReadonlyMap<string, Row>,
  tried: ReadonlySet<string>,
  refused: ReadonlyMap<string, string>,
): Promise<readonly Check[]> {
  const confirming = servicesOf(session.source).flatMap(service => service.datasets.flatMap(({ gone }) => gone?.operations ?? []))
  const operations = new Map<string, Operation>()
  for (const operation of [...confirming, ...checkOperations]) operations.set(actionOf(operation), operation)
  const checks: Check[] = []
  for (const [check, operation] of operations) {
    if (tried.has(check)) continue
    const hasPairs = !check.startsWith('sso:List') || notApplicable('permission_sets_enabled', session.standing) === null
    let failed: string | undefined
    const first = (dataset: string) => {
      failed ??= refused.get(actionOf(datasetNamed(dataset).operation))
      return firstRow.get(dataset)?.key
    }
    const input = hasPairs ? (inputs[check]?.(first, session) ?? null) : null
    if (input === null) {
      checks.push({ check, result: 'skipped', cause: nothingToAsk(failed), remedy: null, losesNothing: true })
      continue
    }
    const said = await session.ask({ operation, input, tries: 2 })
    if ('answer' in said || said.trouble.kind === 'not_found') {
      checks.push({ check, result: 'ok', cause: 'allowed', remedy: null })
      continue
    }
    const { trouble } = said
    const cause = `${trouble.code}${trouble.message === '' ? '' : `: ${trouble.message}`}`
    const statement =
      trouble.kind === 'denied' ? `. Statement to paste: ${JSON.stringify(statementFor(check, session.source.partition))}` : ''
    const remedy = `a check of the collection asks it, and is not made without: ${wayOut(trouble, check)}${statement}`
    checks.push({ check, result: 'warning', cause, remedy, losesNothing: true })
  }
  return checks
}

/** An input, unless something to ask about is missing. */
function whole(input: { readonly [member: string]: string | number | undefined }): Facts | null {
  return Object.values(input).includes(undefined) ? null : (input as Facts)
}
