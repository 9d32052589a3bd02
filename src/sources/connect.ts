import type { Caller, Facts, PartPiece, Row, Source, SourceIdentity } from '../model.ts'
import { wrongExternalIds } from './credentials.ts'
import { actionOf, type Dataset } from './dataset.ts'
import { causeOf } from './gap.ts'
import { partitionOf } from './partitions.ts'
import { clockRefusal, refusal, roleRefusal } from './refusal.ts'
import { datasetNamed } from './services.ts'
import { type Said, Session } from './session.ts'
import { SourcesError } from './sources-error.ts'
import { invalidAnswer, type Trouble } from './trouble.ts'
import type { Way } from './way.ts'

/** The steps of proving who asks whom, in order. */
export type Step = 'credentials' | 'role' | 'external id' | 'identity' | 'clock' | 'organization' | 'instance'

export interface Connected {
  readonly session: Session
  readonly callers: readonly Caller[]
}

/** What the first step finds where no session but a key signs. */
export const longTerm = 'long-term access key'

/** What the step of the clock finds in an answer without a date. */
export const noDate = 'AWS told no date to hold it against'

/** Attempts while a person waits: what is really unreachable is told in seconds. */
const tries = 4

/**
 * Opens a session and proves the identity of the source: role, caller, partition, organization, instance and its home
 * Region. What it reads on the way is kept as parts of the run.
 * @param onStep told when a step is proven, with what was found
 * @throws {SourcesError} at the first step that cannot be proven
 */
export async function connect(
  way: Way,
  source: Source,
  onStep: (step: Step, found: string) => void = () => {},
): Promise<Connected> {
  if (source.auth.roleArn !== null) checkPartition(source, source.auth.roleArn, 'the configured role')
  const session = new Session(way, source)
  try {
    await assumeRole(session, onStep)
    const caller = await proveCaller(session)
    onStep('identity', caller.arn)
    const skewed = clockRefusal(session.way.now(), caller.date, 'sts:GetCallerIdentity')
    if (skewed !== null) throw skewed
    onStep('clock', caller.date === null ? noDate : `agrees with AWS: ${caller.date}`)
    const organization = await readOrganization(session)
    onStep('organization', organization.id ?? (organization.standing === 'absent' ? 'none' : 'AWS refuses to say'))
    await readInstance(session, organization)
    onStep('instance', `${session.subject.instanceArn} in ${source.region}`)
    return { session, callers: [{ place: session.place('sso'), arn: caller.arn, userId: caller.userId }] }
  } catch (error) {
    session.close()
    throw error
  }
}

async function assumeRole(session: Session, onStep: (step: Step, found: string) => void): Promise<void> {
  const { source, credentials } = session
  const keyId = await credentials.baseAccessKeyId()
  const isLongTerm = keyId.startsWith('AKIA')
  if (isLongTerm) session.way.log.info('a long-term access key signs; a role would be better', { source: source.label })
  onStep('credentials', isLongTerm ? longTerm : 'temporary credentials')
  const { roleArn, externalId } = source.auth
  if (roleArn === null) return
  const trouble = await credentials.assume()
  if (trouble !== null) throw await roleRefusal(session, trouble)
  onStep('role', roleArn)
  if (externalId === null) return
  for (const probe of wrongExternalIds()) await proveRefused(session, roleArn, probe)
  onStep('external id', 'demanded')
}

/**
 * A role that hands out credentials without the right external id can be used by anyone who may name it to our account.
 * STS accepts an external id that a role does not demand, so only a refusal proves anything (aws/aws-sdk-js#3869).
 */
async function proveRefused(session: Session, roleArn: string, externalId: string | null): Promise<void> {
  const said = await session.credentials.tryRole(roleArn, externalId)
  if ('trouble' in said) {
    if (said.trouble.kind === 'denied') return
    throw refusal(session, said.trouble, 'sts:AssumeRole')
  }
  throw new SourcesError(
    'EXTERNAL_ID_NOT_DEMANDED',
    `the role ${roleArn} was given ${externalId === null ? 'without an' : 'with a wrong'} external id`,
    {
      hint: 'add the condition StringEquals sts:ExternalId to its trust policy (`evidenced aws trust-policy` prints one); until then anyone who may use this collector can read this organization',
    },
  )
}

async function proveCaller(session: Session) {
  const caller = await session.credentials.callerIdentity()
  if ('trouble' in caller) throw refusal(session, caller.trouble, 'sts:GetCallerIdentity')
  checkPartition(session.source, caller.arn, 'the caller')
  const roleAccount = session.source.auth.roleArn?.split(':')[4]
  if (roleAccount !== undefined && roleAccount !== caller.accountId) {
    throw new SourcesError(
      'IDENTITY_CHANGED',
      `the role is of account ${roleAccount}, sts:GetCallerIdentity says ${caller.accountId}`,
    )
  }
  session.accountId = caller.accountId
  return caller
}

interface Organization {
  readonly standing: 'present' | 'absent' | 'unknown'
  readonly id: string | null
  readonly managementAccountId: string | null
}

