import type { Coverage, Gap, GapReason, Place, Snapshot } from '../model.ts'
import { datasets } from './datasets.ts'
import { joinGaps, Unknown } from './values.ts'

interface DatasetGaps {
  whole: Unknown | undefined
  readonly parts: Map<string, Unknown>
  readonly rows: Map<string, Unknown>
  /** members missing everywhere in the dataset */
  readonly members: Map<string, Unknown>
  /** `key member` of one resource */
  readonly rowMembers: Map<string, Unknown>
}

const unreadCoverage: { readonly [C in Coverage]?: GapReason } = {
  denied: 'access_denied',
  incomplete: 'not_collected',
  not_collectable: 'unsupported',
}

/**
 * The gaps of a snapshot, to be asked by what they hide. A dataset that is not complete by its own account but names no gap,
 * and one that the snapshot does not mention at all, are gaps as a whole: silence is not completeness.
 */
export class GapIndex {
  readonly #byDataset = new Map<string, DatasetGaps>()
  readonly #place: Place

  /**
   * @param imported datasets that people brought
   * @param accountId the account whose IAM is asked about; null for everything that the organization has once
   */
  constructor(snapshot: Snapshot, accountId: string | null = null, imported: ReadonlySet<string> = new Set()) {
    const { instanceOwnerAccountId, managementAccountId, homeRegion } = snapshot.identity
    this.#place = { accountId: accountId ?? instanceOwnerAccountId ?? managementAccountId ?? '', region: homeRegion }
    const isHere = (dataset: string, at: Place) =>
      isPerAccount(dataset) === (accountId !== null) && (accountId ?? at.accountId) === at.accountId
    for (const gap of snapshot.gaps) if (isHere(gap.dataset, gap.place)) this.add(gap)
    for (const dataset of Object.keys(datasets)) {
      if (isPerAccount(dataset) !== (accountId !== null) || imported.has(dataset)) continue
      const summaries = snapshot.datasets.filter(({ name, place }) => name === dataset && isHere(name, place))
      if (summaries.length === 0) this.add(this.absent(dataset, '', 'not_collected', 'the snapshot does not hold this dataset'))
      for (const { coverage, place, reason } of summaries) {
        const why = unreadCoverage[coverage]
        if (why === undefined || this.hidesRows(dataset)) continue
        this.add({ ...this.absent(dataset, '', why, reason ?? `coverage is ${coverage}`), place })
      }
    }
  }

  add(gap: Gap): void {
    const gaps = this.#gapsOf(gap.dataset)
    const unknown = new Unknown([gap])
    if (gap.member !== null) {
      const key = gap.key ?? gap.parent
      if (key === '') put(gaps.members, gap.member, unknown)
      else put(gaps.rowMembers, `${key} ${gap.member}`, unknown)
    } else if (gap.key !== null) put(gaps.rows, gap.key, unknown)
    else if (gap.parent !== '') put(gaps.parts, gap.parent, unknown)
    else gaps.whole = gaps.whole === undefined ? unknown : joinGaps(gaps.whole, unknown)
  }

  /** A gap of our own making: a row that ought to be there is not, and nothing in the snapshot says why. */
  absent(dataset: string, parent: string, reason: GapReason, message: string, key: string | null = null): Gap {
    const action = reason === 'not_sent' ? null : (datasets[dataset]?.action ?? null)
    return { dataset, place: this.#place, parent, key, member: null, reason, action, errorCode: null, message }
  }

  whole(dataset: string): Unknown | undefined {
    return this.#byDataset.get(dataset)?.whole
  }

  /** The gap of one part alone. */
  part(dataset: string, parent: string): Unknown | undefined {
    return this.#byDataset.get(dataset)?.parts.get(parent)
  }

  parts(dataset: string): ReadonlyMap<string, Unknown> {
    return this.#byDataset.get(dataset)?.parts ?? new Map()
  }

  rows(dataset: string): ReadonlyMap<string, Unknown> {
    return this.#byDataset.get(dataset)?.rows ?? new Map()
  }

  /** Why one member of one resource is not there: the member itself, the resource, or the member in the whole dataset. */
  member(dataset: string, key: string, member: string): Unknown | undefined {
    const gaps = this.#byDataset.get(dataset)
    return gaps?.rowMembers.get(`${key} ${member}`) ?? gaps?.rows.get(key) ?? gaps?.members.get(member)
  }

  /** True when rows of the dataset may be missing, for whatever reason of its own. */
  hidesRows(dataset: string): boolean {
    const gaps = this.#byDataset.get(dataset)
    return gaps !== undefined && (gaps.whole !== undefined || gaps.parts.size > 0 || gaps.rows.size > 0)
  }

  /** Everything that may hide rows of a dataset that is one list: the dataset itself or the one part it has. */
  list(dataset: string): Unknown | undefined {
    const gaps = this.#byDataset.get(dataset)
    let found = gaps?.whole
    for (const part of gaps?.parts.values() ?? []) found = found === undefined ? part : joinGaps(found, part)
    return found
  }

  /** True when the dataset's whole gap only says that its parents were not read, and the parents' own gaps are there to say which. */
  isExplainedByParents(dataset: string): boolean {
    const whole = this.whole(dataset)
    if (whole === undefined || whole.gaps.some(gap => gap.reason !== 'parent_not_read')) return false
    return (datasets[dataset]?.parents ?? []).some(parent => this.hidesRows(parent))
  }

  #gapsOf(dataset: string): DatasetGaps {
    let gaps = this.#byDataset.get(dataset)
    if (gaps === undefined) {
      gaps = { whole: undefined, parts: new Map(), rows: new Map(), members: new Map(), rowMembers: new Map() }
      this.#byDataset.set(dataset, gaps)
    }
    return gaps
  }
}

/** IAM is read in every account on its own; two of its datasets are the organization's. */
export function isPerAccount(dataset: string): boolean {
  return dataset.startsWith('iam.') && dataset !== 'iam.policy_documents' && dataset !== 'iam.organizations_features'
}

function put(map: Map<string, Unknown>, key: string, unknown: Unknown): void {
  const before = map.get(key)
  map.set(key, before === undefined ? unknown : joinGaps(before, unknown))
}
