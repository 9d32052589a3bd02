import { expect } from 'chai'
import fc from 'fast-check'
import {
  buildOrganization,
  defectsOf,
  drift,
  emptyOrganization,
  type SimulatedOrganization,
  SimulatorError,
} from '../../src/simulator/index.ts'

const uuid = '[A-Fa-f0-9]{8}-([A-Fa-f0-9]{4}-){3}[A-Fa-f0-9]{12}'
const instance = '(sso)?ins-[a-zA-Z0-9-.]{16}'

describe('A built organization', () => {
  it('is the same for the same options and another for another seed', () => {
    expect(buildOrganization({ seed: 7, defects: true })).to.deep.equal(buildOrganization({ seed: 7, defects: true }))
    expect(buildOrganization({ seed: 7 }).instance).not.to.deep.equal(buildOrganization({ seed: 8 }).instance)
  })

  it('holds what was asked for, each thing once, and refers to nothing that is not there', () => {
    const shape = fc.record({
      seed: fc.integer(),
      accounts: fc.integer({ min: 1, max: 30 }),
      ous: fc.integer({ min: 0, max: 12 }),
      users: fc.integer({ min: 0, max: 150 }),
      groups: fc.integer({ min: 0, max: 40 }),
      permissionSets: fc.integer({ min: 0, max: 20 }),
      membershipsPerUser: fc.integer({ min: 1, max: 6 }),
      applications: fc.integer({ min: 0, max: 5 }),
    })
    fc.assert(
      fc.property(shape, fc.double({ min: 0, max: 1, noNaN: true }), (sizes, share) => {
        const usable = sizes.accounts > 3 ? sizes.accounts - 1 : sizes.accounts
        const pairs = Math.floor(share * usable * sizes.permissionSets)
        const emptyPairs = sizes.groups === 0 ? pairs : Math.floor(pairs / 10)
        const built = buildOrganization({ ...sizes, pairs, emptyPairs })
        expect(built.accounts).to.have.length(sizes.accounts)
        expect(built.ous).to.have.length(sizes.ous)
        expect(built.users).to.have.length(sizes.users)
        expect(built.groups).to.have.length(sizes.groups)
        expect(built.permissionSets).to.have.length(sizes.permissionSets)
        expect(new Set([...built.assignments, ...built.provisionedPairs].map(pairOf)).size).to.equal(pairs)
        isConsistent(built)
      }),
      { numRuns: 60 },
    )
  })

  it('is clean without defects: no leftovers, no administrator, no direct grant', () => {
    const built = buildOrganization()
    const members = new Set(built.memberships.map(one => one.MemberId.UserId))
    const filled = new Set(built.memberships.map(one => one.GroupId))
    const assigned = new Set(built.assignments.map(one => one.PrincipalId))
    const principals = new Set(built.groups.map(one => one.GroupId))
    const suspended = built.accounts.filter(one => one.State !== 'ACTIVE').map(one => one.Id)
    expect(built.users.every(user => members.has(user.UserId) === (user.UserStatus === 'ENABLED'))).to.equal(true)
    expect(built.users.some(user => user.UserStatus === 'DISABLED')).to.equal(true)
    expect(built.groups.every(group => filled.has(group.GroupId) && assigned.has(group.GroupId))).to.equal(true)
    expect(built.assignments.every(one => one.PrincipalType === 'GROUP' && principals.has(one.PrincipalId))).to.equal(true)
    expect(suspended).to.have.length(1)
    expect([...built.assignments, ...built.provisionedPairs].filter(one => suspended.includes(one.AccountId))).to.deep.equal([])
    for (const set of built.permissionSets) {
      expect(set.managedPolicies.map(policy => policy.Name)).not.to.include('AdministratorAccess')
      expect(set.inlinePolicy).not.to.match(/"Action":"\*"/)
      expect(['PT1H', 'PT2H', 'PT4H', 'PT8H']).to.include(set.SessionDuration)
    }
    expect(built.defects).to.deep.equal([])
  })

  it('holds a planted finding for each of the controls, by name', () => {
    const built = buildOrganization({ defects: true })
    const name = (control: string) => defectsOf(built, control).map(defect => defect.name)
    expect(name('IDC-USER-001')).to.deep.equal(['nina.unused'])
    expect(name('IDC-USER-003')).to.deep.equal(['otto.disabled'])
    expect(name('IDC-GRP-001')).to.deep.equal(['legacy-migration', 'unused-pilot'])
    expect(name('IDC-PS-001')).to.deep.equal(['AdministratorAccess'])
    expect(name('IDC-PS-002')).to.deep.equal(['BreakGlassCustom'])
    expect(name('IDC-PS-005')).to.deep.equal(['DataPlatformLongSession'])
    expect(name('IDC-ASG-002')).to.deep.equal(['cloud-admins → AdministratorAccess @ management'])
    expect(name('IDC-ASG-004')).to.deep.equal(['vault-keepers → VaultViewer @ abandoned-poc'])
    expect(name('IDC-ASG-001')).to.have.length(2)
    expect(name('IDC-ASG-005')).to.have.length(2)

    const users = new Map(built.users.map(user => [user.UserId, user]))
    const groups = new Set(built.groups.map(group => group.GroupId))
    const keyed = new Set(built.assignments.map(one => `${pairOf(one)}|${one.PrincipalType}|${one.PrincipalId}`))
    const [nina] = defectsOf(built, 'IDC-USER-001')
    expect(built.memberships.filter(one => one.MemberId.UserId === nina!.key)).to.deep.equal([])
    expect(built.assignments.filter(one => one.PrincipalId === nina!.key)).to.deep.equal([])
    for (const defect of built.defects.filter(one => one.control.startsWith('IDC-ASG')))
      expect(keyed.has(defect.key)).to.equal(true)
    for (const { key } of defectsOf(built, 'IDC-ASG-005')) {
      const id = key.slice(key.lastIndexOf('|') + 1)
      expect(users.has(id) || groups.has(id)).to.equal(false)
    }
    // everybody else who is enabled has a way in, and every direct grant and orphan is on the list
    const members = new Set(built.memberships.map(one => one.MemberId.UserId))
    const direct = built.assignments.filter(one => one.PrincipalType === 'USER')
    const without = built.users.filter(
      user => user.UserStatus === 'ENABLED' && !members.has(user.UserId) && !direct.some(one => one.PrincipalId === user.UserId),
    )
    expect(without.map(user => user.UserName)).to.deep.equal(['nina.unused'])
    expect(direct.map(one => `${pairOf(one)}|USER|${one.PrincipalId}`)).to.have.members(
      defectsOf(built, 'IDC-ASG-001').map(defect => defect.key),
    )
  })

  it('refuses a shape that cannot be', () => {
    for (const shape of [
      { accounts: 0 },
      { accounts: 3, permissionSets: 2, pairs: 7 },
      { pairs: 10, assignments: 3 },
      { pairs: 4, emptyPairs: 5 },
    ]) {
      expect(() => buildOrganization(shape))
        .to.throw(SimulatorError)
        .with.property('code', 'IMPOSSIBLE_SIZE')
    }
  })

  it('stands in other partitions too', () => {
    const built = buildOrganization({ partition: 'aws-us-gov', region: 'us-gov-west-1' })
    const arns = [
      built.organization!.Arn,
      built.instance!.InstanceArn,
      built.permissionSets[0]!.PermissionSetArn,
      built.users[0]!.UserArn,
    ]
    for (const arn of arns) expect(arn).to.match(/^arn:aws-us-gov:/)
  })
})

