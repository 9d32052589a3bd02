import { execFileSync } from 'node:child_process'
import { buildEstate, evaluate, loadCatalog } from '../../src/controls/index.ts'
import type { ControlOutcome, Facts, Gap, ImportedRows, Snapshot, StoredResource } from '../../src/model.ts'
import { peakMiB } from '../peak-memory.ts'
import { sizes } from './sizes.ts'

export type Size = 'M' | 'L'

export const asOf = new Date('2026-03-01T00:00:00Z')
const at = new Date('2025-01-01T00:00:00Z')
/** younger than the period of reviews: with a million entitlements of which none was reviewed, results would be all that is measured */
export const lately = new Date('2026-01-20T00:00:00Z')
export const isEdge = (dataset: string) => /memberships|account_assignments/.test(dataset)
export const place = { accountId: '111111111111', region: 'eu-west-1' }
export const accountId = (index: number) => String(100_000_000_000 + index)
const userId = (index: number) => `90677c608f-${String(index).padStart(8, '0')}-4d28-9b8a-6b1c2d3e4f5a`
const groupId = (index: number) => `90677c608f-${String(index).padStart(8, '0')}-8c1d-4a5b-9c8d7e6f5a4b`
const setArn = (index: number) => `arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-${String(index).padStart(16, '0')}`
const appArn = (index: number) =>
  `arn:aws:sso::111111111111:application/ssoins-1234567890abcdef/apl-${String(index).padStart(16, '0')}`

/** Rows of an organization, spread evenly and made as they are read; one set in a hundred administers. */
export function* rows(name: Size, refused: ReadonlySet<string>): Generator<StoredResource> {
  const size = sizes[name]
  const row = (dataset: string, parent: string, key: string, facts: Facts): StoredResource => ({
    ...{ dataset, place, parent, key, facts, digest: '', salt: null },
    ...(isEdge(dataset)
      ? { firstSeenAt: lately, seenFromTheStart: false, since: lately, earlier: [] }
      : { firstSeenAt: at, seenFromTheStart: true, since: at, earlier: [] }),
  })
  const time = '2025-01-01T00:00:00Z'
  yield row('organizations.organizations', '', 'o-1', { Id: 'o-1', FeatureSet: 'ALL', MasterAccountId: accountId(0) })
  yield row('organizations.roots', '', 'r-1', { Id: 'r-1', PolicyTypes: [{ Type: 'SERVICE_CONTROL_POLICY', Status: 'ENABLED' }] })
  yield row('sso.instances', '', 'i-1', { InstanceArn: 'i-1', Status: 'ACTIVE', OwnerAccountId: accountId(0) })
  for (let i = 0; i < size.accounts; i++) {
    const id = accountId(i)
    yield row('organizations.accounts', '', id, { Id: id, Name: `account${i}`, State: 'ACTIVE', Paths: [`o-1/r-1/ou-1/${id}/`] })
    yield row('organizations.tags', id, `${id}|Owner`, { Key: 'Owner', Value: `person${i % 100}` })
  }
  for (let i = 0; i < size.users; i++) {
    const facts: Facts = {
      ...{ UserId: userId(i), UserName: `given${i}.family${i}`, DisplayName: `Given${i} Family${i}` },
      ...{
        UserStatus: i % 20 === 0 ? 'DISABLED' : 'ENABLED',
        Emails: [{ Value: `given${i}.family${i}@example.com`, Primary: true }],
      },
      ...{ CreatedAt: time, UpdatedAt: time },
    }
    if (refused.has(`user ${i}`)) delete (facts as Record<string, unknown>).UserStatus
    yield row('identitystore.users', '', userId(i), facts)
  }
  for (let i = 0; i < size.groups; i++)
    yield row('identitystore.groups', '', groupId(i), { GroupId: groupId(i), DisplayName: `group${i}`, CreatedAt: time })
  for (let i = 0; i < size.permissionSets; i++) {
    const arn = setArn(i)
    yield row('sso.permission_set_arns', '', arn, { PermissionSetArn: arn })
    yield row('sso.permission_sets', arn, arn, {
      PermissionSetArn: arn,
      Name: `Set${i}`,
      SessionDuration: 'PT4H',
      CreatedDate: time,
    })
    const isUnread = refused.has(`set ${i}`)
    if (!isUnread) yield row('sso.inline_policies', arn, arn, {})
    const Name = i % 100 === 0 ? 'AdministratorAccess' : 'ReadOnlyAccess'
    const Arn = `arn:aws:iam::aws:policy/${Name}`
    yield row('sso.managed_policies', arn, `${arn}|${Arn}`, { Name, Arn })
  }
  for (let i = 0; i < size.applications; i++) {
    yield row('sso.applications', '', appArn(i), { ApplicationArn: appArn(i), Name: `app${i}`, Status: 'ENABLED' })
    yield row('sso.application_assignments', appArn(i), `${appArn(i)}|GROUP|${groupId(i)}`, {
      ...{ ApplicationArn: appArn(i), PrincipalType: 'GROUP', PrincipalId: groupId(i) },
    })
  }
  // in the order of their parts, as the store hands them over
  for (let g = 0; g < size.groups; g++) {
    if (refused.has(`group ${g}`)) continue
    for (let i = g; i < size.memberships; i += size.groups) {
      const [group, user] = [groupId(g), userId((i * 13 + Math.floor(i / size.groups)) % size.users)]
      yield row('identitystore.group_memberships', group, `${group}|${user}`, {
        ...{ IdentityStoreId: 'd-1234567890', MembershipId: `m-${i}`, GroupId: group, MemberId: { UserId: user } },
      })
    }
  }
  const perAccount = Math.ceil(size.assignments / size.accounts)
  const pairsPerAccount = size.pairs / size.accounts
  for (let i = 0; i < size.assignments; i++) {
    const account = Math.floor(i / perAccount)
    const set = (account * 7 + Math.floor(((i % perAccount) * pairsPerAccount) / perAccount)) % size.permissionSets
    const isGroup = i % 8 !== 0
    const principal = isGroup ? groupId((i * 11) % size.groups) : userId((i * 17) % size.users)
    yield row(
      'sso.account_assignments',
      `${accountId(account)}|${setArn(set)}`,
      `${accountId(account)}|${setArn(set)}|${isGroup ? 'GROUP' : 'USER'}|${principal}`,
      {
        ...{
          AccountId: accountId(account),
          PermissionSetArn: setArn(set),
          PrincipalType: isGroup ? 'GROUP' : 'USER',
          PrincipalId: principal,
        },
      },
    )
  }
}

