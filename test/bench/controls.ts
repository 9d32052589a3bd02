import { buildEstate, type Catalog, evaluate, loadCatalog } from '../../src/controls/index.ts'
import { asOf, estateRows, gap, type SmallEstate } from '../controls/estate-rows.ts'
import { sizes } from './sizes.ts'

const size = sizes.M
const accountId = (index: number) => String(100_000_000_000 + index)

/** An organization of size M, spread evenly; one set in ten administers. */
function organization(): SmallEstate {
  const pairs = <T extends readonly string[]>(count: number, make: (index: number) => T): readonly T[] => {
    const made = new Map<string, T>()
    for (let index = 0; made.size < count && index < count * 3; index++) made.set(make(index).join('|'), make(index))
    return [...made.values()]
  }
  const since = { CreatedAt: '2025-01-01T00:00:00Z', UpdatedAt: '2025-01-01T00:00:00Z' }
  return {
    users: Array.from({ length: size.users }, (_, index) => ({
      UserId: `u${index}`,
      UserName: `user${index}`,
      UserStatus: index % 20 === 0 ? 'DISABLED' : 'ENABLED',
      Emails: [{ Value: `user${index}@example.com` }],
      ...since,
    })),
    groups: Array.from({ length: size.groups }, (_, index) => ({ GroupId: `g${index}`, DisplayName: `group${index}`, ...since })),
    memberships: pairs(
      size.memberships,
      index => [`g${(index * 7 + Math.floor(index / size.groups)) % size.groups}`, `u${(index * 13) % size.users}`] as const,
    ),
    sets: Array.from({ length: size.permissionSets }, (_, index) => ({
      arn: `s${index}`,
      name: `Set${index}`,
      session: 'PT4H',
      managed: index % 10 === 0 ? ['AdministratorAccess'] : ['ReadOnlyAccess'],
    })),
    accounts: Array.from({ length: size.accounts }, (_, index) => ({
      Id: accountId(index),
      Name: `account${index}`,
      State: 'ACTIVE',
      Paths: [`o-1/r-1/ou-1/${accountId(index)}/`],
    })),
    managementAccountId: accountId(0),
    assignments: pairs(size.assignments, index => {
      const isGroup = index % 8 !== 0
      const set = `s${(index * 3 + Math.floor(index / size.accounts)) % size.permissionSets}`
      const principal = isGroup ? `g${(index * 11) % size.groups}` : `u${(index * 17) % size.users}`
      return [accountId(index % size.accounts), set, isGroup ? 'GROUP' : 'USER', principal] as const
    }),
    applications: Array.from({ length: size.applications }, (_, index) => ({
      ApplicationArn: `app${index}`,
      Name: `app${index}`,
      Status: 'ENABLED',
    })),
    applicationAssignments: Array.from(
      { length: size.applications },
      (_, index) => [`app${index}`, 'GROUP', `g${index}`] as const,
    ),
  }
}

/**
 * The whole catalog on an organization of size M in memory: linking, judging, the ten heaviest controls, and the price of gaps
 * (members of 1 % of the groups refused). Each figure is the best of three on an estate that was just built.
 */
export async function benchControls(): Promise<object> {
  const parameters = {
    'SOD-001': { conflictPairs: ['Set1|Set2', 'Set3|Set4'] },
    'SOD-002': { protectedAccounts: [accountId(3)] },
  }
  const catalog = loadCatalog({ parameters })
  const whole = organization()
  const gaps = Array.from({ length: size.groups / 100 }, (_, index) =>
    gap('identitystore.group_memberships', { parent: `g${index * 100}` }),
  )
  const plain = await judged(catalog, whole)
  const refused = await judged(catalog, { ...whole, gaps })
  return {
    size: 'M',
    controls: catalog.controls.length,
    linkMs: plain.linkMs,
    judgeMs: plain.judgeMs,
    judgeMsWithGaps: refused.judgeMs,
    gapsToNone: Number((refused.judgeMs / plain.judgeMs).toFixed(2)),
    heaviest: plain.heaviest,
  }
}

async function judged(catalog: Catalog, small: SmallEstate) {
  const runs: { linkMs: number; judgeMs: number; heaviest: { id: string; ms: number; population: number }[] }[] = []
  for (let run = 0; run < 3; run++) {
    const rows = estateRows(small)
    const started = performance.now()
    const estate = await buildEstate(rows, catalog.managedPolicies)
    const linked = performance.now()
    const each = catalog.compiled.map(control => {
      const from = performance.now()
      const [outcome] = evaluate({ ...catalog, compiled: [control] }, estate, asOf).outcomes
      return { id: control.info.id, ms: Math.round(performance.now() - from), population: outcome!.population }
    })
    const judgeMs = Math.round(performance.now() - linked)
    runs.push({ linkMs: Math.round(linked - started), judgeMs, heaviest: each.sort((a, b) => b.ms - a.ms).slice(0, 10) })
  }
  return runs.reduce((best, run) => (run.judgeMs < best.judgeMs ? run : best))
}
