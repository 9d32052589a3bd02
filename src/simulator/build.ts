import { addAccount, pathOf } from './accounts.ts'
import { buildIam } from './build-iam.ts'
import { plantDefects } from './defects.ts'
import { emptyOrganization } from './empty-organization.ts'
import { SimulatorError } from './errors.ts'
import { type Identifiers, identifiers } from './identifiers.ts'
import { applicationNames, groupRoles, stages, teams, unitNames } from './names.ts'
import type { SimulatedApplication, SimulatedGroup, SimulatedOrganization, SimulatedPair, SimulatedUser } from './organization.ts'
import { addGroup, addMembership, addUser, personAt } from './people.ts'
import { managedPolicies, permissionSet } from './policies.ts'

/** How large an organization to build; what is left out is small. The same options build the same organization. */
export interface OrganizationShape {
  readonly seed?: number
  readonly partition?: string
  /** home Region */
  readonly region?: string
  /** the day it is built on: everything in it is at least 60 days older */
  readonly at?: Date
  /** with the management account; the last one is SUSPENDED and holds nothing, if there are more than three */
  readonly accounts?: number
  readonly ous?: number
  /** one in twenty is DISABLED and holds nothing */
  readonly users?: number
  readonly groups?: number
  readonly membershipsPerUser?: number
  readonly permissionSets?: number
  /** provisioned (account, permission set) pairs, `emptyPairs` of them without an assignment */
  readonly pairs?: number
  readonly emptyPairs?: number
  /** to groups only; at least one for each pair that is not empty */
  readonly assignments?: number
  readonly applications?: number
  /** IAM users in each account; default 2, none in organizations of more than 500 accounts */
  readonly iamUsers?: number
  /** plants what the controls are there to find, and lists it in `defects` */
  readonly defects?: boolean
}

const day = 86_400_000

/**
 * Builds an organization with realistic names, ids and ARNs. Without defects it is a clean one: every enabled user is in a group, every group has
 * a member and, as far as there are assignments, an assignment; no administrator, no direct grant, nothing left behind.
 * @throws {SimulatorError} IMPOSSIBLE_SIZE when there cannot be so many pairs or assignments
 */
export function buildOrganization(shape: OrganizationShape = {}): SimulatedOrganization {
  const size = sizes(shape)
  const { seed = 1, partition = 'aws', at = new Date('2026-06-01T00:00:00Z') } = shape
  const organization = emptyOrganization({ ...shape, seed, partition, at: before(at, 1500) })
  const id = identifiers(seed, partition, 1)
  organization.managedPolicies = managedPolicies(seed, partition)
  addUnits(organization, id, size.ous)
  addAccounts(organization, id, size.accounts, at)
  addPeople(organization, id, size, at)
  addPermissionSets(organization, id, size.permissionSets, at)
  addAssignments(organization, id, size)
  addApplications(organization, id, size.applications, at)
  addGuardrail(organization, id)
  for (const account of size.iamUsers > 0 ? organization.accounts : []) {
    organization.iam[account.Id] = buildIam(organization, id, account.Id, size.iamUsers, at)
  }
  if (shape.defects) plantDefects(organization, identifiers(seed, partition, 2), at)
  return organization
}

type Sizes = ReturnType<typeof sizes>

function sizes(shape: OrganizationShape) {
  const {
    accounts = 20,
    ous = 6,
    users = 120,
    groups = 24,
    permissionSets = 10,
    membershipsPerUser = 3,
    applications = 4,
  } = shape
  const usable = accounts > 3 ? accounts - 1 : accounts
  const pairs = shape.pairs ?? Math.min(accounts * 4, usable * permissionSets)
  const emptyPairs = shape.emptyPairs ?? Math.floor(pairs / 40)
  const assignments = shape.assignments ?? Math.min(Math.round((pairs - emptyPairs) * 2.4), (pairs - emptyPairs) * groups)
  const { iamUsers = accounts > 500 ? 0 : 2 } = shape
  const impossible = (text: string) =>
    new SimulatorError('IMPOSSIBLE_SIZE', text, { hint: 'ask for fewer, or for more of what they are made of' })
  if (accounts < 1) throw impossible('an organization has at least its management account')
  if (pairs > usable * permissionSets)
    throw impossible(`${pairs} pairs do not fit ${usable} accounts and ${permissionSets} permission sets`)
  if (emptyPairs > pairs) throw impossible(`${emptyPairs} of ${pairs} pairs cannot be empty`)
  if (assignments < pairs - emptyPairs || assignments > (pairs - emptyPairs) * groups) {
    throw impossible(`${assignments} assignments do not fit ${pairs - emptyPairs} pairs and ${groups} groups`)
  }
  return {
    accounts,
    usable,
    ous,
    users,
    groups,
    permissionSets,
    membershipsPerUser,
    pairs,
    emptyPairs,
    assignments,
    applications,
    iamUsers,
  }
}

