import { resolve } from 'node:path'
import type { Command } from 'commander'
import { ConfigError, loadConfig } from '../config.ts'
import type { Json, Source } from '../model.ts'
import {
  accountPolicy,
  cloudFormationTemplate,
  partitionNames,
  requiredPolicy,
  terraformConfiguration,
  trustPolicy,
} from '../sources/index.ts'
import { addCommand, type CommonOptions, configOf, type Invocation, terminalOf } from './command.ts'
import { UsageError } from './exit.ts'
import { makeExternalId } from './external-ids.ts'
import { sourcesOf } from './parts.ts'
import { policyNotes, templateNotes, trustNotes } from './setup-notes.ts'

interface SourceOptions extends CommonOptions {
  readonly source?: string
}

interface TrustOptions extends SourceOptions {
  readonly principal: string
  readonly externalId?: string
}

interface PolicyOptions extends SourceOptions {
  readonly partition?: string
  readonly role: string
  readonly withIam: boolean
}

interface TemplateOptions extends PolicyOptions {
  readonly roleName?: string
  readonly principal: string
}

const partitionHelp = 'aws, aws-us-gov, aws-cn, aws-eusc'
const sourceHelp = 'for this source as it is configured: its partition, role names, whether IAM is read, source identity'
const principalHelp =
  'who collects: the ARN of the role or user that runs evidenced, or an account id, which stands for all of that account'

