import { compareBytes } from '../digest.ts'

const surrogate = /[\ud800-\udfff]/

/** How texts compare as UTF-8 bytes. Without surrogates that is the order of their UTF-16 units, which the engine compares faster. */
export function byteOrderOf(texts: Iterable<string>): (a: string, b: string) => number {
  for (const text of texts) if (surrogate.test(text)) return compareBytes
  return (a, b) => (a < b ? -1 : a > b ? 1 : 0)
}

/** Sorts texts in place as UTF-8 bytes. */
export function sortTexts(texts: string[]): string[] {
  return texts.length < 2 ? texts : texts.sort(byteOrderOf(texts))
}

/** Things in the byte order of their keys. */
export function sortedByKey<T extends { readonly key: string }>(things: readonly T[]): readonly T[] {
  const keyed = things.map(thing => ({ thing, key: thing.key }))
  const compare = byteOrderOf(keyed.map(({ key }) => key))
  return keyed.sort((a, b) => compare(a.key, b.key)).map(({ thing }) => thing)
}
