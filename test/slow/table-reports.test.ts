import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { read } from 'hucre'
import { readBundleFile, verifyBundle } from '../../src/evidence/index.ts'
import { type Workplace, workplace } from '../cli/program.ts'
import { recordsOf } from '../reports/bytes.ts'

describe('reports that are tables', function () {
  this.timeout(240_000)
  let place: Workplace

  before(async () => {
    place = await workplace()
    for (const command of ['collect', 'evaluate']) expect((await place.run(command)).code).to.equal(0)
  })

  after(() => place[Symbol.asyncDispose]())

  const file = (name: string) => readFileSync(join(place.folder, 'out', name))
  const records = (name: string) => recordsOf(file(name).toString('utf8'))
  const report = (...args: string[]) => place.run('report', '--out', 'out', ...args, '--json')

  it('say how many rows there are, and give the access matrix that AWS granted, in three orders', async () => {
    const byAccount = await report('--kind', 'access', '--format', 'csv,jsonl,pdf,html,xlsx')
    expect(byAccount.code, byAccount.stderr).to.equal(0)
    const rows = records('access-acme-access.csv')
    const said = byAccount.json.rows[0]
    expect(said).to.include({ table: 'access', rows: rows.length })
    expect(byAccount.stderr).to.contain(`${rows.length} rows in access`)
    // by the answers of the access question, account after account
    const accounts = [...new Set(rows.map(row => row.accountId!))].slice(0, 2)
    const paths = []
    for (const account of accounts) {
      const asked = await place.run('access', '--account', account, '--json')
      paths.push(
        ...asked.json.paths.map(
          (each: {
            account: { id: string }
            permissionSet: { arn: string }
            user: { id: string }
            group: { id: string } | null
          }) => [each.account.id, each.permissionSet.arn, each.user.id, each.group?.id ?? ''].join(' '),
        ),
      )
    }
    const ofThese = rows.filter(row => accounts.includes(row.accountId!))
    const mine = ofThese.map(row => [row.accountId, row.permissionSetArn, row.userId, row.groupId].join(' '))
    expect(mine.sort()).to.deep.equal(paths.sort())
    expect(rows.some(row => row.classification === 'admin')).to.equal(true)
    await report('--kind', 'access', '--by', 'user', '--format', 'csv')
    const byUser = records('access-acme-access.csv')
    expect(byUser.map(row => row.userName)).to.deep.equal(byUser.map(row => row.userName).sort())
    expect(byUser.map(row => JSON.stringify(row)).sort()).to.deep.equal(rows.map(row => JSON.stringify(row)).sort())
    await report('--kind', 'access', '--by', 'permission-set', '--format', 'csv')
    const bySet = records('access-acme-access.csv')
    expect(bySet.map(row => row.permissionSetName)).to.deep.equal(bySet.map(row => row.permissionSetName).sort())
    expect(bySet).to.have.lengthOf(rows.length)
    const [some] = rows
    await report('--kind', 'access', '--user', some!.userName!, '--format', 'csv')
    const own = records('access-acme-access.csv')
    expect(own).to.have.lengthOf(rows.filter(row => row.userId === some!.userId).length)
    expect((await report('--kind', 'access', '--user', 'nobody-of-that-name')).code).to.equal(2)
  })

  it('hold every call with its parameters, page, items, request id and caller, as many as the snapshot counts', async () => {
    const calls = await report('--kind', 'calls', '--format', 'csv')
    const [name] = calls.json.files
    const rows = recordsOf(readFileSync(name.path, 'utf8'))
    expect(rows).to.have.lengthOf(calls.json.rows[0].rows)
    for (const row of rows) expect(row.requestId, row.operation).to.not.equal('')
    expect(rows.every(row => row.caller!.includes('EvidencedReader'))).to.equal(true)
    expect(rows.find(row => row.operation === 'ListGroupMemberships')!.parameters).to.contain('GroupId')
  })

  it('tie out: rows kept are rows answered, less those listed twice, and the cross-checks stand beside them', async () => {
    const tied = await report('--kind', 'tie-out', '--format', 'csv,pdf,html')
    expect(tied.code, tied.stderr).to.equal(0)
    const datasets = records('tie-out-acme-datasets.csv')
    const lists = [
      'identitystore.users',
      'identitystore.groups',
      'identitystore.group_memberships',
      'sso.account_assignments',
      'organizations.accounts',
    ]
    for (const name of lists) {
      const row = datasets.find(each => each.dataset === name)!
      expect(row.itemsNotKept, name).to.equal('0')
      expect(row.calls, name).to.equal(row.callsInLedger)
    }
    expect(records('tie-out-acme-cross-checks.csv').length).to.be.greaterThan(0)
    expect(records('tie-out-acme-callers.csv')[0]!.arn).to.contain('EvidencedReader')
    expect(file('tie-out-acme.html').toString('utf8')).to.contain('are the same').and.to.contain('ListAccountAssignments')
  })

  it('are incomplete where AWS refused: who is in a group that nobody read is not nobody', async () => {
    place.aws.deny('identitystore:ListGroupMemberships')
    expect((await place.run('collect')).code).to.equal(3)
    place.aws.allow('identitystore:ListGroupMemberships')
    const refused = await report('--kind', 'access', '--format', 'csv')
    expect(refused.code).to.equal(3)
    const rows = records('access-acme-access.incomplete.csv')
    const unread = rows.filter(row => row.userName!.startsWith('not read: access_denied'))
    expect(unread.length).to.be.greaterThan(0)
    expect(unread[0]!.userName).to.contain('identitystore:ListGroupMemberships')
    expect(refused.stderr).to.contain('at least')
    expect(records('access-acme-not-read.csv').length).to.be.greaterThan(0)
    expect((await place.run('collect')).code).to.equal(0)
  })

  it('are populations in any format, and lists of who came, moved and left in a period', async () => {
    const users = await report('--kind', 'users', '--format', 'csv,xlsx,pdf')
    expect(users.code, users.stderr).to.equal(0)
    expect(records('acme-users.csv')).to.have.lengthOf(users.json.rows[0].rows)
    const { sheets } = await read(file('acme-users.xlsx'))
    expect(sheets[1]!.rows).to.have.lengthOf(users.json.rows[0].rows + 1)
    expect(spawnSync('pdfinfo', [join(place.folder, 'out', 'acme-users.pdf')], { encoding: 'utf8' }).stdout).to.match(
      /Tagged: +yes/,
    )
    const today = new Date().toISOString().slice(0, 10)
    for (const kind of ['joiners', 'movers', 'leavers', 'changes', 'failures']) {
      const list = await report('--kind', kind, '--from', today, '--format', 'csv,html')
      expect(list.code, list.stderr).to.equal(0)
      expect(records(list.json.files[0].path.split('/').pop())).to.have.lengthOf(list.json.rows[0].rows)
    }
    expect((await report('--kind', 'joiners')).code).to.equal(2)
    expect((await report('--kind', 'users', '--from', today)).code).to.equal(2)
    expect((await report('--kind', 'iam-users')).code).to.equal(1)
    expect((await report('--kind', 'colours')).code).to.equal(2)
  })

  it('stand in every bundle: access, tie-out, cross-checks and calls', async () => {
    await place.run('evaluate')
    const bundle = await place.run('bundle', '--framework', 'soc2', '--format', 'html', '--out', 'proof.zip', '--json')
    expect(bundle.code, bundle.stderr).to.equal(0)
    const { files } = await verifyBundle(join(place.folder, 'proof.zip'))
    expect(files.map(({ path }) => path)).to.include.members([
      ...['access/acme-access.csv', 'access/acme-not-read.csv', 'tie-out/acme-datasets.csv', 'tie-out/acme-operations.csv'],
      ...['tie-out/acme-cross-checks.csv', 'tie-out/acme-callers.csv'],
    ])
    const calls = files.find(({ path }) => /^calls\/acme-v\d+\.csv$/.test(path))!
    const lines = files.find(({ path }) => /^calls\/acme-v\d+\.jsonl$/.test(path))!
    expect(calls.rows).to.equal(lines.rows)
    const html = Buffer.concat(
      await Array.fromAsync(readBundleFile(join(place.folder, 'proof.zip'), 'reports/soc2.html')),
    ).toString()
    expect(html).to.contain('Cross-checks').and.to.contain('access/acme-access.csv')
  })
})
