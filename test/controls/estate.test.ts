import { expect } from 'chai'
import fc from 'fast-check'
import { buildEstate, ControlsError, evaluate, loadCatalog, populationOf } from '../../src/controls/index.ts'
import { compareBytes } from '../../src/digest.ts'
import type { ControlOutcome, StoredEdges, StoredResource } from '../../src/model.ts'
import { asOf, controlYaml, estateRows, folderOf, gap, rowsOf, type SmallEstate, snapshotOf, streamed } from './estate-rows.ts'

const catalog = loadCatalog()

async function outcomes(...estates: readonly SmallEstate[]): Promise<readonly ControlOutcome[]> {
  return evaluate(catalog, await buildEstate(estateRows(...estates)), asOf).outcomes
}

async function outcome(id: string, estate: SmallEstate): Promise<ControlOutcome> {
  return (await outcomes(estate)).find(each => each.control.id === id)!
}

const day = (days: number) => new Date(asOf.getTime() - days * 86_400_000)
const user = (id: string, more: object = {}) => ({
  UserId: id,
  UserName: id,
  UserStatus: 'ENABLED',
  CreatedAt: '2025-01-01T00:00:00Z',
  ...more,
})
const stored = (key: string, facts: StoredResource['facts'], more: Partial<StoredResource>) => ({
  dataset: 'identitystore.users',
  key,
  facts,
  ...more,
})

/** Each row as columns of its own. */
async function* inColumns(rows: readonly StoredResource[]): AsyncIterable<StoredEdges> {
  for (const { dataset, place, parent, key, firstSeenAt, seenFromTheStart, since } of rows)
    yield {
      ...{ dataset, place, count: 1, parents: ['', parent], ids: ['', key.slice(key.lastIndexOf('|') + 1)] },
      ...{ parentOf: Int32Array.of(1), idOf: Int32Array.of(1), isUser: Uint8Array.of(/\|GROUP\|/.test(key) ? 0 : 1) },
      ...{ seen: [{ firstSeenAt, seenFromTheStart, since }], seenOf: Int32Array.of(0) },
    }
}

