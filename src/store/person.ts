import { canonicalJson } from '../digest.ts'
import type { Facts, Json } from '../model.ts'
import type { Connection } from './database.ts'

/** One user of a source: its resources, and everything that names the person elsewhere. */
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
 * Finds a person by the user's id. Names are what any version of the user and any row of an import about it says: user name, e-mail addresses,
 * external ids, and whole names; a text names the person when it holds one of them as a whole word, whatever its case.
 * @param more further names
 */
export async function findPersonRows(
  on: Connection,
  sourceId: number,
  label: string,
  user: string,
  more: readonly string[] = [],
): Promise<PersonRows> {
  const bodies = await on.query<{ id: number; body: string | null }>(
    `select e.id, v.body from entity e join resource_key k on k.id = e.key_id left join entity_version v on v.entity_id = e.id
     where e.source_id = $1 and k.key = $2 and e.dataset_id = (select id from dataset where name = 'identitystore.users')`,
    [sourceId, user],
  )
  const facts = bodies.flatMap(({ body }) => (body === null ? [] : [JSON.parse(body) as Facts]))
  const own = distinct([...facts.flatMap(namesOfUser), ...more])
  const imported = await naming(on, importBodies, [], own)
  const names = distinct([...own, ...imported.flatMap(({ body }) => namesOfRow(JSON.parse(body) as Facts))])
  const about = await on.query<{ digest: Buffer }>(
    'select digest from result_version where body is not null and source = $1 and subject_key = $2',
    [label, user],
  )
  const aboutFindings = await on.query<{ digest: Buffer }>(
    `select v.digest from finding_version v join finding f on f.id = v.finding_id where v.words is not null and f.source = $1 and f.subject_key = $2`,
    [label, user],
  )
  const findings = await naming(on, findingWords, [], names)
  const results = await naming(on, resultBodies, [], names)
  return {
    entityIds: [...new Set(bodies.map(row => row.id))],
    names,
    findings: [...aboutFindings, ...findings].map(row => row.digest),
    results: [...about, ...results].map(row => row.digest),
    importRows: imported.map(row => row.digest),
  }
}

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
 * What people wrote that names the person, each by what it is called: notes on findings and who owns them, steps and files of exceptions. The
 * ledger holds unsalted digests of it, so it is left as it is.
 */
export async function writingsNaming(on: Connection, names: readonly string[]): Promise<readonly string[]> {
  const rows: (NamingRow & { readonly name: string })[] = []
  for (const text of writings) rows.push(...(await naming<NamingRow & { readonly name: string }>(on, text, [], names)))
  return rows.map(row => row.name)
}

interface NamingRow {
  readonly digest: Buffer
  readonly body: string
}

const holds = `exists (select from unnest($1::text[]) n (name) where strpos(lower(b.body), n.name) > 0)`
const importBodies = `select b.digest, b.body from import_row b where b.body is not null and ${holds}`
const resultBodies = `select b.digest, b.body from result_version b where b.body is not null and ${holds}`
const findingWords = `select b.digest, b.body from (select digest, words as body from finding_version where words is not null) b where ${holds}`
const writings = [
  `select 'what was said of finding ' || b.finding_id || ' (' || b.kind || ' ' || b.id || ')' as name, b.digest, b.body from finding_note b where ${holds}`,
  `select 'exception ' || b.exception_id || ' (' || b.kind || ')' as name, b.digest, b.body from exception_event b where ${holds}`,
  `select 'file of exceptions ' || b.id as name, b.digest, b.body from exception_file b where ${holds}`,
  `select 'the exceptions that evaluation ' || (select min(e.id) from evaluation e where e.exceptions = b.digest) || ' was the first to know' as name, b.digest, b.body
     from exception_register b where ${holds}`,
]
const otherBodies = `select d.name as dataset, e.id, b.digest, b.body from entity_version b join entity e on e.id = b.entity_id
  join dataset d on d.id = e.dataset_id where b.body is not null and e.id <> all ($2::int[]) and ${holds}`

/** Rows whose body holds one of the names as a whole word. Read through a cursor: there may be many that hold it as a part of another. */
async function naming<Row extends NamingRow>(
  on: Connection,
  text: string,
  values: readonly unknown[],
  names: readonly string[],
): Promise<Row[]> {
  if (names.length === 0) return []
  const inJson = names.map(name => canonicalJson(name).slice(1, -1))
  const words = inJson.map(
    name =>
      new RegExp(
        `(?<![\\p{L}\\p{N}_@-]|[\\p{L}\\p{N}][.])${name.replaceAll(/[$()*+.?[\\\]^{|}/]/g, '\\$&')}(?![\\p{L}\\p{N}_@-]|[.][\\p{L}\\p{N}])`,
        'u',
      ),
  )
  const found: Row[] = []
  await on.execute(`declare naming no scroll cursor for ${text}`, [inJson, ...values])
  for (;;) {
    const rows = await on.query<Row>('fetch 500 from naming')
    for (const row of rows) if (words.some(word => word.test(row.body.toLowerCase()))) found.push(row)
    if (rows.length < 500) break
  }
  await on.execute('close naming')
  return found
}

function namesOfUser(facts: Facts): string[] {
  const { GivenName, FamilyName, Formatted } = (facts.Name ?? {}) as Facts
  const whole = [facts.DisplayName, Formatted, GivenName && FamilyName ? `${GivenName} ${FamilyName}` : null].filter(isSpecific)
  return texts([facts.UserName, ...whole, ...members(facts.Emails, 'Value'), ...members(facts.ExternalIds, 'Id')])
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
