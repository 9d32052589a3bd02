import { RE2JS } from 're2js'
import { compareBytes } from '../digest.ts'
import { nearest } from '../document.ts'
import { Entity } from './entity.ts'
import { type ASTNode, typeOf } from './language.ts'
import { all, type Body, exists, filter, isIn, type Meter, map, outOfFuel } from './lists.ts'
import { add, type Comparison, compare, describe } from './operators.ts'
import { PermissionSet } from './permission-set.ts'
import { type Question, questions } from './questions.ts'
import { schema } from './schema.ts'
import { Broken, Count, join, OpenList, Since, sizeOf, timeText, Undecided } from './values.ts'

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

type Text = (receiver: string, argument: string) => unknown

const textMethods: { readonly [name: string]: Text } = {
  startsWith: (text, start) => text.startsWith(start),
  endsWith: (text, end) => text.endsWith(end),
  contains: (text, part) => text.includes(part),
}

const macros = { exists, all, filter, map }

/**
 * Turns a checked expression into a closure. Unknown is a value here: every operator goes on with what is known and says so when
 * that decides. What is not listed here is refused, so that nothing evaluates by accident.
 * @throws {Refusal} for what the language does not offer: has(), maps, indexes, arithmetic, conversions, patterns that are not literal
 */
export function compile(node: ASTNode, scope: Scope): Closure {
  switch (node.op) {
    case 'value': {
      const value = typeof node.args === 'bigint' ? Number(node.args) : node.args
      if (typeof value === 'object' && value !== null)
        throw new Refusal(node, 'bytes and unsigned numbers are not offered', 'write a text or a number')
      return () => value
    }
    case 'id': {
      const slot = scope.slots.get(node.args)
      if (slot === undefined)
        throw new Refusal(node, `unknown name ${node.args}`, `known here: ${[...scope.slots.keys()].join(', ')}`)
      return frame => frame[slot]
    }
    case '.':
      return member(node, scope)
    case '&&':
      return logic(compile(node.args[0], scope), compile(node.args[1], scope), false)
    case '||':
      return logic(compile(node.args[0], scope), compile(node.args[1], scope), true)
    case '!_': {
      const operand = compile(node.args, scope)
      return frame => {
        const value = operand(frame)
        return typeof value === 'boolean' ? !value : value instanceof Undecided ? value : new Broken(`! of ${describe(value)}`)
      }
    }
    case '-_': {
      const operand = node.args
      if (operand.op !== 'value') throw new Refusal(node, 'arithmetic is not offered', 'compare with a parameter instead')
      const value = -Number(operand.args)
      return () => value
    }
    case '?:': {
      const [condition, yes, no] = node.args.map(each => compile(each, scope)) as [Closure, Closure, Closure]
      return frame => {
        const value = condition(frame)
        if (typeof value === 'boolean') return value ? yes(frame) : no(frame)
        return value instanceof Undecided ? value : new Broken(`the condition is ${describe(value)}`)
      }
    }
    case '<':
    case '<=':
    case '>':
    case '>=':
    case '==':
    case '!=':
      return comparison(node, node.op, scope)
    case '+': {
      const { name, kind } = typeOf(node)
      if (name !== 'string' && name !== 'dyn' && kind !== 'list') {
        throw new Refusal(node, 'arithmetic is not offered', 'compare with a parameter instead')
      }
      const left = compile(node.args[0], scope)
      const right = compile(node.args[1], scope)
      return frame => {
        const sum = add(left(frame), right(frame))
        if (Array.isArray(sum)) frame[0].fuel -= sum.length
        return sum
      }
    }
    case 'in': {
      const list = typeOf(node.args[1])
      if (list.kind !== 'list') throw new Refusal(node, `\`in\` over ${list.name} is not offered`, '`in` needs a list')
      const left = compile(node.args[0], scope)
      const right = compile(node.args[1], scope)
      return frame => isIn(left(frame), right(frame), frame[0])
    }
    case 'list': {
      const members = node.args.map(each => compile(each, scope))
      return frame => {
        const values = members.map(each => each(frame))
        const undecided = values.filter(value => value instanceof Undecided)
        return undecided.length === 0 ? values : undecided.reduce(join)
      }
    }
    case 'call':
      return call(node, node.args[0], node.args[1], scope)
    case 'rcall':
      return method(node, node.args[0], node.args[1], node.args[2], scope)
    default:
      throw new Refusal(
        node,
        `\`${node.op}\` is not offered`,
        'expressions ask for declared members, and lists by exists, all, filter, map and size',
      )
  }
}

