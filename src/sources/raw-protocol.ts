import { AwsJson1_1Protocol } from '@aws-sdk/core/protocols'
import type { HandlerExecutionContext, HttpResponse, MetadataBearer, OperationSchema, SerdeFunctions } from '@smithy/types'
import { normalise } from './answer-shape.ts'
import { isWellFormed } from './well-formed.ts'

/** An answer that is not what the protocol says: cut off, not JSON, not an object. Worth another try, never an empty list. */
export class InvalidAnswer extends Error {
  override readonly name = 'InvalidAnswer'
}

/** What AWS sent, with the SDK's `$metadata` and the members that neither we nor the SDK know. */
export type RawAnswer = MetadataBearer & {
  readonly [member: string]: unknown
  readonly $unknown: readonly string[]
  /** a lone surrogate stands somewhere in it */
  readonly $isIllFormed: boolean
  /** the Date header, which IAM's answers are read with */
  readonly $date?: string
}

/**
 * AWS JSON 1.1 without the SDK's reading of answers: the body is parsed once, members that the SDK's model does not know
 * are kept, timestamps become RFC 3339. Requests and errors stay the SDK's.
 */
export class RawProtocol extends AwsJson1_1Protocol {
  override async deserializeResponse<Output extends MetadataBearer>(
    operation: OperationSchema,
    context: HandlerExecutionContext & SerdeFunctions,
    response: HttpResponse,
  ): Promise<Output> {
    if (this.isErrorResponse(response.statusCode)) return super.deserializeResponse(operation, context, response)
    const bytes: Uint8Array = response.body instanceof Uint8Array ? response.body : await context.streamCollector(response.body)
    const { answer, $isIllFormed } = parse(bytes)
    const $unknown = normalise(operation.output, answer)
    return Object.assign(answer, { $metadata: this.deserializeMetadata(response), $unknown, $isIllFormed }) as unknown as Output
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function parse(bytes: Uint8Array): { readonly answer: Record<string, unknown>; readonly $isIllFormed: boolean } {
  let value: unknown
  let $isIllFormed = false
  try {
    const text = utf8.decode(bytes)
    value = JSON.parse(text)
    $isIllFormed = text.includes('\\u') && /\\ud[89a-f]/i.test(text) && !isWellFormed(value)
  } catch (cause) {
    throw new InvalidAnswer(`AWS sent ${bytes.byteLength} bytes that are no JSON: ${(cause as Error).message}`, { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InvalidAnswer('AWS sent JSON that is no object')
  return { answer: value as Record<string, unknown>, $isIllFormed }
}
