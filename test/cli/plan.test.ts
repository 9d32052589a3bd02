import { expect } from 'chai'
import { type Workplace, workplace } from './program.ts'

interface Step {
  readonly dataset: string
  readonly operation: string
  readonly calls: number | null
  readonly seconds: number | null
}

describe('the plan, as a user reads it', () => {
  let place: Workplace

  before(async () => {
    place = await workplace()
  })

  after(() => place[Symbol.asyncDispose]())

  it('does not pretend to know before the first collection', async function () {
    this.timeout(120_000)
    const [plan] = (await place.run('plan', '--json')).json.plans
    expect(plan).to.include({ source: 'acme', calls: null, seconds: null })
    const first = (plan.steps as Step[]).find(step => step.dataset === 'sso.instances')
    expect(first).to.include({ operation: 'ListInstances', calls: 1 })
    expect(plan.discovery).to.include({ bySet: null, byAccount: null })
  })

  it('predicts the calls that are made, step by step, and both ways of discovery', async function () {
    this.timeout(120_000)
    const collected = await place.run('collect', '--json')
    expect(collected.code, collected.stderr).to.equal(0)
    const [plan] = (await place.run('plan', '--json')).json.plans
    const made = new Map<string, number>(
      collected.json.snapshots[0].datasets.map((row: { name: string; calls: number }) => [row.name, row.calls]),
    )
    for (const step of plan.steps as Step[]) expect(step.calls, step.dataset).to.equal(made.get(step.dataset))
    expect(plan.calls).to.equal((plan.steps as Step[]).reduce((sum, step) => sum + step.calls!, 0))
    const { organization } = place.aws
    expect(plan.discovery).to.include({
      bySet: organization.permissionSets.length,
      byAccount: organization.accounts.length,
      taken: 'by_set',
    })
    expect(plan.discovery.secondsByAccount / plan.discovery.secondsBySet).to.be.closeTo(
      organization.accounts.length / organization.permissionSets.length,
      0.01,
    )
    const { stdout } = await place.run('plan')
    expect(stdout).to.match(/step +dataset +operation +calls +seconds/)
    expect(stdout).to.match(/by permission set \d+ calls in [\d.]+ seconds, by account \d+ calls in [\d.]+ seconds/)
  })
})
