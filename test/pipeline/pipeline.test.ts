import { expect } from 'chai'
import fc from 'fast-check'
import { loadCatalog } from '../../src/controls/index.ts'
import { isComplete } from '../../src/coverage.ts'
import { silent } from '../../src/log.ts'
import type { SavedEvaluation, Snapshot, Status } from '../../src/model.ts'
import { latestResults, runCollection, runEvaluation } from '../../src/pipeline/index.ts'
import { buildOrganization, drift } from '../../src/simulator/index.ts'
import { datasets } from '../../src/sources/index.ts'
import { readResources, type Store } from '../../src/store/index.ts'
import { expectedOf } from '../sources/expected.ts'
import { type FreshAws, freshAws } from '../sources/fresh-aws.ts'
import { freshStore } from '../store/fresh-store.ts'

const catalog = loadCatalog()
const now = () => new Date()

function collectOnce(fresh: FreshAws, store: Store): Promise<Snapshot> {
  return runCollection({ aws: fresh.aws, store, now, log: silent }, fresh.source)
}

/** The status of any subject of an evaluation, by control and key. */
function statusIn(evaluation: SavedEvaluation): (control: string, key: string) => Status {
  const outcomes = new Map(
    evaluation.outcomes.map(({ control, implied, results }) => [
      control.id,
      { implied, kept: new Map(results.map(({ subject, status }) => [subject.key, status])) },
    ]),
  )
  return (control, key) => outcomes.get(control)?.kept.get(key) ?? outcomes.get(control)!.implied
}

function unknownsOf(evaluation: SavedEvaluation) {
  return evaluation.outcomes.flatMap(outcome =>
    outcome.results.filter(result => result.status === 'unknown').map(result => ({ control: outcome.control.id, ...result })),
  )
}

describe('the whole way', function () {
  this.timeout(240_000)

  it('keeps in the snapshot what AWS holds, for any organization, any page size and any change in between', async () => {
    const shapes = fc.record({
      seed: fc.integer({ min: 1, max: 1_000_000 }),
      pageSize: fc.constantFrom(1, 2, 5, 100),
      users: fc.integer({ min: 20, max: 40 }),
      days: fc.integer({ min: 0, max: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(shapes, async ({ seed, pageSize, users, days }) => {
        const organization = buildOrganization({
          seed,
          users,
          accounts: 7,
          groups: 9,
          permissionSets: 7,
          iamUsers: 0,
          defects: true,
        })
        await using fresh = await freshAws(organization, { simulator: { pageSize } })
        await using store = await freshStore()
        for (let day = 0; day <= days; day++) {
          if (day > 0) drift(organization, { seed, day, at: new Date() })
          const snapshot = await collectOnce(fresh, store)
          expect(isComplete(snapshot)).to.equal(true)
          const found = new Map<string, Map<string, unknown>>()
          for await (const { dataset, key, facts } of readResources(store, snapshot)) {
            found.set(dataset, (found.get(dataset) ?? new Map()).set(key, facts))
          }
          for (const [dataset, rows] of expectedOf(organization)) {
            expect(Object.fromEntries(found.get(dataset) ?? []), dataset).to.deep.equal(Object.fromEntries(rows))
          }
        }
      }),
      { numRuns: 8 },
    )
  })

  it('never decides otherwise because something was refused, and names the action behind every unknown', async () => {
    const organization = buildOrganization({
      seed: 11,
      users: 24,
      accounts: 7,
      groups: 9,
      permissionSets: 7,
      iamUsers: 0,
      defects: true,
    })
    const [limited] = organization.permissionSets
    limited!.managedPolicies = [{ Name: 'AdministratorAccess', Arn: 'arn:aws:iam::aws:policy/AdministratorAccess' }]
    limited!.permissionsBoundary = { ManagedPolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }
    limited!.SessionDuration = 'PT4H'
    await using fresh = await freshAws(organization)
    await using store = await freshStore()
    await collectOnce(fresh, store)
    const whole = await runEvaluation({ store, catalog, log: silent }, now())
    const truth = statusIn(whole)
    // without sso:ListInstances nothing can be proven, and nothing is collected; IAM of the accounts is not asked for here
    const actions = datasets
      .map(each => each.action)
      .filter(action => action !== 'sso:ListInstances' && !action.startsWith('iam:'))
    for (const action of new Set(actions)) {
      fresh.simulator.deny(action)
      const snapshot = await collectOnce(fresh, store)
      const evaluation = await runEvaluation({ store, catalog, log: silent }, now())
      fresh.simulator.allow(action)
      if (!snapshot.gaps.some(gap => gap.action === action)) continue // nothing in this organization was to be asked with it
      expect(isComplete(snapshot), action).to.equal(false)
      const found = statusIn(evaluation)
      const listed = new Set(evaluation.outcomes.filter(each => !each.populationIsLowerBound).map(each => each.control.id))
      const compare = (control: string, key: string) => {
        const status = found(control, key)
        if (status !== 'unknown') expect(status, `${control} ${key} with ${action} refused`).to.equal(truth(control, key))
      }
      for (const { control, results } of evaluation.outcomes) {
        if (control.id.startsWith('EVD-')) continue // they judge the refusals themselves
        for (const { subject } of results) if (subject.kind === 'resource') compare(control.id, subject.key)
      }
      // a subject that nobody could list has no status at all; of a listed population the implied statuses must hold too
      for (const { control, results } of whole.outcomes) {
        if (control.id.startsWith('EVD-') || !listed.has(control.id)) continue
        for (const { subject } of results) if (subject.kind === 'resource') compare(control.id, subject.key)
      }
      const before = new Set(unknownsOf(whole).map(({ control, subject }) => `${control} ${subject.kind} ${subject.key}`))
      for (const { control, subject, reason, gaps } of unknownsOf(evaluation)) {
        if (before.has(`${control} ${subject.kind} ${subject.key}`)) continue
        const actions = gaps.map(gap => gap.action)
        expect(actions, `${control} ${subject.key}: ${reason}`).to.include(action)
      }
    }
  })

  it('counts nothing that an earlier snapshot saw and this one could not', async () => {
    const organization = buildOrganization({ seed: 5, users: 24, accounts: 7, groups: 9, permissionSets: 7, iamUsers: 0 })
    await using fresh = await freshAws(organization)
    await using store = await freshStore()
    await collectOnce(fresh, store)
    const [group] = organization.groups
    fresh.simulator.deny('identitystore:ListGroupMemberships', input => input.GroupId === group!.GroupId)
    const snapshot = await collectOnce(fresh, store)
    const members: string[] = []
    for await (const { parent, key } of readResources(store, snapshot, 'identitystore.group_memberships')) {
      if (parent === group!.GroupId) members.push(key)
    }
    expect(members).to.deep.equal([])
    await runEvaluation({ store, catalog, log: silent }, now())
    const { results } = await latestResults({ store, catalog }, 'IDC-GRP-001', null)
    const judged = results.find(result => result.subject.key === group!.GroupId)
    expect(judged?.status).to.equal('unknown')
    expect(judged?.gaps.map(gap => gap.action)).to.include('identitystore:ListGroupMemberships')
    expect(results.filter(result => result.status === 'unknown')).to.have.lengthOf(1)
  })
})
