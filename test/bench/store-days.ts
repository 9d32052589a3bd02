import type { CollectionPlan, PartPiece, Place, Row, Source } from '../../src/model.ts'
import { type OpenRun, openRun, type Store, saveParts } from '../../src/store/index.ts'
import { sizes } from './sizes.ts'

const place: Place = { accountId: '111122223333', region: 'eu-west-1' }
const identity = {
  ...{
    partition: 'aws',
    organizationId: 'o-bench',
    managementAccountId: place.accountId,
    instanceArn: 'arn:aws:sso:::instance/ssoins-bench',
  },
  ...{ identityStoreId: 'd-bench', instanceOwnerAccountId: place.accountId, homeRegion: place.region },
}
export const source: Source = {
  ...{ label: 'bench', kind: 'aws', partition: 'aws', region: place.region, auth: { roleArn: null, externalId: null } },
  ...{ budgetShare: 1, rateLimits: {}, includePersonalData: false },
}

const datasets = ['identitystore.users', 'identitystore.groups', 'identitystore.group_memberships', 'sso.account_assignments']
const steps = datasets.map(dataset => ({
  dataset,
  operation: 'List',
  action: `${dataset.split('.')[0]}:List`,
  place,
  calls: null,
}))
const planOfBench: CollectionPlan = { source: 'bench', identity, callers: [], steps, calls: null, seconds: null }

export function openRunOfBench(store: Store): Promise<OpenRun> {
  return openRun(store, source, planOfBench)
}

/** Saves the organization of a day into a run, about 2,000 rows at a time. */
export async function saveDay(run: OpenRun, size: 'S' | 'M' | 'L', day: number): Promise<void> {
  let pieces: PartPiece[] = []
  let rows = 0
  let saving: Promise<void> = Promise.resolve()
  for (const piece of partsOf(size, day)) {
    pieces.push(piece)
    rows += piece.rows.length + 1
    if (rows < 2000) continue
    await saving
    saving = saveParts(run, { pieces, calls: [] })
    pieces = []
    rows = 0
  }
  await saving
  await saveParts(run, { pieces, calls: [] })
}

/** The organization of a day; of 1,000 rows five are another's than the day before, and stay so until their turn comes again. */
export function* partsOf(size: 'S' | 'M' | 'L', day: number): Generator<PartPiece> {
  const { users, groups, permissionSets, accounts, pairs, memberships, assignments } = sizes[size]
  const changed = (i: number) => Math.max(0, day - ((((day - i) % 200) + 200) % 200))
  const at = new Date('2026-01-01T00:00:00Z')
  const end = {
    coverage: 'complete',
    reason: null,
    gaps: [],
    pages: 1,
    duplicates: 0,
    firstObservedAt: at,
    lastObservedAt: at,
  } as const
  const piece = (dataset: string, parent: string, rows: readonly Row[], isFirst = true, isLast = true): PartPiece => ({
    ...{ part: { dataset, place, parent }, isFirst, rows, end: isLast ? end : null },
  })
  for (let i = 0; i < users; i += 1000) {
    const rows = Array.from({ length: Math.min(1000, users - i) }, (_, n) => userRow(i + n, changed(i + n)))
    yield piece('identitystore.users', '', rows, i === 0, i + 1000 >= users)
  }
  for (let i = 0; i < groups; i += 1000) {
    const rows = Array.from({ length: Math.min(1000, groups - i) }, (_, n) => groupRow(i + n))
    yield piece('identitystore.groups', '', rows, i === 0, i + 1000 >= groups)
  }
  const each = Math.floor(memberships / groups)
  for (let g = 0; g < groups; g++) {
    const rows = Array.from({ length: each }, (_, n) => {
      const user = uuid('u', (g * 31 + n * 7 + changed(g * each + n)) % users)
      return {
        key: `${uuid('g', g)}|${user}`,
        facts: {
          GroupId: uuid('g', g),
          IdentityStoreId: 'd-bench',
          MemberId: { UserId: user },
          MembershipId: uuid('m', g * each + n),
        },
      }
    })
    yield piece('identitystore.group_memberships', uuid('g', g), [...new Map(rows.map(row => [row.key, row])).values()])
  }
  const perPair = Math.max(1, Math.floor(assignments / pairs))
  for (let p = 0; p < pairs; p++) {
    const account = account12(p % accounts)
    const set = `arn:aws:sso:::permissionSet/ssoins-bench/ps-${(Math.floor(p / accounts) + p) % permissionSets}`
    const rows = Array.from({ length: perPair }, (_, n) => {
      const group = uuid('g', (p * 13 + n * 5 + changed(p)) % groups)
      const facts = { AccountId: account, PermissionSetArn: set, PrincipalType: 'GROUP', PrincipalId: group }
      return { key: `${account}|${set}|GROUP|${group}`, facts }
    })
    yield piece('sso.account_assignments', `${account}|${set}`, [...new Map(rows.map(row => [row.key, row])).values()])
  }
}

function userRow(i: number, change: number): Row {
  const id = uuid('u', i)
  const name = { GivenName: `given${i}`, FamilyName: `family${i}`, Formatted: `given${i} family${i}` }
  const facts = {
    ...{
      UserId: id,
      UserName: `user${i}@example.com`,
      DisplayName: `given${i} family${i}`,
      Name: name,
      IdentityStoreId: 'd-bench',
      UserStatus: 'ENABLED',
    },
    ...{
      Emails: [{ Value: `user${i}@example.com`, Type: 'work', Primary: true }],
      Title: `title ${change}`,
      CreatedAt: '2025-01-01T00:00:00Z',
    },
  }
  return { key: id, facts }
}

function groupRow(i: number): Row {
  const id = uuid('g', i)
  return { key: id, facts: { GroupId: id, DisplayName: `group ${i}`, IdentityStoreId: 'd-bench' } }
}

export function uuid(kind: string, i: number): string {
  return `${kind.charCodeAt(0).toString(16).padStart(8, '0')}-0000-4000-8000-${i.toString(16).padStart(12, '0')}`
}

export function account12(i: number): string {
  return String(100_000_000_000 + i)
}
