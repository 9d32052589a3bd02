import type { AwsCredentialIdentity } from '@smithy/types'
import type { Governor } from './governor.ts'
import { RawProtocol } from './raw-protocol.ts'
import { retryStrategy } from './retry.ts'
import type { ClientConfig, SdkClient } from './service.ts'
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
}

export interface ClientOptions {
  readonly open: (config: ClientConfig) => SdkClient
  readonly endpointName: string
  readonly region: string
  readonly credentials: () => Promise<AwsCredentialIdentity>
  /** the governor of a command, by its operation */
  readonly governor: (operation: string) => Governor
  readonly tries?: number
}

/** One client of the SDK with our pacing, retries and reading of answers. */
export class Client {
  readonly #sdk: SdkClient
  readonly #tallies = new WeakMap<object, Tally>()

  constructor(way: Way, options: ClientOptions) {
    const endpoint = endpointOf(way.environment, options.endpointName)
    this.#sdk = options.open({
      region: options.region,
      // marked so that the SDK asks every time: renewal is ours
      credentials: Object.assign(options.credentials, { memoized: true }),
      requestHandler: way.handler,
      retryStrategy: retryStrategy({
        deadlineMs: way.retryDeadlineMs,
        ...(options.tries === undefined ? {} : { tries: options.tries }),
      }),
      protocol: RawProtocol,
      // of the environment that was handed in, as the SDK reads them of its own
      useFipsEndpoint: way.environment.AWS_USE_FIPS_ENDPOINT === 'true',
      useDualstackEndpoint: way.environment.AWS_USE_DUALSTACK_ENDPOINT === 'true',
      customUserAgent: [['evidenced', way.softwareVersion]],
      ...(endpoint === null ? {} : { endpoint }),
    })
    // the logger walks every answer although nothing is logged
    this.#sdk.middlewareStack.remove('loggerMiddleware')
    this.#sdk.middlewareStack.remove('recursionDetectionMiddleware')
    // after retrying is per attempt, and still before signing: a request that waited for minutes must not carry a stale signature
    const middleware = this.#paced(options.governor, way.now)
    this.#sdk.middlewareStack.addRelativeTo(middleware as never, {
      name: 'governor',
      relation: 'after',
      toMiddleware: 'retryMiddleware',
    })
  }

  /** Sends one command; the tally is filled whether it is answered or not. */
  async send(command: object, tally: Tally, abortSignal: AbortSignal): Promise<unknown> {
    this.#tallies.set(command, tally)
    return await this.#sdk.send(command as never, { abortSignal })
  }

  #paced(governorOf: (operation: string) => Governor, now: () => Date) {
    type Context = { commandName?: string; __smithy_context?: { commandInstance?: object } }
    return (next: (args: unknown) => Promise<unknown>, context: Context) => {
      const governor = governorOf((context.commandName ?? '').replace(/Command$/, ''))
      const command = context.__smithy_context?.commandInstance
      const tally = (command === undefined ? undefined : this.#tallies.get(command)) ?? newTally()
      return async (args: unknown) => {
        await governor.take()
        tally.at ??= now()
        tally.attempts++
        const startedAt = performance.now()
        try {
          const result = await next(args)
          governor.succeeded()
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

export function newTally(): Tally {
  return { attempts: 0, throttles: 0, ms: 0, at: null }
}

/** AWS_ENDPOINT_URL_<SERVICE>, else AWS_ENDPOINT_URL; null leaves the choice to the SDK. */
function endpointOf(environment: NodeJS.ProcessEnv, service: string): string | null {
  if (environment.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS === 'true') return null
  return environment[`AWS_ENDPOINT_URL_${service}`] || environment.AWS_ENDPOINT_URL || null
}
