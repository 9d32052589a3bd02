import { Environment } from '@marcbachmann/cel-js'
import { expect } from 'chai'
import fc from 'fast-check'
import { buildEstate, evaluate, loadCatalog } from '../../src/controls/index.ts'
import { asOf, controlYaml, estateRows, folderOf, type SmallEstate } from './estate-rows.ts'

/** The same organization twice: as rows for us, and as plain linked objects for the library's own evaluator. */
interface Both {
  readonly rows: SmallEstate
  readonly users: readonly PlainUser[]
}

class PlainUser {
  UserName = ''
  UserStatus = ''
  DisplayName: string | null = null
  CreatedAt = asOf
  groups: PlainGroup[] = []
  assignments: PlainAssignment[] = []
}
class PlainGroup {
  DisplayName: string | null = null
  members: PlainUser[] = []
  assignments: PlainAssignment[] = []
}
class PlainAssignment {
  AccountId = ''
  PrincipalType = ''
  permissionSet = new PlainSet()
}
class PlainSet {
  Name = ''
  sessionHours = 1
  isAdmin = false
}

const day = 86_400_000
const timestamp = 'google.protobuf.Timestamp'

const organization = fc
  .record({
    users: fc.array(fc.record({ isOn: fc.boolean(), isNamed: fc.boolean(), ageDays: fc.integer({ min: 0, max: 40 }) }), {
      minLength: 4,
      maxLength: 8,
    }),
    groups: fc.array(fc.boolean(), { minLength: 2, maxLength: 5 }),
    memberships: fc.uniqueArray(fc.tuple(fc.nat(7), fc.nat(4)), { maxLength: 12, selector: String }),
    sets: fc.array(fc.record({ hours: fc.integer({ min: 1, max: 12 }), isAdmin: fc.boolean() }), { minLength: 1, maxLength: 4 }),
    assignments: fc.uniqueArray(fc.tuple(fc.nat(2), fc.nat(3), fc.boolean(), fc.nat(7)), { maxLength: 12, selector: String }),
  })
  .map(both)

function both(drawn: {
  users: readonly { isOn: boolean; isNamed: boolean; ageDays: number }[]
  groups: readonly boolean[]
  memberships: readonly (readonly [number, number])[]
  sets: readonly { hours: number; isAdmin: boolean }[]
  assignments: readonly (readonly [number, number, boolean, number])[]
}): Both {
  const users = drawn.users.map((user, index) =>
    Object.assign(new PlainUser(), {
      UserName: `u${index}`,
      UserStatus: user.isOn ? 'ENABLED' : 'DISABLED',
      DisplayName: user.isNamed ? `name ${index}` : null,
      CreatedAt: new Date(asOf.getTime() - user.ageDays * day - 1),
    }),
  )
  const groups = drawn.groups.map((isNamed, index) =>
    Object.assign(new PlainGroup(), { DisplayName: isNamed ? `g${index}` : null }),
  )
  const sets = drawn.sets.map((set, index) =>
    Object.assign(new PlainSet(), { Name: `s${index}`, sessionHours: set.hours, isAdmin: set.isAdmin }),
  )
  const memberships = drawn.memberships.filter(([user, group]) => user < users.length && group < groups.length)
  for (const [user, group] of memberships) {
    users[user]!.groups.push(groups[group]!)
    groups[group]!.members.push(users[user]!)
  }
  const assignments = drawn.assignments.filter(
    ([, set, isGroup, principal]) => set < sets.length && principal < (isGroup ? groups.length : users.length),
  )
  for (const [account, set, isGroup, principal] of assignments) {
    const assignment = Object.assign(new PlainAssignment(), {
      AccountId: `a${account}`,
      PrincipalType: isGroup ? 'GROUP' : 'USER',
      permissionSet: sets[set],
    })
    ;(isGroup ? groups : users)[principal]!.assignments.push(assignment)
  }
  return {
    users,
    rows: {
      users: users.map(({ UserName, UserStatus, DisplayName, CreatedAt }) => ({
        UserId: UserName,
        UserName,
        UserStatus,
        CreatedAt: CreatedAt.toISOString(),
        ...(DisplayName === null ? {} : { DisplayName }),
      })),
      groups: groups.map(({ DisplayName }, index) => ({
        GroupId: `g${index}`,
        ...(DisplayName === null ? {} : { DisplayName }),
      })),
      memberships: memberships.map(([user, group]) => [`g${group}`, `u${user}`] as const),
      accounts: ['a0', 'a1', 'a2'].map(Id => ({ Id, State: 'ACTIVE' })),
      sets: sets.map(({ Name, sessionHours, isAdmin }) => ({
        arn: Name,
        session: `PT${sessionHours}H`,
        managed: isAdmin ? ['AdministratorAccess'] : ['ReadOnlyAccess'],
      })),
      assignments: assignments.map(
        ([account, set, isGroup, principal]) =>
          [`a${account}`, `s${set}`, isGroup ? 'GROUP' : 'USER', `${isGroup ? 'g' : 'u'}${principal}`] as const,
      ),
    },
  }
}

