import { expect } from 'chai'
import { buildEstate, classify } from '../../src/controls/index.ts'
import { sha256 } from '../../src/digest.ts'
import { resultsDigests, saltedDigest, unsaltedDigest } from '../../src/store/evaluation-digest.ts'
import { eventDigest } from '../../src/store/exceptions.ts'
import {
  access,
  addHold,
  appendLedger,
  approveException,
  assignFinding,
  diff,
  failRun,
  listHolds,
  noteFinding,
  openRun,
  previewRetention,
  pseudonymise,
  type RetentionRules,
  readEstate,
  readEvaluation,
  readExceptions,
  readFinding,
  readFindings,
  readImports,
  readLedger,
  readSnapshot,
  releaseHold,
  requestException,
  runRetention,
  type Store,
  saveEvaluation,
  saveExceptionFile,
  saveImport,
  saveParts,
  verifyStore,
} from '../../src/store/index.ts'
import {
  assignment,
  clockAt,
  collectOnce,
  errorOf,
  group,
  identity,
  membership,
  part,
  place,
  planOf,
  resourcesOf,
  sourceNamed,
  user,
} from './collected.ts'
import { evaluationOf } from './evaluated.ts'
import { asOwner } from './forger.ts'
import { freshStore } from './fresh-store.ts'

const set = 'arn:aws:sso:::permissionSet/ssoins-1/ps-1'
const keepDays = (days: number | null): RetentionRules => ({
  of: () => ({ days, because: 'test' }),
  imports: { days, because: 'test' },
})

/** Jane leaves in February and her title changes before; judged and imported each month. */
async function filled(): Promise<{ store: Store; clock: ReturnType<typeof clockAt>; problems: () => Promise<string[]> }> {
  const clock = clockAt('2026-01-01T00:00:00Z')
  const store = await freshStore({ now: clock.now })
  const months: readonly (readonly [at: string, users: readonly (readonly [id: string, name: string, title: string])[]])[] = [
    [
      '2026-01-01',
      [
        ['u-jane', 'jane@example.com', 'Engineer'],
        ['u-bob', 'bob@example.com', 'Clerk'],
      ],
    ],
    [
      '2026-02-01',
      [
        ['u-jane', 'jane@example.com', 'Manager'],
        ['u-bob', 'bob@example.com', 'Clerk'],
      ],
    ],
    ['2026-03-01', [['u-bob', 'bob@example.com', 'Clerk']]],
    ['2026-04-01', [['u-bob', 'bob@example.com', 'Clerk']]],
  ]
  for (const [at, users] of months) {
    clock.moveTo(`${at}T00:00:00Z`)
    const names = users.map(([, name]) => name)
    await saveImport(store, {
      ...{ kind: 'roster', location: `${at}.csv`, digest: sha256(at) },
      rows: names.map((name, i) => ({ personId: `E10${i}`, name: name.split('@')[0]!, email: name, status: 'active' })),
    })
    await collectOnce(store, [
      part({
        dataset: 'identitystore.users',
        rows: users.map(([id, UserName, Title]) => user(id, { UserName, Title, DisplayName: `${UserName.split('@')[0]} Doe` })),
      }),
      part({ dataset: 'identitystore.groups', rows: [group('g1')] }),
      part({
        dataset: 'identitystore.group_memberships',
        parent: 'g1',
        rows: users.map(([id]) => membership('g1', id)),
      }),
      part({ dataset: 'sso.account_assignments', parent: `1|${set}`, rows: [assignment('1', set, 'GROUP', 'g1')] }),
      part({ dataset: 'sso.permission_set_arns', rows: [{ key: set, facts: { PermissionSetArn: set } }] }),
      part({ dataset: 'sso.permission_sets', parent: set, rows: [{ key: set, facts: { Name: 'Ops', Month: at } }] }),
    ])
    await saveEvaluation(
      store,
      evaluationOf(users.map(([key, name]) => ({ key, status: 'fail', reason: `${name} has no MFA in ${at}` }))),
    )
  }
  const problems = async () =>
    (await verifyStore(store, null)).problems.map(({ kind, name, message }) => `${kind} ${name}: ${message}`)
  return { store, clock, problems }
}

