import { expect } from 'chai'
import type { SourceHistory, StoredState } from '../../src/model.ts'
import { readHistory } from '../../src/store/index.ts'
import { clockAt, collectOnce, gap, members, pair, part, set, users } from './collected.ts'
import { freshStore } from './fresh-store.ts'

const refused = (dataset: string, parent = '') =>
  part({ dataset, parent, coverage: 'denied', reason: 'no', gaps: [gap(dataset, { parent })] })

const all = ['identitystore.users', 'identitystore.group_memberships', 'sso.account_assignments']
const day = (n: number) => `2026-03-0${n}T02:00:00Z`

describe('the history of a source', () => {
  it('holds every state that a snapshot of the period began or ended, and nothing that stayed as it was', async () => {
    const clock = clockAt(day(1))
    await using store = await freshStore({ now: clock.now })
    await collectOnce(store, [users(['u1'], ['u2', { Title: 'a' }], ['u9']), members('g1', 'u1'), pair('1', 'g1')])
    clock.moveTo(day(2))
    await collectOnce(store, [users(['u2', { Title: 'b' }], ['u3'], ['u9']), members('g1', 'u2'), pair('1', 'g2')])
    clock.moveTo(day(3))
    const last = await collectOnce(store, [users(['u2', { Title: 'a' }], ['u3'], ['u9']), members('g1', 'u2'), pair('1', 'g2')])

    const history = await readHistory(store, last, new Date('2026-01-01T00:00:00Z'), all)
    expect(history.snapshots.map(({ version, sealedAt }) => [version, sealedAt.toISOString().slice(0, 10)])).to.deep.equal([
      [1, '2026-03-01'],
      [2, '2026-03-02'],
      [3, '2026-03-03'],
    ])
    expect(history.previous?.find(({ name }) => name === 'identitystore.users')?.count).to.equal(3)
    expect(await told(history)).to.deep.equal([
      'g1|u1 1-2',
      'g1|u2 2- after 1',
      'u1 1-2',
      'u2 1-2',
      'u2 2-3 after 1',
      'u2 3- after 2',
      'u3 2- after 1',
      `1|${set}|GROUP|g1 1-2`,
      `1|${set}|GROUP|g2 2- after 1`,
    ])
    const [first] = (await states(history)).filter(({ key }) => key === 'u2')
    expect(first).to.deep.include({ isFromTheStart: true, from: 1, to: 2, lastSeen: 1 })
    expect(first!.facts.Title).to.equal('a')

    const recent = await readHistory(store, last, new Date('2026-03-02T12:00:00Z'), ['identitystore.users'])
    expect(recent.snapshots.map(({ version }) => version)).to.deep.equal([2, 3])
    expect(await told(recent)).to.deep.equal(['u2 2-3', 'u2 3- after 2'])
  })

  it('says what no snapshot proves: a start that was not looked at, and an end that nobody saw coming', async () => {
    const clock = clockAt(day(1))
    await using store = await freshStore({ now: clock.now })
    await collectOnce(store, [users(['u1']), refused('identitystore.group_memberships', 'g1'), pair('1', 'g1')])
    clock.moveTo(day(2))
    await collectOnce(store, [users(['u1']), members('g1', 'u1'), refused('sso.account_assignments', `1|${set}`)])
    clock.moveTo(day(3))
    const last = await collectOnce(store, [users(['u1']), members('g1', 'u1'), pair('1', 'g2')])

    const history = await readHistory(store, last, new Date('2026-01-01T00:00:00Z'), all)
    expect(await told(history)).to.deep.equal([
      'g1|u1 2- unproven',
      `1|${set}|GROUP|g1 1-3 seen to 1`,
      `1|${set}|GROUP|g2 3- after 1`,
    ])
  })

  it('is that one snapshot when there is no other', async () => {
    await using store = await freshStore()
    const only = await collectOnce(store, [users(['u1'])])
    const history = await readHistory(store, only, new Date('2026-01-01T00:00:00Z'), all)
    expect(history.snapshots).to.have.length(1)
    expect(history.previous).to.equal(null)
    expect(await states(history)).to.deep.equal([])
  })
})

async function states(history: SourceHistory): Promise<readonly StoredState[]> {
  return Array.fromAsync(history.states)
}

async function told(history: SourceHistory): Promise<readonly string[]> {
  const last = history.snapshots.at(-1)!.version
  return (await states(history)).map(({ key, from, to, notBefore, isFromTheStart, lastSeen }) => {
    const since = isFromTheStart ? '' : notBefore === null ? ' unproven' : ` after ${notBefore}`
    const seen = lastSeen === (to ?? last + 1) - 1 ? '' : ` seen to ${lastSeen}`
    return `${key} ${from}-${to ?? ''}${since}${seen}`
  })
}
