/**
 * First keys of our advisory locks (two int4 keys, one number space per database).
 * @see https://www.postgresql.org/docs/18/explicit-locking.html#ADVISORY-LOCKS
 */
export const lockSpaces = {
  /** held by every process that uses the embedded server; the second key is 0 */
  presence: 0x65766431,
  migration: 0x65766432,
  /** the second key is the source's id; held by the session of a run */
  source: 0x65766433,
  /** held until the end of a transaction that appends to the ledger */
  ledger: 0x65766434,
  evaluation: 0x65766435,
  /** the second key is the source's id; held while heads are written */
  heads: 0x65766436,
  exceptions: 0x65766437,
  findings: 0x65766438,
  /** held by the one daemon of an embedded database; the second key is 0 */
  daemon: 0x65766439,
  /** held by the session of a daemon that verifies the store; the second key is 0 */
  verification: 0x6576643a,
} as const
