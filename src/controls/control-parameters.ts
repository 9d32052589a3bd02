import type { ParameterValue } from '../model.ts'
import type { Catalog } from './catalog.ts'

/** A parameter of a control, for people who set it. */
export interface ControlParameter {
  readonly name: string
  /** in force, by the configuration where it says so; overrides by source and tag stand beside it */
  readonly value: ParameterValue
  readonly default: ParameterValue
  readonly unit: string | null
  readonly description: string
  /** `CONTROL.parameter` whose configured value it takes while it has none of its own */
  readonly sameAs: string | null
}

/** The parameters of a control in the order of its file; none for a control that is not there. */
export function controlParameters(catalog: Catalog, id: string): readonly ControlParameter[] {
  const control = catalog.compiled.find(({ info }) => info.id === id)
  return Object.entries(control?.file.parameters ?? {}).map(([name, declared]) => ({
    name,
    value: control!.info.parameters[name]!,
    default: declared.default,
    unit: declared.unit ?? null,
    description: declared.description,
    sameAs: declared.sameAs ?? null,
  }))
}
