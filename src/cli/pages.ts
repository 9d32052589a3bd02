import { existsSync } from 'node:fs'
import type { Config } from '../config.ts'
import { isComplete } from '../coverage.ts'
import { isAhead } from '../daemon/index.ts'
import { explain } from '../errors.ts'
import type { Signer } from '../evidence/index.ts'
import type { Log } from '../log.ts'
import type { BundleRecord } from '../model.ts'
import { exceptionRegister, frameworkOf, frameworkReport, type Parts } from '../pipeline/index.ts'
import {
  controlView,
  exceptionsView,
  type FindingChoice,
  findingsView,
  findingView,
  homeView,
  renderPage,
} from '../reports/index.ts'
import { buildServer, type Health, type ServerOptions } from '../server/index.ts'
import {
  appendLedger,
  brokenControls,
  findingFigures,
  health,
  lastVerification,
  latestEvaluation,
  listBundles,
  listEvaluations,
  listRuns,
  readFinding,
  readFindings,
  readSnapshot,
  type Store,
} from '../store/index.ts'
import { softwareVersion } from '../version.ts'
import { attentionOf, overdueSince } from './attention.ts'
import { publishedKeys } from './parts.ts'

export interface PagesOptions {
  readonly parts: Parts & { readonly signer: Signer }
  readonly config: Config
  readonly log: Log
  /** label of the source being collected; null while idle */
  collecting(): string | null
  nextRun(): Date | null
  /** why the last verification of the store that this process tried could not be done; null: it could */
  verificationFailure(): string | null
  /** why the last head could not be left outside the database; null: it could */
  headFailure(): string | null
}

const formats = ['html', 'json', 'csv'] as const

/** The first page and what it links to, over an open store; not listening yet. */
export function openPages(options: PagesOptions): ReturnType<typeof buildServer> {
  const { parts, config, log } = options
  return buildServer({
    home: () => home(options),
    findings: query => findings(parts, query),
    finding: id => finding(parts, id),
    control: id => control(parts, id),
    async exceptions() {
      const now = parts.now()
      const { register, view } = await exceptionRegister(parts, now)
      return renderPage(exceptionsView({ softwareVersion, now, register, problems: view.problems }), parts.look)
    },
    errorPage: (status, title, message, hint) =>
      renderPage({ kind: 'error', status, title, message, hint, softwareVersion }, parts.look),
    async report(framework, format) {
      const known = formats.find(each => each === format)
      if (known === undefined || !parts.catalog.frameworks.some(each => each.id === framework)) return null
      return (await frameworkReport(parts, framework, known, null)).artifact
    },
    bundle: async id => (await bundlesHere(parts.store)).find(record => record.id === id) ?? null,
    keys: () => publishedKeys(config, parts.signer),
    health: () => healthOf(options),
    downloaded: async what => void (await appendLedger(parts.store, 'download', { ...what })),
    log,
  } satisfies ServerOptions)

  async function home({ parts: { store, catalog, signer, now, look }, verificationFailure, headFailure }: PagesOptions) {
    const verification = { last: await lastVerification(store), failure: verificationFailure() }
    const sources = await sourcesNow(store, config, now())
    const evaluation = await latestEvaluation(store, {})
    const broken = evaluation === null ? [] : await brokenControls(store, evaluation.id)
    const bundles = (await bundlesHere(store)).map(record => ({ record, href: `/bundles/${record.id}` }))
    const reports = config.frameworks
      .map(id => frameworkOf(catalog, id))
      .flatMap(({ id, name }) =>
        formats.map(format => ({ title: `${name}, ${format.toUpperCase()}`, href: `/reports/${id}/${format}` })),
      )
    const at = now()
    return renderPage(
      homeView({
        softwareVersion,
        now: at,
        sources: sources.map(each => ({ ...each, overdueSince: overdueSince(config.schedule, each.snapshot, at, each.lastRun) })),
        attention: attentionOf(
          { now: at, sources, evaluation, catalog, broken, headFailure: headFailure(), verification },
          config.schedule,
        ),
        evaluation,
        figures: await findingFigures(store, at),
        bundles,
        reports: evaluation === null ? [] : reports,
        keyFingerprint: signer.fingerprint,
        verification: { ...verification, schedule: config.schedule.verify },
      }),
      look,
    )
  }
}

