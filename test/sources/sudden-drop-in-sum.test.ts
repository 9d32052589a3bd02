import { expect } from 'chai'
import { partKey } from '../../src/digest.ts'
import type { CollectedBatch } from '../../src/model.ts'
import { buildOrganization, type SimulatedOrganization, type Simulator } from '../../src/simulator/index.ts'
import { collect, planCollection } from '../../src/sources/index.ts'
import { freshAws, staged } from './fresh-aws.ts'

const shape = { seed: 62, accounts: 4, users: 40, groups: 5, permissionSets: 3, pairs: 6, applications: 1, iamUsers: 0 }
const memberships = 'identitystore.group_memberships'

interface Case {
  /** what has happened to the memberships since the last time */
  change(organization: SimulatedOrganization): void
  prepare?(simulator: Simulator): void
  /** an interrupted run had read all of it */
  readonly isResumed?: boolean
}

async function collectedAfter({ change, prepare, isResumed = false }: Case) {
  const organization = buildOrganization(shape)
  const before = organization.memberships.length
  const held = countsOf(organization)
  change(organization)
  await using fresh = await freshAws(organization)
  prepare?.(fresh.simulator)
  const plan = await planCollection(fresh.aws, fresh.source, {}, { [memberships]: before })
  const place = { accountId: fresh.simulator.organization.organization!.MasterAccountId, region: fresh.source.region }
  const now = countsOf(organization)
  const remembered = {
    heldRows: async (dataset: string) => (dataset === memberships ? held : new Map<string, number>()),
    stagedRows: (dataset: string) => (dataset === memberships ? now : new Map<string, number>()),
  }
  const done = isResumed ? [...held.keys()].map(parent => partKey({ dataset: memberships, place, parent })) : []
  const batches: CollectedBatch[] = []
  const reading = collect(fresh.aws, fresh.source, plan, new Set(done), undefined, 'none', remembered)
  for await (const batch of reading) batches.push(batch)
  const found = staged(plan, batches)
  const listed = fresh.simulator.calls
    .filter(call => call.operation === 'ListGroupMemberships')
    .map(call => String(call.input.GroupId))
  return { found, held, listed, open: found.gaps(memberships) }
}

function countsOf({ groups, memberships: rows }: SimulatedOrganization): Map<string, number> {
  return new Map(groups.map(({ GroupId }) => [GroupId, rows.filter(row => row.GroupId === GroupId).length]))
}

/** Empties the group with the most members, and hands back its id. */
function emptyLargest(organization: SimulatedOrganization): string {
  const [large] = [...countsOf(organization)].sort((a, b) => b[1] - a[1])[0]!
  organization.memberships = organization.memberships.filter(row => row.GroupId !== large)
  return large
}

describe('a sudden drop in sum over many parts', () => {
  it('is listed again where it shrank, and only that stays open when it lasts', async () => {
    let large = ''
    const { found, held, listed, open } = await collectedAfter({
      change: organization => {
        large = emptyLargest(organization)
      },
    })
    expect(listed).to.have.length(held.size + 1)
    expect(listed.filter(group => group === large)).to.have.length(2)
    expect(open).to.have.length(1)
    expect(open[0]).to.include({ parent: large, reason: 'unconfirmed_drop', action: null })
    expect(open[0]!.message)
      .to.include(String(held.get(large)))
      .and.include('snapshots confirm acme')
    for (const group of held.keys())
      expect(found.part(memberships, group).end.coverage, group).to.equal(group === large ? 'incomplete' : 'complete')
  })

  it('is forgotten when the second listing is whole', async () => {
    const whole = buildOrganization(shape).memberships
    const { found, held, listed, open } = await collectedAfter({
      change: emptyLargest,
      prepare(simulator) {
        let calls = 0
        simulator.hook('ListGroupMemberships', () => {
          if (++calls > shape.groups) simulator.organization.memberships = whole
        })
      },
    })
    expect(listed).to.have.length(held.size + 1)
    expect(open).to.deep.equal([])
    expect(found.rows(memberships).size).to.equal(whole.length)
  })

  it('is none when little is lost: what shrank is believed at once', async () => {
    const { held, listed, open } = await collectedAfter({
      change: organization => {
        organization.memberships = organization.memberships.slice(3)
      },
    })
    expect(listed).to.have.length(held.size)
    expect(open).to.deep.equal([])
  })

  it('leaves the whole open when the parts vanished with what they hang from', async () => {
    const { found, held, listed } = await collectedAfter({
      change: organization => {
        const large = emptyLargest(organization)
        organization.groups = organization.groups.filter(group => group.GroupId !== large)
      },
    })
    expect(listed).to.have.length(held.size - 1)
    const { coverage, gaps } = found.part(memberships, '').end
    expect(coverage).to.equal('incomplete')
    expect(gaps[0]).to.include({ reason: 'unconfirmed_drop', parent: '' })
  })

  it('is seen by a run that goes on from an interrupted one', async () => {
    let large = ''
    const { listed, open } = await collectedAfter({
      change: organization => {
        large = emptyLargest(organization)
      },
      isResumed: true,
    })
    expect(listed).to.deep.equal([large])
    expect(open.map(gap => [gap.parent, gap.reason])).to.deep.equal([[large, 'unconfirmed_drop']])
  })
})
