import { AppError } from '../errors.ts'
import type { Row, Source } from '../model.ts'
import { ageOfAccessKey } from './access-key-age.ts'
import type { Aws } from './aws.ts'
import { type Check, nothingToAsk } from './check.ts'
import { connect, longTerm, noDate, type Step } from './connect.ts'
import { type Ask, actionOf, type Dataset, parentsOf, rootsOf } from './dataset.ts'
import { accountChecks } from './diagnose-accounts.ts'
import { networkCheck } from './diagnose-network.ts'
import { questionChecks } from './diagnose-questions.ts'
import { causeOf, wayOut } from './gap.ts'
import { statementFor } from './policy.ts'
import type { Service } from './service.ts'
import { accountServicesOf, datasetNamed, serviceNamed, servicesOf } from './services.ts'
import type { Session } from './session.ts'
import { notApplicable } from './standing.ts'
import type { Trouble } from './trouble.ts'

/** What works of a source and what does not, step by step. */
export interface Diagnosis {
  readonly checks: readonly Check[]
}

/** As most benchmarks have it: IAM-KEY-001 takes the same. */
const oldKeyDays = 90

const steps: readonly Step[] = ['credentials', 'role', 'external id', 'identity', 'clock', 'organization', 'instance']

/**
 * Tries everything that a collection needs, with one small call for each permission, and says what to do about what
 * fails. AWS's trouble is a row, never an exception.
 */
