import type { ParameterValues } from '../model.ts'
import { wrongParameters } from './control.ts'
import type { ControlFile, ParameterDeclaration } from './control-file.ts'

type ByControl = { readonly [controlId: string]: ParameterValues }
type Controls = ReadonlyMap<string, { readonly file: ControlFile }>

/**
 * Values that are given at one place, with those of the parameters that are the same as one of them (`sameAs`): break-glass users are named once.
 * @param own what is given at all places: a parameter with a value of its own at any of them takes none, so that none outranks it
 */
export function withShared(controls: Controls, values: ByControl, own: readonly ByControl[]): ByControl {
  const all: { [controlId: string]: ParameterValues } = { ...values }
  for (const [id, name, { sameAs }] of shared(controls)) {
    const [other, theirs] = sameAs.split('.') as [string, string]
    const value = values[other]?.[theirs]
    if (value === undefined || own.some(each => each[id]?.[name] !== undefined)) continue
    // one that is wrong is told where it was written
    if (wrongParameters(controls.get(id)!.file, { [name]: value }).length > 0) continue
    all[id] = { ...all[id], [name]: value }
  }
  return all
}

/** Parameters whose `sameAs` names none of the catalog, or one that is another kind of value. A control that is not there is no mistake. */
export function wrongShared(
  controls: Controls,
): readonly { readonly id: string; readonly name: string; readonly message: string }[] {
  return shared(controls).flatMap(([id, name, { sameAs, type, default: standard }]) => {
    const [other, theirs] = sameAs.split('.') as [string, string]
    const file = controls.get(other)?.file
    if (file === undefined) return []
    const meant = file.parameters[theirs]
    const message =
      meant === undefined
        ? `control ${other} has no parameter ${theirs}`
        : meant.sameAs !== undefined
          ? `${sameAs} is the same as ${meant.sameAs} itself: name that`
          : meant.type !== type || JSON.stringify(meant.default) !== JSON.stringify(standard)
            ? `type and default must be those of ${sameAs}`
            : null
    return message === null ? [] : [{ id, name, message }]
  })
}

type Shared = readonly [id: string, name: string, declaration: ParameterDeclaration & { readonly sameAs: string }]

function shared(controls: Controls): readonly Shared[] {
  return [...controls].flatMap(([id, { file }]) =>
    Object.entries(file.parameters).flatMap(([name, declaration]): Shared[] =>
      declaration.sameAs === undefined ? [] : [[id, name, { ...declaration, sameAs: declaration.sameAs }]],
    ),
  )
}