async function readOrganization(session: Session): Promise<Organization> {
  const dataset = datasetNamed('organizations.organizations')
  const said = await session.ask({ operation: dataset.operation, input: {}, dataset: dataset.name, tries })
  if ('answer' in said) {
    const [row] = dataset.rows(said.answer, '', session.subject) ?? []
    if (row === undefined)
      throw new SourcesError('UNEXPECTED_ANSWER', 'organizations:DescribeOrganization answered without an organization')
    session.read.push(complete(session, dataset, '', [row], said.observedAt))
    return { standing: 'present', id: row.key, managementAccountId: textOf(row.facts, 'MasterAccountId') }
  }
  const { trouble } = said
  if (trouble.kind === 'no_organization') return { standing: 'absent', id: null, managementAccountId: null }
  if (trouble.kind !== 'denied') throw refusal(session, trouble, actionOf(dataset.operation))
  const found = await organizationOfRoots(session)
  if (found.standing !== 'absent') session.read.push(open(session, dataset, '', trouble))
  return found
}

/** The ARN of a root names the organization too: `arn:aws:organizations::<management account>:root/<organization>/r-…`. */
async function organizationOfRoots(session: Session): Promise<Organization> {
  const unknown: Organization = { standing: 'unknown', id: null, managementAccountId: null }
  const said = await session.ask({ operation: datasetNamed('organizations.roots').operation, input: {}, tries })
  if ('trouble' in said) return said.trouble.kind === 'no_organization' ? { ...unknown, standing: 'absent' } : unknown
  const [root] = datasetNamed('organizations.roots').rows(said.answer, '', session.subject) ?? []
  const arn = root === undefined ? null : textOf(root.facts, 'Arn')
  const id = arn?.split('/')[1]
  return arn === null || id === undefined ? unknown : { standing: 'present', id, managementAccountId: arn.split(':')[4] ?? null }
}

/** Of an instance that is being made or deleted, an empty list says nothing. A status that AWS adds tomorrow keeps nobody out. */
const notYetOrNoMore: readonly string[] = ['CREATE_IN_PROGRESS', 'CREATE_FAILED', 'DELETE_IN_PROGRESS']

async function readInstance(session: Session, organization: Organization): Promise<void> {
  const { source } = session
  const dataset = datasetNamed('sso.instances')
  const listed = await listInstances(session)
  if ('trouble' in listed) throw refusal(session, listed.trouble, actionOf(dataset.operation))
  const { rows, pages, observedAt } = listed
  if (rows.length === 0) throw await noInstance(session)
  session.read.push(complete(session, dataset, '', rows, observedAt, pages))
  const { key: instanceArn, facts } = chosen(rows, organization, source)
  checkPartition(source, instanceArn, 'the instance')
  const identityStoreId = textOf(facts, 'IdentityStoreId')
  if (identityStoreId === null)
    throw new SourcesError('UNEXPECTED_ANSWER', `sso:ListInstances names no identity store of ${instanceArn}`)
  const details = await describeInstance(session, instanceArn)
  const homeRegion = textOf(details, 'PrimaryRegion') ?? textOf(facts, 'PrimaryRegion') ?? source.region
  if (homeRegion !== source.region) throw wrongRegion(source.region, homeRegion, 'the home Region of the instance is')
  const status = textOf(details, 'Status') ?? textOf(facts, 'Status') ?? ''
  if (notYetOrNoMore.includes(status)) {
    throw new SourcesError(
      'INSTANCE_NOT_ACTIVE',
      `${instanceArn} is not active, AWS says Status ${status}: its lists may lack what is there`,
      {
        hint: 'collect again when it is ACTIVE; the last snapshot stays as it is',
      },
    )
  }
  const owner = textOf(details, 'OwnerAccountId') ?? textOf(facts, 'OwnerAccountId')
  const identity: SourceIdentity = {
    partition: source.partition,
    organizationId: organization.id,
    managementAccountId: organization.managementAccountId,
    instanceArn,
    identityStoreId,
    instanceOwnerAccountId: owner,
    homeRegion,
  }
  session.standing = {
    identity,
    organization: organization.standing,
    // CreateInstance is refused in the management account: an instance it owns is the organization's
    isOrganizationInstance: organization.standing === 'unknown' || owner === null || owner === organization.managementAccountId,
    arePermissionSetsEnabled: details.PermissionSetsEnabled !== false,
  }
}

type Listed = { readonly rows: readonly Row[]; readonly pages: number; readonly observedAt: Date } | { readonly trouble: Trouble }

