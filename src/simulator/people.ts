import type { Identifiers } from './identifiers.ts'
import { familyNames, givenNames, titles } from './names.ts'
import type { SimulatedGroup, SimulatedMembership, SimulatedOrganization, SimulatedUser } from './organization.ts'

export interface Person {
  readonly given: string
  readonly family: string
  /** set apart people of the same name; '' for the first */
  readonly suffix: string
}

/** A person for every number, each with a user name of their own. */
export function personAt(index: number): Person {
  const given = givenNames[index % givenNames.length]!
  const round = Math.floor(index / givenNames.length)
  const family = familyNames[(index + round) % familyNames.length]!
  const repeat = Math.floor(index / (givenNames.length * familyNames.length))
  return { given, family, suffix: repeat === 0 ? '' : String(repeat + 1) }
}

/** Adds an enabled user; `UserName` is `given.family`. */
export function addUser(organization: SimulatedOrganization, id: Identifiers, person: Person, created: Date): SimulatedUser {
  const storeId = organization.instance!.IdentityStoreId
  const userId = id.directory(storeId)
  const userName = `${person.given}.${person.family}${person.suffix}`
  const given = capitalised(person.given)
  const family = capitalised(person.family)
  const user: SimulatedUser = {
    IdentityStoreId: storeId,
    UserId: userId,
    UserArn: id.directoryArn('user', userId),
    Revision: id.random.text(8, '0123456789abcdef'),
    UserName: userName,
    DisplayName: `${given} ${family}`,
    Name: { GivenName: given, FamilyName: family },
    Emails: [{ Value: `${userName}@example.com`, Type: 'work', Primary: true }],
    Title: id.random.pick(titles),
    UserStatus: 'ENABLED',
    ...stamps(organization, created),
  }
  organization.users.push(user)
  return user
}

/** Adds a group with nobody in it. */
export function addGroup(organization: SimulatedOrganization, id: Identifiers, name: string, created: Date): SimulatedGroup {
  const storeId = organization.instance!.IdentityStoreId
  const groupId = id.directory(storeId)
  const group: SimulatedGroup = {
    IdentityStoreId: storeId,
    GroupId: groupId,
    GroupArn: id.directoryArn('group', groupId),
    Revision: id.random.text(8, '0123456789abcdef'),
    DisplayName: name,
    Description: `Members of ${name}`,
    ...stamps(organization, created),
  }
  organization.groups.push(group)
  return group
}

/** Puts a user into a group. */
export function addMembership(
  organization: SimulatedOrganization,
  id: Identifiers,
  group: SimulatedGroup,
  user: SimulatedUser,
  created: Date,
): SimulatedMembership {
  const membershipId = id.directory(group.IdentityStoreId)
  const membership: SimulatedMembership = {
    IdentityStoreId: group.IdentityStoreId,
    MembershipId: membershipId,
    MembershipArn: id.directoryArn('membership', membershipId),
    GroupId: group.GroupId,
    MemberId: { UserId: user.UserId },
    ...stamps(organization, created),
  }
  organization.memberships.push(membership)
  return membership
}

function stamps(
  organization: SimulatedOrganization,
  at: Date,
): { CreatedAt: Date; CreatedBy: string; UpdatedAt: Date; UpdatedBy: string } {
  const by = organization.instance!.OwnerAccountId
  return { CreatedAt: at, CreatedBy: by, UpdatedAt: at, UpdatedBy: by }
}

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
