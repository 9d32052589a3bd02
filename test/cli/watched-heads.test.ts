import { expect } from 'chai'
import { watchedHeads } from '../../src/cli/watched-heads.ts'
import { silent } from '../../src/log.ts'
import { leaveMissedHeads } from '../../src/pipeline/index.ts'
import type { HeadSink } from '../../src/store/index.ts'
import { collectOnce, part, user } from '../store/collected.ts'
import { freshStore } from '../store/fresh-store.ts'

describe('heads of a daemon', () => {
  it('are left outside later when they could not be left, and meanwhile it is known why', async () => {
    await using store = await freshStore()
    await collectOnce(store, [part({ dataset: 'identitystore.users', rows: [user('u1')] })])
    const written: string[] = []
    let isAway = true
    const bucket: HeadSink = {
      streams: () => Promise.resolve([]),
      heads: () => Promise.resolve([]),
      lastVersion: () => (isAway ? Promise.reject(new Error('the bucket is away')) : Promise.resolve(written.length)),
      changes: async function* () {},
      write: async ({ stream, version }) => void written.push(`${stream} ${version}`),
    }
    const { sinks, failure } = watchedHeads([bucket])
    const signer = { fingerprint: 'a'.repeat(64), sign: () => Promise.resolve(new Uint8Array(64)) }
    const lines: string[] = []
    const parts = { store, heads: { sinks, signer }, log: { ...silent, error: (line: string) => lines.push(line) } }
    const sources = [{ label: 'acme' }, { label: 'never-collected' }]
    await leaveMissedHeads(parts, sources)
    expect([failure(), written, lines.length]).to.deep.equal(['the bucket is away', [], 2])
    isAway = false
    await leaveMissedHeads(parts, sources)
    expect([failure(), written]).to.deep.equal([null, ['aws-ssoins-1234567890abcdef 1']])
  })

  it('that were refused stay missing, whatever another stream could leave there and whether the sink answers', async () => {
    const refused = new Set(['one'])
    const sink: HeadSink = {
      streams: () => Promise.resolve([]),
      heads: () => Promise.resolve([]),
      lastVersion: () => Promise.resolve(0),
      changes: async function* () {},
      write: ({ stream }) => (refused.has(stream) ? Promise.reject(new Error(`${stream} is refused`)) : Promise.resolve()),
    }
    const { sinks, failure } = watchedHeads([sink])
    const nothing = async function* () {}
    const leave = (stream: string) =>
      sinks[0]!
        .write({ stream, version: 1, previousDigest: null }, nothing(), () => Promise.reject(new Error('none')))
        .catch(() => {})
    await leave('one')
    await leave('other')
    await sinks[0]!.lastVersion('one')
    expect(failure()).to.equal('one is refused')
    refused.clear()
    await leave('one')
    expect(failure()).to.equal(null)
  })
})
