import { createHash } from 'node:crypto'
import { canonicalJson } from '../digest.ts'
import { type FindingIdentity, identityKey } from './finding-states.ts'

/** A state that an evaluation began. */
export interface BegunState {
  /** of its finding */
  readonly id: number
  readonly identity: FindingIdentity
  /** in hexadecimal */
  readonly digest: string
}

/** SHA-256 of the canonical JSON of the list of `[finding, what it is about, digest of its state]` that an evaluation began. */
export class StatesDigest {
  readonly #hash = createHash('sha256').update('[')
  #isFirst = true

  /** Each state, in the order of their findings. */
  add({ id, identity, digest }: BegunState): void {
    this.#hash.update(`${this.#isFirst ? '' : ','}${canonicalJson([id, identityKey(identity), digest])}`)
    this.#isFirst = false
  }

  end(): string {
    return this.#hash.update(']').digest('hex')
  }
}
