import fc from 'fast-check'
import type * as Controls from '../../src/controls/index.ts'
import type { Catalog } from '../../src/controls/index.ts'
import type { Facts, Gap } from '../../src/model.ts'
import { asOf, controlYaml, estateRows, gap, type SmallEstate, type SmallSet } from './estate-rows.ts'

/** Thresholds that straddle what tiny estates hold: one more or less decides. */
export const straddling = {
  'IDC-USER-001': { graceDays: 10 },
  'IDC-USER-003': { graceDays: 10 },
  'IDC-GRP-001': { graceDays: 10 },
  'IDC-PS-005': { maxSessionHours: 6, maxPrivilegedSessionHours: 3 },
  'IDC-ASG-002': { approvedMgmtAdminGroups: ['g0', 'g1', 'g2'], maxMgmtAdminUsers: 2 },
  'IDC-ASG-001': { exemptUsers: ['u1'] },
  'IDC-ASG-003': { maxAdminsPerAccount: 1, maxOrgAdmins: 2, breakGlassUsers: ['u7'] },
  'IDC-GRP-002': { maxAdminGroupMembers: 1 },
  'IDC-APP-002': { minUsers: 2, everyoneRatio: 0.5 },
  'SOD-001': { conflictPairs: ['s0|s1', 's1|s2'] },
  'SOD-002': { protectedAccounts: ['a1'], exemptUsers: ['u6'] },
}

/**
 * Beside the catalog's controls, some that ask for sizes and quantifiers in every direction: the ten alone ask little more than
 * whether a list is empty.
 */
export const probes: { readonly [file: string]: string } = Object.fromEntries(
  [
    ['group', "group.members.filter(m, m.UserStatus == 'ENABLED').size() <= 2"],
    ['group', "group.members.all(m, m.UserStatus == 'ENABLED')"],
    ['group', "'u1' in group.members.map(m, m.UserName)"],
    ['group', 'group.assignments.size() < 2'],
    ['account', 'account.assignments.size() <= 2'],
    ['account', 'account.admins.size() != 2'],
    ['account', "account.admins.filter(u, u.UserStatus == 'ENABLED').size() < 3"],
    ['account', "account.admins.exists(u, u.UserStatus == 'DISABLED')"],
    ['user', 'user.assignments.size() == 1'],
    ['user', 'user.groups.size() <= 1'],
    ['user', 'user.groups.filter(g, g.assignments.exists(a, isAdminEquivalent(a.permissionSet))).size() >= 1'],
    ['user', "user.groups.all(g, g.members.exists(m, m.UserStatus == 'DISABLED'))"],
    ['permissionSet', 'permissionSet.assignments.size() < 3'],
    ['permissionSet', 'permissionSet.managedPolicies.size() == 0'],
    ['accountAssignment', 'accountAssignment.permissionSet.sessionHours < 3'],
    ['application', 'application.assignments.size() <= 1'],
    ['application', "application.effectiveUsers.filter(u, u.UserStatus == 'ENABLED').size() <= 1"],
    ['user', 'user.effectiveAssignments.size() <= 2'],
    ['user', "user.effectiveAssignments.exists(a, a.AccountId == 'a1')"],
    ['user', 'user.sameEmail.size() == 0'],
    ['user', "user.conflicts(['s0|s2', 's1|s3'], 'organization').size() == 0"],
    ['account', "account.organizationAdmins.filter(u, u.UserStatus == 'ENABLED').size() <= 1"],
    ['account', "account.tag('Owner') == 'ann'"],
    ['account', 'account.guardrails.size() == 0'],
    ['permissionSet', "permissionSet.tag('Owner') != null"],
    ['permissionSet', 'permissionSet.canEscalate'],
  ].map(([resource, requirement], index) => [
    `p${index}.yaml`,
    controlYaml(requirement!, { id: `P-${index}`, resource: resource! }),
  ]),
)

