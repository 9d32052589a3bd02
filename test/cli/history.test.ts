import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { drift } from '../../src/simulator/index.ts'
import { type Workplace, workplace } from './program.ts'

describe('any date, as a user asks for it', function () {
  this.timeout(120_000)
  let place: Workplace

  before(async () => {
    place = await workplace()
    expect((await place.run('collect', '--json')).code).to.equal(0)
    for (let day = 1; day <= 3; day++) drift(place.aws.organization, { seed: 5, day, at: new Date() })
    const { users, memberships, groups, assignments } = place.aws.organization
    assignments.splice(0, 1)
    memberships.push({
      ...memberships[0]!,
      MembershipId: 'new-membership',
      UserId: users[5]!.UserId,
      GroupId: groups[0]!.GroupId,
    })
    expect((await place.run('collect', '--json')).code).to.equal(0)
  })

  after(async () => {
    await place[Symbol.asyncDispose]()
  })

  it('shows what changed between two snapshots, as a table, JSON and CSV', async () => {
    const found = await place.run('snapshots', 'diff', 'acme', '--from', '1', '--to', '2', '--json')
    expect(found.code, found.stderr).to.equal(0)
    expect(found.json.source).to.equal('acme')
    expect(found.json.unread.filter((each: { coverage: string }) => each.coverage !== 'not_collectable')).to.deep.equal([])
    expect(found.json.changes.filter((each: { dataset: string }) => each.dataset.startsWith('evidenced.'))).to.deep.equal([])
    const { changes } = found.json
    const kinds = new Set(changes.map((each: { kind: string; dataset: string }) => `${each.kind} ${each.dataset}`))
    expect(kinds).to.include('removed sso.account_assignments')
    const csv = await place.run('snapshots', 'diff', 'acme', '--from', '1', '--format', 'csv')
    expect(csv.stdout.split('\r\n').length).to.be.at.least(changes.length + 2)
    const table = await place.run('snapshots', 'diff', 'acme', '--from', '1', '--dataset', 'sso.account_assignments')
    expect(table.stdout).not.to.contain('identitystore.users:')
    expect(table.stdout).to.match(/^removed +\S.*: \S+ in \S.*\d{12}\|arn:/m)
    const names = changes.filter((each: { dataset: string }) => each.dataset === 'identitystore.group_memberships')
    for (const { name } of names) expect(name).to.match(/^\S+ in group \S+$/)
    expect(csv.stdout.split('\r\n')[0]).to.match(/,name$/)
    const movers = await place.run('snapshots', 'diff', 'acme', '--from', '1', '--only', 'movers', '--json')
    const moved = movers.json.changes.map((each: { dataset: string; kind: string }) => `${each.kind} ${each.dataset}`)
    expect(new Set(moved)).to.include('added identitystore.group_memberships').and.not.include('added identitystore.users')
    expect(movers.json.sets.movers).to.equal(movers.json.changes.length)
    const revoked = await place.run('snapshots', 'diff', 'acme', '--from', '1', '--only', 'revocations', '--json')
    expect(new Set(revoked.json.changes.map((each: { kind: string }) => each.kind))).to.deep.equal(new Set(['removed']))
    expect(table.stdout).to.match(/grants: \d+, revocations: [1-9]/)
    expect((await place.run('snapshots', 'diff', 'acme', '--from', '1', '--only', 'everything')).code).to.equal(2)
    const same = await place.run('snapshots', 'diff', 'acme', '--from', '2', '--to', new Date().toISOString())
    expect(same.stdout).to.contain('no difference')
    expect((await place.run('snapshots', 'diff', 'acme', '--from', '99')).code).to.equal(2)
  })

  it('says that a list of snapshots was cut', async () => {
    const newest = await place.run('snapshots', 'list', '--limit', '1')
    expect(newest.stdout)
      .to.match(/^acme +2 /m)
      .and.not.match(/^acme +1 /m)
    expect(newest.stderr).to.equal('there are older snapshots: --limit shows more than 1\n')
    expect((await place.run('snapshots', 'list', '--limit', '2')).stderr).to.equal('')
    expect((await place.run('snapshots', 'list', '--source', 'acmee')).code).to.equal(2)
  })

  it('answers who reaches an account, now and before, with exactly the paths that AWS holds', async () => {
    const { assignments, memberships } = place.aws.organization
    const account = assignments[0]!.AccountId
    const expected = assignments
      .filter(each => each.AccountId === account)
      .flatMap(each =>
        each.PrincipalType === 'USER'
          ? [`${each.PrincipalId} ${each.PermissionSetArn}`]
          : memberships
              .filter(member => member.GroupId === each.PrincipalId)
              .map(member => `${member.MemberId.UserId} ${each.PermissionSetArn} ${each.PrincipalId}`),
      )
    const now = await place.run('access', '--account', account, '--json')
    expect(now.code, now.stderr).to.equal(0)
    const paths = now.json.paths.map(
      (each: { user: { id: string }; group: { id: string } | null; permissionSet: { arn: string } }) =>
        `${each.user.id} ${each.permissionSet.arn}${each.group === null ? '' : ` ${each.group.id}`}`,
    )
    expect(paths.sort()).to.deep.equal([...new Set(expected)].sort())
    const csv = await place.run('access', '--account', account, '--format', 'csv')
    expect(csv.stdout.split('\r\n')).to.have.lengthOf(paths.length + 2)
    const period = await place.run('access', '--account', account, '--during', '2020-01-01..2099-12-31', '--json')
    expect(period.json.paths.length).to.be.at.least(paths.length)
    const table = await place.run('access', '--account', account)
    expect(table.stdout).to.match(/\d+ paths?$/m)
  })

  it('says who is admin, once an evaluation judged it', async () => {
    const accounts = [...new Set(place.aws.organization.assignments.map(each => each.AccountId))]
    const early = await place.run('access', '--account', accounts[0]!, '--admin', '--json')
    expect(early.json.error.hint).to.contain('evidenced evaluate')
    expect((await place.run('evaluate', '--json')).code).to.equal(0)
    const found = await Promise.all(accounts.map(account => place.run('access', '--account', account, '--admin', '--json')))
    const classes = new Set(found.flatMap(each => each.json.paths.map((path: { classification: string }) => path.classification)))
    expect([...classes])
      .to.include('admin')
      .and.not.include('none')
  })

  it('computes the whole store again: 0 when all is well, 4 when something is wrong, 3 when no head outside vouches for it', async () => {
    const good = await place.run('verify-store', '--json')
    expect(good.code, good.stdout).to.equal(0)
    expect(good.json).to.deep.include({ ok: true, snapshots: 2, problems: [] })
    const folder = join(place.folder, 'data', 'heads')
    const list = join(folder, readdirSync(folder).find(name => name.endsWith('.jsonl'))!)
    const heads = readFileSync(list, 'utf8')
    const digest = JSON.parse(heads.split('\n')[0]!).snapshotDigest
    writeFileSync(list, heads.replaceAll(digest, digest.replace(/^./, digest.startsWith('0') ? '1' : '0')))
    const wrong = await place.run('verify-store')
    expect(wrong.code, wrong.stderr).to.equal(4)
    expect(wrong.stdout).to.contain('snapshot  acme version 1: its digest is')
    writeFileSync(list, heads.slice(0, 200))
    writeFileSync(join(folder, 'aws-ssoins-away.jsonl'), `${heads.slice(0, 200)}\n`)
    const foreign = await place.run('verify-store')
    expect(foreign.code, foreign.stderr).to.equal(4)
    expect(foreign.stdout)
      .to.contain('head_missing  acme version 2: it has no head outside the database')
      .and.to.contain('head  stream aws-ssoins-away: no source of this database has it')
    rmSync(join(folder, 'aws-ssoins-away.jsonl'))
    rmSync(list)
    expect((await place.run('verify-store')).code).to.equal(3)
  })

  it('refuses a question that names nothing, two times, or nobody', async () => {
    expect((await place.run('access')).code).to.equal(2)
    expect(
      (await place.run('access', '--user', 'x', '--as-of', '2026-01-01', '--during', '2026-01-01..2026-02-01')).code,
    ).to.equal(2)
    expect((await place.run('access', '--user', 'x', '--during', '2026-01-01')).code).to.equal(2)
    const nobody = await place.run('access', '--user', 'nobody', '--json')
    expect(nobody.code).to.equal(1)
    expect(nobody.json.error.code).to.equal('NOT_FOUND')
  })
})
