import type { HttpRequest, HttpResponse } from '@smithy/core/transport'
import type { AwsCredentialIdentity } from '@smithy/types'
import type { Governor } from './governor.ts'
import { RawProtocol } from './raw-protocol.ts'
import { retryStrategy } from './retry.ts'
import type { ClientConfig, SdkClient, SdkCommand } from './service.ts'
import { troubleOf } from './trouble.ts'
import type { Way } from './way.ts'

/** What the attempts of one command came to. */
export interface Tally {
  attempts: number
  throttles: number
  /** time AWS took, waiting for a slot left out */
  ms: number
  /** of the first attempt */
  at: Date | null
  /** Date header of the answer */
  date: string | null
}

export interface ClientOptions {
  readonly open: (config: ClientConfig) => SdkClient
  readonly endpointName: string
  readonly region: string
  readonly credentials: () => Promise<AwsCredentialIdentity>
  /** the governor of a command, by its operation */
  readonly governor: (operation: string) => Governor
  readonly tries?: number
  /** ends what waits or is under way */
  readonly signal: AbortSignal
}

/** One client of the SDK with our pacing, retries and reading of answers. */
export class Client {
  readonly #sdk: SdkClient
  /** by the input of a command, which is an object of its own */
  readonly #tallies = new WeakMap<object, Tally>()

  constructor(way: Way, options: ClientOptions) {
    const endpoint = endpointOf(way.environment, options.endpointName)
    const { signal } = options
    this.#sdk = options.open({
      region: options.region,
      // marked so that the SDK asks every time: renewal is ours
      credentials: Object.assign(options.credentials, { memoized: true }),
      requestHandler: way.handler.until(signal),
      retryStrategy: retryStrategy({
        deadlineMs: way.retryDeadlineMs,
        signal,
        ...(options.tries === undefined ? {} : { tries: options.tries }),
      }),
      protocol: RawProtocol,
      // one stack for all calls of an operation, which asks that no option is given to a call
      cacheMiddleware: true,
      // of the environment that was handed in, as the SDK reads them of its own
      useFipsEndpoint: way.environment.AWS_USE_FIPS_ENDPOINT === 'true',
      useDualstackEndpoint: way.environment.AWS_USE_DUALSTACK_ENDPOINT === 'true',
      ...(endpoint === null ? {} : { endpoint }),
    })
    const { middlewareStack } = this.#sdk
    // the logger walks every answer although nothing is logged
    for (const unused of ['loggerMiddleware', 'recursionDetectionMiddleware', 'getUserAgentMiddleware'])
      middlewareStack.remove(unused)
    middlewareStack.add(named(`evidenced/${way.softwareVersion}`) as never, { name: 'userAgent', step: 'build' })
    // after retrying is per attempt, and still before signing: a request that waited for minutes must not carry a stale signature
    middlewareStack.addRelativeTo(this.#paced(options.governor, way.now) as never, {
      name: 'governor',
      relation: 'after',
      toMiddleware: 'retryMiddleware',
    })
  }

  /** Sends one command, whose input no other has; the tally is filled whether it is answered or not. */
  async send(command: SdkCommand, tally: Tally): Promise<unknown> {
    this.#tallies.set(command.input, tally)
    return await this.#sdk.send(command as never)
  }

  #paced(governorOf: (operation: string) => Governor, now: () => Date) {
    return (next: Next, context: { readonly commandName?: string }): Next => {
      const operation = (context.commandName ?? '').replace(/Command$/, '')
      return async args => {
        const tally = this.#tallies.get(args.input) ?? newTally()
        const governor = governorOf(operation)
        await governor.take()
        tally.at ??= now()
        tally.attempts++
        const startedAt = performance.now()
        try {
          const result = await next(args)
          governor.succeeded()
          tally.date = result.response.headers.date ?? null
          return result
        } catch (error) {
          const trouble = troubleOf(error)
          if (trouble?.kind === 'throttled') {
            tally.throttles++
            governor.throttled(trouble.retryAfterSeconds)
          }
          throw error
        } finally {
          tally.ms += performance.now() - startedAt
        }
      }
    }
  }
}

type Next = (args: { readonly input: object; readonly request: HttpRequest }) => Promise<{ readonly response: HttpResponse }>

/** The SDK's own middleware puts the name together anew for every call. */
function named(userAgent: string) {
  return (next: Next): Next =>
    args => {
      args.request.headers['user-agent'] = userAgent
      return next(args)
    }
}

export function newTally(): Tally {
  return { attempts: 0, throttles: 0, ms: 0, at: null, date: null }
}

/** AWS_ENDPOINT_URL_<SERVICE>, else AWS_ENDPOINT_URL; null leaves the choice to the SDK. */
function endpointOf(environment: NodeJS.ProcessEnv, service: string): string | null {
  if (environment.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS === 'true') return null
  return environment[`AWS_ENDPOINT_URL_${service}`] || environment.AWS_ENDPOINT_URL || null
}
