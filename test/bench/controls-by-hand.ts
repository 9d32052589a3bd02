import { createHash } from 'node:crypto'
import { evaluate } from '../../src/controls/index.ts'
import type { ControlOutcome } from '../../src/model.ts'
import { estateOf } from './controls-at-scale.ts'

/** What the hand-written controls touch; the estate without gaps, so that nothing is ever unknown. */
// biome-ignore lint/suspicious/noExplicitAny: hand-written JavaScript on the same objects is what we compare with
type Thing = any
const day = 86_400_000
const asOf = Date.parse('2026-03-01T00:00:00Z')

const enabled = (user: Thing) => user.UserStatus === 'ENABLED'

interface ByHand {
  readonly population: string
  /** true for pass, false for fail, null for not applicable */
  readonly holds: (each: Thing) => boolean | null
  /** what is said of a fail */
  readonly says: (each: Thing) => string
  /** what is shown beside a fail */
  readonly shows: (each: Thing) => object
}

const texts = (list: readonly Thing[], of: (each: Thing) => string) => {
  const all = list.map(of).sort()
  return all.length > 50 ? [...all.slice(0, 50), `and ${all.length - 50} more`] : all
}
const joined = (list: readonly Thing[], of: (each: Thing) => string) => {
  const all = list.map(of).sort()
  return [...all.slice(0, 20), ...(all.length > 20 ? [`and ${all.length - 20} more`] : [])].join(', ')
}
const time = (date: Date) => date.toISOString().replace('.000Z', 'Z')
const older = (date: Date, days: number) => asOf - date.getTime() > days * day
const isActive = (status: string) => ['active', 'employee', 'contractor', 'leave'].includes(status)
const tag = (account: Thing, key: string) => account.tags.find((each: Thing) => each.Key === key)?.Value ?? null
const decided = (each: Thing) => `${each.decision} by ${each.reviewer} at ${time(each.reviewedAt)}`

/** Accounts on which a group or user is given each of the sets of the conflicting pairs. */
const pairs = [
  ['Set1', 'Set2'],
  ['Set3', 'Set4'],
] as const
const wanted: ReadonlySet<string> = new Set(pairs.flat())
const given = new Map<Thing, readonly (readonly [set: string, account: string])[]>()
function givenTo(principal: Thing) {
  let found = given.get(principal)
  if (found === undefined) {
    found = principal.assignments.flatMap((each: Thing) => {
      const { name } = each.permissionSet
      return wanted.has(name) ? [[name, each.AccountId] as const] : []
    })
    given.set(principal, found!)
  }
  return found!
}
function conflictsOf(user: Thing): readonly string[] {
  const held = [...givenTo(user), ...user.groups.flatMap(givenTo)]
  if (held.length < 2) return []
  return pairs.flatMap(([a, b]) => {
    const both = held.find(([set, account]) => set === a && held.some(other => other[0] === b && other[1] === account))
    return both === undefined ? [] : [`${a} and ${b} on ${both[1]}`]
  })
}

