import { createHash } from 'node:crypto'
import { compareBytes } from '../digest.ts'
import { exceptionState } from '../exception.ts'
import type { ControlOutcome, Evaluation, Exception, Gap, RegisteredException, Result, Status, Subject } from '../model.ts'
import type { Catalog } from './catalog.ts'
import type { CompiledControl } from './control.ts'
import type { Entity } from './entity.ts'
import { type Estate, population, subjectOf } from './estate.ts'
import { exceptionProblems, type Selector, selectorsOf } from './exception-scope.ts'
import type { Frame } from './expression.ts'
import { fuelPerSubject, type Meter, outOfFuel } from './lists.ts'
import { chooser, forSource, isTriable, parametersDigest } from './parameters.ts'
import type { SourceEstate } from './source-estate.ts'
import { Broken, join, Undecided, Unknown } from './values.ts'
import { populationReason, shownFacts, unknownReason } from './wording.ts'

/**
 * Judges an estate with a catalog: one outcome for each control and source, in the order of control ids. Pure: the same catalog,
 * estate and instant give the same evaluation.
 * @param asOf what ages are measured against; no clock is asked
 * @param exceptions as they were known at the instant; those in force are marked beside the fails that they cover, and change no status
 */
export function evaluate(catalog: Catalog, estate: Estate, asOf: Date, exceptions: readonly Exception[] = []): Evaluation {
  const selectors = selectorsOf(catalog, exceptions, asOf)
  const outcomes = catalog.compiled.flatMap(control =>
    estate.sources.map(source => judgeSource(control, source, asOf, selectors.get(control.info.id))),
  )
  return {
    asOf,
    catalogDigest: catalog.digest,
    snapshots: estate.sources.map(({ snapshot: { source, version, digest } }) => ({ source, version, digest })),
    outcomes,
    exceptions: registerOf(catalog, exceptions, outcomes, asOf),
  }
}

/** Every exception with where it stood at the instant and how many fails it stands beside. */
function registerOf(
  catalog: Catalog,
  exceptions: readonly Exception[],
  outcomes: readonly ControlOutcome[],
  asOf: Date,
): readonly RegisteredException[] {
  const problems = exceptionProblems(catalog, exceptions)
  const covered = new Map<string, number>()
  for (const { results } of outcomes)
    for (const { exceptions: ids = [] } of results) for (const id of ids) covered.set(id, (covered.get(id) ?? 0) + 1)
  return exceptions
    .map(exception => ({
      ...exception,
      state: exceptionState(exception, asOf),
      covers: covered.get(exception.id) ?? 0,
      problem: problems.get(exception.id) ?? null,
    }))
    .sort((a, b) => compareBytes(a.id, b.id))
}

const statuses: readonly Status[] = ['pass', 'fail', 'unknown', 'not_applicable']
const pass = 0
const fail = 1
const unknown = 2
const notApplicable = 3

type Choose = ReturnType<typeof chooser>

interface Verdict {
  readonly status: number
  readonly why: Undecided | null
}
/** millions of subjects share them */
const passes: Verdict = { status: pass, why: null }
const fails: Verdict = { status: fail, why: null }
const doesNotApply: Verdict = { status: notApplicable, why: null }

/** One control on one source. */
export function judgeSource(
  given: CompiledControl,
  source: SourceEstate,
  asOf: Date,
  selectors: readonly Selector[] = [],
): ControlOutcome {
  const control = forSource(given, source.source)
  const { info } = control
  const choose = chooser(control, source)
  const { size, unread, at, keyAt, hasPlainKeys } = population(source, info.resource)
  const frame: Frame = [{ asOf: asOf.getTime(), fuel: 0 }, Object.freeze({ ...info.parameters }), null]
  const verdicts = new Uint8Array(size)
  let broken: Broken | null = null
  for (let index = 0; index < size; index++) {
    const { status, why } = judge(control, frame, at(index), choose)
    verdicts[index] = status
    if (why instanceof Broken) broken ??= why
  }
  if (broken !== null) verdicts.fill(unknown)

  const counts = [0, 0, 0, 0]
  for (const verdict of verdicts) counts[verdict]!++
  const implied = broken === null && counts[notApplicable]! > counts[pass]! ? notApplicable : pass
  const datasets = [...unread].sort(([a], [b]) => compareBytes(a, b))
  counts[unknown]! += datasets.length

  const digest = new PopulationDigest(hasPlainKeys)
  const results: Result[] = []
  const addDataset = (dataset: string, gaps: readonly Gap[]) => {
    digest.add(dataset, 'unknown')
    const subject: Subject = { kind: 'dataset', source: source.source, type: 'dataset', key: dataset, name: dataset }
    results.push({
      subject,
      status: 'unknown',
      reason: populationReason(dataset, gaps, size),
      facts: {},
      gaps: gaps.slice(0, mostGaps),
    })
  }
  let next = 0
  for (let index = 0; index < size; index++) {
    const verdict = verdicts[index]!
    const key = keyAt(index)
    while (next < datasets.length && compareBytes(datasets[next]![0], key) < 0) addDataset(...datasets[next++]!)
    digest.add(key, statuses[verdict]!)
    if (verdict === implied) continue
    const member = at(index)
    const result = resultOf(control, source, frame, member, choose, verdict, broken)
    if (verdict !== fail || selectors.length === 0) {
      results.push(result)
      continue
    }
    const ids = selectors.filter(each => each.covers(source, member, asOf)).map(({ id }) => id)
    results.push(ids.length === 0 ? result : { ...result, exceptions: ids.sort(compareBytes) })
  }
  while (next < datasets.length) addDataset(...datasets[next++]!)

  return {
    control: info,
    source: source.source,
    parametersDigest: parametersDigest(info),
    population: size + datasets.length,
    populationIsLowerBound: datasets.length > 0,
    pass: counts[pass]!,
    fail: counts[fail]!,
    unknown: counts[unknown]!,
    notApplicable: counts[notApplicable]!,
    excepted: results.filter(({ exceptions }) => exceptions !== undefined).length,
    populationDigest: digest.end(),
    implied: implied === pass ? 'pass' : 'not_applicable',
    results,
    error: broken?.message ?? null,
  }
}

