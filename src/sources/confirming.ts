import type { Facts } from '../model.ts'
import type { Ask, Dataset, Paging, Subject } from './dataset.ts'
import { invalidAnswer, type Trouble } from './trouble.ts'

/** The list that a dataset is read from, under one parent. */
export interface Listing {
  readonly dataset: Pick<Dataset, 'operation' | 'pageSize' | 'input' | 'rows'>
  readonly parent: string
  readonly subject: Subject
  readonly paging: Paging
}

/**
 * Asks a list, page after page, whether it still shows a row. Only a list that was read to its end says that it is gone: one that is no
 * list, has an element without a name, a page token that is no text or came before, or is left out of the answer, is trouble.
 * @param key as the dataset names the row
 */
export async function isListed(ask: Ask, listing: Listing, key: string): Promise<'exists' | 'gone' | Trouble> {
  const { dataset, parent, subject, paging } = listing
  const input = { ...dataset.input(parent, subject), [paging.size]: dataset.pageSize }
  const seen = new Set<string>()
  for (let page: Facts = {}; ; ) {
    const said = await ask(dataset.operation, { ...input, ...page })
    if ('trouble' in said) return said.trouble
    const rows = dataset.rows(said.answer, parent, subject)
    if (rows === null) return invalidAnswer()
    if (rows.some(row => row.key === key)) return 'exists'
    const next = said.answer[paging.next] ?? ''
    if (typeof next !== 'string' || seen.has(next) || (next === '' && paging.isCutOff?.(said.answer))) return invalidAnswer()
    if (next === '') return 'gone'
    seen.add(next)
    page = { [paging.token]: next }
  }
}
