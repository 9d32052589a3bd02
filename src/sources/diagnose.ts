import { AppError } from '../errors.ts'
import type { Row, Source } from '../model.ts'
import { ageOfAccessKey } from './access-key-age.ts'
import type { Aws } from './aws.ts'
import type { Check } from './check.ts'
import { connect, longTerm, type Step } from './connect.ts'
import { actionOf, type Dataset, parentsOf, rootsOf } from './dataset.ts'
import { accountChecks } from './diagnose-accounts.ts'
import { networkCheck } from './diagnose-network.ts'
import { causeOf, wayOut } from './gap.ts'
import { statementFor } from './policy.ts'
import type { Service } from './service.ts'
import { accountServicesOf, serviceNamed, servicesOf } from './services.ts'
import type { Session } from './session.ts'
import { notApplicable } from './standing.ts'

export interface Diagnosis {
  readonly checks: readonly Check[]
}

/** As most benchmarks have it: IAM-KEY-001 takes the same. */
const oldKeyDays = 90

const steps: readonly Step[] = ['credentials', 'role', 'external id', 'identity', 'organization', 'instance']

/**
 * Tries everything that a collection needs, with one small call for each permission, and says what to do about what
 * fails. AWS's trouble is a row, never an exception.
 */
export async function diagnose(aws: Aws, source: Source): Promise<Diagnosis> {
  const proven = new Map<Step, string>()
  try {
    const { session } = await connect(aws, source, (step, found) => proven.set(step, found))
    try {
      const permissions = await permissionChecks(session, servicesOf(source))
      const isRefused = permissions.some(each => each.check.startsWith('identitystore:') && each.result === 'failed')
      const checks = [
        ...steps.map(step => stepCheck(step, proven, source)),
        ...(await accessKeyCheck(session, proven)),
        ...keyCheck(session),
        ...permissions,
        await networkCheck(session, isRefused),
      ]
      if (!source.iam) return { checks }
      const accounts = await accountChecks(session)
      const inFirst = accounts.first === null ? [] : await permissionChecks(accounts.first, accountServicesOf(source))
      return { checks: [...checks, ...accounts.checks, ...inFirst] }
    } finally {
      session.close()
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return { checks: failedChecks(proven, source, error) }
  }
}

function stepCheck(step: Step, proven: ReadonlyMap<Step, string>, source: Source): Check {
  const found = proven.get(step)
  if (step === 'credentials' && found === longTerm) {
    const remedy = 'give this process a role (instance profile, pod identity, OIDC) instead of an access key'
    return { check: step, result: 'warning', cause: 'a long-term access key', remedy }
  }
  if (found !== undefined) return { check: step, result: 'ok', cause: found, remedy: null }
  if (step === 'external id' && source.auth.roleArn !== null) {
    const remedy =
      'put the trust policy of `evidenced aws trust-policy` on the role: it demands an external id that is made and kept here'
    return { check: step, result: 'warning', cause: 'there is none', remedy }
  }
  return {
    check: step,
    result: 'skipped',
    cause: step === 'role' || step === 'external id' ? 'no role is configured' : 'not reached',
    remedy: null,
  }
}

/** A long-term key works, and the older it is the more places it has been in. */
async function accessKeyCheck(session: Session, proven: ReadonlyMap<Step, string>): Promise<readonly Check[]> {
  if (proven.get('credentials') !== longTerm) return []
  const check = 'access key'
  const age = await ageOfAccessKey(session)
  if (typeof age === 'string') {
    const remedy = 'let its user ask iam:ListAccessKeys of itself, or look into IAM when the key was made'
    return [{ check, result: 'warning', cause: `how old it is is not known: ${age}`, remedy }]
  }
  const cause = `made ${age.createdAt.toISOString().slice(0, 10)}, ${age.days} days ago by the clock of AWS`
  if (age.days <= oldKeyDays) return [{ check, result: 'ok', cause, remedy: null }]
  return [
    { check, result: 'warning', cause, remedy: `it is older than ${oldKeyDays} days: make another, use that, and delete it` },
  ]
}

function failedChecks(proven: ReadonlyMap<Step, string>, source: Source, error: AppError): readonly Check[] {
  const isSkipped = (step: Step) =>
    (step === 'role' && source.auth.roleArn === null) || (step === 'external id' && source.auth.externalId === null)
  const failed = steps.find(step => !proven.has(step) && !isSkipped(step))
  return steps.map((step, i) => {
    if (step === failed) return { check: step, result: 'failed', cause: error.message, remedy: error.hint }
    if (failed !== undefined && i > steps.indexOf(failed))
      return { check: step, result: 'skipped', cause: `${failed} failed`, remedy: null }
    return stepCheck(step, proven, source)
  })
}

/** One call per dataset, about the first parent that an earlier one has shown. */
async function permissionChecks(session: Session, services: readonly Service[]): Promise<readonly Check[]> {
  const firstRow = new Map<string, Row>()
  const checks: Check[] = []
  for (const dataset of services.flatMap(service => service.datasets)) {
    // two datasets may take the same permission: one call tells
    if (checks.some(each => each.check === actionOf(dataset.operation))) continue
    const reason = notApplicable(dataset.needs, session.standing)
    const parent = parentOf(dataset, session, firstRow)
    if (reason !== null) checks.push({ check: actionOf(dataset.operation), result: 'skipped', cause: reason, remedy: null })
    else if (parent === null)
      checks.push({
        check: actionOf(dataset.operation),
        result: 'skipped',
        cause: 'nothing to ask it about was found',
        remedy: null,
      })
    else checks.push(await permissionCheck(session, dataset, parent, firstRow))
  }
  return checks
}

/** A key of the customer's own is one more thing that must be allowed, and may be lost. None: AWS's own key needs no grant. */
function keyCheck(session: Session): readonly Check[] {
  const [instance] = session.read.flatMap(({ part, rows }) => (part.dataset === 'sso.instance_details' ? rows : []))
  const details = instance?.facts.EncryptionConfigurationDetails
  if (typeof details !== 'object' || details === null || !('KeyType' in details)) return []
  if (details.KeyType !== 'CUSTOMER_MANAGED_KEY') return []
  const { KmsKeyArn, EncryptionStatus, EncryptionStatusReason } = details
  const cause = `${KmsKeyArn} is ${EncryptionStatus}${typeof EncryptionStatusReason === 'string' ? `: ${EncryptionStatusReason}` : ''}`
  if (EncryptionStatus !== 'ENABLED') {
    const remedy = 'look at the key and its policy: what is encrypted with it may be readable to nobody'
    return [{ check: 'encryption key', result: 'failed', cause, remedy }]
  }
  const statement = JSON.stringify({ Effect: 'Allow', Action: 'kms:Decrypt', Resource: KmsKeyArn })
  const remedy = `the role needs kms:Decrypt of it, in its own policy and in that of the key. Statement to paste: ${statement}`
  return [{ check: 'encryption key', result: 'ok', cause, remedy }]
}

/** AWS answers an empty list to the wrong account as well: whoever reads the row must know which directory it is about. */
function emptyDirectory(session: Session, check: string): Check {
  const { instanceArn, instanceOwnerAccountId, identityStoreId, homeRegion } = session.standing!.identity
  const kind = session.standing!.isOrganizationInstance ? 'the organization instance' : 'an account instance'
  return {
    check,
    result: 'warning',
    cause: `allowed, and there is not one user in ${identityStoreId} of ${kind} ${instanceArn} (owner ${instanceOwnerAccountId ?? 'not told'}, ${homeRegion})`,
    remedy:
      'if people sign in through IAM Identity Center, this is another directory than theirs: check account and Region of the role',
  }
}

function parentOf(dataset: Dataset, session: Session, firstRow: ReadonlyMap<string, Row>): string | null {
  const roots = rootsOf(dataset, session.subject)
  if (roots !== null) return roots[0] ?? null
  for (const { dataset: name, parent } of parentsOf(dataset)) {
    const row = firstRow.get(name)
    if (row !== undefined) return parent(row)
  }
  return null
}

async function permissionCheck(session: Session, dataset: Dataset, parent: string, firstRow: Map<string, Row>): Promise<Check> {
  const action = actionOf(dataset.operation)
  const asked = dataset.input(parent, session.subject)
  const said = await session.ask({
    operation: dataset.operation,
    input: typeof dataset.pageSize === 'number' ? { ...asked, [serviceNamed(dataset.operation.service).paging.size]: 1 } : asked,
    tries: 2,
  })
  if ('answer' in said) {
    const [row] = dataset.rows(said.answer, parent, session.subject) ?? []
    if (row !== undefined) firstRow.set(dataset.name, row)
    else if (dataset.name === 'identitystore.users') return emptyDirectory(session, action)
    return { check: action, result: 'ok', cause: 'allowed', remedy: null }
  }
  const { trouble } = said
  // a credential report that nobody has made yet: the permission is there
  if (/^(CredentialReport|Report)(NotPresent|Expired|NotReady|InProgress)/.test(trouble.code))
    return { check: action, result: 'ok', cause: 'allowed', remedy: null }
  if (dataset.isNone?.(trouble)) return { check: action, result: 'ok', cause: 'allowed', remedy: null }
  const off = dataset.notEnabled?.(trouble) ?? null
  if (off !== null) return { check: action, result: 'ok', cause: `allowed; ${off}`, remedy: null }
  if (dataset.isNotListable?.(trouble)) {
    const cause = 'the identity source is Active Directory: AWS lists neither its users nor its groups'
    return { check: action, result: 'warning', cause, remedy: 'assignments are collected; users and memberships cannot be' }
  }
  const { gap } = causeOf(trouble, dataset, session.place(dataset.operation.service), parent)
  const statement =
    gap.action === null ? '' : `. Statement to paste: ${JSON.stringify(statementFor(gap.action, session.source.partition))}`
  return {
    check: action,
    result: 'failed',
    cause: `${trouble.code}${trouble.message === '' ? '' : `: ${trouble.message}`}`,
    remedy: `${wayOut(trouble, action)}${statement}`,
  }
}
