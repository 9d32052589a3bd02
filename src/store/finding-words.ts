import { createHash, randomFillSync } from 'node:crypto'
import { canonicalJson, sha256 } from '../digest.ts'
import type { FindingState, Json } from '../model.ts'
import { type DisposalEntry, disposedText } from './disposal.ts'
import { outside } from './outside.ts'

/** A state of a finding as it is kept. `words` null: they stand in the body, as they once did, or were disposed of. */
export interface KeptState {
  readonly body: string
  readonly words: string | null
  readonly salt: Buffer | null
  readonly disposed: number | null
}

/** Columns of a `KeptState` in `finding_version v`. */
export const keptColumns = 'v.body, v.words, v.salt, v.disposed::float8 as disposed'

/** A state ready to be written: name and reason apart, with a salt of their own. */
export function keepState(state: FindingState): {
  readonly body: string
  readonly words: string
  readonly salt: Buffer
  readonly digest: Buffer
} {
  const { name, reason, ...rest } = state
  const body = canonicalJson(outside(rest))
  const words = canonicalJson({ name, reason })
  const salt = randomFillSync(Buffer.allocUnsafe(16))
  return { body, words, salt, digest: Buffer.from(stateDigest({ body, words, salt, disposed: null })!, 'hex') }
}

/**
 * SHA-256 of the body, a line feed and the hexadecimal SHA-256 of salt and words; of a body that has its words in it, SHA-256 of the body.
 * @returns null when the words were disposed of: then nobody can compute it
 */
export function stateDigest({ body, words, salt, disposed }: KeptState): string | null {
  if (disposed !== null) return null
  if (words === null || salt === null) return sha256(body)
  return sha256(`${body}\n${createHash('sha256').update(salt).update(words).digest('hex')}`)
}

/** @param subjectKey what is left to call it by when its name was disposed of */
export function stateOf(kept: KeptState, subjectKey: string, disposals: ReadonlyMap<number, DisposalEntry>): FindingState {
  const words =
    kept.disposed === null
      ? kept.words
      : canonicalJson({ name: subjectKey, reason: `what was found was ${disposedText(kept.disposed, disposals)}` })
  const state = { ...JSON.parse(kept.body), ...(words === null ? {} : JSON.parse(words)) } as { readonly [member: string]: Json }
  const times = ['openedAfter', 'openedBy', 'resolvedAfter', 'resolvedBy', 'raisedBy', 'dueAt']
  const dates = times.map(name => [name, state[name] === null ? null : new Date(String(state[name]))])
  return { ...state, ...Object.fromEntries(dates) } as unknown as FindingState
}
