import { accountsAtATime } from './account-reading.ts'
import type { Check } from './check.ts'
import { Lanes } from './lanes.ts'
import { datasetNamed } from './services.ts'
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
  const lanes = new Lanes()
  for (const id of accounts) {
    lanes.add('accounts', accountsAtATime, async () => {
      const member = session.inAccount(id, `arn:${session.source.partition}:iam::${id}:role/${roleName}`, externalId)
      if ((await member.credentials.assume()) === null) opened.set(id, member)
      else refused.push(id)
    })
  }
  await lanes.finished()
  const open = accounts.find(id => opened.has(id))
  const first = open === undefined ? null : opened.get(open)!
  return { checks: [roleCheck(session, accounts.length, refused.sort()), await externalIdCheck(session, first)], first }
}

function roleCheck(session: Session, all: number, refused: readonly string[]): Check {
  const check = 'account roles'
  if (refused.length === 0) return { check, result: 'ok', cause: `assumed in ${all} of ${all} accounts`, remedy: null }
  const named = refused.slice(0, mostNamed).join(', ')
  const more = refused.length > mostNamed ? ` and ${refused.length - mostNamed} more` : ''
  const own = session.standing?.identity.managementAccountId
  const isOwn = own !== undefined && own !== null && refused.includes(own)
  return {
    check,
    result: 'failed',
    cause: `refused in ${refused.length} of ${all} accounts: ${named}${more}`,
    remedy: `deploy the role there (\`evidenced aws cloudformation --role iam\`)${isOwn ? '; stack sets leave the management account out: deploy the same template there as a stack' : ''}; where it exists, check trusted principal, external id and service control policies`,
  }
}

/** A role that gives itself to anyone who names it is found in the first account that lets us in. */
async function externalIdCheck(session: Session, first: Session | null): Promise<Check> {
  const check = 'account roles: external id'
  const { externalId } = session.source.iam!
  const roleArn = first?.source.auth.roleArn ?? null
  if (first === null || roleArn === null) return { check, result: 'skipped', cause: 'no account let us in', remedy: null }
  if (externalId === null) {
    const remedy = 'demand one in the trust policy and configure iam.externalId'
    return { check, result: 'warning', cause: 'none is configured', remedy }
  }
  const said = await first.credentials.tryRole(roleArn, null)
  if ('trouble' in said) return { check, result: 'ok', cause: `demanded by ${roleArn}`, remedy: null }
  const remedy = 'add the condition StringEquals sts:ExternalId to its trust policy'
  return { check, result: 'failed', cause: `${roleArn} was given without an external id`, remedy }
}

/** Accounts whose role must work, or why they are not known. */
async function activeAccounts(session: Session): Promise<readonly string[] | string> {
  const wanted = session.source.iam?.accounts ?? null
  if (wanted !== null) return wanted
  if (session.standing?.organization === 'absent') return [session.accountId]
  const dataset = datasetNamed('organizations.accounts')
  const found: string[] = []
  const seen = new Set<string>()
  for (let token: string | null = null; ; ) {
    const input = { MaxResults: 20, ...(token === null ? {} : { NextToken: token }) }
    const said = await session.ask({ operation: dataset.operation, input, tries: 2 })
    if ('trouble' in said) return `the accounts of the organization could not be listed: ${said.trouble.code}`
    for (const { key, facts } of dataset.rows(said.answer, '', session.subject) ?? [])
      if (facts.State === 'ACTIVE') found.push(key)
    const next = said.answer.NextToken
    if (typeof next !== 'string' || next === '' || seen.has(next)) return found
    seen.add(next)
    token = next
  }
}
