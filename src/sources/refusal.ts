import { wayOut } from './gap.ts'
import { trustPolicy } from './policy.ts'
import type { Session } from './session.ts'
import { type SourcesCode, SourcesError } from './sources-error.ts'
import { isSessionTooLong, regionDisabled, sessionSeconds } from './sts.ts'
import type { Trouble } from './trouble.ts'

/** AWS refuses signatures that are further from its clock: five minutes. */
const mostSkewMs = 300_000

/** Trouble at a step without which nothing can be proven, as an error with the way out. */
export function refusal(session: Session, trouble: Trouble, action: string): SourcesError {
  const { region, partition } = session.source
  const said = trouble.message === '' || trouble.message === 'UnknownError' ? trouble.code : `${trouble.code}: ${trouble.message}`
  const error = (code: SourcesCode, message: string, hint: string) => new SourcesError(code, message, { hint })
  switch (trouble.kind) {
    case 'credentials':
    case 'session_expired': {
      const skewed = clockRefusal(session.way.now(), trouble.date, `${action} was answered with ${trouble.code}`)
      if (skewed !== null) return skewed
      if (trouble.code === regionDisabled) {
        const hint = `activate STS of ${region} in the account settings of IAM there`
        return error('CREDENTIALS_INVALID', `${action}: STS is switched off in ${region} for the account (${said})`, hint)
      }
      const hint =
        trouble.kind === 'session_expired'
          ? 'get new credentials: these have expired'
          : `check that they exist, and that they are of partition ${partition} and its Region ${region}`
      return error('CREDENTIALS_INVALID', `${action}: AWS does not accept the credentials (${said})`, hint)
    }
    case 'denied':
    case 'encryption_key':
      return error('ACCESS_DENIED', `${action} was refused (${said})`, wayOut(trouble, action))
    case 'throttled':
      return error('THROTTLED', `${action} was throttled until the deadline (${said})`, wayOut(trouble, action))
    case 'transient':
    case 'conflict':
      return error('UNREACHABLE', `${action} in ${region} got no answer (${said})`, hintOfNetwork(trouble, session))
    default:
      return error('UNEXPECTED_ANSWER', `${action} was answered with ${said}`, wayOut(trouble, action))
  }
}

/**
 * A clock that is further from AWS's than its signatures allow. The SDK signs by AWS's clock once it was refused for that, and a proxy may sign
 * itself: what is collected would be dated wrongly all the same.
 * @param date of AWS's answer (RFC 1123)
 * @param answered what was, for people
 * @returns null where the clocks agree, or the answer had no date
 */
export function clockRefusal(now: Date, date: string | null, answered: string): SourcesError | null {
  const awsMs = date === null ? Number.NaN : Date.parse(date)
  const skewMs = now.getTime() - awsMs
  // written so that no date is no skew
  if (!(Math.abs(skewMs) > mostSkewMs)) return null
  const minutes = Math.round(Math.abs(skewMs) / 60_000)
  const clocks = `it says ${now.toISOString()}, AWS ${new Date(awsMs).toISOString()}`
  const message = `the clock of this machine is ${minutes} minutes ${skewMs > 0 ? 'ahead of' : 'behind'} AWS: ${clocks} (${answered})`
  return new SourcesError('CLOCK_SKEW', message, {
    hint: 'set the clock of this machine by NTP, and collect again: evidence is dated by it',
  })
}

/**
 * STS does not tell a missing role from a wrong external id from a policy: all of them are named, with the trust policy.
 */
export async function roleRefusal(session: Session, trouble: Trouble): Promise<SourcesError> {
  if (isSessionTooLong(trouble.message)) {
    const role = session.credentials.refusedRole ?? session.source.auth.roleArn
    return new SourcesError(
      'ROLE_REFUSED',
      `AWS gives no session of ${sessionSeconds} seconds of the role ${role} (${trouble.message})`,
      {
        hint: `let the maximum session duration of the role be ${sessionSeconds} seconds or more; a role that is assumed from another gives one hour at most`,
      },
    )
  }
  if (trouble.kind !== 'denied') return refusal(session, trouble, 'sts:AssumeRole')
  const { roleArn: configured, externalId } = session.source.auth
  const onTheWay = session.source.auth.via?.find(role => role.roleArn === session.credentials.refusedRole)
  if (onTheWay !== undefined) {
    const message = `AWS refuses the role ${onTheWay.roleArn}, which stands on the way to ${configured} (${trouble.code})`
    const hint =
      'check auth.via: the role exists, it trusts the one before it (the first one, this process), and demands the external id that stands beside it'
    return new SourcesError('ROLE_REFUSED', message, { hint })
  }
  const roleArn = configured
  const base = await session.credentials.callerIdentity()
  const caller = 'trouble' in base ? null : principalOf(base.arn)
  const policy =
    caller === null
      ? ''
      : ` Trust policy (\`evidenced aws trust-policy\` prints it with the whole external id): ${JSON.stringify(trustPolicy({ partition: session.source.partition, principalArn: caller, externalId: masked(externalId) }))}`
  return new SourcesError('ROLE_REFUSED', `AWS refuses the role ${roleArn} to ${caller ?? 'this process'} (${trouble.code})`, {
    hint: `check in this order: the role exists under this ARN; its trust policy names ${caller ?? 'the caller'}; ${
      externalId === null ? 'it demands no external id' : 'its external id is the configured one'
    }; the caller may use sts:AssumeRole; no service control policy denies it.${policy}`,
  })
}

/** Errors go to logs and run records: enough of the external id to tell which one it was, and no more. */
function masked(externalId: string | null): string | null {
  if (externalId === null) return null
  return externalId.length < 12 ? '<the configured one>' : `<the configured one, ending in ${externalId.slice(-4)}>`
}

/** The role behind an assumed role: trust policies name roles, not sessions. A path is not told by STS and stays out. */
function principalOf(arn: string): string {
  const session = /^(arn:[^:]+):sts::(\d{12}):assumed-role\/([^/]+)\//.exec(arn)
  return session === null ? arn : `${session[1]}:iam::${session[2]}:role/${session[3]}`
}

function hintOfNetwork(trouble: Trouble, session: Session): string {
  const { environment } = session.way
  const endpoint = environment.AWS_ENDPOINT_URL
  const proxy = environment.HTTPS_PROXY ?? environment.https_proxy
  const way = endpoint
    ? `the endpoint ${endpoint} (AWS_ENDPOINT_URL)`
    : proxy
      ? 'the proxy of HTTPS_PROXY'
      : `the way to AWS in ${session.source.region}`
  const isSpecial = environment.AWS_USE_FIPS_ENDPOINT === 'true' || environment.AWS_USE_DUALSTACK_ENDPOINT === 'true'
  if (/^(ENOTFOUND|EAI_AGAIN)$/.test(trouble.code) && isSpecial && !endpoint)
    return `the name does not resolve: not every Region has FIPS and dual-stack endpoints (AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT); check ${way} otherwise`
  if (trouble.reason === 'server_error') return `AWS itself fails in ${session.source.region}: try again later`
  return `check ${way}: name resolution, firewall, proxy (HTTPS_PROXY), certificates (AWS_CA_BUNDLE)`
}
