import type { Facts } from '../model.ts'
import { type Ask, type Operation, type Paging, rowsOf } from './dataset.ts'
import { invalidAnswer, type Trouble } from './trouble.ts'

/** A list of AWS that is asked whether it still shows one thing. */
export interface Listing {
  readonly operation: Operation
  readonly input: Facts
  readonly paging: Paging
  /** the member of the answer that holds it */
  readonly list: string
  /** what names an element; undefined: AWS left it out */
  name(element: Facts): string | undefined
  /** of elements that are no structure: `{ Name: element }`, say */
  readonly facts?: (element: unknown) => Facts
}

/**
 * Asks a list, page after page, whether it still shows something. Only a list that was read to its end says that it is gone: one that is no
 * list, has an element without a name, a page token that is no text or came before, or is left out of the answer, is trouble.
 */
export async function isListed(ask: Ask, listing: Listing, name: string): Promise<'exists' | 'gone' | Trouble> {
  const { operation, input, paging, list } = listing
  const seen = new Set<string>()
  for (let page: Facts = {}; ; ) {
    const said = await ask(operation, { ...input, ...page })
    if ('trouble' in said) return said.trouble
    const rows = rowsOf(said.answer[list], listing.name, listing.facts)
    if (rows === null) return invalidAnswer()
    if (rows.some(row => row.key === name)) return 'exists'
    const next = said.answer[paging.next] ?? ''
    if (typeof next !== 'string' || seen.has(next) || (next === '' && paging.isCutOff?.(said.answer))) return invalidAnswer()
    if (next === '') return 'gone'
    seen.add(next)
    page = { [paging.token]: next }
  }
}
