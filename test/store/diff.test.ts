import { expect } from 'chai'
import type { Change, PartPiece, Snapshot } from '../../src/model.ts'
import { diff, type Store } from '../../src/store/index.ts'
import { clockAt, collectOnce, gap, group, members, membership, pair, part, set, users } from './collected.ts'
import { freshStore } from './fresh-store.ts'

const refusedUsers = part({
  dataset: 'identitystore.users',
  coverage: 'denied',
  reason: 'no',
  gaps: [gap('identitystore.users')],
})

describe('the difference between two snapshots', () => {
  it('names what was added, removed and changed, with before and after, joiners and leavers as well as grants', async () => {
    const clock = clockAt('2026-03-01T02:00:00Z')
    await using store = await freshStore({ now: clock.now })
    const first = await collectOnce(store, [users(['u1'], ['u2', { Title: 'a' }]), members('g1', 'u1', 'u2'), pair('1', 'g1')])
    clock.moveTo('2026-03-02T02:00:00Z')
    const second = await collectOnce(store, [users(['u2', { Title: 'b' }], ['u3']), members('g1', 'u2', 'u3'), pair('1', 'g2')])
    const changes = await changesOf(store, first, second)
    expect(changes.map(({ kind, dataset, key }) => `${kind} ${dataset} ${key}`)).to.deep.equal([
      'removed identitystore.group_memberships g1|u1',
      'added identitystore.group_memberships g1|u3',
      'removed identitystore.users u1',
      'changed identitystore.users u2',
      'added identitystore.users u3',
      `removed sso.account_assignments 1|${set}|GROUP|g1`,
      `added sso.account_assignments 1|${set}|GROUP|g2`,
    ])
    const changed = changes.find(each => each.kind === 'changed')!
    expect([changed.before!.Title, changed.after!.Title]).to.deep.equal(['a', 'b'])
    expect(changed.shownAt).to.deep.equal(second.sealedAt)
    expect(changes[0]).to.deep.include({ before: membership('g1', 'u1').facts, after: null })
  })

  it('sorts keys as UTF-8 bytes, also those above the first plane', async () => {
    await using store = await freshStore()
    const first = await collectOnce(store, [users(['u1'])])
    const second = await collectOnce(store, [users(['\u{1f600}'], ['\uffee'], ['u1'], ['Z'], ['z'])])
    expect((await changesOf(store, first, second)).map(each => each.key)).to.deep.equal(['Z', 'z', '\uffee', '\u{1f600}'])
  })

  it('is empty over an unchanged state, and over one that changed and changed back', async () => {
    await using store = await freshStore()
    const first = await collectOnce(store, [users(['u1', { Title: 'a' }]), members('g1', 'u1')])
    await collectOnce(store, [users(['u1', { Title: 'b' }], ['u2']), members('g1')])
    const third = await collectOnce(store, [users(['u1', { Title: 'a' }]), members('g1', 'u1')])
    expect(await changesOf(store, first, third)).to.deep.equal([])
    expect(await changesOf(store, third, third)).to.deep.equal([])
  })

  it('calls nothing removed or added that one side could not read', async () => {
    await using store = await freshStore()
    const refused = await collectOnce(store, [refusedUsers, members('g1', 'u1')])
    const read = await collectOnce(store, [users(['u1'], ['u2']), members('g1', 'u1')])
    const { unread } = await diff(store, refused, read)
    expect(unread).to.have.lengthOf(1)
    expect(unread[0]).to.include({ dataset: 'identitystore.users', coverage: 'denied', version: 1 })
    expect((await changesOf(store, refused, read)).map(each => each.kind)).to.deep.equal(['unknown', 'unknown'])
    const again = await collectOnce(store, [refusedUsers, members('g1')])
    expect((await changesOf(store, read, again)).map(({ kind, key }) => `${kind} ${key}`)).to.deep.equal(['removed g1|u1'])
  })

  it('applied to the earlier snapshot gives the later one, in both directions', async () => {
    await using store = await freshStore()
    const states: PartPiece[][] = [
      [users(['u1'], ['u2'], ['u3', { Title: 'x' }]), members('g1', 'u1', 'u2'), members('g2'), pair('1', 'g1', 'g2')],
      [users(['u2'], ['u3', { Title: 'y' }], ['u4']), members('g1', 'u4'), members('g2', 'u3'), pair('1', 'g2')],
      [users(['u1', { Title: 'new' }], ['u3', { Title: 'x' }]), members('g1', 'u1'), members('g2', 'u3'), pair('1')],
    ]
    const snapshots: Snapshot[] = []
    for (const state of states) snapshots.push(await collectOnce(store, state))
    for (const [i, from] of snapshots.entries()) {
      for (const [j, to] of snapshots.entries()) {
        const state = new Map(factsOf(states[i]!))
        for (const { kind, key, after } of await changesOf(store, from, to)) {
          expect(kind).not.to.equal('unknown')
          if (after === null) state.delete(key)
          else state.set(key, after)
        }
        expect(state, `${i} to ${j}`).to.deep.equal(new Map(factsOf(states[j]!)))
      }
    }
  })

  it('shows a group that is new', async () => {
    await using store = await freshStore()
    const groups = (...ids: string[]) => part({ dataset: 'identitystore.groups', rows: ids.map(id => group(id)) })
    const first = await collectOnce(store, [groups('g1'), members('g1', 'u1')])
    const second = await collectOnce(store, [groups('g1', 'g2'), members('g1', 'u1'), members('g2', 'u1')])
    expect((await changesOf(store, first, second)).map(({ kind, key }) => `${kind} ${key}`)).to.deep.equal([
      'added g2|u1',
      'added g2',
    ])
  })
})

async function changesOf(store: Store, from: Snapshot, to: Snapshot): Promise<Change[]> {
  return Array.fromAsync((await diff(store, from, to)).changes)
}

function factsOf(pieces: readonly PartPiece[]) {
  return pieces.flatMap(piece => piece.rows).map(row => [row.key, row.facts] as const)
}
