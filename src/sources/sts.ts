import {
  AssumeRoleCommand,
  type AssumeRoleCommandOutput,
  GetCallerIdentityCommand,
  type GetCallerIdentityCommandOutput,
  STSClient,
} from '@aws-sdk/client-sts'
import type { AwsCredentialIdentity } from '@smithy/types'
import type { Facts, RoleOnTheWay, Source } from '../model.ts'
import { Client, newTally } from './client.ts'
import type { Governors } from './governors.ts'
import type { CallLedger } from './ledger.ts'
import { partitionNamed } from './partitions.ts'
import type { SdkCommand } from './service.ts'
import { SourcesError } from './sources-error.ts'
import { type Trouble, troubleOf } from './trouble.ts'
import type { Way } from './way.ts'

/** Longest session that role chaining allows, and shortest that a role may be limited to. */
export const sessionSeconds = 3600
const stsRate = 600
const connectTries = 4
/** STS is not activated in a Region for the account whose role is asked for. */
export const regionDisabled = 'RegionDisabledException'

/** What asking STS takes of the session it is asked for. */
export interface Owner {
  readonly way: Way
  readonly source: Source
  readonly ledger: CallLedger
  readonly governors: Governors
  readonly signal: AbortSignal
}

export interface CallerIdentity {
  readonly arn: string
  readonly userId: string
  readonly accountId: string
  /** when AWS answered, by its own clock (RFC 1123); null: it did not say */
  readonly date: string | null
}

/** Credentials of a role, or why there are none. */
export type Assumed = { readonly credentials: AwsCredentialIdentity } | { readonly trouble: Trouble }

/** The questions that STS is asked; each is on record. */
export class Sts {
  readonly #owner: Owner
  /** another Region's STS, once that of the source is found to be off in an account */
  #region: string | null = null

  constructor(owner: Owner) {
    this.#owner = owner
  }

  async assumeRole(base: AwsCredentialIdentity, { roleArn, externalId }: RoleOnTheWay, sessionName: string): Promise<Assumed> {
    const { sourceIdentity = null } = this.#owner.source.auth
    const input = {
      RoleArn: roleArn,
      RoleSessionName: sessionName,
      DurationSeconds: sessionSeconds,
      ...(sourceIdentity === null ? {} : { SourceIdentity: sourceIdentity }),
    }
    const command = new AssumeRoleCommand({ ...input, ...(externalId === null ? {} : { ExternalId: externalId }) })
    const said = await this.#ask(command, input, () => Promise.resolve(base))
    if ('trouble' in said) return said
    const given = (said.output as AssumeRoleCommandOutput).Credentials
    if (given?.AccessKeyId === undefined || given.SecretAccessKey === undefined || given.SessionToken === undefined) {
      throw new SourcesError('UNEXPECTED_ANSWER', `sts:AssumeRole of ${roleArn} answered without credentials`)
    }
    return {
      credentials: {
        accessKeyId: given.AccessKeyId,
        secretAccessKey: given.SecretAccessKey,
        sessionToken: given.SessionToken,
        ...(given.Expiration === undefined ? {} : { expiration: given.Expiration }),
      },
    }
  }

  async callerIdentity(
    credentials: () => Promise<AwsCredentialIdentity>,
  ): Promise<CallerIdentity | { readonly trouble: Trouble }> {
    const said = await this.#ask(new GetCallerIdentityCommand({}), {}, credentials)
    if ('trouble' in said) return said
    const { Arn, UserId, Account } = said.output as GetCallerIdentityCommandOutput
    if (Arn === undefined || UserId === undefined || Account === undefined) {
      throw new SourcesError('UNEXPECTED_ANSWER', 'sts:GetCallerIdentity answered without an identity')
    }
    return { arn: Arn, userId: UserId, accountId: Account, date: said.date }
  }

  /** Asks STS in the source's Region, and where an account has switched that one off, in the Region that nobody can. */
  async #ask(
    command: SdkCommand,
    parameters: Facts,
    credentials: () => Promise<AwsCredentialIdentity>,
  ): Promise<{ output: unknown; date: string | null } | { trouble: Trouble }> {
    const { region, partition } = this.#owner.source
    const said = await this.#askIn(this.#region ?? region, command, parameters, credentials)
    const always = partitionNamed(partition).stsRegion
    if (!('trouble' in said) || said.trouble.code !== regionDisabled || (this.#region ?? region) === always) return said
    this.#region = always
    return this.#askIn(always, command, parameters, credentials)
  }

  async #askIn(
    region: string,
    command: SdkCommand,
    parameters: Facts,
    credentials: () => Promise<AwsCredentialIdentity>,
  ): Promise<{ output: unknown; date: string | null } | { trouble: Trouble }> {
    const { way, source, ledger, governors, signal } = this.#owner
    const tally = newTally()
    // charged to the account that asks, which only the answer names: until then to the role's
    const accountId = source.auth.roleArn?.split(':')[4] ?? 'caller'
    const client = new Client(way, {
      open: ({ protocol: _xmlIsReadByTheSdk, ...config }) => new STSClient(config),
      endpointName: 'STS',
      region,
      credentials,
      governor: () => governors.of(accountId, 'sts', stsRate),
      tries: connectTries,
      signal,
    })
    // asked first, so that a chain without credentials is told as such
    await credentials()
    let said: { output: GetCallerIdentityCommandOutput | AssumeRoleCommandOutput } | { trouble: Trouble }
    try {
      said = { output: (await client.send(command, tally)) as GetCallerIdentityCommandOutput | AssumeRoleCommandOutput }
    } catch (error) {
      if (signal.aborted) throw signal.reason
      const trouble = troubleOf(error)
      if (trouble === null) throw error
      said = { trouble }
    }
    const operation = command instanceof AssumeRoleCommand ? 'AssumeRole' : 'GetCallerIdentity'
    const call = { service: 'sts', operation, place: { accountId, region }, parameters, page: 1, tally }
    if ('trouble' in said) ledger.record({ ...call, items: 0, answer: null, trouble: said.trouble })
    else ledger.record({ ...call, items: 1, answer: said.output.$metadata, trouble: null })
    return 'trouble' in said ? said : { ...said, date: tally.date }
  }
}

/** AWS's words for a session that is longer than the role, or a role on the way to it, allows. */
export function isSessionTooLong(message: string): boolean {
  return /DurationSeconds exceeds|MaxSessionDuration|hour session limit/i.test(message)
}
