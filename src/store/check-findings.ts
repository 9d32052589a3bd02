import { sha256 } from '../digest.ts'
import type { LedgerEntry } from '../model.ts'
import { streamRows } from './database.ts'
import { eventDigest } from './exceptions.ts'
import type { FindingIdentity } from './finding-states.ts'
import { type KeptState, keptColumns, stateDigest } from './finding-words.ts'
import { readLedger } from './ledger.ts'
import type { StoreProblem } from './problem.ts'
import { saltedDigest } from './salted-digest.ts'
import { StatesDigest } from './states-digest.ts'
import type { Store } from './store.ts'
import { stillHolds } from './versions.ts'

/**
 * Holds findings and exceptions against what the ledger says of them: every state that an evaluation began, every step of an exception,
 * every file of exceptions, everything that was said of a finding. States follow each other without a hole.
 */
export async function* checkFindings(store: Store): AsyncGenerator<StoreProblem> {
  const said: { readonly [kind: string]: LedgerEntry[] } = { evaluation: [], exception: [], exception_file: [], finding: [] }
  for await (const entry of readLedger(store)) said[entry.kind]?.push(entry)
  yield* checkStates(store, said.evaluation!)
  yield* compare(
    'exception',
    new Map(said.exception!.map(({ payload: { exception, event, digest } }) => [`${exception} ${event}`, String(digest)])),
    rowsOf<Written & { exception_id: string; kind: string; at: Date }>(
      store,
      `select t.exception_id, t.kind, t.at, ${written} from exception_event t order by t.id`,
      row => [
        `${row.exception_id} ${row.kind}`,
        digestOf(row, () => eventDigest(row.exception_id, row.kind, row.at, row.body, row.salt)),
      ],
    ),
  )
  yield* compare(
    'exception file',
    new Map(said.exception_file!.map(({ payload }) => [`${payload.file}`, String(payload.body)])),
    rowsOf<Written & { id: number }>(store, `select t.id::float8 as id, ${written} from exception_file t order by t.id`, row => [
      `${row.id}`,
      digestOf(row),
    ]),
  )
  yield* compare(
    'note of finding',
    new Map(said.finding!.map(({ payload }) => [`F-${payload.finding} ${payload.note}`, String(payload.digest)])),
    rowsOf<Written & { id: number; finding_id: number }>(
      store,
      `select t.id, t.finding_id, ${written} from finding_note t order by t.id`,
      row => [`F-${row.finding_id} ${row.id}`, digestOf(row)],
    ),
  )
  yield* checkRegisters(store)
}

/** Every register of exceptions, by the evaluation that was the first to know it; in one statement, since evaluations may be saved meanwhile. */
async function* checkRegisters(store: Store): AsyncGenerator<StoreProblem> {
  const text = `select n.id, n.exceptions as said, ${written}
    from (select exceptions, min(id) as id from evaluation where exceptions is not null group by exceptions) n
    left join exception_register t on t.digest = n.exceptions order by n.id`
  for await (const batch of streamRows<Partial<Written> & { id: number; said: Buffer }>(store.db, text, [])) {
    for (const { id, said, ...row } of batch) {
      const isSame = row.digest != null && digestOf(row as Written) === said.toString('hex')
      if (!isSame) yield problem(`exceptions that were first known to evaluation ${id}`, 'they are not what it was judged with')
    }
  }
}

/** A text that people wrote, as it is kept. */
interface Written {
  readonly body: string
  /** null: it is from before texts had one, or was redacted */
  readonly salt: Buffer | null
  readonly redacted: number | null
  readonly digest: Buffer
}

/** Columns of it in a table `t`. */
const written = 't.body, t.salt, t.redacted::float8 as redacted, t.digest'

/** Of a redacted text its own digest: what it was computed over is gone, and what is left is held against the redaction. */
function digestOf(
  { body, salt, redacted, digest }: Written,
  computed = () => (salt === null ? sha256(body) : saltedDigest(salt, body)),
): string {
  return redacted === null ? computed() : digest.toString('hex')
}

async function* rowsOf<Row extends object>(
  store: Store,
  text: string,
  digestOf: (row: Row) => readonly [string, string],
): AsyncGenerator<readonly [string, string]> {
  for await (const batch of streamRows<Row>(store.db, text, [])) yield* batch.map(digestOf)
}

async function* compare(
  what: string,
  entries: Map<string, string>,
  rows: AsyncIterable<readonly [string, string]>,
): AsyncGenerator<StoreProblem> {
  for await (const [name, digest] of rows) {
    if (entries.get(name) !== digest) yield problem(`${what} ${name}`, 'it is not what the ledger says of it')
    entries.delete(name)
  }
  for (const name of entries.keys()) yield problem(`${what} ${name}`, 'the ledger names it, and it is not there')
}

async function* checkStates(store: Store, entries: readonly LedgerEntry[]): AsyncGenerator<StoreProblem> {
  const begun = new Map<number, StatesDigest>()
  const text = `select v.finding_id as id, v.from_evaluation as "from", v.to_evaluation as "to", v.state, ${keptColumns}, v.digest,
      f.control_id as control, f.source, f.kind, f.subject_type as "subjectType", f.subject_key as "subjectKey",
      lead(v.from_evaluation) over w as next
    from finding_version v join finding f on f.id = v.finding_id window w as (partition by v.finding_id order by v.from_evaluation) order by v.finding_id, v.from_evaluation`
  for await (const batch of streamRows<StateRow>(store.db, text, [])) {
    for (const { id, from, to, state, digest: stored, next, body, words, salt, disposed, ...identity } of batch) {
      const name = `finding F-${id}`
      const digest = stored.toString('hex')
      const states = begun.get(from) ?? new StatesDigest()
      states.add({ id, identity, digest })
      begun.set(from, states)
      const computed = stateDigest({ body, words, salt, disposed })
      if (digest !== (computed ?? digest) || (JSON.parse(body) as { state: string }).state !== state)
        yield problem(name, `its state since evaluation ${from} was changed`)
      if (to !== (next ?? stillHolds))
        yield problem(name, `its state since evaluation ${from} ends with ${to}, the next begins with ${next ?? 'none'}`)
    }
  }
  for (const { payload } of entries) {
    const states = begun.get(Number(payload.evaluation))
    begun.delete(Number(payload.evaluation))
    if (payload.findings !== undefined && payload.findings !== (states ?? new StatesDigest()).end())
      yield problem(`findings of evaluation ${payload.evaluation}`, 'they are not what the ledger says of them')
    if (payload.findings === undefined && states !== undefined)
      yield problem(`findings of evaluation ${payload.evaluation}`, 'it moved none, and some begin with it')
  }
  for (const evaluation of begun.keys())
    yield problem(`findings of evaluation ${evaluation}`, 'they begin with an evaluation that the ledger does not know')
}

interface StateRow extends FindingIdentity, KeptState {
  readonly id: number
  readonly from: number
  readonly to: number
  readonly state: string
  readonly digest: Buffer
  readonly next: number | null
}

function problem(name: string, message: string): StoreProblem {
  return { kind: 'evaluation', name, message }
}
