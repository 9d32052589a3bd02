import { RE2JS } from 're2js'
import { type Meter, outOfFuel, readsByPattern, readsTexts } from './lists.ts'
import { Broken } from './values.ts'

const compiled = new Map<string, RE2JS | Broken>()
const joined = new WeakMap<readonly string[], RE2JS | null>()

/** Whether any pattern is found in a text. Regular expressions run in linear time (RE2), so those of a configuration cannot hang anything either. */
export function matchesAny(text: string, patterns: readonly string[], meter: Meter): boolean | Broken {
  const words = wordsOf(patterns)
  if (words !== null && isAscii.test(text)) return readsTexts(meter, patterns.length * text.length) ? words(text) : outOfFuel
  const any = anyOf(patterns)
  if (any !== null) return readsByPattern(meter, text.length, any.programSize()) ? any.test(text) : outOfFuel
  for (const pattern of patterns) {
    const matcher = matcherOf(pattern)
    if (matcher instanceof Broken) return matcher
    if (!readsByPattern(meter, text.length, matcher.programSize())) return outOfFuel
    if (matcher.test(text)) return true
  }
  return false
}

/** Beyond these letters, upper and lower case are a matter of the engine. */
const isAscii = /^[\0-\x7f]*$/
const plainWord = /^(\(\?i\))?(\^)?([A-Za-z0-9@_ -]+)(\$)?$/
const wordLists = new WeakMap<readonly string[], ((text: string) => boolean) | null>()

/** The test of a list of patterns that are all mere words, which takes no engine; null for any other list. */
function wordsOf(patterns: readonly string[]): ((text: string) => boolean) | null {
  let test = wordLists.get(patterns)
  if (test === undefined) {
    const words = patterns.map(pattern => plainWord.exec(pattern))
    test = words.every(word => word !== null) ? testOf(words) : null
    wordLists.set(patterns, test)
  }
  return test
}

function testOf(words: readonly RegExpExecArray[]): (text: string) => boolean {
  const tests = words.map(([, anyCase, start, word, end]) => {
    const wanted = anyCase ? word!.toLowerCase() : word!
    const found =
      start && end
        ? (text: string) => text === wanted
        : start
          ? (text: string) => text.startsWith(wanted)
          : end
            ? (text: string) => text.endsWith(wanted)
            : (text: string) => text.includes(wanted)
    return { anyCase: anyCase !== undefined, found }
  })
  return text => {
    const lower = text.toLowerCase()
    return tests.some(({ anyCase, found }) => found(anyCase ? lower : text))
  }
}

/** One matcher for a list that is asked of everybody; null for a list that is empty or holds a wrong pattern. */
function anyOf(patterns: readonly string[]): RE2JS | null {
  let any = joined.get(patterns)
  if (any === undefined) {
    const isSound = patterns.length > 0 && patterns.every(each => matcherOf(each) instanceof RE2JS)
    const all = isSound ? matcherOf(patterns.map(each => `(?:${each})`).join('|')) : null
    any = all instanceof RE2JS ? all : null
    joined.set(patterns, any)
  }
  return any
}

function matcherOf(pattern: string): RE2JS | Broken {
  let matcher = compiled.get(pattern)
  if (matcher === undefined) {
    try {
      matcher = RE2JS.compile(pattern)
    } catch (error) {
      matcher = new Broken(`the pattern ${pattern} is wrong: ${error instanceof Error ? error.message : String(error)}`)
    }
    compiled.set(pattern, matcher)
  }
  return matcher
}

/**
 * Whether `NAME; OWNER; REASON; EXPIRY` stands in a register with every part filled in and an expiry date (RFC 3339 or a day in UTC,
 * whose end counts) that has not passed. `*` in NAME stands for any characters.
 */
export function isRegistered(text: string, entries: readonly string[], asOf: number): boolean {
  return entries.some(entry => {
    const [name, owner, reason, expiry] = entry.split(';').map(part => part.trim())
    if (!name || !owner || !reason || !expiry) return false
    const until = Date.parse(/^\d{4}-\d\d-\d\d$/.test(expiry) ? `${expiry}T23:59:59.999Z` : expiry)
    if (Number.isNaN(until) || until < asOf) return false
    const pattern = name
      .split('*')
      .map(part => RE2JS.quote(part))
      .join('.*')
    const matcher = matcherOf(`(?i)^(?:${pattern})$`)
    return matcher instanceof RE2JS && matcher.test(text)
  })
}
