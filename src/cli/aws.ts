import type { Command } from 'commander'
import { accountPolicy, requiredPolicy, trustPolicy } from '../sources/index.ts'
import { addCommand, type CommonOptions, configOf, type Invocation } from './command.ts'
import { UsageError } from './exit.ts'
import { sourcesOf } from './parts.ts'

interface TrustOptions extends CommonOptions {
  readonly principal: string
  readonly externalId?: string
  readonly source?: string
}

export function addAws(program: Command, invocation: Invocation): void {
  const aws = program.command('aws').description('print what to set up in AWS')
  addCommand(aws, 'policy', 'the least-privilege policy of the collecting role')
    .option('--partition <partition>', 'aws, aws-us-gov, aws-cn', 'aws')
    .option('--role <role>', 'collector: the collecting role; iam: the role in each account (sources[].iam)', 'collector')
    .option('--with-iam', 'the collecting role of a source that reads IAM too', false)
    .action((options: { partition: string; role: string; withIam: boolean }) => {
      if (options.role !== 'collector' && options.role !== 'iam')
        throw new UsageError(`there is no role ${options.role}`, 'write --role collector or --role iam')
      const policy =
        options.role === 'iam' ? accountPolicy(options.partition) : requiredPolicy(options.partition, { iam: options.withIam })
      invocation.streams.stdout.write(`${JSON.stringify(policy, null, 2)}\n`)
    })
  addCommand(aws, 'trust-policy', 'the trust policy of the collecting role')
    .requiredOption('--principal <arn>', 'who collects: the ARN of the role or user that runs evidenced')
    .option('--external-id <id>', 'the external id the role shall demand (default: that of the source)')
    .option('--source <label>', 'source to take the external id from')
    .action((options: TrustOptions) => {
      const externalId = options.externalId ?? sourcesOf(configOf(invocation, options), options.source)[0]?.auth.externalId
      if (externalId === null || externalId === undefined) {
        throw new UsageError(
          'no external id is configured for this source',
          'configure auth.externalId or name one with --external-id',
        )
      }
      const policy = trustPolicy({
        partition: options.principal.split(':')[1] ?? 'aws',
        principalArn: options.principal,
        externalId,
      })
      invocation.streams.stdout.write(`${JSON.stringify(policy, null, 2)}\n`)
    })
}
