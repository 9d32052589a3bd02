import { ControlsError } from './controls-error.ts'
import { resourceTypes } from './schema.ts'

/**
 * The file of a control to start from. It loads, and its cases pass; everything in it is to be replaced.
 * @throws {ControlsError} UNKNOWN_RESOURCE
 */
export function newControl(id: string, resource: string): string {
  const type = resourceTypes[resource]
  if (type === undefined || type.populations.length === 0) {
    const known = Object.entries(resourceTypes).filter(([, { populations }]) => populations.length > 0)
    throw new ControlsError('UNKNOWN_RESOURCE', `no resource type ${resource}`, {
      hint: `one of ${known.map(([name]) => name).join(', ')}`,
    })
  }
  return `id: ${id}
version: 1.0.0
title: What is so when the control passes
severity: medium
resource: ${resource}
datasets: [${type.populations.join(', ')}]

parameters:
  exempt: { type: list, default: [], description: names that it is not about }

appliesTo: "!(${resource}.name in parameters.exempt)"
requirement: ${resource}.name != ''
message: >-
  ${resource}.name + ' is not as it should be'
facts:
  name: ${resource}.name

rationale: Why it matters.
remediation: The exact command, or the place in the console.

# evidenced controls test --control ${id} asks for at least one case each that expects pass, fail and unknown
cases: []
`
}
