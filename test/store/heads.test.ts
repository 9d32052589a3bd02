import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { sha256 } from '../../src/digest.ts'
import type { SignedHead } from '../../src/model.ts'
import { type HeadSink, publishHeads } from '../../src/store/index.ts'
import { collectOnce, errorOf, part, user } from './collected.ts'
import { freshStore } from './fresh-store.ts'

describe('heads outside', () => {
  it('are kept and told as a fault of where they should go, and the others get theirs', async () => {
    await using store = await freshStore()
    await collectOnce(store, [part({ dataset: 'identitystore.users', rows: [user('u1')] })])
    const written: number[] = []
    const sink: HeadSink = {
      streams: () => Promise.resolve([]),
      heads: () => Promise.resolve([]),
      lastVersion: () => Promise.resolve(0),
      changes: async function* () {},
      write: async ({ version }) => void written.push(version),
    }
    const away = { ...sink, lastVersion: () => Promise.reject(Object.assign(new Error('the folder is gone'), { code: 'GONE' })) }
    const signer = { fingerprint: 'a'.repeat(64), sign: () => Promise.resolve(new Uint8Array(64)) }
    const error = await errorOf(publishHeads(store, 'acme', [away, sink], signer))
    expect([error.code, error.message, written]).to.deep.equal(['GONE', 'the folder is gone', [1]])
  })

  it('are made and left once, in order, however many do it at once', async () => {
    await using store = await freshStore()
    for (const ids of [['u1', 'u2'], ['u2'], ['u2', 'u3']])
      await collectOnce(store, [part({ dataset: 'identitystore.users', rows: ids.map(id => user(id)) })])
    const sink = new Kept(changes => textOf(changes))
    const signer = { fingerprint: 'a'.repeat(64), sign: () => Promise.resolve(new Uint8Array(64)) }
    const made = await Promise.all(Array.from({ length: 4 }, () => publishHeads(store, 'acme', [sink], signer)))
    expect(made.sort()).to.deep.equal([0, 0, 0, 3])
    expect(sink.tried).to.deep.equal([1, 2, 3])
  })

  it('reach the others whole when one of them is full in the middle of a change set, and that one when it has room', async () => {
    await using store = await freshStore()
    for (const ids of [['u1', 'u2'], ['u2']])
      await collectOnce(store, [part({ dataset: 'identitystore.users', rows: ids.map(id => user(id)) })])
    let room = 0
    const small = new Kept(async changes => {
      for await (const some of changes) {
        if (some.length > room) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
        return await textOf(changes, Buffer.from(some).toString())
      }
      return ''
    })
    const large = new Kept(changes => textOf(changes))
    const signer = { fingerprint: 'a'.repeat(64), sign: () => Promise.resolve(new Uint8Array(64)) }
    expect((await errorOf(publishHeads(store, 'acme', [small, large], signer))).code).to.equal('ENOSPC')
    expect([small.tried, [...small.texts.keys()], [...large.texts.keys()]]).to.deep.equal([[1], [], [1, 2]])
    room = 1_000_000
    expect(await publishHeads(store, 'acme', [small, large], signer), 'none is made twice').to.equal(0)
    expect([small.tried, large.tried]).to.deep.equal([
      [1, 1, 2],
      [1, 2],
    ])
    expect(small.texts).to.deep.equal(large.texts)
    expect(small.kept).to.deep.equal(large.kept)
    for (const [i, text] of [...large.texts.values()].entries()) {
      const { lines, linesDigest } = large.kept[i]!
      expect([lines, linesDigest]).to.deep.equal([text.split('\n').length - 1, sha256(text)])
    }
  })

  it('are made when a place fails in the middle of a large change set, or before it looks at it', async () => {
    await using store = await freshStore()
    const users = Array.from({ length: 9000 }, (_, i) => user(`u${i}`))
    await collectOnce(store, [part({ dataset: 'identitystore.users', rows: users })])
    const full = new Kept(async changes => {
      for await (const _ of changes) {
        await sleep(100)
        throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
      }
      return ''
    })
    const away = new Kept(() => sleep(100).then(() => Promise.reject(new Error('the bucket is away'))))
    const whole = new Kept(changes => textOf(changes))
    const signer = { fingerprint: 'a'.repeat(64), sign: () => Promise.resolve(new Uint8Array(64)) }
    expect((await errorOf(publishHeads(store, 'acme', [full, away, whole], signer))).code).to.equal('ENOSPC')
    expect(whole.kept.map(head => head.lines)).to.deep.equal([9000])
  })
})

async function textOf(changes: AsyncIterable<Uint8Array>, before = ''): Promise<string> {
  return before + Buffer.concat(await Array.fromAsync(changes)).toString()
}

/** Keeps heads and the text of their change sets in memory. */
class Kept implements HeadSink {
  readonly tried: number[] = []
  readonly texts = new Map<number, string>()
  readonly kept: SignedHead[] = []
  readonly #read: (changes: AsyncIterable<Uint8Array>) => Promise<string>

  constructor(read: (changes: AsyncIterable<Uint8Array>) => Promise<string>) {
    this.#read = read
  }

  streams = () => Promise.resolve([])
  heads = () => Promise.resolve(this.kept)
  lastVersion = () => Promise.resolve(this.kept.at(-1)?.version ?? 0)
  async *changes() {}

  write: HeadSink['write'] = async ({ version }, changes, head) => {
    this.tried.push(version)
    this.texts.set(version, await this.#read(changes))
    this.kept.push(await head())
  }
}
