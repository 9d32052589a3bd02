import { addAccount } from './accounts.ts'
import { type Identifiers, identifiers } from './identifiers.ts'
import type { SimulatedGroup, SimulatedOrganization, SimulatedPermissionSet, SimulatedUser } from './organization.ts'
import { addGroup, addMembership, addUser, personAt } from './people.ts'
import { attachment, document } from './policies.ts'

/** One thing that happened to an organization. */
export interface DriftEvent {
  readonly at: Date
  readonly kind:
    | 'joined'
    | 'left'
    | 'left_assignments_behind'
    | 'moved'
    | 'disabled'
    | 'admin_granted'
    | 'policy_changed'
    | 'session_lengthened'
    | 'account_opened'
    | 'account_closed'
    | 'group_made'
    | 'group_deleted'
    | 'access_revoked'
  /** as a person would tell it, with names */
  readonly text: string
  /** ids and ARNs of what it happened to */
  readonly subjects: readonly string[]
}

interface Day {
  readonly organization: SimulatedOrganization
  readonly id: Identifiers
  readonly at: Date
}

type Change = (day: Day) => Omit<DriftEvent, 'at'> | null

/**
 * One simulated day: somebody joins, leaves and moves every day, and each day has rarer changes of its own; a week sees all of them.
 * The same organization, seed and day give the same changes. Changes that find nothing to happen to are left out, and planted defects stay.
 * @returns what was done, in order
 */
export function drift(
  organization: SimulatedOrganization,
  options: { readonly seed: number; readonly day: number; readonly at: Date },
): DriftEvent[] {
  const { seed, day, at } = options
  const today: Day = { organization, id: identifiers(seed, organization.partition, 1000 + day), at }
  const rare = rareChanges[((day % rareChanges.length) + rareChanges.length) % rareChanges.length]!
  return [join, leave, move, ...rare].flatMap(change => {
    const event = change(today)
    return event ? [{ at, ...event }] : []
  })
}

const join: Change = day => {
  const { organization, id, at } = day
  const taken = new Set(organization.users.map(user => user.UserName))
  let index = organization.users.length
  let person = personAt(index)
  while (taken.has(`${person.given}.${person.family}${person.suffix}`)) person = personAt(++index)
  const group = pick(day, assignedGroups(organization))
  const user = addUser(organization, id, person, at)
  if (group) addMembership(organization, id, group, user, at)
  const where = group ? ` and is put into ${group.DisplayName}` : ''
  return { kind: 'joined', text: `${user.UserName} joins${where}`, subjects: [user.UserId] }
}

const leave: Change = day => {
  const user = pick(day, plainUsers(day))
  if (!user) return null
  deleteUser(day.organization, user)
  const { organization } = day
  organization.assignments = organization.assignments.filter(one => one.PrincipalId !== user.UserId)
  organization.applicationAssignments = organization.applicationAssignments.filter(one => one.PrincipalId !== user.UserId)
  return { kind: 'left', text: `${user.UserName} leaves and is deleted`, subjects: [user.UserId] }
}

const leaveAssignmentsBehind: Change = day => {
  const user = pick(day, plainUsers(day))
  const pair = pick(day, activePairs(day.organization))
  if (!user || !pair) return null
  const { AccountId, PermissionSetArn } = pair
  day.organization.assignments.push({ AccountId, PermissionSetArn, PrincipalType: 'USER', PrincipalId: user.UserId })
  deleteUser(day.organization, user)
  const where = `${setName(day.organization, PermissionSetArn)} in ${accountName(day.organization, AccountId)}`
  return {
    kind: 'left_assignments_behind',
    text: `${user.UserName} is deleted, the direct assignment of ${where} stays`,
    subjects: [user.UserId, AccountId, PermissionSetArn],
  }
}

const move: Change = day => {
  const { organization, id, at } = day
  const user = pick(day, plainUsers(day))
  if (!user) return null
  const held = organization.memberships.filter(one => one.MemberId.UserId === user.UserId)
  const old = pick(day, held)
  const inside = new Set(held.map(one => one.GroupId))
  const to = pick(
    day,
    assignedGroups(organization).filter(group => !inside.has(group.GroupId)),
  )
  if (!old || !to) return null
  organization.memberships = organization.memberships.filter(one => one !== old)
  addMembership(organization, id, to, user, at)
  const from = organization.groups.find(group => group.GroupId === old.GroupId)?.DisplayName ?? old.GroupId
  return {
    kind: 'moved',
    text: `${user.UserName} moves from ${from} to ${to.DisplayName}`,
    subjects: [user.UserId, old.GroupId, to.GroupId],
  }
}

