import { expect } from 'chai'
import { partKey } from '../../src/digest.ts'
import type { PartPiece } from '../../src/model.ts'
import {
  checkLedger,
  checkSnapshot,
  failRun,
  listRuns,
  listSnapshots,
  openRun,
  readCalls,
  readLedger,
  readSnapshot,
  recordFailure,
  type Store,
  StoreError,
  saveParts,
  saveProgress,
  sealRun,
  verifyStore,
} from '../../src/store/index.ts'
import {
  call,
  clockAt,
  collectOnce,
  errorOf,
  gap,
  group,
  identity,
  keysOf,
  membership,
  part,
  planOf,
  resourcesOf,
  sourceNamed,
  user,
} from './collected.ts'
import { freshStore } from './fresh-store.ts'

const users = 'identitystore.users'
const groups = 'identitystore.groups'
const memberships = 'identitystore.group_memberships'
const plan = planOf([users, groups, memberships])

const saved = (pieces: readonly PartPiece[]) => ({ pieces, calls: [] })

describe('a run', () => {
  it('is refused while another one holds the source, and says who', async () => {
    await using store = await freshStore()
    await using _holder = await openRun(store, sourceNamed(), plan)
    const refused = await errorOf(openRun(store, sourceNamed(), plan))
    expect(refused).to.be.instanceOf(StoreError)
    expect(refused.code).to.equal('SOURCE_BUSY')
    expect(refused.message).to.match(/^evidenced, since 20.*is collecting acme/)
    await using other = await openRun(
      store,
      sourceNamed('beta'),
      planOf([users], { identity: { ...identity, instanceArn: 'arn:aws:sso:::instance/ssoins-beta' } }),
    )
    expect(other.resumed).to.equal(false)
  })

  it('says how far it is while it goes on, and no more when it is over', async () => {
    await using store = await freshStore()
    const progress = { phase: 'reading AWS', done: 3, total: 12, perSecond: 1.5, throttles: 2, secondsLeft: 6, detail: users }
    {
      await using run = await openRun(store, sourceNamed(), plan)
      expect((await listRuns(store))[0]).to.include({ outcome: 'running', progress: null })
      await saveProgress(run, { ...progress, done: 1 })
      await saveProgress(run, progress)
      expect((await listRuns(store))[0]!.progress).to.deep.equal(progress)
    }
    expect((await listRuns(store))[0]).to.include({ outcome: 'interrupted', progress: null })
    await using _next = await openRun(store, sourceNamed(), plan)
    expect((await listRuns(store))[0]).to.include({ outcome: 'running', progress: null })
  })

  it('leaves the source free when it is disposed, sealed or failed', async () => {
    await using store = await freshStore()
    {
      await using _run = await openRun(store, sourceNamed(), plan)
    }
    await collectOnce(store, [part({ dataset: users })])
    {
      await using run = await openRun(store, sourceNamed(), plan)
      await failRun(run, { code: 'UNREACHABLE', message: 'AWS does not answer' })
      await failRun(run, { code: 'AGAIN', message: 'says nothing more' })
    }
    const runs = await listRuns(store)
    expect(runs.map(run => [run.outcome, run.snapshotVersion, run.errorCode, run.error])).to.deep.equal([
      ['failed', null, 'UNREACHABLE', 'AWS does not answer'],
      ['sealed', 1, null, null],
      ['interrupted', null, null, null],
    ])
    expect(runs.every(run => run.endedAt !== null && run.source === 'acme')).to.equal(true)
    expect(await listRuns(store, { source: 'beta' })).to.deep.equal([])
  })

  it('is refused when its label belongs to another instance, and takes up its history under another label', async () => {
    await using store = await freshStore()
    const first = await collectOnce(store, [part({ dataset: users, rows: [user('u1')] })])
    const elsewhere = planOf([users], { identity: { ...identity, instanceArn: 'arn:aws:sso:::instance/ssoins-other' } })
    const refused = await errorOf(openRun(store, sourceNamed(), elsewhere))
    expect(refused.code).to.equal('SOURCE_IDENTITY_CHANGED')
    expect(refused.message).to.contain('ssoins-other').and.to.contain('ssoins-1234567890abcdef')
    const elsewhereToo = planOf([users], { identity: { ...identity, organizationId: 'o-other' } })
    expect((await errorOf(openRun(store, sourceNamed(), elsewhereToo))).code).to.equal('SOURCE_IDENTITY_CHANGED')
    const renamed = await collectOnce(store, [part({ dataset: users, rows: [user('u1')] })], {
      source: sourceNamed('acme-renamed'),
    })
    expect(renamed).to.include({ source: 'acme-renamed', version: 2, previousDigest: first.digest })
    expect(await readSnapshot(store, 'acme', 'latest')).to.equal(null)
    expect(await readSnapshot(store, 'acme-renamed', { version: 1 })).to.deep.equal(first)
    for (const snapshot of await listSnapshots(store)) expect(await checkSnapshot(store, snapshot)).to.deep.equal([])
  })

  it('is not refused when its organization could not be read this time', async () => {
    await using store = await freshStore()
    await collectOnce(store, [part({ dataset: users })])
    const second = await collectOnce(store, [part({ dataset: users })], {
      plan: { identity: { ...identity, organizationId: null } },
    })
    expect(second.version).to.equal(2)
    const third = planOf([users], { identity: { ...identity, organizationId: 'o-other' } })
    expect((await errorOf(openRun(store, sourceNamed(), third))).code).to.equal('SOURCE_IDENTITY_CHANGED')
  })

  it('goes on from the parts that an interrupted one read to a good end, and asks again for the rest', async () => {
    const clock = clockAt('2026-03-01T00:00:00Z')
    await using store = await freshStore({ now: clock.now })
    const [refused, half] = [
      part({ dataset: memberships, parent: 'g2', coverage: 'denied', reason: 'refused', gaps: [gap(memberships)] }),
      part({ dataset: users, rows: [user('u1')] }),
    ]
    {
      await using run = await openRun(store, sourceNamed(), plan)
      const read = part({ dataset: memberships, parent: 'g1', rows: [membership('g1', 'u1')] })
      await saveParts(run, { pieces: [read, refused, { ...half, end: null }], calls: [call('ListUsers')] })
    }
    clock.moveTo('2026-03-01T20:00:00Z')
    const again = planOf([users, groups, memberships], {
      callers: [{ place: plan.callers[0]!.place, arn: 'arn:other', userId: 'OTHER' }],
    })
    await using run = await openRun(store, sourceNamed(), again)
    expect(run.resumed).to.equal(true)
    expect([...run.done]).to.deep.equal([partKey({ dataset: memberships, place: plan.callers[0]!.place, parent: 'g1' })])
    const rest = [part({ dataset: users, rows: [user('u1')] }), part({ dataset: groups, rows: [group('g1'), group('g2')] })]
    await saveParts(run, {
      pieces: [...rest, part({ dataset: memberships, parent: 'g2', rows: [membership('g2', 'u1')] })],
      calls: [call('ListGroups')],
    })
    const snapshot = await sealRun(run)
    expect(await keysOf(store, snapshot, memberships)).to.deep.equal(['g1|u1', 'g2|u1'])
    expect(snapshot.startedAt, 'the window begins with the first attempt').to.deep.equal(new Date('2026-03-01T00:00:00Z'))
    expect(snapshot.callers).to.have.lengthOf(2)
    expect(snapshot.calls, 'the calls of both attempts').to.equal(2)
    expect(snapshot.gaps).to.deep.equal([])
    expect((await listRuns(store)).map(each => each.outcome)).to.deep.equal(['sealed', 'interrupted'])
  })

  it('goes on after a failure, too', async () => {
    await using store = await freshStore()
    {
      await using run = await openRun(store, sourceNamed(), plan)
      await saveParts(run, saved([part({ dataset: users, rows: [user('u1')] })]))
      await failRun(run, { code: 'CREDENTIALS_INVALID', message: 'expired' })
    }
    await using run = await openRun(store, sourceNamed(), plan)
    expect(run.done.size).to.equal(1)
  })

  const unfit: readonly (readonly [
    why: string,
    later: string,
    change: () => readonly [ReturnType<typeof sourceNamed>, typeof plan],
  ])[] = [
    ['older than a day', '2026-03-02T00:00:01Z', () => [sourceNamed(), plan]],
    ['read with other settings', '2026-03-01T01:00:00Z', () => [sourceNamed('acme', { includePersonalData: true }), plan]],
    ['read by another plan', '2026-03-01T01:00:00Z', () => [sourceNamed(), planOf([users])]],
  ]
  for (const [why, later, change] of unfit) {
    it(`begins anew when what was read is ${why}`, async () => {
      const clock = clockAt('2026-03-01T00:00:00Z')
      await using store = await freshStore({ now: clock.now })
      {
        await using run = await openRun(store, sourceNamed(), plan)
        await saveParts(run, saved([part({ dataset: users, rows: [user('u1')] })]))
      }
      clock.moveTo(later)
      const [source, changed] = change()
      await using run = await openRun(store, source, changed)
      expect(run.resumed).to.equal(false)
      expect(run.done.size).to.equal(0)
      await saveParts(run, saved([part({ dataset: users, rows: [user('u2')] })]))
      const snapshot = await sealRun(run)
      expect(await keysOf(store, snapshot, users)).to.deep.equal(['u2'])
      expect(snapshot.startedAt).to.deep.equal(new Date(later))
    })
  }

  it('keeps of a part only what came since its last first piece', async () => {
    await using store = await freshStore()
    await using run = await openRun(store, sourceNamed(), plan)
    const piece = (rows: PartPiece['rows'], isFirst: boolean, isLast: boolean): PartPiece => ({
      ...part({ dataset: users, rows }),
      isFirst,
      ...(isLast ? {} : { end: null }),
    })
    await saveParts(run, saved([piece([user('stale')], true, false), piece([user('stale2')], false, true)]))
    await saveParts(
      run,
      saved([piece([user('stale3')], true, false), piece([user('u1')], true, false), piece([user('u2')], false, false)]),
    )
    await saveParts(run, saved([piece([user('u3')], false, true)]))
    const snapshot = await sealRun(run)
    expect(await keysOf(store, snapshot, users)).to.deep.equal(['u1', 'u2', 'u3'])
    expect(snapshot.datasets.find(each => each.name === users)).to.include({ parts: 1, count: 3, duplicates: 0 })
  })

  it('refuses a piece that comes without its first one, or after the end', async () => {
    await using store = await freshStore()
    await using run = await openRun(store, sourceNamed(), plan)
    const later = { ...part({ dataset: users, rows: [user('u1')] }), isFirst: false }
    expect((await errorOf(saveParts(run, saved([later])))).code).to.equal('PART_OUT_OF_ORDER')
    await saveParts(run, saved([part({ dataset: users, rows: [user('u1')] })]))
    expect((await errorOf(saveParts(run, saved([later])))).code).to.equal('PART_OUT_OF_ORDER')
    expect(
      (await errorOf(saveParts(run, saved([part({ dataset: groups }), { ...part({ dataset: groups }), isFirst: false }])))).code,
    ).to.equal('PART_OUT_OF_ORDER')
    expect(await keysOf(store, await sealRun(run), users), 'a refused batch leaves nothing').to.deep.equal(['u1'])
  })

  it('counts a part whose end never came as incomplete, with none of its rows', async () => {
    await using store = await freshStore()
    const whole = [part({ dataset: users, rows: [user('u1'), user('u2')] }), part({ dataset: groups })]
    const first = await collectOnce(store, whole)
    const second = await collectOnce(store, [
      { ...part({ dataset: users, rows: [user('u1')] }), end: null },
      part({ dataset: groups }),
    ])
    expect(second.datasets.find(each => each.name === users)).to.include({ coverage: 'incomplete', count: 0, openParts: 1 })
    expect(second.gaps).to.have.lengthOf(1)
    const third = await collectOnce(store, whole)
    expect((await resourcesOf(store, third, users)).map(each => each.since)).to.deep.equal([first.sealedAt, first.sealedAt])
  })

  it('takes batches of different parts at the same time', async () => {
    await using store = await freshStore()
    await using run = await openRun(store, sourceNamed(), plan)
    const parents = Array.from({ length: 60 }, (_, i) => `g${String(i).padStart(2, '0')}`)
    await Promise.all(
      parents.map(parent =>
        saveParts(run, {
          pieces: [part({ dataset: memberships, parent, rows: [membership(parent, 'u1'), membership(parent, 'u2')] })],
          calls: [call('ListGroupMemberships')],
        }),
      ),
    )
    const snapshot = await sealRun(run)
    expect(await keysOf(store, snapshot, memberships)).to.have.lengthOf(120)
    expect(snapshot.calls).to.equal(60)
    expect(await Array.fromAsync(readCalls(store, snapshot))).to.have.lengthOf(60)
  })

  it('cannot be sealed when it read nothing, and not twice', async () => {
    await using store = await freshStore()
    await using run = await openRun(store, sourceNamed(), plan)
    expect((await errorOf(sealRun(run))).code).to.equal('RUN_EMPTY')
    await saveParts(run, saved([part({ dataset: users })]))
    await sealRun(run)
    expect((await errorOf(sealRun(run))).code).to.equal('RUN_OVER')
    expect((await errorOf(saveParts(run, saved([part({ dataset: groups })])))).code).to.equal('RUN_OVER')
  })

  it('is sealed before it is disposed of, also when nobody waits for the seal', async () => {
    await using store = await freshStore()
    const snapshot = await (async () => {
      await using run = await openRun(store, sourceNamed(), plan)
      await saveParts(run, saved([part({ dataset: users })]))
      return sealRun(run)
    })()
    expect(await readSnapshot(store, 'acme', 'latest')).to.deep.equal(snapshot)
  })

  it('is over when its lock is lost, and another one goes on with its parts', async () => {
    await using store = await freshStore()
    await using run = await openRun(store, sourceNamed(), plan)
    await saveParts(run, saved([part({ dataset: users, rows: [user('u1')] })]))
    await killSessions(store, "select pid from pg_locks where locktype = 'advisory' and objid > 0")
    await using next = await openRun(store, sourceNamed(), plan)
    expect(next.done.size).to.equal(1)
    expect((await errorOf(saveParts(run, saved([part({ dataset: groups })])))).code).to.equal('RUN_OVER')
    expect((await errorOf(sealRun(run))).code).to.equal('RUN_OVER')
    await saveParts(next, saved([part({ dataset: groups })]))
    expect((await sealRun(next)).version).to.equal(1)
  })

  it('is on record when it failed before it could begin', async () => {
    await using store = await freshStore()
    const startedAt = new Date('2026-03-01T00:00:00Z')
    await recordFailure(store, sourceNamed(), { code: 'ROLE_REFUSED', message: 'role refused \ud800', startedAt })
    expect(await listRuns(store, { source: 'acme' })).to.have.lengthOf(1)
    expect((await listRuns(store))[0]).to.deep.include({ outcome: 'failed', errorCode: 'ROLE_REFUSED', startedAt })
    const [entry] = await Array.fromAsync(readLedger(store))
    expect(entry).to.deep.include({ kind: 'run_failed', position: 1 })
    expect((await checkLedger(store)).problems).to.deep.equal([])
  })

  it('refuses facts and keys that have no canonical form, by name', async () => {
    await using store = await freshStore()
    await using run = await openRun(store, sourceNamed(), plan)
    for (const row of [user('u1', { Title: '\ud800' }), { key: 'a\0b', facts: {} }, { key: '\udc00', facts: {} }]) {
      const refused = await errorOf(saveParts(run, saved([part({ dataset: users, rows: [row] })])))
      expect(refused.code).to.equal('NOT_STORABLE')
      expect(refused.message).to.contain(users)
    }
    const strange = gap(users, { message: 'said \ud800 and \0', errorCode: 'Odd' })
    await saveParts(run, saved([part({ dataset: users, coverage: 'incomplete', reason: '\0\udfff', gaps: [strange] })]))
    const snapshot = await sealRun(run)
    expect(snapshot.gaps.find(each => each.dataset === users)!.message).to.equal('said \ufffd and ')
  })

  it('writes nothing when nothing changed but its own record', async () => {
    await using store = await freshStore()
    const whole = [
      part({ dataset: users, rows: [user('u1'), user('u2')] }),
      part({ dataset: groups, rows: [group('g1')] }),
      part({ dataset: memberships, parent: 'g1', rows: [membership('g1', 'u1')] }),
      part({ dataset: 'sso.applications', coverage: 'denied', reason: 'refused', gaps: [gap('sso.applications')] }),
    ]
    const refused = [part({ dataset: users, coverage: 'denied', reason: 'no', gaps: [gap(users)] }), ...whole.slice(1)]
    const tables = [
      'resource_key',
      'part',
      'entity',
      'entity_salt',
      'entity_version',
      'membership_version',
      'gap_version',
      'open_part_version',
      'entity_unseen',
    ]
    for (const parts of [whole, refused]) {
      await collectOnce(store, parts)
      const before = await countRows(store, tables)
      await collectOnce(store, parts)
      expect(await countRows(store, tables)).to.deep.equal(before)
    }
    expect(await countRows(store, ['staged_batch'])).to.deep.equal([0])
  })

  it('stages no row of a part that holds what the last snapshot shows, and all rows of one that differs, also over a resumption', async () => {
    await using store = await freshStore()
    const members = (id: string, ...ids: string[]) =>
      part({ dataset: memberships, parent: id, rows: ids.map(each => membership(id, each)) })
    await collectOnce(store, [members('g1', 'u1', 'u2'), members('g2', 'u1')])
    {
      await using run = await openRun(store, sourceNamed(), planOf([memberships]))
      await saveParts(run, { pieces: [members('g1', 'u2', 'u1'), members('g2', 'u3')], calls: [] })
      const staged = await store.db.pool.query('select entities, edges from staged_batch')
      expect(staged.rows, 'of two parts one has something to say').to.deep.equal([{ entities: 0, edges: 1 }])
    }
    await using run = await openRun(store, sourceNamed(), planOf([memberships]))
    expect(run.done.size).to.equal(2)
    const snapshot = await sealRun(run)
    expect(await keysOf(store, snapshot, memberships)).to.deep.equal(['g1|u1', 'g1|u2', 'g2|u3'])
    expect(await checkSnapshot(store, snapshot)).to.deep.equal([])
    // a row that the last snapshot did not see is staged, although its facts are the same
    await collectOnce(store, [
      part({ dataset: memberships, parent: 'g1', coverage: 'denied', reason: 'no' }),
      members('g2', 'u3'),
    ])
    const back = await collectOnce(store, [members('g1', 'u1', 'u2'), members('g2', 'u3')])
    expect(await keysOf(store, back, memberships)).to.deep.equal(['g1|u1', 'g1|u2', 'g2|u3'])
  })

  it('knows a part by what it holds also when it came in several pieces, one row of it twice', async () => {
    await using store = await freshStore()
    const piece = (ids: readonly string[], isFirst: boolean, isLast: boolean, membershipId?: string): PartPiece => {
      const rows = ids.map(id => membership('g1', id, membershipId === undefined ? {} : { MembershipId: membershipId }))
      return { ...part({ dataset: memberships, parent: 'g1', rows }), isFirst, ...(isLast ? {} : { end: null }) }
    }
    const pages = [piece(['u1', 'u2'], true, false), piece(['u3'], false, false), piece(['u2', 'u4'], false, true, 'later')]
    const first = await collectOnce(store, pages)
    expect(await keysOf(store, first, memberships)).to.deep.equal(['g1|u1', 'g1|u2', 'g1|u3', 'g1|u4'])
    expect(first.datasets.find(each => each.name === memberships)).to.include({ count: 4, duplicates: 1 })
    expect(await checkSnapshot(store, first)).to.deep.equal([])
    const rows = [...pages[0]!.rows, ...pages[1]!.rows, ...pages[2]!.rows].filter(row => row !== pages[0]!.rows[1])
    {
      await using run = await openRun(store, sourceNamed(), planOf([memberships]))
      await saveParts(run, saved([{ ...pages[0]!, rows, end: pages[2]!.end }]))
      expect((await store.db.pool.query('select edges from staged_batch')).rows, 'the later row counts').to.deep.equal([
        { edges: 0 },
      ])
      await sealRun(run)
    }
    const written = 'select count(*)::int as count, sum(from_version)::int as versions from membership_version'
    const again = await collectOnce(store, pages)
    expect((await store.db.pool.query(written)).rows).to.deep.equal([{ count: 4, versions: 4 }])
    expect(again.datasets.map(each => each.digest)).to.deep.equal(first.datasets.map(each => each.digest))
    const changed = await collectOnce(store, [pages[0]!, piece(['u3', 'u5'], false, true)])
    expect(await keysOf(store, changed, memberships)).to.deep.equal(['g1|u1', 'g1|u2', 'g1|u3', 'g1|u5'])
    expect((await verifyStore(store, null)).problems).to.deep.equal([])
  })
})

async function countRows(store: Store, tables: readonly string[]): Promise<number[]> {
  const counts = await Promise.all(tables.map(table => store.db.pool.query(`select count(*)::int as count from ${table}`)))
  return counts.map(({ rows }) => rows[0].count)
}

async function killSessions(store: Store, pids: string): Promise<void> {
  await store.db.pool.query(`select pg_terminate_backend(pid) from (${pids}) t`)
}
