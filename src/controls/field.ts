/**
 * What a control's expression may ask, by type. Facts keep AWS's PascalCase; what we derive is camelCase.
 * The checker and the getters of facts both come from here.
 */
export interface Field {
  /** type in the expression language; `dyn` where the value may be null */
  readonly type: string
  /** for a field that is null or one of these types: lets members below it be checked */
  readonly nullableOf?: readonly string[]
  /** a member AWS sends, and how it is read; absent for what is derived */
  readonly fact?: 'text' | 'time' | 'list' | 'number' | 'boolean'
  /** AWS may leave it out, which means that there is none. A member that must be there and is not is a gap. */
  readonly isNullable?: boolean
  readonly doc: string
}

export type Fields = { readonly [name: string]: Field }

export const text = (doc: string): Field => ({ type: 'string', fact: 'text', doc })
export const textOrNull = (doc: string): Field => ({ type: 'dyn', fact: 'text', isNullable: true, doc })
export const timeOrNull = (doc: string): Field => ({ type: 'dyn', fact: 'time', isNullable: true, doc })
export const list = (doc: string): Field => ({ type: 'list<dyn>', fact: 'list', isNullable: true, doc })
export const derived = (type: string, doc: string): Field => ({ type, doc })
export const numberOrNull = (doc: string): Field => ({ type: 'dyn', fact: 'number', isNullable: true, doc })
export const booleanOrNull = (doc: string): Field => ({ type: 'dyn', fact: 'boolean', isNullable: true, doc })
export const linkOrNull = (nullableOf: readonly string[], doc: string): Field => ({ type: 'dyn', nullableOf, doc })
