import { digestOf } from '../digest.ts'
import { readPackagedData } from './packaged-catalog.ts'
import { allows, type Grants } from './policy-reach.ts'
import { covers, meets } from './wildcards.ts'

/** What actions do, as far as it is known. */
export interface AccessLevels {
  readonly digest: string
  /** of everything that a pattern of actions stands for: all of it only reads, some of it changes something, or nobody here knows */
  levelOf(pattern: string): 'reads' | 'writes' | 'unknown'
}

interface Listed {
  readonly asked: readonly string[]
  readonly writing: readonly string[]
  readonly reading: readonly string[]
  readonly except: { readonly reading: readonly string[]; readonly writing: readonly string[] }
}

const actions = { type: 'array', items: { type: 'string', pattern: '^[a-z0-9-]+:[A-Za-z0-9]+$' }, uniqueItems: true }
const words = { type: 'array', items: { type: 'string', pattern: '^[A-Z][A-Za-z]+$' }, uniqueItems: true }
const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['source', 'asked', 'writing', 'reading', 'except'],
  properties: {
    source: { type: 'string' },
    asked: actions,
    writing: words,
    reading: words,
    except: {
      type: 'object',
      additionalProperties: false,
      required: ['reading', 'writing'],
      properties: { reading: actions, writing: actions },
    },
  },
}

/**
 * Loads `data/access-levels.yaml` of the packaged catalog.
 * @throws {ControlsError} CATALOG_UNREADABLE, DATA_INVALID
 */
export function loadAccessLevels(): AccessLevels {
  const value = readPackagedData('access-levels.yaml', schema)
  const { asked, writing, reading, except } = value as unknown as Listed
  const readers = new Set([...asked, ...except.reading].map(each => each.toLowerCase()))
  const writers = except.writing.map(each => each.toLowerCase())
  // a first word ends where the next begins; patterns have no case, so any further letters are taken for the rest of a name
  const startsWriting = writing.map(word => `${word.toLowerCase()}*`)
  const startsReading = reading.map(word => `${word.toLowerCase()}*`)
  return {
    digest: digestOf(value),
    levelOf: written => {
      const pattern = written.toLowerCase()
      if (readers.has(pattern)) return 'reads'
      if (writers.some(each => meets(pattern, each))) return 'writes'
      const colon = pattern.indexOf(':')
      if (colon < 0) return pattern.includes('*') ? 'writes' : 'unknown'
      const name = pattern.slice(colon + 1)
      if (startsReading.some(each => covers(each, name))) return 'reads'
      // `iam:*` stands for writers too, and so does `iam:Tag*`; `iam:Ge*` may stand for readers alone
      return startsWriting.some(each => meets(each, name)) ? 'writes' : 'unknown'
    },
  }
}

/** Action patterns that a principal is allowed on anything, by what they do beyond reading. */
export interface Writing {
  readonly writes: readonly string[]
  /** those of which nobody here knows whether they only read */
  readonly untold: readonly string[]
}

/** @param allowed patterns that may be there all the same */
export function writing(grants: Grants, allowed: readonly string[], levels: AccessLevels): Writing {
  const permitted = allowed.map(each => each.toLowerCase())
  const written = grants.statements
    .filter(({ effect }) => effect === 'Allow')
    .flatMap(({ actions, actionPatterns }) => (actions === 'some' ? actionPatterns : ['*']))
  const held = [...new Set(written)]
    .filter(pattern => !permitted.some(each => covers(each, pattern)))
    .filter(pattern => levels.levelOf(pattern) !== 'reads' && allows({ ...grants, unread: [] }, pattern, 'at_all') === true)
    .sort()
  return {
    writes: held.filter(pattern => levels.levelOf(pattern) === 'writes'),
    untold: held.filter(pattern => levels.levelOf(pattern) === 'unknown'),
  }
}
