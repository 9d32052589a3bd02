import { NormalizedSchema } from '@smithy/core/schema'
import type { SchemaRef } from '@smithy/types'

/** Rewrites a value in place and returns what stands for it; reports the path of every member the SDK's model does not know. */
type Rewrite = (value: unknown, path: string, unknown: Set<string>) => unknown

const rewrites = new WeakMap<object, Rewrite>()
const unchanged: Rewrite = value => value
const instant: Rewrite = value => (typeof value === 'number' ? (instantOf(value) ?? value) : value)

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

/** Epoch seconds as RFC 3339, with milliseconds only when they are not zero; null for what is no time. */
export function instantOf(epochSeconds: number): string | null {
  const ms = Math.round(epochSeconds * 1000)
  const seconds = Math.floor(ms / 1000)
  if (ms !== seconds * 1000 || seconds < 0 || seconds >= year10000) return unusualInstant(ms)
  const days = Math.floor(seconds / 86_400)
  const rest = seconds - days * 86_400
  // a page of users has two hundred of these: the arithmetic takes a fifth of what a Date does
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  const clock = `${two[Math.floor(rest / 3600)]}:${two[Math.floor(rest / 60) % 60]}:${two[rest % 60]}`
  return `${year}-${two[month]}-${two[day]}T${clock}Z`
}

const year10000 = 253_402_300_800
const two: readonly string[] = Array.from({ length: 60 }, (_, i) => String(i).padStart(2, '0'))

function unusualInstant(ms: number): string | null {
  const instant = new Date(ms)
  return Number.isNaN(instant.getTime()) ? null : instant.toISOString().replace('.000Z', 'Z')
}

function rewriteOf(schema: NormalizedSchema): Rewrite {
  if (schema.isTimestampSchema()) return instant
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
  // the rows of a list come one after the other: what one lacks in the model, all do
  let told = { path: '', unknown: new Set<string>(), names: new Set<string>() }
  return (value, path, unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    const struct = value as Record<string, unknown>
    for (const name of Object.keys(struct)) {
      const member = members.get(name)
      if (member === undefined) {
        if (told.unknown !== unknown || told.path !== path) told = { path, unknown, names: new Set() }
        if (told.names.has(name)) continue
        told.names.add(name)
        unknown.add(pathOf(path, name))
      } else if (member === instant) struct[name] = instant(struct[name], path, unknown)
      else if (member !== unchanged) struct[name] = member(struct[name], pathOf(path, name), unknown)
    }
    return struct
  }
}

function pathOf(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

function ofElements(element: Rewrite, isList: boolean): Rewrite {
  if (element === unchanged) return unchanged
  return (value, path, unknown) => {
    if (isList && Array.isArray(value)) {
      const inner = `${path}[]`
      for (let i = 0; i < value.length; i++) value[i] = element(value[i], inner, unknown)
    }
    if (!isList && typeof value === 'object' && value !== null && !Array.isArray(value)) {
      const map = value as Record<string, unknown>
      const inner = `${path}{}`
      for (const name of Object.keys(map)) map[name] = element(map[name], inner, unknown)
    }
    return value
  }
}
