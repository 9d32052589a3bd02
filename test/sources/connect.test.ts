import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { expect } from 'chai'
import { AppError } from '../../src/errors.ts'
import { buildOrganization, emptyOrganization } from '../../src/simulator/index.ts'
import { planCollection, SourcesError } from '../../src/sources/index.ts'
import { type FreshAws, type FreshOptions, freshAws } from './fresh-aws.ts'

const organization = () =>
  buildOrganization({ seed: 3, accounts: 4, users: 4, groups: 2, permissionSets: 2, applications: 1, iamUsers: 0 })

async function refusalOf(fresh: FreshAws): Promise<SourcesError> {
  const caught = await planCollection(fresh.aws, fresh.source, {}).then(
    () => null,
    (error: unknown) => error,
  )
  expect(caught).to.be.instanceOf(SourcesError).and.instanceOf(AppError)
  return caught as SourcesError
}

function withRole(
  options: { trusted: string | null; configured: string | null },
  more: FreshOptions = {},
): [ReturnType<typeof organization>, FreshOptions, string] {
  const made = organization()
  const roleArn = `arn:aws:iam::${made.organization!.MasterAccountId}:role/Reader`
  return [
    made,
    {
      ...more,
      simulator: { trust: [{ roleArn, externalId: options.trusted }] },
      source: { auth: { roleArn, externalId: options.configured }, ...more.source },
    },
    roleArn,
  ]
}

