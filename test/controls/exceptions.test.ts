import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { buildEstate, evaluate, loadCatalog, readExceptionFile } from '../../src/controls/index.ts'
import type { Exception, ExceptionFile, ExceptionScope } from '../../src/model.ts'
import { asOf, controlYaml, estateRows, folderOf, type SmallEstate } from './estate-rows.ts'

const estate: SmallEstate = {
  users: [{ UserId: 'u1', UserName: 'ann', UserStatus: 'ENABLED' }],
  sets: [
    { arn: 'ps1', name: 'BreakGlass' },
    { arn: 'ps2', name: 'Reader' },
  ],
  accounts: [
    { Id: '111111111111', Name: 'prod', State: 'ACTIVE', Paths: ['o-1/r-1/111111111111/'] },
    { Id: '222222222222', Name: 'sandbox', State: 'ACTIVE', Paths: ['o-1/r-1/ou-1/222222222222/'] },
  ],
  assignments: [
    ['111111111111', 'ps1', 'USER', 'u1'],
    ['111111111111', 'ps2', 'USER', 'u1'],
    ['222222222222', 'ps2', 'USER', 'u1'],
  ],
  rows: [
    { dataset: 'organizations.tags', key: '222222222222|environment', facts: { Key: 'environment', Value: 'sandbox' } },
    { dataset: 'organizations.organizational_units', key: 'ou-1', facts: { Id: 'ou-1', Name: 'Playground' } },
  ],
}

function exception(scope: Partial<ExceptionScope>, more: Partial<Exception> = {}): Exception {
  return {
    ...{ id: 'e', origin: 'file', controls: ['T-1'], reason: 'r', ticket: null, requestedBy: 'a', requestedAt: null },
    ...{ approvedBy: 'b', approvedAt: '2026-01-01T00:00:00.000Z', expiresAt: '2026-12-31T00:00:00.000Z' },
    ...{ revokedBy: null, revokedAt: null, revokedReason: null },
    scope: { source: null, subjects: null, match: null, when: null, ...scope },
    ...more,
  }
}

async function judged(exceptions: readonly Exception[], changes: SmallEstate = {}, requirement = 'false') {
  using folder = folderOf({ 't.yaml': controlYaml(requirement, { resource: 'assignment' }) })
  const catalog = loadCatalog({ folders: [folder.path] })
  expect(catalog.problems).to.deep.equal([])
  const evaluation = evaluate(catalog, await buildEstate(estateRows({ ...estate, ...changes })), asOf, exceptions)
  const [outcome] = evaluation.outcomes
  const covered = outcome!.results.flatMap(({ subject, exceptions: ids }) => (ids === undefined ? [] : [subject.key]))
  return { outcome: outcome!, covered, register: evaluation.exceptions! }
}

const [prodGlass, prodReader, sandboxReader] = [
  ...['111111111111|ps1|USER|u1', '111111111111|ps2|USER|u1', '222222222222|ps2|USER|u1'],
] as const

