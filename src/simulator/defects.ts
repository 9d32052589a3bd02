import { addAccount } from './accounts.ts'
import type { Identifiers } from './identifiers.ts'
import type {
  SimulatedAccount,
  SimulatedAssignment,
  SimulatedDefect,
  SimulatedOrganization,
  SimulatedPermissionSet,
} from './organization.ts'
import { addGroup, addMembership, addUser, type Person } from './people.ts'
import { attachment, document } from './policies.ts'

const day = 86_400_000

/**
 * Plants one clear finding or more for each control, with names of their own, and lists them in `organization.defects`.
 * Everything planted is older than any grace period. Needs an organization with an account that is not the management account.
 */
export function plantDefects(organization: SimulatedOrganization, id: Identifiers, at: Date): void {
  const ago = (days: number) => new Date(at.getTime() - days * day)
  const { partition } = organization
  const note = (control: string, name: string, key: string, text: string) =>
    organization.defects.push({ control, name, key, text })
  const person = (given: string, family: string) =>
    addUser(organization, id, { given, family, suffix: '' } satisfies Person, ago(400))
  const group = (name: string, ...members: ReturnType<typeof person>[]) => {
    const added = addGroup(organization, id, name, ago(400))
    for (const member of members) addMembership(organization, id, added, member, ago(200))
    return added
  }
  const set = (Name: string, members: Partial<SimulatedPermissionSet>) => {
    const added: SimulatedPermissionSet = {
      PermissionSetArn: id.permissionSet(organization.instance!.InstanceArn),
      Name,
      CreatedDate: ago(400),
      SessionDuration: 'PT1H',
      inlinePolicy: '',
      managedPolicies: [],
      customerManagedPolicyReferences: [],
      permissionsBoundary: null,
      tags: [],
      ...members,
    }
    organization.permissionSets.push(added)
    return added
  }
  const assign = (
    account: SimulatedAccount,
    to: SimulatedPermissionSet,
    PrincipalType: 'USER' | 'GROUP',
    PrincipalId: string,
  ) => {
    const assignment: SimulatedAssignment = {
      AccountId: account.Id,
      PermissionSetArn: to.PermissionSetArn,
      PrincipalType,
      PrincipalId,
    }
    organization.assignments.push(assignment)
    return `${account.Id}|${to.PermissionSetArn}|${PrincipalType}|${PrincipalId}`
  }
  const management = organization.accounts.find(account => account.Id === organization.organization?.MasterAccountId)!
  const parentId = organization.ous[0]?.Id ?? organization.roots[0]!.Id
  const vault = addAccount(organization, id, { accountId: id.account(), name: 'vault-prod', joined: ago(500), parentId })
  const abandoned = addAccount(organization, id, { accountId: id.account(), name: 'abandoned-poc', joined: ago(500), parentId })
  abandoned.State = 'SUSPENDED'

  const viewer = set('VaultViewer', { managedPolicies: [attachment(partition, '/ReadOnlyAccess')] })
  const keepers = group('vault-keepers', person('kim', 'keeper'))
  assign(vault, viewer, 'GROUP', keepers.GroupId)

  const nina = person('nina', 'unused')
  note(
    'IDC-USER-001',
    nina.UserName,
    nina.UserId,
    'is enabled for more than a year and in no group, and nothing is assigned to the user',
  )

  const otto = person('otto', 'disabled')
  otto.UserStatus = 'DISABLED'
  otto.UpdatedAt = ago(120)
  addMembership(organization, id, keepers, otto, ago(300))
  note(
    'IDC-USER-003',
    otto.UserName,
    otto.UserId,
    'is disabled since 120 days and still in vault-keepers, which has access to vault-prod',
  )

  const empty = group('legacy-migration')
  assign(vault, viewer, 'GROUP', empty.GroupId)
  note('IDC-GRP-001', empty.DisplayName, empty.GroupId, 'has access to vault-prod and no member')
  const unused = group('unused-pilot', person('pia', 'pilot'))
  addMembership(organization, id, keepers, organization.users.at(-1)!, ago(100))
  note('IDC-GRP-001', unused.DisplayName, unused.GroupId, 'has a member and nothing assigned')

  const administrator = set('AdministratorAccess', { managedPolicies: [attachment(partition, '/AdministratorAccess')] })
  note('IDC-PS-001', administrator.Name, administrator.PermissionSetArn, 'attaches the AWS managed policy AdministratorAccess')
  const glass = set('BreakGlassCustom', { inlinePolicy: document({ Effect: 'Allow', Action: '*', Resource: '*' }) })
  assign(vault, glass, 'GROUP', keepers.GroupId)
  note('IDC-PS-002', glass.Name, glass.PermissionSetArn, 'allows every action on every resource in its inline policy')
  const long = set('DataPlatformLongSession', {
    SessionDuration: 'PT12H',
    inlinePolicy: document({ Effect: 'Allow', Action: 'athena:*', Resource: '*' }),
  })
  assign(vault, long, 'GROUP', keepers.GroupId)
  note('IDC-PS-005', long.Name, long.PermissionSetArn, 'keeps sessions for twelve hours')

  const paul = person('paul', 'direct')
  const direct = assign(vault, viewer, 'USER', paul.UserId)
  note('IDC-ASG-001', 'paul.direct → VaultViewer @ vault-prod', direct, 'is granted to a user and not to a group')

  const admins = group('cloud-admins', ...['ada', 'bob', 'cleo', 'dora', 'egon'].map(given => person(given, 'admin')))
  const top = assign(management, administrator, 'GROUP', admins.GroupId)
  note(
    'IDC-ASG-002',
    'cloud-admins → AdministratorAccess @ management',
    top,
    'makes five users administrators of the management account',
  )

  const stale = assign(abandoned, viewer, 'GROUP', keepers.GroupId)
  note('IDC-ASG-004', 'vault-keepers → VaultViewer @ abandoned-poc', stale, 'is on a suspended account')

  const goneUser = id.directory(organization.instance!.IdentityStoreId)
  const orphan = assign(vault, viewer, 'USER', goneUser)
  note('IDC-ASG-005', `${goneUser} → VaultViewer @ vault-prod`, orphan, 'names a user who was deleted')
  note(
    'IDC-ASG-001',
    `${goneUser} → VaultViewer @ vault-prod`,
    orphan,
    'is granted to a user and not to a group, and the user was deleted',
  )
  const goneGroup = id.directory(organization.instance!.IdentityStoreId)
  const orphans = assign(vault, viewer, 'GROUP', goneGroup)
  note('IDC-ASG-005', `${goneGroup} → VaultViewer @ vault-prod`, orphans, 'names a group that was deleted')
}

/** The planted findings of one control. */
export function defectsOf(organization: SimulatedOrganization, control: string): readonly SimulatedDefect[] {
  return organization.defects.filter(defect => defect.control === control)
}
