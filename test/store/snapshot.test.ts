import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { canonicalJson, digestOf, factsDigest, setDigest } from '../../src/digest.ts'
import type { Json } from '../../src/model.ts'
import {
  checkSnapshot,
  lastCounts,
  listSnapshots,
  openRun,
  readCalls,
  readEstate,
  readResources,
  readSnapshot,
  saveParts,
  sealRun,
} from '../../src/store/index.ts'
import {
  assignment,
  call,
  clockAt,
  collectOnce,
  gap,
  group,
  keysOf,
  membership,
  part,
  place,
  planOf,
  resourcesOf,
  sourceNamed,
  user,
} from './collected.ts'
import { freshStore } from './fresh-store.ts'

const users = 'identitystore.users'
const groups = 'identitystore.groups'
const memberships = 'identitystore.group_memberships'
const assignments = 'sso.account_assignments'
const set = 'arn:aws:sso:::permissionSet/ssoins-1/ps-1'

describe('a sealed snapshot', () => {
  it('gives back exactly what was read, sorted by dataset and key, memberships and assignments included', async () => {
    await using store = await freshStore()
    const rows = {
      users: [
        user('u2', { Name: { GivenName: 'Ünï', FamilyName: '\u0000\u001f\u007f 💡' }, Count: 1.5e-7, UserStatus: null }),
        user('u1'),
      ],
      memberships: [
        membership('g1', 'u2'),
        membership('g1', 'u1', { CreatedAt: '2026-01-01T00:00:00Z', New: { deep: [1, null] } }),
      ],
      odd: [{ key: 'g2|u1', facts: { GroupId: 'g2', MemberId: { UserId: 'u1', Other: true } } }],
      assignments: [
        assignment('111122223333', set, 'GROUP', 'g1'),
        assignment('111122223333', set, 'USER', 'u1', { Extra: 'x' }),
      ],
      applications: [
        { key: 'arn:app|USER|u1', facts: { ApplicationArn: 'arn:app', PrincipalType: 'USER', PrincipalId: 'u1' } },
        { key: 'arn:app|ROLE|r1', facts: { ApplicationArn: 'arn:app', PrincipalType: 'ROLE', PrincipalId: 'r1' } },
      ],
    }
    const snapshot = await collectOnce(store, [
      part({ dataset: users, rows: rows.users }),
      part({ dataset: groups, rows: [group('g1'), group('g2')] }),
      part({ dataset: memberships, parent: 'g1', rows: rows.memberships }),
      part({ dataset: memberships, parent: 'g2', rows: rows.odd }),
      part({ dataset: assignments, parent: `111122223333|${set}`, rows: rows.assignments }),
      part({ dataset: 'sso.application_assignments', parent: 'arn:app', rows: rows.applications }),
    ])
    const found = await resourcesOf(store, snapshot)
    const shown = found.map(({ dataset, key }) => `${dataset} ${key}`)
    expect(shown).to.deep.equal([
      `${memberships} g1|u1`,
      `${memberships} g1|u2`,
      `${memberships} g2|u1`,
      `${groups} g1`,
      `${groups} g2`,
      `${users} u1`,
      `${users} u2`,
      `${assignments} 111122223333|${set}|GROUP|g1`,
      `${assignments} 111122223333|${set}|USER|u1`,
      'sso.application_assignments arn:app|ROLE|r1',
      'sso.application_assignments arn:app|USER|u1',
    ])
    const sent = new Map(
      [...rows.users, ...rows.memberships, ...rows.odd, ...rows.assignments, ...rows.applications].map(row => [
        row.key,
        row.facts,
      ]),
    )
    for (const { key, facts } of found) if (sent.has(key)) expect(facts, key).to.deep.equal(sent.get(key))
    expect(found.find(resource => resource.key === 'g1|u1')).to.include({ parent: 'g1', salt: null })
    expect(found[0]!.place).to.deep.equal(place)
  })

  it('is read again as it was sealed', async () => {
    await using store = await freshStore()
    const denied = gap('sso.inline_policies', { parent: set, action: 'sso:GetInlinePolicyForPermissionSet' })
    const snapshot = await collectOnce(
      store,
      [
        part({
          dataset: users,
          rows: [user('u1')],
          gaps: [gap(users, { member: 'Birthdate', reason: 'withheld', action: null, errorCode: null })],
        }),
        part({ dataset: 'sso.inline_policies', parent: set, coverage: 'denied', reason: 'refused', gaps: [denied] }),
      ],
      { calls: [call('ListUsers')] },
    )
    expect(await readSnapshot(store, 'acme', 'latest')).to.deep.equal(snapshot)
    expect(await readSnapshot(store, 'acme', { version: 1 })).to.deep.equal(snapshot)
    expect(await listSnapshots(store)).to.deep.equal([snapshot])
    expect(await readSnapshot(store, 'acme', { version: 2 })).to.equal(null)
    expect(await readSnapshot(store, 'other', 'latest')).to.equal(null)
    expect(snapshot.gaps).to.have.lengthOf(2)
    expect(snapshot.version).to.equal(1)
    expect(snapshot.previousDigest).to.equal(null)
  })

  it('has digests that anybody can compute again from what is shown', async () => {
    await using store = await freshStore()
    const snapshot = await collectOnce(
      store,
      [
        part({ dataset: users, rows: [user('u1'), user('u2')] }),
        part({ dataset: memberships, parent: 'g1', rows: [membership('g1', 'u1')] }),
      ],
      { calls: [call('ListUsers'), call('ListGroupMemberships')] },
    )
    const found = await resourcesOf(store, snapshot)
    for (const { facts, salt, digest, key } of found) expect(factsDigest(canonicalJson(facts), salt), key).to.equal(digest)
    expect(found.filter(each => each.dataset === users).every(each => /^[0-9a-f]{32}$/.test(each.salt!))).to.equal(true)
    for (const { name, digest } of snapshot.datasets) {
      const leaves = found.filter(each => each.dataset === name).map(each => digestOf([each.key, each.parent, each.digest]))
      expect(setDigest(leaves), name).to.equal(digest)
    }
    const { digest, ...rest } = snapshot
    expect(digestOf(JSON.parse(JSON.stringify(rest)) as Json)).to.equal(digest)
  })

  it('follows the one before it by its digest, and equal facts keep their digest', async () => {
    await using store = await freshStore()
    const first = await collectOnce(store, [part({ dataset: users, rows: [user('u1'), user('u2')] })])
    const second = await collectOnce(store, [part({ dataset: users, rows: [user('u2', { Title: 'new' }), user('u1')] })])
    expect(second.version).to.equal(2)
    expect(second.previousDigest).to.equal(first.digest)
    const [before, after] = [await resourcesOf(store, first), await resourcesOf(store, second)]
    expect(after[0]!.digest).to.equal(before[0]!.digest)
    expect(after[1]!.digest).not.to.equal(before[1]!.digest)
    expect(after[1]!.salt).to.equal(before[1]!.salt)
  })

  it('shows by its dataset digest that the facts of two keys changed places', async () => {
    await using store = await freshStore()
    const policies = (a: string, b: string) => [
      part({ dataset: 'sso.inline_policies', parent: 'set-a', rows: [{ key: 'set-a', facts: { InlinePolicy: a } }] }),
      part({ dataset: 'sso.inline_policies', parent: 'set-b', rows: [{ key: 'set-b', facts: { InlinePolicy: b } }] }),
    ]
    const snapshot = await collectOnce(store, policies('{"harmless":1}', '{"admin":1}'))
    expect(await checkSnapshot(store, snapshot)).to.deep.equal([])
    await store.db.pool.query(`alter table entity_version disable trigger all; alter table entity_salt disable trigger all;
      update entity_version v set body = o.body, digest = o.digest from entity_version o where o.entity_id <> v.entity_id;
      update entity_salt v set salt = o.salt from entity_salt o where o.entity_id <> v.entity_id`)
    const problems = await checkSnapshot(store, snapshot)
    expect(problems.map(problem => problem.kind)).to.deep.equal(['dataset'])
  })

  it('counts what each dataset took: parts, pages, calls, duplicates, times', async () => {
    await using store = await freshStore()
    const early = new Date('2026-03-01T01:00:00Z')
    const late = new Date('2026-03-01T02:00:00Z')
    const snapshot = await collectOnce(
      store,
      [
        part({ dataset: memberships, parent: 'g1', rows: [membership('g1', 'u1')], at: late, duplicates: 2 }),
        part({ dataset: memberships, parent: 'g2', rows: [membership('g2', 'u1'), membership('g2', 'u2')], at: early }),
      ],
      { calls: [call('ListGroupMemberships'), call('ListGroupMemberships', { throttles: 2, attempts: 3 }), call('ListUsers')] },
    )
    expect(snapshot.datasets[0]).to.deep.include({
      name: memberships,
      place,
      coverage: 'complete',
      count: 3,
      parts: 2,
      openParts: 0,
      pages: 2,
      calls: 2,
    })
    expect(snapshot.datasets[0]).to.deep.include({ duplicates: 2, firstObservedAt: early, lastObservedAt: late, reason: null })
    expect(snapshot).to.include({ calls: 3, throttles: 2, plannedCalls: 12, source: 'acme' })
    expect(await lastCounts(store, 'acme')).to.deep.equal({ [memberships]: 3 })
    expect(await lastCounts(store, 'nobody')).to.deep.equal({})
  })

  it('keeps a row that AWS shows in two parts once, as it was read last', async () => {
    await using store = await freshStore()
    const units = 'organizations.organizational_units'
    const moved = { key: 'ou-1', facts: { Id: 'ou-1', Name: 'Moved' } }
    const snapshot = await collectOnce(store, [
      part({ dataset: units, parent: 'ou-new', rows: [moved], at: new Date('2026-03-01T01:00:02Z') }),
      part({ dataset: units, parent: 'r-1', rows: [moved, { key: 'ou-2', facts: {} }], at: new Date('2026-03-01T01:00:01Z') }),
    ])
    const found = await resourcesOf(store, snapshot)
    expect(found.map(({ key, parent }) => [key, parent])).to.deep.equal([
      ['ou-1', 'ou-new'],
      ['ou-2', 'r-1'],
    ])
    expect(snapshot.datasets[0]).to.include({ count: 2, duplicates: 1 })
  })

  it('keeps its calls, in order, and their root', async () => {
    await using store = await freshStore()
    const calls = [
      call('ListUsers', { page: 1 }),
      call('ListUsers', { page: 2, status: 400, errorCode: 'ThrottlingException', requestId: null, items: 0 }),
    ]
    const snapshot = await collectOnce(store, [part({ dataset: users })], { calls })
    expect(await Array.fromAsync(readCalls(store, snapshot))).to.deep.equal(calls)
    expect(snapshot.callLedgerRoot).to.match(/^[0-9a-f]{64}$/)
    const [summary] = snapshot.datasets
    expect(summary!.calls).to.equal(2)
  })

  it('keeps its calls in at most 60 bytes each, however few came at a time', async () => {
    await using store = await freshStore()
    const calls = Array.from({ length: 4000 }, (_, i) =>
      call('ListGroupMemberships', {
        at: new Date(Date.UTC(2026, 0, 1) + i * 53),
        parameters: { GroupId: randomUUID(), IdentityStoreId: 'd-1234567890', MaxResults: 100 },
        ...{ requestId: randomUUID(), items: i % 60, ms: (i % 500) / 10 },
      }),
    )
    await using run = await openRun(store, sourceNamed(), planOf(['identitystore.users']))
    await saveParts(run, { pieces: [part({ dataset: 'identitystore.users' })], calls: [] })
    for (let i = 0; i < calls.length; i += 20) await saveParts(run, { pieces: [], calls: calls.slice(i, i + 20) })
    const snapshot = await sealRun(run)
    expect(await Array.fromAsync(readCalls(store, snapshot))).to.deep.equal(calls)
    const { rows } = await store.db.pool.query('select sum(pg_column_size(c.*))::int as bytes from call_chunk c')
    expect(rows[0].bytes / calls.length).to.be.at.most(60)
    expect((await store.db.pool.query('select from staged_calls')).rowCount).to.equal(0)
  })

  it('is never sealed before the one it follows, also when the clock was set back', async () => {
    const clock = clockAt('2026-03-02T00:00:00Z')
    await using store = await freshStore({ now: clock.now })
    const first = await collectOnce(store, [part({ dataset: users })])
    clock.moveTo('2026-03-01T00:00:00Z')
    const second = await collectOnce(store, [part({ dataset: users })])
    expect(second.sealedAt).to.deep.equal(first.sealedAt)
    expect(await readSnapshot(store, 'acme', { asOf: first.sealedAt })).to.deep.equal(second)
  })

  it('says what was in the estate at any instant, for each source its last snapshot by then', async () => {
    const clock = clockAt('2026-03-01T00:00:00Z')
    await using store = await freshStore({ now: clock.now })
    const beta = { source: sourceNamed('beta'), plan: { identity: { ...identityOf('beta') } } }
    const one = await collectOnce(store, [part({ dataset: users, rows: [user('u1')] })])
    clock.moveTo('2026-03-02T00:00:00Z')
    const two = await collectOnce(store, [part({ dataset: users, rows: [user('u2')] })])
    clock.moveTo('2026-03-03T00:00:00Z')
    const other = await collectOnce(store, [part({ dataset: users, rows: [user('u9')] })], beta)
    const estate = async (at: string) => {
      const { sources, asOf } = await readEstate(store, new Date(at))
      expect(asOf).to.deep.equal(new Date(at))
      return Promise.all(
        sources.map(
          async ({ snapshot, resources }) => [snapshot, (await Array.fromAsync(resources)).map(each => each.key)] as const,
        ),
      )
    }
    expect(await estate('2026-02-28T23:59:59Z')).to.deep.equal([])
    expect(await estate('2026-03-01T00:00:00Z')).to.deep.equal([[one, ['u1']]])
    expect(await estate('2026-03-02T23:59:59Z')).to.deep.equal([[two, ['u2']]])
    expect(await estate('2026-03-09T00:00:00Z')).to.deep.equal([
      [two, ['u2']],
      [other, ['u9']],
    ])
    expect(await readSnapshot(store, 'acme', { asOf: new Date('2026-03-01T12:00:00Z') })).to.deep.equal(one)
    const { sources } = await readEstate(store, new Date('2026-03-09T00:00:00Z'))
    for (let i = 0; i < 2; i++) expect(await Array.fromAsync(sources[0]!.resources)).to.have.lengthOf(1)
  })

  it('stops reading when the reader breaks off, and gives its connection back', async () => {
    await using store = await freshStore()
    const snapshot = await collectOnce(store, [
      part({ dataset: users, rows: Array.from({ length: 30 }, (_, i) => user(`u${i}`)) }),
    ])
    for (let i = 0; i < 20; i++) {
      for await (const resource of readResources(store, snapshot)) {
        expect(resource.key).to.equal('u0')
        break
      }
    }
    expect(store.db.pool.idleCount).to.equal(store.db.pool.totalCount)
  })
})