describe('retention', () => {
  it('removes bodies that only older snapshots show, keeps every digest, and every chain verifies', async () => {
    const { store, clock, problems } = await filled()
    await using _ = store
    clock.moveTo('2026-04-10T00:00:00Z')
    const before = await resourcesOf(store, (await readSnapshot(store, 'acme', { version: 1 }))!)
    const preview = await previewRetention(store, keepDays(30))
    expect(preview[0]).to.deep.include({ source: 'acme', keptFromVersion: 3, resources: 4, results: 4, ledgerPosition: null })
    expect(preview[0]!.sizeBytes).to.be.greaterThan(500)
    expect(preview[1]).to.deep.include({ source: null, importRows: 4 })
    expect(await problems(), 'a preview removes nothing').to.deep.equal([])
    expect(await textIn(store, 'jane')).to.be.greaterThan(0)

    const done = await runRetention(store, keepDays(30))
    expect(done.map(({ resources, results, importRows, findings }) => [resources, results, importRows, findings])).to.deep.equal(
      preview.map(({ resources, results, importRows, findings }) => [resources, results, importRows, findings]),
    )
    expect(await problems()).to.deep.equal([])
    expect(await textIn(store, 'jane'), 'nothing names her').to.equal(0)
    const entries = (await Array.fromAsync(readLedger(store))).filter(entry => entry.kind === 'disposal')
    expect(entries.map(entry => entry.position)).to.deep.equal(done.map(step => step.ledgerPosition))
    expect(entries[0]!.payload).to.include({
      reason: 'retention',
      source: 'acme',
      keptDays: 30,
      rows: 10,
      cutoff: '2026-03-11T00:00:00.000Z',
    })
    expect((await verifyStore(store, null)).disposals.map(each => each.rows)).to.deep.equal([10, 4])
    const after = await resourcesOf(store, (await readSnapshot(store, 'acme', { version: 1 }))!)
    expect(after.map(({ key, digest }) => [key, digest])).to.deep.equal(before.map(({ key, digest }) => [key, digest]))
    expect(await runRetention(store, keepDays(30)).then(again => again.map(step => step.ledgerPosition))).to.deep.equal([
      null,
      null,
    ])
    // the salt of what still has a body stays, the other is gone
    const salts = await store.db.pool.query(
      `select k.key from entity_salt s join entity e on e.id = s.entity_id join resource_key k on k.id = e.key_id order by 1`,
    )
    expect(salts.rows.map(row => row.key))
      .to.include('u-bob')
      .and.not.include('u-jane')
  })

  it('says of a disposed row that it was disposed of, when and under which entry, and never that it is not there', async () => {
    const { store, clock } = await filled()
    await using _ = store
    clock.moveTo('2026-04-10T00:00:00Z')
    const [step] = await runRetention(store, keepDays(30))
    const said = `disposed of under retention on 2026-04-10 (ledger entry ${step!.ledgerPosition})`
    const [first, third] = await Promise.all([1, 3].map(version => readSnapshot(store, 'acme', { version })))
    const jane = (await resourcesOf(store, first!, 'identitystore.users')).find(each => each.key === 'u-jane')!
    expect(jane).to.include({ disposed: said, salt: null }).and.to.deep.include({ facts: {} })
    const bob = (await resourcesOf(store, first!, 'identitystore.users')).find(each => each.key === 'u-bob')!
    expect(bob.facts).to.include({ UserName: 'bob@example.com' })
    expect(bob).not.to.have.property('disposed')

    const changes = await Array.fromAsync((await diff(store, first!, third!)).changes)
    const gone = changes.find(each => each.key === 'u-jane')!
    expect(gone).to.include({ kind: 'removed', before: null, beforeDisposed: said })
    const renamed = changes.find(each => each.key === set)!
    expect(renamed).to.include({ kind: 'changed', before: null, beforeDisposed: said })
    expect(renamed.after).to.include({ Name: 'Ops' })

    const answer = await access(store, { account: '1', when: { asOf: new Date('2026-01-15T00:00:00Z') } })
    expect(answer.disposed).to.deep.equal([`acme: names were ${said}`])
    expect([...answer.paths].map(path => [path.user.id, path.user.name, path.state])).to.deep.equal([
      ['u-bob', 'bob@example.com', 'held'],
      ['u-jane', null, 'held'],
    ])
    const refused = await errorOf(access(store, { user: 'jane@example.com', when: { asOf: new Date('2026-01-15T00:00:00Z') } }))
    expect(refused.hint).to.contain('names were disposed of, so ask by id')

    const evaluation = (await readEvaluation(store, 1))!
    expect(evaluation.outcomes[0]!.results.map(({ subject, status, reason }) => [subject.name, status, reason])).to.deep.equal([
      ['u-bob', 'fail', `what was found was ${said}`],
      ['u-jane', 'fail', `what was found was ${said}`],
    ])
    const [roster] = await readImports(store, new Date('2026-01-15T00:00:00Z'))
    expect(roster!.rows).to.deep.equal([])
    expect(roster!.disposed).to.deep.include({ rows: 2 })
  })

  it('makes what an estate is asked about a disposed row unknown', async () => {
    const { store, clock } = await filled()
    await using _ = store
    clock.moveTo('2026-04-10T00:00:00Z')
    await runRetention(store, keepDays(30))
    const asOf = new Date('2026-01-15T00:00:00Z')
    const estate = await buildEstate({ ...(await readEstate(store, asOf)), imports: await readImports(store, asOf) })
    const source = estate.sources[0]!
    expect(source.gaps.rows('identitystore.users').get('u-jane')!.gaps[0]).to.include({ reason: 'disposed', key: 'u-jane' })
    expect(source.gaps.whole('import.roster')!.gaps[0]).to.include({ reason: 'disposed' })
    expect([...source.populations.order('user')].map(number => source.users.keys[number])).to.deep.equal(['u-bob', 'u-jane'])
    expect([...classify(estate)].map(each => each.classification)).to.deep.equal(['unknown'])
  })

  it('keeps the state at the cutoff, what still holds, and everything without a rule', async () => {
    const { store, clock } = await filled()
    await using _ = store
    clock.moveTo('2026-02-15T00:00:00Z')
    const [step] = await previewRetention(store, keepDays(10))
    expect(step, 'the snapshot of 1 February is the state on the 5th').to.include({ keptFromVersion: 2, resources: 2 })
    expect((await previewRetention(store, keepDays(null))).map(({ cutoff, resources }) => [cutoff, resources])).to.deep.equal([
      [null, 0],
      [null, 0],
    ])
    expect((await previewRetention(store, keepDays(100)))[0]).to.include({ keptFromVersion: null, resources: 0 })
  })

  it('goes on collecting and judging over what was disposed of', async () => {
    const { store, clock, problems } = await filled()
    await using _ = store
    clock.moveTo('2026-04-10T00:00:00Z')
    await runRetention(store, keepDays(30))
    // jane is back: a new salt, a new version
    const again = await collectOnce(store, [part({ dataset: 'identitystore.users', rows: [user('u-jane'), user('u-bob')] })])
    await saveEvaluation(store, evaluationOf([{ key: 'u-jane', status: 'fail', reason: 'back' }]))
    expect((await resourcesOf(store, again, 'identitystore.users')).map(each => each.facts.UserName)).to.deep.equal([
      'u-bob@example.com',
      'u-jane@example.com',
    ])
    expect(await problems()).to.deep.equal([])
  })

  it('checks evaluations from before results had salts, whole and disposed of', async () => {
    const clock = clockAt('2026-01-01T00:00:00Z')
    await using store = await freshStore({ now: clock.now })
    const problems = async () => (await verifyStore(store, null)).problems.map(({ kind, name }) => `${kind} ${name}`)
    await collectOnce(store, [part({ dataset: 'identitystore.users', rows: [user('u1')] })])
    const {
      id: _,
      evaluatedAt: __,
      digest: ___,
      ...said
    } = await saveEvaluation(store, evaluationOf([{ key: 'u1', status: 'fail' }]))
    const digest = unsaltedDigest(said)
    const said1 = (await Array.fromAsync(readLedger(store))).find(entry => entry.kind === 'evaluation')
    await asOwner(
      store,
      `update result_version set salt = null, status = null, digest = sha256(convert_to(body, 'UTF8'))`,
      `update evaluation set digest_version = 1, digest = '\\x${digest}'`,
      `delete from ledger where kind = 'evaluation'`,
    )
    await appendLedger(store, 'evaluation', { ...said1!.payload, digest })
    expect(await problems()).to.deep.equal([])
    await saveEvaluation(store, evaluationOf([{ key: 'u1', status: 'fail' }]))
    const { rows } = await store.db.pool.query('select from_evaluation, salt is null as unsalted from result_version order by 1')
    expect(rows, 'it gets its salt with the next evaluation').to.deep.equal([
      { from_evaluation: 1, unsalted: true },
      { from_evaluation: 2, unsalted: false },
    ])
    clock.moveTo('2027-01-01T00:00:00Z')
    expect((await runRetention(store, keepDays(30)))[0]).to.include({ results: 1 })
    expect(await problems()).to.deep.equal([])
    expect((await readEvaluation(store, 1))!.outcomes[0]!.results[0]!.status).to.equal('fail')
  })
})