const comparison = fc.constantFrom('>', '<', '<=', '>=', '==', '!=')
const small = fc.integer({ min: 0, max: 4 })
const { expression } = fc.letrec<{ expression: string; atom: string }>(tie => ({
  expression: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    tie('atom'),
    fc.tuple(tie('expression'), fc.constantFrom('&&', '||'), tie('expression')).map(([a, op, b]) => `(${a} ${op} ${b})`),
    tie('expression').map(a => `!(${a})`),
    fc.tuple(tie('expression'), tie('expression'), tie('expression')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
  ),
  atom: fc.oneof(
    fc.constantFrom(
      "user.UserStatus == 'ENABLED'",
      "user.UserStatus != 'ENABLED'",
      'user.DisplayName != null',
      "user.UserName.startsWith('u')",
      "user.UserName.endsWith('1') || user.UserName.contains('2')",
      "user.UserName.matches('^u[0-3]$')",
      "user.UserName in ['u0', 'u3']",
      "'g1' in user.groups.map(g, g.DisplayName)",
      'user.assignments.exists(a, isAdminEquivalent(a.permissionSet))',
      "user.groups.exists(g, g.members.exists(m, m.UserStatus == 'DISABLED'))",
      "user.groups.exists(g, g.assignments.exists(a, a.AccountId == 'a1'))",
      'user.groups.filter(g, g.DisplayName != null).all(g, g.members.size() > 1)',
      'user.groups.map(g, g.members.size()).exists(n, n > 2)',
    ),
    fc.tuple(comparison, small).map(([op, n]) => `user.groups.size() ${op} ${n}`),
    fc.tuple(comparison, small).map(([op, n]) => `${n} ${op} user.assignments.size()`),
    fc.tuple(comparison, small).map(([op, n]) => `user.groups.filter(g, g.assignments.size() > ${n}).size() ${op} ${n}`),
    small.map(n => `user.groups.all(g, g.members.size() > ${n})`),
    small.map(n => `user.groups.all(g, g.members.filter(m, m.UserStatus == 'ENABLED').size() <= ${n})`),
    fc.integer({ min: 0, max: 40 }).map(n => `user.CreatedAt.olderThanDays(${n})`),
    fc
      .tuple(comparison, fc.integer({ min: 1, max: 12 }))
      .map(([op, n]) => `user.assignments.all(a, a.permissionSet.sessionHours ${op} ${n}.0)`),
  ),
}))

function library(): Environment {
  const older = (time: Date, days: number | bigint) => asOf.getTime() - time.getTime() > Number(days) * day
  return new Environment()
    .registerType('User', {
      ctor: PlainUser,
      fields: {
        UserName: 'string',
        UserStatus: 'string',
        DisplayName: 'dyn',
        CreatedAt: timestamp,
        groups: 'list<Group>',
        assignments: 'list<Assignment>',
      },
    })
    .registerType('Group', {
      ctor: PlainGroup,
      fields: { DisplayName: 'dyn', members: 'list<User>', assignments: 'list<Assignment>' },
    })
    .registerType('Assignment', {
      ctor: PlainAssignment,
      fields: { AccountId: 'string', PrincipalType: 'string', permissionSet: 'PermissionSet' },
    })
    .registerType('PermissionSet', { ctor: PlainSet, fields: { Name: 'string', sessionHours: 'double' } })
    .registerFunction('isAdminEquivalent(PermissionSet): bool', (set: PlainSet) => set.isAdmin)
    .registerFunction(`${timestamp}.olderThanDays(int): bool`, older)
    .registerOperator('double == int', (a: number, b: bigint) => a === Number(b))
    .registerVariable('user', 'User')
}

/**
 * Compares our closures with the library's evaluator on drawn expressions and drawn estates without gaps.
 * @param runs estates; forty expressions are asked about every user of each
 * @returns how many answers were compared
 */
export async function compareWithLibrary({ runs, seed }: { runs: number; seed?: number }): Promise<number> {
  let compared = 0
  await fc.assert(
    fc.asyncProperty(
      organization,
      fc.array(expression, { minLength: 40, maxLength: 40 }),
      async ({ rows, users }, expressions) => {
        const file = JSON.parse(controlYaml('false'))
        // many expressions in one control: shown facts are evaluated by the same closures as requirements
        file.facts = Object.fromEntries(expressions.map((text, index) => [`e${index}`, text]))
        using folder = folderOf({ 't.yaml': JSON.stringify(file) })
        const catalog = loadCatalog({ folders: [folder.path] })
        expect(catalog.problems).to.deep.equal([])
        const { results } = evaluate(catalog, await buildEstate(estateRows(rows)), asOf).outcomes[0]!
        const environment = library()
        for (const [index, text] of expressions.entries()) {
          const theirs = environment.parse(text)
          for (const user of users) {
            const ours = results.find(result => result.subject.key === user.UserName)!.facts[`e${index}`]
            expect(ours, `${text} for ${user.UserName}`).to.equal(theirs({ user }))
            compared++
          }
        }
      },
    ),
    { numRuns: runs, ...(seed === undefined ? {} : { seed }) },
  )
  return compared
}