describe('what was not read', () => {
  it('ends what a complete part no longer shows, and keeps what another part could not show', async () => {
    await using store = await freshStore()
    const at = (parts: readonly ReturnType<typeof part>[]) =>
      collectOnce(store, [part({ dataset: groups, rows: [group('g1'), group('g2')] }), ...parts])
    await at([
      part({ dataset: memberships, parent: 'g1', rows: [membership('g1', 'u1'), membership('g1', 'u2')] }),
      part({ dataset: memberships, parent: 'g2', rows: [membership('g2', 'u1'), membership('g2', 'u2')] }),
    ])
    const denied = await at([
      part({ dataset: memberships, parent: 'g1', rows: [membership('g1', 'u1')] }),
      part({
        dataset: memberships,
        parent: 'g2',
        coverage: 'incomplete',
        reason: 'page 2 timed out',
        rows: [membership('g2', 'u1')],
        gaps: [gap(memberships, { parent: 'g2' })],
      }),
    ])
    expect(await keysOf(store, denied, memberships)).to.deep.equal(['g1|u1', 'g2|u1'])
    const summary = denied.datasets.find(each => each.name === memberships)!
    expect(summary).to.include({
      coverage: 'incomplete',
      count: 2,
      parts: 2,
      openParts: 1,
      reason: '1 of 2 parts: page 2 timed out',
    })
    const again = await at([
      part({ dataset: memberships, parent: 'g1', rows: [membership('g1', 'u1'), membership('g1', 'u2')] }),
      part({ dataset: memberships, parent: 'g2', rows: [membership('g2', 'u1'), membership('g2', 'u2')] }),
    ])
    const [, backInG1, , stayedInG2] = await resourcesOf(store, again, memberships)
    expect(backInG1!.key).to.equal('g1|u2')
    expect(backInG1!.since, 'it was gone between').to.deep.equal(again.sealedAt)
    expect(backInG1!.earlier).to.have.lengthOf(1)
    expect(stayedInG2!.key).to.equal('g2|u2')
    expect(stayedInG2!.since, 'it was merely not seen').to.deep.equal(
      (await readSnapshot(store, 'acme', { version: 1 }))!.sealedAt,
    )
    expect(stayedInG2!.earlier).to.deep.equal([])
  })

  it('shows nothing of a refused dataset, and everything again once it may be read', async () => {
    await using store = await freshStore()
    const first = await collectOnce(store, [part({ dataset: users, rows: [user('u1'), user('u2')] })])
    const refused = [part({ dataset: users, coverage: 'denied', reason: 'refused', gaps: [gap(users)] })]
    const second = await collectOnce(store, refused)
    const third = await collectOnce(store, refused)
    const fourth = await collectOnce(store, [part({ dataset: users, rows: [user('u1')] })])
    expect(await keysOf(store, second, users)).to.deep.equal([])
    expect(second.datasets[0]).to.include({ coverage: 'denied', count: 0, openParts: 1, reason: 'refused' })
    expect(second.gaps).to.deep.equal([gap(users)])
    expect(await keysOf(store, third, users)).to.deep.equal([])
    expect(third.gaps).to.deep.equal([gap(users)])
    const [back] = await resourcesOf(store, fourth, users)
    expect(back).to.deep.include({
      key: 'u1',
      since: first.sealedAt,
      firstSeenAt: first.sealedAt,
      seenFromTheStart: true,
      earlier: [],
    })
    expect(fourth.gaps).to.deep.equal([])
    expect(await keysOf(store, first, users)).to.deep.equal(['u1', 'u2'])
    for (const snapshot of [first, second, third, fourth]) expect(await checkSnapshot(store, snapshot)).to.deep.equal([])
  })

  it('ends the rows of a part whose parent is gone, when all parents were known', async () => {
    await using store = await freshStore()
    const all = [
      part({ dataset: memberships, parent: 'g1', rows: [membership('g1', 'u1')] }),
      part({ dataset: memberships, parent: 'g2', rows: [membership('g2', 'u1')] }),
    ]
    await collectOnce(store, [part({ dataset: groups, rows: [group('g1'), group('g2')] }), ...all])
    await collectOnce(store, [part({ dataset: groups, rows: [group('g1')] }), all[0]!])
    const third = await collectOnce(store, [part({ dataset: groups, rows: [group('g1'), group('g2')] }), ...all])
    const [, second] = await resourcesOf(store, third, memberships)
    expect(second).to.deep.include({ key: 'g2|u1', since: third.sealedAt })
  })

  it('keeps them as last known when the parents were not all known', async () => {
    await using store = await freshStore()
    const all = [
      part({ dataset: memberships, parent: 'g1', rows: [membership('g1', 'u1')] }),
      part({ dataset: memberships, parent: 'g2', rows: [membership('g2', 'u1')] }),
    ]
    const first = await collectOnce(store, [part({ dataset: groups, rows: [group('g1'), group('g2')] }), ...all])
    const second = await collectOnce(store, [
      part({ dataset: groups, coverage: 'incomplete', reason: 'timeout', rows: [group('g1')] }),
      all[0]!,
      part({
        dataset: memberships,
        coverage: 'incomplete',
        reason: 'groups are not all known',
        gaps: [gap(memberships, { reason: 'parent_not_read' })],
      }),
    ])
    expect(await keysOf(store, second, memberships)).to.deep.equal(['g1|u1'])
    const third = await collectOnce(store, [part({ dataset: groups, rows: [group('g1'), group('g2')] }), ...all])
    const [, back] = await resourcesOf(store, third, memberships)
    expect(back).to.deep.include({ key: 'g2|u1', since: first.sealedAt })
  })

  it('ends what a part no longer shows also when its parent was deleted while it was read', async () => {
    await using store = await freshStore()
    const listed = part({ dataset: groups, rows: [group('g1')] })
    const whole = [listed, part({ dataset: memberships, parent: 'g1', rows: [membership('g1', 'u1')] })]
    await collectOnce(store, whole)
    const changed = await collectOnce(store, [
      listed,
      part({ dataset: memberships, parent: 'g1', coverage: 'complete_with_changes', reason: 'g1 was deleted meanwhile' }),
    ])
    expect(changed.datasets.find(each => each.name === memberships)).to.include({
      coverage: 'complete_with_changes',
      openParts: 0,
    })
    const third = await collectOnce(store, whole)
    expect((await resourcesOf(store, third, memberships))[0]!.since).to.deep.equal(third.sealedAt)
  })

  it('never ends a list for not having been read, also where its dataset was read elsewhere', async () => {
    await using store = await freshStore()
    const units = 'organizations.organizational_units'
    const [list, below] = [
      part({ dataset: units, rows: [{ key: 'ou-1', facts: {} }] }),
      part({ dataset: units, parent: 'r-1', rows: [{ key: 'ou-2', facts: {} }] }),
    ]
    const first = await collectOnce(store, [list, below])
    await collectOnce(store, [below])
    const third = await collectOnce(store, [list, below])
    expect((await resourcesOf(store, third)).map(each => each.since)).to.deep.equal([first.sealedAt, first.sealedAt])
  })

  it('takes a part that was not read although its parent was listed for incomplete, never for empty', async () => {
    await using store = await freshStore()
    const listed = part({ dataset: groups, rows: [group('g1'), group('g2')] })
    const both = [
      part({ dataset: memberships, parent: 'g1', rows: [membership('g1', 'u1')] }),
      part({ dataset: memberships, parent: 'g2', rows: [membership('g2', 'u1')] }),
    ]
    const first = await collectOnce(store, [listed, ...both])
    const second = await collectOnce(store, [listed, both[0]!])
    expect(second.datasets.find(each => each.name === memberships)).to.include({ coverage: 'incomplete', parts: 2, openParts: 1 })
    expect(second.gaps).to.have.lengthOf(1)
    expect(second.gaps[0]).to.include({ dataset: memberships, parent: 'g2', reason: 'not_collected' })
    const third = await collectOnce(store, [listed, ...both])
    expect((await resourcesOf(store, third, memberships))[1]).to.deep.include({ key: 'g2|u1', since: first.sealedAt })
  })

  it('takes a planned dataset without any part for incomplete, and keeps what is known of it', async () => {
    await using store = await freshStore()
    const first = await collectOnce(store, [part({ dataset: users, rows: [user('u1')] }), part({ dataset: groups })])
    const second = await collectOnce(store, [part({ dataset: groups })], { datasets: [users] })
    const summary = second.datasets.find(each => each.name === users)!
    expect(summary).to.include({ coverage: 'incomplete', count: 0, parts: 0 })
    expect(second.gaps.map(each => [each.dataset, each.reason])).to.deep.equal([[users, 'not_collected']])
    const third = await collectOnce(store, [part({ dataset: users, rows: [user('u1')] })])
    expect((await resourcesOf(store, third, users))[0]).to.deep.include({ since: first.sealedAt })
    expect(await checkSnapshot(store, second)).to.deep.equal([])
  })

  it('says of a dataset what its parts say: one refusal of many is incomplete, all refused is denied, what does not apply does not count', async () => {
    await using store = await freshStore()
    const p = (parent: string, coverage: Parameters<typeof part>[0]['coverage'], reason: string | null = null) =>
      part({ dataset: 'sso.inline_policies', parent, coverage: coverage!, reason })
    const rolled = async (...parts: ReturnType<typeof p>[]) => {
      const { coverage, reason } = (await collectOnce(store, parts)).datasets[0]!
      return [coverage, reason]
    }
    expect(await rolled(p('a', 'complete'), p('b', 'complete'))).to.deep.equal(['complete', null])
    expect(await rolled(p('a', 'complete'), p('b', 'complete_with_changes', 'deleted'))).to.deep.equal([
      'complete_with_changes',
      '1 of 2 parts: deleted',
    ])
    expect(await rolled(p('a', 'complete'), p('b', 'denied', 'no'))).to.deep.equal(['incomplete', '1 of 2 parts: no'])
    expect(await rolled(p('a', 'denied', 'no'), p('b', 'denied', 'no'))).to.deep.equal(['denied', '2 of 2 parts: no'])
    expect(await rolled(p('a', 'denied', 'no'), p('b', 'incomplete', 'late'))).to.deep.equal([
      'incomplete',
      '2 of 2 parts: late (and another reason)',
    ])
    expect(await rolled(p('a', 'complete'), p('b', 'not_enabled', 'off'))).to.deep.equal(['incomplete', '1 of 2 parts: off'])
    expect(await rolled(p('a', 'not_enabled', 'off'), p('b', 'complete_with_changes', 'deleted'))).to.deep.equal([
      'complete_with_changes',
      'deleted',
    ])
    expect(await rolled(p('a', 'not_applicable', 'account instance'))).to.deep.equal(['not_applicable', 'account instance'])
    expect(await rolled(p('', 'denied', 'no'))).to.deep.equal(['denied', 'no'])
  })

  it('does not call a thing new when an earlier refusal may have hidden it', async () => {
    const clock = clockAt('2026-03-01T00:00:00Z')
    await using store = await freshStore({ now: clock.now })
    await collectOnce(store, [
      part({ dataset: users, coverage: 'denied', reason: 'refused' }),
      part({ dataset: groups, rows: [group('g1')] }),
    ])
    clock.moveTo('2026-03-02T00:00:00Z')
    const second = await collectOnce(store, [
      part({ dataset: users, rows: [user('u1')] }),
      part({ dataset: groups, rows: [group('g1'), group('g2')] }),
    ])
    clock.moveTo('2026-03-03T00:00:00Z')
    const third = await collectOnce(store, [
      part({ dataset: users, rows: [user('u1'), user('u2')] }),
      part({ dataset: groups, rows: [group('g1'), group('g2')] }),
    ])
    const shown = (await resourcesOf(store, third)).map(({ key, firstSeenAt, seenFromTheStart }) => [
      key,
      firstSeenAt,
      seenFromTheStart,
    ])
    expect(shown).to.deep.equal([
      ['g1', new Date('2026-03-01T00:00:00Z'), true],
      ['g2', second.sealedAt, false],
      ['u1', second.sealedAt, true],
      ['u2', third.sealedAt, false],
    ])
  })

  it('tells earlier states, newest first, and since when the present one holds', async () => {
    const clock = clockAt('2026-03-01T00:00:00Z')
    await using store = await freshStore({ now: clock.now })
    const states = ['ENABLED', 'DISABLED', 'DISABLED', 'ENABLED']
    for (const [i, UserStatus] of states.entries()) {
      clock.moveTo(`2026-03-0${i + 1}T00:00:00Z`)
      await collectOnce(store, [part({ dataset: users, rows: [user('u1', { UserStatus })] })])
    }
    const seenIn = async (version: number) => {
      const [found] = await resourcesOf(store, (await readSnapshot(store, 'acme', { version }))!)
      const { since, earlier } = found!
      return [since.getUTCDate(), earlier.map(({ from, facts }) => [from.getUTCDate(), facts.UserStatus])]
    }
    expect(await seenIn(1)).to.deep.equal([1, []])
    expect(await seenIn(2)).to.deep.equal([2, [[1, 'ENABLED']]])
    expect(await seenIn(3)).to.deep.equal([2, [[1, 'ENABLED']]])
    expect(await seenIn(4)).to.deep.equal([
      4,
      [
        [2, 'DISABLED'],
        [1, 'ENABLED'],
      ],
    ])
  })
})

