import { createHash } from 'node:crypto'

/** What the bytes of a change set add up to: how many lines, how many of them begin with which byte, and SHA-256 over all. */
export interface ChangeSum {
  readonly lines: number
  readonly firsts: Uint32Array
  readonly digest: string
}

const lineFeed = 10

/** Adds up lines as they were written, without taking them apart: there are millions. */
export async function addUpBytes(bytes: AsyncIterable<Uint8Array>): Promise<ChangeSum> {
  const sum = createHash('sha256')
  const firsts = new Uint32Array(256)
  let lines = 0
  let isAtStart = true
  for await (const chunk of bytes) {
    sum.update(chunk)
    for (let at = 0; at < chunk.length; ) {
      if (isAtStart) {
        firsts[chunk[at]!]!++
        lines++
      }
      const end = chunk.indexOf(lineFeed, at)
      isAtStart = end >= 0
      at = isAtStart ? end + 1 : chunk.length
    }
  }
  return { lines, firsts, digest: sum.digest('hex') }
}

/** The lines one by one. */
export async function* linesIn(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of bytes) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop()!
    yield* lines
  }
  if (rest !== '') yield rest
}