const disable: Change = day => {
  const user = pick(day, plainUsers(day))
  if (!user) return null
  user.UserStatus = 'DISABLED'
  touch(day, user)
  return { kind: 'disabled', text: `${user.UserName} is disabled and keeps the memberships`, subjects: [user.UserId] }
}

const grantAdmin: Change = day => {
  const { organization, id, at } = day
  const group = pick(day, assignedGroups(organization))
  const account = pick(
    day,
    organization.accounts.filter(one => one.State === 'ACTIVE'),
  )
  if (!group || !account) return null
  const set = organization.permissionSets.find(one => one.Name === 'AdministratorAccess') ?? administrator(organization, id, at)
  const { PermissionSetArn } = set
  const same = organization.assignments.some(
    one => one.AccountId === account.Id && one.PermissionSetArn === PermissionSetArn && one.PrincipalId === group.GroupId,
  )
  if (same) return null
  organization.assignments.push({ AccountId: account.Id, PermissionSetArn, PrincipalType: 'GROUP', PrincipalId: group.GroupId })
  return {
    kind: 'admin_granted',
    text: `${group.DisplayName} is made administrator of ${account.Name}`,
    subjects: [group.GroupId, account.Id, PermissionSetArn],
  }
}

const changePolicy: Change = day => {
  const set = pick(
    day,
    plainSets(day).filter(one => one.inlinePolicy !== ''),
  )
  if (!set) return null
  const service = day.id.random.pick(['sqs', 'sns', 'kms', 'lambda', 'states'])
  set.inlinePolicy = document({ Effect: 'Allow', Action: [`${service}:List*`, `${service}:Get*`], Resource: '*' })
  return {
    kind: 'policy_changed',
    text: `the inline policy of ${set.Name} now allows reading ${service}`,
    subjects: [set.PermissionSetArn],
  }
}

const lengthenSession: Change = day => {
  const set = pick(
    day,
    plainSets(day).filter(one => one.SessionDuration !== 'PT12H'),
  )
  if (!set) return null
  set.SessionDuration = 'PT12H'
  return { kind: 'session_lengthened', text: `sessions of ${set.Name} now last twelve hours`, subjects: [set.PermissionSetArn] }
}

const openAccount: Change = day => {
  const { organization, id, at } = day
  const parentId = organization.ous.length > 0 ? id.random.pick(organization.ous).Id : organization.roots[0]?.Id
  if (parentId === undefined || !organization.organization) return null
  const name = `project-${organization.accounts.length + 1}`
  const account = addAccount(organization, id, { accountId: id.account(), name, joined: at, parentId })
  return { kind: 'account_opened', text: `account ${name} is opened`, subjects: [account.Id] }
}

const closeAccount: Change = day => {
  const { organization } = day
  const watched = watchedKeys(organization)
  const account = pick(
    day,
    organization.accounts.filter(
      one => one.State === 'ACTIVE' && one.Id !== organization.organization?.MasterAccountId && !watched.has(one.Id),
    ),
  )
  if (!account) return null
  account.State = 'SUSPENDED'
  return { kind: 'account_closed', text: `account ${account.Name} is closed, its assignments stay`, subjects: [account.Id] }
}

const makeGroup: Change = day => {
  const { organization, id, at } = day
  const members = [pick(day, plainUsers(day)), pick(day, plainUsers(day))]
  const pair = pick(day, activePairs(organization))
  const group = addGroup(organization, id, `task-force-${organization.groups.length + 1}`, at)
  for (const member of new Set(members)) if (member) addMembership(organization, id, group, member, at)
  if (pair) organization.assignments.push({ ...pair, PrincipalType: 'GROUP', PrincipalId: group.GroupId })
  const where = pair
    ? ` with ${setName(organization, pair.PermissionSetArn)} in ${accountName(organization, pair.AccountId)}`
    : ''
  return { kind: 'group_made', text: `group ${group.DisplayName} is made${where}`, subjects: [group.GroupId] }
}

