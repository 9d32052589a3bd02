import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inflateRawSync } from 'node:zlib'
import { expect } from 'chai'
import { type BundleSubject, openSigner, readBundleFile, sealBundle, verifyBundle } from '../../src/evidence/index.ts'
import type { Artifact } from '../../src/model.ts'
import { buildOrganization } from '../../src/simulator/index.ts'
import { entriesOf } from '../evidence/zip-by-hand.ts'
import { recordsOf } from '../reports/bytes.ts'
import { externalId, type Workplace, workplace } from './program.ts'

describe('a bundle with pseudonyms', function () {
  this.timeout(240_000)
  let place: Workplace
  const people: string[] = []
  const organization = buildOrganization({
    ...{ seed: 7, accounts: 4, users: 30, groups: 8, permissionSets: 6, pairs: 14, defects: true, iamUsers: 2 },
  })
  const active = organization.accounts.filter(account => account.State === 'ACTIVE')

  before(async () => {
    const home = organization.organization!.MasterAccountId
    const readers = active.map(({ Id }) => `arn:aws:iam::${Id}:role/EvidencedIamReader`)
    const trust = [`arn:aws:iam::${home}:role/EvidencedReader`, ...readers].map(roleArn => ({ roleArn, externalId }))
    place = await workplace({ organization, trust })
    place.configure({
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of the configuration, resolved by the program
      source: { iam: { roleName: 'EvidencedIamReader', externalId: '${EXTERNAL_ID}' } },
      more: { controls: { parameters: { 'IDC-USER-001': { exemptUsers: [organization.users[0]!.UserName] } } } },
    })
    for (const command of ['collect', 'evaluate']) expect((await place.run(command)).code).to.equal(0)
    const shown = await place.run('snapshots', 'show', 'acme', '--json')
    const users = shown.json.datasets.find((each: { name: string }) => each.name === 'identitystore.users')
    for (const { key, facts } of users.resources) {
      const emails = (facts.Emails ?? []).map((each: { Value: string }) => each.Value)
      const externals = (facts.ExternalIds ?? []).map((each: { Id: string }) => each.Id)
      people.push(key, facts.UserName, facts.DisplayName, facts.Name?.FamilyName, ...emails, ...externals)
    }
    for (const { Id } of active) people.push(...organization.iam[Id]!.users.map(user => user.UserName))
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

  it('says in the access matrix who may do what by the names of its users, row for row as one without', async () => {
    const rows = async (zip: string) => recordsOf(await textOf(zip, 'access/acme-access.csv'))
    const [masked, plain] = [await rows('later.zip'), await rows('plain.zip')]
    expect(masked).to.have.lengthOf(plain.length)
    expect(plain.length).to.be.greaterThan(20)
    const users = recordsOf(await textOf('later.zip', 'populations/acme/users.csv'))
    const known = new Map(users.map(row => [row.userId, row.userName]))
    for (const row of masked.filter(({ userName }) => userName !== 'not listed'))
      expect(row.userName).to.equal(known.get(row.userId))
    // everything but who it is stays: the same accounts, sets, groups and classes
    const bare = (all: readonly Record<string, string>[]) =>
      all
        .map(row => [row.accountId, row.permissionSetArn, row.classification, row.via, row.groupName, row.userStatus].join())
        .sort()
    expect(bare(masked)).to.deep.equal(bare(plain))
    const ways = (all: readonly Record<string, string>[]) =>
      [...Map.groupBy(all, row => row.userId).values()].map(own => own.length)
    expect(ways(masked).sort()).to.deep.equal(ways(plain).sort())
  })

  it('gives a user of IAM one name in keys, ARNs and sentences', async () => {
    const users = recordsOf(await textOf('later.zip', 'populations/acme/iam-users.csv'))
    expect(users.length).to.equal(active.flatMap(({ Id }) => organization.iam[Id]!.users).length)
    for (const { arn, userName, key } of users) {
      expect(arn).to.match(/^arn:aws:iam::\d{12}:user\/p-[0-9a-f]{20}$/)
      expect(arn).to.equal(key)
      expect(arn!.endsWith(`/${userName}`)).to.equal(true)
    }
    const keys = recordsOf(await textOf('later.zip', 'results.csv')).filter(
      row => row.control === 'IAM-KEY-001' && row.status === 'fail',
    )
    expect(keys.length).to.be.greaterThan(0)
    for (const { subjectKey, reason } of keys) expect(reason).to.contain(/user\/(p-[0-9a-f]{20})/.exec(subjectKey!)![1])
  })

  it('is judged again: all that pseudonyms cannot change agrees', async () => {
    const again = await place.run('reperform', 'later.zip', '--json')
    expect(again.json.different).to.deep.equal([])
    expect(again.json).to.include({ hasPseudonyms: true, differences: 0, ok: true })
    expect(again.json.takenOnTrust.join()).to.contain('first seen')
    expect(again.json.same).to.be.greaterThan(300)
    const named = again.json.notComparable.map((each: { control: string }) => each.control)
    for (const id of named) expect(again.json.notReperformed.join('\n')).to.contain(`${id}: `)
    expect(named).not.to.include('IDC-PS-001')
    expect(again.code).to.equal(named.length > 0 ? 3 : 0)
  })

  it('is not excused by its pseudonyms when a result was softened before it was signed', async () => {
    for (const [control, code] of [
      ['IDC-PS-001', 4],
      ['IDC-USER-001', 3],
    ] as const) {
      const path = join(place.folder, 'later.zip')
      const { manifest, files } = await verifyBundle(path)
      const soften = (line: string) =>
        line.includes(`"control":"${control}"`) ? line.replace('"status":"fail"', '"status":"pass"') : line
      const artifacts = files
        .filter(file => !['README.txt', 'SHA256SUMS'].includes(file.path))
        .map(
          (file): Artifact => ({
            ...file,
            async *read() {
              const text = file.path === 'results.jsonl' ? await textOf('later.zip', file.path) : null
              if (text === null) yield* readBundleFile(path, file.path)
              else yield Buffer.from(text.split('\n').map(soften).join('\n'))
            },
          }),
        )
      const said = manifest!.predicate
      const subject: BundleSubject = { ...said, asOf: new Date(said.asOf), evaluation: null }
      const signer = await openSigner({ dataDir: join(place.folder, 'liar') })
      await sealBundle({ artifacts, subject, signer, path: join(place.folder, 'soft.zip') })
      const again = await place.run('reperform', 'soft.zip', '--json')
      expect(again.code, `${control} ${again.stdout.slice(0, 500)}`).to.equal(code)
      if (code === 4)
        expect(again.json.different.every((each: { bundle: string }) => each.bundle.includes(control))).to.equal(true)
      else
        expect(again.json.notReperformed.join('\n')).to.contain(`${control}: `).and.to.contain('how people are named (UserName)')
    }
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
