import { type Call, required, type Service, WireError } from './call.ts'
import type { Credentials } from './credentials.ts'

/** STS over a set of credentials and the roles that may be assumed. */
export function securityTokens(credentials: Credentials): Service {
  return {
    name: 'sts',
    protocol: 'query',
    target: '2011-06-15',
    resource: call => String(call.input.RoleArn ?? '*'),
    operations: {
      GetCallerIdentity: ({ caller }) => ({ UserId: caller.userId, Account: caller.accountId, Arn: caller.arn }),
      AssumeRole: call => assumeRole(call, credentials),
    },
  }
}

function assumeRole(call: Call, credentials: Credentials): object {
  const roleArn = required(call.input, 'RoleArn', 'ValidationError')
  const sessionName = required(call.input, 'RoleSessionName', 'ValidationError')
  const { ExternalId: externalId, DurationSeconds: duration = '3600', SourceIdentity } = call.input
  constrain('roleSessionName', sessionName, /^[\w+=,.@-]{2,64}$/, '[\\w+=,.@-]*')
  constrain('roleArn', roleArn, /^[\s\S]{20,2048}$/, '[\\u0009\\u000A\\u000D\\u0020-\\u007E]+')
  if (externalId !== undefined) constrain('externalId', String(externalId), /^[\w+=,.@:/-]{2,1224}$/, '[\\w+=,.@:\\/-]*')
  const seconds = Number(duration)
  if (!Number.isInteger(seconds) || seconds < 900 || seconds > 43_200) {
    const limit = seconds < 900 ? 'greater than or equal to 900' : 'less than or equal to 43200'
    throw invalid(
      `1 validation error detected: Value '${duration}' at 'durationSeconds' failed to satisfy constraint: Member must have value ${limit}`,
    )
  }
  const role = credentials.roleNamed(roleArn)
  // STS gives one answer for a role that is missing, does not trust the caller, or wants another external id
  if (!role || (role.externalId !== null && role.externalId !== externalId)) {
    throw new WireError(
      'AccessDenied',
      `User: ${call.caller.arn} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`,
      403,
    )
  }
  if (call.caller.isSession && seconds > 3600) {
    throw invalid('The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining')
  }
  if (role.sessionSeconds === undefined && seconds > 3600) {
    throw invalid('The requested DurationSeconds exceeds the MaxSessionDuration set for this role.')
  }
  const lifetime = Math.min(seconds, role.sessionSeconds ?? seconds)
  const session = credentials.openSession(role, sessionName, new Date(call.now.getTime() + lifetime * 1000))
  return {
    Credentials: {
      AccessKeyId: session.accessKeyId,
      SecretAccessKey: session.secretAccessKey,
      SessionToken: session.sessionToken,
      Expiration: session.expiresAt,
    },
    AssumedRoleUser: { AssumedRoleId: session.principal.userId, Arn: session.principal.arn },
    PackedPolicySize: 0,
    SourceIdentity,
  }
}

function constrain(member: string, value: string, pattern: RegExp, shown: string): void {
  if (pattern.test(value)) return
  throw invalid(
    `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: Member must satisfy regular expression pattern: ${shown}`,
  )
}

function invalid(message: string): WireError {
  return new WireError('ValidationError', message)
}
