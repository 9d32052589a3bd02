import { NormalizedSchema } from '@smithy/core/schema'
import type { SchemaRef } from '@smithy/types'

/** Rewrites a value in place and returns what stands for it; reports the path of every member the SDK's model does not know. */
type Rewrite = (value: unknown, path: string, unknown: Set<string>) => unknown

const rewrites = new WeakMap<object, Rewrite>()
const unchanged: Rewrite = value => value

/**
 * Makes a parsed answer ours, in place: epoch numbers of timestamps that the SDK's model declares become RFC 3339, with
 * milliseconds only when they are not zero. Nothing else is changed or dropped.
 * @returns paths of members the model does not know, such as `Users[].Revision`
 */
export function normalise(schema: SchemaRef, answer: Record<string, unknown>): readonly string[] {
  const unknown = new Set<string>()
  rewriteOf(NormalizedSchema.of(schema))(answer, '', unknown)
  return [...unknown]
}

/** Epoch seconds as RFC 3339. */
export function instantOf(epochSeconds: number): string | null {
  const instant = new Date(Math.round(epochSeconds * 1000))
  return Number.isNaN(instant.getTime()) ? null : instant.toISOString().replace('.000Z', 'Z')
}

function rewriteOf(schema: NormalizedSchema): Rewrite {
  if (schema.isTimestampSchema()) return value => (typeof value === 'number' ? (instantOf(value) ?? value) : value)
  if (schema.isListSchema() || schema.isMapSchema() || schema.isStructSchema()) return remembered(schema)
  return unchanged
}

/** Shapes may contain themselves: a rewrite is entered before it is made. */
function remembered(schema: NormalizedSchema): Rewrite {
  const key: unknown = schema.getSchema()
  // lists and maps of plain values are numbers in the SDK's model
  if (typeof key !== 'object' || key === null) return ofElements(rewriteOf(schema.getValueSchema()), schema.isListSchema())
  const known = rewrites.get(key)
  if (known !== undefined) return known
  let made: Rewrite = unchanged
  const rewrite: Rewrite = (value, path, unknown) => made(value, path, unknown)
  rewrites.set(key, rewrite)
  made = schema.isStructSchema() ? ofStruct(schema) : ofElements(rewriteOf(schema.getValueSchema()), schema.isListSchema())
  return rewrite
}

function ofStruct(schema: NormalizedSchema): Rewrite {
  const members = new Map<string, Rewrite>()
  for (const [name, member] of schema.structIterator()) members.set(name, rewriteOf(member))
  return (value, path, unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    const struct = value as Record<string, unknown>
    for (const name of Object.keys(struct)) {
      const member = members.get(name)
      if (member === undefined) unknown.add(`${path}${path === '' ? '' : '.'}${name}`)
      else if (member !== unchanged) struct[name] = member(struct[name], `${path}${path === '' ? '' : '.'}${name}`, unknown)
    }
    return struct
  }
}

function ofElements(element: Rewrite, isList: boolean): Rewrite {
  if (element === unchanged) return unchanged
  return (value, path, unknown) => {
    if (isList && Array.isArray(value)) for (const [i, inner] of value.entries()) value[i] = element(inner, `${path}[]`, unknown)
    if (!isList && typeof value === 'object' && value !== null && !Array.isArray(value)) {
      const map = value as Record<string, unknown>
      for (const name of Object.keys(map)) map[name] = element(map[name], `${path}{}`, unknown)
    }
    return value
  }
}
