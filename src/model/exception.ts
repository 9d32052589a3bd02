/**
 * What an exception covers: the fails of its controls that meet every member that is not null. All null: all of them.
 * Only fails are covered: what is unknown is not excused.
 */
export interface ExceptionScope {
  /** label of a source */
  readonly source: string | null
  /** keys of subjects */
  readonly subjects: readonly string[] | null
  /** attribute (`account`, `permissionSet`, `tag:environment`, …) → patterns, of which one must fit; `*` stands for any characters */
  readonly match: { readonly [attribute: string]: readonly string[] } | null
  /** a CEL expression over the controls' resource that must be true */
  readonly when: string | null
}

/** Fails that someone accepts for a time and a reason, and someone else approved. Times are RFC 3339 text, digested as they stand. */
export interface Exception {
  readonly id: string
  /** `file`: a row of a file under version control; `database`: requested and approved by command */
  readonly origin: 'file' | 'database'
  readonly controls: readonly string[]
  readonly scope: ExceptionScope
  readonly reason: string
  readonly ticket: string | null
  readonly requestedBy: string
  readonly requestedAt: string | null
  /** null: nobody has approved it, so it covers nothing */
  readonly approvedBy: string | null
  readonly approvedAt: string | null
  readonly expiresAt: string
  readonly revokedBy: string | null
  readonly revokedAt: string | null
  readonly revokedReason: string | null
}

/** Only an `approved` exception covers anything. `lapsed`: its end has come. */
export type ExceptionState = 'requested' | 'approved' | 'lapsed' | 'revoked'

/** An exception as an evaluation knew it. */
export interface RegisteredException extends Exception {
  /** at the instant of the evaluation */
  readonly state: ExceptionState
  /** fails that it stands beside in this evaluation */
  readonly covers: number
  /** why it can cover nothing although it is approved (a control that is gone, a selector that no longer fits); null: it can */
  readonly problem: string | null
}

/** What a file of exceptions says, as it was read. */
export interface ExceptionFile {
  /** path of the file or folder */
  readonly location: string
  /** SHA-256 over the bytes of all its files, of a broken one as it was when it could be parsed */
  readonly digest: string
  readonly exceptions: readonly Exception[]
  /** rows that do not count and files that cannot be parsed, one line each with place and mistake */
  readonly problems: readonly string[]
  /** which file says what; absent in what was kept by versions that did not know */
  readonly files?: readonly ExceptionFilePart[]
}

/** One file as it was when it could last be parsed. */
export interface ExceptionFilePart {
  /** below the location; '' when the location is the file */
  readonly path: string
  /** SHA-256 of its bytes */
  readonly digest: string
  /** ids of the exceptions that count */
  readonly exceptions: readonly string[]
}
