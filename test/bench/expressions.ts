import fc from 'fast-check'
import { buildEstate, evaluate, loadCatalog } from '../../src/controls/index.ts'
import { asOf, controlYaml, estateRows, folderOf, type SmallEstate } from '../controls/estate-rows.ts'

/** What a hostile expression wants: a user in many large groups, long texts, long policies. */
const members = 10_000
const groups = 60
const long = 'a'.repeat(900)
const policy = JSON.stringify({
  Statement: Array.from({ length: 40 }, (_, i) => ({
    Effect: i % 5 === 4 ? 'Deny' : 'Allow',
    Action: Array.from({ length: 8 }, (_, j) => `${'*a'.repeat(6)}${i}:${'*a'.repeat(6)}${j}`),
    Resource: '*',
  })),
})
const hostileEstate: SmallEstate = {
  users: Array.from({ length: members }, (_, i) => ({
    UserId: `u${i}`,
    UserName: `${long}${i}`,
    UserStatus: 'ENABLED',
    DisplayName: `${long}b${i}`,
  })),
  groups: Array.from({ length: groups }, (_, i) => ({ GroupId: `g${i}`, DisplayName: `${long}${i}` })),
  memberships: [
    ...Array.from({ length: groups }, (_, g) => [`g${g}`, 'u0'] as const),
    ...Array.from({ length: members - 1 }, (_, i) => [`g${i % 3}`, `u${i + 1}`] as const),
  ],
  accounts: Array.from({ length: 200 }, (_, i) => ({ Id: `a${i}`, Name: `${long}${i}`, State: 'ACTIVE' })),
  sets: Array.from({ length: 20 }, (_, i) => ({
    arn: `s${i}`,
    name: `Set${i}`,
    inline: policy,
    managed: i % 2 === 0 ? ['AdministratorAccess'] : [],
  })),
  assignments: Array.from({ length: 4000 }, (_, i) => [`a${i % 200}`, `s${i % 20}`, 'GROUP', `g${i % groups}`] as const),
}

