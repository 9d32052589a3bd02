/** One thing that is not as it was sealed. */
export interface StoreProblem {
  /** `head_missing`: nothing is wrong that could be seen, but nothing outside the database vouches for it */
  readonly kind:
    | 'row'
    | 'part'
    | 'dataset'
    | 'snapshot'
    | 'chain'
    | 'calls'
    | 'ledger'
    | 'evaluation'
    | 'import'
    | 'disposal'
    | 'head'
    | 'head_missing'
  /** what it is about: dataset, place and key of a row; source and version of a snapshot; … */
  readonly name: string
  readonly message: string
}
