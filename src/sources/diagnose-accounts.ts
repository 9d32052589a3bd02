import { accountsAtATime } from './account-reading.ts'
import { accountStates } from './account-states.ts'
import type { Check } from './check.ts'
import { wrongExternalIds } from './credentials.ts'
import { Lanes } from './lanes.ts'
import type { Session } from './session.ts'

/** Account ids that are named in one row. */
const mostNamed = 10

/**
 * Tries the role in every account whose IAM is to be read.
 * @returns the rows, and a session in the first account that let us in, for trying permissions; null when none did
 */
export async function accountChecks(
  session: Session,
): Promise<{ readonly checks: readonly Check[]; readonly first: Session | null }> {
  const { roleName, externalId } = session.source.iam!
  const accounts = await activeAccounts(session)
  if (typeof accounts === 'string') {
    return {
      checks: [{ check: 'account roles', result: 'failed', cause: accounts, remedy: 'see organizations:ListAccounts' }],
      first: null,
    }
  }
  const opened = new Map<string, Session>()
  const refused: string[] = []
  const givenAway: string[] = []
  const lanes = new Lanes()
  for (const id of accounts) {
    lanes.add('accounts', accountsAtATime, async () => {
      const member = session.inAccount(id, `arn:${session.source.partition}:iam::${id}:role/${roleName}`, externalId)
      if ((await member.credentials.assume()) !== null) {
        refused.push(id)
        return
      }
      opened.set(id, member)
      if (externalId !== null && (await isGivenAway(member))) givenAway.push(id)
    })
  }
  await lanes.finished()
  const open = accounts.find(id => opened.has(id))
  const first = open === undefined ? null : opened.get(open)!
  const checks = [roleCheck(session, accounts.length, refused.sort()), externalIdCheck(session, opened.size, givenAway.sort())]
  return { checks, first }
}

function roleCheck(session: Session, all: number, refused: readonly string[]): Check {
  const check = 'account roles'
  if (refused.length === 0) return { check, result: 'ok', cause: `assumed in ${all} of ${all} accounts`, remedy: null }
  const own = session.standing?.identity.managementAccountId
  const isOwn = own !== undefined && own !== null && refused.includes(own)
  return {
    check,
    result: 'failed',
    cause: `refused in ${refused.length} of ${all} accounts: ${namedOf(refused)}`,
    remedy: `deploy the role there (\`evidenced aws cloudformation --role iam\`)${isOwn ? '; stack sets leave the management account out: deploy the same template there as a stack' : ''}; where it exists, check trusted principal, external id and service control policies`,
  }
}

/** A role that gives itself to anyone who names it: found in each account that lets us in. */
function externalIdCheck(session: Session, opened: number, givenAway: readonly string[]): Check {
  const check = 'account roles: external id'
  const { roleName, externalId } = session.source.iam!
  if (opened === 0) return { check, result: 'skipped', cause: 'no account let us in', remedy: null }
  if (externalId === null) {
    const remedy = `demand the one of \`evidenced aws external-id --source ${session.source.label}\` in the trust policy of each`
    return { check, result: 'warning', cause: 'there is none', remedy }
  }
  if (givenAway.length === 0)
    return { check, result: 'ok', cause: `demanded by ${roleName} in ${opened} of ${opened} accounts`, remedy: null }
  return {
    check,
    result: 'failed',
    cause: `${roleName} was given without the external id in ${namedOf(givenAway)}; nothing is read with it there`,
    remedy: 'add the condition StringEquals sts:ExternalId to its trust policy (`evidenced aws trust-policy` prints one)',
  }
}

/** @returns true when a wrong external id opens the role too; trouble that is no refusal proves nothing */
async function isGivenAway(member: Session): Promise<boolean> {
  for (const probe of wrongExternalIds()) {
    const said = await member.credentials.tryRole(member.source.auth.roleArn!, probe)
    if (!('trouble' in said)) return true
  }
  return false
}

function namedOf(accounts: readonly string[]): string {
  const more = accounts.length > mostNamed ? ` and ${accounts.length - mostNamed} more` : ''
  return `${accounts.slice(0, mostNamed).join(', ')}${more}`
}

/** Accounts whose role must work, or why they are not known. */
async function activeAccounts(session: Session): Promise<readonly string[] | string> {
  const wanted = session.source.iam?.accounts ?? null
  if (wanted !== null) return wanted
  if (session.standing?.organization === 'absent') return [session.accountId]
  const states = await accountStates(session, 2)
  if ('trouble' in states) return `the accounts of the organization could not be listed: ${states.trouble.code}`
  return [...states].flatMap(([id, state]) => (state === 'ACTIVE' ? [id] : []))
}
