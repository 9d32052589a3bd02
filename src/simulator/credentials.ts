import { type Principal, WireError } from './call.ts'
import { type Random, randomFrom } from './random.ts'

/** A role that can be assumed; one that demands no external id accepts any, as STS does. */
export interface TrustedRole {
  readonly roleArn: string
  readonly externalId: string | null
  /** longest session it gives, also below AWS's minimum of 900; left out: 3600 */
  readonly sessionSeconds?: number
}

/** A long-term key pair that is accepted. */
export interface AccessKey {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** of the IAM user (or role) it belongs to; its account is the caller's account */
  readonly arn: string
}

interface Session {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly principal: Principal
  expiresAt: Date
}

/** What a request says about its signer and where it is meant for. */
export interface Signature {
  readonly accessKeyId: string
  readonly region: string
  readonly service: string
}

export type Credentials = ReturnType<typeof credentialsOf>

const keyAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const secretAlphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/'

/** Base keys and the sessions that grow from them. */
export function credentialsOf(keys: readonly AccessKey[], trusted: readonly TrustedRole[]) {
  const added = new Map<string, TrustedRole>()
  const random = randomFrom(0xc0de)
  const sessions = new Map<string, Session>()
  const roleIds = new Map<string, string>()
  const idOf = (roleArn: string) => {
    const id = roleIds.get(roleArn) ?? `AROA${random.text(17, keyAlphabet)}`
    roleIds.set(roleArn, id)
    return id
  }
  const base = new Map(keys.map(key => [key.accessKeyId, baseOf(key, random)]))
  return {
    /** the role that can be assumed; what was trusted last holds, and the list that was given may change */
    roleNamed: (roleArn: string) => added.get(roleArn) ?? trusted.find(role => role.roleArn === roleArn),

    trust(role: TrustedRole): void {
      added.set(role.roleArn, role)
    },

    openSession(role: TrustedRole, sessionName: string, expiresAt: Date): Session {
      const accessKeyId = `ASIA${random.text(16, keyAlphabet)}`
      const session = {
        accessKeyId,
        secretAccessKey: random.text(40, secretAlphabet),
        sessionToken: random.text(356, secretAlphabet),
        principal: sessionPrincipal(role.roleArn, idOf(role.roleArn), sessionName, accessKeyId),
        expiresAt,
      }
      sessions.set(accessKeyId, session)
      return session
    },

    /** Who a signature belongs to. Presence and names are checked, the arithmetic of the signature is not. */
    authenticate(signature: Signature, sessionToken: string | undefined, now: Date): Principal {
      const own = base.get(signature.accessKeyId)
      if (own && sessionToken === undefined) return own
      const session = sessions.get(signature.accessKeyId)
      if (!session || session.sessionToken !== sessionToken) throw unknownKey()
      if (session.expiresAt <= now) throw expired()
      return session.principal
    },

    /** Ends the session of a caller, if it is one. */
    expire(accessKeyId: string, now: Date): void {
      const session = sessions.get(accessKeyId)
      if (session) session.expiresAt = now
    },
  }
}

/** Named as the JSON services do; `credentialCode` tells the other name. */
function unknownKey(): WireError {
  return new WireError('UnrecognizedClientException', 'The security token included in the request is invalid.')
}

export function expired(): WireError {
  return new WireError('ExpiredTokenException', 'The security token included in the request is expired')
}

const queryNames: { readonly [code: string]: string } = {
  UnrecognizedClientException: 'InvalidClientTokenId',
  ExpiredTokenException: 'ExpiredToken',
  MissingAuthenticationTokenException: 'MissingAuthenticationToken',
  IncompleteSignatureException: 'IncompleteSignature',
  AccessDeniedException: 'AccessDenied',
}

/** The same refusal as a query service (IAM, STS) words it: another name, and 403. */
export function asQueryError(error: WireError): WireError {
  const code = queryNames[error.code]
  if (code === undefined) return error
  return new WireError(code, error.message, code === 'IncompleteSignature' ? 400 : 403, error.members)
}

const signaturePattern =
  /^AWS4-HMAC-SHA256 Credential=([A-Z0-9]{16,128})\/(\d{8})\/([a-z0-9-]+)\/([a-z0-9-]+)\/aws4_request, ?SignedHeaders=[a-z0-9;-]+, ?Signature=[0-9a-f]{64}$/

/** Reads an Authorization header of Signature Version 4. */
export function readSignature(authorization: string | undefined): Signature {
  if (authorization === undefined) throw new WireError('MissingAuthenticationTokenException', 'Missing Authentication Token')
  const [, accessKeyId, , region, service] = signaturePattern.exec(authorization) ?? []
  if (accessKeyId === undefined || region === undefined || service === undefined) {
    throw new WireError(
      'IncompleteSignatureException',
      'Authorization header requires a well-formed Credential, SignedHeaders and Signature.',
    )
  }
  return { accessKeyId, region, service }
}

function baseOf(key: AccessKey, random: Random): Principal {
  return {
    accountId: accountIn(key.arn),
    arn: key.arn,
    userId: `AIDA${random.text(17, keyAlphabet)}`,
    accessKeyId: key.accessKeyId,
    isSession: false,
  }
}

function sessionPrincipal(roleArn: string, roleId: string, sessionName: string, accessKeyId: string): Principal {
  const [, partition = 'aws'] = roleArn.split(':')
  const accountId = accountIn(roleArn)
  const roleName = roleArn.slice(roleArn.lastIndexOf('/') + 1)
  return {
    accountId,
    arn: `arn:${partition}:sts::${accountId}:assumed-role/${roleName}/${sessionName}`,
    userId: `${roleId}:${sessionName}`,
    accessKeyId,
    isSession: true,
  }
}

function accountIn(arn: string): string {
  return arn.split(':')[4] ?? ''
}
