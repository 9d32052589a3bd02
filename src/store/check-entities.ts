import { hash } from 'node:crypto'
import { canonicalJson, factsDigest, sha256 } from '../digest.ts'
import type { Facts } from '../model.ts'
import { copyOut } from './copy-out.ts'
import { datasetKey } from './dataset-summary.ts'
import { betweenQuotes, type IdRange, type Reading } from './version-reading.ts'

/** Reads the versions of a range of entities, and computes the digest of each again. */
export async function checkEntities(reading: Reading, range: IdRange): Promise<void> {
  await reading.loadKeys()
  const unseen = await reading.unseen('entity', range)
  const select = `select v.source_id, v.entity_id, v.from_version, v.to_version, v.digest, p.source_id, p.dataset_id, p.place_id, p.parent,
      e.source_id, e.dataset_id, e.place_id, e.key_id, t.salt, v.body, (v.disposed is not null)::int
    from entity_version v left join part p on p.id = v.part_id left join entity e on e.id = v.entity_id left join entity_salt t on t.entity_id = v.entity_id
    where v.entity_id >= ${range.from} and v.entity_id < ${range.to}`
  await copyOut(reading.client, select, row => {
    const [sourceId, id, from, to, digest] = [row.int(), row.int(), row.int(), row.int(), row.hex()!]
    const unit = reading.unitOf(row.int(), row.int(), row.int())
    const parent = row.text()
    const ownUnit = reading.unitOf(row.int(), row.int(), row.int())
    const keyId = row.int()
    const key = reading.keys[keyId]
    const [salt, body, isDisposed] = [row.bytes(), row.bytes(), row.int() === 1]
    const known = unit === null ? null : reading.units[unit]!
    const tell = (message: string) => {
      const name = known === null || key === undefined ? `entity ${id}` : `${datasetKey(known.dataset, known.place)} ${key}`
      reading.problems.push({ kind: 'row', name, message: `${message} (since version ${from})` })
    }
    if (unit === null || parent === null || key === undefined)
      return tell(`its ${unit === null ? 'part' : 'key'} is not in the database`)
    if (ownUnit !== unit || known!.sourceId !== sourceId)
      tell('its entity, its part and itself do not name the same source and dataset')
    const message = problemOf(digest, salt, body, isDisposed)
    if (message !== null) tell(message)
    const leaf = sha256(`["${reading.jsonKeys[keyId]}","${betweenQuotes(parent)}","${digest}"]`)
    reading.add(unit, from, to, unseen.get(`${id}`), leaf)
  })
}

function problemOf(digest: string, salt: Buffer | null, body: Buffer | null, isDisposed: boolean): string | null {
  if (body === null) return isDisposed ? null : 'its facts are gone, and no disposal is on record'
  if (salt === null) return 'its salt is gone, and no disposal is on record'
  if (hash('sha256', Buffer.concat([salt, body]), 'hex') === digest) return null
  try {
    const computed = factsDigest(canonicalJson(JSON.parse(body.toString('utf8')) as Facts), salt.toString('hex'))
    return computed === digest ? null : `its digest is ${digest}, its facts give ${computed}`
  } catch (error) {
    return `its facts cannot be read: ${(error as Error).message}`
  }
}
