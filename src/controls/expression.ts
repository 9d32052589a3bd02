import type { ASTNode } from './language.ts'
import type { Meter } from './lists.ts'

/** Slot 0 holds the meter, 1 the parameters, 2 the subject; the items of macros follow, one slot for each depth. */
export type Frame = [meter: Meter, parameters: unknown, subject: unknown, ...items: unknown[]]
export type Closure = (frame: Frame) => unknown

/** Something this language does not offer, found when the catalog loads. */
export class Refusal extends Error {
  readonly node: ASTNode
  readonly hint: string

  constructor(node: ASTNode, message: string, hint: string) {
    super(message)
    this.node = node
    this.hint = hint
  }
}

/** Names in view and the slot of each. */
export interface Scope {
  readonly slots: ReadonlyMap<string, number>
  /** macros around this place */
  readonly depth: number
  /** true in messages and shown facts, which put into words; a judgement may not rest on words, since they hide how sure they are */
  readonly isWording: boolean
}

/** Turns a part of an expression into a closure. */
export type Compile = (node: ASTNode, scope: Scope) => Closure