describe('An empty organization', () => {
  it('has a management account, a root and an instance, and nobody in it', () => {
    const empty = emptyOrganization()
    expect(empty.accounts.map(account => account.Name)).to.deep.equal(['management'])
    expect(empty.parents[empty.accounts[0]!.Id]).to.equal(empty.roots[0]!.Id)
    expect([empty.users, empty.groups, empty.permissionSets, empty.assignments].flat()).to.deep.equal([])
  })
})

describe('Drift', () => {
  it('does the same again for the same seed and day', () => {
    const at = new Date('2026-06-02T00:00:00Z')
    const run = () => {
      const organization = buildOrganization()
      return { events: drift(organization, { seed: 3, day: 1, at }), organization }
    }
    expect(run()).to.deep.equal(run())
  })

  it('shows every kind of change within a week, and says what it did', () => {
    const organization = buildOrganization()
    const kinds = new Set<string>()
    for (let day = 0; day < 7; day++) {
      const at = new Date(Date.UTC(2026, 5, 2 + day))
      const before = structuredClone(organization)
      const events = drift(organization, { seed: 1, day, at })
      for (const event of events) {
        kinds.add(event.kind)
        expect(event.at).to.equal(at)
        expect(event.text).to.have.length.above(10)
      }
      const joined = organization.users.filter(user => !before.users.some(one => one.UserId === user.UserId))
      expect(joined.map(user => user.CreatedAt)).to.deep.equal([at])
      expect(organization).not.to.deep.equal(before)
    }
    expect([...kinds].sort()).to.deep.equal([
      'access_revoked',
      'account_closed',
      'account_opened',
      'admin_granted',
      'disabled',
      'group_deleted',
      'group_made',
      'joined',
      'left',
      'left_assignments_behind',
      'moved',
      'policy_changed',
      'session_lengthened',
    ])
  })

  it('leaves assignments of deleted people and groups behind, as AWS does', () => {
    const organization = buildOrganization()
    const at = new Date('2026-06-02T00:00:00Z')
    const events = [3, 7].flatMap(day => drift(organization, { seed: 1, day, at }))
    const principals = new Set([...organization.users.map(one => one.UserId), ...organization.groups.map(one => one.GroupId)])
    const gone = events.filter(event => event.kind === 'left_assignments_behind' || event.kind === 'group_deleted')
    expect(gone).to.have.length(2)
    for (const { subjects } of gone) {
      const [id] = subjects
      expect(principals.has(id!)).to.equal(false)
      expect(organization.assignments.some(one => one.PrincipalId === id)).to.equal(true)
      expect(organization.memberships.some(one => one.GroupId === id || one.MemberId.UserId === id)).to.equal(false)
    }
  })

  it('leaves what was planted as it is', () => {
    const organization = buildOrganization({ defects: true, users: 20, groups: 4 })
    const planted = organization.defects.filter(defect => !defect.key.includes('|')).map(defect => defect.key)
    const state = () =>
      structuredClone({
        users: organization.users.filter(user => planted.includes(user.UserId)),
        groups: organization.groups.filter(group => planted.includes(group.GroupId)),
        sets: organization.permissionSets.filter(set => planted.includes(set.PermissionSetArn)),
      })
    const before = state()
    for (let day = 0; day < 40; day++) drift(organization, { seed: 2, day, at: new Date() })
    expect(state()).to.deep.equal(before)
    const assigned = organization.assignments.map(one => `${pairOf(one)}|${one.PrincipalType}|${one.PrincipalId}`)
    const keys = organization.defects.filter(defect => defect.key.includes('|')).map(defect => defect.key)
    expect(assigned).to.include.members(keys)
    expect(keys).not.to.have.length(0)
  })

  it('finds nothing to do in an empty organization but to let people join and accounts open', () => {
    const organization = emptyOrganization()
    const kinds = Array.from({ length: 8 }, (_, day) => drift(organization, { seed: 1, day, at: new Date() })).flat()
    expect(new Set(kinds.map(event => event.kind))).to.include.members(['joined', 'account_opened'])
  })
})

