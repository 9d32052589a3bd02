import { getEndpointFromInstructions } from '@smithy/core/endpoints'
import { type HttpRequest, type HttpResponse, toEndpointV1 } from '@smithy/core/transport'
import type { AwsCredentialIdentity, Endpoint, HandlerExecutionContext, OperationSchema, SerdeFunctions } from '@smithy/types'
import type { SharedHttpHandler } from './http-handler.ts'
import type { SdkClient, SdkCommand } from './service.ts'
import { SigV4 } from './sigv4.ts'

/** A clock that is wrong by more than this may be why a request was refused: AWS allows five minutes. */
const skewMs = 240_000

/** Where a client's requests go, and how they are signed. */
interface Destination {
  /** what the protocol writes and reads with */
  readonly context: HandlerExecutionContext & SerdeFunctions & { endpoint: () => Promise<Endpoint> }
  readonly host: string
  readonly userAgent: string
  readonly signer: SigV4
}

/**
 * The messages of one client of the SDK: it knows the endpoint, writes requests and reads answers and errors. What its middleware
 * does for each call anew is done here once (endpoint, user agent, key), or in one step (signing), for a quarter of the CPU.
 */
export class Wire {
  readonly #sdk: SdkClient
  readonly #credentials: () => Promise<AwsCredentialIdentity>
  readonly #handler: SharedHttpHandler
  readonly #operations = new WeakMap<object, OperationSchema>()
  #destination: Promise<Destination> | null = null
  /** how far AWS's clock is ahead of ours */
  #clockOffsetMs = 0

  constructor(sdk: SdkClient, credentials: () => Promise<AwsCredentialIdentity>, handler: SharedHttpHandler) {
    this.#sdk = sdk
    this.#credentials = credentials
    this.#handler = handler
  }

  /**
   * One attempt.
   * @returns the answer as the client's protocol reads it, with `$metadata`
   * @throws the SDK's error with `$metadata` and `$response`, and `clockSkewCorrected` where another attempt is signed for another time
   */
  async send(command: SdkCommand, abortSignal: AbortSignal): Promise<unknown> {
    const { protocol } = this.#sdk.config
    const { context, host, userAgent, signer } = await this.#destinationOf(command)
    const operation = this.#operationOf(command)
    const request = (await protocol.serializeRequest(operation, command.input, context)) as HttpRequest
    const credentials = await this.#credentials()
    const offsetMs = this.#clockOffsetMs
    const signed = {
      method: request.method,
      path: request.path,
      headers: { ...request.headers, host, 'user-agent': userAgent },
      body: (request.body ?? '') as string | Uint8Array,
    }
    request.headers = signer.sign(signed, credentials, new Date(Date.now() + offsetMs))
    const { response } = await this.#handler.handle(request, { abortSignal })
    this.#takeClock(response)
    try {
      return await protocol.deserializeResponse(operation, context, response)
    } catch (error) {
      throw told(error, response, Math.abs(this.#clockOffsetMs - offsetMs) >= skewMs)
    }
  }

  #operationOf({ schema }: SdkCommand): OperationSchema {
    const known = this.#operations.get(schema)
    if (known !== undefined) return known
    const [, namespace, name, traits, input, output] = schema
    const made: OperationSchema = { namespace, name, traits, input, output }
    this.#operations.set(schema, made)
    return made
  }

  #destinationOf(command: SdkCommand): Promise<Destination> {
    // of the services that are asked here, no operation has an endpoint of its own
    this.#destination ??= this.#resolve(command).catch((error: unknown) => {
      this.#destination = null
      throw error
    })
    return this.#destination
  }

  async #resolve(command: SdkCommand): Promise<Destination> {
    const { config } = this.#sdk
    const found = await getEndpointFromInstructions(command.input, command.constructor as never, { ...config } as never)
    const endpoint = toEndpointV1(found)
    const [rule] = found.properties?.authSchemes ?? []
    const region = rule?.signingRegion ?? (await config.region())
    const agent = [...(await config.defaultUserAgentProvider()), ...(config.customUserAgent ?? [])]
    return {
      context: Object.assign(Object.create(config), { endpoint: () => Promise.resolve(endpoint) }),
      host: found.url.host,
      userAgent: agent.map(wordOf).join(' '),
      signer: new SigV4(region, rule?.signingName ?? config.defaultSigningName),
    }
  }

  /** As the SDK does: an answer from a cache tells nothing of the time. */
  #takeClock({ headers }: HttpResponse): void {
    const at = headers.age === undefined ? Date.parse(headers.date ?? '') : Number.NaN
    if (!Number.isNaN(at)) this.#clockOffsetMs = at - Date.now()
  }
}

/** What an error is told with, as the SDK does it: hidden, so that no log shows a whole answer. */
function told(error: unknown, response: HttpResponse, clockSkewCorrected: boolean): unknown {
  if (!(error instanceof Error)) return error
  const { statusCode: httpStatusCode, headers } = response
  const known = (error as { $metadata?: object }).$metadata
  const $metadata = known ?? { httpStatusCode, requestId: headers['x-amzn-requestid'] ?? headers['x-amz-request-id'] }
  Object.defineProperty(error, '$response', { value: response, enumerable: false, configurable: true })
  return Object.assign(error, { $metadata: clockSkewCorrected ? { ...$metadata, clockSkewCorrected } : $metadata })
}

/** `aws-sdk-js/3.1`, `os/linux#5.10`: name and version, without characters that would end a word. */
function wordOf([name, version]: readonly [name: string, version?: string]): string {
  const word = version === undefined ? name : `${name}${name.includes('/') ? '#' : '/'}${version}`
  return word.replace(/[^!$%&'*+\-.^_`|~\w/#]/g, '-')
}