export async function diagnose(aws: Aws, source: Source): Promise<Diagnosis> {
  const proven = new Map<Step, string>()
  try {
    const { session } = await connect(aws, source, (step, found) => proven.set(step, found))
    try {
      const firstRow = new Map<string, Row>()
      const refused = new Map<string, string>()
      const permissions = await permissionChecks(session, servicesOf(source), firstRow, refused)
      const isRefused = permissions.some(each => each.check.startsWith('identitystore:') && each.result === 'failed')
      const checks = [
        ...steps.map(step => stepCheck(step, proven, source)),
        ...(await accessKeyCheck(session, proven)),
        ...keyCheck(session),
        ...permissions,
        ...(await questionChecks(session, firstRow, new Set(permissions.map(each => each.check)), refused)),
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
  if (step === 'clock' && found === noDate) {
    const remedy = 'see that this machine sets its clock by NTP: evidence is dated by it'
    return { check: step, result: 'warning', losesNothing: true, cause: found, remedy }
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

/**
 * One call per dataset, about the first parent that an earlier one has shown; of an answer that takes several questions, each.
 * @param refused by action that failed, or rests on one that did, the one that did
 */
async function permissionChecks(
  session: Session,
  services: readonly Service[],
  firstRow: Map<string, Row> = new Map(),
  refused: Map<string, string> = new Map(),
): Promise<readonly Check[]> {
  const checks: Check[] = []
  for (const dataset of services.flatMap(service => service.datasets)) {
    const check = actionOf(dataset.operation)
    // two datasets may take the same permission: one call tells
    if (checks.some(each => each.check === check)) continue
    const reason = notApplicable(dataset.needs, session.standing)
    const parent = parentOf(dataset, session, firstRow)
    if (reason !== null) checks.push({ check, result: 'skipped', cause: reason, remedy: null })
    else if (parent === null) {
      const lists = parentsOf(dataset).map(each => actionOf(datasetNamed(each.dataset).operation))
      const failed = lists.flatMap(list => refused.get(list) ?? [])[0]
      if (failed !== undefined) refused.set(check, failed)
      const skipped = { check, result: 'skipped', cause: nothingToAsk(failed), remedy: null } as const
      checks.push(failed === undefined ? { ...skipped, losesNothing: true } : skipped)
    } else if (dataset.inquiry !== undefined) checks.push(...(await inquiryChecks(session, dataset, parent)))
    else checks.push(await permissionCheck(session, dataset, parent, firstRow, refused))
    for (const each of checks) if (each.result === 'failed') refused.set(each.check, each.check)
  }
  return checks
}

/** What an inquiry waits for is not waited for: that it was asked tells. */
const enough = new Error('asked')

/** Each question of an answer that takes several; the dataset's own, where they do not come as far as that. */
async function inquiryChecks(session: Session, dataset: Dataset, parent: string): Promise<readonly Check[]> {
  const checks = new Map<string, Check>()
  const ask: Ask = async (operation, input) => {
    const said = await session.ask({ operation, input, tries: 2 })
    const check = actionOf(operation)
    checks.set(check, 'answer' in said ? allowed(check) : troubleCheck(session, dataset, check, said.trouble, parent))
    return said
  }
  const pause = () => Promise.reject(enough)
  await dataset
    .inquiry!.answer(ask, parent, pause, () => Promise.resolve(null))
    .catch(error => {
      if (error !== enough) throw error
    })
  const [first] = checks.values()
  if (!checks.has(actionOf(dataset.operation)) && first?.result === 'ok')
    await ask(dataset.operation, dataset.input(parent, session.subject))
  return [...checks.values()]
}

function allowed(check: string): Check {
  return { check, result: 'ok', cause: 'allowed', remedy: null }
}

/** Whoever is no administrator of the organization is refused without a word of which action was missing: it is the account that is wrong. */
function elsewhereOf({ standing, accountId }: Session, { kind, message }: Trouble): string {
  const management = standing?.identity.managementAccountId ?? null
  if (kind !== 'denied' || management === null || management === accountId || /not authorized to perform/.test(message)) return ''
  return ` (this role is in account ${accountId}, the management account is ${management})`
}

/** Policies for IAM Identity Center are often written with the prefix of another service. */
function prefixOf(action: string, { kind, message }: Trouble): string {
  if (kind !== 'denied' || !/no identity-based policy allows/.test(message)) return ''
  if (action.startsWith('identitystore:'))
    return ' (sso:, sso-directory: and iam: do not allow it: Identity Store has a prefix of its own)'
  return action.startsWith('sso:')
    ? ' (identitycenter:, identitystore: and iam: do not allow it: the prefix of IAM Identity Center is sso:)'
    : ''
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
    losesNothing: true,
    cause: `allowed, and there is not one user in ${identityStoreId} of ${kind} ${instanceArn} (owner ${instanceOwnerAccountId ?? 'not told'}, ${homeRegion})`,
    remedy:
      'if people sign in through IAM Identity Center, this is another directory than theirs: check account and Region of the role. Without groups too, a collection stays incomplete until `evidenced snapshots confirm` says that the directory is empty',
  }
}

/**
 * A plain member is shown the applications of its own account and no others: none at all says nothing of the organization. Whoever may list permission
 * sets is none: the owner of the instance, or the delegated administrator.
 */
function noApplications(session: Session, check: string, refused: ReadonlyMap<string, string>): Check {
  const owner = session.standing!.identity.instanceOwnerAccountId
  const isAdministrator =
    notApplicable('organization_instance', session.standing) === null && !refused.has('sso:ListPermissionSets')
  if (owner === session.accountId || isAdministrator)
    return { check, result: 'ok', cause: 'allowed; there is not one application', remedy: null }
  return {
    check,
    result: 'warning',
    losesNothing: true,
    cause: `allowed, and shows not one application to account ${session.accountId}; the instance is owned by ${owner ?? 'an account that is not told'}`,
    remedy:
      'a member is shown the applications of its own account alone: if there are others, use a role in the management account or the delegated administrator',
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

async function permissionCheck(
  session: Session,
  dataset: Dataset,
  parent: string,
  firstRow: Map<string, Row>,
  refused: ReadonlyMap<string, string>,
): Promise<Check> {
  const action = actionOf(dataset.operation)
  const asked = dataset.input(parent, session.subject)
  const said = await session.ask({
    operation: dataset.operation,
    input: typeof dataset.pageSize === 'number' ? { ...asked, [serviceNamed(dataset.operation.service).paging.size]: 1 } : asked,
    tries: 2,
  })
  if ('answer' in said) {
    const rows = dataset.rows(said.answer, parent, session.subject)
    const row = rows?.[0]
    if (row !== undefined) firstRow.set(dataset.name, row)
    else if (rows !== null && dataset.name === 'identitystore.users') return emptyDirectory(session, action)
    else if (rows !== null && dataset.name === 'sso.applications') return noApplications(session, action, refused)
    return allowed(action)
  }
  return troubleCheck(session, dataset, action, said.trouble, parent)
}

function troubleCheck(session: Session, dataset: Dataset, action: string, trouble: Trouble, parent: string): Check {
  // a credential report that nobody has made yet, or that was asked for a moment ago: the permission is there
  if (/^(LimitExceeded|(CredentialReport|Report)(NotPresent|Expired|NotReady|InProgress))/.test(trouble.code))
    return allowed(action)
  if (dataset.isNone?.(trouble)) return allowed(action)
  const off = dataset.notEnabled?.(trouble) ?? null
  if (off !== null) return { check: action, result: 'ok', cause: `allowed; ${off}`, remedy: null }
  if (dataset.isNotListable?.(trouble)) {
    const cause = 'the identity source is Active Directory: AWS lists neither its users nor its groups'
    return { check: action, result: 'warning', cause, remedy: 'assignments are collected; users and memberships cannot be' }
  }
  if (trouble.kind === 'unsupported') {
    const cause = `not offered in this partition or Region (${trouble.code}): recorded as not_collectable`
    return { check: action, result: 'warning', cause, remedy: null }
  }
  const refused = causeOf(trouble, dataset, session.place(dataset.operation.service), parent).gap.action
  const missing = refused === actionOf(dataset.operation) ? action : refused
  const statement =
    missing === null ? '' : `. Statement to paste: ${JSON.stringify(statementFor(missing, session.source.partition))}`
  return {
    check: action,
    result: 'failed',
    cause: `${trouble.code}${trouble.message === '' ? '' : `: ${trouble.message}`}`,
    remedy: `${wayOut(trouble, action)}${elsewhereOf(session, trouble)}${prefixOf(action, trouble)}${statement}`,
  }
}