describe('connecting', () => {
  it('proves who the source is, through a role that demands its external id', async () => {
    const [made, options, roleArn] = withRole({ trusted: 'x-1234', configured: 'x-1234' })
    await using fresh = await freshAws(made, options)
    const { identity, callers } = await planCollection(fresh.aws, fresh.source, {})
    const management = made.organization!.MasterAccountId
    expect(identity).to.deep.equal({
      partition: 'aws',
      organizationId: made.organization!.Id,
      managementAccountId: management,
      instanceArn: made.instance!.InstanceArn,
      identityStoreId: made.instance!.IdentityStoreId,
      instanceOwnerAccountId: management,
      homeRegion: 'eu-west-1',
    })
    expect(callers).to.have.length(1)
    expect(callers[0]!.arn).to.match(/:assumed-role\/Reader\/evidence-\d{8}T\d{6}Z-[0-9a-f]{8}$/)
    expect(callers[0]!.place).to.deep.equal({ accountId: management, region: 'eu-west-1' })
    const asked = fresh.simulator.calls
      .filter(call => call.operation === 'AssumeRole')
      .map(call => [call.input.RoleArn, call.input.ExternalId ?? null])
    expect(asked.slice(0, 2)).to.deep.equal([
      [roleArn, 'x-1234'],
      [roleArn, null],
    ])
    expect(asked[2]![1]).to.be.a('string').and.not.equal('x-1234')
  })

  it('refuses a role that hands itself out without the external id', async () => {
    const [made, options] = withRole({ trusted: null, configured: 'x-1234' })
    await using fresh = await freshAws(made, options)
    const error = await refusalOf(fresh)
    expect(error.code).to.equal('EXTERNAL_ID_NOT_DEMANDED')
    expect(error.hint).to.include('sts:ExternalId')
    expect(error.message + error.hint).to.not.include('x-1234')
  })

  it('says what to check when the role is refused, with the trust policy to paste', async () => {
    const [made, options, roleArn] = withRole({ trusted: 'right', configured: 'a-wrong-external-id' })
    await using fresh = await freshAws(made, options)
    const error = await refusalOf(fresh)
    expect(error.code).to.equal('ROLE_REFUSED')
    expect(error.message).to.include(roleArn)
    expect(error.message + error.hint).to.not.include('a-wrong-external-id')
    expect(error.hint)
      .to.include('"sts:ExternalId":"<the configured one, ending in l-id>"')
      .and.include(`arn:aws:iam::${made.organization!.MasterAccountId}:user/collector`)
  })

  it('names the Region of the instance when another is configured', async () => {
    await using fresh = await freshAws(organization(), { source: { region: 'eu-central-1' } })
    const error = await refusalOf(fresh)
    expect(error.code).to.equal('WRONG_REGION')
    expect(error.message).to.include('eu-central-1').and.include('eu-west-1')
    expect(error.hint).to.equal('set region: eu-west-1')
  })

  it('names the home Region when an additional one is configured', async () => {
    const made = organization()
    made.instance!.Regions.push({ RegionName: 'eu-north-1', Status: 'ACTIVE', AddedDate: new Date(), IsPrimaryRegion: false })
    await using fresh = await freshAws(made, { source: { region: 'eu-north-1' } })
    expect(await refusalOf(fresh)).to.include({ code: 'WRONG_REGION', hint: 'set region: eu-west-1' })
  })

  it('takes nothing from an instance that is being deleted or made', async () => {
    for (const Status of ['DELETE_IN_PROGRESS', 'CREATE_IN_PROGRESS']) {
      const made = organization()
      Object.assign(made.instance!, { Status })
      await using fresh = await freshAws(made)
      const error = await refusalOf(fresh)
      expect(error.code).to.equal('INSTANCE_NOT_ACTIVE')
      expect(error.message).to.include(Status)
    }
  })

  it('asks every Region before it says that there is no instance', async () => {
    const made = emptyOrganization()
    made.instance = null
    await using fresh = await freshAws(made)
    const error = await refusalOf(fresh)
    expect(error.code).to.equal('NO_INSTANCE')
    const asked = new Set(fresh.simulator.calls.filter(call => call.operation === 'ListInstances').map(call => call.region))
    expect(asked.size).to.be.greaterThan(25)
  })

  it('says which credentials are not accepted, and when there are none', async () => {
    await using fresh = await freshAws(organization())
    await using wrong = await freshAws(organization(), {
      aws: { environment: { ...fresh.simulator.env, AWS_ACCESS_KEY_ID: 'AKIAUNKNOWNUNKNOWN00' } },
    })
    expect(await refusalOf(wrong)).to.include({ code: 'CREDENTIALS_INVALID' })
    const before = { ...process.env }
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
    Object.assign(process.env, {
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    })
    try {
      await using none = await freshAws(organization(), { aws: { environment: { AWS_ENDPOINT_URL: fresh.simulator.url } } })
      expect(await refusalOf(none)).to.include({ code: 'NO_CREDENTIALS' })
    } finally {
      for (const name of Object.keys(process.env)) delete process.env[name]
      Object.assign(process.env, before)
    }
  })

  it('does not mistake a wrong clock for wrong credentials', async () => {
    await using fresh = await freshAws(organization(), { simulator: { now: () => new Date(Date.now() - 3_600_000) } })
    fresh.simulator.fault(
      'sts:GetCallerIdentity',
      { kind: 'error', code: 'SignatureDoesNotMatch', status: 403 },
      Number.POSITIVE_INFINITY,
    )
    const error = await refusalOf(fresh)
    expect(error.code).to.equal('CLOCK_SKEW')
    expect(error.message).to.include('60 minutes ahead')
  })

  it('reads nothing by a clock that is further from AWS’s than its signatures allow, although everything is answered', async () => {
    for (const [minutes, told] of [
      [-6, '6 minutes ahead of AWS'],
      [6, '6 minutes behind AWS'],
      [527_000, '527000 minutes behind AWS'],
    ] as const) {
      await using fresh = await freshAws(organization(), { simulator: { now: () => new Date(Date.now() + minutes * 60_000) } })
      const error = await refusalOf(fresh)
      expect(error.code).to.equal('CLOCK_SKEW')
      expect(error.message).to.include(told).and.include(new Date().toISOString().slice(0, 10))
      expect(error.hint).to.include('NTP')
      expect(fresh.simulator.calls.map(call => call.operation)).to.deep.equal(['GetCallerIdentity'])
    }
    await using near = await freshAws(organization(), { simulator: { now: () => new Date(Date.now() - 4 * 60_000) } })
    expect((await planCollection(near.aws, near.source, {})).identity.partition).to.equal('aws')
  })

  it('says that AWS cannot be reached, and by which way', async () => {
    await using fresh = await freshAws(organization())
    const environment = { ...fresh.simulator.env }
    await fresh.simulator.stop()
    await using cut = await freshAws(organization(), { aws: { environment } })
    const error = await refusalOf(cut)
    expect(error.code).to.equal('UNREACHABLE')
    expect(error.message).to.include('ECONNREFUSED')
    expect(error.hint).to.include(environment.AWS_ENDPOINT_URL!)
  })

  it('names the host that does not resolve, and that FIPS endpoints are not everywhere', async () => {
    await using fresh = await freshAws(organization(), {
      aws: {
        environment: {
          AWS_ACCESS_KEY_ID: 'AKIAEXAMPLEEXAMPLE77',
          AWS_SECRET_ACCESS_KEY: 'secret',
          AWS_USE_FIPS_ENDPOINT: 'true',
        },
        retryDeadlineMs: 50,
      },
      source: { region: 'nowhere-invalid-1' },
    })
    const error = await refusalOf(fresh)
    expect(error.code).to.equal('UNREACHABLE')
    expect(error.message).to.match(/(ENOTFOUND|EAI_AGAIN): sts-fips\.nowhere-invalid-1\.amazonaws\.com/)
    expect(error.hint).to.include('AWS_USE_FIPS_ENDPOINT')
  })

  it('asks STS in the Region that nobody can switch off where the own one is off in the account', async () => {
    const [made, options] = withRole({ trusted: null, configured: null })
    await using fresh = await freshAws(made, options)
    fresh.simulator.fault('AssumeRole', { kind: 'error', code: 'RegionDisabledException', status: 403 })
    await planCollection(fresh.aws, fresh.source, {})
    const regions = fresh.simulator.calls.filter(call => call.service === 'sts').map(call => `${call.operation} ${call.region}`)
    expect(regions).to.deep.equal(['AssumeRole eu-west-1', 'AssumeRole us-east-1', 'GetCallerIdentity us-east-1'])
    fresh.simulator.fault('AssumeRole', { kind: 'error', code: 'RegionDisabledException', status: 403 }, Infinity)
    const error = await refusalOf(fresh)
    expect(error.message).to.include('STS is switched off in eu-west-1')
    expect(error.hint).to.include('activate STS of eu-west-1')
  })

  it('goes through the proxy of its environment, and says in every request who asks', async () => {
    const made = organization()
    await using target = await freshAws(made)
    const tunnels: string[] = []
    let sent = ''
    const proxy = createServer().on('connect', (request, socket: Duplex) => {
      tunnels.push(request.url ?? '')
      const onward = connect(Number(new URL(target.simulator.url).port), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
        onward.pipe(socket).pipe(onward)
        socket.on('data', bytes => {
          sent += bytes.toString('latin1')
        })
      })
      for (const end of [socket, onward]) end.on('error', () => {})
    })
    await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
    const port = (proxy.address() as AddressInfo).port
    const environment = {
      ...target.simulator.env,
      AWS_ENDPOINT_URL: 'http://aws.invalid',
      HTTP_PROXY: `http://127.0.0.1:${port}`,
    }
    try {
      await using fresh = await freshAws(made, { aws: { environment } })
      expect((await planCollection(fresh.aws, fresh.source, {})).identity.organizationId).to.equal(made.organization!.Id)
      expect(new Set(tunnels)).to.deep.equal(new Set(['aws.invalid:80']))
      const names = sent.match(/^user-agent: .*$/gim)
      expect(new Set(names)).to.deep.equal(new Set(['user-agent: evidenced/0.0.0-test']))
      expect(names).to.have.length(target.simulator.calls.length)
    } finally {
      proxy.close()
    }
  })

  it('refuses a role of another partition before any call', async () => {
    await using fresh = await freshAws(organization(), {
      source: { auth: { roleArn: 'arn:aws-cn:iam::111122223333:role/Reader', externalId: null } },
    })
    expect(await refusalOf(fresh)).to.include({ code: 'WRONG_PARTITION' })
    expect(fresh.simulator.calls).to.deep.equal([])
  })

  it('refuses a caller of another partition, and a partition nobody knows', async () => {
    const made = buildOrganization({
      seed: 5,
      partition: 'aws-us-gov',
      region: 'us-gov-west-1',
      accounts: 2,
      users: 2,
      groups: 1,
      permissionSets: 1,
      iamUsers: 0,
    })
    await using fresh = await freshAws(made, { source: { partition: 'aws' } })
    expect(await refusalOf(fresh)).to.include({ code: 'WRONG_PARTITION' })
    await using unknown = await freshAws(organization(), { source: { partition: 'aws-moon' } })
    expect(await refusalOf(unknown)).to.include({ code: 'UNKNOWN_PARTITION' })
  })

  it('works in another partition, with Organizations in the Region where it answers', async () => {
    const made = buildOrganization({
      seed: 5,
      partition: 'aws-us-gov',
      region: 'us-gov-east-1',
      accounts: 2,
      users: 2,
      groups: 1,
      permissionSets: 1,
      iamUsers: 0,
    })
    await using fresh = await freshAws(made)
    await planCollection(fresh.aws, fresh.source, {})
    expect(fresh.simulator.calls.find(call => call.operation === 'DescribeOrganization')?.region).to.equal('us-gov-west-1')
    expect(fresh.simulator.calls.find(call => call.operation === 'ListInstances')?.region).to.equal('us-gov-east-1')
  })

  it('says which action is missing when not even the instance may be listed', async () => {
    await using fresh = await freshAws(organization())
    fresh.simulator.deny('sso:ListInstances')
    const error = await refusalOf(fresh)
    expect(error.code).to.equal('ACCESS_DENIED')
    expect(error.hint).to.include('sso:ListInstances')
  })

  it('goes on when the instance may be listed and not described, and keeps the gap', async () => {
    await using fresh = await freshAws(organization())
    fresh.simulator.deny('sso:DescribeInstance')
    const { identity } = await planCollection(fresh.aws, fresh.source, {})
    expect(identity.instanceOwnerAccountId).to.equal(fresh.simulator.organization.organization!.MasterAccountId)
  })
})
