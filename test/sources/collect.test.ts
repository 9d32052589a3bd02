import { expect } from 'chai'
import fc from 'fast-check'
import { partKey } from '../../src/digest.ts'
import type { CollectedBatch, Progress } from '../../src/model.ts'
import { buildOrganization, emptyOrganization, type SimulatedOrganization } from '../../src/simulator/index.ts'
import { collect, datasets, planCollection } from '../../src/sources/index.ts'
import { expectedOf } from './expected.ts'
import { type Collected, collected, fast, freshAws, staged } from './fresh-aws.ts'

/** What AWS lets nobody read, or this program does not: said in every snapshot. */
const uncollected = ['account-access.entitlements', 'sso-directory.identity_sources', 'sso-directory.mfa_devices']

const small = { seed: 7, accounts: 6, users: 12, groups: 5, permissionSets: 4, applications: 2, iamUsers: 0 }

function expectSame(found: Collected, organization: SimulatedOrganization): void {
  for (const [dataset, rows] of expectedOf(organization)) {
    expect(Object.fromEntries(found.rows(dataset)), dataset).to.deep.equal(Object.fromEntries(rows))
  }
}

describe('collecting', () => {
  it('yields what AWS holds, no more and no less, for any organization and any page size', async function () {
    this.timeout(180_000)
    const shapes = fc.record({
      seed: fc.integer({ min: 1, max: 1_000_000 }),
      pageSize: fc.constantFrom(1, 2, 3, 7, 100),
      accounts: fc.integer({ min: 1, max: 8 }),
      ous: fc.integer({ min: 0, max: 5 }),
      users: fc.integer({ min: 1, max: 25 }),
      groups: fc.integer({ min: 1, max: 8 }),
      permissionSets: fc.integer({ min: 1, max: 6 }),
      applications: fc.integer({ min: 0, max: 3 }),
      defects: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(shapes, async ({ pageSize, defects, ...shape }) => {
        const size = defects
          ? {
              ...shape,
              accounts: shape.accounts + 6,
              users: shape.users + 20,
              groups: shape.groups + 8,
              permissionSets: shape.permissionSets + 6,
            }
          : shape
        const organization = buildOrganization({ ...size, iamUsers: 0, defects })
        await using fresh = await freshAws(organization, { simulator: { pageSize } })
        const found = await collected(fresh)
        expectSame(found, organization)
        for (const part of found.parts.values()) {
          const isOff = part.dataset === 'sso.access_control_attributes'
          const expected = uncollected.includes(part.dataset) ? 'not_collectable' : isOff ? 'not_enabled' : 'complete'
          expect(part.end?.coverage, `${part.dataset} ${part.parent}`).to.equal(expected)
        }
      }),
      { numRuns: 25 },
    )
  })

  it('says of every dataset that it was read, also when there is nothing below it', async () => {
    await using fresh = await freshAws(emptyOrganization())
    const confirmed = { 'identitystore.users': 0, 'identitystore.groups': 0 }
    const found = await collected(fresh, { plan: await planCollection(fresh.aws, fresh.source, {}, confirmed) })
    const named = new Set([...found.parts.values()].map(part => part.dataset))
    for (const dataset of uncollected) {
      expect(named.delete(dataset), dataset).to.equal(true)
      const { end } = found.part(dataset, '')
      expect(end).to.include({ coverage: 'not_collectable' })
      expect(end.gaps[0]).to.include({ reason: 'not_collected', action: null })
    }
    expect([...named].sort()).to.deep.equal(datasets.filter(each => each.reach === 'source').map(dataset => dataset.name))
    expect(found.part('identitystore.group_memberships', '').end.coverage).to.equal('complete')
    expect(found.rows('sso.account_assignments').size).to.equal(0)
  })

  it('keeps members that nobody knows as they came, and names them once in the log', async () => {
    const organization = buildOrganization(small)
    const [user] = organization.users
    user!.Tomorrow = { Nested: [1, 'two', null], At: 1700000000.5 }
    user!.CreatedAt = new Date('2024-02-29T12:00:00.250Z')
    const told: object[] = []
    const log = { debug() {}, warn() {}, error() {}, info: (_event: string, nouns?: object) => void told.push(nouns ?? {}) }
    await using fresh = await freshAws(organization, { aws: { log } })
    const facts = (await collected(fresh)).rows('identitystore.users').get(user!.UserId) as Record<string, unknown>
    expect(facts.Tomorrow).to.deep.equal({ Nested: [1, 'two', null], At: 1700000000.5 })
    expect(facts.CreatedAt).to.equal('2024-02-29T12:00:00.250Z')
    expect(facts.UserArn).to.equal(user!.UserArn)
    const members = told.flatMap(nouns => ('members' in nouns ? [nouns.members as string[]] : []))
    expect(members).to.have.length(1)
    expect(members[0]).to.include('identitystore:ListUsers Users[].Tomorrow')
  })

  it('withholds personal data unless the source asks for it, and says so', async () => {
    const organization = buildOrganization(small)
    const [user] = organization.users
    user!.PhoneNumbers = [{ Value: '+1 555 0100', Type: 'work', Primary: true }]
    await using fresh = await freshAws(organization)
    const found = await collected(fresh)
    expect(found.rows('identitystore.users').get(user!.UserId)).to.not.have.property('PhoneNumbers')
    expect(found.gaps('identitystore.users').map(gap => [gap.member, gap.key, gap.reason])).to.deep.equal([
      ['Birthdate', null, 'withheld'],
      ['Addresses', null, 'withheld'],
      ['PhoneNumbers', null, 'withheld'],
      ['Photos', null, 'withheld'],
    ])
    await using open = await freshAws(organization, { source: { includePersonalData: true } })
    const all = await collected(open)
    expect(all.rows('identitystore.users').get(user!.UserId)).to.deep.include({ PhoneNumbers: user!.PhoneNumbers })
    expect(all.gaps('identitystore.users')).to.deep.equal([])
  })

  it('asks for the extensions of users where the source does, and only there', async () => {
    const organization = buildOrganization({ seed: 5, accounts: 2, users: 2, groups: 1, permissionSets: 1, iamUsers: 0 })
    const [user] = organization.users
    user!.Extensions = { 'aws:identitystore:enterprise': { employeeNumber: '4711', costCenter: 'x' } }
    for (const includeUserExtensions of [false, true]) {
      await using fresh = await freshAws(organization, { source: { includeUserExtensions } })
      const facts = (await collected(fresh)).rows('identitystore.users').get(user!.UserId) as Record<string, unknown>
      expect(facts.Extensions).to.deep.equal(includeUserExtensions ? user!.Extensions : undefined)
    }
  })

  it('keeps a row that AWS lists twice once, and counts it', async () => {
    const organization = buildOrganization(small)
    await using fresh = await freshAws(organization, { simulator: { pageSize: 4 } })
    fresh.simulator.fault('identitystore:ListUsers', { kind: 'duplicate_items' }, 2)
    const found = await collected(fresh)
    expectSame(found, organization)
    expect(found.part('identitystore.users', '').end.duplicates).to.equal(2)
  })

  it('writes every call to the ledger: failed ones, those of connecting, and no page token or secret', async () => {
    const organization = buildOrganization(small)
    const roleArn = `arn:aws:iam::${organization.organization!.MasterAccountId}:role/Reader`
    await using fresh = await freshAws(organization, {
      simulator: { pageSize: 4, trust: [{ roleArn, externalId: 'correct-horse' }] },
      source: { auth: { roleArn, externalId: 'correct-horse' } },
    })
    fresh.simulator.deny('sso:ListApplications')
    fresh.simulator.fault('identitystore:ListGroups', { kind: 'status', status: 503 }, 1)
    const { calls } = await collected(fresh)
    const attempts = calls.reduce((sum, call) => sum + call.attempts, 0)
    expect(attempts).to.equal(fresh.simulator.calls.length)
    expect(JSON.stringify(calls)).to.not.match(/NextToken|correct-horse|ExternalId/)
    const steps = calls.slice(0, 5).map(call => `${call.service}:${call.operation} ${call.errorCode}`)
    expect(steps).to.deep.equal([
      'sts:AssumeRole null',
      'sts:AssumeRole AccessDenied',
      'sts:AssumeRole AccessDenied',
      'sts:GetCallerIdentity null',
      'organizations:DescribeOrganization null',
    ])
    expect(calls.find(call => call.operation === 'ListApplications')).to.include({
      status: 400,
      errorCode: 'AccessDeniedException',
      items: 0,
    })
    expect(calls.find(call => call.operation === 'ListGroups')).to.include({
      attempts: 2,
      throttles: 0,
      status: 200,
      items: 4,
      page: 1,
    })
    const pages = calls.filter(call => call.operation === 'ListUsers')
    expect(pages.map(call => [call.page, call.items])).to.deep.equal([
      [1, 4],
      [2, 4],
      [3, 4],
    ])
    for (const call of calls) expect(call.requestId, call.operation).to.be.a('string')
  })

  it('makes exactly the calls that the plan predicts from the last counts', async () => {
    const organization = buildOrganization(small)
    await using fresh = await freshAws(organization)
    const first = await collected(fresh)
    expect(first.plan.calls).to.equal(null)
    const counts = Object.fromEntries(datasets.map(({ name }) => [name, first.rows(name).size]))
    const second = await collected(fresh, { counts })
    const made = new Map<string, number>()
    for (const { dataset = 'none' } of second.calls) made.set(dataset, (made.get(dataset) ?? 0) + 1)
    for (const step of second.plan.steps) expect(made.get(step.dataset) ?? 0, step.dataset).to.equal(step.calls)
    expect(second.plan.calls).to.equal(second.calls.length - 1) // all but sts:GetCallerIdentity
  })

  it('predicts the seconds of the busiest budget', async () => {
    await using fresh = await freshAws(buildOrganization(small), { source: { rateLimits: { ...fast, sso: 10 } } })
    const plan = await planCollection(fresh.aws, fresh.source, { 'sso.permission_set_arns': 20, 'sso.provisioned_accounts': 100 })
    // ListInstances, DescribeInstance, ListPermissionSets, ABAC, ListApplications, ListTrustedTokenIssuers: 1 each;
    // 6 x 20 details, 20 + 1 discovery, 20 for what is outdated, 100 pairs
    expect(plan.seconds).to.be.closeTo((6 + 120 + 21 + 20 + 100) / 10, 0.001)
  })

  it('skips the parts that an interrupted run has staged, and reads the lists again', async () => {
    const organization = buildOrganization(small)
    // slow enough that it breaks off in the middle
    await using fresh = await freshAws(organization, { source: { rateLimits: { ...fast, sso: 100 } } })
    const plan = await planCollection(fresh.aws, fresh.source, {})
    const before: CollectedBatch[] = []
    for await (const batch of collect(fresh.aws, fresh.source, plan, new Set())) {
      before.push(batch)
      if (before.flatMap(each => each.pieces).some(piece => piece.part.dataset === 'sso.account_assignments')) break
    }
    const done = new Set(
      before.flatMap(each => each.pieces.filter(piece => piece.end !== null).map(piece => partKey(piece.part))),
    )
    const again = await planCollection(fresh.aws, fresh.source, {})
    const after: CollectedBatch[] = []
    for await (const batch of collect(fresh.aws, fresh.source, again, done)) after.push(batch)
    const reread = new Set(after.flatMap(each => each.pieces.map(piece => partKey(piece.part))))
    expect([...reread].filter(key => key.startsWith('sso.account_assignments ') && !done.has(key))).to.not.be.empty
    for (const leaf of ['sso.inline_policies', 'sso.account_assignments', 'identitystore.group_memberships']) {
      for (const key of done) if (key.startsWith(`${leaf} `)) expect(reread.has(key), key).to.equal(false)
    }
    const found = staged(again, [
      ...before.map(batch => ({ ...batch, pieces: batch.pieces.filter(piece => done.has(partKey(piece.part))) })),
      ...after,
    ])
    expectSame(found, organization)
  })

  it('empties a staged part whose group is gone when the run is resumed', async () => {
    const organization = buildOrganization(small)
    await using fresh = await freshAws(organization)
    const first = await collected(fresh)
    const gone = organization.groups.shift()!
    const place = { accountId: first.calls[0]!.place.accountId, region: fresh.source.region }
    const key = partKey({ dataset: 'identitystore.group_memberships', place: first.plan.callers[0]!.place, parent: gone.GroupId })
    expect(place.region).to.equal(first.plan.callers[0]!.place.region)
    const second = await collected(fresh, { done: new Set([key]) })
    const part = second.part('identitystore.group_memberships', gone.GroupId)
    expect(part.rows.size).to.equal(0)
    expect(part.end.coverage).to.equal('complete_with_changes')
  })

  it('goes at the pace of its consumer', async () => {
    const organization = buildOrganization({ ...small, users: 600, groups: 200, membershipsPerUser: 30 })
    await using fresh = await freshAws(organization, { simulator: { pageSize: 100 } })
    const plan = await planCollection(fresh.aws, fresh.source, {})
    const batches = collect(fresh.aws, fresh.source, plan, new Set())[Symbol.asyncIterator]()
    await batches.next()
    let calls = -1
    // the producers must come to a stand with work left, not merely slow down
    while (calls !== fresh.simulator.calls.length) {
      calls = fresh.simulator.calls.length
      await new Promise(resolve => setTimeout(resolve, 300))
    }
    let rows = 0
    for (let next = await batches.next(); !next.done; next = await batches.next()) {
      rows += next.value.pieces.reduce((sum, piece) => sum + piece.rows.length, 0)
      expect(next.value.pieces.reduce((sum, piece) => sum + piece.rows.length, 0)).to.be.lessThan(2000 + 64 * 100)
    }
    expect(fresh.simulator.calls.length).to.be.greaterThan(calls)
    expect(rows).to.be.greaterThan(10_000)
  })

  it('tells how far it is, and that it is done', async () => {
    await using fresh = await freshAws(buildOrganization({ ...small, groups: 60 }), { simulator: { latencyMs: 10 } })
    const plan = await planCollection(fresh.aws, fresh.source, {})
    const told: Progress[] = []
    let batches = 0
    for await (const _ of collect(fresh.aws, fresh.source, plan, new Set(), progress => told.push(progress))) batches++
    const last = told.at(-1)!
    // answers that come close together are handed on together: each batch is a transaction
    expect(batches).to.be.lessThan(last.done / 5)
    expect(told.length).to.be.within(2, 40)
    expect(last.done).to.equal(last.total)
    expect(told.map(each => each.done)).to.deep.equal(told.map(each => each.done).sort((a, b) => a - b))
  })

  it('tells how fast it goes, how often it was too fast, and what is left of what was predicted', async () => {
    const organization = buildOrganization({ ...small, groups: 60 })
    const source = { rateLimits: { ...fast, identitystore: 30 } }
    await using fresh = await freshAws(organization, { source, aws: { retryDeadlineMs: 30_000 } })
    fresh.simulator.fault('identitystore:ListGroupMemberships', { kind: 'error', code: 'ThrottlingException' }, 3)
    const told: Progress[] = []
    const plan = { ...(await planCollection(fresh.aws, fresh.source, {})), calls: 500, seconds: 1000 }
    const read = collect(fresh.aws, fresh.source, plan, new Set(['a', 'b', 'c']), progress => told.push(progress), 'sampled')
    for await (const _ of read);
    const reading = told.filter(each => each.phase === 'reading AWS')
    const midway = reading.findLast(each => each.total === 500 && each.done < 500)!
    expect(midway.perSecond).to.be.greaterThan(0)
    expect(midway.throttles).to.equal(3)
    expect(midway.secondsLeft).to.be.greaterThan(0).and.be.lessThan(1000)
    expect(reading[0]!.secondsLeft, 'at first, as planned').to.be.within(800, 1000)
    expect(told.some(each => each.phase === 'cross-checking' && each.total === null)).to.equal(true)
    const [plans, staged] = [fresh.simulator.calls.length, 3]
    expect(told.at(-1)).to.include({ throttles: 3, secondsLeft: 0 })
    expect(told.at(-1)!.done)
      .to.equal(told.at(-1)!.total)
      .and.be.within(staged + 100, plans)
  })

  it('stops calling when its consumer stops reading', async () => {
    const organization = buildOrganization({ ...small, users: 300, groups: 3000 })
    // one lane of thirty-two calls at a time, which has work for many seconds
    const source = { rateLimits: { ...fast, sso: 8 } }
    await using fresh = await freshAws(organization, { simulator: { latencyMs: 5 }, source })
    const plan = await planCollection(fresh.aws, fresh.source, {})
    for await (const _ of collect(fresh.aws, fresh.source, plan, new Set())) break
    const calls = fresh.simulator.calls.length
    await new Promise(resolve => setTimeout(resolve, 100))
    // what was under way on the wire may still arrive there
    expect(fresh.simulator.calls.length - calls).to.be.lessThan(40)
    const later = fresh.simulator.calls.length
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(fresh.simulator.calls.length).to.equal(later)
  })

  it('connects again for a plan whose connection was used, and refuses a plan of another organization', async () => {
    const organization = buildOrganization(small)
    await using fresh = await freshAws(organization)
    const first = await collected(fresh)
    expectSame(await collected(fresh, { plan: first.plan }), organization)
    const other = {
      ...first.plan,
      identity: { ...first.plan.identity, instanceArn: 'arn:aws:sso:::instance/ssoins-0000000000000000' },
    }
    const error = await collected(fresh, { plan: other }).catch(caught => caught)
    expect(error).to.include({ code: 'IDENTITY_CHANGED' })
  })
})
