import { makeBuilder } from '@smithy/core/client'
import { getEndpointPlugin } from '@smithy/core/endpoints'
import type { StaticOperationSchema, StaticStructureSchema } from '@smithy/types'
import type { Operation } from '../dataset.ts'

const space = 'com.amazonaws.identitystore'
const name = 'DescribeIdentityStore'
const [structure, operation, text, document] = [3, 9, 0, 15] as const

const question: StaticStructureSchema = [structure, space, `${name}Request`, 0, ['IdentityStoreId'], [text]]
const answer: StaticStructureSchema = [
  ...([structure, space, `${name}Response`, 0] as const),
  ['IdentityStoreId', 'IdentityStoreArn', 'NetworkConfiguration'],
  [text, text, document],
]
const schema: StaticOperationSchema = [operation, space, name, 0, question, answer]

const endpoint = {
  UseFIPS: { type: 'builtInParams', name: 'useFipsEndpoint' },
  Endpoint: { type: 'builtInParams', name: 'endpoint' },
  Region: { type: 'builtInParams', name: 'region' },
  UseDualStack: { type: 'builtInParams', name: 'useDualstackEndpoint' },
} as const

/**
 * What an identity store demands of the network that it is asked from. AWS has the operation and this version of its client has not: the
 * command is made as the client's own are.
 */
export const describeIdentityStore: Operation = {
  service: 'identitystore',
  name,
  command: makeBuilder(endpoint, 'AWSIdentityStore', 'IdentitystoreClient', getEndpointPlugin)(
    {},
    () => [],
    name,
    schema,
  ) as never,
}
