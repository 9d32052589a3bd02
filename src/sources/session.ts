import type { Counts, Facts, PartPiece, Place, PlannedDiscovery, Source } from '../model.ts'
import { Client, newTally, type Tally } from './client.ts'
import { Credentials } from './credentials.ts'
import type { Operation, Subject } from './dataset.ts'
import { Governors } from './governors.ts'
import { CallLedger } from './ledger.ts'
import { type Partition, partitionNamed } from './partitions.ts'
import { InvalidAnswer, type RawAnswer } from './raw-protocol.ts'
import type { SdkCommand, Service } from './service.ts'
import { serviceNamed } from './services.ts'
import type { Standing } from './standing.ts'
import type { Remembered } from './sudden-drop.ts'
import { type Trouble, troubleOf } from './trouble.ts'
import type { Way } from './way.ts'

export interface Answer {
  readonly answer: Facts
  readonly observedAt: Date
  /** text that cannot be kept stands somewhere in it; only where the question said that it can be told apart */
  readonly isIllFormed: boolean
}

export type Said = Answer | { readonly trouble: Trouble }

export interface Question {
  readonly operation: Operation
  readonly input: Facts
  /** what it is asked for; left out for the questions of connecting and checking */
  readonly dataset?: string
  /** 1 for the first page */
  readonly page?: number
  /** rows in an answer, for the ledger */
  readonly items?: (answer: Facts) => number
  /** another Region than the service's own: when an instance is looked for */
  readonly region?: string
  /** whoever asks looks for text that cannot be kept, row by row; for others such an answer is none */
  readonly isRowwise?: boolean
  /** attempts for what may pass; fewer while connecting, where a person waits */
  readonly tries?: number
}

type Outcome = { readonly output: RawAnswer } | { readonly trouble: Trouble }

/** One connection to one source: credentials, clients, governors and the ledger of every call. */
export class Session {
  readonly way: Way
  readonly source: Source
  readonly partition: Partition
  readonly credentials: Credentials
  readonly ledger: CallLedger
  /** account that asks; known after GetCallerIdentity */
  accountId = ''
  /** set once connected */
  standing: Standing | null = null
  /** rows per dataset when it was last read to its end; per account too, as `dataset accountId` */
  baseline: Counts = {}
  /** what earlier runs know; nothing until somebody who remembers says so */
  remembered: Remembered = {}
  /** how the provisioned pairs were found in the end */
  discovery: PlannedDiscovery['taken'] = 'by_set'
  /** parts that connecting has read already */
  readonly read: PartPiece[] = []
  readonly #abort: AbortController
  readonly #clients = new Map<string, Client>()
  readonly #governors: Governors
  readonly #unknown: Set<string>
  readonly #home: Session | null
  readonly #kept = new Map<string, Promise<ReadonlyMap<string, Facts>>>()
  /** the last call of each budget that takes one at a time */
  readonly #turns = new Map<string, Promise<unknown>>()