describe('what was written before notes and exceptions had salts', () => {
  it('verifies, and is redacted like the rest', async () => {
    await using store = await freshStore({ now: clockAt('2026-03-01T00:00:00Z').now })
    const problems = async () => (await verifyStore(store, null)).problems.map(({ kind, name }) => `${kind} ${name}`)
    await collectOnce(store, [part({ dataset: 'identitystore.users', rows: [user('u1', { UserName: 'jane@example.com' })] })])
    const scope = { source: null, subjects: null, match: null, when: null }
    const request = { controls: ['C-1'], scope, reason: 'jane@example.com', ticket: null, requestedBy: 'a' }
    const asked = await requestException(store, { ...request, expiresAt: '2026-12-31T00:00:00.000Z' })
    const exceptions = [{ ...asked, state: 'requested' as const, covers: 0, problem: null }]
    const judged = { ...evaluationOf([{ key: 'u2', status: 'fail' }]), exceptions }
    const { id: _, evaluatedAt: __, digest: ___, ...said } = await saveEvaluation(store, judged)
    await noteFinding(store, 1, 'grace', 'jane@example.com knows')
    const rows = async (text: string) => (await store.db.pool.query(text)).rows
    const reader = {
      query: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
        (await store.db.pool.query(text, [...values])).rows as Row[],
    }
    const digest = saltedDigest(said, await resultsDigests(reader, 1))
    const [note] = await rows('select body from finding_note')
    const [event] = await rows('select exception_id, kind, at, body from exception_event')
    const old = {
      exception: eventDigest(event.exception_id, event.kind, event.at, event.body, null),
      finding: sha256(note.body),
      evaluation: digest,
    }
    const entries = (await Array.fromAsync(readLedger(store))).filter(({ kind }) => kind in old)
    await asOwner(
      store,
      `update finding_note set salt = null, digest = sha256(convert_to(body, 'UTF8'))`,
      `update exception_event set salt = null, digest = '\\x${old.exception}'`,
      `insert into exception_register (digest, body) select sha256(convert_to(body, 'UTF8')), body from exception_register`,
      `update evaluation set digest_version = 2, digest = '\\x${digest}', exceptions = (select digest from exception_register where salt is null)`,
      'delete from exception_register where salt is not null',
      `delete from ledger where position > 1`,
    )
    for (const { kind, payload } of entries)
      await appendLedger(store, kind, { ...payload, digest: old[kind as keyof typeof old] })
    expect(await problems()).to.deep.equal([])
    const { redacted } = await pseudonymise(store, { source: 'acme', user: 'u1', isDryRun: false })
    expect(redacted).to.have.lengthOf(3)
    expect(await problems()).to.deep.equal([])
    expect((await readEvaluation(store, 1))!.exceptions![0]!.reason).to.equal('[u1]')
    await asOwner(store, `update exception_register set body = replace(body, '[u1]', '[u2]')`)
    expect((await problems()).join()).to.match(/^disposal exception register/)
  })
})