describe('the estate', () => {
  const mixed: SmallEstate = {
    users: ['u3', 'u1', 'ü', '𝄞', 'U2'].map(id => user(id)),
    groups: [{ GroupId: 'g1', DisplayName: 'admins' }],
    memberships: [
      ['g1', 'u1'],
      ['g1', 'u3'],
    ],
    sets: [
      { arn: 'ps1', name: 'Admin', managed: ['AdministratorAccess'], session: 'PT4H' },
      { arn: 'ps2', customer: ['x'] },
    ],
    accounts: [{ Id: 'a1', Name: 'management', State: 'ACTIVE' }],
    managementAccountId: 'a1',
    assignments: [
      ['a1', 'ps1', 'GROUP', 'g1'],
      ['a1', 'ps2', 'USER', 'u9'],
    ],
    applications: [{ ApplicationArn: 'app1', Name: 'wiki' }],
    applicationAssignments: [['app1', 'USER', 'u1']],
    gaps: [gap('sso.account_assignments', { parent: 'a1|ps2' })],
  }

  it('is the same in whatever order the rows come', async () => {
    const rows = rowsOf(mixed)
    const snapshot = snapshotOf(mixed, rows)
    const expected = JSON.stringify(await outcomes(mixed))
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([...rows], { minLength: rows.length }), async shuffled => {
        const estate = await buildEstate({ asOf, sources: [{ snapshot, resources: streamed(shuffled) }] })
        expect(JSON.stringify(evaluate(catalog, estate, asOf).outcomes)).to.equal(expected)
      }),
      { numRuns: 50 },
    )
  })

  it('says what it does not know in one order, in whatever order the rows come', async () => {
    const unnamed = ['u1', 'u2', 'u3', 'u4'].map(UserId => ({ UserId, Emails: [{ Value: `${UserId}@example.com` }] }))
    const named = user('u5', { Emails: [{ Value: 'u5@example.com' }] })
    const estate: SmallEstate = { ...mixed, users: [...unnamed, named], memberships: [['g1', 'u3']] }
    const rows = rowsOf(estate)
    const expected = await outcomes(estate)
    const said = expected.find(({ control }) => control.id === 'IDC-USER-004')!.results.find(each => each.subject.key === 'u5')!
    expect(said.gaps.map(each => each.key)).to.deep.equal(['u1', 'u2', 'u3', 'u4'])
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([...rows], { minLength: rows.length }), async shuffled => {
        const whole = await buildEstate({
          asOf,
          sources: [{ snapshot: snapshotOf(estate, rows), resources: streamed(shuffled) }],
        })
        expect(JSON.stringify(evaluate(catalog, whole, asOf).outcomes)).to.equal(JSON.stringify(expected))
      }),
      { numRuns: 50 },
    )
  })

  it('is the same when its edges come as columns', async () => {
    const rows = rowsOf(mixed)
    const edges = ['identitystore.group_memberships', 'sso.account_assignments', 'sso.application_assignments']
    const [columns, others] = [true, false].map(isEdge => rows.filter(row => edges.includes(row.dataset) === isEdge))
    const source = { snapshot: snapshotOf(mixed, rows), resources: streamed(others!) }
    const whole = await buildEstate({ asOf, sources: [{ ...source, edges: inColumns(columns!) }] })
    expect(JSON.stringify(evaluate(catalog, whole, asOf).outcomes)).to.equal(JSON.stringify(await outcomes(mixed)))
    const estate = whole.sources[0]!
    expect(
      [estate.memberships.users, estate.accountAssignments, estate.applicationAssignments].map(each => each.length),
    ).to.deep.equal([2, 2, 1])
  })

  it('lists populations by the bytes of their keys, with names for people', async () => {
    const estate = await buildEstate(estateRows(mixed))
    const users = [...populationOf(estate, 'acme', 'user')]
    expect(users.map(each => each.key)).to.deep.equal(['U2', 'u1', 'u3', 'ü', '𝄞'])
    const assignments = [...populationOf(estate, 'acme', 'assignment')]
    expect(assignments.map(each => each.key)).to.deep.equal(['a1|ps1|GROUP|g1', 'a1|ps2|USER|u9', 'app1|USER|u1'])
    expect(assignments.map(each => each.name)).to.deep.equal([
      'admins as Admin on management',
      'USER u9 as ps2 on management',
      'u1 as wiki',
    ])
    expect(assignments[0]).to.deep.include({ kind: 'resource', source: 'acme', type: 'assignment' })
    for (const resource of ['group', 'permissionSet', 'account', 'application', 'accountAssignment', 'applicationAssignment']) {
      const keys = [...populationOf(estate, 'acme', resource)].map(each => each.key)
      expect(keys, resource).to.deep.equal([...keys].sort(compareBytes))
      expect(keys, resource).not.to.equal([])
    }
  })

  it('refuses a source and a resource that it does not hold', async () => {
    const estate = await buildEstate(estateRows({}))
    expect(() => [...populationOf(estate, 'other', 'user')])
      .to.throw(ControlsError, 'no source other')
      .with.property('code', 'UNKNOWN_SOURCE')
    expect(() => [...populationOf(estate, 'acme', 'robot')])
      .to.throw(ControlsError, 'no resource type robot')
      .with.property('code', 'UNKNOWN_RESOURCE')
  })

  it('keeps sources apart', async () => {
    const found = await outcomes(
      { source: 'a', users: [user('u1')] },
      { source: 'b', users: [user('u1')], groups: [{ GroupId: 'g1' }], memberships: [['g1', 'u1']] },
    )
    const users = found.filter(each => each.control.id === 'IDC-USER-001')
    expect(users.map(({ source, pass, fail }) => ({ source, pass, fail }))).to.deep.equal([
      { source: 'a', pass: 0, fail: 1 },
      { source: 'b', pass: 1, fail: 0 },
    ])
  })

  describe('what was not read', () => {
    it('makes one unknown about a population that could not be listed, and judges what is known of it', async () => {
      const found = await outcome('IDC-USER-001', { users: [user('u1')], gaps: [gap('identitystore.users')] })
      expect(found).to.include({ population: 2, populationIsLowerBound: true, fail: 1, unknown: 1 })
      const about = found.results.find(each => each.subject.kind === 'dataset')!
      expect(about.subject).to.deep.equal({
        kind: 'dataset',
        source: 'acme',
        type: 'dataset',
        key: 'identitystore.users',
        name: 'identitystore.users',
      })
      expect(about.reason).to.contain('identitystore:ListUsers was refused').and.contain('1 are known')
    })

    it('takes a dataset that the snapshot does not mention as unread', async () => {
      const found = await outcome('IDC-USER-001', { coverage: { 'identitystore.users': null } })
      expect(found).to.include({ population: 1, unknown: 1, populationIsLowerBound: true })
      expect(found.results[0]!.gaps[0]).to.include({ reason: 'not_collected', action: 'identitystore:ListUsers' })
    })

    for (const coverage of ['denied', 'incomplete', 'not_collectable'] as const) {
      it(`takes a dataset that is ${coverage} as unread although it names no gap`, async () => {
        const found = await outcome('IDC-GRP-001', { coverage: { 'identitystore.groups': coverage } })
        expect(found).to.include({ unknown: 1, populationIsLowerBound: true })
      })
    }

    for (const coverage of ['not_applicable', 'not_enabled', 'complete_with_changes'] as const) {
      it(`takes a dataset that is ${coverage} as read to the end`, async () => {
        const found = await outcome('IDC-GRP-001', { coverage: { 'identitystore.groups': coverage } })
        expect(found).to.include({ population: 0, unknown: 0, populationIsLowerBound: false })
      })
    }

    it('names the parent that could not be listed for a population of its children', async () => {
      const gaps = [
        gap('sso.provisioned_accounts', { parent: 'ps1' }),
        gap('sso.account_assignments', { reason: 'parent_not_read', action: null }),
      ]
      const found = await outcome('IDC-ASG-004', { sets: [{ arn: 'ps1' }], gaps })
      expect(found).to.include({ population: 1, unknown: 1 })
      expect(found.results[0]!.reason).to.contain('sso:ListAccountsForProvisionedPermissionSet was refused for ps1')
    })

    it('says nothing of known groups when only unknown ones were not read', async () => {
      const gaps = [
        gap('identitystore.groups'),
        gap('identitystore.group_memberships', { reason: 'parent_not_read', action: null }),
      ]
      const sets = [{ arn: 'ps1' }]
      const known: SmallEstate = {
        groups: [{ GroupId: 'g1', CreatedAt: '2025-01-01T00:00:00Z' }],
        sets,
        accounts: [{ Id: 'a1', State: 'ACTIVE' }],
        assignments: [['a1', 'ps1', 'GROUP', 'g1']],
        gaps,
      }
      const found = await outcome('IDC-GRP-001', known)
      expect(found).to.include({ fail: 1, unknown: 1 })
    })

    it('takes a status that AWS did not send as a gap that no permission would close', async () => {
      const found = await outcome('IDC-USER-001', { users: [{ UserId: 'u1', UserName: 'u1' }] })
      expect(found.results[0]!.gaps).to.have.length(1)
      expect(found.results[0]!.gaps[0]).to.include({ reason: 'not_sent', member: 'UserStatus', action: null })
    })

    it('takes a member of another type than AWS documents as broken data, and judges the others', async () => {
      const found = await outcome('IDC-USER-001', { users: [user('u1', { UserStatus: 5 }), user('u2')] })
      expect(found).to.include({ unknown: 1, fail: 1, error: null })
      expect(found.results[0]!.gaps[0]).to.include({ reason: 'invalid_answer' })
    })

    it('does not take a deleted group for one whose members could not be read', async () => {
      const found = await outcome('IDC-USER-001', {
        users: [user('u1')],
        sets: [{ arn: 'ps1' }],
        accounts: [{ Id: 'a1', State: 'ACTIVE' }],
        assignments: [['a1', 'ps1', 'GROUP', 'gone']],
      })
      expect(found).to.include({ fail: 1, unknown: 0 })
    })

    it('leaves out a permission set that was listed and then confirmed gone', async () => {
      const lost = new Set(['sso.permission_sets ps2', 'sso.inline_policies ps2'])
      const found = await outcome('IDC-PS-005', {
        sets: [{ arn: 'ps1' }, { arn: 'ps2' }],
        lost,
        coverage: { 'sso.permission_sets': 'complete_with_changes' },
      })
      expect(found).to.include({ population: 1, pass: 1, unknown: 0 })
    })

    it('does not take a missing answer for an empty one', async () => {
      const found = await outcome('IDC-PS-002', { sets: [{ arn: 'ps1' }], lost: new Set(['sso.inline_policies ps1']) })
      expect(found).to.include({ unknown: 1 })
      expect(found.results[0]!.gaps[0]).to.include({ action: 'sso:GetInlinePolicyForPermissionSet' })
    })

    it('does not take a link without its ends for no link', async () => {
      const rows = [{ dataset: 'identitystore.group_memberships', parent: 'g1', key: 'g1|?', facts: { GroupId: 'g1' } }]
      const groups = [{ GroupId: 'g1', CreatedAt: '2025-01-01T00:00:00Z' }]
      const assigned: SmallEstate = {
        groups,
        rows,
        sets: [{ arn: 'ps1' }],
        accounts: [{ Id: 'a1', State: 'ACTIVE' }],
        assignments: [['a1', 'ps1', 'GROUP', 'g1']],
      }
      const found = await outcome('IDC-GRP-001', assigned)
      expect(found).to.include({ unknown: 1 })
      expect(found.results[0]!.gaps[0]).to.include({ reason: 'invalid_answer' })
    })

    it('makes a principal of a kind it does not know unknown, and judges the others', async () => {
      const found = await outcome('IDC-ASG-005', {
        users: [user('u1')],
        sets: [{ arn: 'ps1' }],
        assignments: [
          ['a1', 'ps1', 'ROBOT', 'r1'],
          ['a1', 'ps1', 'USER', 'u1'],
        ],
      })
      expect(found).to.include({ pass: 1, unknown: 1 })
      expect(found.results[0]!.gaps[0]).to.include({ reason: 'unsupported' })
    })

    it('stays fast and honest with thousands of unread pairs', async () => {
      const sets = Array.from({ length: 400 }, (_, index) => ({ arn: `ps${index}` }))
      const gaps = Array.from({ length: 4000 }, (_, index) =>
        gap('sso.account_assignments', { parent: `a${index % 10}|ps${index % 400}` }),
      )
      const users = Array.from({ length: 500 }, (_, index) => user(`u${index}`))
      const found = await outcome('IDC-USER-001', { users, sets, gaps })
      expect(found).to.include({ unknown: 500, fail: 0 })
    })
  })

  describe('since when', () => {
    const status = async (estate: SmallEstate, id: string) => {
      const { pass, fail, notApplicable } = await outcome(id, estate)
      return fail > 0 ? 'fail' : pass > 0 ? 'pass' : notApplicable > 0 ? 'not applicable' : 'unknown'
    }
    const disabled = { UserId: 'u1', UserName: 'u1', UserStatus: 'DISABLED' }
    const wiki: SmallEstate = { applications: [{ ApplicationArn: 'app1' }], applicationAssignments: [['app1', 'USER', 'u1']] }

    it('a user is disabled is the date AWS sent', async () => {
      const dated = (days: number) => ({ ...wiki, users: [{ ...disabled, UpdatedAt: day(days).toISOString() }] })
      expect(await status(dated(8), 'IDC-USER-003')).to.equal('fail')
      expect(await status(dated(6), 'IDC-USER-003')).to.equal('not applicable')
    })

    it('a user is disabled is else the first snapshot that shows it', async () => {
      const enabledBefore = (days: number) => ({
        ...wiki,
        rows: [
          stored('u1', disabled, {
            since: day(days),
            firstSeenAt: day(90),
            earlier: [{ from: day(90), facts: { ...disabled, UserStatus: 'ENABLED' } }],
          }),
        ],
      })
      expect(await status(enabledBefore(8), 'IDC-USER-003')).to.equal('fail')
      expect(await status(enabledBefore(6), 'IDC-USER-003')).to.equal('not applicable')
    })

    it('other changes of a disabled user do not begin the grace period again', async () => {
      const earlier = [
        { from: day(30), facts: { ...disabled, Title: 'old' } },
        { from: day(60), facts: { ...disabled, UserStatus: 'ENABLED' } },
      ]
      const rows = [stored('u1', { ...disabled, Title: 'new' }, { since: day(2), firstSeenAt: day(60), earlier })]
      expect(await status({ ...wiki, rows }, 'IDC-USER-003')).to.equal('fail')
    })

    it('a status that an earlier snapshot lacks proves no change', async () => {
      const { UserStatus: _, ...unsent } = disabled
      const earlier = [{ from: day(30), facts: unsent }]
      const rows = [stored('u1', disabled, { since: day(2), firstSeenAt: day(30), earlier })]
      expect(await status({ ...wiki, rows }, 'IDC-USER-003')).to.equal('fail')
    })

    it('a user who was disabled when we first looked has no grace period', async () => {
      const rows = [stored('u1', disabled, { since: day(1), firstSeenAt: day(1), seenFromTheStart: true })]
      expect(await status({ ...wiki, rows }, 'IDC-USER-003')).to.equal('fail')
    })

    it('a user who appeared disabled in a later snapshot has one', async () => {
      const rows = [stored('u1', disabled, { since: day(1), firstSeenAt: day(1), seenFromTheStart: false })]
      expect(await status({ ...wiki, rows }, 'IDC-USER-003')).to.equal('not applicable')
    })

    it('exactly the grace period is still within it', async () => {
      const exact = (ms: number) => ({
        ...wiki,
        users: [{ ...disabled, UpdatedAt: new Date(day(7).getTime() - ms).toISOString() }],
      })
      expect(await status(exact(0), 'IDC-USER-003')).to.equal('not applicable')
      expect(await status(exact(1), 'IDC-USER-003')).to.equal('fail')
    })
  })

  it('asks no clock: ages are measured against the instant given', async () => {
    using folder = folderOf({ 't.yaml': controlYaml('!user.CreatedAt.olderThanHours(36)') })
    const own = loadCatalog({ folders: [folder.path] })
    const estate = await buildEstate(estateRows({ users: [user('u1', { CreatedAt: day(0).toISOString() })] }))
    const at = (hours: number) => evaluate(own, estate, new Date(asOf.getTime() + hours * 3_600_000)).outcomes[0]!.fail
    expect([at(36), at(37)]).to.deep.equal([0, 1])
  })
})
