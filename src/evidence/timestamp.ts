import { createHash, randomBytes, verify, X509Certificate } from 'node:crypto'
import { childrenOf, type Der, der, derInteger, derOid, oidOf, readDer, tags } from './der.ts'
import { EvidenceError } from './evidence-error.ts'

/** Asks a time-stamp authority; the caller knows where it is. */
export interface Timestamper {
  /** @param request and @returns DER of RFC 3161 (TimeStampReq, TimeStampResp) */
  ask(request: Uint8Array): Promise<Uint8Array>
}

/** What a timestamp proves: the bytes were there at this time at the latest. */
export interface Timestamp {
  readonly at: Date
  /** subject of the certificate that signed it */
  readonly authority: string
  /** true: its certificate leads to one that was given */
  readonly isTrusted: boolean
}

const oids = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  signedData: '1.2.840.113549.1.7.2',
  tstInfo: '1.2.840.113549.1.9.16.1.4',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingCertificate: '1.2.840.113549.1.9.16.2.12',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  timeStamping: '1.3.6.1.5.5.7.3.8',
}

const digests: { readonly [oid: string]: string } = {
  [oids.sha1]: 'sha1',
  [oids.sha256]: 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}

/** Signature algorithms that name their digest themselves; rsaEncryption takes that of the signer. */
const signatures: { readonly [oid: string]: string | null } = {
  '1.2.840.113549.1.1.1': null,
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
}

/**
 * Has the SHA-256 of some bytes stamped, and checks that the answer is about them.
 * @returns the answer (TimeStampResp) as `openssl ts -verify` reads it
 * @throws {EvidenceError} TIMESTAMP_REFUSED; what the authority's `ask` throws comes through
 * @see https://www.rfc-editor.org/rfc/rfc3161
 */
export async function stamp(timestamper: Timestamper, bytes: Uint8Array): Promise<Uint8Array> {
  const nonce = randomBytes(8)
  const imprint = der(
    tags.sequence,
    der(tags.sequence, derOid(oids.sha256), Buffer.from([0x05, 0x00])),
    der(tags.octets, createHash('sha256').update(bytes).digest()),
  )
  const certificatesToo = Buffer.from([0x01, 0x01, 0xff])
  const request = der(tags.sequence, derInteger(Buffer.from([1])), imprint, derInteger(nonce), certificatesToo)
  const answer = await timestamper.ask(request)
  const found = checkTimestamp(answer, bytes, [], derInteger(nonce))
  if ('at' in found) return answer
  throw new EvidenceError('TIMESTAMP_REFUSED', `the time-stamp authority's answer is not good: ${found.reason}`, {
    hint: 'check evidence.timestampUrl, or issue the bundle without a timestamp (--no-timestamp)',
  })
}

/**
 * Checks a timestamp offline: it is about these bytes, signed by a certificate made for time-stamping that was valid then.
 * @param authorities certificates (PEM) that are trusted; the signer's must lead to one of them to be trusted too
 * @param nonce DER of the number that was asked with
 * @returns why it is not good otherwise
 */
export function checkTimestamp(
  answer: Uint8Array,
  bytes: Uint8Array,
  authorities: readonly string[],
  nonce: Uint8Array | null = null,
): Timestamp | { readonly reason: string } {
  try {
    const [status, token] = childrenOf(readDer(answer))
    const granted = childrenOf(status!)[0]!.body
    if (granted.length !== 1 || granted[0]! > 1) return { reason: `it was not granted (status ${granted[0]})` }
    if (token === undefined) return { reason: 'it holds no token' }
    return checkToken(token, bytes, authorities, nonce)
  } catch (error) {
    return { reason: `it cannot be read: ${(error as Error).message}` }
  }
}

function checkToken(
  token: Der,
  bytes: Uint8Array,
  authorities: readonly string[],
  nonce: Uint8Array | null,
): Timestamp | { readonly reason: string } {
  const [contentType, content] = childrenOf(token)
  if (oidOf(contentType!) !== oids.signedData) return { reason: 'it is not signed data' }
  const parts = childrenOf(childrenOf(content!)[0]!)
  const [encapType, encap] = childrenOf(parts[2]!)
  if (oidOf(encapType!) !== oids.tstInfo || encap === undefined) return { reason: 'it holds no time-stamp' }
  const info = childrenOf(encap)[0]!.body
  const about = childrenOf(readDer(info))
  const [algorithm, imprint] = childrenOf(about[2]!)
  const imprintDigest = digestName(algorithm!)
  if (imprintDigest === null || !hash(imprintDigest, bytes).equals(imprint!.body))
    return { reason: 'it is about other bytes than the signature of this bundle' }
  if (nonce !== null && !about.some(({ whole }) => Buffer.from(nonce).equals(whole)))
    return { reason: 'it answers another question' }
  const at = timeOf(about[4]!)
  const certificates = parts
    .filter(({ tag }) => tag === 0xa0)
    .flatMap(childrenOf)
    .filter(({ tag }) => tag === tags.sequence)
    .map(({ whole }) => new X509Certificate(Buffer.from(whole)))
  const signer = childrenOf(parts.at(-1)!)[0]!
  const signedBy = signerOf(signer, info, [...certificates, ...authorities.map(pem => new X509Certificate(pem))])
  if ('reason' in signedBy) return signedBy
  const { certificate } = signedBy
  if (!(certificate.keyUsage ?? []).includes(oids.timeStamping))
    return { reason: `the certificate of ${nameOf(certificate)} was not made for time-stamping` }
  if (!wasValid(certificate, at))
    return { reason: `the certificate of ${nameOf(certificate)} was not valid at ${at.toISOString()}` }
  const trusted = authorities.map(pem => new X509Certificate(pem))
  return { at, authority: nameOf(certificate), isTrusted: leadsTo(certificate, certificates, trusted, at, 0) }
}