describe('an exception', () => {
  const scopes: readonly (readonly [string, Partial<ExceptionScope>, readonly (string | undefined)[]])[] = [
    ['of a control covers every fail', {}, [prodGlass, prodReader, sandboxReader]],
    ['of another source covers none', { source: 'globex' }, []],
    ['of a resource covers that one', { subjects: [prodReader!] }, [prodReader]],
    ['by the name of the permission set', { match: { permissionSet: ['BreakGlass'] } }, [prodGlass]],
    ['by the name of the account', { match: { account: ['sand*'] } }, [sandboxReader]],
    ['by the id of the account', { match: { account: ['111111111111'] } }, [prodGlass, prodReader]],
    ['by a tag of the account', { match: { 'tag:environment': ['sandbox', 'test'] } }, [sandboxReader]],
    ['by organizational unit', { match: { organizationalUnit: ['Playground'] } }, [sandboxReader]],
    ['by principal', { match: { principal: ['ann'] } }, [prodGlass, prodReader, sandboxReader]],
    ['by everything that is written', { match: { principal: ['ann'], account: ['prod'], permissionSet: ['R*'] } }, [prodReader]],
    ['takes no other character for a pattern', { match: { account: ['prod.*', 'pro?'] } }, []],
    [
      'by an expression',
      { when: "assignment.targetName.contains('Reader') && assignment.kind == 'account'" },
      [prodReader, sandboxReader],
    ],
  ]
  for (const [name, scope, expected] of scopes) {
    it(name, async () => {
      const { covered, outcome, register } = await judged([exception(scope)])
      expect(covered).to.deep.equal(expected)
      expect(outcome).to.include({ population: 3, fail: 3, pass: 0, excepted: expected.length })
      expect(register).to.have.lengthOf(1)
      expect(register[0]).to.include({ state: 'approved', covers: expected.length, problem: null })
    })
  }

  it('changes neither status nor digest of the population', async () => {
    const without = (await judged([])).outcome
    const { outcome } = await judged([exception({})])
    const { results, excepted: _, ...rest } = outcome
    const { results: plain, excepted: __, ...others } = without
    expect(rest).to.deep.equal(others)
    expect(results.map(({ exceptions: ids, ...result }) => [ids, result])).to.deep.equal(plain.map(result => [['e'], result]))
  })

  it('covers nothing before its approval, after its end, and once revoked', async () => {
    for (const [state, more] of [
      ['requested', { approvedBy: null, approvedAt: null }],
      ['requested', { approvedAt: '2026-03-01T00:00:00.001Z' }],
      ['lapsed', { expiresAt: '2026-03-01T00:00:00.000Z' }],
      ['revoked', { revokedBy: 'c', revokedAt: '2026-02-01T00:00:00.000Z', revokedReason: 'r' }],
    ] as const) {
      const { covered, register } = await judged([exception({}, more)])
      expect(covered).to.deep.equal([])
      expect(register[0]).to.include({ state, covers: 0 })
    }
  })

  it('covers neither what is unknown nor what an attribute that could not be read may fit', async () => {
    const unknown = await judged(
      [exception({})],
      { users: [], gaps: [{ dataset: 'identitystore.users' }], coverage: { 'identitystore.users': 'denied' } },
      "assignment.principalName == 'x'",
    )
    expect(unknown.outcome.unknown).to.be.greaterThan(0)
    expect(unknown.covered.length).to.equal(unknown.outcome.fail)
    const tags = await judged([exception({ match: { 'tag:environment': ['sandbox'] } })], {
      rows: [],
      gaps: [{ dataset: 'organizations.tags', parent: '222222222222' }],
      coverage: { 'organizations.tags': 'incomplete' },
    })
    expect(tags.outcome.fail).to.equal(3)
    expect(tags.covered).to.deep.equal([])
  })

  it('says in the register why it can cover nothing, when its control is gone or its selector no longer fits', async () => {
    const { register, covered } = await judged([
      exception({}, { id: 'a', controls: ['T-2'] }),
      exception({ when: 'assignment.kindd == "account"' }, { id: 'b' }),
      exception({ match: { colour: ['red'] } }, { id: 'c' }),
    ])
    expect(covered).to.deep.equal([])
    expect(register[0]!.problem).to.equal('there is no control T-2')
    expect(register[1]!.problem).to.match(/no member kindd \(did you mean kind\?\)/)
    expect(register[2]!.problem).to.match(/no attribute colour/)
  })
})

