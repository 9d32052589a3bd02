import { allows, covers, type Grants } from './policy-reach.ts'
import { Undecided, type Unknown } from './values.ts'

/** First words of actions that read. AWS publishes an access level for each action; by the word, what is not surely a reader counts as a writer. */
const reading =
  /^[a-z0-9-]+:(get|list|describe|batchget|batchdescribe|batchlist|head|lookup|search|query|scan|view|check|simulate|validate|read|select|test)/

/**
 * Action patterns that a principal is allowed on anything and that may do more than read.
 * @param allowed patterns that may be there all the same
 */
export function writing(
  grants: Grants,
  allowed: readonly string[],
): { readonly patterns: readonly string[]; readonly unread: readonly Unknown[] } {
  const permitted = allowed.map(each => each.toLowerCase())
  const written = grants.statements
    .filter(({ effect }) => effect === 'Allow')
    .flatMap(({ actions, actionPatterns }) => (actions === 'some' ? actionPatterns : ['*']))
  const patterns = [...new Set(written)].filter(
    pattern =>
      !reading.test(pattern) &&
      !permitted.some(each => covers(each, pattern)) &&
      allows({ ...grants, unread: [] }, pattern, 'at_all') === true,
  )
  return { patterns: patterns.sort(), unread: grants.unread.filter(each => each instanceof Undecided) }
}
