import { expect } from 'chai'
import fc from 'fast-check'
import { canonicalJson, compareBytes } from '../../src/digest.ts'
import type { Coverage, Facts, PartPiece, Row, SeenSince, SourceRows, StoredEdges } from '../../src/model.ts'
import { checkSnapshot, readSnapshot, sourceRows } from '../../src/store/index.ts'
import { clockAt, collectOnce, part, resourcesOf } from './collected.ts'
import { freshStore } from './fresh-store.ts'

/**
 * Random histories of a tiny organization, where groups, memberships, units and pairs come, go, change and are refused at random,
 * held against a model of a few lines that keeps every state in memory.
 */
describe('any sequence of snapshots', function () {
  this.timeout(300_000)

  it('is read back exactly as it was saved, at every version, with its earlier states', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(runArbitrary, { minLength: 1, maxLength: 6 }), async runs => {
        const clock = clockAt('2026-01-01T00:00:00Z')
        await using store = await freshStore({ now: clock.now })
        const model = new Model()
        const expected: Shown[][] = []
        for (const [i, parts] of runs.entries()) {
          clock.moveTo(sealTime(i + 1))
          await collectOnce(store, parts)
          expected.push(model.apply(i + 1, parts))
        }
        const digests = new Map<string, string>()
        for (const [i, shown] of expected.entries()) {
          const snapshot = (await readSnapshot(store, 'acme', { version: i + 1 }))!
          expect(await checkSnapshot(store, snapshot)).to.deep.equal([])
          const found = await resourcesOf(store, snapshot)
          expect(JSON.stringify(found.map(plain), null, 1), `version ${i + 1}`).to.equal(JSON.stringify(shown, null, 1))
          expect(await judged(sourceRows(store, snapshot)), `version ${i + 1}, for judging`).to.deep.equal(shown.map(sinceWhen))
          for (const { dataset, key, facts, digest } of found) {
            const state = `${dataset} ${key} ${canonicalJson(facts)}`
            expect(digests.get(state) ?? digest, 'equal facts have equal digests').to.equal(digest)
            digests.set(state, digest)
          }
        }
        expect(new Set(digests.values()).size, 'different states have different digests').to.equal(digests.size)
      }),
      { numRuns: Number(process.env.PROPERTY_RUNS ?? 15) },
    )
  })
})

/** What is read for judging, edges and all: as far as edges are judged by. */
async function judged({ resources, edges }: SourceRows): Promise<readonly string[]> {
  const found = (await Array.fromAsync(resources)).map(row => sinceWhen(plain(row)))
  for await (const each of edges!) {
    const keys = keysOf(each)
    expect(keys).to.deep.equal([...keys].sort(compareBytes))
    const dated = ({ firstSeenAt, seenFromTheStart, since }: SeenSince) => ({
      ...{ first: firstSeenAt.toISOString(), fromTheStart: seenFromTheStart, since: since.toISOString() },
    })
    found.push(
      ...keys.map((key, row) =>
        sinceWhen({
          ...{ dataset: each.dataset, parent: each.parents[each.parentOf[row]!]!, key },
          ...dated(each.seen[each.seenOf[row]!]!),
        }),
      ),
    )
  }
  return found.sort((a, b) => compareBytes(a, b))
}

function keysOf({ dataset, count, parents, parentOf, ids, idOf, isUser }: StoredEdges): readonly string[] {
  return Array.from({ length: count }, (_, row) => {
    const type = dataset === 'identitystore.group_memberships' ? '' : isUser[row] === 1 ? 'USER|' : 'GROUP|'
    return `${parents[parentOf[row]!]}|${type}${ids[idOf[row]!]}`
  })
}

function sinceWhen({ dataset, parent, key, first, fromTheStart, since }: Omit<Shown, 'facts' | 'earlier'>): string {
  return JSON.stringify([dataset, key, parent, first, fromTheStart, since])
}

interface Shown {
  readonly dataset: string
  readonly parent: string
  readonly key: string
  readonly facts: string
  readonly first: string
  readonly fromTheStart: boolean
  readonly since: string
  readonly earlier: readonly (readonly [string, string])[]
}

function plain(resource: Awaited<ReturnType<typeof resourcesOf>>[number]): Shown {
  const { dataset, parent, key, facts, firstSeenAt, seenFromTheStart, since, earlier } = resource
  return {
    ...{ dataset, parent, key, facts: canonicalJson(facts), first: firstSeenAt.toISOString(), fromTheStart: seenFromTheStart },
    ...{
      since: since.toISOString(),
      earlier: earlier.map(({ from, facts }) => [from.toISOString(), canonicalJson(facts)] as const),
    },
  }
}

