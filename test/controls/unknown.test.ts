import { expect } from 'chai'
import { buildEstate, evaluate, loadCatalog } from '../../src/controls/index.ts'
import { asOf, controlYaml, estateRows, folderOf, gap, type SmallEstate } from './estate-rows.ts'

const old = '2026-01-01T00:00:00Z'
const user = (id: string, more: object = {}) => ({
  UserId: id,
  UserName: id,
  UserStatus: 'ENABLED',
  CreatedAt: old,
  DisplayName: id,
  ...more,
})

/** u0 on, u1 off, u2 on without DisplayName, u3 with neither status nor display name read; groups as their names say. */
const estate: SmallEstate = {
  users: [
    user('u0'),
    user('u1', { UserStatus: 'DISABLED' }),
    { UserId: 'u2', UserName: 'u2', UserStatus: 'ENABLED', CreatedAt: old },
    { UserId: 'u3', UserName: 'u3', CreatedAt: old },
  ],
  groups: ['full', 'empty', 'open', 'openEmpty', 'one'].map(id => ({ GroupId: id, DisplayName: id, CreatedAt: old })),
  memberships: [
    ['full', 'u0'],
    ['full', 'u1'],
    ['full', 'u3'],
    ['open', 'u0'],
    ['open', 'u1'],
    ['open', 'u2'],
    ['one', 'u3'],
  ],
  accounts: [
    { Id: 'a0', Name: 'management', State: 'ACTIVE' },
    { Id: 'a1', Name: 'prod', State: 'ACTIVE' },
  ],
  managementAccountId: 'a0',
  sets: [{ arn: 'ro' }, { arn: 'adm', managed: ['AdministratorAccess'], session: 'PT1H' }, { arn: 'unk' }],
  assignments: [
    ['a0', 'adm', 'GROUP', 'full'],
    ['a0', 'unk', 'GROUP', 'one'],
  ],
  gaps: [
    gap('identitystore.users', { key: 'u3', member: 'UserStatus' }),
    gap('identitystore.users', { key: 'u3', member: 'DisplayName' }),
    gap('identitystore.users', { member: 'Photos', reason: 'withheld', action: null }),
    gap('identitystore.group_memberships', { parent: 'open' }),
    gap('identitystore.group_memberships', { parent: 'openEmpty' }),
    gap('sso.account_assignments', { parent: 'a1|ro' }),
    gap('sso.inline_policies', { parent: 'unk' }),
    gap('sso.permission_sets', { key: 'unk', member: 'SessionDuration' }),
  ],
}

/** What an expression is for one resource: true is pass, false is fail. */
async function judged(resource: string, key: string, expression: string): Promise<string> {
  using folder = folderOf({ 't.yaml': controlYaml(expression, { resource }) })
  const catalog = loadCatalog({ folders: [folder.path] })
  expect(catalog.problems, expression).to.deep.equal([])
  const outcome = evaluate(catalog, await buildEstate(estateRows(estate)), asOf).outcomes[0]!
  if (outcome.error !== null) {
    // one broken subject breaks the control: ask about this one alone
    return 'broken'
  }
  const status = outcome.results.find(result => result.subject.key === key)?.status ?? outcome.implied
  return { pass: 'true', fail: 'false', unknown: 'unknown', not_applicable: 'not applicable' }[status]
}

