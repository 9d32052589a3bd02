import { canonicalJson, sha256 } from '../digest.ts'
import { copyOut } from './copy-out.ts'
import { datasetKey } from './dataset-summary.ts'
import { type Edge, edgeFacts, type PrincipalType } from './edge.ts'
import { contentDigest } from './part-content.ts'
import { betweenQuotes, type IdRange, isUnseenNow, type Reading } from './version-reading.ts'
import { stillHolds } from './versions.ts'

/** A part, and what was read of it. */
interface Part {
  readonly id: number
  readonly unit: number
  readonly parent: string
  readonly jsonParent: string
  /** digest by which an equal reading is known; null for none */
  readonly noted: string | null
  /** what its facts begin with where they have the usual form, with this number of an identity store; null before the first */
  prefix: string | null
  prefixStore: number
  /** its edges that hold and were seen, as they are for its digest */
  lines: string[] | null
}

/**
 * Reads the edges of a range of parts: the digest of each is computed again, and that by which an equal reading of a part is known. A wrong
 * one of those would let a later reading that it fits pass for "nothing changed"; a part without one is compared row by row, and that is no problem.
 */
export async function checkEdges(reading: Reading, range: IdRange): Promise<void> {
  const parts = await partsIn(reading, range)
  await reading.loadKeys()
  await readMemberships(reading, range, parts)
  await readAssignments(reading, range, parts)
  for (const part of parts.values()) {
    if (part.noted === null) continue
    const computed = part.lines === null ? null : contentDigest(part.lines.sort().join('\0'))
    if (computed === part.noted) continue
    const message = `equal readings are known by ${part.noted}, its rows give ${computed ?? 'nothing'}`
    reading.problems.push({ kind: 'part', name: nameOf(reading, part, part.parent).trim(), message })
  }
}

async function partsIn(reading: Reading, { from, to }: IdRange): Promise<ReadonlyMap<number, Part>> {
  const parts = new Map<number, Part>()
  const select = `select p.id, p.source_id, p.dataset_id, p.place_id, p.parent, c.digest from part p left join part_content c on c.part_id = p.id
    where p.id >= ${from} and p.id < ${to}`
  await copyOut(reading.client, select, row => {
    const id = row.int()
    const unit = reading.unitOf(row.int(), row.int(), row.int())
    const parent = row.text()!
    if (unit === null) return
    parts.set(id, {
      id,
      unit,
      parent,
      jsonParent: betweenQuotes(parent),
      noted: row.hex(),
      prefix: null,
      prefixStore: 0,
      lines: null,
    })
  })
  return parts
}

async function readMemberships(reading: Reading, range: IdRange, parts: ReadonlyMap<number, Part>): Promise<void> {
  const { keys, jsonKeys } = reading
  const unseen = await reading.unseen('membership', range)
  let part: Part | undefined
  const select = `select source_id, part_id, user_id, from_version, to_version, digest, store_id, membership_id, rest from membership_version v where ${within(range)}`
  await copyOut(reading.client, select, row => {
    const [sourceId, partId, userId, from, to] = [row.int(), row.int(), row.int(), row.int(), row.int()]
    const [digest, storeId, membershipId, rest] = [row.hex()!, row.int(), row.text(), row.text()]
    if (part?.id !== partId) part = parts.get(partId)
    const [userKey, jsonUser] = [keys[userId], jsonKeys[userId]]
    if (part === undefined || userKey === undefined) return tellLost(reading, part, `part ${partId} key ${userId}`, from)
    const storeKey = storeId === 0 ? null : (keys[storeId] ?? null)
    let computed: string | null = null
    if (rest === null && storeKey !== null && membershipId !== null) {
      if (part.prefix === null || part.prefixStore !== storeId) {
        part.prefix = `{"GroupId":"${part.jsonParent}","IdentityStoreId":"${jsonKeys[storeId]}","MemberId":{"UserId":"`
        part.prefixStore = storeId
      }
      computed = sha256(`${part.prefix}${jsonUser}"},"MembershipId":"${betweenQuotes(membershipId)}"}`)
    }
    const hidden = unseen.size === 0 ? undefined : unseen.get(`${partId} ${userId}`)
    if (digest !== computed || reading.units[part.unit]!.sourceId !== sourceId)
      judge(reading, part, sourceId, `${part.parent}|${userKey}`, from, digest, {
        kind: 'membership',
        userKey,
        membershipId,
        storeKey,
        rest,
      })
    reading.add(part.unit, from, to, hidden, sha256(`["${part.jsonParent}|${jsonUser}","${part.jsonParent}","${digest}"]`))
    if (part.noted !== null && to === stillHolds && !isUnseenNow(hidden))
      keep(part, `${userKey}\0${membershipId ?? ''}\0${storeKey ?? ''}\0${rest ?? ''}`)
  })
}

