import { SourcesError } from './sources-error.ts'

/** What is fixed per partition: where Organizations answers, and the Regions where an instance may live. */
export interface Partition {
  readonly name: string
  readonly organizationsRegion: string
  /** what requests to the partition's one IAM endpoint are signed for */
  readonly iamRegion: string
  /** where STS cannot be switched off */
  readonly stsRegion: string
  readonly regions: readonly string[]
}

/** From the SDK's endpoint rules (aws-sdk 3.1169, 2026-09); Regions where IAM Identity Center is offered or may be. */
const partitions: readonly Partition[] = [
  {
    name: 'aws',
    organizationsRegion: 'us-east-1',
    iamRegion: 'us-east-1',
    stsRegion: 'us-east-1',
    regions: [
      'us-east-1',
      'us-east-2',
      'us-west-1',
      'us-west-2',
      'eu-west-1',
      'eu-west-2',
      'eu-west-3',
      'eu-central-1',
      'eu-central-2',
      'eu-north-1',
      'eu-south-1',
      'eu-south-2',
      'ap-northeast-1',
      'ap-northeast-2',
      'ap-northeast-3',
      'ap-southeast-1',
      'ap-southeast-2',
      'ap-southeast-3',
      'ap-southeast-4',
      'ap-southeast-5',
      'ap-southeast-7',
      'ap-south-1',
      'ap-south-2',
      'ap-east-1',
      'ca-central-1',
      'ca-west-1',
      'sa-east-1',
      'af-south-1',
      'il-central-1',
      'me-south-1',
      'me-central-1',
      'mx-central-1',
    ],
  },
  {
    name: 'aws-us-gov',
    organizationsRegion: 'us-gov-west-1',
    iamRegion: 'us-gov-west-1',
    stsRegion: 'us-gov-west-1',
    regions: ['us-gov-west-1', 'us-gov-east-1'],
  },
  {
    name: 'aws-cn',
    organizationsRegion: 'cn-northwest-1',
    iamRegion: 'cn-north-1',
    stsRegion: 'cn-north-1',
    regions: ['cn-north-1', 'cn-northwest-1'],
  },
  {
    name: 'aws-eusc',
    organizationsRegion: 'eusc-de-east-1',
    iamRegion: 'eusc-de-east-1',
    stsRegion: 'eusc-de-east-1',
    regions: ['eusc-de-east-1'],
  },
]

/** The partitions that can be collected. */
export const partitionNames: readonly string[] = partitions.map(partition => partition.name)

/** @throws {SourcesError} UNKNOWN_PARTITION */
export function partitionNamed(name: string): Partition {
  const partition = partitions.find(each => each.name === name)
  if (partition !== undefined) return partition
  const hint = `configure one of ${partitions.map(each => each.name).join(', ')}`
  throw new SourcesError('UNKNOWN_PARTITION', `partition ${name} is not known`, { hint })
}

/** The partition an ARN stands in: `aws-cn` of `arn:aws-cn:iam::…`. */
export function partitionOf(arn: string): string {
  return arn.split(':')[1] ?? ''
}
