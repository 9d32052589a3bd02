import { expect } from 'chai'
import type { Gap, Snapshot, StoredResource } from '../../src/model.ts'
import { populationArtifacts } from '../../src/reports/index.ts'
import { parseCsv, recordsOf, textOf } from './bytes.ts'
import { place, refusedGap, resource, sampleSnapshot, setArn } from './sample.ts'

const ada = resource('identitystore.users', 'u-ada', {
  UserId: 'u-ada',
  UserName: 'ada',
  UserStatus: 'ENABLED',
  Emails: [{ Value: 'old@acme.example' }, { Value: 'ada@acme.example', Primary: true }],
  ExternalIds: [{ Issuer: 'https://idp.example', Id: '42' }],
  NewMember: { nested: true },
})
const evil = resource('identitystore.users', 'u-evil', { UserId: 'u-evil', UserName: '=cmd|calc' })
const admins = resource('identitystore.groups', 'g-1', { GroupId: 'g-1', DisplayName: 'Admins, "core"' })
const membership = resource(
  'identitystore.group_memberships',
  'g-1|u-ada',
  { MembershipId: 'm-1', GroupId: 'g-1', MemberId: { UserId: 'u-ada' } },
  'g-1',
)
const account = resource('organizations.accounts', '222233334444', {
  Id: '222233334444',
  Name: 'prod',
  State: 'ACTIVE',
  Paths: ['o-1/r-1/222233334444/'],
})
const assignments = ['u-ada', 'u-gone'].map(id =>
  resource(
    'sso.account_assignments',
    `222233334444|${setArn(1)}|USER|${id}`,
    { AccountId: '222233334444', PermissionSetArn: setArn(1), PrincipalType: 'USER', PrincipalId: id },
    `222233334444|${setArn(1)}`,
  ),
)
const arns = [1, 2, 3].map(n => resource('sso.permission_set_arns', setArn(n), { PermissionSetArn: setArn(n) }, 'instance'))
const details = [1, 2, 3].map(n =>
  resource('sso.permission_sets', setArn(n), { Name: `Set${n}`, SessionDuration: 'PT8H' }, setArn(n)),
)
const inline = resource('sso.inline_policies', setArn(1), { InlinePolicy: '{"Statement":[]}' }, setArn(1))
const managed = ['ReadOnlyAccess', 'Billing'].map(name =>
  resource('sso.managed_policies', `${setArn(1)}|${name}`, { Name: name, Arn: `arn:aws:iam::aws:policy/${name}` }, setArn(1)),
)
const everything = [ada, evil, admins, membership, account, ...assignments, ...arns, ...details, inline, ...managed]

