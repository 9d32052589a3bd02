import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { buildOrganization } from '../../src/simulator/index.ts'
import { datasets, requiredPolicy, trustPolicy } from '../../src/sources/index.ts'
import { collected, freshAws } from './fresh-aws.ts'

interface Policy {
  readonly Statement: readonly {
    readonly Sid: string
    readonly Effect: string
    readonly Action: readonly string[]
    readonly Resource: string | readonly string[]
  }[]
}

describe('the policies', () => {
  it('are about the datasets of docs/datasets.md and no others', () => {
    const text = readFileSync(new URL('../../docs/datasets.md', import.meta.url), 'utf8')
    const documented = [...text.matchAll(/^\| `([a-z_.]+)` \| `([a-z]+:[A-Za-z]+)`/gm)].map(([, name, action]) => ({
      name,
      action,
    }))
    expect(datasets.map(({ name, action }) => ({ name, action }))).to.deep.equal(
      documented.sort((a, b) => (a.name! < b.name! ? -1 : 1)),
    )
  })

  it('allow what a collection asks for and nothing that writes', async () => {
    const policy = requiredPolicy('aws') as unknown as Policy
    const allowed = policy.Statement.flatMap(statement => statement.Action)
    await using fresh = await freshAws(
      buildOrganization({ seed: 2, accounts: 4, users: 4, groups: 2, permissionSets: 2, iamUsers: 0 }),
    )
    const { calls } = await collected(fresh)
    for (const call of calls) if (call.service !== 'sts') expect(allowed).to.include(`${call.service}:${call.operation}`)
    for (const action of allowed) expect(action).to.match(/^(sso|identitystore|organizations):(List|Describe|Get)[A-Z]/)
    expect(allowed).to.include('identitystore:DescribeGroup')
  })

  it('stand in the partition they are for and below the limit of a managed policy', () => {
    const text = JSON.stringify(requiredPolicy('aws-us-gov'))
    expect(text).to.include('arn:aws-us-gov:identitystore').and.not.include('arn:aws:')
    expect(text.length).to.be.lessThan(6144)
  })

  it('demand the external id of whoever assumes the role', () => {
    expect(
      trustPolicy({ partition: 'aws', principalArn: 'arn:aws:iam::111122223333:role/collector', externalId: 'x' }),
    ).to.deep.equal({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: 'arn:aws:iam::111122223333:role/collector' },
          Action: 'sts:AssumeRole',
          Condition: { StringEquals: { 'sts:ExternalId': 'x' } },
        },
      ],
    })
  })
})
