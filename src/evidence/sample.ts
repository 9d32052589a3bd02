import { compareBytes, sha256 } from '../digest.ts'

/** How many to draw, and by which seed. */
export interface SampleRequest {
  /** the auditor's own word or number */
  readonly seed: string
  readonly size: number
}

/** One item that was drawn. */
export interface SampledItem<T> {
  /** SHA-256 that put it into the sample */
  readonly rank: string
  readonly key: string
  readonly item: T
}

/** A sample, and what it was drawn from. */
export interface Sampling<T> {
  /** how many there were to choose from */
  readonly population: number
  /** SHA-256 over the sorted keys, a line feed after each: another tool can hold its population against it */
  readonly populationDigest: string
  /** by rank; fewer than asked for only when there are fewer */
  readonly items: readonly SampledItem<T>[]
}

/**
 * Draws a sample that any tool can draw again. Of each key the rank is SHA-256 (hexadecimal) of the UTF-8 bytes of seed, line feed, key; the
 * items with the lowest ranks are the sample. The order in which items come does not matter. Memory: the keys, and `size` items.
 * @param items each with a key that no other has
 */
export async function drawSample<T>(
  items: AsyncIterable<{ readonly key: string; readonly item: T }>,
  { seed, size }: SampleRequest,
): Promise<Sampling<T>> {
  const keys: string[] = []
  const chosen: SampledItem<T>[] = []
  for await (const { key, item } of items) {
    keys.push(key)
    const rank = sha256(`${seed}\n${key}`)
    if (chosen.length >= size && (size === 0 || rank > chosen.at(-1)!.rank)) continue
    chosen.push({ rank, key, item })
    chosen.sort((a, b) => compareBytes(a.rank, b.rank))
    if (chosen.length > size) chosen.pop()
  }
  return {
    population: keys.length,
    populationDigest: sha256(
      keys
        .sort(compareBytes)
        .map(key => `${key}\n`)
        .join(''),
    ),
    items: chosen,
  }
}