describe('population files', () => {
  it('name every resource once, with all its facts in the last column', async () => {
    const files = await read(sampleSnapshot({ isComplete: true }), everything)
    const users = recordsOf(files.get('populations/acme/users.csv')!)
    expect(users.map(row => row.key)).to.deep.equal(['u-ada', 'u-evil'])
    expect(users[0]).to.include({
      userName: 'ada',
      status: 'ENABLED',
      email: 'ada@acme.example',
      externalIds: 'https://idp.example 42',
    })
    expect(JSON.parse(users[0]!.facts!)).to.deep.equal(ada.facts)
    expect(parseCsv(files.get('populations/acme/users.csv')!)[0]!.at(-1)).to.equal('facts')
    expect(users[1]!.userName, 'a name that is a formula').to.equal("'=cmd|calc")
    expect(JSON.parse(users[1]!.facts!), 'and untouched in the facts').to.deep.equal(evil.facts)
  })

  it('hold the accounts of people of both applications, and are not whole when IAM was not read to its end', async () => {
    const robot = {
      ...resource('iam.users', 'arn:aws:iam::222233334444:user/deploy', {
        UserName: 'deploy',
        CreateDate: '2024-01-02T03:04:05Z',
      }),
      place: { accountId: '222233334444', region: 'us-east-1' },
    }
    const plain = sampleSnapshot({ isComplete: true })
    const without = recordsOf((await read(plain, [...everything, robot])).get('populations/acme/people-accounts.csv')!)
    expect(without.map(row => [row.userName, row.application, row.status, row.source, row.accountId])).to.deep.equal([
      ['ada', 'AWS IAM Identity Center', 'ENABLED', 'acme', ''],
      ["'=cmd|calc", 'AWS IAM Identity Center', 'not read: not_sent', 'acme', ''],
    ])
    const [users] = plain.datasets.filter(({ name }) => name === 'identitystore.users')
    const summary = { ...users!, name: 'iam.users', place: robot.place, count: 1 }
    const withIam = { ...plain, datasets: [...plain.datasets, summary] }
    const rows = recordsOf((await read(withIam, [...everything, robot])).get('populations/acme/people-accounts.csv')!)
    expect(rows.at(-1)).to.include({
      name: 'deploy',
      application: 'AWS IAM',
      status: 'no status',
      accountId: '222233334444',
      createdAt: '2024-01-02T03:04:05Z',
    })
    const denied = { ...plain, datasets: [...plain.datasets, { ...summary, coverage: 'denied' as const }] }
    expect([...(await read(denied, everything)).keys()])
      .to.include('populations/acme/people-accounts.incomplete.csv')
      .and.include('populations/acme/users.csv')
  })

  it('put names beside ids, and say of a principal that is gone that it is not listed', async () => {
    const files = await read(sampleSnapshot({ isComplete: true }), everything)
    const [membershipRow] = recordsOf(files.get('populations/acme/group-memberships.csv')!)
    expect(membershipRow).to.include({ groupName: 'Admins, "core"', userName: 'ada', userId: 'u-ada' })
    const rows = recordsOf(files.get('populations/acme/account-assignments.csv')!)
    expect(rows.map(row => [row.accountName, row.permissionSetName, row.principalName])).to.deep.equal([
      ['prod', 'Set1', 'ada'],
      ['prod', 'Set1', 'not listed'],
    ])
  })

  it('show the policies of a permission set, and tell "none" from "refused"', async () => {
    const files = await read(sampleSnapshot({ isComplete: false }), everything)
    const sets = recordsOf(files.get('populations/acme/permission-sets.csv')!)
    expect(sets.map(row => row.inlinePolicy)).to.deep.equal([
      '{"Statement":[]}',
      '',
      'not read: access_denied sso:GetInlinePolicyForPermissionSet',
    ])
    expect(sets[0]).to.include({
      name: 'Set1',
      managedPolicies: 'arn:aws:iam::aws:policy/Billing arn:aws:iam::aws:policy/ReadOnlyAccess',
    })
    expect(sets[1]).to.include({ managedPolicies: '', permissionsBoundary: '' })
  })

  it('never leave a cell empty when the whole dataset behind it was denied or not collected', async () => {
    const gap: Gap = { ...refusedGap, dataset: 'identitystore.users', parent: '', action: 'identitystore:ListUsers' }
    const denied = withCoverage(sampleSnapshot({ isComplete: true }), 'identitystore.users', 'denied', [gap])
    const withoutUsers = everything.filter(({ dataset }) => dataset !== 'identitystore.users')
    const files = await read(denied, withoutUsers)
    expect(recordsOf(files.get('populations/acme/account-assignments.csv')!)[0]!.principalName).to.equal(
      'not read: access_denied identitystore:ListUsers',
    )
    expect([...files.keys()])
      .to.include('populations/acme/users.incomplete.csv')
      .and.not.include('populations/acme/users.csv')

    const complete = sampleSnapshot({ isComplete: true })
    const uncollected = { ...complete, datasets: complete.datasets.filter(({ name }) => name !== 'sso.inline_policies') }
    const sets = recordsOf(
      (
        await read(
          uncollected,
          everything.filter(row => row !== inline),
        )
      ).get('populations/acme/permission-sets.csv')!,
    )
    expect(sets.map(row => row.inlinePolicy)).to.deep.equal(Array(3).fill('not read: not_collected'))
  })

  it('say "none" of a permission set that was asked about, though others could not be listed', async () => {
    const gap: Gap = { ...refusedGap, parent: '', reason: 'parent_not_read', action: 'sso:ListPermissionSets' }
    const snapshot = withCoverage(sampleSnapshot({ isComplete: true }), 'sso.inline_policies', 'incomplete', [gap])
    const sets = recordsOf((await read(snapshot, everything)).get('populations/acme/permission-sets.csv')!)
    expect(sets.map(row => row.inlinePolicy)).to.deep.equal(['{"Statement":[]}', '', ''])
  })

  it('say of a member that is a gap that it was not read', async () => {
    const gap: Gap = {
      ...refusedGap,
      dataset: 'identitystore.users',
      parent: '',
      key: 'u-evil',
      member: 'UserStatus',
      reason: 'not_sent',
      action: null,
    }
    const complete = sampleSnapshot({ isComplete: true })
    const files = await read({ ...complete, gaps: [...complete.gaps, gap] }, everything)
    expect(recordsOf(files.get('populations/acme/users.csv')!).map(row => row.status)).to.deep.equal([
      'ENABLED',
      'not read: not_sent',
    ])
  })

  it('describe every column they have, in columns.csv', async () => {
    const files = await read(sampleSnapshot({ isComplete: true }), everything)
    const described = recordsOf(files.get('populations/acme/columns.csv')!)
    expect(described.every(row => row.meaning !== '')).to.equal(true)
    for (const [path, text] of files) {
      const name = path.split('/').at(-1)!
      if (name === 'columns.csv') continue
      const columns = described.filter(row => row.file === name).map(row => row.column)
      expect(columns, name).to.deep.equal(parseCsv(text)[0])
    }
    expect(files.size).to.equal(11)
  })

  it('keep two sources apart whatever their labels are', () => {
    const folders = ['acme', 'a/b', 'a b', '../acme', 'Ä'].map(
      source => populationArtifacts(sampleSnapshot({ source }), readOf([]))[0]!.path,
    )
    expect(new Set(folders).size).to.equal(folders.length)
    for (const folder of folders) expect(folder).to.match(/^populations\/[A-Za-z0-9_-]+\/users/)
  })
})

function withCoverage(snapshot: Snapshot, dataset: string, coverage: 'denied' | 'incomplete', gaps: readonly Gap[]): Snapshot {
  const datasets = snapshot.datasets.map(summary =>
    summary.name === dataset ? { ...summary, coverage, count: 0, openParts: 1, reason: 'refused' } : summary,
  )
  return { ...snapshot, datasets, gaps: [...snapshot.gaps, ...gaps.map(gap => ({ ...gap, place }))] }
}

async function read(snapshot: Snapshot, resources: readonly StoredResource[]): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  for (const { path, read: bytes } of populationArtifacts(snapshot, readOf(resources))) {
    files.set(path, await textOf(bytes()))
    expect(await textOf(bytes()), `${path} read again`).to.equal(files.get(path))
  }
  return files
}

function readOf(resources: readonly StoredResource[]) {
  return async function* (dataset: string) {
    yield* resources.filter(resource => resource.dataset === dataset)
  }
}
