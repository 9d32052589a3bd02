import { datasetNamed } from './services.ts'
import type { Session } from './session.ts'
import { invalidAnswer, type Trouble } from './trouble.ts'

/**
 * The accounts of the organization with their State, listed now.
 * @param tries attempts for what may pass; left out: as many as a collection makes
 */
export async function accountStates(
  session: Session,
  tries?: number,
): Promise<ReadonlyMap<string, string | null> | { readonly trouble: Trouble }> {
  const dataset = datasetNamed('organizations.accounts')
  const found = new Map<string, string | null>()
  const seen = new Set<string>()
  for (let token: string | null = null; ; ) {
    const input = { MaxResults: 20, ...(token === null ? {} : { NextToken: token }) }
    const said = await session.ask({ operation: dataset.operation, input, ...(tries === undefined ? {} : { tries }) })
    if ('trouble' in said) return said
    const rows = Array.isArray(said.answer.Accounts) ? dataset.rows(said.answer, '', session.subject) : null
    const next = said.answer.NextToken ?? ''
    // an account that such a list does not show may be there all the same
    if (rows === null || typeof next !== 'string' || seen.has(next)) return { trouble: invalidAnswer() }
    for (const { key, facts } of rows) found.set(key, typeof facts.State === 'string' ? facts.State : null)
    // the management account is always there
    if (next === '') return found.size > 0 ? found : { trouble: invalidAnswer() }
    seen.add(next)
    token = next
  }
}