function sealTime(version: number): string {
  return new Date(Date.UTC(2026, 0, 1, 0, 0, version)).toISOString()
}

interface State {
  readonly from: number
  readonly parent: string
  readonly facts: string
}

/** What the store should remember, in memory and without SQL. */
class Model {
  readonly #histories = new Map<string, { dataset: string; key: string; states: State[]; isOpen: boolean }>()
  /** parts that a version left open; versions that read a dataset */
  readonly #openParts = new Set<string>()
  readonly #read = new Map<string, number[]>()
  readonly #knownParts = new Set<string>()

  apply(version: number, pieces: readonly PartPiece[]): Shown[] {
    const seen = new Map<string, { dataset: string; parent: string; row: Row; at: number }>()
    for (const { part, rows, end } of pieces) {
      for (const row of rows) {
        const id = `${part.dataset} ${row.key}`
        const before = seen.get(id)
        const at = end!.lastObservedAt.getTime()
        if (before === undefined || at >= before.at) seen.set(id, { dataset: part.dataset, parent: part.parent, row, at })
      }
    }
    const entityKeys = new Set([...seen.values()].filter(({ dataset }) => !edges.includes(dataset)).map(({ row }) => row.key))
    const datasets = new Set(pieces.map(piece => piece.part.dataset))
    const isComplete = (coverage: Coverage) =>
      coverage === 'complete' || coverage === 'complete_with_changes' || coverage === 'not_enabled'
    const coverages = new Map(pieces.map(({ part, end }) => [`${part.dataset} ${part.parent}`, end!.coverage]))
    const isWholeOpen = (dataset: string) => coverages.has(`${dataset} `) && !isComplete(coverages.get(`${dataset} `)!)
    for (const [id, coverage] of coverages) if (!isComplete(coverage)) this.#openParts.add(`${version} ${id}`)
    for (const id of this.#knownParts) {
      const [dataset, parent] = [id.slice(0, id.indexOf(' ')), id.slice(id.indexOf(' ') + 1)]
      const isMissed =
        parent !== '' && datasets.has(dataset) && !coverages.has(id) && !isWholeOpen(dataset) && entityKeys.has(parent)
      if (isMissed) this.#openParts.add(`${version} ${id}`)
    }
    for (const id of coverages.keys()) this.#knownParts.add(id)
    for (const [id, history] of this.#histories) {
      if (!history.isOpen || seen.has(id)) continue
      const { parent } = history.states.at(-1)!
      const coverage = coverages.get(`${history.dataset} ${parent}`)
      if (coverage !== undefined) history.isOpen = !isComplete(coverage)
      else
        history.isOpen = parent === '' || !datasets.has(history.dataset) || isWholeOpen(history.dataset) || entityKeys.has(parent)
    }
    for (const [id, { dataset, parent, row }] of seen) {
      const facts = canonicalJson(row.facts)
      const history = this.#histories.get(id) ?? { dataset, key: row.key, states: [], isOpen: false }
      this.#histories.set(id, history)
      const last = history.states.at(-1)
      if (!history.isOpen || last?.facts !== facts || last.parent !== parent)
        history.states.push({ from: version, parent, facts })
      history.isOpen = true
    }
    for (const dataset of datasets) this.#read.set(dataset, [...(this.#read.get(dataset) ?? []), version])
    const shown = [...seen].map(([id, { dataset, row }]) => this.#show(this.#histories.get(id)!, dataset, row.key))
    return shown.sort((a, b) => compareBytes(a.dataset, b.dataset) || compareBytes(a.key, b.key))
  }

  #show({ states }: { states: State[] }, dataset: string, key: string): Shown {
    const [present, ...earlier] = states.toReversed()
    const first = states[0]!.from
    const isProvenAbsent = (this.#read.get(dataset) ?? []).some(
      at =>
        at < first && !this.#openParts.has(`${at} ${dataset} `) && !this.#openParts.has(`${at} ${dataset} ${present!.parent}`),
    )
    return {
      ...{ dataset, parent: present!.parent, key, facts: present!.facts, first: sealTime(first), fromTheStart: !isProvenAbsent },
      ...{ since: sealTime(present!.from), earlier: earlier.map(({ from, facts }) => [sealTime(from), facts] as const) },
    }
  }
}