const denyingSome = JSON.stringify({ Statement: { Effect: 'Deny', Action: 'organizations:LeaveOrganization', Resource: '*' } })
const everything = JSON.stringify({ Statement: { Effect: 'Allow', Action: '*', Resource: '*' } })
const passing = JSON.stringify({ Statement: { Effect: 'Allow', Action: ['iam:PassRole', 'glue:*'], Resource: '*' } })
const identity = JSON.stringify({ Statement: { Effect: 'Allow', Action: 'iam:CreatePolicyVersion', Resource: '*' } })
const little = JSON.stringify({ Statement: { Effect: 'Allow', Action: 's3:*', Resource: '*' } })

const setDrawn = fc.record({
  hours: fc.constantFrom(1, 2, 4, 8),
  managed: fc.constantFrom<readonly string[]>([], [], ['ReadOnlyAccess'], ['AdministratorAccess']),
  inline: fc.constantFrom(null, null, little, passing, identity, everything),
  isOwned: fc.boolean(),
})

/** What was asked of AWS and may be refused; each refusal also takes what the answer would have said. */
const refusal = fc.oneof(
  fc.record({ kind: fc.constant('memberships' as const), group: fc.nat(3), kept: fc.infiniteStream(fc.boolean()) }),
  fc.record({ kind: fc.constant('pair' as const), account: fc.nat(2), set: fc.nat(3), kept: fc.infiniteStream(fc.boolean()) }),
  fc.record({ kind: fc.constant('provisioned' as const), set: fc.nat(3), kept: fc.infiniteStream(fc.boolean()) }),
  fc.record({ kind: fc.constant('status' as const), user: fc.nat(7) }),
  fc.record({ kind: fc.constant('emails' as const), user: fc.nat(7) }),
  fc.record({ kind: fc.constant('set tags' as const), set: fc.nat(3) }),
  fc.record({ kind: fc.constant('account tags' as const), account: fc.nat(2) }),
  fc.record({ kind: fc.constant('configuration' as const), application: fc.nat(1) }),
  fc.record({ kind: fc.constantFrom('policies' as const, 'targets' as const) }),
  fc.record({ kind: fc.constant('details' as const), set: fc.nat(3) }),
  fc.record({ kind: fc.constant('session' as const), set: fc.nat(3) }),
  fc.record({ kind: fc.constant('inline' as const), set: fc.nat(3) }),
  fc.record({ kind: fc.constant('managed' as const), set: fc.nat(3), kept: fc.infiniteStream(fc.boolean()) }),
  fc.record({ kind: fc.constant('application' as const), application: fc.nat(1), kept: fc.infiniteStream(fc.boolean()) }),
  fc.record({ kind: fc.constantFrom('iam users' as const, 'iam keys' as const, 'iam details' as const), account: fc.nat(1) }),
  fc.record({
    kind: fc.constantFrom('users' as const, 'groups' as const, 'accounts' as const, 'sets' as const),
    kept: fc.infiniteStream(fc.boolean()),
  }),
)

const drawn = fc.record({
  users: fc.array(fc.record({ isOn: fc.boolean(), isOld: fc.boolean(), email: fc.nat(5) }), { minLength: 8, maxLength: 8 }),
  groups: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
  memberships: fc.uniqueArray(fc.tuple(fc.nat(3), fc.nat(7)), { maxLength: 14, selector: String }),
  sets: fc.array(setDrawn, { minLength: 4, maxLength: 4 }),
  assignments: fc.uniqueArray(fc.tuple(fc.nat(2), fc.nat(3), fc.boolean(), fc.nat(8)), { maxLength: 12, selector: String }),
  applicationAssignments: fc.uniqueArray(fc.tuple(fc.nat(1), fc.boolean(), fc.nat(7)), { maxLength: 3, selector: String }),
  isSuspended: fc.boolean(),
  tagged: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
  isRequired: fc.array(fc.boolean(), { minLength: 2, maxLength: 2 }),
  targets: fc.uniqueArray(fc.constantFrom('r-1', 'ou-1', 'a1', 'a2'), { maxLength: 2 }),
  people: fc.array(fc.record({ email: fc.nat(5), status: fc.constantFrom('active', 'left') }), { maxLength: 5 }),
  reviewed: fc.uniqueArray(fc.tuple(fc.nat(3), fc.nat(7), fc.constantFrom('keep', 'revoke')), {
    maxLength: 6,
    selector: ([g, u]) => `${g} ${u}`,
  }),
  kept: fc.uniqueArray(fc.tuple(fc.nat(3), fc.nat(3)), { maxLength: 6, selector: String }),
  iamUsers: fc.uniqueArray(
    fc.record({ account: fc.nat(1), name: fc.nat(3), hasKey: fc.boolean(), isAdmin: fc.boolean(), email: fc.nat(5) }),
    {
      maxLength: 4,
      selector: ({ account, name }) => `${account} ${name}`,
    },
  ),
  refusals: fc.array(refusal, { minLength: 1, maxLength: 4 }),
})

