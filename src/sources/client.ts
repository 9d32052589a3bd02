import { setTimeout as pause } from 'node:timers/promises'
import type { AwsCredentialIdentity } from '@smithy/types'
import type { Governor } from './governor.ts'
import { RawProtocol } from './raw-protocol.ts'
import { retryDelayMs } from './retry.ts'
import type { ClientConfig, SdkClient, SdkCommand } from './service.ts'
import { troubleOf } from './trouble.ts'
import type { Way } from './way.ts'
import { Wire } from './wire.ts'

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
  readonly open: (config: ClientConfig) => unknown
  readonly endpointName: string
  readonly region: string
  readonly credentials: () => Promise<AwsCredentialIdentity>
  /** the governor of a command, by its operation */
  readonly governor: (operation: string) => Governor
  readonly tries?: number
}

/** One client of the SDK with our pacing, retries and reading of answers. */
export class Client {
  readonly #way: Way
  readonly #options: ClientOptions
  readonly #wire: Wire

  constructor(way: Way, options: ClientOptions) {
    const endpoint = endpointOf(way.environment, options.endpointName)
    const sdk = options.open({
      region: options.region,
      credentials: options.credentials,
      requestHandler: way.handler,
      protocol: RawProtocol,
      // of the environment that was handed in, as the SDK reads them of its own
      useFipsEndpoint: way.environment.AWS_USE_FIPS_ENDPOINT === 'true',
      useDualstackEndpoint: way.environment.AWS_USE_DUALSTACK_ENDPOINT === 'true',
      customUserAgent: [['evidenced', way.softwareVersion]],
      ...(endpoint === null ? {} : { endpoint }),
    })
    this.#way = way
    this.#options = options
    this.#wire = new Wire(sdk as SdkClient, options.credentials, way.handler)
  }

  /**
   * Sends one command until it is answered, or another attempt would not help; the tally is filled whether it is answered or not.
   * Each attempt waits for its slot before it is signed: a request that waited for minutes must not carry a stale signature.
   * @throws the error of the last attempt
   */
  async send(command: object, tally: Tally, abortSignal: AbortSignal): Promise<unknown> {
    const { now, retryDeadlineMs } = this.#way
    const asked = command as SdkCommand
    const governor = this.#options.governor(asked.schema[2])
    const deadline = performance.now() + retryDeadlineMs
    for (let count = 1; ; count++) {
      await governor.take()
      tally.at ??= now()
      tally.attempts++
      const startedAt = performance.now()
      let delayMs: number | null
      try {
        const answer = await this.#wire.send(asked, abortSignal)
        governor.succeeded()
        return answer
      } catch (error) {
        const trouble = troubleOf(error)
        if (trouble?.kind === 'throttled') {
          tally.throttles++
          governor.throttled(trouble.retryAfterSeconds)
        }
        delayMs = trouble === null ? null : retryDelayMs(trouble, count, this.#options.tries)
        if (delayMs === null || performance.now() + delayMs > deadline) throw error
      } finally {
        tally.ms += performance.now() - startedAt
      }
      if (delayMs > 0) await pause(delayMs, undefined, { signal: abortSignal })
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
