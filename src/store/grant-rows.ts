import type { Place } from '../model.ts'
import { query } from './database.ts'
import type { Store } from './store.ts'
import { stillHolds } from './versions.ts'

/** One grant over time: a membership, or an assignment. Versions that follow each other without a break are one span. */
export interface Grant {
  readonly partId: number
  readonly place: Place
  readonly parent: string
  /** 1 a user, 2 a group; a membership's is always 1 */
  readonly principalType: 1 | 2
  readonly principalKey: string
  readonly spans: readonly Span[]
}

/** In versions of its source: present from `from` up to, not including, `to`. */
export interface Span {
  readonly from: number
  readonly to: number
  /** times within when it was last known and not seen */
  readonly unseen: readonly { readonly from: number; readonly to: number }[]
}

export const datasetsOfAccess = {
  memberships: 'identitystore.group_memberships',
  assignments: 'sso.account_assignments',
} as const

/** Memberships of users, or of groups, with all their history. */
export async function readMemberships(
  store: Store,
  sourceId: number,
  who: { readonly users: readonly string[] } | { readonly groups: readonly string[] },
): Promise<Grant[]> {
  const byUser = 'users' in who
  const chosen = byUser
    ? 'v.user_id = any (array(select k.id from resource_key k where k.source_id = $1 and k.key = any ($3::text[])))'
    : 'p.parent = any ($3::text[])'
  const rows = await query<GrantRow>(
    store.db,
    `select v.part_id, p.parent, l.account_id, l.region, 1 as principal_type, k.key, v.from_version, v.to_version, ${unseenOf('membership', ['part_id', 'user_id'])}
     from part p join membership_version v on v.part_id = p.id join resource_key k on k.id = v.user_id join place l on l.id = p.place_id
     where p.source_id = $1 and p.dataset_id = (select id from dataset where name = $2) and ${chosen}
     order by v.part_id, v.user_id, v.from_version`,
    [sourceId, datasetsOfAccess.memberships, byUser ? who.users : who.groups],
  )
  return grantsOf(rows)
}

/** Assignments of an account, of a permission set, or of principals, with all their history. */
export async function readAssignments(
  store: Store,
  sourceId: number,
  filter: { readonly account?: string; readonly permissionSetArn?: string; readonly principals?: readonly string[] },
): Promise<Grant[]> {
  const { account, permissionSetArn, principals } = filter
  const rows = await query<GrantRow>(
    store.db,
    `select v.part_id, p.parent, l.account_id, l.region, v.principal_type, k.key, v.from_version, v.to_version,
       ${unseenOf('assignment', ['part_id', 'principal_type', 'principal_id'])}
     from part p join assignment_version v on v.part_id = p.id join resource_key k on k.id = v.principal_id join place l on l.id = p.place_id
     where p.source_id = $1 and p.dataset_id = (select id from dataset where name = $2)
       ${account === undefined ? '' : `and p.parent >= $3::text || '|' and p.parent < $3::text || '}'`}
       ${permissionSetArn === undefined ? '' : `and strpos(p.parent, '|') > 0 and substr(p.parent, strpos(p.parent, '|') + 1) = $4`}
       ${principals === undefined ? '' : `and v.principal_id = any (array(select k.id from resource_key k where k.source_id = $1 and k.key = any ($5::text[])))`}
       and ($3::text is null or true) and ($4::text is null or true) and ($5::text[] is null or true)
     order by v.part_id, v.principal_type, v.principal_id, v.from_version`,
    [sourceId, datasetsOfAccess.assignments, account ?? null, permissionSetArn ?? null, principals ?? null],
  )
  return grantsOf(rows)
}

/** The unseen times of a version row `v`, as `[[from, to], …]`; null for none. Most sources have none at all, which is asked once instead of for each row. */
function unseenOf(kind: 'membership' | 'assignment', identity: readonly string[]): string {
  return `case when exists (select from ${kind}_unseen where source_id = $1) then
    (select json_agg(json_build_array(u.from_version, u.to_version) order by u.from_version) from ${kind}_unseen u
      where ${identity.map(column => `u.${column} = v.${column}`).join(' and ')} and u.from_version < v.to_version and u.to_version > v.from_version) end as unseen`
}

interface GrantRow {
  readonly part_id: number
  readonly parent: string
  readonly account_id: string
  readonly region: string
  readonly principal_type: 1 | 2
  readonly key: string
  readonly from_version: number
  readonly to_version: number
  readonly unseen: readonly (readonly [from: number, to: number])[] | null
}

/** Rows that stand together and in order, as grants. */
function grantsOf(rows: readonly GrantRow[]): Grant[] {
  const grants: (Grant & { readonly spans: Span[] })[] = []
  let before: GrantRow | null = null
  for (const row of rows) {
    const isSame = before?.part_id === row.part_id && before.principal_type === row.principal_type && before.key === row.key
    const unseen = (row.unseen ?? []).map(([from, to]) => ({ from, to }))
    const spans = isSame ? grants.at(-1)!.spans : []
    const last = spans.at(-1)
    if (last !== undefined && last.to === row.from_version) {
      const together = [...last.unseen, ...unseen.filter(each => !last.unseen.some(known => known.from === each.from))]
      spans[spans.length - 1] = { from: last.from, to: row.to_version, unseen: together }
    } else spans.push({ from: row.from_version, to: row.to_version, unseen })
    if (!isSame) {
      const place = { accountId: row.account_id, region: row.region }
      grants.push({
        ...{ partId: row.part_id, place, parent: row.parent, principalType: row.principal_type, principalKey: row.key, spans },
      })
    }
    before = row
  }
  return grants
}

/** The first version from `from` up to, not including, `end` in which all spans were seen; null when there is none. */
export function firstSeen(spans: readonly Span[], from: number, end: number): number | null {
  let at = from
  for (;;) {
    if (at >= end) return null
    const hidden = hiding(spans, at)
    if (hidden === undefined) return at
    at = hidden.to
  }
}

/** The last one. */
export function lastSeen(spans: readonly Span[], from: number, end: number): number | null {
  let at = end - 1
  for (;;) {
    if (at < from) return null
    const hidden = hiding(spans, at)
    if (hidden === undefined) return at
    at = hidden.from - 1
  }
}

function hiding(spans: readonly Span[], at: number): Span['unseen'][number] | undefined {
  for (const { unseen } of spans) {
    const hidden = unseen.find(each => each.from <= at && at < each.to)
    if (hidden !== undefined) return hidden
  }
  return undefined
}

export function isOver(span: Span): boolean {
  return span.to < stillHolds
}