type Drawn = typeof drawn extends fc.Arbitrary<infer D> ? D : never

/** A complete estate, and the same with answers refused. */
export const knockedOut = drawn.map(each => ({ whole: wholeOf(each), refused: refusedOf(each) }))

function wholeOf(each: Drawn): SmallEstate {
  const old = (isOld: boolean) => ({ CreatedAt: isOld ? '2025-01-01T00:00:00Z' : '2026-02-25T00:00:00Z' })
  return {
    users: each.users.map(({ isOn, isOld, email }, index) => ({
      UserId: `u${index}`,
      UserName: `u${index}`,
      UserStatus: isOn ? 'ENABLED' : 'DISABLED',
      UpdatedAt: '2025-06-01T00:00:00Z',
      Emails: [{ Value: `${index % 2 === 0 ? 'N' : 'n'}${email}@example.com` }],
      ...old(isOld),
    })),
    groups: each.groups.map((isOld, index) => ({ GroupId: `g${index}`, DisplayName: `g${index}`, ...old(isOld) })),
    memberships: each.memberships.map(([group, user]) => [`g${group}`, `u${user}`] as const),
    sets: each.sets.map(
      ({ hours, managed, inline }, index): SmallSet => ({
        arn: `s${index}`,
        session: `PT${hours}H`,
        managed,
        ...(inline === null ? {} : { inline }),
      }),
    ),
    accounts: ['a0', 'a1', 'a2'].map(Id => ({
      Id,
      Name: Id,
      State: Id === 'a2' && each.isSuspended ? 'SUSPENDED' : 'ACTIVE',
      Paths: [`o-1/r-1/${Id === 'a1' ? 'ou-1/' : ''}${Id}/`],
    })),
    managementAccountId: 'a0',
    iamAccounts,
    imports: importsOf(each),
    // principal 8 exists nowhere: somebody who left
    assignments: each.assignments
      .map(
        ([account, set, isGroup, principal]) =>
          [`a${account}`, `s${set}`, isGroup ? 'GROUP' : 'USER', isGroup ? `g${principal % 6}` : `u${principal}`] as const,
      )
      .filter((row, index, rows) => rows.findIndex(other => String(other) === String(row)) === index),
    rows: furtherRows(each),
    applications: ['app0', 'app1'].map(ApplicationArn => ({ ApplicationArn, Name: ApplicationArn })),
    applicationAssignments: each.applicationAssignments
      .map(
        ([application, isGroup, principal]) =>
          [`app${application}`, isGroup ? 'GROUP' : 'USER', isGroup ? `g${principal % 4}` : `u${principal}`] as const,
      )
      .filter((row, index, rows) => rows.findIndex(other => String(other) === String(row)) === index),
  }
}

function furtherRows(each: Drawn): NonNullable<SmallEstate['rows']> {
  const row = (dataset: string, parent: string, key: string, facts: Facts) => ({ dataset, parent, key, facts })
  const owner = { Key: 'Owner', Value: 'ann' }
  return [
    ...iamRows(each),
    row('organizations.roots', '', 'r-1', { Id: 'r-1', PolicyTypes: [{ Type: 'SERVICE_CONTROL_POLICY', Status: 'ENABLED' }] }),
    row('organizations.organizational_units', 'r-1', 'ou-1', { Id: 'ou-1', Name: 'Workloads' }),
    row('organizations.policies', 'SERVICE_CONTROL_POLICY', 'p-1', { Id: 'p-1', Name: 'Guard', Type: 'SERVICE_CONTROL_POLICY' }),
    row('organizations.policy_documents', 'p-1', 'p-1', { Id: 'p-1', Content: denyingSome }),
    ...each.targets.map(target => row('organizations.policy_targets', 'p-1', `p-1|${target}`, { TargetId: target })),
    ...each.tagged.flatMap((isTagged, index) =>
      isTagged ? [row('organizations.tags', `a${index}`, `a${index}|Owner`, owner)] : [],
    ),
    ...each.sets.flatMap(({ isOwned }, index) => (isOwned ? [row('sso.tags', `s${index}`, `s${index}|Owner`, owner)] : [])),
    ...each.isRequired.map((AssignmentRequired, index) =>
      row('sso.application_assignment_configurations', `app${index}`, `app${index}`, { AssignmentRequired }),
    ),
  ]
}

