import { nearest } from '../document.ts'
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

/** Parameters whose `sameAs` names none of the catalog, or one that is another kind of value. */
export function wrongShared(
  controls: Controls,
): readonly { readonly id: string; readonly name: string; readonly message: string; readonly hint: string | null }[] {
  return shared(controls).flatMap(([id, name, { sameAs, type, default: standard }]) => {
    const [other, theirs] = sameAs.split('.') as [string, string]
    const report = (message: string, hint: string | null = null) => [{ id, name, message, hint }]
    const file = controls.get(other)?.file
    if (file === undefined) {
      const near = nearest(other, controls.keys())
      return report(`no control ${other}`, near === null ? 'see `evidenced controls list`' : `did you mean ${near}.${theirs}?`)
    }
    const meant = file.parameters[theirs]
    if (meant === undefined) {
      const near = nearest(theirs, Object.keys(file.parameters))
      return report(`control ${other} has no parameter ${theirs}`, near === null ? null : `did you mean ${other}.${near}?`)
    }
    if (meant.sameAs !== undefined) return report(`${sameAs} is the same as ${meant.sameAs} itself: name that`)
    if (meant.type !== type || JSON.stringify(meant.default) !== JSON.stringify(standard))
      return report(`type and default must be those of ${sameAs}`)
    return []
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
