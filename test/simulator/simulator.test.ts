import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { ListUsersCommand } from '@aws-sdk/client-identitystore'
import { ListAccountsCommand } from '@aws-sdk/client-organizations'
import { expect } from 'chai'
import { buildOrganization, emptyOrganization, SimulatorError, startSimulator, unlimited } from '../../src/simulator/index.ts'
import { clientsOf, failure } from './clients.ts'

const program = `
import { OrganizationsClient, ListAccountsCommand } from '@aws-sdk/client-organizations'
import { STSClient, GetCallerIdentityCommand } from '@aws-sdk/client-sts'
const { Accounts } = await new OrganizationsClient({}).send(new ListAccountsCommand({}))
const { Arn } = await new STSClient({}).send(new GetCallerIdentityCommand({}))
console.log(JSON.stringify({ accounts: Accounts.length, arn: Arn }))
`

describe('The simulator', () => {
  it('is reached by the AWS SDK through its ordinary environment', async () => {
    const organization = buildOrganization({ accounts: 7 })
    await using simulator = await startSimulator({ organization })
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      env: { PATH: process.env.PATH, ...simulator.env },
    })
    const management = organization.organization!.MasterAccountId
    expect(JSON.parse(stdout)).to.deep.equal({ accounts: 7, arn: `arn:aws:iam::${management}:user/collector` })
  })

  it('listens on loopback alone', async () => {
    await using simulator = await startSimulator({ organization: emptyOrganization() })
    expect(new URL(simulator.url).hostname).to.equal('127.0.0.1')
  })

  it('keeps a log of every call: what was asked, where, by whom, and how it ended', async () => {
    let now = new Date('2026-06-01T08:00:00Z')
    const organization = emptyOrganization({ region: 'eu-north-1' })
    await using simulator = await startSimulator({ organization, now: () => now })
    const { identityStore } = clientsOf(simulator)
    const { IdentityStoreId } = organization.instance!
    await identityStore.send(new ListUsersCommand({ IdentityStoreId, MaxResults: 100 }))
    now = new Date('2026-06-01T08:00:05Z')
    await failure(identityStore.send(new ListUsersCommand({ IdentityStoreId: 'd-0000000000' })))
    const caller = `arn:aws:iam::${organization.organization!.MasterAccountId}:user/collector`
    const common = { service: 'identitystore', operation: 'ListUsers', region: 'eu-north-1', caller }
    expect(simulator.calls).to.deep.equal([
      {
        ...common,
        at: new Date('2026-06-01T08:00:00Z'),
        input: { IdentityStoreId, MaxResults: 100 },
        status: 200,
        errorCode: null,
      },
      { ...common, at: now, input: { IdentityStoreId: 'd-0000000000' }, status: 400, errorCode: 'ResourceNotFoundException' },
    ])
  })

  it('counts calls without keeping them when told so', async () => {
    await using simulator = await startSimulator({ organization: emptyOrganization(), rates: unlimited, recordCalls: false })
    const { organizations } = clientsOf(simulator)
    for (let i = 0; i < 3; i++) await organizations.send(new ListAccountsCommand({}))
    expect(simulator.calls).to.deep.equal([])
    expect(simulator.counts.get('organizations:ListAccounts')).to.equal(3)
  })

  it('waits before each answer when told so', async () => {
    await using simulator = await startSimulator({ organization: emptyOrganization(), latencyMs: 30 })
    const before = performance.now()
    await clientsOf(simulator).organizations.send(new ListAccountsCommand({}))
    expect(performance.now() - before).to.be.at.least(29)
  })

  it('says when its port is taken', async () => {
    await using simulator = await startSimulator({ organization: emptyOrganization() })
    const port = Number(new URL(simulator.url).port)
    const error = await failure(startSimulator({ organization: emptyOrganization(), port }))
    expect(error).to.be.instanceOf(SimulatorError)
    expect(error).to.include({ code: 'LISTEN_FAILED' })
    expect(error.message).to.contain(`127.0.0.1:${port}`)
  })

  it('stops with connections kept alive, and may be stopped twice', async () => {
    const simulator = await startSimulator({ organization: emptyOrganization() })
    const { organizations } = clientsOf(simulator)
    await organizations.send(new ListAccountsCommand({}))
    await simulator.stop()
    await simulator.stop()
    const error = await failure(organizations.send(new ListAccountsCommand({})))
    expect(`${error.code} ${error.message}`).to.match(/ECONNREFUSED|ECONNRESET/)
  })
})
