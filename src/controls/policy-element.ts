/** Members by lower-case name; null when it is no object. */
export function elements(value: unknown): Map<string, unknown> | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  return new Map(Object.entries(value).map(([name, member]) => [name.toLowerCase(), member]))
}

/** A text or a list of texts, as a list; null when it is neither. */
export function strings(value: unknown): readonly string[] | null {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) && value.length > 0 && value.every(each => typeof each === 'string') ? value : null
}
