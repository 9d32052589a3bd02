import { nearest } from '../document.ts'
import { call, method } from './calls.ts'
import { type Closure, Refusal, type Scope } from './expression.ts'
import { type ASTNode, typeOf } from './language.ts'
import { isIn, outOfFuel, readsTexts } from './lists.ts'
import { add, type Comparison, compare, describe, plain } from './operators.ts'
import { schema } from './schema.ts'
import { Broken, join, Undecided } from './values.ts'

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
        else if (typeof sum === 'string') readsTexts(frame[0], sum.length)
        if (frame[0].fuel < 0) return outOfFuel
        return sum
      }
    }
    case 'in': {
      const list = typeOf(node.args[1])
      if (list.kind !== 'list') throw new Refusal(node, `\`in\` over ${list.name} is not offered`, '`in` needs a list')
      const left = compile(node.args[0], scope)
      const right = compile(node.args[1], scope)
      return frame => {
        const values = right(frame)
        // whatever it is, nothing is in an empty list: most lists of exemptions are empty, and what they exempt need not be read
        if (Array.isArray(values) && values.length === 0) return false
        return isIn(left(frame), values, frame[0])
      }
    }
    case 'list': {
      if (node.args.every(each => each.op === 'value')) {
        const written: readonly unknown[] = Object.freeze(node.args.map(each => compile(each, scope)([] as never)))
        return () => written
      }
      const members = node.args.map(each => compile(each, scope))
      return frame => {
        const values = members.map(each => each(frame))
        const undecided = values.filter(value => value instanceof Undecided)
        return undecided.length === 0 ? values : undecided.reduce(join)
      }
    }
    case 'call':
      return call(compile, node, node.args[0], node.args[1], scope)
    case 'rcall':
      return method(compile, node, node.args[0], node.args[1], node.args[2], scope)
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
  const isSo = plain[op]
  return frame => {
    const a = left(frame)
    const b = right(frame)
    if (typeof a === 'string' && typeof b === 'string')
      return readsTexts(frame[0], Math.min(a.length, b.length)) ? isSo(a, b) : outOfFuel
    return compare(op, a, b)
  }
}
