import { RE2JS } from 're2js'
import { sortTexts } from './byte-order.ts'
import { Entity } from './entity.ts'
import { type Closure, type Compile, Refusal, type Scope } from './expression.ts'
import { type ASTNode, typeOf } from './language.ts'
import { all, type Body, exists, filter, type Meter, map, outOfFuel, readsByPattern, readsTexts } from './lists.ts'
import { describe } from './operators.ts'
import { PermissionSet } from './permission-set.ts'
import { type Question, questions } from './questions.ts'
import { Broken, Count, join, OpenList, Since, sizeOf, timeText, Undecided } from './values.ts'

type Text = (receiver: string, argument: string) => unknown

const textMethods: { readonly [name: string]: Text } = {
  startsWith: (text, start) => text.startsWith(start),
  endsWith: (text, end) => text.endsWith(end),
  contains: (text, part) => text.includes(part),
}

const macros = { exists, all, filter, map }

/** A function, by name. @param make turns its arguments into closures */
export function call(make: Compile, node: ASTNode, name: string, args: readonly ASTNode[], scope: Scope): Closure {
  const first = args[0]
  if (first === undefined || args.length !== 1) throw unoffered(node, name)
  switch (name) {
    case 'size':
      return size(make, first, scope)
    case 'string': {
      if (!scope.isWording) throw onlyWords(node, name)
      const value = make(first, scope)
      return frame => textOf(value(frame))
    }
    case 'isAdminEquivalent': {
      const value = make(first, scope)
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

/** A method or macro of a value. @param make turns the receiver and the arguments into closures */
export function method(
  make: Compile,
  node: ASTNode,
  name: string,
  receiver: ASTNode,
  args: readonly ASTNode[],
  scope: Scope,
): Closure {
  if (name === 'exists' || name === 'all' || name === 'filter' || name === 'map') {
    const [item, body] = args
    if (args.length !== 2 || item?.op !== 'id' || body === undefined)
      throw unoffered(node, `${name} with ${args.length} arguments`)
    return macro(make, name, receiver, item.args, body, scope)
  }
  if (name === 'size') return size(make, receiver, scope)
  const value = make(receiver, scope)
  const asked = questions[name]
  if (asked !== undefined) {
    if (name === 'matchesAny' || name === 'isRegisteredIn') {
      for (const each of args) {
        if (!isGiven(each))
          throw new Refusal(
            each,
            `${name} takes no patterns that are put together`,
            'take them from a parameter or write them out',
          )
      }
    }
    const given = args.map(each => make(each, scope))
    return frame => {
      const receiver = value(frame)
      const values = given.map(each => each(frame))
      return ask(name, asked, receiver, values, frame[0])
    }
  }
  const argument = args[0]
  if (argument === undefined || args.length !== 1) throw unoffered(node, name)
  if (name === 'olderThanDays') return olderThan(value, make(argument, scope), 86_400_000)
  if (name === 'olderThanHours') return olderThan(value, make(argument, scope), 3_600_000)
  if (name === 'matches') return matches(value, argument)
  if (name === 'join') {
    if (!scope.isWording) throw onlyWords(node, name)
    return joinTexts(value, make(argument, scope))
  }
  const text = textMethods[name]
  if (text === undefined) throw unoffered(node, name)
  const other = make(argument, scope)
  return frame => {
    const a = value(frame)
    const b = other(frame)
    if (a instanceof Undecided) return b instanceof Undecided ? join(a, b) : a
    if (b instanceof Undecided) return b
    if (typeof a !== 'string' || typeof b !== 'string') return new Broken(`${name} of ${describe(a)}`)
    return readsTexts(frame[0], a.length + b.length) ? text(a, b) : outOfFuel
  }
}

/** Asks a thing of the estate, once it and what it is asked with are known. */
function ask(name: string, asked: Question, receiver: unknown, given: readonly unknown[], meter: Meter): unknown {
  let undecided = receiver instanceof Undecided ? receiver : null
  for (const value of given) if (value instanceof Undecided) undecided = undecided === null ? value : join(undecided, value)
  if (undecided !== null) return undecided
  meter.fuel -= 100
  if (meter.fuel < 0) return outOfFuel
  const answer = asked(receiver, given, meter)
  return answer === undefined ? new Broken(`${name} of ${describe(receiver)}`) : answer
}

/** A list that does not depend on the subject: compiling patterns costs more than looking for them. */
function isGiven(node: ASTNode): boolean {
  if (node.op === 'list') return node.args.every(each => each.op === 'value')
  if (node.op === '+') return node.args.every(isGiven)
  return node.op === '.' && node.args[0].op === 'id' && node.args[0].args === 'parameters'
}

function macro(make: Compile, name: keyof typeof macros, receiver: ASTNode, item: string, body: ASTNode, scope: Scope): Closure {
  const { kind, name: type } = typeOf(receiver)
  if (kind !== 'list' && type !== 'dyn')
    throw new Refusal(receiver, `${name} over ${type} is not offered`, `${name} needs a list`)
  const list = make(receiver, scope)
  const slot = 3 + scope.depth
  const inner = make(body, { ...scope, slots: new Map(scope.slots).set(item, slot), depth: scope.depth + 1 })
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

function size(make: Compile, receiver: ASTNode, scope: Scope): Closure {
  const { kind, name } = typeOf(receiver)
  if (kind !== 'list') throw new Refusal(receiver, `size of ${name} is not offered`, 'size needs a list')
  const list = make(receiver, scope)
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
  const programSize = compiled.programSize()
  return frame => {
    const text = value(frame)
    if (text instanceof Undecided) return text
    if (typeof text !== 'string') return new Broken(`matches of ${describe(text)}`)
    return readsByPattern(frame[0], text.length, programSize) ? compiled.matcher(text).find() : outOfFuel
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
    const shown = sortTexts(texts).slice(0, 20)
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
