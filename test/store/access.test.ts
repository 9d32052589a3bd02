import { expect } from 'chai'
import type { AccessPath, PartPiece } from '../../src/model.ts'
import { type AccessQuestion, access, readSnapshot, type Store, saveEvaluation } from '../../src/store/index.ts'
import { assignment, clockAt, collectOnce, errorOf, gap, group, membership, part, user } from './collected.ts'
import { evaluationOf } from './evaluated.ts'
import { freshStore } from './fresh-store.ts'

const set = 'arn:aws:sso:::permissionSet/ssoins-1/ps-1'
const account = '111122223333'
const day = (n: number) => new Date(`2026-03-0${n}T02:00:00Z`)

interface Members {
  readonly [group: string]: readonly string[] | 'refused'
}

/** One day: who is in which group, and who holds the permission set in the account. */
function state(members: Members, holders: readonly string[] | 'refused', users = ['u1', 'u2', 'u3']): PartPiece[] {
  const parent = `${account}|${set}`
  return [
    part({ dataset: 'identitystore.users', rows: users.map(id => user(id, { UserStatus: 'ENABLED' })) }),
    part({ dataset: 'identitystore.groups', rows: Object.keys(members).map(id => group(id, { DisplayName: `group ${id}` })) }),
    part({ dataset: 'sso.permission_sets', rows: [{ key: set, facts: { PermissionSetArn: set, Name: 'Administrator' } }] }),
    part({ dataset: 'organizations.accounts', rows: [{ key: account, facts: { Id: account, Name: 'prod' } }] }),
    ...Object.entries(members).map(([id, list]) =>
      list === 'refused'
        ? refused('identitystore.group_memberships', id)
        : part({ dataset: 'identitystore.group_memberships', parent: id, rows: list.map(each => membership(id, each)) }),
    ),
    holders === 'refused'
      ? refused('sso.account_assignments', parent)
      : part({
          dataset: 'sso.account_assignments',
          parent,
          rows: holders.map(id => assignment(account, set, id.startsWith('g') ? 'GROUP' : 'USER', id)),
        }),
  ]
}

function refused(dataset: string, parent: string): PartPiece {
  return part({ dataset, parent, coverage: 'denied', reason: 'AWS refused', gaps: [gap(dataset, { parent })] })
}

/** A store with one snapshot a day from 1 March, 02:00 on. */
async function days(...states: readonly PartPiece[][]): Promise<Store> {
  const clock = clockAt(day(1).toISOString())
  const store = await freshStore({ now: clock.now })
  for (const [i, pieces] of states.entries()) {
    clock.moveTo(day(i + 1).toISOString())
    await collectOnce(store, pieces)
  }
  return store
}

async function paths(store: Store, question: Partial<AccessQuestion> & Pick<AccessQuestion, 'when'>): Promise<AccessPath[]> {
  return [...(await access(store, { account, ...question })).paths]
}

const short = ({ user: { id }, group: via, state: how }: AccessPath) =>
  `${id} ${via === null ? 'directly' : `through ${via.id}`} ${how}`