const byHand: { readonly [id: string]: ByHand } = {
  'REV-001': {
    population: 'entitlement',
    holds: each => {
      const { decisions, since } = each
      if (!decisions.some((d: Thing) => d.decision === 'revoke' || d.hoursBefore <= 26)) {
        const applies = since.isOlderThan(180 * day, asOf) || (since.isOlderThan(90 * day, asOf) && each.isPrivileged)
        return applies ? false : null
      }
      return decisions.some(
        (d: Thing) =>
          d.isLast &&
          !d.isBySubject &&
          (d.decision === 'keep'
            ? d.hoursBefore <= 26 && !older(d.reviewedAt, 180) && (!each.isPrivileged || !older(d.reviewedAt, 90))
            : d.decision === 'revoke' && !older(d.decidedAt, 7)),
      )
    },
    says: each =>
      `${each.name}${
        each.decisions.length === 0
          ? ' was never reviewed'
          : `: the last decision does not count: ${joined(
              each.decisions.filter((d: Thing) => d.isLast),
              decided,
            )}`
      }${each.hasAmbiguousDecision ? '; a decision names its account by a name that several accounts have' : ''}`,
    shows: each => ({ since: each.since.text, privileged: each.isPrivileged, decisions: texts(each.decisions, decided) }),
  },
  'HR-001': {
    population: 'person',
    holds: each => {
      const { terminationDate } = each
      const isGone = ['terminated', 'inactive', 'left'].includes(each.status)
      const applies = isGone
        ? terminationDate === null || older(terminationDate, 1) || !older(terminationDate, 0)
        : terminationDate !== null && older(terminationDate, 1)
      return applies ? !each.users.some(enabled) : null
    },
    says: each => each.name,
    shows: each => ({ status: each.status }),
  },
  'HR-002': {
    population: 'rosteredUser',
    holds: each => {
      if (!enabled(each)) return null
      const { people } = each
      return people.length === 1 && isActive(people[0].status)
    },
    says: each =>
      `${each.name} matches ${each.people.length} people of the roster: ${joined(each.people, p => `${p.name} (${p.status})`)}`,
    shows: each => ({ email: each.primaryEmail, people: texts(each.people, p => p.personId) }),
  },
  'HR-003': {
    population: 'person',
    holds: each =>
      each.users.some(enabled)
        ? each.manager !== null && each.manager.personId !== each.personId && isActive(each.manager.status)
        : null,
    says: each =>
      `${each.name} has ${each.manager === null ? 'no manager in the roster' : each.manager.personId === each.personId ? 'no manager but themselves' : `the manager ${each.manager.name}, whose status is ${each.manager.status}`}`,
    shows: each => ({ users: texts(each.users, u => u.UserName) }),
  },
  'SOD-001': {
    population: 'user',
    holds: each => (enabled(each) ? conflictsOf(each).length === 0 : null),
    says: each => `${each.name} holds ${joined(conflictsOf(each), c => c as unknown as string)}`,
    shows: each => ({
      conflicts: texts(conflictsOf(each), c => c as unknown as string),
      groups: texts(each.groups, g => g.name),
      direct: texts(each.assignments, a => a.targetName),
    }),
  },
  'IDC-ASG-001': {
    population: 'assignment',
    holds: each =>
      each.PrincipalType === 'USER' && [].includes(each.principalName as never) ? null : each.PrincipalType !== 'USER',
    says: each =>
      `the user ${each.principal === null ? `${each.PrincipalId} (deleted)` : each.principalName} is assigned directly: ${each.targetName}`,
    shows: ({ kind, targetName, PrincipalType, PrincipalId, principalName }) => ({
      ...{ kind, target: targetName, PrincipalType, PrincipalId, principalName },
    }),
  },
  'IDC-ASG-003': {
    population: 'account',
    holds: each =>
      each.State !== 'ACTIVE'
        ? null
        : each.admins.filter(enabled).length <= 5 && (!each.isManagement || each.organizationAdmins.filter(enabled).length <= 15),
    says: each =>
      `${each.name} has ${each.admins.filter(enabled).length} admins (at most 5)${
        each.isManagement ? `; the organization has ${each.organizationAdmins.filter(enabled).length} (at most 15)` : ''
      }`,
    shows: each => ({ admins: texts(each.admins, u => u.name) }),
  },
  'IDC-ASG-004': {
    population: 'accountAssignment',
    holds: ({ account }) =>
      !(
        account === null ||
        (['SUSPENDED', 'PENDING_CLOSURE', 'CLOSED'].includes(account.State) && account.stateSince.isOlderThan(7 * day, asOf))
      ),
    says: each => each.AccountId,
    shows: each => ({ AccountId: each.AccountId }),
  },
  'IDC-ASG-005': {
    population: 'assignment',
    holds: each => each.principal !== null,
    says: each => each.PrincipalId,
    shows: each => ({ kind: each.kind }),
  },
  'IDC-GRP-001': {
    population: 'group',
    holds: each =>
      !each.firstSeen.isOlderThan(30 * day, asOf)
        ? null
        : each.members.length > 0 && (each.assignments.length > 0 || each.applicationAssignments.length > 0),
    says: each =>
      `${each.name} has ${each.members.length} members, ${each.assignments.length} account assignments and ${each.applicationAssignments.length} application assignments`,
    shows: each => ({
      DisplayName: each.DisplayName,
      firstSeen: each.firstSeen.text,
      members: each.members.length,
      assignments: each.assignments.length,
      applicationAssignments: each.applicationAssignments.length,
    }),
  },
  'IDC-GRP-002': {
    population: 'group',
    holds: each =>
      each.assignments.some((one: Thing) => one.permissionSet.isAdminEquivalent)
        ? each.members.filter(enabled).length <= 10
        : null,
    says: each =>
      `${each.name} grants admin and has ${each.members.filter(enabled).length} enabled members; at most 10 are allowed`,
    shows: each => ({
      members: texts(each.members, u => u.name),
      adminAssignments: texts(
        each.assignments.filter((one: Thing) => one.permissionSet.isAdminEquivalent),
        a => a.targetName,
      ),
    }),
  },
  'IDC-USER-001': {
    population: 'user',
    holds: each =>
      enabled(each) && each.firstSeen.isOlderThan(14 * day, asOf)
        ? each.groups.length > 0 || each.assignments.length > 0 || each.applicationAssignments.length > 0
        : null,
    says: each => each.name,
    shows: each => ({ UserName: each.UserName }),
  },
  'IDC-USER-002': {
    population: 'principal',
    holds: each => (each.isDirectoryExternal ? each.ExternalIds.length > 0 : null),
    says: each => each.name,
    shows: each => ({ kind: each.kind }),
  },
  'IDC-USER-003': {
    population: 'user',
    holds: each =>
      each.UserStatus === 'DISABLED' && each.disabledSince.isOlderThan(7 * day, asOf)
        ? each.assignments.length === 0 && each.applicationAssignments.length === 0 && !each.groups.some(isAssigned)
        : null,
    says: each => {
      const groups = each.groups.filter(isAssigned)
      return `${each.name} is disabled since ${each.disabledSince.text} and holds ${each.assignments.length} account assignments, ${each.applicationAssignments.length} application assignments, and membership of ${groups.length} groups with assignments (${joined(groups, g => g.name)})`
    },
    shows: each => ({
      UserName: each.UserName,
      UserStatus: each.UserStatus,
      disabledSince: each.disabledSince.text,
      assignments: texts(each.assignments, a => a.targetName),
      applicationAssignments: texts(each.applicationAssignments, a => a.targetName),
      groups: texts(each.groups, g => g.name),
    }),
  },
  'IDC-USER-004': {
    population: 'user',
    holds: each => each.primaryEmail !== null && each.sameEmail.length === 0 && each.sameUserName.length === 0,
    says: each => each.name,
    shows: each => ({ UserName: each.UserName, email: each.primaryEmail }),
  },
  'IDC-USER-005': {
    population: 'user',
    holds: each =>
      enabled(each) && (generic.test(each.UserName) || (each.DisplayName !== null && generic.test(each.DisplayName)))
        ? false
        : null,
    says: each =>
      `${each.name} (${each.DisplayName ?? '(none)'}) looks like a shared or generic identity and is not registered with owner, reason and an expiry date to come`,
    shows: each => ({ UserName: each.UserName, DisplayName: each.DisplayName }),
  },
  'ORG-005': {
    population: 'account',
    holds: each => {
      if (each.State !== 'ACTIVE') return null
      if (!['Owner', 'Environment'].every(key => (tag(each, key) ?? '') !== '')) return false
      const owners = each.estate.people.named(tag(each, 'Owner'))
      return owners.length === 1 && isActive(owners[0].status)
    },
    says: each => {
      const missing = ['Owner', 'Environment'].filter(key => (tag(each, key) ?? '') === '')
      const owner = tag(each, 'Owner')
      const owners = owner === null ? [] : each.estate.people.named(owner)
      return `${each.name} lacks the tags ${missing.join(', ')}; its owner is ${owner ?? '(none)'}, of the roster: ${joined(owners, p => `${p.name} (${p.status})`)}`
    },
    shows: each => ({ tags: texts(each.tags, t => t.Key) }),
  },
}