/** AWS shows at most ten instances; more pages than that are no honest answer. */
async function listInstances(session: Session, region?: string): Promise<Listed> {
  const dataset = datasetNamed('sso.instances')
  const rows = new Map<string, Row>()
  let token: string | null = null
  for (let page = 1; page <= 20; page++) {
    const said: Said = await session.ask({
      operation: dataset.operation,
      input: token === null ? { MaxResults: 100 } : { MaxResults: 100, NextToken: token },
      ...(region === undefined ? { dataset: dataset.name } : {}),
      page,
      items: answer => dataset.rows(answer, '', session.subject)?.length ?? 0,
      tries: region === undefined ? tries : 2,
      ...(region === undefined ? {} : { region }),
    })
    if ('trouble' in said) return said
    const found = dataset.rows(said.answer, '', session.subject)
    if (found === null) throw new SourcesError('UNEXPECTED_ANSWER', 'sso:ListInstances answered without instance ARNs')
    for (const row of found) rows.set(row.key, row)
    const next = said.answer.NextToken ?? ''
    if (typeof next !== 'string')
      throw new SourcesError('UNEXPECTED_ANSWER', 'sso:ListInstances answered with a page token that is no text')
    token = next
    if (token === '') return { rows: [...rows.values()], pages: page, observedAt: said.observedAt }
  }
  throw new SourcesError('UNEXPECTED_ANSWER', 'sso:ListInstances has no last page')
}

async function describeInstance(session: Session, instanceArn: string): Promise<Facts> {
  const dataset = datasetNamed('sso.instance_details')
  const said = await session.ask({
    operation: dataset.operation,
    input: { InstanceArn: instanceArn },
    dataset: dataset.name,
    tries,
  })
  if ('trouble' in said) {
    session.read.push(open(session, dataset, instanceArn, said.trouble))
    return {}
  }
  const rows = dataset.rows(said.answer, instanceArn, session.subject)
  if (rows === null) {
    session.read.push(open(session, dataset, instanceArn, invalidAnswer()))
    return {}
  }
  session.read.push(complete(session, dataset, instanceArn, rows, said.observedAt))
  return said.answer
}

/** The organization's own instance before an account instance beside it. */
function chosen(rows: readonly Row[], organization: Organization, source: Source): Row {
  const own = rows.filter(
    row => organization.managementAccountId !== null && row.facts.OwnerAccountId === organization.managementAccountId,
  )
  const candidates = own.length > 0 ? own : rows
  if (candidates.length === 1) return candidates[0]!
  const found = candidates.map(row => `${row.key} of account ${textOf(row.facts, 'OwnerAccountId')}`).join(', ')
  throw new SourcesError(
    'AMBIGUOUS_INSTANCE',
    `sso:ListInstances in ${source.region} shows ${candidates.length} instances: ${found}`,
    {
      hint: 'use a role in the account that owns the one you mean',
    },
  )
}

/** AWS answers an empty list in every Region but one: the others are asked before anything is said. */
async function noInstance(session: Session): Promise<SourcesError> {
  const { region } = session.source
  const others = session.partition.regions.filter(each => each !== region)
  let asked = 0
  const found = await Promise.all(
    others.map(async other => {
      const listed = await listInstances(session, other)
      if ('trouble' in listed) return null
      asked++
      const [instance] = listed.rows
      return instance === undefined ? null : (textOf(instance.facts, 'PrimaryRegion') ?? other)
    }),
  )
  const home = found.find(each => each !== null)
  if (home !== undefined && home !== null) return wrongRegion(region, home, 'found one in')
  const refused = others.length - asked
  const except = refused === 0 ? '' : `; ${refused} of ${others.length} other Regions could not be asked`
  return new SourcesError(
    'NO_INSTANCE',
    `no instance of IAM Identity Center in ${region}, nor in any other Region of ${session.partition.name} that answered${except}`,
    {
      hint: `enable IAM Identity Center, or use a role in the management account or the delegated administrator (this one is in account ${session.accountId})`,
    },
  )
}

function wrongRegion(configured: string, home: string, found: string): SourcesError {
  return new SourcesError('WRONG_REGION', `no home of IAM Identity Center in ${configured}; ${found} ${home}`, {
    hint: `set region: ${home}`,
  })
}

/** @throws {SourcesError} WRONG_PARTITION */
function checkPartition(source: Source, arn: string, whose: string): void {
  const found = partitionOf(arn)
  if (found === source.partition) return
  throw new SourcesError(
    'WRONG_PARTITION',
    `${whose} is ${arn}, in partition ${found}; the source is configured for ${source.partition}`,
    {
      hint: `set partition: ${found}, or use a role in ${source.partition}`,
    },
  )
}

function complete(
  session: Session,
  dataset: Dataset,
  parent: string,
  rows: readonly Row[],
  observedAt: Date,
  pages = 1,
): PartPiece {
  const part = { dataset: dataset.name, place: session.place(dataset.operation.service), parent }
  const end = {
    coverage: 'complete' as const,
    reason: null,
    gaps: [],
    pages,
    duplicates: 0,
    firstObservedAt: observedAt,
    lastObservedAt: observedAt,
  }
  return { part, isFirst: true, rows, end }
}

function open(session: Session, dataset: Dataset, parent: string, trouble: Trouble): PartPiece {
  const part = { dataset: dataset.name, place: session.place(dataset.operation.service), parent }
  const { coverage, gap } = causeOf(trouble, dataset, part.place, parent)
  const now = session.way.now()
  const end = { coverage, reason: gap.message, gaps: [gap], pages: 0, duplicates: 0, firstObservedAt: now, lastObservedAt: now }
  return { part, isFirst: true, rows: [], end }
}

function textOf(facts: Facts, member: string): string | null {
  const value = facts[member]
  return typeof value === 'string' ? value : null
}