/** The certificate whose key signed the time-stamp's attributes, which name it and the digest of what they are about. */
function signerOf(
  signer: Der,
  info: Uint8Array,
  certificates: readonly X509Certificate[],
): { readonly certificate: X509Certificate } | { readonly reason: string } {
  const parts = childrenOf(signer)
  const attributes = parts.find(({ tag }) => tag === 0xa0)
  if (attributes === undefined) return { reason: 'its signer signed no attributes' }
  const digest = digestName(parts[2]!)
  const at = parts.indexOf(attributes)
  const named = signatures[oidOf(childrenOf(parts[at + 1]!)[0]!)]
  if (digest === null || named === undefined) return { reason: 'it is signed with an algorithm this program does not know' }
  const values = new Map(
    childrenOf(attributes).map(attribute => {
      const [type, set] = childrenOf(attribute)
      return [oidOf(type!), childrenOf(set!)[0]!] as const
    }),
  )
  const contentType = values.get(oids.contentType)
  if (contentType === undefined || oidOf(contentType) !== oids.tstInfo) return { reason: 'its signature is about something else' }
  if (!hash(digest, info).equals(values.get(oids.messageDigest)?.body ?? Buffer.alloc(0)))
    return { reason: 'its signature is about another time' }
  // the attributes are signed as a set, and stand in the token under another tag
  const signed = Buffer.concat([Buffer.from([tags.set]), attributes.whole.subarray(1)])
  const signature = parts[at + 2]!.body
  for (const certificate of certificates) {
    if (!isNamed(values, certificate)) continue
    if (verify(named ?? digest, signed, certificate.publicKey, signature)) return { certificate }
    return { reason: `${nameOf(certificate)} did not sign it: its bytes were changed` }
  }
  return { reason: 'it does not hold the certificate of its signer' }
}

/** RFC 5035: the signed attributes hold the digest of the signer's certificate, so that no other can take its place. */
function isNamed(values: ReadonlyMap<string, Der>, certificate: X509Certificate): boolean {
  const second = values.get(oids.signingCertificateV2)
  const first = values.get(oids.signingCertificate)
  const list = second ?? first
  if (list === undefined) return false
  const id = childrenOf(childrenOf(childrenOf(list)[0]!)[0]!)
  const isNamingDigest = second !== undefined && id[0]!.tag === tags.sequence
  const digest = second === undefined ? 'sha1' : isNamingDigest ? digestName(id[0]!) : 'sha256'
  const found = id[isNamingDigest ? 1 : 0]!.body
  return digest !== null && hash(digest, certificate.raw).equals(found)
}

function leadsTo(
  certificate: X509Certificate,
  between: readonly X509Certificate[],
  trusted: readonly X509Certificate[],
  at: Date,
  depth: number,
): boolean {
  if (trusted.some(each => each.raw.equals(certificate.raw))) return true
  if (depth > 8) return false
  const isIssuer = (issuer: X509Certificate) =>
    issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey) && wasValid(issuer, at)
  return (
    trusted.some(isIssuer) ||
    between.some(each => isIssuer(each) && !each.raw.equals(certificate.raw) && leadsTo(each, between, trusted, at, depth + 1))
  )
}

function wasValid(certificate: X509Certificate, at: Date): boolean {
  return new Date(certificate.validFrom) <= at && at <= new Date(certificate.validTo)
}

function nameOf({ subject }: X509Certificate): string {
  return subject.replaceAll('\n', ', ')
}

function digestName(algorithm: Der): string | null {
  return digests[oidOf(childrenOf(algorithm)[0]!)] ?? null
}

function hash(digest: string, bytes: Uint8Array): Buffer {
  return createHash(digest).update(bytes).digest()
}

/** GeneralizedTime in UTC, with a fraction or without. */
function timeOf({ tag, body }: Der): Date {
  const text = Buffer.from(body).toString('latin1')
  const [, year, month, day, hour, minute, second, fraction = ''] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d+)?Z$/.exec(tag === tags.time ? text : '') ?? []
  if (year === undefined) throw new RangeError(`no time: ${text}`)
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}${fraction.slice(0, 4)}Z`)
}
