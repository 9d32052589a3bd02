import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { openSigner, sealBundle, verifyBundle } from '../../src/evidence/index.ts'
import { silent } from '../../src/log.ts'
import type { Source } from '../../src/model.ts'
import { csvOf, frameworkReportPdf, frameworkReportView, workbookOf } from '../../src/reports/index.ts'
import { subject } from '../evidence/sample-bundle.ts'
import { peakMiB } from '../peak-memory.ts'
import { outcomeOf, sampleControl, sampleEvaluation, sampleInput, sampleSnapshot } from '../reports/sample.ts'
import { sizes } from './sizes.ts'

/** One figure, printed as JSON: `node test/bench/evidence-figure.ts csv`. */
const rows = 100_000
const columns = 12
const folder = mkdtempSync(join(tmpdir(), 'evidenced-bench-'))
chmodSync(folder, 0o755)

function* sampleRows(): Generator<string[]> {
  for (let i = 0; i < rows; i++) yield Array.from({ length: columns }, (_, column) => `value ${i} of ${column}, and "so on"`)
}

const populationColumns = [
  ...['key', 'userId', 'userName', 'displayName', 'status', 'email', 'userType', 'externalIds', 'createdAt'],
  ...['firstSeenAt', 'seenFromTheStart', 'digest', 'facts'],
]

function populationRow(i: number): (string | boolean | null)[] {
  const id = `b4${i.toString(16).padStart(10, '0')}-0000-4000-8000-${i.toString(16).padStart(12, '0')}`
  const name = `user.${i}@example.com`
  const facts = JSON.stringify({
    DisplayName: `User ${i}`,
    UserId: id,
    UserName: name,
    UserStatus: 'ENABLED',
    Name: { GivenName: 'User', FamilyName: `${i}` },
  })
  const times = ['2026-01-01T02:00:00.000Z', '2026-02-01T02:00:00.000Z']
  const row = [
    id,
    id,
    name,
    `User ${i}`,
    'ENABLED',
    name,
    null,
    null,
    times[0]!,
    times[1]!,
    true,
    id.repeat(2).slice(0, 64),
    facts,
  ]
  // flat strings, as a driver gives them: a text that was just put together is made flat by whoever reads it first
  return row.map(cell => (typeof cell === 'string' ? Buffer.from(cell).toString('latin1') : cell))
}

const csv = () =>
  csvOf(
    Array.from({ length: columns }, (_, i) => `column${i}`),
    sampleRows(),
  )

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1000
}

const round = (value: number) => Math.round(value * 100) / 100

const measures: Record<string, () => Promise<object>> = {
  async csv() {
    // the rows of a population as they come from the database, made beforehand: making them is no part of writing them
    const made = Array.from({ length: rows }, (_, i) => populationRow(i))
    const lines = (await Array.fromAsync(csvOf(populationColumns, made)))
      .map(chunk => Buffer.from(chunk).toString())
      .join('')
      .split(/(?<=\r\n)/)
    const bytes = Buffer.from(lines.join(''))
    const chunks = function* () {
      for (let at = 0; at < bytes.length; at += 1 << 16) yield bytes.subarray(at, at + (1 << 16))
    }
    const write = (what: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array | string>, name: string) =>
      secondsOf(() => pipeline(what(), createWriteStream(join(folder, name), { highWaterMark: 1 << 20 })))
    const best = async (what: Parameters<typeof write>[0]) => {
      const all: number[] = []
      for (let i = 0; i < 5; i++) all.push(await write(what, 'rows.csv'))
      return Math.min(...all)
    }
    const seconds = await best(() => csvOf(populationColumns, made))
    const bareSeconds = await best(() => lines)
    const chunkSeconds = await best(chunks)
    return {
      rows,
      megabytes: Math.round(bytes.length / 1e6),
      seconds: round(seconds),
      bareSeconds: round(bareSeconds),
      bareChunkSeconds: round(chunkSeconds),
      againstBareStream: round(bareSeconds / seconds),
      againstBareChunks: round(chunkSeconds / seconds),
    }
  },
  async xlsx() {
    const sheet = { name: 'rows', columns: Array.from({ length: columns }, (_, i) => ({ name: `column${i}` })), rows: sampleRows }
    const book = { title: 'bench', asOf: '2026-01-01T00:00:00Z', cover: [], sheets: [sheet] }
    const seconds = await secondsOf(() => pipeline(workbookOf(book), createWriteStream(join(folder, 'rows.xlsx'))))
    return { rows, seconds: round(seconds), peakMiB: peakMiB() }
  },
  async pdf() {
    const outcome = outcomeOf(sampleControl('IDC-USER-001', 'No idle user', 'low', 'user'), 10_000, 10_000, 0, 0)
    const view = frameworkReportView(sampleInput({ evaluation: sampleEvaluation(sampleSnapshot(), [outcome]) }))
    const seconds = await secondsOf(() => frameworkReportPdf(view))
    return { rows: 10_000, seconds: round(seconds), peakMiB: peakMiB() }
  },
  async verify() {
    const path = join(folder, 'bundle.zip')
    const artifacts = Array.from({ length: 8 }, (_, i) => ({
      path: `rows-${i}.csv`,
      mediaType: 'text/csv; charset=utf-8; header=present',
      title: 'rows',
      read: csv,
    }))
    await sealBundle({ artifacts, subject, signer: await openSigner({ dataDir: folder }), path })
    const plain = await secondsOf(async () => execFileSync('sha256sum', [path]))
    const seconds = await secondsOf(() => verifyBundle(path))
    const again = await secondsOf(async () => execFileSync('sha256sum', [path]))
    const sumSeconds = (plain + again) / 2
    return {
      megabytes: Math.round(statSync(path).size / 1e6),
      seconds: round(seconds),
      sha256sumSeconds: round(sumSeconds),
      againstSha256sum: round(sumSeconds / seconds),
      peakMiB: peakMiB(),
    }
  },
  bundle,
}