const table: readonly (readonly [resource: string, key: string, expression: string, value: string])[] = [
  // members
  ['user', 'u3', "user.UserStatus == 'ENABLED'", 'unknown'],
  ['user', 'u3', "user.UserStatus == 'ENABLED' && user.UserName == 'zz'", 'false'],
  ['user', 'u3', "user.UserName == 'zz' && user.UserStatus == 'ENABLED'", 'false'],
  ['user', 'u3', "user.UserStatus == 'ENABLED' || user.UserName == 'u3'", 'true'],
  ['user', 'u3', "user.UserName == 'u3' || user.UserStatus == 'ENABLED'", 'true'],
  ['user', 'u3', "user.UserStatus == 'ENABLED' && user.UserName == 'u3'", 'unknown'],
  ['user', 'u3', "user.UserStatus == 'ENABLED' || user.UserName == 'zz'", 'unknown'],
  ['user', 'u3', "!(user.UserStatus == 'ENABLED')", 'unknown'],
  ['user', 'u3', "user.UserStatus == 'ENABLED' ? true : true", 'unknown'],
  ['user', 'u3', "user.UserStatus != 'ENABLED'", 'unknown'],
  ['user', 'u3', "user.UserStatus.startsWith('E')", 'unknown'],
  ['user', 'u3', "user.UserStatus.matches('^E')", 'unknown'],
  ['user', 'u3', "user.UserStatus in ['ENABLED']", 'unknown'],
  ['user', 'u3', 'user.UserStatus in []', 'false'],
  ['user', 'u2', 'user.DisplayName == null', 'true'],
  ['user', 'u0', 'user.DisplayName == null', 'false'],
  ['user', 'u3', 'user.DisplayName == null', 'unknown'],
  ['user', 'u0', 'user.Photos.size() == 0', 'unknown'],
  ['user', 'u0', 'user.Emails.size() == 0', 'true'],
  // an open list: u0 on, u1 off, u2 on, and nobody knows who else
  ['group', 'open', 'group.members.size() > 0', 'true'],
  ['group', 'open', 'group.members.size() > 2', 'true'],
  ['group', 'open', 'group.members.size() >= 3', 'true'],
  ['group', 'open', 'group.members.size() > 3', 'unknown'],
  ['group', 'open', 'group.members.size() == 0', 'false'],
  ['group', 'open', 'group.members.size() != 0', 'true'],
  ['group', 'open', 'group.members.size() == 3', 'unknown'],
  ['group', 'open', 'group.members.size() != 3', 'unknown'],
  ['group', 'open', 'group.members.size() <= 2', 'false'],
  ['group', 'open', 'group.members.size() < 3', 'false'],
  ['group', 'open', 'group.members.size() <= 5', 'unknown'],
  ['group', 'open', '2 < group.members.size()', 'true'],
  ['group', 'open', "group.members.exists(m, m.UserName == 'u1')", 'true'],
  ['group', 'open', "group.members.exists(m, m.UserName == 'zz')", 'unknown'],
  ['group', 'open', "!group.members.exists(m, m.UserName == 'u1')", 'false'],
  ['group', 'open', "group.members.all(m, m.UserStatus == 'ENABLED')", 'false'],
  ['group', 'open', "group.members.all(m, m.UserName != 'zz')", 'unknown'],
  ['group', 'open', "group.members.filter(m, m.UserStatus == 'ENABLED').size() > 1", 'true'],
  ['group', 'open', "group.members.filter(m, m.UserStatus == 'ENABLED').size() <= 1", 'false'],
  ['group', 'open', "group.members.filter(m, m.UserStatus == 'ENABLED').size() == 0", 'false'],
  ['group', 'open', "group.members.map(m, m.UserName).exists(n, n == 'u2')", 'true'],
  ['group', 'open', "'u2' in group.members.map(m, m.UserName)", 'true'],
  ['group', 'open', "'zz' in group.members.map(m, m.UserName)", 'unknown'],
  // a complete list with a member whose status is not known
  ['group', 'full', "group.members.filter(m, m.UserStatus == 'ENABLED').size() <= 2", 'true'],
  ['group', 'full', "group.members.filter(m, m.UserStatus == 'ENABLED').size() > 0", 'true'],
  ['group', 'full', "group.members.filter(m, m.UserStatus == 'ENABLED').size() <= 1", 'unknown'],
  ['group', 'full', "group.members.filter(m, m.UserStatus == 'ENABLED').size() == 3", 'false'],
  ['group', 'full', "group.members.exists(m, m.UserStatus == 'ENABLED')", 'true'],
  ['group', 'full', "group.members.exists(m, m.UserStatus == 'DELETED')", 'unknown'],
  ['group', 'full', "group.members.all(m, m.UserStatus == 'ENABLED')", 'false'],
  ['group', 'full', "'u0' in group.members.map(m, m.DisplayName)", 'true'],
  ['group', 'full', "'zz' in group.members.map(m, m.DisplayName)", 'unknown'],
  // nothing known, and nothing there
  ['group', 'openEmpty', 'group.members.size() == 0', 'unknown'],
  ['group', 'openEmpty', 'group.members.all(m, true)', 'unknown'],
  ['group', 'openEmpty', 'group.members.exists(m, true)', 'unknown'],
  ['group', 'openEmpty', 'group.members.size() >= 0', 'true'],
  ['group', 'empty', 'group.members.size() == 0', 'true'],
  ['group', 'empty', 'group.members.all(m, false)', 'true'],
  ['group', 'empty', 'group.members.exists(m, true)', 'false'],
  // the same gaps seen from the other side: two groups that may be anybody's
  ['user', 'u0', 'user.groups.size() > 0', 'true'],
  ['user', 'u3', 'user.groups.size() == 0', 'false'],
  ['user', 'u0', 'user.groups.size() <= 3', 'true'],
  ['user', 'u0', 'user.groups.size() <= 2', 'unknown'],
  ['user', 'u2', "user.groups.exists(g, g.DisplayName == 'nobody')", 'false'],
  ['user', 'u2', "user.groups.exists(g, g.DisplayName == 'openEmpty')", 'unknown'],
  // one pair unread: an assignment of a harmless set, to nobody knows whom
  ['user', 'u2', 'user.assignments.exists(a, isAdminEquivalent(a.permissionSet))', 'false'],
  ['user', 'u2', 'user.assignments.size() == 0', 'unknown'],
  ['user', 'u2', 'user.assignments.size() <= 1', 'true'],
  ['account', 'a1', 'account.assignments.size() == 0', 'unknown'],
  ['account', 'a1', 'account.assignments.size() <= 5', 'unknown'],
  ['account', 'a1', 'account.assignments.exists(a, isAdminEquivalent(a.permissionSet))', 'false'],
  ['account', 'a1', "account.assignments.all(a, a.PermissionSetArn == 'ro')", 'true'],
  ['account', 'a1', 'account.admins.size() == 0', 'true'],
  ['account', 'a0', 'account.assignments.size() == 2', 'true'],
  ['account', 'a0', 'account.admins.size() > 1', 'true'],
  ['account', 'a0', 'account.admins.size() <= 3', 'true'],
  ['account', 'a0', "account.admins.filter(u, u.UserStatus == 'ENABLED').size() == 0", 'false'],
  ['permissionSet', 'unk', 'isAdminEquivalent(permissionSet)', 'unknown'],
  ['permissionSet', 'adm', 'isAdminEquivalent(permissionSet)', 'true'],
  ['permissionSet', 'ro', 'isAdminEquivalent(permissionSet)', 'false'],
  ['permissionSet', 'unk', 'permissionSet.sessionHours <= 8.0', 'unknown'],
  ['permissionSet', 'ro', 'permissionSet.sessionHours <= 8', 'true'],
  ['permissionSet', 'ro', 'permissionSet.sessionHours == 1', 'true'],
  // a broken expression outranks a gap, and is outranked by a decision
  ['user', 'u0', 'user.UpdatedAt.olderThanDays(1)', 'broken'],
  ['user', 'u3', "user.UserStatus == 'X' && user.UpdatedAt.olderThanDays(1)", 'broken'],
  ['user', 'u3', "user.UpdatedAt.olderThanDays(1) && user.UserStatus == 'X'", 'broken'],
  ['user', 'u3', "user.UpdatedAt.olderThanDays(1) || user.UserName.startsWith('u')", 'true'],
  ['user', 'u3', "user.UserName == 'zz' && user.UpdatedAt.olderThanDays(1)", 'false'],
]

