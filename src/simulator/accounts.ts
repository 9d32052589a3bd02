import type { Identifiers } from './identifiers.ts'
import type { SimulatedAccount, SimulatedOrganization } from './organization.ts'

/** Puts an account under another root or OU, in the tree and in its `Paths`. */
export function moveAccount(organization: SimulatedOrganization, accountId: string, parentId: string): void {
  organization.parents[accountId] = parentId
  const account = organization.accounts.find(one => one.Id === accountId)
  if (account) account.Paths = [`${pathOf(organization, parentId)}${accountId}/`]
}

/** `o-…/r-…/ou-…/` of a root or OU. */
export function pathOf(organization: SimulatedOrganization, parentId: string): string {
  const names: string[] = []
  for (let id: string | undefined = parentId; id !== undefined; id = organization.parents[id]) names.unshift(id)
  return `${organization.organization?.Id ?? ''}/${names.join('/')}/`
}

/** Adds a member account that was created in the organization. */
export function addAccount(
  organization: SimulatedOrganization,
  id: Identifiers,
  account: { readonly accountId: string; readonly name: string; readonly joined: Date; readonly parentId: string },
): SimulatedAccount {
  const { Id, MasterAccountId } = organization.organization!
  const added: SimulatedAccount = {
    Id: account.accountId,
    Arn: id.accountArn(account.accountId, Id, MasterAccountId),
    Email: `aws+${account.name}@example.com`,
    Name: account.name,
    State: 'ACTIVE',
    JoinedMethod: 'CREATED',
    JoinedTimestamp: account.joined,
  }
  organization.accounts.push(added)
  moveAccount(organization, added.Id, account.parentId)
  return added
}
