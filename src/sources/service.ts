import type { HttpHandler } from '@smithy/core/protocols'
import type { AwsCredentialIdentityProvider, RetryStrategyV2 } from '@smithy/types'
import type { Dataset, Paging } from './dataset.ts'
import type { Partition } from './partitions.ts'
import type { RawProtocol } from './raw-protocol.ts'
import type { RawQueryProtocol } from './raw-query-protocol.ts'

/** What every client of the SDK is built with. */
export interface ClientConfig {
  readonly region: string
  readonly credentials: AwsCredentialIdentityProvider
  readonly requestHandler: HttpHandler
  readonly retryStrategy: RetryStrategyV2
  readonly protocol: typeof RawProtocol | typeof RawQueryProtocol
  readonly cacheMiddleware: true
  readonly endpoint?: string
  readonly useFipsEndpoint: boolean
  readonly useDualstackEndpoint: boolean
}

/** The part of an SDK client that is used here. */
export interface SdkClient {
  readonly middlewareStack: {
    remove(name: string): boolean
    add(middleware: never, options: { name: string; step: 'build' }): void
    addRelativeTo(middleware: never, options: { name: string; relation: 'after'; toMiddleware: string }): void
  }
  send(command: never): Promise<unknown>
}

/** A command of the SDK. */
export interface SdkCommand {
  readonly input: object
}

/** One service of AWS: how to reach it, how fast it may be asked, and the datasets it answers. */
export interface Service {
  /** IAM prefix: `sso`, `identitystore`, `organizations` */
  readonly name: string
  /** as in AWS_ENDPOINT_URL_<…> */
  readonly endpointName: string
  readonly open: (config: ClientConfig) => SdkClient
  /** where its requests are signed for */
  region(homeRegion: string, partition: Partition): string
  /** the budget an operation is charged to */
  budgetKey(operation: string): string
  /** documented calls a second */
  rate(operation: string): number
  /** true: AWS refuses a second call of an operation while one is under way */
  readonly isOneAtATime: boolean
  readonly paging: Paging
  /** whose budget it is: one for the organization, or one for each account that is read */
  readonly budgetScope: 'organization' | 'account'
  readonly datasets: readonly Dataset[]
}

/** How the JSON services page. */
export const jsonPaging: Paging = { size: 'MaxResults', token: 'NextToken', next: 'NextToken' }