async function readAssignments(reading: Reading, range: IdRange, parts: ReadonlyMap<number, Part>): Promise<void> {
  const { keys, jsonKeys } = reading
  const unseen = await reading.unseen('assignment', range)
  let part: Part | undefined
  const select = `select source_id, part_id, principal_type, principal_id, from_version, to_version, digest, rest from assignment_version v where ${within(range)}`
  await copyOut(reading.client, select, row => {
    const [sourceId, partId, type, principalId, from, to] = [row.int(), row.int(), row.int(), row.int(), row.int(), row.int()]
    const [digest, rest] = [row.hex()!, row.text()]
    if (part?.id !== partId) part = parts.get(partId)
    const [principalKey, jsonPrincipal] = [keys[principalId], jsonKeys[principalId]]
    if (part === undefined || principalKey === undefined)
      return tellLost(reading, part, `part ${partId} key ${principalId}`, from)
    const typeName = type === 1 ? 'USER' : 'GROUP'
    part.prefix ??= pairPrefix(part)
    const computed = rest === null ? sha256(`${part.prefix}${jsonPrincipal}","PrincipalType":"${typeName}"}`) : null
    const hidden = unseen.size === 0 ? undefined : unseen.get(`${partId} ${type} ${principalId}`)
    if (digest !== computed || reading.units[part.unit]!.sourceId !== sourceId) {
      const edge = { kind: 'assignment', principalType: type as PrincipalType, principalKey, rest } as const
      judge(reading, part, sourceId, `${part.parent}|${typeName}|${principalKey}`, from, digest, edge)
    }
    const leaf = sha256(`["${part.jsonParent}|${typeName}|${jsonPrincipal}","${part.jsonParent}","${digest}"]`)
    reading.add(part.unit, from, to, hidden, leaf)
    if (part.noted !== null && to === stillHolds && !isUnseenNow(hidden)) keep(part, `${type}\0${principalKey}\0${rest ?? ''}`)
  })
}

function within({ from, to }: IdRange): string {
  return `v.part_id >= ${from} and v.part_id < ${to}`
}

/** Of an account's assignment. One of an application has another form, and is judged by its facts. */
function pairPrefix({ parent }: Part): string {
  const bar = parent.indexOf('|')
  const [account, set] = [betweenQuotes(parent.slice(0, bar)), betweenQuotes(parent.slice(bar + 1))]
  return `{"AccountId":"${account}","PermissionSetArn":"${set}","PrincipalId":"`
}

function keep(part: Part, line: string): void {
  if (part.lines === null) part.lines = [line]
  else part.lines.push(line)
}

/** A row whose digest is not that of the usual form: its facts decide. */
function judge(reading: Reading, part: Part, sourceId: number, key: string, from: number, digest: string, edge: Edge): void {
  const { dataset, sourceId: expected } = reading.units[part.unit]!
  const tell = (message: string) =>
    reading.problems.push({ kind: 'row', name: nameOf(reading, part, key), message: `${message} (since version ${from})` })
  if (sourceId !== expected) tell('it names another source than its part')
  try {
    const computed = sha256(canonicalJson(edgeFacts(dataset, part.parent, edge)))
    if (computed !== digest) tell(`its digest is ${digest}, its facts give ${computed}`)
  } catch (error) {
    tell(`its facts cannot be read: ${(error as Error).message}`)
  }
}

/** A row that no snapshot can show, since its part or key is not there. */
function tellLost(reading: Reading, part: Part | undefined, key: string, from: number): void {
  const what = part === undefined ? 'part' : 'key'
  const name = part === undefined ? key : nameOf(reading, part, key)
  reading.problems.push({ kind: 'row', name, message: `its ${what} is not in the database (since version ${from})` })
}

function nameOf({ units }: Reading, { unit }: Part, key: string): string {
  const { dataset, place } = units[unit]!
  return `${datasetKey(dataset, place)} ${key}`
}
