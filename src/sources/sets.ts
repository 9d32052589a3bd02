import { compareBytes } from '../digest.ts'
import type { Facts, Json } from '../model.ts'
import type { Dataset } from './dataset.ts'

/**
 * A dataset whose rows hold sets in AWS's lists: their order means nothing and may differ from answer to answer, so it is made the same.
 * @param members top-level members, or a path to one inside (`A.B`)
 */
export function withSets(dataset: Dataset, ...members: readonly string[]): Dataset {
  const paths = members.map(member => member.split('.'))
  return {
    ...dataset,
    rows: (answer, parent, subject) =>
      dataset.rows(answer, parent, subject)?.map(row => {
        const facts = paths.reduce<Facts>((made, path) => sorted(made, path), row.facts)
        return facts === row.facts ? row : { key: row.key, facts }
      }) ?? null,
  }
}

/** The same object where nothing is out of order. */
function sorted(facts: Facts, [name = '', ...rest]: readonly string[]): Facts {
  const value = facts[name]
  if (rest.length > 0) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return facts
    const inner = sorted(value as Facts, rest)
    return inner === value ? facts : { ...facts, [name]: inner }
  }
  if (!Array.isArray(value) || value.length < 2) return facts
  const texts = value.map(each => ({ each: each as Json, text: textOf(each) }))
  if (texts.every(({ text }, i) => i === 0 || compareBytes(texts[i - 1]!.text, text) <= 0)) return facts
  return { ...facts, [name]: texts.sort((a, b) => compareBytes(a.text, b.text)).map(({ each }) => each) }
}

/** Whatever the order of its members, and whatever stands in them: also what is no text. */
function textOf(element: unknown): string {
  const isStruct = typeof element === 'object' && element !== null && !Array.isArray(element)
  return JSON.stringify(isStruct ? Object.entries(element).sort(([a], [b]) => compareBytes(a, b)) : element)
}
