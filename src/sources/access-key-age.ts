import { ListAccessKeysCommand } from '@aws-sdk/client-iam'
import type { Facts } from '../model.ts'
import { Client, newTally } from './client.ts'
import { baseProvider } from './credentials.ts'
import { Governors } from './governors.ts'
import type { RawAnswer } from './raw-protocol.ts'
import { serviceNamed } from './services.ts'
import type { Session } from './session.ts'
import { troubleOf } from './trouble.ts'

const dayMs = 24 * 3_600_000

export interface KeyAge {
  readonly createdAt: Date
  /** whole days, by AWS's clock */
  readonly days: number
}

/**
 * How old the long-term access key is that this process signs with: IAM tells a user of its own keys where no name is given. Its age is taken
 * to the Date of that answer, not to the clock of this machine.
 * @returns in words why it is not known
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html
 */
export async function ageOfAccessKey(session: Session): Promise<KeyAge | string> {
  const { way, source, partition, signal } = session
  const iam = serviceNamed('iam')
  const governors = new Governors(way.budget, source)
  const credentials = baseProvider(way)
  const client = new Client(way, {
    ...{ open: iam.open, endpointName: iam.endpointName, region: partition.iamRegion, tries: 2, signal },
    credentials: () => credentials(),
    governor: name => governors.of('caller', iam.budgetKey(name), iam.rate(name)),
  })
  try {
    const { accessKeyId } = await credentials()
    const answer = (await client.send(new ListAccessKeysCommand({}), newTally())) as RawAnswer
    const listed = Array.isArray(answer.AccessKeyMetadata) ? (answer.AccessKeyMetadata as readonly Facts[]) : []
    const key = listed.find(each => each.AccessKeyId === accessKeyId)
    const createdAt = new Date(String(key?.CreateDate))
    const now = new Date(answer.$date ?? Number.NaN)
    if (Number.isNaN(createdAt.getTime()) || Number.isNaN(now.getTime())) return 'iam:ListAccessKeys does not show it'
    return { createdAt, days: Math.floor((now.getTime() - createdAt.getTime()) / dayMs) }
  } catch (error) {
    const trouble = troubleOf(error)
    if (trouble === null) throw error
    return `iam:ListAccessKeys was answered with ${trouble.code}`
  } finally {
    governors.close(signal.reason)
  }
}
