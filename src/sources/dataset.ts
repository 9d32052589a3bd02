import type { Facts, Row } from '../model.ts'
import type { Trouble } from './trouble.ts'

export type CommandClass = new (input: never) => object

/** One operation of one service; `service` is its IAM prefix. */
export interface Operation {
  readonly service: string
  readonly name: string
  readonly command: CommandClass
  /** AWS leaves an empty list out of its answer; left out: it sends one, and an answer without is none */
  readonly leavesOutEmpty?: true
}

/** What a list of AWS is about beyond one row: known before the first part is read. */
export interface Subject {
  readonly instanceArn: string
  readonly identityStoreId: string
  /** the account that is read */
  readonly accountId: string
  /** the source asks for the extensions of users */
  readonly hasExtensions: boolean
}

/** What must be true of a source for a dataset to exist at all. */
export type Need = 'organization' | 'organization_instance' | 'permission_sets_enabled'

/** As parts, calls and datasets of cross-checks are named. */
export const checksDataset = 'evidenced.cross_checks'

/** Where a child dataset gets its parts from: one per row of another dataset, or several. */
export interface Parents {
  readonly dataset: string
  /** null: this row names none */
  parent(row: Row): string | null
}

/** What was asked for is a fixed list that AWS has no operation for: one part for each. */
export interface Literals {
  readonly each: readonly string[]
}

/** Asks AWS one more question: to tell what an error meant, or for an answer that takes several. */
export type Ask = (
  operation: Operation,
  input: Facts,
  /** of one page of a list; left out: an answer in one piece */
  about?: { readonly page: number; items(answer: Facts): number },
) => Promise<{ readonly answer: Facts; readonly observedAt: Date } | { readonly trouble: Trouble }>

/** The members that page a list, in question (`size`, `token`) and answer (`next`). */
export interface Paging {
  readonly size: string
  readonly token: string
  readonly next: string
  /** the answer says that more follows, whether or not it says where */
  isCutOff?(answer: Facts): boolean
}

/** Paged, and AWS alone decides how much stands on a page. */
export type UnsizedPages = 'unsized'

/**
 * `gone`: AWS confirms that the parent was deleted. `exists`: it is still there, although AWS called it missing. `as_said`: it is still there, and
 * the refusal was meant as one. Else what AWS said instead.
 */
export type Confirmation = 'gone' | 'exists' | 'as_said' | Trouble

/** What one read operation of AWS says in one place. */
export interface Dataset {
  /** `<IAM prefix>.<plural>` */
  readonly name: string
  readonly operation: Operation
  readonly parents: 'none' | 'instance' | Literals | readonly Parents[]
  /** rows per page to ask for; null where AWS answers in one piece */
  readonly pageSize: number | UnsizedPages | null
  readonly needs?: Need
  input(parent: string, subject: Subject): Facts
  /** @returns null when the answer is not what the operation promises */
  rows(answer: Facts, parent: string, subject: Subject): readonly Row[] | null
  /** predicted calls from the rows of the last snapshot, by dataset; null where they do not tell */
  calls(rows: (dataset: string) => number | null): number | null
  /** an error that says "none is set" */
  isNone?(trouble: Trouble): boolean
  /** an error that says that the feature is switched off, as a sentence; null: it says something else */
  notEnabled?(trouble: Trouble): string | null
  /** an error on a first page that says that nobody can list this directory */
  isNotListable?(trouble: Trouble): boolean
  readonly gone?: {
    isMeant(trouble: Trouble): boolean
    confirm(ask: Ask, parent: string, subject: Subject): Promise<Confirmation>
    /** asked by `confirm`; needs permission too */
    readonly operations: readonly Operation[]
    /** what was deleted, for people */
    readonly what: string
  }
  /** the answer takes several questions, the dataset's own operation among them; for lists in one piece */
  readonly inquiry?: {
    /** facts that an earlier run kept save one of the questions, as long as AWS names the same; left out: none do */
    isReusable?(kept: Facts): boolean
    /** beyond the dataset's own; need permission too */
    readonly operations: readonly Operation[]
    /**
     * @param pause waits so many milliseconds, for answers that AWS has to prepare
     * @param kept facts that an earlier run kept under this parent; null: none
     * @returns `observedAt` where it is not the time of the last question, `observedSince` where the first was longer ago; null: the dataset's
     * own operation is to be asked, page by page
     */
    answer(
      ask: Ask,
      parent: string,
      pause: (ms: number) => Promise<void>,
      kept: () => Promise<Facts | null>,
    ): Promise<
      { readonly answer: Facts; readonly observedAt?: Date; readonly observedSince?: Date } | { readonly trouble: Trouble } | null
    >
  }
  /**
   * When it is suddenly much shorter, it is read again before it is believed: one list of the source, one of each account, or
   * all its parts in sum, of which those that shrank are read again.
   */
  readonly isPopulation?: true | 'per_account' | 'in_sum'
  /**
   * An empty list is believed beside rows of one of these, which show that whoever asks is let see; otherwise it is listed again, and then open
   * until somebody confirms it
   */
  readonly emptyBeside?: readonly string[]
  /** there is always a row: an empty list is no answer */
  readonly isNeverEmpty?: true
  /** members that are never kept, whatever the source asks for: secrets */
  readonly secret?: readonly string[]
  /** members that are dropped unless the source asks for them */
  readonly personal?: readonly string[]
}

