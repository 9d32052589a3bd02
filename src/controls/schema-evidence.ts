import { derived, type Fields } from './field.ts'

/** The evidence itself: how it is kept, whether it agrees, and who gathered it. */
export const evidenceSchema: { readonly [type: string]: Fields } = {
  StoredSnapshot: {
    version: derived('int', 'number of the snapshot in its source'),
    name: derived('string', 'for people'),
    sealedAt: derived('google.protobuf.Timestamp', 'when it was sealed'),
    isOldest: derived('bool', 'no older one is kept'),
    problems: derived(
      'list<string>',
      'what is not as it was sealed: in itself, the chain, the ledger; and in rows and calls by the last verification',
    ),
    lastVerified: derived('Since', 'when the whole store was last computed again (evidenced verify-store), it in it'),
  },
  Reconciliation: {
    name: derived('string', 'dataset and place, or the name of a second reading'),
    rows: derived('int', 'rows that were read'),
    expectedRows: derived('dyn', 'what IAM itself counts; null where nothing counts it'),
    previousRows: derived('dyn', 'rows in the run before; null where that did not read it to its end'),
    changeRatio: derived('double', 'change since the run before, as a share of what was there'),
    differences: derived('int', 'what a second reading of the same population found different'),
    isMade: derived('bool', 'the comparison could be made'),
    statement: derived('string', 'what was compared'),
  },
  KeptException: {
    name: derived('string', 'for people'),
    controls: derived('list<string>', 'ids of the controls it is about'),
    owner: derived('string', 'who asked for it'),
    approver: derived('dyn', 'who approved it; null: nobody'),
    isSelfApproved: derived('bool', 'whoever asked for it approved it, however the name is spelled'),
    reason: derived('string', 'why'),
    isScoped: derived('bool', 'it names subjects, or what they are like: a pattern of `*` alone and `when: true` name none'),
    isRevoked: derived('bool', 'it was closed'),
    approvedAt: derived('dyn', 'when it was approved; null where that is not said'),
    expiresAt: derived('google.protobuf.Timestamp', 'when it ends'),
    days: derived('double', 'days from the approval to the expiry'),
  },
  CollectorRole: {
    name: derived('string', 'role and account'),
    isRole: derived('bool', 'an assumed role; false: a user or root'),
  },
}

/** What controls of the evidence range over. */
export const evidenceTypes = {
  storedSnapshot: { type: 'StoredSnapshot', populations: ['ledger.snapshots'] },
  exception: { type: 'KeptException', populations: ['ledger.exceptions'] },
  reconciliation: { type: 'Reconciliation', populations: [] },
  collectorRole: { type: 'CollectorRole', populations: [] },
} as const