describe('checking a snapshot', () => {
  const spoilings: readonly (readonly [what: string, statement: string, kinds: readonly string[]])[] = [
    ['changed facts', `update entity_version set body = replace(body, 'u1@', 'u0@') where body like '%u1@%'`, ['resource']],
    ['facts that are no JSON', `update entity_version set body = 'gone' where body like '%u1@%'`, ['resource']],
    ['a removed user', `delete from entity_version where body like '%u1@%'`, ['dataset']],
    [
      'an added membership',
      `insert into membership_version (source_id, part_id, user_id, from_version, digest) select source_id, part_id, (select id from resource_key where key = 'u2'), 1, digest from membership_version`,
      ['dataset', 'resource'],
    ],
    [
      'a changed membership',
      `update membership_version set user_id = (select id from resource_key where key = 'u2')`,
      ['dataset', 'resource'],
    ],
    ['a changed part', `update part set parent = 'g7' where parent = 'g1'`, ['dataset', 'resource']],
    ['a changed gap', `update gap_version set body = replace(body, 'access_denied', 'withheld')`, ['snapshot']],
    ['a changed coverage', `update dataset_summary set coverage = 'complete'`, ['snapshot']],
    ['a changed count', `update dataset_summary set count = count + 1 where count = 2`, ['snapshot', 'dataset']],
    ['a changed caller', `update snapshot set callers = '[]'`, ['snapshot']],
    ['a changed time', `update snapshot set sealed_at = sealed_at + interval '1 second'`, ['snapshot']],
    ['a removed call', `delete from call_chunk where id = (select max(id) from call_chunk)`, ['calls']],
    ['a broken ledger of calls', `update call_chunk set body = 'no gzip'`, ['calls']],
    ['a removed ledger entry', `delete from ledger where kind = 'snapshot'`, ['ledger']],
  ]
  for (const [what, statement, kinds] of spoilings) {
    it(`finds ${what}`, async () => {
      await using store = await freshStore()
      await collectOnce(
        store,
        [
          part({ dataset: users, rows: [user('u1'), user('u2')] }),
          part({ dataset: groups, rows: [group('g1')] }),
          part({ dataset: memberships, parent: 'g1', rows: [membership('g1', 'u1')] }),
          part({ dataset: 'sso.applications', coverage: 'denied', reason: 'refused', gaps: [gap('sso.applications')] }),
        ],
        { calls: [call('ListUsers'), call('ListGroups')] },
      )
      const before = (await readSnapshot(store, 'acme', 'latest'))!
      expect(await checkSnapshot(store, before)).to.deep.equal([])
      // as the owner of the database could
      const tables = [
        'entity_version',
        'membership_version',
        'part',
        'gap_version',
        'dataset_summary',
        'snapshot',
        'call_chunk',
        'ledger',
      ]
      const off = tables.map(table => `alter table ${table} disable trigger user`).join('; ')
      await store.db.pool.query(`${off}; ${statement}`)
      const problems = await checkSnapshot(store, (await readSnapshot(store, 'acme', 'latest'))!)
      expect([...new Set(problems.map(problem => problem.kind))], JSON.stringify(problems)).to.deep.equal(kinds)
      const named = problems.filter(problem => problem.kind === 'resource')
      if (what.includes('facts')) expect(named.map(problem => problem.name)).to.deep.equal([`${users} 111122223333 eu-west-1 u1`])
    })
  }

  it('finds a snapshot that was taken out of the chain', async () => {
    await using store = await freshStore()
    for (let i = 0; i < 3; i++) await collectOnce(store, [part({ dataset: users, rows: [user('u1')] })])
    await store.db.pool.query(`alter table snapshot disable trigger user; delete from snapshot where version = 2`)
    const problems = await checkSnapshot(store, (await readSnapshot(store, 'acme', 'latest'))!)
    expect(problems.map(problem => problem.kind)).to.deep.equal(['chain'])
  })
})

function identityOf(name: string) {
  return {
    partition: 'aws',
    organizationId: `o-${name}`,
    managementAccountId: '444455556666',
    instanceArn: `arn:aws:sso:::instance/ssoins-${name}`,
    identityStoreId: `d-${name}`,
    instanceOwnerAccountId: '444455556666',
    homeRegion: 'eu-west-1',
  }
}