export const datasetNames = [
  'sso.instances',
  'sso.permission_set_arns',
  'sso.permission_sets',
  'sso.inline_policies',
  'sso.managed_policies',
  'sso.customer_managed_policy_references',
  'sso.permissions_boundaries',
  'sso.provisioned_accounts',
  'sso.account_assignments',
  'sso.applications',
  'sso.application_assignments',
  'sso.tags',
  'sso.outdated_provisioned_accounts',
  'sso.application_assignment_configurations',
  'sso.trusted_token_issuers',
  'sso.trusted_token_issuer_details',
  'sso.access_control_attributes',
  'identitystore.users',
  'identitystore.groups',
  'identitystore.group_memberships',
  'organizations.organizations',
  'organizations.roots',
  'organizations.organizational_units',
  'organizations.accounts',
  'organizations.tags',
  'organizations.policies',
  'organizations.policy_documents',
  'organizations.policy_targets',
  'organizations.delegated_administrators',
  'organizations.delegated_services',
  'organizations.resource_policies',
  'organizations.service_access',
]

/** One fact in a hundred, and the members of one group in a hundred, refused. */
function refusals(name: Size): { readonly gaps: readonly Gap[]; readonly refused: ReadonlySet<string> } {
  const size = sizes[name]
  const gap = (dataset: string, parent: string, key: string | null, member: string | null): Gap => ({
    ...{ dataset, place, parent, key, member, reason: 'access_denied', action: 'sso:Read', errorCode: null, message: 'refused' },
  })
  const every = (count: number) => Array.from({ length: Math.floor(count / 100) }, (_, i) => i * 100 + 7)
  const users = every(size.users)
  const sets = every(size.permissionSets)
  const groups = every(size.groups).slice(0, 200)
  return {
    gaps: [
      ...users.map(i => gap('identitystore.users', '', userId(i), 'UserStatus')),
      ...sets.map(i => gap('sso.inline_policies', setArn(i), null, null)),
      ...groups.map(i => gap('identitystore.group_memberships', groupId(i), null, null)),
    ],
    refused: new Set([...users.map(i => `user ${i}`), ...sets.map(i => `set ${i}`), ...groups.map(i => `group ${i}`)]),
  }
}

export const identity = {
  ...{ partition: 'aws', organizationId: 'o-1', managementAccountId: accountId(0), instanceArn: 'i-1', identityStoreId: 'd-1' },
  ...{ instanceOwnerAccountId: place.accountId, homeRegion: place.region },
}