describe('a body that is gone', () => {
  it('is found by name when no disposal stands for it, or one that did not remove it', async () => {
    const cases: readonly (readonly [statement: string, expected: RegExp])[] = [
      [
        `update entity_version set body = null where entity_id = (select min(entity_id) from entity_version where to_version > 9)`,
        /^row .*: its facts are gone, and no disposal is on record/m,
      ],
      [
        `update entity_version set body = null, disposed = 999 where body like '%bob%'`,
        /^disposal identitystore\.users .* u-bob: its body is gone, and the ledger has no disposal at 999/m,
      ],
      [
        `update entity_version set body = null, disposed = (select max(position) from ledger where kind = 'disposal') where body like '%bob%'`,
        /^disposal entry \d+: it disposed of \d+ rows, and \d+ name it/m,
      ],
      [
        `update entity_version set body = '{}' where body is null`,
        /^disposal identitystore\.users .*: it is marked as disposed of, and has a body/m,
      ],
      [
        `delete from entity_salt where entity_id in (select entity_id from entity_version where body is not null)`,
        /its salt is gone, and no disposal is on record/,
      ],
      [
        `update result_version set body = null, salt = null where body is not null`,
        /^evaluation IDC-USER-001 acme u-bob: what it says is gone, and no disposal/m,
      ],
      [`update result_version set status = 'pass' where disposed is not null`, /^disposal entry/m],
      [`update result_version set status = 'pass' where disposed is null`, /^evaluation evaluation 4/m],
      [
        `update import_row set body = replace(body, 'bob', 'eve') where body is not null`,
        /^import import 4 row 1: what it says was changed/m,
      ],
      [`delete from import_row where import_id = 4`, /^import import 4: the ledger says/m],
      [`delete from ledger where kind = 'disposal'`, /the ledger has no disposal at/],
    ]
    for (const [statement, expected] of cases) {
      const { store, clock, problems } = await filled()
      await using _ = store
      clock.moveTo('2026-04-10T00:00:00Z')
      await runRetention(store, keepDays(30))
      await asOwner(store, statement)
      expect((await problems()).join('\n'), statement).to.match(expected)
    }
  }).timeout(120_000)

  it('cannot go but through the one function and under its own entry of the ledger', async () => {
    const { store, clock } = await filled()
    await using _ = store
    clock.moveTo('2026-04-10T00:00:00Z')
    const [step] = await runRetention(store, keepDays(30))
    const position = step!.ledgerPosition
    for (const statement of [
      `update entity_version set body = null, disposed = ${position} where body is not null`,
      `update entity_version set disposed = ${position} where body is not null`,
      `update entity_version set disposed = null where disposed is not null`,
      `update entity_version set body = '{}' where body is null`,
      `update result_version set body = null, disposed = ${position} where body is not null`,
      `update import_row set body = null, disposed = ${position} where body is not null`,
      `delete from import_row`,
      `delete from entity_salt where entity_id in (select entity_id from entity_version where body is not null)`,
      `insert into disposal_choice (kind, entity_id, n, leaf) select 'version', entity_id, from_version, '' from entity_version; select dispose(${position})`,
      `select dispose(1)`,
    ])
      expect((await errorOf(store.db.pool.query(statement))).code, statement).to.equal('23001')
  })
})

describe('a hold', () => {
  it('stops disposal while it stands: of everything, of a source, of a person', async () => {
    const { store, clock, problems } = await filled()
    await using _ = store
    clock.moveTo('2026-04-10T00:00:00Z')
    const all = await addHold(store, { kind: 'all' }, 'case 7', 'counsel')
    const held = await runRetention(store, keepDays(30))
    expect(held.map(({ resources, heldBy }) => [resources, heldBy])).to.deep.equal([
      [0, [`hold ${all.id} on everything`]],
      [0, [`hold ${all.id} on everything`]],
    ])
    await releaseHold(store, all.id, 'case closed', 'counsel')
    expect((await errorOf(releaseHold(store, all.id, 'twice', 'counsel'))).code).to.equal('NOT_FOUND')
    const source = await addHold(store, { kind: 'source', source: 'acme' }, 'case 8', 'counsel')
    expect((await runRetention(store, keepDays(30))).map(each => each.ledgerPosition)).to.deep.equal([null, null])
    await releaseHold(store, source.id, 'done', 'counsel')
    const person = await addHold(store, { kind: 'person', source: 'acme', user: 'jane@example.com' }, 'case 9', 'counsel')
    expect(person.scope).to.deep.equal({ kind: 'person', source: 'acme', user: 'u-jane' })
    expect((await errorOf(pseudonymise(store, { source: 'acme', user: 'u-jane', isDryRun: false }))).code).to.equal('ON_HOLD')
    const [step, imports] = await runRetention(store, keepDays(30))
    expect([step!.resources, step!.results, imports!.importRows], 'permission sets, bob, and not jane').to.deep.equal([2, 2, 2])
    expect(await textIn(store, 'jane')).to.be.greaterThan(0)
    expect((await listHolds(store)).map(({ id, released }) => [id, released?.reason ?? null])).to.deep.equal([
      [person.id, null],
      [source.id, 'done'],
      [all.id, 'case closed'],
    ])
    expect(await problems()).to.deep.equal([])
    for (const scope of [
      { kind: 'source', source: 'nobody' },
      { kind: 'person', source: 'acme', user: 'nobody' },
    ] as const)
      expect((await errorOf(addHold(store, scope, 'r', 'b'))).code).to.equal('NOT_FOUND')
  })
})