/** Collects M from a simulated organization, judges it, and issues the SOC 2 bundle. */
async function bundle(): Promise<object> {
  // not for the other figures: what is loaded here would stand in their memory
  const { loadCatalog } = await import('../../src/controls/index.ts')
  const { issueEvidence, runCollection, runEvaluation } = await import('../../src/pipeline/index.ts')
  const { openAws } = await import('../../src/sources/index.ts')
  const { openStore, sharedBudget } = await import('../../src/store/index.ts')
  const { accounts, users, groups, permissionSets, pairs, memberships, assignments, applications } = sizes.M
  const shape = {
    seed: 1,
    accounts,
    users,
    groups,
    permissionSets,
    pairs,
    membershipsPerUser: memberships / users,
    assignments,
    applications,
    ous: 40,
  }
  const simulator = fork(fileURLToPath(new URL('./simulator-process.ts', import.meta.url)), [JSON.stringify({ shape })], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const [line] = await once(simulator.stdout!, 'data')
  const aws: { env: Record<string, string>; roleArn: string } = JSON.parse(String(line))
  Object.assign(process.env, aws.env)
  try {
    const now = () => new Date()
    await using store = await openStore({ url: null, dataDir: folder, log: silent, now, softwareVersion: 'bench' })
    await using sdk = openAws({
      budget: sharedBudget(store),
      log: silent,
      now,
      environment: process.env,
      softwareVersion: 'bench',
    })
    const names = ['DescribeOrganization', 'ListRoots', 'ListOrganizationalUnitsForParent', 'ListAccounts']
    const source: Source = {
      label: 'bench',
      kind: 'aws',
      partition: 'aws',
      region: 'eu-west-1',
      auth: { roleArn: aws.roleArn, externalId: null },
      budgetShare: 1,
      rateLimits: {
        sso: 5000,
        identitystore: 5000,
        sts: 600,
        ...Object.fromEntries(names.map(name => [`organizations.${name}`, 500])),
      },
      includePersonalData: false,
    }
    const catalog = loadCatalog()
    const collectSeconds = await secondsOf(() => runCollection({ aws: sdk, store, now, log: silent }, source))
    const evaluateSeconds = await secondsOf(() => runEvaluation({ store, catalog, log: silent }, now()))
    const signer = await openSigner({ dataDir: folder })
    const path = join(folder, 'evidence.zip')
    const seconds = await secondsOf(() =>
      issueEvidence({ store, catalog, signer, now, log: silent }, { framework: 'soc2', asOf: null, path }),
    )
    return {
      organization: 'M',
      collectSeconds: round(collectSeconds),
      evaluateSeconds: round(evaluateSeconds),
      seconds: round(seconds),
      megabytes: Math.round(statSync(path).size / 1e6),
      peakMiB: peakMiB(),
    }
  } finally {
    simulator.kill()
  }
}

try {
  const measure = measures[process.argv[2] ?? '']
  if (measure === undefined) throw new Error(`name one of ${Object.keys(measures).join(', ')}`)
  process.stdout.write(`${JSON.stringify(await measure())}\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
