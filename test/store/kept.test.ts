import { expect } from 'chai'
import type { Facts } from '../../src/model.ts'
import {
  accountsWithPairs,
  keptFacts,
  readKept,
  type StoreProblem,
  saveVerification,
  verifyStore,
} from '../../src/store/index.ts'
import { clockAt, collectOnce, part, user } from './collected.ts'
import { asOwner } from './forger.ts'
import { freshStore } from './fresh-store.ts'

describe('facts that an earlier run kept', () => {
  it('are handed out only where they are what was sealed', async () => {
    await using store = await freshStore()
    const dataset = 'iam.policy_documents'
    const policy = (name: string): Facts => ({ Arn: name, Document: `{"of":"${name}"}` })
    const rows = ['a', 'b', 'c'].map(key => ({ key, facts: policy(key) }))
    await collectOnce(store, [part({ dataset, rows })])
    expect(Object.fromEntries(await keptFacts(store, 'acme', dataset))).to.deep.equal({
      a: policy('a'),
      b: policy('b'),
      c: policy('c'),
    })
    await asOwner(
      store,
      `update entity_version set body = replace(body, 'Document', 'Forged') where body like '%"b"%'`,
      `delete from entity_salt where entity_id = (select entity_id from entity_version where body like '%"c"%')`,
    )
    expect(Object.fromEntries(await keptFacts(store, 'acme', dataset))).to.deep.equal({ a: policy('a') })
  })
})

describe('accounts that had provisioned pairs', () => {
  it('are told, with whether the organization lists them still', async () => {
    await using store = await freshStore()
    const pairs = (...keys: readonly string[]) =>
      part({
        dataset: 'sso.provisioned_accounts',
        parent: 'set',
        rows: keys.map(key => ({ key: `set|${key}`, facts: { AccountId: key } })),
      })
    const accounts = (...keys: readonly string[]) =>
      part({ dataset: 'organizations.accounts', rows: keys.map(key => ({ key, facts: { Id: key } })) })
    expect(await accountsWithPairs(store, 'acme')).to.deep.equal(new Map())
    await collectOnce(store, [accounts('1', '2', '3'), pairs('2', '1')])
    expect([...(await accountsWithPairs(store, 'acme'))]).to.deep.equal([
      ['1', true],
      ['2', true],
    ])
    await collectOnce(store, [accounts('1', '3'), pairs('2', '1')])
    expect([...(await accountsWithPairs(store, 'acme'))]).to.deep.equal([
      ['1', true],
      ['2', false],
    ])
    await collectOnce(store, [accounts('1', '3'), pairs('1')])
    expect([...(await accountsWithPairs(store, 'acme'))]).to.deep.equal([['1', true]])
  })
})

describe('what the last verification says of a snapshot', () => {
  const users = (...ids: readonly string[]) => [part({ dataset: 'identitystore.users', rows: ids.map(id => user(id)) })]

  it('is every problem that does not name another snapshot that is there, whatever a row is called', async () => {
    await using store = await freshStore()
    const first = await collectOnce(store, users('u1 tag version 9', 'u2 acme version 1'))
    const second = await collectOnce(store, users('u1 tag version 9', 'u2 acme version 1'))
    await asOwner(store, `update entity_version set body = replace(body, 'UserName', 'Forged')`)
    const found = await verifyStore(store, null)
    expect(found.problems.map(({ kind }) => kind)).to.deep.equal(['row', 'row'])
    const more: readonly StoreProblem[] = [
      { kind: 'chain', name: 'acme version 1', message: 'of the first' },
      { kind: 'calls', name: 'calls of acme version 2', message: 'of the second' },
      { kind: 'head', name: 'acme version 3', message: 'of one that is gone' },
    ]
    await saveVerification(store, { ...found, problems: [...found.problems, ...more] })
    const { snapshots } = await readKept(store, second, store.now())
    const told = snapshots.map(({ problems }) => problems.map(text => /tag|u2|of .*/.exec(text.replace('calls of', ''))?.[0]))
    const always = ['tag', 'u2', 'of one that is gone']
    expect(snapshots[0]!.version).to.equal(first.version)
    expect(told.map(each => each.toSorted())).to.deep.equal([
      [...always, 'of the first'].toSorted(),
      [...always, 'of the second'].toSorted(),
    ])
  })

  it('includes that more was found than is listed', async () => {
    await using store = await freshStore()
    const first = await collectOnce(store, users('u1'))
    const second = await collectOnce(store, users('u1'))
    const found = await verifyStore(store, null)
    const problems = (count: number) =>
      Array.from({ length: count }, () => ({ kind: 'chain' as const, name: 'acme version 1', message: 'wrong' }))
    const told = async (count: number) => {
      await saveVerification(store, { ...found, problems: problems(count) })
      return (await readKept(store, second, store.now())).snapshots.map(each => each.problems)
    }
    const listed = problems(1000).map(({ name, message }) => `${name}: ${message}`)
    expect(await told(1000)).to.deep.equal([listed, []])
    const more = 'the store: 7 more problems, which are not listed'
    expect(await told(1007)).to.deep.equal([[...listed, more], [more]])
    expect(first.version).to.equal(1)
  })

  it('is nothing of one that was sealed while the store was read', async () => {
    const clock = clockAt('2026-03-01T00:00:00Z')
    await using store = await freshStore({ now: clock.now })
    await collectOnce(store, users('u1'))
    clock.moveTo('2026-03-01T01:00:00Z')
    const found = await verifyStore(store, null)
    clock.moveTo('2026-03-01T02:00:00Z')
    const during = await collectOnce(store, users('u1'))
    clock.moveTo('2026-03-01T03:00:00Z')
    const problem: StoreProblem = { kind: 'ledger', name: 'entry 1', message: 'was changed' }
    await saveVerification(store, { ...found, problems: [problem] })
    const kept = await readKept(store, during, clock.now())
    expect(kept.verifiedAt).to.deep.equal(new Date('2026-03-01T01:00:00Z'))
    expect(kept.snapshots.map(({ problems }) => problems)).to.deep.equal([['entry 1: was changed'], []])
  })

  it('is nothing of one whose seal names an instant before the reading, and was not there yet', async () => {
    const clock = clockAt('2026-03-01T00:00:00Z')
    await using store = await freshStore({ now: clock.now })
    await collectOnce(store, users('u1'))
    clock.moveTo('2026-03-01T02:00:00Z')
    const found = await verifyStore(store, null)
    clock.moveTo('2026-03-01T01:00:00Z')
    const during = await collectOnce(store, users('u1'))
    clock.moveTo('2026-03-01T03:00:00Z')
    await saveVerification(store, found)
    const { verifiedAt } = await readKept(store, during, clock.now())
    expect(verifiedAt).to.be.lessThan(during.sealedAt).and.greaterThan(new Date('2026-03-01T00:00:00Z'))
  })

  it('goes by the time of its entry where a version kept it that noted no other', async () => {
    const clock = clockAt('2026-03-01T00:00:00Z')
    await using store = await freshStore({ now: clock.now })
    const snapshot = await collectOnce(store, users('u1'))
    clock.moveTo('2026-03-01T01:00:00Z')
    await saveVerification(store, await verifyStore(store, null))
    await asOwner(
      store,
      `update ledger set payload = (payload::jsonb - 'readAt' - 'readTo')::text, at = '2026-03-01T02:00:00Z' where kind = 'verification'`,
    )
    clock.moveTo('2026-03-01T03:00:00Z')
    const { verifiedAt } = await readKept(store, snapshot, clock.now())
    expect(verifiedAt).to.deep.equal(new Date('2026-03-01T02:00:00Z'))
  })
})