/** The type a node has in the schema, also where the checker only says `dyn` because it may be null. */
export function schemaTypes(node: ASTNode): readonly string[] {
  const { name, kind } = typeOf(node)
  if (kind === 'message') return [name]
  if (node.op !== '.') return []
  const [receiver, field] = node.args
  return schemaTypes(receiver).flatMap(type => schema[type]?.[field]?.nullableOf ?? [])
}

function member(node: ASTNode & { op: '.' }, scope: Scope): Closure {
  const [receiver, name] = node.args
  const types = schemaTypes(receiver)
  if (typeOf(receiver).kind !== 'message' && types.length > 0 && !types.some(type => schema[type]?.[name] !== undefined)) {
    const known = types.flatMap(type => Object.keys(schema[type] ?? {}))
    const meant = nearest(name, known)
    throw new Refusal(
      node,
      `${types.join(' or ')} has no member ${name}`,
      meant === null ? `it has ${known.join(', ')}` : `did you mean ${meant}?`,
    )
  }
  const object = compile(receiver, scope)
  const isChecked = typeOf(receiver).kind === 'message'
  return frame => {
    const value = object(frame)
    if (value instanceof Undecided) return value
    if (typeof value !== 'object' || value === null) return new Broken(`${describe(value)} has no member ${name}`)
    if (!isChecked && !isDeclared(value, name)) return new Broken(`no member ${name}`)
    return (value as { readonly [name: string]: unknown })[name]
  }
}

