import { digestOf } from '../digest.ts'
import type { Framework, Json } from '../model.ts'

/** JSON Schema (2020-12) of a framework's file. */
export const frameworkSchema: object = {
  type: 'object',
  additionalProperties: false,
  required: ['id', 'name', 'version', 'publisher', 'licence', 'source', 'requirements'],
  properties: {
    id: { type: 'string', pattern: '^[a-z][a-z0-9-]*$', description: 'lower-case letters, digits and dashes, e.g. soc2' },
    name: { type: 'string', minLength: 1 },
    version: { type: 'string', minLength: 1 },
    publisher: { type: 'string', minLength: 1 },
    licence: { type: 'string', minLength: 1, description: 'what may be shown of its text' },
    source: { type: 'string', minLength: 1, description: 'where the text and the mapping come from' },
    profile: {
      type: 'object',
      additionalProperties: { type: 'object' },
      description: 'values by control id that the framework asks for instead of the defaults',
    },
    requirements: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['id', 'label'],
        properties: {
          id: { type: 'string', minLength: 1 },
          label: { type: 'string', minLength: 1, description: 'our own words where the text is protected' },
          public: { $ref: '#/$defs/controls', description: 'controls whose mapping rests on a public source' },
          judgement: { $ref: '#/$defs/controls', description: 'controls whose mapping is our own judgement' },
        },
      },
    },
  },
  $defs: { controls: { type: 'array', uniqueItems: true, items: { type: 'string', minLength: 1 } } },
}

export interface FrameworkFile extends Omit<Framework, 'requirements' | 'digest'> {
  readonly requirements: readonly {
    readonly id: string
    readonly label: string
    readonly public?: readonly string[]
    readonly judgement?: readonly string[]
  }[]
}

/** Controls of a requirement come in the order of their ids, whatever their basis. */
export function frameworkOf(file: FrameworkFile): Framework {
  const requirements = file.requirements.map(({ id, label, public: shown = [], judgement = [] }) => ({
    id,
    label,
    controls: [
      ...shown.map(control => ({ id: control, basis: 'public' as const })),
      ...judgement.map(control => ({ id: control, basis: 'judgement' as const })),
    ].sort((a, b) => (a.id < b.id ? -1 : 1)),
  }))
  return { ...file, requirements, digest: digestOf(file as unknown as Json) }
}