describe('who can reach what', () => {
  it('names every path, direct and through a group, for an account, a user and a permission set, by id and by name', async () => {
    await using store = await days(state({ g1: ['u1', 'u2'], g2: ['u3'] }, ['g1', 'u1']))
    const expected = ['u1 directly held', 'u1 through g1 held', 'u2 through g1 held']
    const when = { asOf: day(2) }
    expect((await paths(store, { when })).map(short)).to.deep.equal(expected)
    expect((await paths(store, { when, account: 'prod' })).map(short)).to.deep.equal(expected)
    const bySet = await access(store, { permissionSet: 'Administrator', when })
    expect([...bySet.paths].map(short)).to.deep.equal(expected)
    const byUser = await access(store, { user: 'u1@example.com', when })
    expect([...byUser.paths].map(short)).to.deep.equal(expected.slice(0, 2))
    expect([...byUser.paths][1]).to.deep.include({
      ...{ source: 'acme', user: { id: 'u1', name: 'u1@example.com', status: 'ENABLED', presence: 'present' } },
      ...{ group: { id: 'g1', name: 'group g1' }, account: { id: account, name: 'prod' } },
      permissionSet: { arn: set, name: 'Administrator' },
    })
    expect(byUser.unread).to.deep.equal([])
    expect([...(await access(store, { user: 'u3', when })).paths]).to.deep.equal([])
  })

  it('answers by ids alone with the same paths, and says that names and presence were not asked for', async () => {
    const gone = state({ g1: ['u1', 'u2'] }, ['g1', 'u1'], ['u1'])
    await using store = await days(state({ g1: ['u1', 'u2'], g2: ['u3'] }, ['g1', 'u1']), gone)
    const bare = ({ user: { id }, group: via, permissionSet, account: where, ...rest }: AccessPath) => ({
      ...{ id, group: via?.id ?? null, set: permissionSet.arn, account: where.id, ...rest },
    })
    for (const question of [{}, { account: 'prod' }, { user: 'u2@example.com' }]) {
      const named = await paths(store, { when: { asOf: day(3) }, ...question })
      const ids = await paths(store, { when: { asOf: day(3) }, isIdsOnly: true, ...question })
      expect(ids.map(bare)).to.deep.equal(named.map(bare))
      expect(ids.length).to.be.greaterThan(0)
      for (const { user: who, group: via, permissionSet, account: where } of ids) {
        expect(who).to.include({ name: null, status: null, presence: 'not_asked' })
        expect([via?.name ?? null, permissionSet.name, where.name]).to.deep.equal([null, null, null])
      }
    }
  })

  it('dates a path by its last hop to begin and its first to end, between two snapshots each', async () => {
    await using store = await days(
      state({ g1: ['u2'] }, []), // 1
      state({ g1: ['u1', 'u2'] }, []), // 2: the membership begins
      state({ g1: ['u1', 'u2'] }, ['g1']), // 3: the assignment begins
      state({ g1: ['u1', 'u2'] }, ['g1']), // 4
      state({ g1: ['u2'] }, ['g1']), // 5: the membership ends
      state({ g1: ['u2'] }, []), // 6
    )
    const [u1, u2] = await paths(store, { when: { asOf: day(4) } })
    expect(u1).to.deep.include({ beganAfter: day(2), beganBy: day(3), endedAfter: day(4), endedBy: day(5), state: 'held' })
    expect(u2).to.deep.include({ beganAfter: day(2), beganBy: day(3), endedAfter: day(5), endedBy: day(6), state: 'held' })
    expect((await paths(store, { when: { asOf: day(2) } })).map(short)).to.deep.equal([])
    expect((await paths(store, { when: { asOf: new Date(day(5).getTime() - 1) } })).map(short)).to.deep.equal([
      'u1 through g1 held',
      'u2 through g1 held',
    ])
    expect((await paths(store, { when: { asOf: day(5) } })).map(short)).to.deep.equal(['u2 through g1 held'])
    const during = await paths(store, { when: { from: day(1), to: day(6) } })
    expect(during.map(short)).to.deep.equal(['u1 through g1 ended', 'u2 through g1 ended'])
    expect(await paths(store, { when: { from: day(6), to: day(6) } })).to.deep.equal([])
  })

  it('does not know a beginning before the first snapshot, nor an end after the last', async () => {
    await using store = await days(state({ g1: ['u1'] }, ['g1']), state({ g1: ['u1'] }, ['g1']))
    const [path] = await paths(store, { when: { asOf: day(1) } })
    expect(path).to.deep.include({ beganAfter: null, beganBy: day(1), endedAfter: day(2), endedBy: null })
  })

  it('is known until a part was refused and unknown since, names the part, and is held again once it is read', async () => {
    await using store = await days(
      state({ g1: ['u1'] }, ['g1']),
      state({ g1: 'refused' }, ['g1']),
      state({ g1: 'refused' }, 'refused'),
      state({ g1: ['u1'] }, ['g1']),
    )
    const answer = await access(store, { account, when: { asOf: day(3) } })
    const [path] = [...answer.paths]
    expect(path).to.deep.include({ state: 'unknown', knownUntil: day(1), beganAfter: null, beganBy: day(1) })
    expect(answer.unread.map(({ dataset, parent, coverage }) => `${coverage} ${dataset} ${parent}`)).to.deep.equal([
      'denied identitystore.group_memberships g1',
      `denied sso.account_assignments ${account}|${set}`,
    ])
    const [later] = await paths(store, { when: { asOf: day(4) } })
    expect(later).to.deep.include({ state: 'held', knownUntil: null, endedAfter: day(4), endedBy: null })
  })

  it('says how long an end may lie back when the snapshots between could not look', async () => {
    await using store = await days(state({ g1: ['u1'] }, ['g1']), state({ g1: 'refused' }, ['g1']), state({ g1: [] }, ['g1']))
    const [path] = await paths(store, { when: { from: day(1), to: day(3) } })
    expect(path).to.deep.include({ state: 'ended', endedAfter: day(1), endedBy: day(3) })
  })

  it('says how long a beginning may lie back when the snapshots between could not look', async () => {
    await using store = await days(state({ g1: [] }, ['g1']), state({ g1: 'refused' }, ['g1']), state({ g1: ['u1'] }, ['g1']))
    const [path] = await paths(store, { when: { asOf: day(3) } })
    expect(path).to.deep.include({ beganAfter: day(1), beganBy: day(3) })
  })

  it('counts no snapshot that saw one hop of a path and could not look at the other', async () => {
    const seen = ({ state: how, knownUntil, beganAfter, beganBy, endedAfter, endedBy }: AccessPath) => ({
      ...{ how, knownUntil, beganAfter, beganBy, endedAfter, endedBy },
    })
    const states = [
      state({ g1: ['u1'] }, []), // 1
      state({ g1: 'refused' }, ['g1']), // 2: the assignment begins, and nobody knows whether u1 is a member still
      state({ g1: ['u1'] }, 'refused'), // 3: the other way round
    ]
    await using before = await days(...states)
    const never = { how: 'unknown', knownUntil: null, beganAfter: day(1), beganBy: null, endedAfter: null, endedBy: null }
    for (const n of [2, 3]) expect((await paths(before, { when: { asOf: day(n) } })).map(seen), `day ${n}`).to.deep.equal([never])
    await using after = await days(
      ...states,
      state({ g1: ['u1'] }, ['g1']), // 4: both
      state({ g1: 'refused' }, ['g1']), // 5
      state({ g1: ['u1'] }, 'refused'), // 6
      state({ g1: [] }, ['g1']), // 7
    )
    const times = { beganAfter: day(1), beganBy: day(4), endedAfter: day(4), endedBy: day(7) }
    const at = async (n: number) => (await paths(after, { when: { asOf: day(n) } })).map(seen)
    expect(await at(3)).to.deep.equal([{ how: 'unknown', knownUntil: null, ...times }])
    expect(await at(4)).to.deep.equal([{ how: 'held', knownUntil: null, ...times }])
    expect(await at(6)).to.deep.equal([{ how: 'unknown', knownUntil: day(4), ...times }])
    expect(await at(7)).to.deep.equal([])
  })

  it('names for a period what any snapshot of it could not read', async () => {
    const clock = clockAt(day(1).toISOString())
    await using store = await freshStore({ now: clock.now })
    const datasets = ['identitystore.group_memberships', 'sso.account_assignments']
    for (const [i, pieces] of [
      state({ g1: ['u1'] }, []), // 1
      state({ g1: 'refused' }, 'refused'), // 2: somebody may have had it on this day alone
      [part({ dataset: 'identitystore.users', rows: [user('u1')] })], // 3: the others were planned, and nothing came of them
      state({ g1: ['u1'] }, ['g1']), // 4
    ].entries()) {
      clock.moveTo(day(i + 1).toISOString())
      await collectOnce(store, pieces, { datasets })
    }
    const unread = async (when: AccessQuestion['when']) =>
      (await access(store, { account, when })).unread.map(({ dataset, version }) => `${dataset} ${version}`)
    const both = (version: number) => datasets.map(each => `${each} ${version}`)
    expect(await unread({ from: day(1), to: day(4) })).to.deep.equal([...both(2), ...both(3)])
    expect(await unread({ from: day(3), to: day(4) })).to.deep.equal(both(3))
    expect(await unread({ from: day(4), to: day(4) })).to.deep.equal([])
    expect(await unread({ asOf: day(4) })).to.deep.equal([])
    expect(await unread({ asOf: day(2) })).to.deep.equal(both(2))
  })

  it('tells the two times of a grant apart that was taken away and given again', async () => {
    await using store = await days(state({}, ['u1']), state({}, []), state({}, ['u1']))
    const during = await paths(store, { when: { from: day(1), to: day(3) } })
    expect(during.map(path => [path.beganBy, path.endedBy])).to.deep.equal([
      [day(1), day(2)],
      [day(3), null],
    ])
    expect(during[1]!.beganAfter).to.deep.equal(day(2))
  })

  it('keeps for --admin what a stored classification calls admin or could not decide, and says when there is none', async () => {
    await using store = await days(state({ g1: ['u1'] }, ['g1']), state({ g1: ['u1'] }, ['g1']), state({ g1: ['u1'] }, ['g1']))
    const missing = await errorOf(access(store, { account, onlyAdmin: true, when: { asOf: day(1) } }))
    expect(missing.code).to.equal('NOT_FOUND')
    expect(missing.hint).to.contain('evidenced evaluate --as-of')
    for (const [i, classification] of (['admin', 'none', 'unknown'] as const).entries()) {
      const { source, version, digest } = (await readSnapshot(store, 'acme', { version: i + 1 }))!
      const evaluation = evaluationOf([], { snapshots: [{ source, version, digest }] })
      await saveEvaluation(store, evaluation, [{ source, permissionSetArn: set, classification, reason: 'because' }])
    }
    const classOn = async (n: number, onlyAdmin: boolean) =>
      (await paths(store, { when: { asOf: day(n) }, onlyAdmin })).map(each => each.classification)
    expect(await classOn(1, true)).to.deep.equal(['admin'])
    expect(await classOn(2, true)).to.deep.equal([])
    expect(await classOn(2, false)).to.deep.equal(['none'])
    expect(await classOn(3, true)).to.deep.equal(['unknown'])
    const during = await paths(store, { when: { from: day(1), to: day(3) }, onlyAdmin: true })
    expect(during.map(each => each.classification)).to.deep.equal(['admin'])
  })

  it('takes no key of something else for what is asked about, and knows by grants who is in no list', async () => {
    const attribute = part({ dataset: 'sso.access_control_attributes', rows: [{ key: 'prod', facts: { Key: 'prod' } }] })
    await using store = await days([...state({ g1: ['u1', 'u9'] }, ['g1']), attribute])
    const when = { asOf: day(2) }
    expect((await paths(store, { when, account: 'prod' })).map(short)).to.deep.equal(['u1 through g1 held', 'u9 through g1 held'])
    for (const question of [{ user: 'g1' }, { user: set }, { account: 'u1' }, { permissionSet: account }])
      expect((await errorOf(access(store, { when, ...question }))).code, JSON.stringify(question)).to.equal('NOT_FOUND')
    expect([...(await access(store, { when, user: 'u9' })).paths].map(short)).to.deep.equal(['u9 through g1 held'])
  })

  it('knows a permission set that is listed, may not be described, and is provisioned nowhere', async () => {
    const listed = 'arn:aws:sso:::permissionSet/ssoins-1/ps-2'
    const arns = [set, listed].map(key => ({ key, facts: { PermissionSetArn: key } }))
    await using store = await days([
      ...state({}, ['u1']),
      part({ dataset: 'sso.permission_set_arns', rows: arns }),
      refused('sso.permission_sets', listed),
    ])
    expect([...(await access(store, { permissionSet: listed, when: { asOf: day(1) } })).paths]).to.deep.equal([])
  })

  it('marks a grant that outlived its user', async () => {
    await using store = await days(state({}, ['u1']), state({}, ['u1'], ['u2']))
    const [path] = await paths(store, { when: { asOf: day(2) } })
    expect(path!.user).to.deep.equal({ id: 'u1', name: 'u1@example.com', status: 'ENABLED', presence: 'deleted' })
  })

  it('refuses what no snapshot knows, and an instant before the first', async () => {
    await using store = await days(state({}, ['u1']))
    const nobody = await errorOf(access(store, { user: 'nobody', when: { asOf: day(2) } }))
    expect(nobody.code).to.equal('NOT_FOUND')
    expect(nobody.message).to.contain('nobody')
    expect((await errorOf(access(store, { account, when: { asOf: new Date(0) } }))).code).to.equal('NOT_FOUND')
  })
})
