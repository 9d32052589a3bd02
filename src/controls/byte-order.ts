import { compareBytes } from '../digest.ts'

const surrogate = /[\ud800-\udfff]/

/** Without surrogates the order of UTF-8 bytes is that of UTF-16 units, which the engine compares faster. */
function arePlain(texts: Iterable<string>): boolean {
  for (const text of texts) if (surrogate.test(text)) return false
  return true
}

/** How texts compare as UTF-8 bytes. */
export function byteOrderOf(texts: Iterable<string>): (a: string, b: string) => number {
  return arePlain(texts) ? (a, b) => (a < b ? -1 : a > b ? 1 : 0) : compareBytes
}

/** Sorts texts in place as UTF-8 bytes. */
export function sortTexts(texts: string[]): string[] {
  if (texts.length < 2) return texts
  return arePlain(texts) ? texts.sort() : texts.sort(compareBytes)
}

/** Things in the byte order of their keys. */
export function sortedByKey<T extends { readonly key: string }>(things: readonly T[]): readonly T[] {
  const keyed = things.map(thing => ({ thing, key: thing.key }))
  const compare = byteOrderOf(keyed.map(({ key }) => key))
  return keyed.sort((a, b) => compare(a.key, b.key)).map(({ thing }) => thing)
}
