import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inflateRawSync } from 'node:zlib'
import { expect } from 'chai'
import { readBundleFile, verifyBundle } from '../../src/evidence/index.ts'
import { entriesOf } from '../evidence/zip-by-hand.ts'
import { recordsOf } from '../reports/bytes.ts'
import { type Workplace, workplace } from './program.ts'

describe('a bundle with pseudonyms', function () {
  this.timeout(240_000)
  let place: Workplace
  const people: string[] = []

  before(async () => {
    place = await workplace()
    for (const command of ['collect', 'evaluate']) expect((await place.run(command)).code).to.equal(0)
    const shown = await place.run('snapshots', 'show', 'acme', '--json')
    const users = shown.json.datasets.find((each: { name: string }) => each.name === 'identitystore.users')
    for (const { key, facts } of users.resources) {
      const emails = (facts.Emails ?? []).map((each: { Value: string }) => each.Value)
      const externals = (facts.ExternalIds ?? []).map((each: { Id: string }) => each.Id)
      people.push(key, facts.UserName, facts.DisplayName, facts.Name?.FamilyName, ...emails, ...externals)
    }
  })

  after(() => place[Symbol.asyncDispose]())

  // the simulator names users with a defect after it, in words that controls use too
  const ordinary = ['Direct', 'Unused', 'Disabled']
  const isTelling = (text: string | undefined): text is string =>
    text !== undefined && text.length > 5 && !ordinary.includes(text)
  const textOf = async (zip: string, name: string) =>
    Buffer.concat(await Array.fromAsync(readBundleFile(join(place.folder, zip), name))).toString('utf8')

  it('names nobody, in no file, and gives everybody one name in all of them', async () => {
    const bundle = await place.run(
      'bundle',
      '--framework',
      'soc2',
      '--pseudonyms',
      '--format',
      'html,xlsx,json,oscal,ocsf',
      '--out',
      'p.zip',
      '--json',
    )
    expect(bundle.code, bundle.stderr).to.equal(0)
    const { ok, manifest } = await verifyBundle(join(place.folder, 'p.zip'))
    expect(ok).to.equal(true)
    const said = manifest!.predicate.scope.pseudonyms as { replaced: string[]; stays: string[] }
    expect(said.replaced.join()).to.contain('sign-in names')
    expect(said.stays.join()).to.contain('groups')
    const telling = people.filter(isTelling)
    expect(telling.length).to.be.greaterThan(60)
    for (const { path, data } of entriesOf(readFileSync(join(place.folder, 'p.zip')))) {
      const texts = path.endsWith('.xlsx') ? entriesOf(data).map(each => textIn(each.data)) : [data.toString('utf8')]
      for (const text of texts) {
        const leaked = telling.filter(name => text.includes(name))
        expect(leaked, path).to.deep.equal([])
      }
    }
    const users = recordsOf(await textOf('p.zip', 'populations/acme/users.csv'))
    const memberships = recordsOf(await textOf('p.zip', 'populations/acme/group-memberships.csv'))
    expect(users[0]!.userName).to.match(/^p-[0-9a-f]{20}$/)
    expect(users[0]!.email).to.be.oneOf(['', users[0]!.userName])
    const known = new Set(users.map(row => row.userId))
    expect(memberships.filter(row => known.has(row.userId)).length).to.be.greaterThan(0)
    const snapshot = (await textOf('p.zip', 'snapshots/acme-v1.jsonl'))
      .split('\n')
      .slice(1, -1)
      .map(line => JSON.parse(line))
    expect(snapshot.every(row => row.salt === null)).to.equal(true)
  })

  it('has the same pseudonyms in a later bundle, and the same counts as one without', async () => {
    const users = async (zip: string) =>
      recordsOf(await textOf(zip, 'populations/acme/users.csv'))
        .map(row => row.userId)
        .sort()
    const before = await users('p.zip')
    for (const command of ['collect', 'evaluate']) await place.run(command)
    await place.run('bundle', '--framework', 'soc2', '--pseudonyms', '--format', 'json', '--out', 'later.zip')
    expect(await users('later.zip')).to.deep.equal(before)
    await place.run('bundle', '--framework', 'soc2', '--format', 'json', '--out', 'plain.zip')
    const totals = async (zip: string) => JSON.parse(await textOf(zip, 'reports/soc2.json')).totals
    expect(await totals('later.zip')).to.deep.equal(await totals('plain.zip'))
    expect((await users('plain.zip')).some(id => id!.startsWith('p-'))).to.equal(false)
  })

  it('is judged again, with what cannot be said of names named', async () => {
    const again = await place.run('reperform', 'later.zip', '--json')
    expect(again.json.hasPseudonyms).to.equal(true)
    expect(again.json.notReperformed.join()).to.contain('pseudonyms').and.to.contain('imported files')
    expect(again.json.takenOnTrust.join()).to.contain('first seen')
    expect(again.code, JSON.stringify(again.json.different.slice(0, 3))).to.be.oneOf([0, 3])
    expect(again.json.same).to.be.greaterThan(again.json.differences * 10)
  })

  it('works for a period too', async () => {
    const today = new Date().toISOString().slice(0, 10)
    const bundle = await place.run(
      'bundle',
      '--framework',
      'soc2',
      '--pseudonyms',
      '--from',
      today,
      '--format',
      'html',
      '--out',
      'period.zip',
      '--json',
    )
    expect(bundle.code, bundle.stderr).to.equal(0)
    const telling = people.filter(isTelling)
    for (const { path, data } of entriesOf(readFileSync(join(place.folder, 'period.zip'))))
      expect(
        telling.filter(name => data.includes(name)),
        path,
      ).to.deep.equal([])
  })
})

/** A part of a workbook as it was before it was compressed. */
function textIn(data: Buffer): string {
  try {
    return inflateRawSync(data).toString('utf8')
  } catch {
    return data.toString('utf8')
  }
}