function pairOf(pair: { AccountId: string; PermissionSetArn: string }): string {
  return `${pair.AccountId}|${pair.PermissionSetArn}`
}

/** Ids follow AWS's patterns, are unique, and what is referred to exists. */
function isConsistent(built: SimulatedOrganization): void {
  const unique = (ids: readonly string[], pattern: RegExp) => {
    expect(new Set(ids).size).to.equal(ids.length)
    for (const id of ids) expect(id).to.match(pattern)
    return new Set(ids)
  }
  const accounts = unique(
    built.accounts.map(one => one.Id),
    /^\d{12}$/,
  )
  unique(
    built.accounts.map(one => one.Name),
    /^[a-z0-9-]+$/,
  )
  const ous = unique(
    built.ous.map(one => one.Id),
    /^ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}$/,
  )
  const users = unique(
    built.users.map(one => one.UserId),
    new RegExp(`^[0-9a-f]{10}-${uuid}$`),
  )
  unique(
    built.users.map(one => one.UserName),
    /^[a-z]+\.[a-z]+\d*$/,
  )
  const groups = unique(
    built.groups.map(one => one.GroupId),
    new RegExp(`^[0-9a-f]{10}-${uuid}$`),
  )
  unique(
    built.groups.map(one => one.DisplayName),
    /^[a-z0-9-]+$/,
  )
  const sets = unique(
    built.permissionSets.map(one => one.PermissionSetArn),
    new RegExp(`^arn:aws(-[a-z]{1,5}){0,3}:sso:::permissionSet/${instance}/ps-[a-zA-Z0-9-./]{16}$`),
  )
  unique(
    built.permissionSets.map(one => one.Name),
    /^[\w+=,.@-]{1,32}$/,
  )
  const applications = unique(
    built.applications.map(one => one.ApplicationArn),
    new RegExp(`^arn:aws(-[a-z]{1,5}){0,3}:sso::\\d{12}:application/${instance}/apl-[a-zA-Z0-9]{16}$`),
  )
  unique(
    built.memberships.map(one => one.MembershipId),
    new RegExp(uuid),
  )
  unique(
    built.memberships.map(one => `${one.GroupId}|${one.MemberId.UserId}`),
    /./,
  )
  unique(
    built.assignments.map(one => `${pairOf(one)}|${one.PrincipalId}`),
    /./,
  )
  expect(built.instance!.InstanceArn).to.match(new RegExp(`^arn:aws(-[a-z]{1,5}){0,3}:sso:::instance/${instance}$`))
  expect(built.instance!.IdentityStoreId).to.match(/^d-[0-9a-f]{10}$/)
  const path = /^(o-[a-z0-9]{10,32}\/r-[0-9a-z]{4,32}(\/ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})*(\/\d{12})*)\//
  for (const account of built.accounts) {
    expect(account.Paths?.[0]).to.match(path)
    expect(account.Paths?.[0]?.split('/').at(-3)).to.equal(built.parents[account.Id])
  }
  for (const ou of built.ous) expect(ou.Path!.split('/').length).to.be.at.most(2 + 5 + 1)
  for (const parent of Object.values(built.parents))
    expect(ous.has(parent) || built.roots.some(root => root.Id === parent)).to.equal(true)
  for (const one of built.memberships) expect(groups.has(one.GroupId) && users.has(one.MemberId.UserId)).to.equal(true)
  for (const one of [...built.assignments, ...built.provisionedPairs]) {
    expect(accounts.has(one.AccountId) && sets.has(one.PermissionSetArn)).to.equal(true)
  }
  for (const one of built.applicationAssignments)
    expect(applications.has(one.ApplicationArn) && groups.has(one.PrincipalId)).to.equal(true)
}
