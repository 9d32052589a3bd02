import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildEstate, evaluate, loadCatalog, populationOf, restingOnNames } from '../controls/index.ts'
import { compareBytes } from '../digest.ts'
import { type Manifest, readBundleFile, readBundleLines } from '../evidence/index.ts'
import type { ControlInfo, EstateRows, ParameterOverride, RegisteredException, Result } from '../model.ts'
import { judgedResults, readHistoryLines, readImportLines, readSnapshotLines, resultLine } from '../reports/index.ts'
import { softwareVersion } from '../version.ts'

/** What judging a bundle again gave. */
export interface Reperformance {
  /** nothing differs and every result of the bundle was judged again */
  readonly ok: boolean
  readonly same: number
  /** the first hundred that differ: as the bundle says, and as it was judged again; null where one of them has no such result */
  readonly different: readonly { readonly bundle: string | null; readonly again: string | null }[]
  readonly differences: number
  /** results that could not be judged again */
  readonly unjudged: number
  /** what could not be judged again, and why */
  readonly notReperformed: readonly string[]
  /** true: names, addresses and ids of people are pseudonyms */
  readonly hasPseudonyms: boolean
  /** results that differ and that pseudonyms, or the files they leave out, can have changed: counted by control and no differences */
  readonly notComparable: readonly { readonly control: string; readonly why: string; readonly results: number }[]
  /** what the bundle says and nothing in it can prove */
  readonly takenOnTrust: readonly string[]
  /** what was taken from this program and not from the bundle */
  readonly takenFromHere: readonly string[]
}

/**
 * Judges a bundle's own snapshots with its own controls and parameters, and compares result by result with what it says. It needs no database
 * and no network. It does not check the seal: call `verifyBundle` first.
 * @throws {EvidenceError} BUNDLE_NOT_READABLE when the bundle does not hold what is needed
 */