export function addAws(program: Command, invocation: Invocation): void {
  const aws = program.command('aws').description('print what to set up in AWS')
  addCommand(aws, 'policy', 'the least-privilege policy of the collecting role')
    .option('--partition <partition>', `${partitionHelp} (default: aws)`)
    .option('--role <role>', 'collector: the collecting role; iam: the role in each account (sources[].iam)', 'collector')
    .option('--with-iam', 'the collecting role of a source that reads IAM too', false)
    .option('--source <label>', sourceHelp)
    .action((options: PolicyOptions) => {
      const { role, partition, withIam } = setupOf(invocation, options)
      const policy = role === 'iam' ? accountPolicy(partition) : requiredPolicy(partition, { iam: withIam })
      print(invocation, options, policy, policyNotes({ role, withIam }))
    })
  addCommand(aws, 'trust-policy', 'the trust policy of the collecting role, with the external id it shall demand')
    .requiredOption('--principal <arn>', principalHelp)
    .option('--external-id <id>', 'default: that of the source; one that was never configured is made and kept in dataDir')
    .option('--source <label>', 'source whose external id it is; may be left out where there is one source')
    .action((options: TrustOptions) => {
      const principal = principalOf(options.principal)
      const { externalId, source } =
        options.externalId === undefined
          ? externalIdOf(invocation, options)
          : { externalId: checkedExternalId(options.externalId), source: null }
      const partition = principal.partition ?? source?.partition ?? 'aws'
      const policy = trustPolicy({
        partition,
        principalArn: options.principal,
        externalId,
        withSourceIdentity: source?.auth.sourceIdentity !== undefined,
      })
      print(invocation, options, policy, trustNotes(source === null ? [] : assumedRoles(source)))
    })
  addCommand(aws, 'external-id', 'the external id that the roles of a source shall demand, for the parameter of a template')
    .option('--source <label>', 'may be left out where there is one source')
    .action((options: SourceOptions) => {
      const { externalId, source } = externalIdOf(invocation, options)
      const terminal = terminalOf(invocation, options)
      terminal.line(externalId)
      terminal.document({ source: source.label, externalId })
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
      .option('--partition <partition>', `${partitionHelp} (default: aws)`)
      .option('--role <role>', 'collector: the collecting role; iam: the role in each account (sources[].iam)', 'collector')
      .option('--role-name <name>', 'default: EvidencedReader, or EvidencedIamReader for --role iam')
      .option('--with-iam', 'the collecting role of a source that reads IAM too', false)
      .option('--source <label>', sourceHelp)
      .action((options: TemplateOptions) => {
        const { role, partition, withIam, roleName, withSourceIdentity } = setupOf(invocation, options)
        const { principal: principalArn } = options
        const found = principalOf(principalArn).partition
        if (found === null)
          throw new UsageError(
            `${principalArn} is no ARN`,
            'a template names a role or a user, e.g. arn:aws:iam::111122223333:role/collector',
          )
        if (found !== partition)
          throw new UsageError(
            `${principalArn} is of partition ${found}, the template for ${partition}`,
            `write --partition ${found}`,
          )
        const template = templateOf({ partition, role, roleName, principalArn, withIam, withSourceIdentity })
        print(
          invocation,
          options,
          template,
          templateNotes(name, { role, roleName, partition, withIam, source: labelOf(invocation, options) }),
        )
      })
  }
}

/** The document on standard output, alone, and for people beside it where it belongs. */
function print(invocation: Invocation, options: CommonOptions, document: Json, notes: readonly string[]): void {
  invocation.streams.stdout.write(`${JSON.stringify(document, null, 2)}\n`)
  const terminal = terminalOf(invocation, options)
  for (const note of notes) terminal.note(note)
}

/** What a policy or template is for: as the options say, and as the source is configured where one is named. */
function setupOf(invocation: Invocation, options: PolicyOptions & { readonly roleName?: string }) {
  const role = roleOf(options.role)
  const source = options.source === undefined ? null : sourcesOf(configOf(invocation, options), options.source)[0]!
  const partition = options.partition ?? source?.partition ?? 'aws'
  checkPartition(partition)
  if (source !== null && source.partition !== partition)
    throw new UsageError(`${source.label} is of partition ${source.partition}`, 'leave --partition out')
  const configured = role === 'iam' ? source?.iam?.roleName : source?.auth.roleArn?.replace(/^[^/]*\//, '')
  return {
    ...{ role, partition },
    withIam: options.withIam || (source?.iam ?? null) !== null,
    roleName: options.roleName ?? configured ?? (role === 'iam' ? 'EvidencedIamReader' : 'EvidencedReader'),
    withSourceIdentity: source?.auth.sourceIdentity !== undefined,
  }
}

/** Which source a printed command has to name; null: there is one at most, or nobody has configured any yet. */
function labelOf(invocation: Invocation, options: SourceOptions): string | null {
  if (options.source !== undefined) return options.source
  try {
    return loadConfig(resolve(options.config), invocation.env).sources.length > 1 ? 'LABEL' : null
  } catch (error) {
    if (error instanceof ConfigError) return null
    throw error
  }
}

/** The roles of a source that the identity which runs evidenced assumes itself. */
function assumedRoles({ partition, auth, iam }: Source): readonly string[] {
  const first = auth.via?.[0]?.roleArn ?? auth.roleArn
  const inAccounts = !iam || auth.via !== undefined ? [] : [`arn:${partition}:iam::*:role/${iam.roleName}`]
  return [...(first === null ? [] : [first]), ...inAccounts]
}

/** The external id of a source: the configured one, else the one we keep, which is made now if need be. */
function externalIdOf(invocation: Invocation, options: SourceOptions): { readonly externalId: string; readonly source: Source } {
  const config = configOf(invocation, options)
  const sources = sourcesOf(config, options.source)
  const [source] = sources
  if (source === undefined || sources.length > 1)
    throw new UsageError('there are several sources', `name one with --source: ${sources.map(each => each.label).join(', ')}`)
  return { externalId: source.auth.externalId ?? makeExternalId(config.dataDir, source.label), source }
}

/** @throws {UsageError} for what STS would refuse, and for one that anybody could guess */
function checkedExternalId(text: string): string {
  if (/^[A-Za-z0-9_+=,.@:/-]{2,1224}$/.test(text)) return text
  throw new UsageError(
    `${JSON.stringify(text)} is no external id`,
    'write 2 to 1224 characters of A-Z a-z 0-9 _ + = , . @ : / -, or leave it out: one is made and kept',
  )
}

/** @throws {UsageError} for what no trust policy can name */
function principalOf(text: string): { readonly partition: string | null } {
  if (/^\d{12}$/.test(text)) return { partition: null }
  const arn = /^arn:([a-z-]+):iam::\d{12}:(root|(role|user)\/[\w+=,.@/-]+)$/.exec(text)
  if (arn !== null && partitionNames.includes(arn[1]!)) return { partition: arn[1]! }
  const session = /^arn:([a-z-]+):sts::(\d{12}):assumed-role\/([^/]+)\//.exec(text)
  throw new UsageError(
    `${JSON.stringify(text)} is no principal of a trust policy`,
    session === null
      ? 'write the ARN of a role or user, e.g. arn:aws:iam::111122223333:role/collector, or an account id of 12 digits'
      : `a session ends: name its role, arn:${session[1]}:iam::${session[2]}:role/${session[3]}`,
  )
}

/** @throws {UsageError} for a partition that there is not */
function checkPartition(name: string): void {
  if (!partitionNames.includes(name)) throw new UsageError(`there is no partition ${name}`, `known: ${partitionNames.join(', ')}`)
}

/** @throws {UsageError} for a role that does not exist */
function roleOf(name: string): 'collector' | 'iam' {
  if (name === 'collector' || name === 'iam') return name
  throw new UsageError(`there is no role ${name}`, 'write --role collector or --role iam')
}
