import { randomBytes, randomUUID } from 'node:crypto'
import { fromNodeProviderChain } from '@aws-sdk/credential-providers'
import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from '@smithy/types'
import type { RoleOnTheWay } from '../model.ts'
import { SourcesError } from './sources-error.ts'
import { type Assumed, type CallerIdentity, isSessionTooLong, type Owner, Sts, sessionSeconds } from './sts.ts'
import type { Trouble } from './trouble.ts'
import type { Way } from './way.ts'

/** After a refused renewal nobody asks again for so long. */
const refusedForMs = 30_000

/**
 * The credentials of one session: the SDK's own chain, or a role assumed from it. Renewed before they expire and when AWS
 * says that they have; a renewal is made once however many calls ask for it.
 */
export class Credentials {
  readonly sessionName: string
  /** the role that was refused last: that of the source, or one on the way to it */
  refusedRole: string | null = null
  readonly #owner: Owner
  readonly #home: Credentials | null
  readonly #sts: Sts
  /** of the last role on the way, which the configured one is assumed from */
  #onTheWay: { readonly credentials: AwsCredentialIdentity; readonly until: number } | null = null
  readonly #base: AwsCredentialIdentityProvider
  #held: AwsCredentialIdentity | null = null
  /** monotonic milliseconds */
  #renewAt = Number.POSITIVE_INFINITY
  #expiresAt = Number.POSITIVE_INFINITY
  #generation = 0
  #renewal: Promise<Trouble | null> | null = null
  #refused: { readonly trouble: Trouble; readonly until: number } | null = null

  /** @param home credentials of the same source whose chain and session name are used: each account's role is assumed from the chain, since chained roles end after an hour */
  constructor(owner: Owner, home: Credentials | null = null) {
    this.#owner = owner
    this.#home = home
    this.#sts = new Sts(owner)
    if (home !== null) {
      this.#base = home.#base
      this.sessionName = home.sessionName
      return
    }
    this.#base = baseProvider(owner.way)
    const at = owner.way
      .now()
      .toISOString()
      .replace(/[-:]|\.\d+/g, '')
    this.sessionName = `evidence-${at}-${randomBytes(4).toString('hex')}`
  }

  /** Credentials to sign with now. */
  async current(): Promise<AwsCredentialIdentity> {
    return this.#held ?? (await this.#fromChain())
  }

  /** Makes sure that credentials are good for a call. @returns their generation, for `replace`; or why there are none */
  async ready(): Promise<number | Trouble> {
    if (performance.now() >= this.#renewAt) {
      const trouble = await this.#renew()
      // an early renewal that fails is no reason to stop: the old session may be good for minutes yet
      if (trouble !== null && performance.now() >= this.#expiresAt) return trouble
    }
    return this.#generation
  }

  /** AWS says that credentials of a generation have expired: new ones, at once when somebody else has seen to it. @returns why there are none */
  replace(generation: number, expired: Trouble): Promise<Trouble | null> {
    if (generation !== this.#generation) return Promise.resolve(null)
    this.#renewAt = this.#expiresAt = performance.now()
    return this.#renew(expired)
  }

  #renew(expired: Trouble | null = null): Promise<Trouble | null> {
    if (this.#refused !== null && performance.now() < this.#refused.until) return Promise.resolve(this.#refused.trouble)
    this.#renewal ??= this.#replace(expired).finally(() => {
      this.#renewal = null
    })
    return this.#renewal
  }

  /** Assumes the configured role and holds what it gives. */
  async assume(): Promise<Trouble | null> {
    const { roleArn, externalId } = this.#owner.source.auth
    const said = await this.tryRole(roleArn ?? '', externalId)
    if ('trouble' in said) return said.trouble
    this.#hold(said.credentials)
    return null
  }