function snapshotOf(name: Size, gaps: readonly Gap[]): Snapshot {
  const hidden = new Set(gaps.filter(gap => gap.member === null).map(gap => gap.dataset))
  return {
    ...{
      source: name,
      version: 1,
      runId: 'bench',
      callers: [],
      startedAt: asOf,
      sealedAt: asOf,
      previousDigest: null,
      digest: '',
    },
    identity,
    datasets: datasetNames.map(dataset => ({
      ...{
        name: dataset,
        place,
        coverage: hidden.has(dataset) ? ('incomplete' as const) : ('complete' as const),
        count: 0,
        digest: '',
      },
      ...{ parts: 1, openParts: 0, pages: 1, calls: 1, duplicates: 0, firstObservedAt: asOf, lastObservedAt: asOf, reason: null },
    })),
    ...{ gaps, plannedCalls: null, calls: 0, throttles: 0, callLedgerRoot: '', softwareVersion: '0' },
  }
}

/** A roster in which everybody works here, no approvals, and a review of every group's assignments. */
export function importsOf(name: Size): readonly ImportedRows[] {
  const size = sizes[name]
  const file = (kind: ImportedRows['kind'], content: readonly Facts[]) => ({
    kind,
    location: kind,
    digest: '',
    importedAt: asOf,
    rows: content,
  })
  return [
    file(
      'roster',
      Array.from({ length: size.users }, (_, i) => ({
        personId: `p${i}`,
        email: `given${i}.family${i}@example.com`,
        status: 'active',
      })),
    ),
    file('attestations', []),
    file('approvals', []),
    file(
      'reviews',
      Array.from({ length: size.permissionSets }, (_, i) => ({
        reviewer: 'ben',
        reviewedAt: '2026-02-01',
        decision: 'keep',
        group: `group${i}`,
        permissionSet: `Set${i}`,
      })),
    ),
  ]
}

export const scaleParameters = {
  'SOD-001': { conflictPairs: ['Set1|Set2', 'Set3|Set4'] },
  'SOD-002': { protectedAccounts: [accountId(3)] },
}

export async function estateOf(name: Size, withGaps: boolean) {
  const { gaps, refused } = withGaps ? refusals(name) : { gaps: [], refused: new Set<string>() }
  const catalog = loadCatalog({ parameters: scaleParameters })
  async function* stream() {
    yield* rows(name, refused)
  }
  const estate = await buildEstate(
    { asOf, sources: [{ snapshot: snapshotOf(name, gaps), resources: stream() }], imports: importsOf(name) },
    catalog.managedPolicies,
  )
  return { catalog, estate }
}

/** The whole catalog on an organization of a size, in a process of its own: from the first row read to the last result. */
export async function measure(name: Size, withGaps: boolean) {
  const heap = () => {
    globalThis.gc?.()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return Math.round((heapUsed + arrayBuffers) / 2 ** 20)
  }
  loadCatalog()
  const before = heap()
  const started = performance.now()
  const { catalog, estate } = await estateOf(name, withGaps)
  const linked = performance.now()
  const estateMb = heap() - before
  const judging = performance.now()
  const byControl: { id: string; ms: number; population: number }[] = []
  // what was found is kept, as an evaluation keeps it
  const outcomes: ControlOutcome[] = []
  for (const control of catalog.compiled) {
    const from = performance.now()
    const [outcome] = evaluate({ ...catalog, compiled: [control] }, estate, asOf).outcomes
    outcomes.push(outcome!)
    byControl.push({ id: control.info.id, ms: Math.round(performance.now() - from), population: outcome!.population })
  }
  const judgeMs = Math.round(performance.now() - judging)
  return {
    size: name,
    withGaps,
    controls: byControl.length,
    results: byControl.reduce((sum, { population }) => sum + population, 0),
    resultsKept: outcomes.reduce((sum, { results }) => sum + results.length, 0),
    linkMs: Math.round(linked - started),
    judgeMs,
    totalMs: Math.round(linked - started) + judgeMs,
    estateMb,
    afterMb: heap() - before,
    peakRssMb: peakMiB(),
    heaviest: byControl.sort((a, b) => b.ms - a.ms).slice(0, 12),
  }
}

/** The same without and with refusals, each in a process of its own, so that its memory is its own; and what the refusals cost. */
export async function benchAtScale(name: Size): Promise<object> {
  const run = (gaps: string) =>
    JSON.parse(
      execFileSync(process.execPath, ['--expose-gc', import.meta.filename, name, gaps], { encoding: 'utf8' }),
    ) as Awaited<ReturnType<typeof measure>>
  const [plain, refused] = [run('none'), run('gaps')]
  return { plain, refused, gapsToNone: Number((refused.judgeMs / plain.judgeMs).toFixed(2)) }
}

if (process.argv[1] === import.meta.filename) {
  const [, , name = 'M', gaps = 'none'] = process.argv
  process.stdout.write(`${JSON.stringify(await measure(name as Size, gaps === 'gaps'))}\n`)
}