const isAssigned = (group: Thing) => group.assignments.length > 0 || group.applicationAssignments.length > 0
const generic = /^admin|^root|shared|generic|test|demo|^svc|service|team|ops@/i

function* membersOf(source: Thing, population: string): Iterable<Thing> {
  if (population === 'entitlement') for (let i = 0; i < source.entitlements.size; i++) yield source.entitlements.at(i)
  else if (['person', 'rosteredUser', 'principal'].includes(population)) yield* source.populations.members(population)
  else {
    const kinds = population === 'assignment' ? ['accountAssignment', 'applicationAssignment'] : [population]
    for (const kind of kinds) for (const number of source.populations.order(kind)) yield source[kind](number)
  }
}

interface Judged {
  readonly pass: number
  readonly fail: number
  readonly fails: readonly { readonly key: string; readonly reason: string; readonly facts: object }[]
}

/** Status of every subject, the digest over them, and what is said and shown of the fails: all that an evaluation has of a control. */
function judge(source: Thing, { population, holds, says, shows }: ByHand): Judged {
  const hash = createHash('sha256')
  const fails: { key: string; reason: string; facts: object }[] = []
  let [pass, lines] = [0, '']
  for (const member of membersOf(source, population)) {
    const status = holds(member)
    const { key } = member
    if (status === true) pass++
    else if (status === false) fails.push({ key, reason: says(member), facts: shows(member) })
    lines += `${JSON.stringify(key)} ${status}\n`
    if (lines.length > 65_536) {
      hash.update(lines)
      lines = ''
    }
  }
  hash.update(lines).digest()
  return { pass, fail: fails.length, fails }
}