describe('a hold on what is called otherwise by now', () => {
  for (const scope of [
    { kind: 'source', source: 'acme' },
    { kind: 'person', source: 'acme', user: 'u-jane' },
  ] as const)
    it(`stands, and what was judged under the old label goes once it is released (${scope.kind})`, async () => {
      const { store, clock, problems } = await filled()
      await using _ = store
      const hold = await addHold(store, scope, 'case 7', 'counsel')
      clock.moveTo('2026-04-09T00:00:00Z')
      await collectOnce(store, [part({ dataset: 'identitystore.users', rows: [user('u-bob')] })], {
        source: sourceNamed('acme-corp'),
      })
      clock.moveTo('2026-04-10T00:00:00Z')
      const request = { source: 'acme-corp', user: 'u-jane', isDryRun: false }
      expect((await errorOf(pseudonymise(store, request))).code).to.equal('ON_HOLD')
      const [held] = await runRetention(store, keepDays(30))
      expect(held!.heldBy).to.have.length(1)
      const titles = await store.db.pool.query(
        `select v.body from entity_version v join entity e on e.id = v.entity_id join resource_key k on k.id = e.key_id where k.key = 'u-jane'`,
      )
      expect(titles.rows.map(row => row.body)).not.to.include(null)
      expect(await textIn(store, 'jane@example.com has no mfa')).to.be.greaterThan(0)
      await releaseHold(store, hold.id, 'closed', 'counsel')
      const [step] = await runRetention(store, keepDays(30))
      expect([step!.source, step!.results, step!.heldBy]).to.deep.equal(['acme-corp', scope.kind === 'source' ? 4 : 2, []])
      expect(await textIn(store, 'jane@example.com has no mfa')).to.equal(0)
      expect(await problems()).to.deep.equal([])
    })

  it('on another source keeps what was judged of that one, and imports, whoever asks', async () => {
    const { store } = await filled()
    await using _ = store
    const other = { ...identity, instanceArn: 'arn:aws:sso:::instance/ssoins-other' }
    await collectOnce(store, [part({ dataset: 'identitystore.users', rows: [user('u-eve')] })], {
      source: sourceNamed('other'),
      plan: { identity: other },
    })
    const hold = await addHold(store, { kind: 'source', source: 'other' }, 'case 7', 'counsel')
    const request = { source: 'acme', user: 'u-jane', isDryRun: false }
    const error = await errorOf(pseudonymise(store, request))
    expect([error.code, error.message]).to.deep.equal([
      'ON_HOLD',
      `hold ${hold.id} on source other keeps it: case 7 (counsel, 2026-04-01T00:00:00.000Z)`,
    ])
    await releaseHold(store, hold.id, 'closed', 'counsel')
    expect((await pseudonymise(store, request)).importRows).to.equal(2)
  })
})

describe('a label that another source has by now', () => {
  it('takes nothing of what was judged under it while it was that of a source that is kept for ever', async () => {
    const { store, clock, problems } = await filled()
    await using _ = store
    const rules: RetentionRules = {
      of: label => ({ days: label === 'acme-old' ? null : 30, because: 'the test' }),
      imports: { days: null, because: 'the test' },
    }
    const users = (id: string) => [part({ dataset: 'identitystore.users', rows: [user(id)] })]
    clock.moveTo('2026-04-02T00:00:00Z')
    await collectOnce(store, users('u-bob'), { source: sourceNamed('acme-old') })
    const plan = { identity: { ...identity, instanceArn: 'arn:aws:sso:::instance/ssoins-other' } }
    for (const at of ['2026-04-03', '2026-05-03', '2026-06-03']) {
      clock.moveTo(`${at}T00:00:00Z`)
      const { digest, version } = await collectOnce(store, users('u-eve'), { plan })
      const judged = evaluationOf([{ key: 'u-eve', status: 'fail', reason: `eve has no key in ${at}` }])
      await saveEvaluation(store, { ...judged, asOf: clock.now(), snapshots: [{ source: 'acme', version, digest }] })
    }
    clock.moveTo('2026-08-03T00:00:00Z')
    const [step, old] = await runRetention(store, rules)
    expect([step!.source, step!.results, old!.source, old!.cutoff]).to.deep.equal(['acme', 2, 'acme-old', null])
    expect(await textIn(store, 'jane@example.com has no mfa'), 'of the other one').to.be.greaterThan(0)
    expect(await problems()).to.deep.equal([])
  })
})

