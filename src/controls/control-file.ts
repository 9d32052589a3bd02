import type { Exception } from '../model.ts'
import { collectedDatasets, datasets } from './datasets.ts'
import { resourceTypes } from './schema.ts'

/** A control as its file says it, parsed and checked against `controlSchema`. */
export interface ControlFile {
  readonly id: string
  readonly version: string
  readonly title: string
  readonly severity: 'critical' | 'high' | 'medium' | 'low'
  readonly resource: string
  readonly datasets: readonly string[]
  readonly parameters: { readonly [name: string]: ParameterDeclaration }
  readonly appliesTo: string
  readonly requirement: string
  readonly message: string
  /** what to show beside a result: label and expression */
  readonly facts: { readonly [label: string]: string }
  readonly rationale: string
  readonly remediation: string
  readonly references: readonly string[]
  readonly cases: readonly ControlCase[]
}

export interface ParameterDeclaration {
  readonly type: 'number' | 'text' | 'boolean' | 'list'
  readonly default: number | string | boolean | readonly string[]
  readonly unit?: string
  /** the only texts that it may be, or hold as a list */
  readonly oneOf?: readonly string[]
  /** regular expression that its text, or each of its list, must match */
  readonly pattern?: string
  /** a number above it is a mistake, such as per cent for a share */
  readonly atMost?: number
  /** `CONTROL.parameter` whose configured value it takes while it has none of its own */
  readonly sameAs?: string
  readonly description: string
}

/** A small estate, and what the control must say of one subject in it. */
export interface ControlCase {
  readonly name: string
  readonly asOf: string
  /** overrides of the control's parameters */
  readonly parameters: { readonly [name: string]: number | string | boolean | readonly string[] }
  /** rows by dataset, in AWS's spelling, with `firstSeenAt`, `seenFromTheStart`, `since` and `earlier` where they matter */
  readonly estate: { readonly [dataset: string]: readonly CaseRow[] }
  readonly gaps: readonly CaseGap[]
  /** of datasets that were not simply read to their end, and of which no gap tells */
  readonly coverage: { readonly [dataset: string]: CaseCoverage }
  /** ARNs of who asked */
  readonly callers: readonly string[]
  /** the snapshots that are kept; null: nobody looked */
  readonly kept: CaseKept | null
  /** the register of exceptions; null: nobody looked */
  readonly exceptions: readonly CaseException[] | null
  /** snapshots before it, oldest first */
  readonly earlier: readonly EarlierCase[]
  /** key of the resource, or name of the dataset for a population that could not be listed */
  readonly subject: string
  readonly expect: 'pass' | 'fail' | 'unknown' | 'not_applicable'
  /** a part of the reason that must be there */
  readonly says: string | null
}

export interface CaseKept {
  readonly verifiedAt: string | null
  readonly snapshots: readonly { readonly version: number; readonly sealedAt: string; readonly problems: readonly string[] }[]
}

export interface CaseException
  extends Pick<Exception, 'id' | 'controls' | 'reason' | 'requestedBy' | 'approvedBy' | 'approvedAt' | 'expiresAt'> {
  readonly subjects: readonly string[] | null
  readonly match: Exception['scope']['match']
  readonly when: string | null
}

/** An earlier snapshot of a case: datasets that it does not name were as they are now. */
export interface EarlierCase {
  readonly at: string
  readonly estate: ControlCase['estate']
  /** datasets, or parts of them, that it could not read */
  readonly gaps: readonly { readonly dataset: string; readonly parent: string }[]
}

const caseCoverages = ['complete_with_changes', 'not_enabled', 'not_applicable', 'not_collectable'] as const

/** Refused and incomplete are told by gaps. */
export type CaseCoverage = (typeof caseCoverages)[number]

export type CaseRow = { readonly [member: string]: unknown }

export interface CaseGap {
  readonly dataset: string
  readonly parent: string
  readonly key: string | null
  readonly member: string | null
  readonly reason: string
  /** for datasets of IAM, where neither key nor parent names the account */
  readonly account: string | null
}

const sentence = { type: 'string', minLength: 1 }
const expression = { type: 'string', minLength: 1, maxLength: 4000 }
const instant = {
  type: 'string',
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$',
  description: 'RFC 3339 in UTC, e.g. 2026-03-01T00:00:00Z',
}
/** any value: parameters are checked against their declaration */
const value = {}
const camelCase = '^[a-z][A-Za-z0-9]*$'

/** Every reason a gap may have. */
const gapReasons = [
  'access_denied',
  'throttled',
  'server_error',
  'timeout',
  'network',
  'page_token',
  'credentials_expired',
  'encryption_key',
  'unsupported',
  'invalid_answer',
  'directory_not_listable',
  'still_exists',
  'unconfirmed_drop',
  'unconfirmed_empty',
  'external_id_not_demanded',
  'parent_not_read',
  'withheld',
  'not_sent',
  'not_collected',
  'disposed',
]

const estateSchema = {
  type: 'object',
  default: {},
  additionalProperties: false,
  properties: Object.fromEntries(Object.keys(datasets).map(name => [name, { type: 'array', items: { type: 'object' } }])),
}

const caseSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'subject', 'expect'],
  properties: {
    name: sentence,
    asOf: { ...instant, default: '2026-03-01T00:00:00Z' },
    parameters: { type: 'object', default: {}, propertyNames: { pattern: camelCase }, additionalProperties: value },
    estate: estateSchema,
    callers: { type: 'array', default: [], items: sentence },
    kept: {
      type: 'object',
      nullable: true,
      default: null,
      additionalProperties: false,
      required: ['snapshots'],
      properties: {
        verifiedAt: { ...instant, nullable: true, default: null },
        snapshots: {
          type: 'array',
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['version', 'sealedAt'],
            properties: {
              version: { type: 'integer' },
              sealedAt: instant,
              problems: { type: 'array', default: [], items: sentence },
            },
          },
        },
      },
    },
    exceptions: {
      type: 'array',
      nullable: true,
      default: null,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['id', 'controls', 'expiresAt'],
        properties: {
          id: sentence,
          controls: { type: 'array', items: sentence },
          subjects: { type: 'array', nullable: true, default: null, items: sentence },
          match: { type: 'object', nullable: true, default: null, additionalProperties: { type: 'array', items: sentence } },
          when: { type: 'string', nullable: true, default: null },
          reason: { type: 'string', default: '' },
          requestedBy: { type: 'string', default: '' },
          approvedBy: { type: 'string', nullable: true, default: null },
          approvedAt: { ...instant, nullable: true, default: null },
          expiresAt: instant,
        },
      },
    },
    earlier: {
      type: 'array',
      default: [],
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['at'],
        properties: {
          at: instant,
          estate: estateSchema,
          gaps: {
            type: 'array',
            default: [],
            items: {
              type: 'object',
              additionalProperties: false,
              required: ['dataset'],
              properties: { dataset: { enum: Object.keys(datasets) }, parent: { type: 'string', default: '' } },
            },
          },
        },
      },
    },
    gaps: {
      type: 'array',
      default: [],
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['dataset'],
        properties: {
          dataset: { enum: Object.keys(datasets) },
          parent: { type: 'string', default: '' },
          key: { type: 'string', nullable: true, default: null },
          member: { type: 'string', nullable: true, default: null },
          account: { type: 'string', nullable: true, default: null },
          reason: { enum: gapReasons, default: 'access_denied' },
        },
      },
    },
    coverage: {
      type: 'object',
      default: {},
      additionalProperties: false,
      properties: Object.fromEntries(collectedDatasets.map(name => [name, { enum: caseCoverages }])),
    },
    subject: sentence,
    expect: { enum: ['pass', 'fail', 'unknown', 'not_applicable'] },
    says: { type: 'string', nullable: true, default: null },
  },
}

/** JSON Schema (2020-12) of a control's file. */
export const controlSchema: object = {
  type: 'object',
  additionalProperties: false,
  required: [
    'id',
    'version',
    'title',
    'severity',
    'resource',
    'datasets',
    'requirement',
    'message',
    'rationale',
    'remediation',
    'cases',
  ],
  properties: {
    id: {
      type: 'string',
      pattern: '^[A-Z][A-Z0-9]*(-[A-Z0-9]+)+$',
      description: 'capital letters, digits and dashes, e.g. IDC-USER-001; never used again',
    },
    version: { type: 'string', pattern: '^\\d+\\.\\d+\\.\\d+$', description: 'three numbers, e.g. "1.0.0"' },
    title: { ...sentence, maxLength: 120, description: 'what is so when the control passes' },
    severity: { enum: ['critical', 'high', 'medium', 'low'] },
    resource: { enum: Object.keys(resourceTypes), description: 'what it judges, one result each' },
    datasets: {
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      items: { enum: Object.keys(datasets) },
      description: 'what it reads',
    },
    parameters: {
      type: 'object',
      default: {},
      propertyNames: { pattern: camelCase },
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        required: ['type', 'default', 'description'],
        properties: {
          type: { enum: ['number', 'text', 'boolean', 'list'] },
          default: value,
          unit: { type: 'string' },
          oneOf: { type: 'array', minItems: 1, items: { type: 'string' } },
          pattern: { type: 'string' },
          atMost: { type: 'number' },
          sameAs: { type: 'string', pattern: '^[A-Z][A-Z0-9]*(-[A-Z0-9]+)+\\.[a-z][A-Za-z0-9]*$' },
          description: sentence,
        },
      },
    },
    appliesTo: { ...expression, default: 'true', description: 'which of them it is about; the others are not applicable' },
    requirement: { ...expression, description: 'what must be so' },
    message: { ...expression, description: 'an expression that gives a text: what was found on this resource' },
    facts: {
      type: 'object',
      default: {},
      additionalProperties: expression,
      description: 'label and expression of what is shown beside a result',
    },
    rationale: { ...sentence, description: 'why it matters' },
    remediation: { ...sentence, description: 'the exact command, or the place in the console' },
    references: { type: 'array', default: [], items: { type: 'string', pattern: '^https://' } },
    cases: { type: 'array', items: caseSchema, description: 'at least one each for pass, fail and unknown' },
  },
}
