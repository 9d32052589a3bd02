import { expect } from 'chai'
import { type Workplace, workplace } from './program.ts'

describe('the cross-checks, as a user sees them', () => {
  let place: Workplace

  before(async () => {
    place = await workplace()
  })

  after(() => place[Symbol.asyncDispose]())

  it('stand below each collection, with what they compared, and are kept with the snapshot', async function () {
    this.timeout(120_000)
    const collected = await place.run('collect', '--prove')
    expect(collected.code, collected.stderr).to.equal(0)
    expect(collected.stdout).to.match(/cross-check +differences +compared +what/)
    expect(collected.stdout).to.match(/principal_sample +0 +\d+/)
    const shown = (await place.run('snapshots', 'show', 'acme', '--json')).json
    const { organization } = place.aws
    const sample = shown.crossChecks.find((check: { name: string }) => check.name === 'principal_sample')
    expect(sample).to.include({ made: true, compared: organization.users.length + organization.groups.length, differences: 0 })
    const counted = shown.datasets.find((row: { name: string }) => row.name === 'evidenced.cross_checks')
    expect(counted).to.not.have.property('resources')
    expect(counted.calls).to.be.greaterThan(sample.compared)
  })

  it('show a difference by name, and leave the exit code to what was read', async function () {
    this.timeout(120_000)
    const { organization } = place.aws
    const [hidden] = organization.assignments
    organization.unlistedPairs.push({ AccountId: hidden!.AccountId, PermissionSetArn: hidden!.PermissionSetArn })
    const collected = await place.run('collect', '--prove')
    expect(collected.code, collected.stderr).to.equal(0)
    expect(collected.stdout).to.include(`${hidden!.AccountId}|${hidden!.PermissionSetArn} of`)
  })
})