/** Only members of the schema, and members that plain data really has, can be reached. */
function isDeclared(value: object, name: string): boolean {
  const type = (value as { readonly typeName?: unknown }).typeName
  if (typeof type === 'string' && !isPlain(value)) return schema[type] !== undefined && Object.hasOwn(schema[type], name)
  return isPlain(value) && Object.hasOwn(value, name)
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** `decisive` false: &&, true: ||. A decisive value on either side decides; else broken outranks unknown outranks the rest. */
function logic(left: Closure, right: Closure, decisive: boolean): Closure {
  return frame => {
    const a = left(frame)
    if (a === decisive) return decisive
    const b = right(frame)
    if (b === decisive) return decisive
    if (typeof a !== 'boolean' && !(a instanceof Undecided)) return new Broken(`${describe(a)} is neither true nor false`)
    if (typeof b !== 'boolean' && !(b instanceof Undecided)) return new Broken(`${describe(b)} is neither true nor false`)
    if (a instanceof Undecided) return b instanceof Undecided ? join(a, b) : a
    return b
  }
}

function comparison(node: ASTNode & { args: [ASTNode, ASTNode] }, op: Comparison, scope: Scope): Closure {
  for (const side of node.args) {
    const { kind, name } = typeOf(side)
    if (kind === 'list' || kind === 'map')
      throw new Refusal(side, `${name} cannot be compared`, 'ask for its size() or its members')
  }
  const left = compile(node.args[0], scope)
  const right = compile(node.args[1], scope)
  return frame => compare(op, left(frame), right(frame))
}

function call(node: ASTNode, name: string, args: readonly ASTNode[], scope: Scope): Closure {
  const first = args[0]
  if (first === undefined || args.length !== 1) throw unoffered(node, name)
  switch (name) {
    case 'size':
      return size(first, scope)
    case 'string': {
      if (!scope.isWording) throw onlyWords(node, name)
      const value = compile(first, scope)
      return frame => textOf(value(frame))
    }
    case 'isAdminEquivalent': {
      const value = compile(first, scope)
      return frame => {
        const set = value(frame)
        if (set instanceof Undecided) return set
        return set instanceof PermissionSet ? set.isAdminEquivalent : new Broken(`isAdminEquivalent of ${describe(set)}`)
      }
    }
    default:
      throw unoffered(node, name)
  }
}

function method(node: ASTNode, name: string, receiver: ASTNode, args: readonly ASTNode[], scope: Scope): Closure {
  if (name === 'exists' || name === 'all' || name === 'filter' || name === 'map') {
    const [item, body] = args
    if (args.length !== 2 || item?.op !== 'id' || body === undefined)
      throw unoffered(node, `${name} with ${args.length} arguments`)
    return macro(name, receiver, item.args, body, scope)
  }
  if (name === 'size') return size(receiver, scope)
  const value = compile(receiver, scope)
  const asked = questions[name]
  if (asked !== undefined) {
    const given = args.map(each => compile(each, scope))
    return frame =>
      ask(
        name,
        asked,
        value(frame),
        given.map(each => each(frame)),
        frame[0],
      )
  }
  const argument = args[0]
  if (argument === undefined || args.length !== 1) throw unoffered(node, name)
  if (name === 'olderThanDays') return olderThan(value, compile(argument, scope), 86_400_000)
  if (name === 'olderThanHours') return olderThan(value, compile(argument, scope), 3_600_000)
  if (name === 'matches') return matches(value, argument)
  if (name === 'join') {
    if (!scope.isWording) throw onlyWords(node, name)
    return joinTexts(value, compile(argument, scope))
  }
  const text = textMethods[name]
  if (text === undefined) throw unoffered(node, name)
  const other = compile(argument, scope)
  return frame => {
    const a = value(frame)
    const b = other(frame)
    if (a instanceof Undecided) return b instanceof Undecided ? join(a, b) : a
    if (b instanceof Undecided) return b
    return typeof a === 'string' && typeof b === 'string' ? text(a, b) : new Broken(`${name} of ${describe(a)}`)
  }
}

/** Asks a thing of the estate, once it and what it is asked with are known. */
function ask(name: string, asked: Question, receiver: unknown, given: readonly unknown[], meter: Meter): unknown {
  const undecided = [receiver, ...given].filter(value => value instanceof Undecided)
  if (undecided.length > 0) return undecided.reduce(join)
  meter.fuel -= 100
  if (meter.fuel < 0) return outOfFuel
  const answer = asked(receiver, given, meter)
  return answer === undefined ? new Broken(`${name} of ${describe(receiver)}`) : answer
}

function macro(name: keyof typeof macros, receiver: ASTNode, item: string, body: ASTNode, scope: Scope): Closure {
  const { kind, name: type } = typeOf(receiver)
  if (kind !== 'list' && type !== 'dyn')
    throw new Refusal(receiver, `${name} over ${type} is not offered`, `${name} needs a list`)
  const list = compile(receiver, scope)
  const slot = 3 + scope.depth
  const inner = compile(body, { ...scope, slots: new Map(scope.slots).set(item, slot), depth: scope.depth + 1 })
  const run = macros[name]
  return frame => {
    const value = list(frame)
    if (value instanceof Undecided) return value
    if (!Array.isArray(value) && !(value instanceof OpenList)) return new Broken(`${name} over ${describe(value)}`)
    const bodyOf: Body = each => {
      frame[slot] = each
      return inner(frame)
    }
    return run(value, bodyOf, frame[0])
  }
}

function size(receiver: ASTNode, scope: Scope): Closure {
  const { kind, name } = typeOf(receiver)
  if (kind !== 'list') throw new Refusal(receiver, `size of ${name} is not offered`, 'size needs a list')
  const list = compile(receiver, scope)
  return frame => {
    const value = list(frame)
    if (value instanceof Undecided) return value
    return Array.isArray(value) || value instanceof OpenList ? sizeOf(value) : new Broken(`size of ${describe(value)}`)
  }
}

function olderThan(value: Closure, limit: Closure, unitMs: number): Closure {
  return frame => {
    const time = value(frame)
    const units = limit(frame)
    if (time instanceof Undecided) return units instanceof Undecided ? join(time, units) : time
    if (units instanceof Undecided) return units
    if (typeof units !== 'number') return new Broken(`an age cannot be ${describe(units)}`)
    const { asOf } = frame[0]
    if (time instanceof Since) return time.isOlderThan(units * unitMs, asOf)
    return time instanceof Date ? asOf - time.getTime() > units * unitMs : new Broken(`the age of ${describe(time)}`)
  }
}

/** Regular expressions run in linear time (RE2), so no text can hang them; the pattern is a literal, so it is checked here. */
function matches(value: Closure, pattern: ASTNode): Closure {
  if (pattern.op !== 'value' || typeof pattern.args !== 'string') {
    throw new Refusal(pattern, 'a pattern must be written out', 'write the pattern as a text')
  }
  let compiled: RE2JS
  try {
    compiled = RE2JS.compile(pattern.args)
  } catch (error) {
    throw new Refusal(
      pattern,
      `the pattern is wrong: ${error instanceof Error ? error.message : String(error)}`,
      'see https://github.com/google/re2/wiki/Syntax',
    )
  }
  return frame => {
    const text = value(frame)
    if (text instanceof Undecided) return text
    return typeof text === 'string' ? compiled.matcher(text).find() : new Broken(`matches of ${describe(text)}`)
  }
}

function joinTexts(list: Closure, separator: Closure): Closure {
  return frame => {
    const value = list(frame)
    const between = separator(frame)
    if (value instanceof Undecided) return value
    if (between instanceof Undecided) return between
    const items = value instanceof OpenList ? value.items : value
    if (!Array.isArray(items)) return new Broken(`join of ${describe(value)}`)
    frame[0].fuel -= items.length
    // in the order of the texts, so that the same estate gives the same words
    const texts = items.map(textOf).map(text => (typeof text === 'string' ? text : '(not known)'))
    texts.sort(compareBytes)
    const shown = texts.slice(0, 20)
    if (texts.length > 20) shown.push(`and ${texts.length - 20} more`)
    if (value instanceof OpenList && (value.isOpen || value.ghosts.length > 0)) shown.push('perhaps others')
    return shown.join(String(between))
  }
}

/** A value in words. A count says how sure it is; what could not be read stays undecided. */
export function textOf(value: unknown): unknown {
  if (value instanceof Undecided || typeof value === 'string') return value
  if (value instanceof Count) {
    return value.high === Number.POSITIVE_INFINITY ? `at least ${value.low}` : `${value.low} to ${value.high}`
  }
  if (value instanceof Since) return value.text
  if (value instanceof Date) return timeText(value)
  if (value === null) return '(none)'
  if (typeof value === 'number') return String(Math.round(value * 100) / 100)
  if (typeof value === 'boolean') return String(value)
  if (value instanceof Entity) return value.key
  return new Broken(`${describe(value)} has no text`)
}

function onlyWords(node: ASTNode, name: string): Refusal {
  return new Refusal(node, `${name} is offered in message and facts only`, 'judge the value itself, not its text')
}

function unoffered(node: ASTNode, name: string): Refusal {
  const hint =
    name === 'has'
      ? 'ask for the member itself: it is null when AWS reports none, and unknown when it could not be read'
      : 'offered are size, string, isAdminEquivalent, exists, all, filter, map, join, startsWith, endsWith, contains, matches, olderThanDays, olderThanHours, tag, isWithinDays, iamUsers, matchesAny, isRegisteredIn, allowsAny, conflicts, isAssignedToEveryone'
  return new Refusal(node, `${name} is not offered`, hint)
}