function addUnits(organization: SimulatedOrganization, id: Identifiers, count: number): void {
  const root = organization.roots[0]!.Id
  const { Id, MasterAccountId } = organization.organization!
  const depth = new Map<string, number>([[root, 0]])
  for (let i = 0; i < count; i++) {
    const unit = id.ou(root)
    // the first three below the root, as most organizations have them; at most five levels
    const shallow = organization.ous.filter(ou => depth.get(ou.Id)! < 5)
    const parent = i < 3 ? root : (id.random.pick(shallow)?.Id ?? root)
    organization.parents[unit] = parent
    depth.set(unit, depth.get(parent)! + 1)
    organization.ous.push({
      Id: unit,
      Arn: `arn:${organization.partition}:organizations::${MasterAccountId}:ou/${Id}/${unit}`,
      Name: i < unitNames.length ? unitNames[i]! : `${id.random.pick(unitNames)}-${i}`,
      Path: pathOf(organization, unit),
    })
  }
}

function addAccounts(organization: SimulatedOrganization, id: Identifiers, count: number, at: Date): void {
  const parents = [...organization.ous.map(ou => ou.Id), organization.roots[0]!.Id]
  const taken = new Set(organization.accounts.map(account => account.Id))
  for (let i = 1; i < count; i++) {
    let accountId = id.account()
    while (taken.has(accountId)) accountId = id.account()
    taken.add(accountId)
    const round = Math.floor((i - 1) / (teams.length * stages.length))
    const name = `${teams[(i - 1) % teams.length]}-${stages[Math.floor((i - 1) / teams.length) % stages.length]}${round === 0 ? '' : `-${round}`}`
    addAccount(organization, id, {
      accountId,
      name,
      joined: before(at, 90 + id.random.integer(1200)),
      parentId: id.random.pick(parents),
    })
  }
  const last = organization.accounts.at(-1)
  if (count > 3 && last) last.State = 'SUSPENDED'
}

function addPeople(organization: SimulatedOrganization, id: Identifiers, size: Sizes, at: Date): void {
  for (let i = 0; i < size.groups; i++) {
    const round = Math.floor(i / (teams.length * groupRoles.length))
    const name = `${teams[i % teams.length]}-${groupRoles[Math.floor(i / teams.length) % groupRoles.length]}${round === 0 ? '' : `-${round}`}`
    addGroup(organization, id, name, before(at, 100 + id.random.integer(900)))
  }
  const enabled: SimulatedUser[] = []
  for (let i = 0; i < size.users; i++) {
    const user = addUser(organization, id, personAt(i), before(at, 90 + id.random.integer(900)))
    if (i % 20 === 19) {
      user.UserStatus = 'DISABLED'
      user.UpdatedAt = before(at, 60)
    } else enabled.push(user)
  }
  const { groups } = organization
  if (enabled.length === 0 || groups.length === 0) return
  const held = new Set<string>()
  const join = (group: SimulatedGroup, user: SimulatedUser) => {
    const key = `${group.GroupId}|${user.UserId}`
    if (held.has(key)) return
    held.add(key)
    addMembership(organization, id, group, user, before(at, 60 + id.random.integer(30)))
  }
  for (let i = 0; i < Math.max(groups.length, enabled.length); i++) join(groups[i % groups.length]!, enabled[i % enabled.length]!)
  for (const user of enabled) {
    for (let i = 1; i < size.membershipsPerUser; i++) {
      // a few large groups and many small ones
      join(groups[Math.floor(groups.length * id.random.fraction() ** 2)]!, user)
    }
  }
}

