/** A process of its own, to be killed: opens a store as told on the command line and says on standard output how far it is. */
import { setTimeout as sleep } from 'node:timers/promises'
import { migrate, openRun, openStore, saveParts, sealRun } from '../../src/store/index.ts'
import { group, membership, part, planOf, sourceNamed, user } from './collected.ts'
import { optionsFor } from './store-options.ts'

const [task, url, dataDir] = process.argv.slice(2) as [string, string, string]
const options = optionsFor(url === '' ? null : url, dataDir)
const say = (text: string) => process.stdout.write(`${text}\n`)
const datasets = ['identitystore.users', 'identitystore.groups', 'identitystore.group_memberships']

const tasks: Record<string, () => Promise<void>> = {
  async migrate() {
    say(JSON.stringify(await migrate(options)))
  },
  /** Stays until standard input ends. */
  async stay() {
    await using _store = await openStore(options)
    say('open')
    for await (const _ of process.stdin);
  },
  async 'open and leave'() {
    await using store = await openStore(options)
    say(store.kind)
  },
  /** Saves parts for ever. */
  async save() {
    const store = await openStore(options)
    const run = await openRun(store, sourceNamed(), planOf(datasets))
    say(`opened ${run.done.size}`)
    await saveParts(run, { pieces: [part({ dataset: 'identitystore.users', rows: [user('u1'), user('u3')] })], calls: [] })
    for (let i = 0; ; i++) {
      await saveParts(run, {
        pieces: [part({ dataset: 'identitystore.group_memberships', parent: `g${i}`, rows: [membership(`g${i}`, 'u1')] })],
        calls: [],
      })
      say(`saved ${i}`)
    }
  },
  /** Seals a run of many rows. */
  async seal() {
    const store = await openStore(options)
    const run = await openRun(store, sourceNamed(), planOf(datasets))
    const rows = Array.from({ length: 20_000 }, (_, i) => user(`u${i}`, { Title: 'changed' }))
    await saveParts(run, {
      pieces: [part({ dataset: 'identitystore.users', rows }), part({ dataset: 'identitystore.groups', rows: [group('g1')] })],
      calls: [],
    })
    say('sealing')
    await sealRun(run)
    say('sealed')
    await sleep(60_000)
  },
}

await tasks[task]!()
