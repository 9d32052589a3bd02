import { isSamePerson } from '../exception.ts'
import type { ImportKind } from '../model.ts'

export interface Column {
  readonly required: boolean
  /** what a cell must be; null for any text */
  readonly form: { readonly pattern: RegExp; readonly says: string } | null
}

type Cells = { readonly [column: string]: string }

interface Kind {
  readonly columns: { readonly [name: string]: Column }
  /** a file without any row says something: that there was none */
  readonly mayBeEmpty: boolean
  /** what no two rows may share, as it is told; null for a row that may stand more than once */
  nameOf(cells: Cells): string | null
  /** what is wrong at an instant with a row as a whole; null for nothing */
  wrong(cells: Cells, at: Date): string | null
}

const day = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/
export const date = { pattern: day, says: 'a day (2026-03-31) or an instant with a zone (2026-03-31T17:00:00Z)' }
const text: Column = { required: false, form: null }
const needed: Column = { required: true, form: null }
const dated: Column = { required: true, form: date }
const accepts = () => null
/** A day begins first 14 hours east of UTC. */
const earliestDayMs = 14 * 3_600_000

/** What somebody says of a day to come would stay young, and the last word, until long after it. */
function notCome(column: string, written: string | undefined, at: Date): string | null {
  if (written === undefined) return null
  const begins = Date.parse(written) - (written.includes('T') ? 0 : earliestDayMs)
  return begins > at.getTime() ? `${column} ${written} has not come yet` : null
}

/** What is approved or reviewed: every cell that is filled in must fit. */
const named: { readonly [name: string]: Column } = {
  user: text,
  group: text,
  permissionSet: text,
  account: text,
}

/** The columns of each kind, and what makes a row right as a whole. */
export const kinds: { readonly [K in ImportKind]: Kind } = {
  roster: {
    mayBeEmpty: false,
    columns: {
      personId: needed,
      name: text,
      status: needed,
      email: { required: false, form: { pattern: /^[^@\s]+@[^@\s]+$/, says: 'an address' } },
      userName: text,
      externalId: text,
      terminationDate: { required: false, form: date },
      managerId: text,
    },
    nameOf: ({ personId }) => (personId === undefined ? null : `personId ${personId}`),
    wrong: accepts,
  },
  attestations: {
    mayBeEmpty: true,
    columns: {
      subject: needed,
      statement: text,
      owner: needed,
      date: dated,
      evidenceSha256: { required: true, form: { pattern: /^[0-9a-fA-F]{64}$/, says: 'a SHA-256 in hexadecimal' } },
    },
    nameOf: () => null,
    wrong: ({ date: dated }, at) => notCome('date', dated, at),
  },
  approvals: {
    mayBeEmpty: true,
    columns: {
      ticket: needed,
      approver: needed,
      approvedAt: dated,
      requester: text,
      ...named,
      resource: text,
      validUntil: { required: false, form: date },
      comment: text,
    },
    nameOf: () => null,
    wrong: ({ user, group, permissionSet, account, resource, requester, approver, approvedAt }, at) => {
      if ([user, group, permissionSet, account, resource].every(cell => cell === undefined))
        return 'it approves nothing: fill in user, group, permissionSet, account or resource'
      if (requester !== undefined && approver !== undefined && isSamePerson(requester, approver))
        return `${approver} cannot approve what they requested themselves`
      return notCome('approvedAt', approvedAt, at)
    },
  },
  reviews: {
    mayBeEmpty: true,
    columns: {
      reviewer: needed,
      reviewedAt: dated,
      decision: { required: true, form: { pattern: /^(keep|revoke)$/, says: 'keep or revoke' } },
      ...named,
      campaign: text,
      comment: text,
    },
    nameOf: ({ user = '', group = '', permissionSet = '', account = '', reviewedAt }) =>
      reviewedAt === undefined
        ? null
        : `a decision on ${[user, group, permissionSet, account].filter(cell => cell !== '').join(', ')} at ${reviewedAt}`,
    wrong: ({ user, group, permissionSet, account, reviewedAt }, at) => {
      const future = notCome('reviewedAt', reviewedAt, at)
      if (future !== null) return future
      if (permissionSet === undefined && account !== undefined) return 'account needs permissionSet beside it'
      if (permissionSet !== undefined) {
        const isOne = (user === undefined) !== (group === undefined)
        return isOne ? null : 'a permission set is reviewed for a user or for a group: fill in one of them'
      }
      return user === undefined || group === undefined
        ? 'it reviews nothing: fill in user and group for a membership, or permissionSet with user or group for an assignment'
        : null
    },
  },
}
