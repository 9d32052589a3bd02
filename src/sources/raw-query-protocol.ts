import { AwsQueryProtocol, XmlShapeDeserializer } from '@aws-sdk/core/protocols'
import { NormalizedSchema } from '@smithy/core/schema'
import type { HandlerExecutionContext, HttpResponse, MetadataBearer, OperationSchema, SerdeFunctions } from '@smithy/types'
import { InvalidAnswer } from './raw-protocol.ts'
import { isWellFormed } from './well-formed.ts'

/**
 * AWS Query (IAM) without the SDK's reading of answers: members that the SDK's model does not know are kept as the text or
 * structure they came as, timestamps become RFC 3339 without empty milliseconds. Requests and errors stay the SDK's.
 */
export class RawQueryProtocol extends AwsQueryProtocol {
  override async deserializeResponse<Output extends MetadataBearer>(
    operation: OperationSchema,
    context: HandlerExecutionContext & SerdeFunctions,
    response: HttpResponse,
  ): Promise<Output> {
    if (response.statusCode >= 300) return super.deserializeResponse(operation, context, response)
    const bytes: Uint8Array = response.body instanceof Uint8Array ? response.body : await context.streamCollector(response.body)
    const unknown = new Set<string>()
    const { result, hasReferences } = resultOf(bytes, operation.name)
    const answer = readStruct(NormalizedSchema.of(operation.output), result, '', unknown)
    const $isIllFormed = hasReferences && !isWellFormed(answer)
    const { date } = response.headers
    const more = {
      ...{ $metadata: this.deserializeMetadata(response), $unknown: [...unknown], $isIllFormed },
      ...(date === undefined ? {} : { $date: date }),
    }
    return Object.assign(answer, more) as unknown as Output
  }
}

/** The SDK's own parser, without what it makes of the tree. */
class Tree extends XmlShapeDeserializer {
  constructor() {
    super({ xmlNamespace: '', serviceNamespace: '', timestampFormat: { useTrait: true, default: 5 } })
  }

  parse(text: string): unknown {
    return this.parseXml(text)
  }
}

const tree = new Tree()

/** `hasReferences`: only a character reference can bring what is no text. */
function resultOf(bytes: Uint8Array, operation: string): { readonly result: unknown; readonly hasReferences: boolean } {
  const name = `${operation.slice(operation.indexOf('#') + 1)}Result`
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    const root = tree.parse(text)
    if (isStruct(root) && name in root) return { result: root[name], hasReferences: text.includes('&#') }
    throw new Error(`no ${name} stands in it`)
  } catch (cause) {
    throw new InvalidAnswer(`AWS sent ${bytes.byteLength} bytes that are no answer: ${(cause as Error).message}`, { cause })
  }
}

type Struct = Record<string, unknown>

function read(schema: NormalizedSchema, value: unknown, path: string, unknown: Set<string>): unknown {
  if (schema.isListSchema()) {
    return elementsOf(value, 'member').map(each => read(schema.getValueSchema(), each, `${path}[]`, unknown))
  }
  if (schema.isMapSchema()) {
    const entries = elementsOf(value, 'entry').filter(isStruct)
    return Object.fromEntries(
      entries.map(entry => [String(entry.key), read(schema.getValueSchema(), entry.value, `${path}{}`, unknown)]),
    )
  }
  if (schema.isStructSchema()) return readStruct(schema, value, path, unknown)
  if (typeof value !== 'string') return value
  if (schema.isBooleanSchema()) return value === 'true' ? true : value === 'false' ? false : value
  if (schema.isNumericSchema()) return value !== '' && Number.isFinite(Number(value)) ? Number(value) : value
  if (schema.isTimestampSchema()) return instantOf(value)
  return value
}

/** Members in the order in which AWS sent them. */
function readStruct(schema: NormalizedSchema, value: unknown, path: string, unknown: Set<string>): Struct {
  const found: Struct = {}
  if (!isStruct(value)) return found
  const members = schema.isStructSchema() ? schema.getMemberSchemas() : {}
  for (const [name, inner] of Object.entries(value)) {
    const here = `${path}${path === '' ? '' : '.'}${name}`
    const member = Object.hasOwn(members, name) ? members[name] : undefined
    if (member === undefined) unknown.add(here)
    found[name] = member === undefined ? plain(inner) : read(member, inner, here, unknown)
  }
  return found
}

/** What no model describes: lists are told by their `member`s, everything else stays as it came. */
function plain(value: unknown): unknown {
  if (!isStruct(value)) return value
  const names = Object.keys(value)
  if (names.length === 1 && names[0] === 'member') return elementsOf(value, 'member').map(plain)
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
}

/** An empty list is an empty text in XML, one element stands alone. Anything else is none, and no empty one. */
function elementsOf(value: unknown, name: string): readonly unknown[] {
  if (typeof value === 'string' && value.trim() === '') return []
  if (!isStruct(value) || !(name in value)) throw new InvalidAnswer(`AWS sent a list without a ${name}`)
  const inner = value[name]
  return Array.isArray(inner) ? inner : [inner]
}

function instantOf(text: string): string {
  const time = new Date(text)
  return Number.isNaN(time.getTime()) ? text : time.toISOString().replace('.000Z', 'Z')
}

function isStruct(value: unknown): value is Struct {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