const iamAccounts = ['111122223333', '444455556666']
const iamArn = (account: number, name: number) => `arn:aws:iam::${iamAccounts[account]}:user/u${name}`

function iamRows(each: Drawn): NonNullable<SmallEstate['rows']> {
  const at = (account: number) => ({ accountId: iamAccounts[account]!, region: 'us-east-1' })
  return each.iamUsers.flatMap(({ account, name, hasKey, isAdmin, email }) => {
    const arn = iamArn(account, name)
    const row = (dataset: string, parent: string, key: string, facts: Facts) => ({
      dataset,
      place: at(account),
      parent,
      key,
      facts,
    })
    const AttachedManagedPolicies = isAdmin
      ? [{ PolicyName: 'AdministratorAccess', PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess' }]
      : []
    const Tags = [{ Key: 'Email', Value: `n${email}@example.com` }]
    const created = '2025-01-01T00:00:00Z'
    return [
      row('iam.users', '', arn, { Arn: arn, UserName: `u${name}`, CreateDate: created }),
      row('iam.user_details', '', arn, {
        Arn: arn,
        UserName: `u${name}`,
        UserPolicyList: [],
        GroupList: [],
        AttachedManagedPolicies,
        Tags,
      }),
      ...(hasKey
        ? [
            row('iam.access_keys', arn, `${arn}|AKIA${name}`, {
              AccessKeyId: `AKIA${name}`,
              UserName: `u${name}`,
              Status: 'Active',
              CreateDate: created,
            }),
          ]
        : []),
    ]
  })
}

function importsOf(each: Drawn): NonNullable<SmallEstate['imports']> {
  const file = (kind: 'roster' | 'reviews', rows: readonly Facts[]) => ({
    kind,
    location: kind,
    digest: '',
    importedAt: asOf,
    rows,
  })
  return [
    file(
      'roster',
      each.people.map(({ email, status }, index) => ({
        ...{
          personId: `p${index}`,
          email: `n${email}@example.com`,
          userName: `u${index}`,
          status,
          terminationDate: '2026-01-01',
        },
      })),
    ),
    file('reviews', [
      ...each.reviewed.map(([group, user, decision]) => ({
        reviewer: 'u3',
        reviewedAt: '2026-02-25',
        decision,
        user: `u${user}`,
        group: `g${group}`,
      })),
      ...each.kept.map(([group, set]) => ({
        reviewer: 'ann',
        reviewedAt: '2026-01-25',
        decision: 'keep',
        group: `g${group}`,
        permissionSet: `s${set}`,
        account: 'a1',
      })),
    ]),
  ]
}

function refusedOf(each: Drawn): SmallEstate {
  let estate = wholeOf(each)
  const gaps: Gap[] = []
  const lost = new Set<string>()
  for (const refused of each.refusals) {
    const keeps = 'kept' in refused ? () => refused.kept.next().value as boolean : () => true
    switch (refused.kind) {
      case 'memberships':
        gaps.push(gap('identitystore.group_memberships', { parent: `g${refused.group}` }))
        estate = { ...estate, memberships: estate.memberships!.filter(([group]) => group !== `g${refused.group}` || keeps()) }
        break
      case 'pair':
        gaps.push(gap('sso.account_assignments', { parent: `a${refused.account}|s${refused.set}` }))
        estate = {
          ...estate,
          assignments: estate.assignments!.filter(([a, s]) => a !== `a${refused.account}` || s !== `s${refused.set}` || keeps()),
        }
        break
      case 'provisioned': {
        gaps.push(gap('sso.provisioned_accounts', { parent: `s${refused.set}` }))
        gaps.push(gap('sso.account_assignments', { reason: 'parent_not_read', action: null }))
        const pairs = new Map<string, boolean>()
        // an undiscovered pair is not read at all
        const isRead = (pair: string) => {
          if (!pairs.has(pair)) pairs.set(pair, keeps())
          return pairs.get(pair)!
        }
        estate = {
          ...estate,
          assignments: estate.assignments!.filter(([a, s]) => s !== `s${refused.set}` || isRead(`${a}|${s}`)),
        }
        break
      }
      case 'status':
        gaps.push(gap('identitystore.users', { key: `u${refused.user}`, member: 'UserStatus' }))
        estate = {
          ...estate,
          users: estate.users!.map(user => {
            const { UserStatus: _, ...rest } = user
            return user.UserId === `u${refused.user}` ? rest : user
          }),
        }
        break
      case 'emails':
        gaps.push(gap('identitystore.users', { key: `u${refused.user}`, member: 'Emails' }))
        estate = {
          ...estate,
          users: estate.users!.map(user => {
            const { Emails: _, ...rest } = user
            return user.UserId === `u${refused.user}` ? rest : user
          }),
        }
        break
      case 'set tags':
        gaps.push(gap('sso.tags', { parent: `s${refused.set}` }))
        lost.add(`sso.tags s${refused.set}|Owner`)
        break
      case 'account tags':
        gaps.push(gap('organizations.tags', { parent: `a${refused.account}` }))
        lost.add(`organizations.tags a${refused.account}|Owner`)
        break
      case 'configuration':
        gaps.push(gap('sso.application_assignment_configurations', { parent: `app${refused.application}` }))
        lost.add(`sso.application_assignment_configurations app${refused.application}`)
        break
      case 'policies':
        gaps.push(gap('organizations.policies', { parent: 'SERVICE_CONTROL_POLICY' }))
        gaps.push(gap('organizations.policy_targets', { reason: 'parent_not_read', action: null }))
        gaps.push(gap('organizations.policy_documents', { reason: 'parent_not_read', action: null }))
        lost.add('organizations.policies p-1')
        lost.add('organizations.policy_documents p-1')
        for (const target of each.targets) lost.add(`organizations.policy_targets p-1|${target}`)
        break
      case 'targets':
        gaps.push(gap('organizations.policy_targets', { parent: 'p-1' }))
        for (const target of each.targets) lost.add(`organizations.policy_targets p-1|${target}`)
        break
      case 'iam users':
      case 'iam keys':
      case 'iam details': {
        const dataset = { 'iam users': 'iam.users', 'iam keys': 'iam.access_keys', 'iam details': 'iam.user_details' }[
          refused.kind
        ]
        const iamPlace = { accountId: iamAccounts[refused.account]!, region: 'us-east-1' }
        gaps.push({ ...gap(dataset, { action: 'iam:Read' }), place: iamPlace })
        if (dataset === 'iam.users')
          gaps.push({ ...gap('iam.access_keys', { reason: 'parent_not_read', action: null }), place: iamPlace })
        for (const { account, name } of each.iamUsers.filter(user => user.account === refused.account)) {
          const arn = iamArn(account, name)
          lost.add(`${dataset} ${dataset === 'iam.access_keys' ? `${arn}|AKIA${name}` : arn}`)
          if (dataset === 'iam.users') lost.add(`iam.access_keys ${arn}|AKIA${name}`)
        }
        break
      }
      case 'session':
        gaps.push(gap('sso.permission_sets', { key: `s${refused.set}`, member: 'SessionDuration' }))
        estate = {
          ...estate,
          sets: estate.sets!.map(set => {
            const { session: _, ...rest } = set
            return set.arn === `s${refused.set}` ? rest : set
          }),
        }
        break
      case 'details':
        gaps.push(gap('sso.permission_sets', { parent: `s${refused.set}` }))
        lost.add(`sso.permission_sets s${refused.set}`)
        break
      case 'inline':
        gaps.push(gap('sso.inline_policies', { parent: `s${refused.set}` }))
        lost.add(`sso.inline_policies s${refused.set}`)
        break
      case 'managed':
        gaps.push(gap('sso.managed_policies', { parent: `s${refused.set}` }))
        estate = {
          ...estate,
          sets: estate.sets!.map(set => (set.arn === `s${refused.set}` && !keeps() ? { ...set, managed: [] } : set)),
        }
        break
      case 'application':
        gaps.push(gap('sso.application_assignments', { parent: `app${refused.application}` }))
        estate = {
          ...estate,
          applicationAssignments: estate.applicationAssignments!.filter(([a]) => a !== `app${refused.application}` || keeps()),
        }
        break
      case 'users':
        gaps.push(gap('identitystore.users'))
        estate = { ...estate, users: estate.users!.filter(keeps) }
        break
      case 'groups': {
        gaps.push(gap('identitystore.groups'))
        gaps.push(gap('identitystore.group_memberships', { reason: 'parent_not_read', action: null }))
        const groups = estate.groups!.filter(keeps)
        const isKnown = (id: string) => groups.some(group => group.GroupId === id)
        estate = { ...estate, groups, memberships: estate.memberships!.filter(([group]) => isKnown(group)) }
        break
      }
      case 'accounts':
        gaps.push(gap('organizations.accounts'))
        estate = { ...estate, accounts: estate.accounts!.filter(keeps) }
        break
      case 'sets': {
        gaps.push(gap('sso.permission_set_arns', { parent: 'instance' }))
        for (const child of [
          'permission_sets',
          'inline_policies',
          'managed_policies',
          'customer_managed_policy_references',
          'permissions_boundaries',
          'provisioned_accounts',
          'account_assignments',
        ])
          gaps.push(gap(`sso.${child}`, { reason: 'parent_not_read', action: null }))
        const sets = estate.sets!.filter(keeps)
        const isKnown = (arn: string) => sets.some(set => set.arn === arn)
        estate = { ...estate, sets, assignments: estate.assignments!.filter(([, set]) => isKnown(set)) }
        break
      }
    }
  }
  return { ...estate, gaps: unique(gaps), lost }
}

function unique(gaps: readonly Gap[]): readonly Gap[] {
  return [
    ...new Map(
      gaps.map(each => [`${each.dataset} ${each.place.accountId} ${each.parent} ${each.key} ${each.member}`, each]),
    ).values(),
  ]
}

/** A status that is decided in the refused estate, and is another one in the whole. */
export interface Contradiction {
  readonly control: string
  readonly subject: string
  readonly whole: string
  readonly refused: string
}

export interface Comparison {
  readonly compared: number
  readonly unknown: number
  readonly contradictions: readonly Contradiction[]
}

/** Judges both estates and compares every subject of the refused one. */
export async function compare(
  room: typeof Controls,
  catalog: Catalog,
  whole: SmallEstate,
  refused: SmallEstate,
): Promise<Comparison> {
  const truth = await statuses(room, catalog, whole)
  const found = await statuses(room, catalog, refused)
  const contradictions: Contradiction[] = []
  let unknown = 0
  for (const [name, status] of found) {
    if (status === 'unknown') unknown++
    else if (truth.get(name) !== status) {
      const [control, subject] = name.split(' ') as [string, string]
      contradictions.push({ control, subject, whole: truth.get(name) ?? 'not there', refused: status })
    }
  }
  return { compared: found.size, unknown, contradictions }
}

async function statuses(room: typeof Controls, catalog: Catalog, small: SmallEstate): Promise<Map<string, string>> {
  const estate = await room.buildEstate(estateRows(small), catalog.managedPolicies)
  const all = new Map<string, string>()
  for (const outcome of room.evaluate(catalog, estate, asOf).outcomes) {
    const { id, resource } = outcome.control
    // these judge the refusals themselves
    if (resource === 'collected' || resource === 'reconciliation') continue
    for (const { key } of room.populationOf(estate, outcome.source, outcome.control.resource))
      all.set(`${id} ${key}`, outcome.implied)
    for (const { subject, status } of outcome.results) all.set(`${id} ${subject.key}`, status)
  }
  return all
}
