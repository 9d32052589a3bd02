import { createHash } from 'node:crypto'
import { evaluate } from '../../src/controls/index.ts'
import { accountId, estateOf } from './controls-at-scale.ts'

/** What the hand-written controls touch; the estate without gaps, so that nothing is ever unknown. */
// biome-ignore lint/suspicious/noExplicitAny: hand-written JavaScript on the same objects is what we compare with
type Thing = any
const day = 86_400_000
const asOf = Date.parse('2026-03-01T00:00:00Z')

const enabled = (user: Thing) => user.UserStatus === 'ENABLED'
const isProtected = (account: Thing) => {
  const value = account.tags.find((tag: Thing) => tag.Key === 'Function')?.Value
  return account.Id === accountId(3) || value === 'log-archive' || value === 'security'
}

/** Each says true for pass, false for fail, null for not applicable. */
const byHand: { readonly [id: string]: readonly [population: string, judge: (each: Thing) => boolean | null] } = {
  'IDC-ASG-001': [
    'assignment',
    each => (each.PrincipalType === 'USER' && [].includes(each.principalName as never) ? null : each.PrincipalType !== 'USER'),
  ],
  'IDC-ASG-003': [
    'account',
    each =>
      each.State !== 'ACTIVE'
        ? null
        : each.admins.filter(enabled).length <= 5 && (!each.isManagement || each.organizationAdmins.filter(enabled).length <= 15),
  ],
  'IDC-ASG-004': [
    'accountAssignment',
    ({ account }) =>
      !(
        account === null ||
        (['SUSPENDED', 'PENDING_CLOSURE', 'CLOSED'].includes(account.State) && account.stateSince.isOlderThan(7 * day, asOf))
      ),
  ],
  'IDC-ASG-005': ['assignment', each => each.principal !== null],
  'IDC-GRP-001': [
    'group',
    each =>
      !each.firstSeen.isOlderThan(30 * day, asOf)
        ? null
        : each.members.length > 0 && (each.assignments.length > 0 || each.applicationAssignments.length > 0),
  ],
  'IDC-GRP-002': [
    'group',
    each =>
      each.assignments.some((one: Thing) => one.permissionSet.isAdminEquivalent)
        ? each.members.filter(enabled).length <= 10
        : null,
  ],
  'IDC-USER-001': [
    'user',
    each =>
      enabled(each) && each.firstSeen.isOlderThan(14 * day, asOf)
        ? each.groups.length > 0 || each.assignments.length > 0 || each.applicationAssignments.length > 0
        : null,
  ],
  'IDC-USER-003': [
    'user',
    each =>
      each.UserStatus === 'DISABLED' && each.disabledSince.isOlderThan(7 * day, asOf)
        ? each.assignments.length === 0 &&
          each.applicationAssignments.length === 0 &&
          !each.groups.some((group: Thing) => group.assignments.length > 0 || group.applicationAssignments.length > 0)
        : null,
  ],
  'IDC-USER-004': ['user', each => each.primaryEmail !== null && each.sameEmail.length === 0 && each.sameUserName.length === 0],
  'SOD-002': [
    'account',
    each =>
      isProtected(each)
        ? !each.admins.some(
            (user: Thing) =>
              enabled(user) &&
              user.effectiveAssignments.some(
                (one: Thing) =>
                  one.AccountId !== each.Id &&
                  one.permissionSet.isAdminEquivalent &&
                  !(one.account !== null && isProtected(one.account)),
              ),
          )
        : null,
  ],
}

function* membersOf(source: Thing, population: string): Iterable<Thing> {
  const kinds = population === 'assignment' ? ['accountAssignment', 'applicationAssignment'] : [population]
  for (const kind of kinds) for (const number of source.populations.order(kind)) yield source[kind](number)
}

/** Status of every subject and the digest over them, as an evaluation has it; no results, no reasons. */
function judge(source: Thing, id: string): { readonly pass: number; readonly fail: number } {
  const [population, holds] = byHand[id]!
  const hash = createHash('sha256')
  let [pass, fail, lines] = [0, 0, '']
  for (const member of membersOf(source, population)) {
    const status = holds(member)
    if (status === true) pass++
    else if (status === false) fail++
    lines += `${JSON.stringify(member.key)} ${status}\n`
    if (lines.length > 65_536) {
      hash.update(lines)
      lines = ''
    }
  }
  hash.update(lines).digest()
  return { pass, fail }
}

/** Ten controls by the engine and by hand, each the best of five on the same estate, which is warm. */
export async function benchByHand(size: 'M' | 'L') {
  const { catalog, estate } = await estateOf(size, false)
  const rows = Object.keys(byHand).map(id => {
    const one = { ...catalog, compiled: catalog.compiled.filter(({ info }) => info.id === id) }
    let [engineMs, handMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
    for (let run = 0; run < (size === 'M' ? 5 : 2); run++) {
      let from = performance.now()
      const hand = judge(estate.sources[0], id)
      handMs = Math.min(handMs, performance.now() - from)
      from = performance.now()
      const [outcome] = evaluate(one, estate, new Date(asOf)).outcomes
      engineMs = Math.min(engineMs, performance.now() - from)
      if (hand.pass !== outcome!.pass || hand.fail !== outcome!.fail)
        throw new Error(`${id}: by hand ${JSON.stringify(hand)}, by the engine ${outcome!.pass} pass and ${outcome!.fail} fail`)
    }
    return { id, engineMs: Math.round(engineMs), handMs: Math.round(handMs), ratio: Number((engineMs / handMs).toFixed(2)) }
  })
  const sum = (of: 'engineMs' | 'handMs') => rows.reduce((total, row) => total + row[of], 0)
  return {
    size,
    engineMs: sum('engineMs'),
    handMs: sum('handMs'),
    ratio: Number((sum('engineMs') / sum('handMs')).toFixed(2)),
    controls: rows,
  }
}

if (process.argv[1] === import.meta.filename)
  process.stdout.write(`${JSON.stringify(await benchByHand(process.argv[2] === 'L' ? 'L' : 'M'))}\n`)