function addPermissionSets(organization: SimulatedOrganization, id: Identifiers, count: number, at: Date): void {
  const { partition, instance } = organization
  for (let index = 0; index < count; index++) {
    const created = before(at, 60 + id.random.integer(1000))
    const team = teams[index % teams.length]!
    organization.permissionSets.push(permissionSet(id, { index, partition, instanceArn: instance!.InstanceArn, team, created }))
  }
}

function addAssignments(organization: SimulatedOrganization, id: Identifiers, size: Sizes): void {
  const { groups, permissionSets, assignments } = organization
  const accounts = organization.accounts.slice(0, size.usable)
  const pairs: SimulatedPair[] = []
  const shift = accounts.map(() => id.random.integer(permissionSets.length))
  for (let i = 0; i < size.pairs; i++) {
    const account = i % accounts.length
    const set = (Math.floor(i / accounts.length) + shift[account]!) % permissionSets.length
    pairs.push({ AccountId: accounts[account]!.Id, PermissionSetArn: permissionSets[set]!.PermissionSetArn })
  }
  organization.provisionedPairs = pairs.slice(0, size.emptyPairs)
  const assigned = pairs.slice(size.emptyPairs)
  const rows = groups.length
  for (let i = 0; i < size.assignments; i++) {
    const pair = assigned[i % assigned.length]!
    // walks all groups, another starting point on each round over the pairs, so that no (pair, group) comes twice
    const group = groups[(i + Math.floor(i / lcm(assigned.length, rows))) % rows]!
    assignments.push({ ...pair, PrincipalType: 'GROUP', PrincipalId: group.GroupId })
  }
}

function lcm(a: number, b: number): number {
  const gcd = (x: number, y: number): number => (y === 0 ? x : gcd(y, x % y))
  return (a * b) / gcd(a, b)
}

function addApplications(organization: SimulatedOrganization, id: Identifiers, count: number, at: Date): void {
  const { partition, instance, organization: top, groups } = organization
  for (let i = 0; i < count; i++) {
    const application: SimulatedApplication = {
      ApplicationArn: id.application(instance!.InstanceArn, top!.MasterAccountId),
      ApplicationProviderArn: `arn:${partition}:sso::aws:applicationProvider/custom`,
      Name: i < applicationNames.length ? applicationNames[i]! : `${id.random.pick(applicationNames)} ${i}`,
      ApplicationAccount: top!.MasterAccountId,
      InstanceArn: instance!.InstanceArn,
      Status: 'ENABLED',
      PortalOptions: { Visibility: 'ENABLED', SignInOptions: { Origin: 'IDENTITY_CENTER' } },
      CreatedDate: before(at, 60 + id.random.integer(500)),
      assignmentRequired: true,
      backgroundSessions: 'DISABLED',
      accessScopes: i % 2 === 0 ? [{ Scope: 'sso:account:access', AuthorizedTargets: [instance!.InstanceArn] }] : [],
      authenticationMethods: [{ AuthenticationMethodType: 'IAM', AuthenticationMethod: { Iam: { ActorPolicy: {} } } }],
      grants: [{ GrantType: 'authorization_code', Grant: { AuthorizationCode: { RedirectUris: [] } } }],
    }
    organization.applications.push(application)
    const assigned = new Set(groups.length === 0 ? [] : [id.random.pick(groups), id.random.pick(groups)])
    for (const group of assigned) {
      organization.applicationAssignments.push({
        ApplicationArn: application.ApplicationArn,
        PrincipalType: 'GROUP',
        PrincipalId: group.GroupId,
      })
    }
  }
}

function addGuardrail(organization: SimulatedOrganization, id: Identifiers): void {
  const { Id, MasterAccountId } = organization.organization!
  const policyId = id.policy()
  organization.policies.push({
    Id: policyId,
    Arn: `arn:${organization.partition}:organizations::${MasterAccountId}:policy/${Id}/service_control_policy/${policyId}`,
    Name: 'deny-leave-organization',
    Description: 'Member accounts stay',
    Type: 'SERVICE_CONTROL_POLICY',
    AwsManaged: false,
    content: JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Deny', Action: 'organizations:LeaveOrganization', Resource: '*' }],
    }),
    targets: [organization.roots[0]!.Id],
  })
}

function before(at: Date, days: number): Date {
  return new Date(at.getTime() - days * day)
}