  /**
   * sts:AssumeRole with an external id, or without one for null.
   * @throws {SourcesError} NO_CREDENTIALS when the SDK's chain finds none
   */
  async tryRole(roleArn: string, externalId: string | null): Promise<Assumed> {
    const base = await (this.#home ?? this).#baseCredentials()
    return 'trouble' in base ? base : this.#assumeFrom(base.credentials, { roleArn, externalId })
  }

  /** What the configured role is assumed from: the chain, or the last of the roles on the way. */
  async #baseCredentials(): Promise<Assumed> {
    const { via = [] } = this.#owner.source.auth
    if (via.length === 0) return { credentials: await this.#fromChain() }
    if (this.#onTheWay !== null && performance.now() < this.#onTheWay.until) return this.#onTheWay
    let credentials = await this.#fromChain()
    let lifeMs = sessionSeconds * 1000
    for (const role of via) {
      const said = await this.#assumeFrom(credentials, role)
      if ('trouble' in said) return said
      credentials = said.credentials
      lifeMs = Math.min(lifeMs, this.#lifeOf(credentials))
    }
    this.#onTheWay = { credentials, until: performance.now() + lifeMs - marginMs(lifeMs) }
    return this.#onTheWay
  }

  async #assumeFrom(base: AwsCredentialIdentity, role: RoleOnTheWay): Promise<Assumed> {
    const said = await this.#sts.assumeRole(base, role, this.sessionName)
    if ('trouble' in said) {
      this.refusedRole = role.roleArn
      if (said.trouble.kind === 'session_expired') (this.#home ?? this).#onTheWay = null
    }
    return said
  }

  /** sts:GetCallerIdentity, with the role's credentials once it is assumed. */
  callerIdentity(): Promise<CallerIdentity | { readonly trouble: Trouble }> {
    return this.#sts.callerIdentity(() => this.current())
  }

  /** The access key id of the chain's credentials, to tell long-term keys. @throws {SourcesError} NO_CREDENTIALS */
  async baseAccessKeyId(): Promise<string> {
    return (await this.#fromChain()).accessKeyId
  }

  #hold(credentials: AwsCredentialIdentity): void {
    const lifeMs = this.#lifeOf(credentials)
    this.#held = credentials
    this.#expiresAt = performance.now() + lifeMs
    this.#renewAt = this.#expiresAt - marginMs(lifeMs)
    this.#generation++
    this.#refused = null
  }

  #lifeOf(credentials: AwsCredentialIdentity): number {
    const untilMs = (credentials.expiration?.getTime() ?? 0) - this.#owner.way.now().getTime()
    // a clock that differs from AWS's would make a life of nothing, or a long one: the requested length decides then
    return untilMs > 0 ? Math.min(untilMs, sessionSeconds * 1000) : sessionSeconds * 1000
  }

  async #replace(expired: Trouble | null): Promise<Trouble | null> {
    const trouble = this.#owner.source.auth.roleArn === null ? await this.#refreshChain(expired) : await this.assume()
    if (trouble !== null) {
      const refused: Trouble = { ...trouble, kind: 'session_expired', reason: 'credentials_expired' }
      this.#refused = { trouble: refused, until: performance.now() + refusedForMs }
      return refused
    }
    this.#owner.way.log.debug('session renewed', { source: this.#owner.source.label })
    return null
  }

  /** Without a role the chain is all there is; keys that it gives again are still expired. */
  async #refreshChain(expired: Trouble | null): Promise<Trouble | null> {
    const before = await this.#fromChain()
    const after = await this.#fromChain({ forceRefresh: true })
    if (before.accessKeyId === after.accessKeyId && before.sessionToken === after.sessionToken) return expired
    this.#renewAt = this.#expiresAt = Number.POSITIVE_INFINITY
    this.#generation++
    this.#refused = null
    return null
  }

  async #fromChain(how?: { readonly forceRefresh: boolean }): Promise<AwsCredentialIdentity> {
    try {
      return await this.#base(how)
    } catch (cause) {
      const { message } = cause as Error
      const hint = isSessionTooLong(message)
        ? `write duration_seconds = ${sessionSeconds} into the profile, or leave it out: the session is renewed before it ends`
        : 'give this process a role, a profile (AWS_PROFILE) or keys (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)'
      throw new SourcesError('NO_CREDENTIALS', `no AWS credentials were found: ${message}`, { hint, cause })
    }
  }
}

/** What a role that demands its external id must refuse: none, and one that it cannot know. */
export function wrongExternalIds(): readonly (string | null)[] {
  return [null, `not-${randomUUID()}`]
}

/** Renewed five minutes early, or after four fifths of a short life. */
function marginMs(lifeMs: number): number {
  return Math.min(300_000, lifeMs / 5)
}

/** The SDK's own chain, over our connections and with the environment that was handed in. */
export function baseProvider(way: Pick<Way, 'environment' | 'handler'>): AwsCredentialIdentityProvider {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_PROFILE } = way.environment
  if (AWS_ACCESS_KEY_ID && AWS_SECRET_ACCESS_KEY && !AWS_PROFILE) {
    const keys = {
      accessKeyId: AWS_ACCESS_KEY_ID,
      secretAccessKey: AWS_SECRET_ACCESS_KEY,
      ...(AWS_SESSION_TOKEN ? { sessionToken: AWS_SESSION_TOKEN } : {}),
    }
    return () => Promise.resolve(keys)
  }
  return fromNodeProviderChain({
    ...(AWS_PROFILE ? { profile: AWS_PROFILE } : {}),
    clientConfig: { requestHandler: way.handler },
  })
}