describe('a file of exceptions', () => {
  const row = (more: object) => ({ id: 'a', controls: ['T-1'], reason: 'r', requestedBy: 'ada', expires: '2026-12-31', ...more })
  const read = (...rows: object[]) => {
    using controls = folderOf({ 't.yaml': controlYaml('true', { resource: 'user' }) })
    using folder = folderOf({ 'e.yaml': JSON.stringify({ exceptions: rows }) })
    const catalog = loadCatalog({ folders: [controls.path] })
    return readExceptionFile(join(folder.path, 'e.yaml'), catalog, 365)
  }

  it('is read into exceptions with whole days in UTC', () => {
    const approval = { approvedBy: 'grace', approvedAt: '2026-05-01', match: { name: 'x*' } }
    const { exceptions, problems } = read(row(approval), row({ id: 'b', expires: '2026-12-31T12:00:00+02:00' }))
    expect(problems).to.deep.equal([])
    expect(exceptions[0]).to.deep.include({ approvedAt: '2026-05-01T00:00:00.000Z', expiresAt: '2026-12-31T23:59:59.999Z' })
    expect(exceptions[0]!.scope.match).to.deep.equal({ name: ['x*'] })
    expect(exceptions[1]).to.include({ expiresAt: '2026-12-31T10:00:00.000Z', approvedBy: null })
  })

  const broken: readonly (readonly [string, object, RegExp])[] = [
    ['approved by the one who asked, however it is written', { approvedBy: ' ADA', approvedAt: '2026-05-01' }, /may not approve/],
    ['approved at no time', { approvedBy: 'grace' }, /approvedAt/],
    ['a control that there is not', { controls: ['T-9'] }, /no control T-9/],
    ['an attribute its subjects do not have', { match: { permissionSet: 'x' } }, /a user has no permissionSet/],
    ['a wrong expression', { when: 'user.UserNme == "x"' }, /did you mean UserName/],
    ['an end too far away', { approvedBy: 'g', approvedAt: '2025-01-01' }, /longer than 365 days/],
    ['an end before its beginning', { approvedBy: 'g', approvedAt: '2027-01-01' }, /before it begins/],
    ['a day that is in no calendar', { expires: '2026-02-30' }, /no time 2026-02-30/],
    ['the name of one made by command', { id: 'EX-3' }, /id/],
    ['the same id twice', { id: 'good' }, /stands twice/],
    ['an unknown key', { reson: 'x' }, /did you mean reason/],
  ]
  for (const [name, more, message] of broken) {
    it(`leaves out a row with ${name}, tells its place, and keeps the others`, () => {
      const { exceptions, problems } = read(row({ id: 'good' }), row(more))
      expect(exceptions.map(({ id }) => id)).to.deep.equal(['good'])
      expect(problems.join('\n'))
        .to.match(message)
        .and.to.match(/e\.yaml:1:\d+: exceptions\[1\]/)
    })
  }

  it('keeps what was known of a file that cannot be parsed, and tells it; the other files of the folder count as they are', () => {
    using controls = folderOf({ 't.yaml': controlYaml('true', { resource: 'user' }) })
    const catalog = loadCatalog({ folders: [controls.path] })
    const text = (...rows: object[]) => JSON.stringify({ exceptions: rows })
    using folder = folderOf({ 'a.yaml': text(row({}), row({ id: 'b' })), 'c.yaml': text(row({ id: 'c' })) })
    const readNow = (last: ExceptionFile | null) => readExceptionFile(folder.path, catalog, 365, last)
    const good = readNow(null)
    for (const slip of ['{{{', '', 'exceptions: 7']) {
      writeFileSync(join(folder.path, 'a.yaml'), slip)
      writeFileSync(join(folder.path, 'c.yaml'), text(row({ id: 'c' })))
      const slipped = readNow(readNow(good))
      expect(slipped).to.deep.include({ exceptions: good.exceptions, digest: good.digest, files: good.files })
      expect(slipped.problems.join('\n')).to.match(/a\.yaml:1:.*stays in force/)
      writeFileSync(join(folder.path, 'c.yaml'), text())
      expect(readNow(slipped).exceptions.map(({ id }) => id)).to.deep.equal(['a', 'b'])
      expect(() => readNow({ ...good, location: 'elsewhere' })).to.throw(/not read/)
    }
    writeFileSync(join(folder.path, 'a.yaml'), text(row({ id: 'b' })))
    expect(readNow(readNow(good)).exceptions.map(({ id }) => id)).to.deep.equal(['b'])
    expect(readNow(good).problems).to.deep.equal([])
  })
})
