import type { Facts, Json } from '../model.ts'
import type { Connection } from './database.ts'
import { type NamingRow, naming } from './naming.ts'
import { labelsOf } from './source-labels.ts'

/** One user of a source: its resources (of an IAM user, those of its keys, devices and password too), and everything that names the person elsewhere. */
export interface PersonRows {
  readonly entityIds: readonly number[]
  /** what the person is called, in lower case */
  readonly names: readonly string[]
  /** digests of results of evaluations that name the person or are about it */
  readonly results: readonly Buffer[]
  /** digests of states of findings that name the person or are about it */
  readonly findings: readonly Buffer[]
  /** digests of rows of imports that name the person */
  readonly importRows: readonly Buffer[]
}

/**
 * Finds a person by the user's id, or an IAM user by its ARN. Names are what any version of the user and any row of an import about it says: user name, e-mail addresses,
 * external ids, and whole names; a text names the person when it holds one of them as a whole word, whatever its case.
 * @param more further names
 */
export async function findPersonRows(
  on: Connection,
  sourceId: number,
  user: string,
  more: readonly string[] = [],
): Promise<PersonRows> {
  const bodies = await on.query<{ id: number; body: string | null }>(
    `select e.id, v.body from entity e join resource_key k on k.id = e.key_id join dataset d on d.id = e.dataset_id
     left join entity_version v on v.entity_id = e.id
     where e.source_id = $1 and ${isIamUser(user) ? ofIamUser : `d.name = 'identitystore.users' and k.key = $2`}`,
    [sourceId, user],
  )
  const facts = bodies.flatMap(({ body }) => (body === null ? [] : [JSON.parse(body) as Facts]))
  const own = distinct([...(isIamUser(user) ? namesOfIamUser(user) : facts.flatMap(namesOfUser)), ...more])
  const imported = await naming<DigestRow>(on, importBodies, [], own)
  const names = distinct([...own, ...imported.flatMap(({ body }) => namesOfRow(JSON.parse(body) as Facts))])
  const labels = await labelsOf(on, [sourceId])
  const about = await on.query<{ digest: Buffer }>(
    `select digest from result_version where body is not null and source = any ($1::text[]) and (subject_key = $2 or starts_with(subject_key, $2 || '|'))`,
    [labels, user],
  )
  const aboutFindings = await on.query<{ digest: Buffer }>(
    `select v.digest from finding_version v join finding f on f.id = v.finding_id where v.words is not null and f.source = any ($1::text[])
       and (f.subject_key = $2 or starts_with(f.subject_key, $2 || '|'))`,
    [labels, user],
  )
  const findings = await naming<DigestRow>(on, findingWords, [], names)
  const results = await naming<DigestRow>(on, resultBodies, [], names)
  return {
    entityIds: [...new Set(bodies.map(row => row.id))],
    names,
    findings: [...aboutFindings, ...findings].map(row => row.digest),
    results: [...about, ...results].map(row => row.digest),
    importRows: imported.map(row => row.digest),
  }
}

/** What is an IAM user's own: keys of users and of what stands below them begin with the ARN; a virtual device says whose it is. */
const ofIamUser = `case d.name when 'iam.virtual_mfa_devices' then v.body::json->'User'->>'Arn' = $2
  else d.name like 'iam.%' and (k.key = $2 or starts_with(k.key, $2 || '|')) end`