/** @param query what the visitor chose; what is not known is passed over */
async function findings({ store, now, look }: Pick<Parts, 'store' | 'now' | 'look'>, query: { readonly [name: string]: string }) {
  const at = now()
  const text = (name: string) => (query[name] === undefined || query[name] === '' ? null : query[name])
  const choice: FindingChoice = {
    state: query.state === 'all' ? null : query.state === 'resolved' ? 'resolved' : 'open',
    severity: (['critical', 'high', 'medium', 'low'] as const).find(each => each === query.severity) ?? null,
    control: text('control'),
    owner: text('owner'),
    due: query.due === 'overdue' ? 'overdue' : null,
  }
  const found = await readFindings(store, {
    ...(choice.state === null ? {} : { state: choice.state }),
    ...(choice.severity === null ? {} : { severity: choice.severity }),
    ...(choice.control === null ? {} : { control: choice.control }),
    ...(choice.owner === null ? {} : { owner: choice.owner }),
    ...(choice.due === null ? {} : { dueBefore: at }),
  })
  const figures = await findingFigures(store, at)
  return renderPage(findingsView({ softwareVersion, now: at, choice, figures, findings: found }), look)
}

async function finding({ store, now, look }: Pick<Parts, 'store' | 'now' | 'look'>, id: string) {
  const number = Number(/^(?:F-)?(\d{1,9})$/i.exec(id)?.[1])
  if (Number.isNaN(number) || (await readFindings(store, { id: number })).length === 0) return null
  const evaluation = await latestEvaluation(store, {})
  return renderPage(findingView({ softwareVersion, now: now(), ...(await readFinding(store, number)), evaluation }), look)
}

async function control({ store, now, look }: Pick<Parts, 'store' | 'now' | 'look'>, id: string) {
  const evaluation = await latestEvaluation(store, {})
  if (evaluation === null) return null
  const found = await readFindings(store, { control: id })
  const figures = await findingFigures(store, now(), { control: id })
  const view = controlView({ softwareVersion, now: now(), id, evaluation, figures, findings: found })
  return view === null ? null : renderPage(view, look)
}

/** Issued bundles whose file is still there, newest first; of those written to one path only the last, since the file is that one's. */
async function bundlesHere(store: Store): Promise<readonly BundleRecord[]> {
  const paths = new Set<string>()
  return (await listBundles(store)).filter(({ path }) => {
    if (paths.has(path) || !existsSync(path)) return false
    paths.add(path)
    return true
  })
}

/** Every configured source with its last snapshot and its last run. */
async function sourcesNow(store: Store, config: Config, now: Date) {
  return Promise.all(
    config.sources.map(async ({ label }) => {
      const runs = await listRuns(store, { source: label, limit: 100 })
      // one of a clock that was ahead would be the last for as long
      const lastRun = runs.find(each => !isAhead(each.startedAt, now)) ?? runs[0] ?? null
      return { label, snapshot: await readSnapshot(store, label, 'latest'), lastRun }
    }),
  )
}

async function healthOf({
  parts: { store, catalog, now },
  config,
  collecting,
  nextRun,
  headFailure,
  verificationFailure,
}: PagesOptions): Promise<Health> {
  const about = { version: softwareVersion, collecting: collecting(), nextRunAt: nextRun()?.toISOString() ?? null }
  try {
    const { kind, serverVersion, schema } = await health(store)
    const verification = { last: await lastVerification(store), failure: verificationFailure() }
    const sources = await sourcesNow(store, config, now())
    const [evaluation = null] = (await listEvaluations(store, { limit: 100 })).toSorted(
      (a, b) => b.asOf.getTime() - a.asOf.getTime(),
    )
    const broken = evaluation === null ? [] : await brokenControls(store, evaluation.id)
    return {
      ok: true,
      ...about,
      database: { ok: true, detail: `${kind} PostgreSQL ${serverVersion}, schema ${schema}` },
      sources: sources.map(({ label, snapshot, lastRun }) => ({
        label,
        lastSnapshotAt: snapshot?.sealedAt.toISOString() ?? null,
        complete: snapshot === null ? null : isComplete(snapshot),
        overdueSince: overdueSince(config.schedule, snapshot, now(), lastRun)?.toISOString() ?? null,
      })),
      attention: attentionOf(
        { now: now(), sources, evaluation, catalog, broken, headFailure: headFailure(), verification },
        config.schedule,
      ),
    }
  } catch (error) {
    const detail = explain(error)
    return { ok: false, ...about, database: { ok: false, detail }, sources: [], attention: [detail] }
  }
}