describe('unknown', () => {
  for (const [resource, key, expression, value] of table) {
    it(`${expression} is ${value} for ${resource} ${key}`, async () => {
      expect(await judged(resource, key, expression)).to.equal(value)
    })
  }

  it('names the action that is missing, and what for', async () => {
    using folder = folderOf({ 't.yaml': controlYaml("user.UserStatus == 'ENABLED' && user.groups.size() > 0") })
    const { outcomes } = evaluate(loadCatalog({ folders: [folder.path] }), await buildEstate(estateRows(estate)), asOf)
    const result = outcomes[0]!.results.find(each => each.subject.key === 'u3')!
    expect(result.status).to.equal('unknown')
    expect(result.reason).to.contain('identitystore:ListUsers was refused for u3')
    expect(result.gaps.map(each => each.action)).to.include('identitystore:ListUsers')
  })

  it('breaks the whole control, and says so, when an expression asks what has no answer', async () => {
    using folder = folderOf({ 't.yaml': controlYaml('user.UpdatedAt.olderThanDays(1)') })
    const { outcomes } = evaluate(loadCatalog({ folders: [folder.path] }), await buildEstate(estateRows(estate)), asOf)
    expect(outcomes[0]).to.include({ population: 4, unknown: 4, pass: 0, fail: 0 })
    expect(outcomes[0]!.error).to.contain('null')
    expect(outcomes[0]!.results[0]!.reason).to.contain('the control is broken')
  })
})