/** The datasets whose rows name the parents of this one; none for a list that is known before anything is read. */
export function parentsOf(dataset: Dataset): readonly Parents[] {
  return Array.isArray(dataset.parents) ? (dataset.parents as readonly Parents[]) : []
}

/** The parents that are known before anything is read; null where rows of other datasets name them. */
export function rootsOf(dataset: Dataset, subject: Subject): readonly string[] | null {
  if (dataset.parents === 'none') return ['']
  if (dataset.parents === 'instance') return [subject.instanceArn]
  return 'each' in dataset.parents ? dataset.parents.each : null
}

/** Under which name the number of rows that save a question is given to `calls`. */
export function reusableRows(dataset: string): string {
  return `${dataset} reusable`
}

/** The IAM actions that reading a dataset takes: its operation, and the questions beside it. */
export function actionsOf(dataset: Dataset): readonly string[] {
  const operations = [dataset.operation, ...(dataset.inquiry?.operations ?? []), ...(dataset.gone?.operations ?? [])]
  return [...new Set(operations.map(actionOf))]
}

/** Makes the operations of one service. */
export function operationsOf(service: string): (name: string, command: CommandClass) => Operation {
  return (name, command) => ({ service, name, command })
}

/** The IAM action that allows an operation. */
export function actionOf(operation: Operation): string {
  return `${operation.service}:${operation.name}`
}

/**
 * The rows of a list in an answer. AWS sends an empty list as one, whatever its model promises: an answer without the list has not been given.
 * @param key from one element; undefined means that AWS left out what names it
 * @returns null when the member is no list or left out, or an element has no name
 */
export function rowsOf(
  list: unknown,
  key: (facts: Facts) => string | undefined,
  facts: (element: unknown) => Facts = asFacts,
): readonly Row[] | null {
  if (!Array.isArray(list)) return null
  const rows: Row[] = []
  for (const element of list) {
    const made = facts(element)
    const named = key(made)
    if (named === undefined) return null
    rows.push({ key: named, facts: made })
  }
  return rows
}

/** The single row of an answer that describes one thing. */
export function rowOf(facts: unknown, key: string | undefined): readonly Row[] | null {
  if (typeof facts !== 'object' || facts === null || Array.isArray(facts) || key === undefined) return null
  return [{ key, facts: facts as Facts }]
}

/** The single row of an answer that names what it is about; null when it names something else, or nothing. */
export function rowAbout(facts: unknown, member: string, key: string): readonly Row[] | null {
  const [row] = rowOf(facts, key) ?? []
  return row !== undefined && row.facts[member] === key ? [row] : null
}

/** Whether an element of a list is about what was asked: AWS may leave out what it repeats from the question, but not change it. */
export function isAbout(facts: Facts, member: string, asked: string): boolean {
  return (facts[member] ?? asked) === asked
}

/** A member that must be text. */
export function text(facts: Facts, member: string): string | undefined {
  const value = facts[member]
  return typeof value === 'string' ? value : undefined
}

/** Joins the parts of a key with `|`; undefined when one is missing. */
export function joined(...parts: readonly (string | undefined)[]): string | undefined {
  return parts.includes(undefined) ? undefined : parts.join('|')
}

/** `max(1, ceil(rows / pageSize))`, or null when the rows are not known. */
export function pagesOf(rows: number | null, pageSize: number): number | null {
  return rows === null ? null : Math.max(1, Math.ceil(rows / pageSize))
}

/** Calls of one list per parent: at most one for each parent and one for each full page. */
export function callsPer(parents: number | null, rows: number | null, pageSize: number): number | null {
  return parents === null || rows === null ? null : parents + Math.floor(rows / pageSize)
}

function asFacts(element: unknown): Facts {
  return (typeof element === 'object' && element !== null && !Array.isArray(element) ? element : {}) as Facts
}
