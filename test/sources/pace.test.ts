import { expect } from 'chai'
import { buildOrganization } from '../../src/simulator/index.ts'
import { type Budget, localBudget } from '../../src/sources/index.ts'
import { collected, fast, freshAws } from './fresh-aws.ts'

const small = { seed: 9, accounts: 5, users: 20, groups: 50, permissionSets: 3, applications: 1, iamUsers: 0 }

describe('the pace', () => {
  it('makes no call before its time at the configured rate, from the first to the last', async () => {
    const within = localBudget()
    let beganAt = Number.POSITIVE_INFINITY
    const budget: Budget = {
      reserve(key, ...slots) {
        if (key.endsWith('/identitystore')) beganAt = Math.min(beganAt, Date.now())
        return within.reserve(key, ...slots)
      },
    }
    const source = { rateLimits: { ...fast, identitystore: 50 } }
    await using fresh = await freshAws(buildOrganization(small), { aws: { budget }, source })
    await collected(fresh)
    const calls = fresh.simulator.calls.filter(call => call.service === 'identitystore')
    expect(calls.length).to.be.greaterThan(50)
    // a burst of a tenth of a second may be ahead of the schedule; a busy machine is only ever late
    for (const [i, call] of calls.entries()) expect(call.at.getTime() - beganAt, `call ${i}`).to.be.at.least((i - 6) * 20)
  })

  it('is asked of the shared budget, for the organization and by AWS’s own budgets', async () => {
    const keys = new Map<string, number>()
    const within = localBudget()
    const budget: Budget = {
      reserve(key, slots, perSecond) {
        keys.set(key, perSecond)
        return within.reserve(key, slots, perSecond)
      },
    }
    const organization = buildOrganization({ ...small, groups: 2 })
    await using fresh = await freshAws(organization, {
      aws: { budget },
      source: { rateLimits: { sso: 1000, identitystore: 1000 }, budgetShare: 0.5 },
    })
    await collected(fresh)
    const { Id, MasterAccountId } = organization.organization!
    expect(Object.fromEntries(keys)).to.deep.equal({
      'caller/sts': 300,
      [`${MasterAccountId}/organizations.DescribeOrganization`]: 0.5,
      [`${MasterAccountId}/sso`]: 1000,
      [`${Id}/sso`]: 1000,
      [`${Id}/identitystore`]: 1000,
      [`${Id}/organizations.ListRoots`]: 0.5,
      [`${Id}/organizations.ListAccounts`]: 4,
      // rows of AWS's table with several operations: one budget for all of them
      [`${Id}/organizations.ListParents`]: 2.5,
      [`${Id}/organizations.ListTagsForResource`]: 5,
      [`${Id}/organizations.ListPolicies`]: 2.5,
      [`${Id}/organizations.DescribePolicy`]: 1,
      [`${Id}/organizations.ListDelegatedAdministrators`]: 2.5,
      [`${Id}/organizations.ListAWSServiceAccessForOrganization`]: 0.5,
      [`${Id}/organizations.DescribeResourcePolicy`]: 0.5,
    })
  })

  it('is the smallest that is configured for operations that share a budget, whichever of them is named', async () => {
    const keys = new Map<string, number>()
    const within = localBudget()
    const budget: Budget = {
      reserve(key, slots, perSecond) {
        keys.set(key.slice(key.indexOf('/') + 1), perSecond)
        return within.reserve(key, slots, 1000)
      },
    }
    const rateLimits = {
      'organizations.ListTargetsForPolicy': 7,
      'organizations.ListParents': 40,
      'organizations.ListOrganizationalUnitsForParent': 30,
      'organizations.ListAWSServiceAccessForOrganization': 6,
      'organizations.ListDelegatedServicesForAccount': 8,
    }
    await using fresh = await freshAws(buildOrganization({ ...small, groups: 2 }), { aws: { budget }, source: { rateLimits } })
    await collected(fresh)
    expect(Object.fromEntries(keys)).to.include({
      'organizations.ListPolicies': 7,
      'organizations.ListParents': 30,
      'organizations.ListAWSServiceAccessForOrganization': 6,
    })
  })

  it('is shared by two collectors of one organization', async () => {
    const budget = localBudget()
    const organization = buildOrganization(small)
    const options = { aws: { budget }, source: { rateLimits: { ...fast, identitystore: 60 } } }
    await using one = await freshAws(organization, options)
    await using other = await freshAws(organization, options)
    const startedAt = performance.now()
    await Promise.all([collected(one), collected(other)])
    const calls = [one, other].flatMap(fresh => fresh.simulator.calls.filter(call => call.service === 'identitystore')).length
    expect(performance.now() - startedAt).to.be.greaterThan((calls / 60) * 1000 * 0.85)
  })

  it('gives way when AWS throttles, loses nothing, and makes few attempts for it', async () => {
    const organization = buildOrganization({ ...small, accounts: 20, groups: 4, permissionSets: 10, pairs: 150 })
    await using fresh = await freshAws(organization, {
      simulator: { rates: { sso: { perSecond: 60, burst: 5 } } },
      aws: { retryDeadlineMs: 60_000 },
      source: { rateLimits: { ...fast, sso: 120 } },
    })
    const found = await collected(fresh)
    expect([...found.parts.values()].some(part => part.end?.coverage === 'incomplete')).to.equal(false)
    expect(found.rows('sso.account_assignments').size).to.equal(organization.assignments.length)
    const calls = found.calls.filter(call => call.service === 'sso')
    const throttles = calls.reduce((sum, call) => sum + call.throttles, 0)
    expect(throttles).to.be.greaterThan(0)
    // at twice the rate that AWS grants, whoever does not give way is refused once for every call
    expect(throttles).to.be.lessThan(calls.length / 2)
  })

  it('gives way in every process that shares the budget when AWS throttles one of them', async () => {
    const organization = buildOrganization({ ...small, groups: 80 })
    const shared = localBudget()
    const rates: Record<'throttled' | 'other', number[]> = { throttled: [], other: [] }
    const { promise: isTold, resolve: told } = Promise.withResolvers<void>()
    const of = (who: keyof typeof rates) => {
      const budget: Budget = {
        reserve(key, slots, perSecond, cuts) {
          if (key.endsWith('/identitystore')) rates[who].push(perSecond)
          if (cuts?.mine) told()
          return shared.reserve(key, slots, perSecond, cuts)
        },
      }
      return { aws: { budget }, source: { rateLimits: { ...fast, identitystore: 100 } } }
    }
    await using one = await freshAws(organization, of('throttled'))
    await using other = await freshAws(organization, of('other'))
    one.simulator.fault('identitystore:ListUsers', { kind: 'error', code: 'ThrottlingException' })
    other.simulator.hook('ListGroups', () => isTold)
    await Promise.all([collected(one), collected(other)])
    for (const [who, seen] of Object.entries(rates)) {
      expect(Math.min(...seen), who).to.be.within(79.9, 99.9)
      expect(seen[0], who).to.equal(100)
    }
  })

  it('is as far back after a throttle that another process met as it would be after its own', async () => {
    for (const [secondsAgo, least, most] of [
      [0.1, 80, 87],
      [2, 98, 100],
      [15, 100, 100],
    ] as const) {
      const rates: number[] = []
      const within = localBudget()
      let [askedAt, isLate] = [0, false]
      const budget: Budget = {
        reserve(key, slots, perSecond, cuts) {
          if (!key.endsWith('/identitystore')) return within.reserve(key, slots, perSecond)
          rates.push(perSecond)
          // on a busy machine more time has passed, and the rate may be further back
          if (rates.length === 1) askedAt = performance.now()
          if (rates.length === 2) isLate = performance.now() - askedAt > 400
          if (rates.length === 1) cuts?.adopt({ secondsAgo, from: 100 })
          return within.reserve(key, slots, perSecond)
        },
      }
      const source = { rateLimits: { ...fast, identitystore: 100 } }
      await using fresh = await freshAws(buildOrganization({ ...small, groups: 6 }), { aws: { budget }, source })
      await collected(fresh)
      expect(rates[1], `${secondsAgo} seconds later`).to.be.within(least, isLate ? 100 : most)
    }
  })

  it('waits as long as AWS asks for', async () => {
    await using fresh = await freshAws(buildOrganization({ ...small, groups: 2 }), { aws: { retryDeadlineMs: 10_000 } })
    fresh.simulator.fault('identitystore:ListUsers', {
      kind: 'error',
      code: 'ThrottlingException',
      members: { RetryAfterSeconds: 0.7 },
    })
    await collected(fresh)
    const [refused, answered] = fresh.simulator.calls.filter(call => call.operation === 'ListUsers')
    expect(answered!.at.getTime() - refused!.at.getTime()).to.be.greaterThan(650)
  })

  it('keeps one call of an operation of Organizations under way', async () => {
    const organization = buildOrganization({ ...small, ous: 8 })
    await using fresh = await freshAws(organization, { simulator: { latencyMs: 20 } })
    // each is confirmed by ListParents, which AWS counts with the lists of units, while these are read
    fresh.simulator.fault('organizations:ListTagsForResource', { kind: 'error', code: 'TargetNotFoundException' }, 5)
    await collected(fresh)
    const times = fresh.simulator.calls
      .filter(call => ['ListOrganizationalUnitsForParent', 'ListParents'].includes(call.operation))
      .map(call => call.at.getTime())
    expect(times.length).to.be.greaterThan(9)
    for (let i = 1; i < times.length; i++) expect(times[i]! - times[i - 1]!).to.be.greaterThan(15)
  })

  it('ends the run, and records no gap, when the shared budget is lost', async () => {
    let asked = 0
    const within = localBudget()
    const budget: Budget = {
      reserve: (key, slots, rate) =>
        ++asked > 12 ? Promise.reject(new Error('connection terminated')) : within.reserve(key, slots, rate),
    }
    await using fresh = await freshAws(buildOrganization(small), {
      aws: { budget },
      source: { rateLimits: { ...fast, identitystore: 20 } },
    })
    const error = await collected(fresh).catch(caught => caught)
    expect(error).to.include({ code: 'BUDGET_UNAVAILABLE' })
  })
})
