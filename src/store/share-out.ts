import { PassThrough } from 'node:stream'

/**
 * Lets several readers have the same bytes, which are made once: each gets all of them, at the pace of the slowest. One that fails or has enough
 * leaves the others alone; where the bytes cannot be made, each of them is told.
 * @returns how it ended for each reader
 */
export async function shareOut(
  bytes: AsyncIterable<Uint8Array>,
  readers: readonly ((bytes: AsyncIterable<Uint8Array>) => Promise<void>)[],
): Promise<PromiseSettledResult<void>[]> {
  const ways = readers.map(() => new PassThrough())
  const reading = readers.map((reader, i) => {
    // what is wrong is thrown by the reading of it
    ways[i]!.on('error', () => {})
    return reader(ways[i]!).finally(() => ways[i]!.destroy())
  })
  const ends = Promise.allSettled(reading)
  try {
    for await (const some of bytes) await Promise.all(ways.map(way => taken(way, some)))
    for (const way of ways) way.end()
  } catch (error) {
    for (const way of ways) way.destroy(error as Error)
  }
  return ends
}

/** Comes to its end also where the way is closed: of a write that was under way then, the stream says nothing. */
function taken(way: PassThrough, some: Uint8Array): Promise<void> {
  return new Promise(resolve => {
    if (way.destroyed) return resolve()
    way.once('close', resolve)
    way.write(some, () => {
      way.off('close', resolve)
      resolve()
    })
  })
}