const deleteGroup: Change = day => {
  const { organization } = day
  const group = pick(day, assignedGroups(organization))
  if (!group) return null
  organization.groups = organization.groups.filter(one => one !== group)
  organization.memberships = organization.memberships.filter(one => one.GroupId !== group.GroupId)
  return { kind: 'group_deleted', text: `group ${group.DisplayName} is deleted, its assignments stay`, subjects: [group.GroupId] }
}

const revoke: Change = day => {
  const { organization } = day
  const watched = watchedKeys(organization)
  const gone = pick(
    day,
    organization.assignments.filter(one => !watched.has(one.PermissionSetArn) && !watched.has(one.PrincipalId)),
  )
  if (!gone) return null
  organization.assignments = organization.assignments.filter(one => one !== gone)
  const { AccountId, PermissionSetArn, PrincipalId } = gone
  const who = organization.groups.find(one => one.GroupId === PrincipalId)?.DisplayName ?? PrincipalId
  const what = `${setName(organization, PermissionSetArn)} in ${accountName(organization, AccountId)}`
  return { kind: 'access_revoked', text: `${who} loses ${what}`, subjects: [PrincipalId, AccountId, PermissionSetArn] }
}

const rareChanges: readonly (readonly Change[])[] = [
  [deleteGroup],
  [openAccount, revoke],
  [grantAdmin],
  [leaveAssignmentsBehind, disable],
  [changePolicy, closeAccount],
  [lengthenSession],
  [makeGroup],
]
/** Enabled people who are in a group; those whom a test looks for by name stay as they are. */
function plainUsers({ organization }: Day): SimulatedUser[] {
  const members = new Set(organization.memberships.map(one => one.MemberId.UserId))
  const watched = watchedKeys(organization)
  return organization.users.filter(user => user.UserStatus === 'ENABLED' && members.has(user.UserId) && !watched.has(user.UserId))
}

function plainSets({ organization }: Day): SimulatedPermissionSet[] {
  const watched = watchedKeys(organization)
  return organization.permissionSets.filter(set => !watched.has(set.PermissionSetArn))
}

function assignedGroups(organization: SimulatedOrganization): SimulatedGroup[] {
  const assigned = new Set(organization.assignments.map(one => one.PrincipalId))
  const watched = watchedKeys(organization)
  return organization.groups.filter(group => assigned.has(group.GroupId) && !watched.has(group.GroupId))
}

function watchedKeys(organization: SimulatedOrganization): Set<string> {
  return new Set(organization.defects.flatMap(defect => defect.key.split('|')))
}

function activePairs(organization: SimulatedOrganization): { AccountId: string; PermissionSetArn: string }[] {
  const active = new Set(organization.accounts.filter(one => one.State === 'ACTIVE').map(one => one.Id))
  return organization.assignments
    .filter(one => active.has(one.AccountId))
    .map(({ AccountId, PermissionSetArn }) => ({ AccountId, PermissionSetArn }))
}

function administrator(organization: SimulatedOrganization, id: Identifiers, at: Date): SimulatedPermissionSet {
  const set: SimulatedPermissionSet = {
    PermissionSetArn: id.permissionSet(organization.instance!.InstanceArn),
    Name: 'AdministratorAccess',
    CreatedDate: at,
    SessionDuration: 'PT1H',
    inlinePolicy: '',
    managedPolicies: [attachment(organization.partition, '/AdministratorAccess')],
    customerManagedPolicyReferences: [],
    permissionsBoundary: null,
    tags: [],
  }
  organization.permissionSets.push(set)
  return set
}

function deleteUser(organization: SimulatedOrganization, user: SimulatedUser): void {
  organization.users = organization.users.filter(one => one !== user)
  organization.memberships = organization.memberships.filter(one => one.MemberId.UserId !== user.UserId)
}

function touch(day: Day, user: SimulatedUser): void {
  user.UpdatedAt = day.at
  user.Revision = day.id.random.text(8, '0123456789abcdef')
}

function setName(organization: SimulatedOrganization, arn: string): string {
  return organization.permissionSets.find(set => set.PermissionSetArn === arn)?.Name ?? arn
}

function accountName(organization: SimulatedOrganization, accountId: string): string {
  return organization.accounts.find(account => account.Id === accountId)?.Name ?? accountId
}

function pick<T>(day: Day, from: readonly T[]): T | undefined {
  return from.length === 0 ? undefined : from[day.id.random.integer(from.length)]
}