const edges = ['identitystore.group_memberships', 'sso.account_assignments']
const groupIds = ['g1', 'g2', 'gé']
const userIds = ['u1', 'u2', 'u\u{1f600}', 'u|3']
const unitIds = ['ou-1', 'ou-2', 'ou-3']

const coverage = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Coverage>('complete') },
  { weight: 1, arbitrary: fc.constantFrom<Coverage>('complete_with_changes', 'not_enabled') },
  { weight: 1, arbitrary: fc.constantFrom<Coverage>('incomplete', 'denied', 'not_applicable') },
)
/** Few values, so that equal ones come back; odd ones, so that nothing is lost on the way. */
const extras: fc.Arbitrary<Facts> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Facts>({}, { State: 'A' }, { State: 'B' }) },
  {
    weight: 1,
    arbitrary: fc.dictionary(fc.string({ unit: 'binary', maxLength: 4 }), fc.jsonValue({ maxDepth: 2 }), {
      maxKeys: 3,
    }) as fc.Arbitrary<Facts>,
  },
)
const seconds = fc.integer({ min: 0, max: 2 }).map(n => new Date(Date.UTC(2026, 0, 1, 0, 0, n)))

function entities(ids: readonly string[], facts: (id: string) => Facts): fc.Arbitrary<Row[]> {
  return fc
    .subarray([...ids])
    .chain(chosen => fc.tuple(...chosen.map(id => extras.map(extra => ({ key: id, facts: { ...extra, ...facts(id) } })))))
}

function memberships(groupId: string): fc.Arbitrary<Row[]> {
  const member = (userId: string) =>
    fc
      .tuple(
        extras,
        fc.constantFrom<Facts>(
          {},
          { MembershipId: 'm' },
          { MembershipId: 7 },
          { IdentityStoreId: 'd-1' },
          { MemberId: { UserId: userId, More: 1 } },
        ),
      )
      .map(
        ([extra, sent]): Row => ({
          key: `${groupId}|${userId}`,
          facts: { ...extra, GroupId: groupId, MemberId: { UserId: userId }, ...sent },
        }),
      )
  return fc.subarray(userIds).chain(chosen => fc.tuple(...chosen.map(member)))
}

function assignments(pair: string): fc.Arbitrary<Row[]> {
  const [AccountId, PermissionSetArn] = pair.split('|') as [string, string]
  const principals = ['USER|u1', 'GROUP|g1', 'USER|g1', 'ROBOT|r1']
  const one = (principal: string) => {
    const [PrincipalType, PrincipalId] = principal.split('|') as [string, string]
    return extras.map(
      (extra): Row => ({
        key: `${pair}|${principal}`,
        facts: { ...extra, AccountId, PermissionSetArn, PrincipalType, PrincipalId },
      }),
    )
  }
  return fc.subarray(principals).chain(chosen => fc.tuple(...chosen.map(one)))
}

function parts(
  dataset: string,
  parents: readonly string[],
  rows: (parent: string) => fc.Arbitrary<Row[]>,
): fc.Arbitrary<PartPiece[]> {
  const one = (parent: string) =>
    fc.tuple(rows(parent), coverage, seconds).map(([rows, coverage, at]) => part({ dataset, parent, rows, coverage, at }))
  return fc.subarray([...parents], { minLength: parents.length === 1 ? 1 : 0 }).chain(chosen => fc.tuple(...chosen.map(one)))
}

const runArbitrary: fc.Arbitrary<PartPiece[]> = fc
  .tuple(
    parts('identitystore.users', [''], () => entities(userIds, UserId => ({ UserId }))),
    parts('identitystore.groups', [''], () => entities(groupIds, GroupId => ({ GroupId }))),
    parts('identitystore.group_memberships', groupIds, memberships),
    fc.option(
      coverage.map(coverage => part({ dataset: 'identitystore.group_memberships', coverage })),
      { freq: 4, nil: null },
    ),
    // a unit may be shown under two parents at once, and may move
    parts('organizations.organizational_units', ['r-1', ...unitIds], () => entities(unitIds, Id => ({ Id }))),
    parts('sso.account_assignments', ['111122223333|set-a', '111122223333|set-b'], assignments),
  )
  .map(([users, groups, members, whole, units, pairs]) => [
    ...users,
    ...groups,
    ...members,
    ...(whole === null ? [] : [whole]),
    ...units,
    ...pairs,
  ])
