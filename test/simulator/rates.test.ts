import { GetAccountSummaryCommand } from '@aws-sdk/client-iam'
import { ListUsersCommand } from '@aws-sdk/client-identitystore'
import { ListRootsCommand } from '@aws-sdk/client-organizations'
import { ListInstancesCommand } from '@aws-sdk/client-sso-admin'
import { expect } from 'chai'
import { documentedRates, emptyOrganization, startSimulator, unlimited } from '../../src/simulator/index.ts'
import { clientsOf, failure } from './clients.ts'

/** `count` calls one after another; the names of the errors among them. */
async function burst(count: number, call: () => Promise<unknown>): Promise<string[]> {
  const refused: string[] = []
  for (let i = 0; i < count; i++) {
    try {
      await call()
    } catch (error) {
      refused.push((error as Error).name)
    }
  }
  return refused
}

describe('Rate limits', () => {
  it('let the documented burst of Identity Center pass and refuse what comes faster', async () => {
    await using simulator = await startSimulator({ organization: emptyOrganization() })
    const { sso } = clientsOf(simulator)
    const refused = await Promise.all(Array.from({ length: 60 }, () => burst(1, () => sso.send(new ListInstancesCommand({})))))
    const names = refused.flat()
    expect(names.length).to.be.within(60 - 20 - 20, 60 - 20)
    expect(new Set(names)).to.deep.equal(new Set(['ThrottlingException']))
  })

  it('say too fast as each service does', async () => {
    const organization = emptyOrganization()
    const one = { perSecond: 0.001, burst: 1 }
    const rates = { sso: one, identitystore: one, iam: one, 'organizations.ListRoots': one }
    await using simulator = await startSimulator({ organization, rates })
    const { iam, identityStore, organizations, sso } = clientsOf(simulator)
    const { IdentityStoreId } = organization.instance!
    expect(await burst(2, () => sso.send(new ListInstancesCommand({})))).to.deep.equal(['ThrottlingException'])
    expect(await burst(2, () => iam.send(new GetAccountSummaryCommand({})))).to.deep.equal(['Throttling'])
    expect(await burst(2, () => organizations.send(new ListRootsCommand({})))).to.deep.equal(['TooManyRequestsException'])
    await identityStore.send(new ListUsersCommand({ IdentityStoreId }))
    const error = await failure(identityStore.send(new ListUsersCommand({ IdentityStoreId })))
    expect(error).to.include({ name: 'ThrottlingException', RetryAfterSeconds: 1 })
    expect(error.$metadata).to.include({ httpStatusCode: 400 })
  })

  it('fill again with time', async () => {
    const rates = { sso: { perSecond: 50, burst: 1 } }
    await using simulator = await startSimulator({ organization: emptyOrganization(), rates })
    const { sso } = clientsOf(simulator, { maxAttempts: 1 })
    const call = () => sso.send(new ListInstancesCommand({}))
    expect(await burst(1, call)).to.deep.equal([])
    const started = performance.now()
    while ((await burst(1, call)).length > 0) expect(performance.now() - started).to.be.below(5_000)
    expect(performance.now() - started).to.be.at.least(10)
  })

  it('can be turned off, or changed in one place', async () => {
    const off = await startSimulator({ organization: emptyOrganization(), rates: unlimited })
    await using _ = off
    expect(await burst(60, () => clientsOf(off).organizations.send(new ListRootsCommand({})))).to.deep.equal([])
    const rates = { ...documentedRates, 'organizations.ListRoots': { perSecond: 100, burst: 100 } }
    await using raised = await startSimulator({ organization: emptyOrganization(), rates })
    expect(await burst(10, () => clientsOf(raised).organizations.send(new ListRootsCommand({})))).to.deep.equal([])
  })
})
