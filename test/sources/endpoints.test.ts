import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { buildOrganization } from '../../src/simulator/index.ts'
import { diagnose } from '../../src/sources/index.ts'
import { collected, freshAws } from './fresh-aws.ts'

const organization = () => buildOrganization({ seed: 91, accounts: 2, users: 2, groups: 1, permissionSets: 1, iamUsers: 1 })

/** A proxy that writes down where it was asked to connect to, and refuses. */
async function refusingProxy() {
  const asked: string[] = []
  const server = createServer()
  server.on('connect', (request, socket) => {
    asked.push(String(request.url))
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() }
}

describe('the endpoints', () => {
  const cases: readonly [string, NodeJS.ProcessEnv, string][] = [
    ['usual', {}, 'sts.eu-west-1.amazonaws.com:443'],
    ['FIPS', { AWS_USE_FIPS_ENDPOINT: 'true' }, 'sts-fips.eu-west-1.amazonaws.com:443'],
    ['dual-stack', { AWS_USE_DUALSTACK_ENDPOINT: 'true' }, 'sts.eu-west-1.api.aws:443'],
  ]
  for (const [name, environment, host] of cases) {
    it(`are the ${name} ones, through the proxy`, async () => {
      const proxy = await refusingProxy()
      try {
        const keys = { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLEEXAMPLE77', AWS_SECRET_ACCESS_KEY: 'secret', HTTPS_PROXY: proxy.url }
        await using fresh = await freshAws(organization(), {
          aws: { environment: { ...keys, ...environment }, retryDeadlineMs: 200 },
        })
        const { checks } = await diagnose(fresh.aws, fresh.source)
        // a proxy that refuses is a row with the way out, not a fault of ours
        const failed = checks.find(each => each.result === 'failed')
        expect(failed?.check).to.equal('identity')
        expect(failed?.remedy).to.include('HTTPS_PROXY')
        expect(new Set(proxy.asked)).to.deep.equal(new Set([host]))
      } finally {
        proxy.close()
      }
    })
  }
})

describe('the source identity', () => {
  it('is given to every role that is assumed, the ones in the accounts too', async () => {
    const of = organization()
    const roles = ['Reader', 'EvidencedIamReader'].map(name => `arn:aws:iam::${of.organization!.MasterAccountId}:role/${name}`)
    await using fresh = await freshAws(of, {
      simulator: { trust: roles.map(roleArn => ({ roleArn, externalId: null })) },
      source: {
        auth: { roleArn: roles[0]!, externalId: null, sourceIdentity: 'evidenced-acme' },
        iam: { roleName: 'EvidencedIamReader', externalId: null, accounts: [of.organization!.MasterAccountId] },
      },
    })
    await collected(fresh)
    const assumed = fresh.simulator.calls.filter(call => call.operation === 'AssumeRole')
    expect(assumed.map(call => [call.input.RoleArn, call.input.SourceIdentity])).to.deep.equal(
      roles.map(roleArn => [roleArn, 'evidenced-acme']),
    )
  })
})