  /**
   * @param home the session of the source, when this one is of another account of it: ledger, budgets and end are shared
   * @throws {SourcesError} UNKNOWN_PARTITION
   */
  constructor(way: Way, source: Source, home: Session | null = null) {
    this.way = way
    this.source = source
    this.partition = partitionNamed(source.partition)
    this.#home = home
    this.#abort = home === null ? new AbortController() : home.#abort
    this.ledger = home === null ? new CallLedger(way.now) : home.ledger
    this.#governors = home === null ? new Governors(way.budget, source) : home.#governors
    this.#unknown = home === null ? new Set() : home.#unknown
    const { ledger, signal } = this
    const owner = { way, source, ledger, governors: this.#governors, signal }
    this.credentials = new Credentials(owner, home?.credentials ?? null)
    if (home === null) way.open.add(this)
  }

  /** A session in another account of the same source, with a role of that account. No network until it is asked. */
  inAccount(accountId: string, roleArn: string, externalId: string | null): Session {
    const session = new Session(this.way, { ...this.source, auth: { ...this.source.auth, roleArn, externalId } }, this)
    session.accountId = accountId
    session.standing = this.standing
    session.baseline = this.baseline
    return session
  }

  /** aborted when the session is closed */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get subject(): Subject {
    const identity = this.standing?.identity
    return {
      instanceArn: identity?.instanceArn ?? '',
      identityStoreId: identity?.identityStoreId ?? '',
      accountId: this.accountId,
      hasExtensions: this.source.includeUserExtensions === true,
    }
  }

  /** Members that AWS sent and the SDK does not know, since the session began. */
  get unknownMembers(): readonly string[] {
    return [...this.#unknown].sort()
  }

  place(service: string): Place {
    const homeRegion = this.standing?.identity.homeRegion ?? this.source.region
    return { accountId: this.accountId, region: serviceNamed(service).region(homeRegion, this.partition) }
  }

  /** Calls a second that this source may make of a budget. */
  rate(key: string, documentedRate: number): number {
    return this.#governors.rate(key, documentedRate)
  }

  /**
   * One call: paced, retried, written to the ledger whatever comes of it. An expired session is renewed and the same
   * question asked once more.
   * @throws what is neither AWS's nor the network's fault, and the abort of a session that was closed
   */
  async ask(question: Question): Promise<Said> {
    const { operation, input } = question
    const tally = newTally()
    const here = this.place(operation.service)
    const place = question.region === undefined ? here : { accountId: this.accountId, region: question.region }
    const generation = await this.credentials.ready()
    // nothing is sent for want of credentials: there is no call to write down
    if (typeof generation !== 'number') return { trouble: generation }
    let outcome = await this.#send(question, place.region, tally)
    if ('trouble' in outcome && outcome.trouble.kind === 'session_expired') {
      const refused = await this.credentials.replace(generation, outcome.trouble)
      if (refused === null) outcome = await this.#send(question, place.region, tally)
    }
    const observedAt = this.way.now()
    const call = {
      service: operation.service,
      operation: operation.name,
      place,
      parameters: input,
      ...(question.dataset === undefined ? {} : { dataset: question.dataset }),
      page: question.page ?? 1,
      tally,
    }
    if ('trouble' in outcome) {
      this.ledger.record({ ...call, items: 0, answer: null, trouble: outcome.trouble })
      return outcome
    }
    const { $metadata, $unknown, $isIllFormed, $date: _, ...members } = outcome.output
    if ($isIllFormed && question.isRowwise !== true) {
      const trouble = troubleOf(new InvalidAnswer('a lone surrogate stands in it'))!
      this.ledger.record({ ...call, items: 0, answer: $metadata, trouble })
      return { trouble }
    }
    const answer = members as Facts
    for (const member of $unknown) this.#unknown.add(`${operation.service}:${operation.name} ${member}`)
    this.ledger.record({ ...call, items: question.items?.(answer) ?? 1, answer: $metadata, trouble: null })
    return { answer, observedAt, isIllFormed: $isIllFormed }
  }

  /** Facts that earlier runs kept of a dataset, by key; read once. */
  kept(dataset: string): Promise<ReadonlyMap<string, Facts>> {
    const known = this.#kept.get(dataset) ?? this.remembered.keptFacts?.(dataset) ?? Promise.resolve(new Map<string, Facts>())
    this.#kept.set(dataset, known)
    return known
  }

  /** Ends everything that waits or is under way. */
  close(): void {
    if (this.#home !== null) {
      this.#home.close()
      return
    }
    if (this.signal.aborted) return
    this.#abort.abort(Object.assign(new Error('the collection was stopped'), { name: 'AbortError' }))
    this.#governors.close(this.signal.reason)
    this.way.open.delete(this)
  }

  /** A service that refuses a second call while one is under way gets them in turn, whoever asks: lists, confirmations and checks. */
  #send(question: Question, region: string, tally: Tally): Promise<Outcome> {
    const { operation } = question
    const service = serviceNamed(operation.service)
    if (!service.isOneAtATime) return this.#sendNow(question, region, tally)
    const key = service.budgetKey(operation.name)
    const send = () => this.#sendNow(question, region, tally)
    const mine = (this.#turns.get(key) ?? Promise.resolve()).then(send, send)
    this.#turns.set(key, mine)
    return mine
  }

  async #sendNow({ operation, input, tries }: Question, region: string, tally: Tally): Promise<Outcome> {
    const command = new (operation.command as new (input: Facts) => SdkCommand)({ ...input })
    try {
      return { output: (await this.#client(operation.service, region, tries).send(command, tally)) as RawAnswer }
    } catch (error) {
      if (this.signal.aborted) throw this.signal.reason
      const trouble = troubleOf(error)
      if (trouble === null) throw error
      return { trouble }
    }
  }

  #client(serviceName: string, region: string, tries?: number): Client {
    const key = `${serviceName} ${region} ${tries ?? ''}`
    const known = this.#clients.get(key)
    if (known !== undefined) return known
    const service = serviceNamed(serviceName)
    const client = new Client(this.way, {
      open: service.open,
      endpointName: service.endpointName,
      region,
      credentials: () => this.credentials.current(),
      governor: name => this.#governors.of(this.#scope(service), service.budgetKey(name), service.rate(name)),
      signal: this.signal,
      ...(tries === undefined ? {} : { tries }),
    })
    this.#clients.set(key, client)
    return client
  }

  /** Organizations and Identity Center count by organization, IAM by account. */
  #scope(service: Service): string {
    if (service.budgetScope === 'account') return this.accountId
    return this.standing?.identity.organizationId ?? this.accountId
  }
}
