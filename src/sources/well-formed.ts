import type { Facts, Json } from '../model.ts'

/** A lone surrogate has no UTF-8 and no canonical form: it could be neither stored nor digested. */
export function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([name, inner]) => name.isWellFormed() && isWellFormed(inner))
}

/** A key names a row in the database: no lone surrogate and no NUL can stand in it. */
export function isKey(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

/** Facts without the members that cannot be kept, and the names of those. */
export function wellFormed(facts: Facts): { readonly facts: Facts; readonly dropped: readonly string[] } {
  const kept: Record<string, Json> = {}
  const dropped: string[] = []
  for (const [name, value] of Object.entries(facts)) {
    if (name.isWellFormed() && isWellFormed(value)) kept[name] = value
    else dropped.push(name.toWellFormed())
  }
  return { facts: kept, dropped }
}