/** Expressions that the loader may take, grown towards what costs: nested macros, long texts, heavy patterns, questions. */
const number = fc.constantFrom('0', '1', '3', '1000')
const drawn = fc.letrec<{ bool: string; text: string; users: string; groups: string; assignments: string }>(tie => ({
  text: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(
      'user.UserName',
      "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'",
      'g.name',
      'm.UserName',
      'a.targetName',
      'a.AccountId',
    ),
    fc.tuple(tie('text'), tie('text')).map(([a, b]) => `(${a} + ${b})`),
  ),
  users: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom('g.members', 'a.account.admins', 'user.sameEmail', 'a.account.organizationAdmins'),
    fc.tuple(tie('users'), tie('bool')).map(([list, body]) => `${list}.filter(m, ${body})`),
    fc.tuple(tie('users'), tie('users')).map(([a, b]) => `(${a} + ${b})`),
  ),
  groups: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom('user.groups', 'm.groups'),
    fc.tuple(tie('groups'), tie('bool')).map(([list, body]) => `${list}.filter(g, ${body})`),
  ),
  assignments: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom('user.effectiveAssignments', 'm.effectiveAssignments', 'g.assignments', 'a.account.assignments'),
    fc.tuple(tie('assignments'), tie('bool')).map(([list, body]) => `${list}.filter(a, ${body})`),
  ),
  bool: fc.oneof(
    { maxDepth: 6, depthSize: 'max' },
    fc
      .tuple(tie('text'), fc.constantFrom('startsWith', 'endsWith', 'contains'), tie('text'))
      .map(([a, m, b]) => `${a}.${m}(${b})`),
    fc
      .tuple(tie('text'), fc.constantFrom('(a|aa|aaa)*b', '((a{1,30}){1,30})b', '(a?){60}a{60}c', '(.*)(.*)(.*)(.*)z'))
      .map(([a, p]) => `${a}.matches('${p}')`),
    fc
      .tuple(tie('text'), fc.constantFrom("['(a|aa)*b', '((a{1,20}){1,20})c']", "['(?i)^zz', 'qq$']"))
      .map(([a, p]) => `${a}.matchesAny(${p})`),
    tie('text').map(a => `${a}.isRegisteredIn(['*a*a*a*a*a*b; o; r; 2099-01-01'])`),
    fc.tuple(tie('text'), fc.constantFrom('==', '!=', '<', '>='), tie('text')).map(([a, op, b]) => `${a} ${op} ${b}`),
    fc.tuple(tie('bool'), fc.constantFrom('&&', '||'), tie('bool')).map(([a, op, b]) => `(${a} ${op} ${b})`),
    fc.tuple(tie('groups'), fc.constantFrom('exists', 'all'), tie('bool')).map(([l, q, b]) => `${l}.${q}(g, ${b})`),
    fc.tuple(tie('users'), fc.constantFrom('exists', 'all'), tie('bool')).map(([l, q, b]) => `${l}.${q}(m, ${b})`),
    fc.tuple(tie('assignments'), fc.constantFrom('exists', 'all'), tie('bool')).map(([l, q, b]) => `${l}.${q}(a, ${b})`),
    fc.tuple(tie('text'), tie('users')).map(([a, l]) => `${a} in ${l}.map(m, m.UserName + m.UserName)`),
    fc.tuple(tie('users'), number).map(([l, n]) => `${l}.size() > ${n}`),
    fc.constantFrom(
      "user.conflicts(['Set1|Set2', 'Set3|Set4'], 'organization').size() > 3",
      "m.conflicts(['Set1|Set2', 'Set3|Set19'], 'account').size() > 3",
      "a.permissionSet.allowsAny(['*a*a*a*a*a*a*a*a:*b*b*b*b', 'iam:*a*a*a*a*b'])",
      'isAdminEquivalent(a.permissionSet)',
      'a.permissionSet.canEscalate',
    ),
  ),
}))
/** Names that a body needs are given to it from outside. */
const whole = drawn.bool.map(
  body =>
    `user.groups.all(g, g.assignments.all(a, g.members.all(m, ${body}) || ${body}) && g.members.exists(m, g.assignments.exists(a, ${body})))`,
)

/**
 * Random expressions that the loader accepts, on an estate that is made to let them take long: what the slowest of them takes for one
 * subject, in milliseconds of processor time; the goal is 500.
 */
export async function benchExpressions(wanted = 300, seed = 1) {
  const estate = await buildEstate(estateRows(hostileEstate))
  const texts = fc.sample(whole, { numRuns: wanted * 6, seed })
  let accepted = 0
  let spent = 0
  const slowest: { ms: number; text: string }[] = []
  for (const text of texts) {
    if (accepted >= wanted) break
    using folder = folderOf({ 't.yaml': controlYaml(text) })
    const catalog = loadCatalog({ folders: [folder.path] })
    if (catalog.problems.length > 0) continue
    accepted++
    const one = { ...catalog, compiled: catalog.compiled }
    const source = estate.sources[0]!
    const order = source.populations.order('user')
    // one subject alone, the one that is in every group
    source.populations.order = () => order.slice(0, 1)
    const before = process.cpuUsage()
    const [outcome] = evaluate(one, estate, asOf).outcomes
    const { user, system } = process.cpuUsage(before)
    source.populations.order = () => order
    if (outcome!.error?.includes('steps for one subject')) spent++
    slowest.push({ ms: Math.round((user + system) / 1000), text: text.slice(0, 300) })
  }
  slowest.sort((a, b) => b.ms - a.ms)
  return { accepted, drawn: texts.length, endedByTheLimit: spent, worstMs: slowest[0]?.ms ?? 0, slowest: slowest.slice(0, 5) }
}

if (process.argv[1] === import.meta.filename)
  process.stdout.write(
    `${JSON.stringify(await benchExpressions(Number(process.argv[2] ?? 300), Number(process.argv[3] ?? 1)), null, 1)}\n`,
  )
