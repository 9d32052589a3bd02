import type { Command } from 'commander'
import { accountPolicy, cloudFormationTemplate, requiredPolicy, terraformConfiguration, trustPolicy } from '../sources/index.ts'
import { addCommand, type CommonOptions, configOf, type Invocation } from './command.ts'
import { UsageError } from './exit.ts'
import { sourcesOf } from './parts.ts'

interface TrustOptions extends CommonOptions {
  readonly principal: string
  readonly externalId?: string
  readonly source?: string
}

interface TemplateOptions {
  readonly partition: string
  readonly role: string
  readonly withIam: boolean
  readonly roleName?: string
  readonly principal: string
}

export function addAws(program: Command, invocation: Invocation): void {
  const aws = program.command('aws').description('print what to set up in AWS')
  addCommand(aws, 'policy', 'the least-privilege policy of the collecting role')
    .option('--partition <partition>', 'aws, aws-us-gov, aws-cn', 'aws')
    .option('--role <role>', 'collector: the collecting role; iam: the role in each account (sources[].iam)', 'collector')
    .option('--with-iam', 'the collecting role of a source that reads IAM too', false)
    .action((options: { partition: string; role: string; withIam: boolean }) => {
      const policy =
        roleOf(options.role) === 'iam'
          ? accountPolicy(options.partition)
          : requiredPolicy(options.partition, { iam: options.withIam })
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
  const templates = [
    [
      'cloudformation',
      'a CloudFormation template of the role: a stack, or a stack set for the role in each account',
      cloudFormationTemplate,
    ],
    ['terraform', 'the role as Terraform, in its JSON syntax (save it as evidenced.tf.json)', terraformConfiguration],
  ] as const
  for (const [name, summary, templateOf] of templates) {
    addCommand(aws, name, summary)
      .requiredOption('--principal <arn>', 'who collects: the ARN of the role or user that runs evidenced')
      .option('--partition <partition>', 'aws, aws-us-gov, aws-cn', 'aws')
      .option('--role <role>', 'collector: the collecting role; iam: the role in each account (sources[].iam)', 'collector')
      .option('--role-name <name>', 'default: EvidencedReader, or EvidencedIamReader for --role iam')
      .option('--with-iam', 'the collecting role of a source that reads IAM too', false)
      .action((options: TemplateOptions) => {
        const role = roleOf(options.role)
        const roleName = options.roleName ?? (role === 'iam' ? 'EvidencedIamReader' : 'EvidencedReader')
        const { partition, principal: principalArn, withIam } = options
        const template = templateOf({ partition, role, roleName, principalArn, withIam })
        invocation.streams.stdout.write(`${JSON.stringify(template, null, 2)}\n`)
      })
  }
}

/** @throws {UsageError} for a role that does not exist */
function roleOf(name: string): 'collector' | 'iam' {
  if (name === 'collector' || name === 'iam') return name
  throw new UsageError(`there is no role ${name}`, 'write --role collector or --role iam')
}
