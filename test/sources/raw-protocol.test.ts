import {
  IdentitystoreClient,
  ListUsersCommand,
  ResourceNotFoundException,
  ThrottlingException,
} from '@aws-sdk/client-identitystore'
import { expect } from 'chai'
import { buildOrganization, startSimulator, unlimited } from '../../src/simulator/index.ts'
import { RawProtocol } from '../../src/sources/raw-protocol.ts'

/** `protocol` is exported by the SDK and little documented: what we rest on is held here, against the SDK's own client. */
describe('the protocol of the SDK, with our reading of answers', () => {
  async function client() {
    const organization = buildOrganization({ seed: 6, accounts: 2, users: 2, groups: 1, permissionSets: 1, iamUsers: 0 })
    const simulator = await startSimulator({ organization, rates: unlimited })
    const credentials = { accessKeyId: simulator.env.AWS_ACCESS_KEY_ID!, secretAccessKey: simulator.env.AWS_SECRET_ACCESS_KEY! }
    const sdk = new IdentitystoreClient({
      region: 'eu-west-1',
      endpoint: simulator.url,
      credentials,
      protocol: RawProtocol,
      maxAttempts: 1,
    })
    return {
      organization,
      simulator,
      list: (storeId: string) => sdk.send(new ListUsersCommand({ IdentityStoreId: storeId })) as Promise<unknown>,
      async [Symbol.asyncDispose]() {
        sdk.destroy()
        await simulator.stop()
      },
    }
  }

  it('keeps members that the SDK does not know, and names them', async () => {
    await using aws = await client()
    const answer = (await aws.list(aws.organization.instance!.IdentityStoreId)) as {
      Users: { Revision: string; CreatedAt: string }[]
      $unknown: string[]
    }
    const [user] = aws.organization.users
    expect(answer.Users[0]!.Revision).to.equal(user!.Revision)
    expect(answer.Users[0]!.CreatedAt).to.equal(user!.CreatedAt!.toISOString().replace('.000Z', 'Z'))
    expect(answer.$unknown).to.have.members(['Users[].UserArn', 'Users[].Revision'])
  })

  it('leaves errors the SDK’s own, with their members', async () => {
    await using aws = await client()
    const missing = await aws.list('d-0000000000').catch(error => error)
    expect(missing).to.be.instanceOf(ResourceNotFoundException).and.include({ ResourceType: 'IDENTITY_STORE' })
    aws.simulator.fault('identitystore:ListUsers', {
      kind: 'error',
      code: 'ThrottlingException',
      members: { RetryAfterSeconds: 3 },
    })
    const throttled = await aws.list(aws.organization.instance!.IdentityStoreId).catch(error => error)
    expect(throttled).to.be.instanceOf(ThrottlingException).and.include({ RetryAfterSeconds: 3 })
  })
})
