import { digestOf } from '../digest.ts'
import type { ControlInfo, Json, ParameterOverride, ParameterValues } from '../model.ts'
import { accountOf, tagOf } from './attributes.ts'
import type { CompiledControl } from './control.ts'
import type { Entity } from './entity.ts'
import type { SourceEstate } from './source-estate.ts'
import { joinGaps, Undecided, type Unknown } from './values.ts'

/** What holds for one control of one source: its own overrides are in force, those by tag stand beside them. */
export function forSource(control: CompiledControl, source: string): CompiledControl {
  const mine = control.overrides.filter(each => each.source === null || each.source === source)
  const parameters = Object.assign({}, ...mine.flatMap(each => (each.tag === null ? [each.parameters] : [])))
  const parametersByTag = mine.flatMap(({ tag, parameters: values }) => (tag === null ? [] : [{ tag, parameters: values }]))
  const info: ControlInfo = {
    ...control.info,
    parameters: { ...control.info.parameters, ...parameters },
    ...(parametersByTag.length === 0 ? {} : { parametersByTag }),
  }
  return { ...control, info }
}

/** Of everything that may decide a result beside the definition and the snapshot. */
export function parametersDigest({ parameters, parametersByTag }: ControlInfo): string {
  return digestOf((parametersByTag === undefined ? parameters : { parameters, parametersByTag }) as unknown as Json)
}

/** The parameters that a subject is judged with: more than one set where a tag that chooses could not be read, and then why. */
export interface Choice {
  readonly sets: readonly ParameterValues[]
  readonly why: Unknown | null
}

/** More alternatives than these are not tried out: the subject is unknown then. */
const mostSets = 16

/** How the parameters of each subject are found: by the tags of the account that it is, lies in or gives access to. */
export function chooser({ info }: CompiledControl, source: SourceEstate): (member: Entity) => Choice {
  const plain: Choice = { sets: [Object.freeze({ ...info.parameters })], why: null }
  const { parametersByTag = [] } = info
  if (parametersByTag.length === 0) return () => plain
  return member => {
    const account = accountOf(source, member)
    let sets: readonly ParameterValues[] = plain.sets
    let why: Unknown | null = null
    for (const { tag, parameters } of parametersByTag) {
      const fits = account === null ? false : hasTags(account, tag)
      if (fits === false) continue
      const changed = sets.map(set => Object.freeze({ ...set, ...parameters }))
      if (fits !== true) why = why === null ? fits : joinGaps(why, fits)
      sets = fits === true ? changed : [...sets, ...changed].slice(0, mostSets + 1)
    }
    return { sets, why }
  }
}

/** All of them; false where one is known to differ, whatever else could not be read. */
function hasTags(account: unknown, tag: ParameterOverride['tag'] & object): boolean | Unknown {
  let why: Unknown | null = null
  for (const [key, wanted] of Object.entries(tag)) {
    const value = tagOf(account, key)
    if (value instanceof Undecided) why = value as Unknown
    else if (value !== wanted) return false
  }
  return why ?? true
}

/** Whether all alternatives are few enough to be tried. */
export function isTriable({ sets }: Choice): boolean {
  return sets.length <= mostSets
}