export async function reperform(path: string, manifest: Manifest): Promise<Reperformance> {
  const { asOf, clock, snapshots, scope } = manifest.predicate
  const hasPseudonyms = scope.pseudonyms !== undefined
  const { controls, judgedWith = [] } = JSON.parse(await textOf(readBundleFile(path, 'controls.json'))) as {
    readonly controls: readonly ControlInfo[]
    readonly judgedWith?: readonly JudgedWith[]
  }
  const held = new Set(manifest.predicate.files.map(file => file.path))
  const folder = mkdtempSync(join(tmpdir(), 'evidenced-reperform-'))
  try {
    for (const [i, { id }] of controls.entries()) {
      if (held.has(`controls/${id}.yaml`))
        writeFileSync(join(folder, `${i}.yaml`), await textOf(readBundleFile(path, `controls/${id}.yaml`)))
    }
    const parameters = Object.fromEntries(controls.map(control => [control.id, control.parameters]))
    const catalog = loadCatalog({ folders: [folder], parameters, overrides: judgedWith.flatMap(overridesOf) })
    const loaded = new Map(catalog.controls.map(control => [control.id, control.digest]))
    const missing = controls.filter(({ id, digest }) => loaded.get(id) !== digest).map(({ id }) => id)
    const wanted = [...held].filter(name => /^snapshots\/[^/]+\.jsonl$/.test(name)).sort(compareBytes)
    const sources = await Promise.all(wanted.map(name => readSnapshotLines(readBundleLines(path, name))))
    const strange = snapshots.filter(each => !sources.some(({ snapshot }) => snapshot.digest === each.digest))
    const at = new Date(asOf)
    const exceptions = held.has('exceptions.json')
      ? (JSON.parse(await textOf(readBundleFile(path, 'exceptions.json'))) as readonly RegisteredException[])
      : null
    const rows = await withSurroundings(path, held, {
      asOf: at,
      ...(clock === undefined ? {} : { clock: new Date(clock) }),
      sources,
    })
    const estate = await buildEstate({ ...rows, ...(exceptions === null ? {} : { exceptions }) }, catalog.managedPolicies)
    const evaluation = evaluate(catalog, estate, at, exceptions ?? [])
    const disposed = new Set(estate.sources.flatMap(source => [...source.disposed]))
    const again = new Map<string, string>()
    for (const judged of judgedResults(evaluation, outcome => populationOf(estate, outcome.source, outcome.control.resource)))
      if (!missing.includes(judged.outcome.control.id)) again.set(resultKey(judged.outcome, judged.result), resultLine(judged))
    const explained = hasPseudonyms ? restingOnNames(catalog, isPseudonymIn) : null
    const { unjudgeable, withoutFile, ...compared } = await compareResults(
      path,
      again,
      new Set(missing),
      disposed.size > 0,
      explained,
    )
    return {
      ...compared,
      ok: compared.ok && unjudgeable === 0,
      unjudged: unjudgeable + withoutFile,
      hasPseudonyms,
      notReperformed: [
        ...compared.notComparable.map(
          ({ control, why, results }) => `${control}: ${results} results differ and cannot be compared: ${why}`,
        ),
        ...(unjudgeable === 0
          ? []
          : [`${unjudgeable} results, or what they say, rest on what is not kept any more: ${[...disposed].sort().join('; ')}`]),
        ...missing.map(id => `${id}: the bundle does not hold the file it was judged with`),
        ...strange.map(
          ({ source, version }) => `${source}: the bundle does not hold snapshot ${version} as its manifest names it`,
        ),
      ],
      takenOnTrust: [
        'when each resource was first seen and what it was before: the bundle holds what the server says of the past, not the snapshots of then',
        ...(held.has('exceptions.json') ? ['who approved an exception: exceptions.json says so'] : []),
        ...[...held].filter(name => name.startsWith('imports/')).map(name => `what people brought: ${name} says so`),
      ],
      takenFromHere: [
        `the engine that judges, evidenced ${softwareVersion}; the bundle was judged by ${manifest.predicate.softwareVersion}`,
        `what AWS managed policies mean (${catalog.managedPolicies.origin}), digest ${catalog.managedPolicies.digest}`,
      ],
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Imports and history as the bundle holds them. */
async function withSurroundings(path: string, held: ReadonlySet<string>, rows: EstateRows): Promise<EstateRows> {
  const namesIn = (folder: string) => [...held].filter(name => name.startsWith(folder)).sort(compareBytes)
  const imports = await Promise.all(namesIn('imports/').map(name => readImportLines(readBundleLines(path, name))))
  const histories = await Promise.all(namesIn('history/').map(name => readHistoryLines(readBundleLines(path, name))))
  const sources = rows.sources.map(each => {
    const found = histories.find(({ source }) => source === each.snapshot.source)
    return found === undefined ? each : { ...each, ...found.past }
  })
  return { ...rows, sources, imports }
}

/** The parameters that a control was judged with on one source. */
interface JudgedWith extends Required<Pick<ControlInfo, 'parameters' | 'parametersByTag'>> {
  readonly control: string
  readonly source: string
}

function overridesOf({ control, source, parameters, parametersByTag }: JudgedWith): readonly ParameterOverride[] {
  const about = { source, profile: null }
  return [
    { ...about, tag: null, parameters: { [control]: parameters } },
    ...parametersByTag.map(each => ({ ...about, tag: each.tag, parameters: { [control]: each.parameters } })),
  ]
}

const differencesShown = 100

async function compareResults(
  path: string,
  again: Map<string, string>,
  missing: ReadonlySet<string>,
  isDisposed: boolean,
  explained: ReadonlyMap<string, string> | null,
): Promise<
  Pick<Reperformance, 'ok' | 'same' | 'different' | 'differences' | 'notComparable'> & {
    readonly unjudgeable: number
    readonly withoutFile: number
  }
> {
  const different: { bundle: string | null; again: string | null }[] = []
  let same = 0
  let differences = 0
  let unjudgeable = 0
  let withoutFile = 0
  const notComparable = new Map<string, { readonly control: string; readonly why: string; readonly results: number }>()
  const differ = (bundle: string | null, other: string | null) => {
    const { control, subject } = JSON.parse(bundle ?? other ?? '') as { control: string; subject: Result['subject'] }
    const why =
      explained?.get(control) ?? (explained !== null && subject.key.startsWith('import.') ? 'it is about an imported file' : null)
    if (why !== null) {
      notComparable.set(control, { control, why, results: (notComparable.get(control)?.results ?? 0) + 1 })
      return
    }
    if (++differences <= differencesShown) different.push({ bundle, again: other })
  }
  for await (const line of readBundleLines(path, 'results.jsonl')) {
    const result = JSON.parse(line)
    if (missing.has(result.control)) {
      withoutFile++
      continue
    }
    const key = resultKey({ control: { id: result.control }, source: result.source }, result)
    const other = again.get(key) ?? null
    again.delete(key)
    if (other === line || (explained !== null && other !== null && isSameButForNames(line, other))) same++
    // over what was disposed of, unknown contradicts nothing, and the same status has lost its words
    else if (isDisposed && other !== null && ['unknown', result.status].includes(JSON.parse(other).status)) unjudgeable++
    else differ(line, other)
  }
  for (const line of again.values()) {
    if (isDisposed && JSON.parse(line).status === 'unknown') unjudgeable++
    else differ(null, line)
  }
  const ok = differences === 0 && missing.size === 0
  return { ok, same, different, differences, notComparable: [...notComparable.values()], unjudgeable, withoutFile }
}

const pseudonyms = /p-[0-9a-f]{20}/g

function isPseudonymIn(text: string): boolean {
  return text.search(pseudonyms) !== -1
}

/**
 * Whether two result lines say the same of the same people. Lists of people stand in the order of their ids, which pseudonyms change; and a
 * bundle has a pseudonym too where a word of the control's own sentence happens to be somebody's name. Everything else has to be equal.
 */
export function isSameButForNames(bundle: string, again: string): boolean {
  const [said, made] = [inAnyOrder(bundle), inAnyOrder(again)]
  if (said === made) return true
  const named = (text: string) =>
    [...text.matchAll(pseudonyms)]
      .map(([token]) => token)
      .sort()
      .join()
  const bare = (line: string) => inAnyOrder(line.replace(pseudonyms, 'p'))
  if (named(bundle) === named(again) && bare(bundle) === bare(again)) return true
  const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const pattern = said
    .split(/(p-[0-9a-f]{20})/)
    .map((part, i) => (i % 2 === 0 ? escaped(part) : `(?:${part}|(?:(?!p-[0-9a-f]{20})[^"\\\\]){1,256}?)`))
  return new RegExp(`^${pattern.join('')}$`).test(made)
}

/** A result line with its lists of texts sorted. */
function inAnyOrder(line: string): string {
  return JSON.stringify(JSON.parse(line), (_, value: unknown) =>
    Array.isArray(value) && value.every(each => typeof each === 'string') ? [...value].sort(compareBytes) : value,
  )
}

function resultKey(
  { control, source }: { control: { id: string }; source: string },
  { subject }: Pick<Result, 'subject'>,
): string {
  return `${control.id}\n${source}\n${subject.kind}\n${subject.type}\n${subject.key}`
}

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(chunks)).toString('utf8')
}