describe('pseudonymising a person', () => {
  it('removes what names it from every version, import and result, and leaves the id, every digest and everybody else', async () => {
    const { store, clock, problems } = await filled()
    await using _ = store
    clock.moveTo('2026-04-10T00:00:00Z')
    const dry = await pseudonymise(store, { source: 'acme', user: 'jane@example.com', isDryRun: true })
    expect(dry).to.deep.include({
      user: 'u-jane',
      resources: 2,
      results: 2,
      importRows: 2,
      isStillThere: false,
      ledgerPosition: null,
    })
    expect(dry.names).to.have.members(['jane@example.com', 'jane doe', 'e100'])
    expect(await problems()).to.deep.equal([])
    const done = await pseudonymise(store, { source: 'acme', user: 'jane@example.com', isDryRun: false })
    expect(done).to.deep.include({ resources: 2, results: 2, importRows: 2 })
    expect(await problems()).to.deep.equal([])
    expect(await textIn(store, 'jane')).to.equal(0)
    const entry = (await Array.fromAsync(readLedger(store))).at(-1)!
    expect(JSON.stringify(entry)).not.to.match(/jane/i)
    const finding = (await readFindings(store, { subject: 'u-jane' }))[0]!
    expect(finding, 'its state stays').to.include({ state: 'resolved', name: 'u-jane' })
    expect(finding.reason).to.contain(`ledger entry ${entry.position}`)
    expect(entry.payload).to.include({ reason: 'privacy', rows: 8 })
    const first = (await readSnapshot(store, 'acme', { version: 1 }))!
    const users = await resourcesOf(store, first, 'identitystore.users')
    expect(users.map(({ key, disposed }) => [key, disposed])).to.deep.equal([
      ['u-bob', undefined],
      ['u-jane', `disposed of on a person's request on 2026-04-10 (ledger entry ${entry.position})`],
    ])
    const asOf = new Date('2026-01-15T00:00:00Z')
    const [roster] = await readImports(store, asOf)
    expect(roster!.rows.map(row => row.email)).to.deep.equal(['bob@example.com'])
    const estate = await buildEstate({ ...(await readEstate(store, asOf)), imports: [roster!] })
    expect(estate.sources[0]!.gaps.rows('import.roster').size, 'who is not in the roster may have been').to.equal(1)
  })

  it('takes the names out of what people wrote, keeps every digest of it, and lists what it left', async () => {
    const { store, problems } = await filled()
    await using _ = store
    const { id } = (await readFindings(store, { subject: 'u-jane' }))[0]!
    await noteFinding(store, id, 'grace', 'Jane Doe is on "leave" 👋 says JANE@example.com')
    await noteFinding(store, id, 'grace', 'mjane doesn’t mind')
    await assignFinding(store, id, 'Jane Doe', { owner: 'jane@example.com' })
    const request = {
      ...{ controls: ['IDC-USER-001'], reason: 'as agreed with jane@example.com', ticket: null, requestedBy: 'Jane Doe' },
      ...{ scope: { source: 'acme', subjects: null, match: null, when: null }, expiresAt: '2026-12-31T00:00:00.000Z' },
    }
    const asked = await requestException(store, request)
    await requestException(store, { ...request, requestedBy: 'Ada', reason: 'other' })
    await approveException(store, 'EX-2', 'jane@example.com')
    const kept = { ...asked, id: 'kept', origin: 'file' as const, scope: { ...request.scope, match: { name: ['Jane Doe'] } } }
    await saveExceptionFile(store, {
      ...{ location: 'x.yaml', digest: sha256('x'), exceptions: [kept] },
      problems: ['line 3: jane@example.com is no control'],
    })
    const register = [{ ...kept, state: 'requested' as const, covers: 0, problem: null }]
    const judged = evaluationOf([{ key: 'u-bob', status: 'fail', reason: 'no MFA' }])
    await saveEvaluation(store, { ...judged, exceptions: register })
    await saveEvaluation(store, { ...judged, exceptions: register })
    const redacted = [
      `what was said of finding ${id} (note 1)`,
      `what was said of finding ${id} (assigned 3)`,
      ...['exception EX-1 (requested)', 'exception EX-2 (approved)'],
      'file of exceptions 1, the last that was read: change the file, or it is read again as it stands',
      'the exceptions that evaluation 5 was the first to know',
    ]
    const dry = await pseudonymise(store, { source: 'acme', user: 'u-jane', isDryRun: true })
    expect(dry.redacted).to.deep.equal(redacted)
    expect(await problems()).to.deep.equal([])
    const done = await pseudonymise(store, { source: 'acme', user: 'u-jane', isDryRun: false })
    expect(done.redacted).to.deep.equal(redacted)
    expect(done.writings, 'what is covered is not changed').to.deep.equal(redacted.slice(-2))
    expect(await problems()).to.deep.equal([])
    expect((await verifyStore(store, null)).disposals[0]).to.include({ texts: 6 })
    const { notes } = await readFinding(store, id)
    expect(notes.map(({ by, owner, text }) => [by, owner, text])).to.deep.equal([
      ['grace', null, '[u-jane] is on "leave" 👋 says [u-jane]'],
      ['grace', null, 'mjane doesn’t mind'],
      ['[u-jane]', '[u-jane]', null],
    ])
    const known = await readExceptions(store, store.now())
    expect(known.map(each => [each.id, each.reason, each.requestedBy, each.approvedBy])).to.deep.equal([
      ['EX-1', 'as agreed with [u-jane]', '[u-jane]', null],
      ['EX-2', 'other', 'Ada', '[u-jane]'],
      ['kept', 'as agreed with [u-jane]', '[u-jane]', null],
    ])
    expect((await readEvaluation(store, 6))!.exceptions![0]).to.include({ requestedBy: '[u-jane]' })
    expect((await errorOf(approveException(store, 'EX-1', 'jane@example.com'))).message).to.contain('nobody can tell')
    const again = { source: 'acme', user: 'u-jane', names: ['jane doe', 'grace'], isDryRun: false }
    expect((await pseudonymise(store, again)).redacted, 'a second time, by other names').to.deep.equal([
      ...[`what was said of finding ${id} (note 1)`, `what was said of finding ${id} (note 2)`],
    ])
    expect(await problems()).to.deep.equal([])
    for (const [statement, expected] of [
      [
        `update finding_note set body = replace(body, 'leave', 'holiday') where id = 1`,
        /finding note 1: it was redacted, and is not/,
      ],
      [`update finding_note set redacted = null where id = 1`, /note of finding F-\d+ 1: it is not what the ledger says/],
      [`update redaction set digest = '\\x00' where kind = 'exception_event'`, /the texts that name it are not as it left them/],
      [`update exception_register set body = '[]'`, /exception register [0-9a-f]+: it was redacted, and is not/],
      [`delete from redaction where kind = 'exception_file'`, /entry \d+: it redacted 6 texts, and 5 name it/],
    ] as const) {
      await asOwner(store, statement)
      expect((await problems()).join('\n'), statement).to.match(expected)
    }
  })

  it('takes out nothing but through the one function, which writes a marker and nothing else', async () => {
    const { store } = await filled()
    await using _ = store
    await noteFinding(store, 1, 'grace', 'as it is')
    await noteFinding(store, 1, 'grace', 'jane@example.com knows')
    const { ledgerPosition } = await pseudonymise(store, { source: 'acme', user: 'u-jane', isDryRun: false })
    for (const statement of [
      `update finding_note set body = '{}', salt = null, redacted = ${ledgerPosition} where id = 1`,
      `update finding_note set body = '{}' where id = 2`,
      `update finding_note set redacted = null where id = 2`,
      `insert into redaction_choice values ('finding_note', '1', 1, 2); select redact(${ledgerPosition}, '[x]')`,
      `select redact(${ledgerPosition}, 'approved by Eve')`,
      `select redact(1, '[x]')`,
    ])
      expect((await errorOf(store.db.pool.query(statement))).code, statement).to.equal('23001')
  })

  it('takes pieces out of values only, whole escapes or none, and so no member that decides', async () => {
    const { store, problems } = await filled()
    await using _ = store
    await noteFinding(store, 1, 'grace', 'a "\\ \u0001 👋 b\nora\nnora knows nora and q"r\\')
    const taken = await pseudonymise(store, { source: 'acme', user: 'u-jane', names: ['nora', 'q"r\\'], isDryRun: false })
    expect(taken.redacted).to.have.lengthOf(1)
    expect((await readFinding(store, 1)).notes[0]!.text).to.equal('a "\\ \u0001 👋 b\nora\n[u-jane] knows [u-jane] and [u-jane]')
    expect(await problems()).to.deep.equal([])
    await noteFinding(store, 1, 'grace', 'foo\nbar\u0001 "quoted" a:b')
    const { body } = (await store.db.pool.query('select body from finding_note where id = 2')).rows[0]
    const cases: readonly (readonly [piece: string, from: number, isFine: boolean])[] = [
      ...(['foo', 'foo\\n', '\\n', '\\u0001', '\\"quoted\\"', 'a:b', 'grace'] as const).map(
        piece => [piece, body.indexOf(piece), true] as const,
      ),
      ...(['foo\\', 'nbar', 'u0001', '0001', '\\u00', '"quoted', '\\"quoted\\', 'b"', '"foo', 'text', '":"', ','] as const).map(
        piece => [piece, body.indexOf(piece), false] as const,
      ),
      [body.slice(body.indexOf('grace') + 1, body.indexOf('foo') + 1), body.indexOf('grace') + 1, false],
      ['null', body.indexOf('null'), false],
    ]
    const client = await store.db.pool.connect()
    try {
      for (const [piece, from, isFine] of cases) {
        expect(from, `${piece} in ${body}`).to.be.at.least(0)
        const left = `${body.slice(0, from)}[1]${body.slice(from + piece.length)}`
        const textsDigest = sha256(`${JSON.stringify(['finding_note', '2', sha256(left)])}\n`)
        const done = client.query(`begin;
          insert into ledger (position, at, kind, payload, previous_digest, digest)
            values (999, now(), 'disposal', '${JSON.stringify({ texts: 1, textsDigest })}', '', '');
          insert into redaction_choice values ('finding_note', '2', ${from + 1}, ${piece.length});
          select redact(999, '[1]')`)
        expect(isFine ? await done.then(() => null) : (await errorOf(done)).code, piece).to.equal(isFine ? null : '23001')
        await client.query('rollback')
      }
    } finally {
      client.release(true)
    }
  })

  it('takes no piece of what decides: an instant, a control, a scope, a state', async () => {
    const { store } = await filled()
    await using _ = store
    await requestException(store, {
      ...{ controls: ['IDC-USER-001'], reason: 'nora asked\0\0', ticket: 'T-1\\u0000', requestedBy: 'ada' },
      ...{ scope: { source: 'acme', subjects: ['nora'], match: { owner: ['nob'] }, when: null } },
      expiresAt: '2026-12-31T00:00:00.000Z',
    })
    const { body } = (await store.db.pool.query('select body from exception_event')).rows[0]
    const cases: readonly (readonly [text: string, piece: string, isFine: boolean])[] = [
      ...(['"nora asked', '"T-1', '"ada'] as const).map(text => [text, text.slice(1), true] as const),
      ...(['"2026-12-31T00', '"IDC-USER-001', '"acme', '"nora"', '"nob'] as const).map(
        text => [text, text.replaceAll('"', ''), false] as const,
      ),
    ]
    const client = await store.db.pool.connect()
    try {
      for (const [text, piece, isFine] of cases) {
        const from = body.indexOf(text) + 1
        expect(from, `${text} in ${body}`).to.be.at.least(1)
        const left = `${body.slice(0, from)}[1]${body.slice(from + piece.length)}`
        const textsDigest = sha256(`${JSON.stringify(['exception_event', '1', sha256(left)])}\n`)
        const done = client.query(`begin;
          insert into ledger (position, at, kind, payload, previous_digest, digest)
            values (999, now(), 'disposal', '${JSON.stringify({ texts: 1, textsDigest })}', '', '');
          insert into redaction_choice values ('exception_event', '1', ${from + 1}, ${piece.length});
          select redact(999, '[1]')`)
        expect(isFine ? await done.then(() => null) : (await errorOf(done)).code, piece).to.equal(isFine ? null : '23001')
        await client.query('rollback')
      }
    } finally {
      client.release(true)
    }
  })

  it('removes what an IAM user is, by its ARN, and says why the ARN has to stay', async () => {
    const { store, problems } = await filled()
    await using _ = store
    const arn = 'arn:aws:iam::111122223333:user/staff/mary.major'
    const other = 'arn:aws:iam::111122223333:user/mary'
    await collectOnce(store, [
      part({
        dataset: 'iam.users',
        rows: [arn, other].map(Arn => ({ key: Arn, facts: { Arn, UserName: Arn.split('/').at(-1)! } })),
      }),
      part({
        ...{ dataset: 'iam.access_keys', parent: arn },
        rows: [{ key: `${arn}|AKIA1`, facts: { UserName: 'mary.major' } }],
      }),
      part({
        dataset: 'iam.virtual_mfa_devices',
        rows: ['a', 'b'].map((key, i) => ({ key, facts: { SerialNumber: key, User: { Arn: [arn, other][i]! } } })),
      }),
    ])
    await saveEvaluation(
      store,
      evaluationOf([arn, other].map(key => ({ key, status: 'fail', reason: `${key.split('/').at(-1)} has an old key` }))),
    )
    const hold = await addHold(store, { kind: 'person', source: 'acme', user: arn }, 'case 1', 'counsel')
    expect((await errorOf(pseudonymise(store, { source: 'acme', user: arn, isDryRun: false }))).code).to.equal('ON_HOLD')
    await releaseHold(store, hold.id, 'closed', 'counsel')
    const done = await pseudonymise(store, { source: 'acme', user: arn, isDryRun: false })
    expect(done).to.deep.include({
      user: arn,
      resources: 3,
      results: 1,
      findings: 1,
      isStillThere: true,
      names: [arn, 'mary.major'],
    })
    expect(done.unremovable).to.deep.equal([
      ...['1 keys of iam.access_keys', '1 keys of iam.users', '1 subjects of results', '1 subjects of findings'],
      `entry ${hold.id} of the ledger (hold)`,
    ])
    expect(await problems()).to.deep.equal([])
    const { rows } = await store.db.pool.query(`select body from entity_version where body like '%mary%'`)
    expect(rows.map(row => JSON.parse(row.body)).map(body => body.Arn ?? body.User.Arn)).to.deep.equal([other, other])
    const rest = await pseudonymise(store, { source: 'acme', user: other, isDryRun: false })
    expect(rest, 'a name that others have elsewhere is not looked for').to.deep.include({ names: [other], results: 1 })
    expect((await errorOf(pseudonymise(store, { source: 'acme', user: `${arn}x`, isDryRun: true }))).code).to.equal('NOT_FOUND')
  })

  it('says that a user is still there, and what else names it', async () => {
    const { store, problems } = await filled()
    await using _ = store
    await collectOnce(store, [
      part({ dataset: 'identitystore.users', rows: [user('u-bob', { UserName: 'bob@example.com' })] }),
      part({ dataset: 'organizations.accounts', rows: [{ key: '1', facts: { Id: '1', Email: 'bob@example.com' } }] }),
    ])
    const found = await pseudonymise(store, { source: 'acme', user: 'u-bob', isDryRun: false })
    expect(found.isStillThere).to.equal(true)
    expect([...found.left]).to.deep.equal([['organizations.accounts', 1]])
    expect(await problems()).to.deep.equal([])
    const again = await collectOnce(store, [
      part({ dataset: 'identitystore.users', rows: [user('u-bob', { UserName: 'bob@example.com' })] }),
    ])
    expect((await resourcesOf(store, again, 'identitystore.users'))[0]!.facts.UserName).to.equal('bob@example.com')
    expect(await problems()).to.deep.equal([])
  })

  it('says where else the name is recorded, and that a collection under way may bring it', async () => {
    const { store, clock } = await filled()
    await using _ = store
    clock.moveTo('2026-04-05T00:00:00Z')
    const caller = {
      place,
      arn: 'arn:aws:sts::111122223333:assumed-role/Admin/jane@example.com',
      userId: 'AROA:jane@example.com',
    }
    const reason = `User: ${caller.arn} is not authorized`
    const users = part({ dataset: 'identitystore.users', rows: [user('u-jane')] })
    await collectOnce(store, [users, part({ dataset: 'sso.applications', coverage: 'denied', reason })], {
      plan: { callers: [caller] },
    })
    const dry = () => pseudonymise(store, { source: 'acme', user: 'u-jane', isDryRun: true })
    const unremovable = ['1 lists of callers of snapshots', '1 reasons why something was not read']
    expect(await dry()).to.deep.include({ isBeingCollected: false, unremovable })
    const run = await openRun(store, sourceNamed(), planOf(['identitystore.users']))
    await saveParts(run, { pieces: [users], calls: [] })
    await failRun(run, { code: 'REFUSED', message: reason })
    const goesOn = { isBeingCollected: true, unremovable: [...unremovable, '1 messages of runs that failed'] }
    expect(await dry(), 'the next run resumes it').to.deep.include(goesOn)
  })

  it('refuses whom nobody knows', async () => {
    const { store } = await filled()
    await using _ = store
    expect((await errorOf(pseudonymise(store, { source: 'acme', user: 'eve', isDryRun: true }))).code).to.equal('NOT_FOUND')
  })
})

/** In how many rows of the whole database a text stands, whatever its case. */
async function textIn(store: Store, text: string): Promise<number> {
  const { rows: tables } = await store.db.pool.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace`,
  )
  let found = 0
  for (const { name } of tables) {
    // the key of her user id is what is left of her
    const { rows } = await store.db.pool.query<{ n: number }>(
      `select count(*)::int as n from ${name} t where replace(lower(t::text), 'u-jane', '') like '%${text}%'`,
    )
    found += rows[0]!.n
  }
  return found
}
