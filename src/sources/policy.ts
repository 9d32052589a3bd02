import type { Json } from '../model.ts'
import { checkOperations } from './cross-checks.ts'
import { actionOf, actionsOf } from './dataset.ts'
import type { Service } from './service.ts'
import { accountIam } from './services/iam.ts'
import { describeIdentityStore } from './services/identity-store-network.ts'
import { servicesOf } from './services.ts'

/**
 * The least-privilege policy of the collecting role: the actions of every dataset, and of the questions that tell a
 * deleted parent from a failure, and those of the cross-checks. sts:GetCallerIdentity needs none. With a customer managed key the role needs kms:Decrypt too.
 * @param options `iam`: true where `sources[].iam` is configured, since the role reads a little of IAM itself then
 */
export function requiredPolicy(partition: string, options: { readonly iam?: boolean } = {}): Json {
  const iam = options.iam ? { roleName: '', externalId: null, accounts: null } : null
  return policyOf(servicesOf({ iam }), partition)
}

/** The least-privilege policy of the role that is assumed in every account to read its IAM. GenerateCredentialReport makes a report and changes nothing else. */
export function accountPolicy(partition: string): Json {
  return policyOf([accountIam], partition)
}

function policyOf(services: readonly Service[], partition: string): Json {
  return {
    Version: '2012-10-17',
    Statement: services.map(service => ({
      Sid: `${service.name.slice(0, 1).toUpperCase()}${service.name.slice(1)}Read`,
      Effect: 'Allow',
      Action: [...new Set([...service.datasets.flatMap(actionsOf), ...checkedIn(service)])].sort(),
      Resource: resourcesOf(service.name, partition),
    })),
  }
}

/** What cross-checks and the diagnosis ask a service beside its datasets. */
function checkedIn(service: Service): readonly string[] {
  return [...checkOperations, describeIdentityStore].filter(operation => operation.service === service.name).map(actionOf)
}

/**
 * Trust policy of the collecting role: who may assume it, and under which external id (null: none is demanded).
 * @param options `principalArn` is an ARN, or an account id, which stands for all of that account
 */
export function trustPolicy(options: {
  readonly partition: string
  readonly principalArn: string
  readonly externalId: string | null
  /** true where `auth.sourceIdentity` is configured */
  readonly withSourceIdentity?: boolean
}): Json {
  const isAccount = /^\d{12}$/.test(options.principalArn)
  const principal = isAccount ? `arn:${options.partition}:iam::${options.principalArn}:root` : options.principalArn
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: principal },
        Action: options.withSourceIdentity ? ['sts:AssumeRole', 'sts:SetSourceIdentity'] : 'sts:AssumeRole',
        ...(options.externalId === null ? {} : { Condition: { StringEquals: { 'sts:ExternalId': options.externalId } } }),
      },
    ],
  }
}

/** One statement that allows one action: what `evidenced doctor` gives to paste. */
export function statementFor(action: string, partition: string): Json {
  return { Effect: 'Allow', Action: action, Resource: resourcesOf(action.split(':')[0] ?? '', partition) }
}

/** Identity Store authorises against the store and against what is listed; the reads of the others take any resource. */
function resourcesOf(serviceName: string, partition: string): Json {
  if (serviceName !== 'identitystore') return '*'
  return [
    `arn:${partition}:identitystore::*:identitystore/*`,
    ...['user', 'group', 'membership'].map(kind => `arn:${partition}:identitystore:::${kind}/*`),
  ]
}
