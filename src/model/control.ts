/** How much a fail of a control matters. */
export type Severity = 'critical' | 'high' | 'medium' | 'low'
/** What a control says of a subject. `unknown`: something needed for the answer could not be read; it is never counted as pass. */
export type Status = 'pass' | 'fail' | 'unknown' | 'not_applicable'
/** What a parameter of a control may be set to. */
export type ParameterValue = boolean | number | string | readonly string[]
/** Values by name of the parameter. */
export type ParameterValues = { readonly [name: string]: ParameterValue }

/**
 * Parameter values for where all conditions that are not null hold. By tag outranks by source, by source outranks by profile; of two of
 * one rank the later wins.
 */
export interface ParameterOverride {
  /** label of a source */
  readonly source: string | null
  /** tags of the account that a subject is, lies in or gives access to; all of them */
  readonly tag: { readonly [key: string]: string } | null
  /** framework whose parameter profile is in force */
  readonly profile: string | null
  /** by control id */
  readonly parameters: { readonly [controlId: string]: ParameterValues }
}

/** What people and reports need to know of a control; the compiled form stays in the controls room. */
export interface ControlInfo {
  readonly id: string
  readonly version: string
  readonly title: string
  readonly severity: Severity
  /** what it judges: `user`, `group`, `permissionSet`, `account`, `assignment`, … */
  readonly resource: string
  readonly datasets: readonly string[]
  readonly rationale: string
  readonly remediation: string
  readonly references: readonly string[]
  /** the declarative text, for the auditor */
  readonly appliesTo: string
  readonly requirement: string
  /** as they are for the source that was judged */
  readonly parameters: ParameterValues
  /** what replaces them for subjects of accounts with these tags, in the order in which they apply; left out: nothing */
  readonly parametersByTag?: readonly {
    readonly tag: { readonly [key: string]: string }
    readonly parameters: ParameterValues
  }[]
  /** of the control's file without cases and without parameter overrides */
  readonly digest: string
}

/** One requirement of a framework, and the controls that speak to it: as a `public` mapping says, or by our own `judgement`. */
export interface Requirement {
  readonly id: string
  /** our own label where the framework's text is protected */
  readonly label: string
  readonly controls: readonly { readonly id: string; readonly basis: 'public' | 'judgement' }[]
}

/** What auditors ask for, as a list of requirements that name controls. */
export interface Framework {
  readonly id: string
  readonly name: string
  readonly version: string
  readonly publisher: string
  readonly licence: string
  readonly source: string
  /** parameter values by control id that the framework asks for; in force when the configuration chooses its profile */
  readonly profile?: { readonly [controlId: string]: ParameterValues }
  readonly requirements: readonly Requirement[]
  readonly digest: string
}