const heaviest = 10

/**
 * The ten controls that take longest at a size, by the engine and by hand, each the best of some runs on the same estate, which is warm.
 * Both must say the same of every subject.
 */
export async function benchByHand(size: 'M' | 'L') {
  const { catalog, estate } = await estateOf(size, false)
  const at = new Date(asOf)
  const timed = catalog.compiled.map(control => {
    const one = { ...catalog, compiled: [control] }
    let ms = Number.POSITIVE_INFINITY
    for (let run = 0; run < 2; run++) {
      const from = performance.now()
      evaluate(one, estate, at)
      ms = Math.min(ms, performance.now() - from)
    }
    return { id: control.info.id, one, ms }
  })
  const order = timed.sort((a, b) => b.ms - a.ms)
  const written = order.filter(({ id }) => id in byHand).slice(0, heaviest)
  const last = written.at(-1)!.ms
  const rows = written.map(({ id, one }) => {
    const hand = byHand[id]!
    let [engineMs, handMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
    for (let run = 0; run < (size === 'M' ? 7 : 3); run++) {
      let from = performance.now()
      const judged = judge(estate.sources[0], hand)
      handMs = Math.min(handMs, performance.now() - from)
      from = performance.now()
      const outcome = evaluate(one, estate, at).outcomes[0]!
      engineMs = Math.min(engineMs, performance.now() - from)
      if (run === 0) compare(id, judged, outcome)
    }
    const ratio = Number((engineMs / handMs).toFixed(2))
    const over = Math.max(0, Math.round(engineMs - 3 * handMs))
    return { id, engineMs: Math.round(engineMs), handMs: Math.round(handMs), ratio, msAboveThrice: over }
  })
  const sum = (of: 'engineMs' | 'handMs') => rows.reduce((total, row) => total + row[of], 0)
  return {
    size,
    /** those that take as long and were not written by hand; none, unless the machine was busy */
    notWritten: order.filter(({ id, ms }) => !(id in byHand) && ms > last).map(({ id }) => id),
    engineMs: sum('engineMs'),
    handMs: sum('handMs'),
    ratio: Number((sum('engineMs') / sum('handMs')).toFixed(2)),
    controls: rows,
  }
}

/** @throws {Error} where the two do not say the same */
function compare(id: string, { pass, fail, fails }: Judged, outcome: ControlOutcome): void {
  if (pass !== outcome.pass || fail !== outcome.fail)
    throw new Error(`${id}: by hand ${pass} pass and ${fail} fail, by the engine ${outcome.pass} and ${outcome.fail}`)
  const said = new Map(outcome.results.map(({ subject, reason, facts }) => [subject.key, { reason, facts }]))
  for (const { key, reason, facts } of fails.slice(0, 1000)) {
    const [ours, theirs] = [JSON.stringify(said.get(key)), JSON.stringify({ reason, facts })]
    if (ours !== theirs) throw new Error(`${id} of ${key}: by hand ${theirs}, by the engine ${ours}`)
  }
}

if (process.argv[1] === import.meta.filename)
  process.stdout.write(`${JSON.stringify(await benchByHand(process.argv[2] === 'L' ? 'L' : 'M'))}\n`)
