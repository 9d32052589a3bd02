import type { Json } from '../model.ts'

/** A noun as it stands outside: dates as RFC 3339 text, everything else as it is. What digests are computed over. */
export function outside(value: unknown): Json {
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map(outside)
  if (typeof value !== 'object' || value === null) return value as Json
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, outside(inner)]))
}