/** Resources of other datasets that name the person, by dataset: they belong to something else and are left as they are. */
export async function othersNaming(
  on: Connection,
  names: readonly string[],
  but: readonly number[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await naming<NamingRow & { readonly dataset: string; readonly id: number }>(on, otherBodies, [but], names)
  const counts = new Map<string, Set<number>>()
  for (const { dataset, id } of rows) counts.set(dataset, (counts.get(dataset) ?? new Set()).add(id))
  return new Map([...counts].map(([dataset, ids]) => [dataset, ids.size]))
}

/**
 * Where else the person is named and has to stay so: in keys, which the digests of snapshots, results, findings and heads are computed over, in
 * what is recorded without a salt, and in the chain of the ledger itself. Each in words, with how many.
 */
export async function unremovableNaming(on: Connection, names: readonly string[]): Promise<readonly string[]> {
  const counts = new Map<string, Set<string>>()
  for (const text of unremovable)
    for (const { name, body } of await naming<NamingRow & { readonly name: string }>(on, text, [], names))
      counts.set(name, (counts.get(name) ?? new Set()).add(body))
  return [...counts].map(([name, bodies]) => (/^(entry|import) /.test(name) ? name : `${bodies.size} ${name}`))
}

/** Whether a person is meant as an IAM user, by its ARN. */
export function isIamUser(user: string): boolean {
  return /^arn:[a-z-]+:iam::\d{12}:user\//.test(user)
}

interface DigestRow extends NamingRow {
  readonly digest: Buffer
}

const importBodies = 'select digest, body from import_row where body is not null'
const resultBodies = 'select digest, body from result_version where body is not null'
const findingWords = 'select digest, words as body from finding_version where words is not null'
const otherBodies = `select d.name as dataset, e.id, v.body from entity_version v join entity e on e.id = v.entity_id
  join dataset d on d.id = e.dataset_id where v.body is not null and e.id <> all ($2::int[])`
const unremovable = [
  `select distinct 'keys of ' || d.name as name, k.key as body from resource_key k join entity e on e.key_id = k.id join dataset d on d.id = e.dataset_id order by 1`,
  `select distinct 'subjects of results' as name, subject_key as body from result_version`,
  `select 'subjects of findings' as name, control_id || ' ' || kind || ' ' || subject_key as body from finding`,
  `select 'states of findings from before their words were kept apart' as name, finding_id || ' ' || from_evaluation || ' ' || body as body from finding_version
     where words is null and disposed is null`,
  `select distinct 'gaps' as name, body from gap_version`,
  `select distinct 'definitions of controls and their parameters' as name, body from control_definition`,
  `select 'lists of callers of snapshots' as name, callers as body from snapshot`,
  `select distinct 'reasons why something was not read' as name, reason as body from (
     select reason from open_part_version union select reason from dataset_summary) r where reason is not null`,
  `select distinct 'messages of runs that failed' as name, error as body from run where error is not null`,
  `select distinct 'outcomes of controls' as name, body from outcome_version`,
  `select distinct 'classifications of permission sets' as name, reason as body from classification`,
  `select 'paths of bundles' as name, path as body from bundle`,
  `select 'import ' || id || ', by where it came from' as name, location as body from import_file`,
  `select 'entry ' || position || ' of the ledger (' || kind || ')' as name, payload as body from ledger`,
]

function namesOfUser(facts: Facts): string[] {
  const { GivenName, FamilyName, Formatted } = (facts.Name ?? {}) as Facts
  const whole = [facts.DisplayName, Formatted, GivenName && FamilyName ? `${GivenName} ${FamilyName}` : null].filter(isSpecific)
  return texts([facts.UserName, ...whole, ...members(facts.Emails, 'Value'), ...members(facts.ExternalIds, 'Id')])
}

/** The ARN, and the name where it is one of a person: `operator-2` is another one's in another account. */
function namesOfIamUser(arn: string): string[] {
  return [arn, ...[arn.slice(arn.lastIndexOf('/') + 1)].filter(name => /\p{L}[.@]\p{L}/u.test(name))]
}

function namesOfRow(row: Facts): string[] {
  return texts([row.userName, row.email, row.externalId, row.personId, row.name].filter(isSpecific))
}

function members(list: Json | undefined, member: string): Json[] {
  return Array.isArray(list) ? (list as readonly Facts[]).map(each => each[member] ?? null) : []
}

/** `Admin` or `1024` names too much to be a person's alone. */
function isSpecific(value: Json | undefined): boolean {
  return typeof value === 'string' && /[\s@.]|\p{L}.*\d|\d.*\p{L}/u.test(value)
}

function texts(values: readonly (Json | undefined)[]): string[] {
  return values.filter(value => typeof value === 'string')
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names.map(name => name.trim().toLowerCase()).filter(name => name.length >= 3))]
}