/** Gaps kept with one result; its reason says how many more there are, and all of them stand in the snapshot. */
const mostGaps = 100

/**
 * Not applicable when it surely does not apply; pass or fail when it surely applies and the requirement is decided; else broken
 * outranks unknown. A requirement that holds does not make a pass of a subject that may not belong here.
 */
function judge(control: CompiledControl, frame: Frame, member: Entity, choose: Choose): Verdict {
  frame[2] = member
  const choice = choose(member)
  if (choice.why !== null && !isTriable(choice)) return { status: unknown, why: choice.why }
  frame[1] = choice.sets[0]
  if (choice.sets.length === 1) return judgeOnce(control, frame)
  const verdicts = choice.sets.map(parameters => {
    frame[1] = parameters
    return judgeOnce(control, frame)
  })
  frame[1] = choice.sets[0]
  const [first, ...others] = verdicts as [Verdict, ...Verdict[]]
  if (others.every(({ status }) => status === first.status)) return first
  const broken = verdicts.find(({ why }) => why instanceof Broken)
  return { status: unknown, why: broken?.why ?? choice.why }
}

function judgeOnce(control: CompiledControl, frame: Frame): Verdict {
  const applies = metered(control.appliesTo, frame)
  if (applies === false) return doesNotApply
  const requirement = metered(control.requirement, frame)
  if (applies === true && requirement === true) return passes
  if (applies === true && requirement === false) return fails
  const undecided = [applies, requirement].flatMap(value => (typeof value === 'boolean' ? [] : [asUndecided(value)]))
  return { status: unknown, why: undecided.reduce(join) }
}

/** `||` may absorb the error of running out, so the meter itself is asked. */
function metered(closure: (frame: Frame) => unknown, frame: Frame): unknown {
  const meter: Meter = frame[0]
  meter.fuel = fuelPerSubject
  const value = closure(frame)
  return meter.fuel < 0 ? outOfFuel : value
}

function asUndecided(value: unknown): Undecided {
  return value instanceof Undecided ? value : new Broken('the expression gives neither true nor false')
}

function resultOf(
  control: CompiledControl,
  source: SourceEstate,
  frame: Frame,
  member: Entity,
  choose: Choose,
  verdict: number,
  broken: Broken | null,
): Result {
  const subject = subjectOf(source, control.info.resource, member)
  if (broken !== null) {
    const reason = `cannot be judged: the control is broken and decides nothing (${broken.message})`
    return { subject, status: 'unknown', reason, facts: {}, gaps: [] }
  }
  const { status, why } = verdict === unknown ? judge(control, frame, member, choose) : { status: verdict, why: null }
  frame[1] = choose(member).sets[0]
  frame[2] = member
  frame[0].fuel = fuelPerSubject
  const facts = shownFacts(control.facts, frame)
  if (status === unknown) {
    const gaps = why instanceof Unknown ? why.gaps : []
    return { subject, status: 'unknown', reason: unknownReason(gaps), facts, gaps }
  }
  const reason =
    status === fail ? control.message(frame) : status === pass ? 'the requirement is met' : 'the control does not apply to it'
  return { subject, status: statuses[status]!, reason, facts, gaps: [] }
}

/** SHA-256 over one line for each subject in key order: the key as JSON, a space, the status, a line feed. */
class PopulationDigest {
  readonly #hash = createHash('sha256')
  readonly #arePlain: boolean
  #lines = ''

  /** @param arePlain JSON writes every key as it is, so that millions need not be looked at */
  constructor(arePlain: boolean) {
    this.#arePlain = arePlain
  }

  add(key: string, status: Status): void {
    this.#lines += this.#arePlain ? `"${key}" ${status}\n` : `${JSON.stringify(key)} ${status}\n`
    if (this.#lines.length < 65_536) return
    this.#hash.update(this.#lines)
    this.#lines = ''
  }

  end(): string {
    return this.#hash.update(this.#lines).digest('hex')
  }
}
