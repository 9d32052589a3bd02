import {
  DescribeAccountAssignmentCreationStatusCommand,
  DescribeAccountAssignmentDeletionStatusCommand,
  DescribePermissionSetProvisioningStatusCommand,
  ListAccountAssignmentCreationStatusCommand,
  ListAccountAssignmentDeletionStatusCommand,
  ListPermissionSetProvisioningStatusCommand,
} from '@aws-sdk/client-sso-admin'
import type { Facts, PartPiece } from '../model.ts'
import { type CrossCheck, isTrouble, listed, notMade, refused } from './checking.ts'
import { checksDataset, type Operation, operationsOf, text } from './dataset.ts'
import { readPart } from './part.ts'
import { datasetNamed } from './services.ts'
import type { Session } from './session.ts'
import { notApplicable } from './standing.ts'
import type { Trouble } from './trouble.ts'

const operation = operationsOf('sso')
const name = 'changes_in_progress'
const pageSize = 100
/** What each request is about takes one more question; of more than these, only the number is told. */
const mostDescribed = 200

/** One kind of write that Identity Center works on for a while: what lists its requests, and what says what one is about. */
interface Kind {
  readonly words: string
  readonly list: Operation
  readonly member: string
  readonly describe: Operation
  readonly id: string
  readonly answer: string
}

const kinds: readonly Kind[] = [
  {
    words: 'the creation of an assignment',
    list: operation('ListAccountAssignmentCreationStatus', ListAccountAssignmentCreationStatusCommand),
    member: 'AccountAssignmentsCreationStatus',
    describe: operation('DescribeAccountAssignmentCreationStatus', DescribeAccountAssignmentCreationStatusCommand),
    id: 'AccountAssignmentCreationRequestId',
    answer: 'AccountAssignmentCreationStatus',
  },
  {
    words: 'the deletion of an assignment',
    list: operation('ListAccountAssignmentDeletionStatus', ListAccountAssignmentDeletionStatusCommand),
    member: 'AccountAssignmentsDeletionStatus',
    describe: operation('DescribeAccountAssignmentDeletionStatus', DescribeAccountAssignmentDeletionStatusCommand),
    id: 'AccountAssignmentDeletionRequestId',
    answer: 'AccountAssignmentDeletionStatus',
  },
  {
    words: 'the provisioning of a permission set',
    list: operation('ListPermissionSetProvisioningStatus', ListPermissionSetProvisioningStatusCommand),
    member: 'PermissionSetsProvisioningStatus',
    describe: operation('DescribePermissionSetProvisioningStatus', DescribePermissionSetProvisioningStatusCommand),
    id: 'ProvisionPermissionSetRequestId',
    answer: 'PermissionSetProvisioningStatus',
  },
]

/** Asked beside what datasets ask. */
export const pendingOperations: readonly Operation[] = kinds.flatMap(({ list, describe }) => [list, describe])

/** Calls of both readings, while nothing is in progress. */
export const pendingCalls = 2 * kinds.length

type Requests = ReadonlyMap<string, Kind> | { readonly trouble: Trouble; readonly operation: Operation }

/** Writes that Identity Center was still working on when the source began to be read, and when it had been: the lists may not show them yet. */
export class PendingChanges {
  readonly #session: Session
  readonly #begin: Promise<Requests>
  /** `accountId|permissionSetArn` of what was moving */
  readonly #pairs = new Set<string>()

  /** Reads the requests of the beginning at once. */
  constructor(session: Session) {
    this.#session = session
    this.#begin = this.#isApplicable() ? this.#requests() : Promise.resolve(new Map())
    // whoever awaits it gets the error too
    this.#begin.catch(() => {})
  }

  /** Reads them again, and asks what each is about. */
  async check(): Promise<CrossCheck> {
    if (!this.#isApplicable()) return notMade(name, 'there are no account assignments')
    const [begin, end] = [await this.#begin, await this.#requests()]
    if ('trouble' in begin) return refused(name, begin.trouble, begin.operation)
    if ('trouble' in end) return refused(name, end.trouble, end.operation)
    const all = new Map([...begin, ...end])
    const differences: string[] = []
    for (const [id, kind] of [...all].slice(0, mostDescribed)) {
      const { instanceArn: InstanceArn } = this.#session.subject
      const said = await this.#session.ask({
        operation: kind.describe,
        input: { InstanceArn, [kind.id]: id },
        dataset: checksDataset,
      })
      if ('trouble' in said) return refused(name, said.trouble, kind.describe)
      const status = (said.answer[kind.answer] ?? {}) as Facts
      const [accountId, setArn] = [text(status, 'TargetId') ?? text(status, 'AccountId'), text(status, 'PermissionSetArn')]
      if (accountId !== undefined && setArn !== undefined) this.#pairs.add(`${accountId}|${setArn}`)
      const whose = text(status, 'PrincipalId')
      const when = [...(begin.has(id) ? ['began'] : []), ...(end.has(id) ? ['ended'] : [])].join(' and when it ')
      differences.push(
        `${kind.words} of ${setArn} in ${accountId}${whose === undefined ? '' : ` for ${status.PrincipalType} ${whose}`} was in progress when the reading ${when} (${id})`,
      )
    }
    for (const [id, kind] of [...all].slice(mostDescribed)) differences.push(`${kind.words} was in progress (${id})`)
    const statement = `Creations and deletions of assignments and provisionings in progress, at begin and end: ${all.size}.`
    return { name, made: true, statement, population: all.size, compared: Math.min(all.size, mostDescribed), differences }
  }

  /**
   * Reads the assignments of every pair that was moving once more, and hands them on with that remark; what cannot be read again stays as it
   * was read.
   * @param provisioned those of some pairs that the snapshot has assignments of
   */
  async readAgain(
    provisioned: (pairs: ReadonlySet<string>) => readonly string[],
    emit: (piece: PartPiece) => Promise<void>,
  ): Promise<void> {
    const dataset = datasetNamed('sso.account_assignments')
    const reason = 'an assignment of the pair, or the permission set there, was being changed while the source was read'
    for (const parent of provisioned(this.#pairs)) {
      const pieces: PartPiece[] = []
      await readPart({
        ...{ session: this.#session, dataset, parent },
        async emit(piece) {
          if (piece.isFirst) pieces.length = 0
          pieces.push(piece)
        },
      })
      if (!pieces.some(({ end }) => end?.coverage === 'complete')) continue
      for (const piece of pieces)
        await emit(piece.end === null ? piece : { ...piece, end: { ...piece.end, coverage: 'complete_with_changes', reason } })
    }
  }

  #isApplicable(): boolean {
    const { standing } = this.#session
    return notApplicable('permission_sets_enabled', standing) === null
  }

  async #requests(): Promise<Requests> {
    const found = new Map<string, Kind>()
    const input = { InstanceArn: this.#session.subject.instanceArn, MaxResults: pageSize, Filter: { Status: 'IN_PROGRESS' } }
    for (const kind of kinds) {
      const said = await listed(this.#session, kind.list, input, kind.member, request => text(request, 'RequestId'))
      if (isTrouble(said)) return { trouble: said, operation: kind.list }
      for (const id of said) if (id !== undefined) found.set(id, kind)
    }
    return found
  }
}
