import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { type Config, parseConfig } from '../config.ts'
import { loadCatalog } from '../controls/index.ts'
import { isComplete } from '../coverage.ts'
import { openSigner, verifyBundle } from '../evidence/index.ts'
import { openLog } from '../log.ts'
import type { Source } from '../model.ts'
import { frameworkReport, issueEvidence, type Parts, runCollection, runEvaluation } from '../pipeline/index.ts'
import { listen } from '../server/index.ts'
import { buildOrganization, drift, type Simulator, startSimulator, unlimited } from '../simulator/index.ts'
import { openAws } from '../sources/index.ts'
import { openStore, sharedBudget } from '../store/index.ts'
import { softwareVersion } from '../version.ts'
import { aborted, addCommand, type CommonOptions, type Invocation, terminalOf } from './command.ts'
import { countsOf } from './evaluate.ts'
import { UsageError } from './exit.ts'
import { folderFor, writeArtifact } from './output.ts'
import { openPages } from './pages.ts'
import { type Terminal, table } from './terminal.ts'

interface Options extends CommonOptions {
  readonly once: boolean
  readonly out?: string
  readonly port: string
  readonly days: string
}

const dayMs = 86_400_000
const externalId = 'demo-external-id-of-the-simulated-organization'

export function addDemo(program: Command, invocation: Invocation): void {
  addCommand(program, 'demo', 'everything at once, against a simulated organization that drifts over some days')
    .option('--once', 'write the evidence and end, without a page', false)
    .option('--out <dir>', 'folder for the evidence (with --once)')
    .option('--port <n>', 'port of the page, 0 for any free one', '8080')
    .option('--days <n>', 'simulated days', '4')
    .action(async (options: Options) => {
      const days = wholeNumber(options.days, '--days', 1, 60)
      const port = wholeNumber(options.port, '--port', 0, 65_535)
      if (options.once && options.out === undefined)
        throw new UsageError('--once needs --out DIR', 'name the folder for the evidence')
      const folder = mkdtempSync(join(tmpdir(), 'evidenced-demo-'))
      chmodSync(folder, 0o755) // run as root, the embedded server is another user
      try {
        await runDemo(invocation, options, { folder, days, port })
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    })
}

interface Place {
  readonly folder: string
  readonly days: number
  readonly port: number
}

async function runDemo(invocation: Invocation, options: Options, { folder, days, port }: Place): Promise<void> {
  const terminal = terminalOf(invocation, options)
  const log = openLog('error')
  const today = new Date()
  let now = today
  const clock = () => now
  const organization = buildOrganization({
    seed: 2026,
    accounts: 24,
    users: 160,
    groups: 30,
    permissionSets: 14,
    pairs: 90,
    applications: 5,
    defects: true,
  })
  const roleArn = `arn:aws:iam::${organization.organization!.MasterAccountId}:role/EvidencedReader`
  await using simulator = await startSimulator({
    organization,
    now: clock,
    rates: unlimited,
    trust: [{ roleArn, externalId }],
    recordCalls: false,
  })
  terminal.note(`simulated AWS organization ${organization.organization!.Id} on ${simulator.url}`)
  const config = demoConfig(folder, roleArn)
  const source = config.sources[0]!
  terminal.note('starting an embedded PostgreSQL')
  await using store = await openStore({ url: null, dataDir: config.dataDir, log, now: clock, softwareVersion })
  await using aws = openAws({
    budget: sharedBudget(store),
    log,
    now: clock,
    environment: awsEnvironment(simulator),
    softwareVersion,
  })
  const catalog = loadCatalog()
  const signer = await openSigner({ dataDir: config.dataDir })
  const parts: Parts = { aws, store, catalog, now: clock, log }

  for (let day = 1; day <= days; day++) {
    now = new Date(today.getTime() - (days - day) * dayMs)
    if (day > 1) for (const event of drift(organization, { seed: 2026, day, at: now })) terminal.note(`  ${event.text}`)
    await oneDay(parts, source, simulator, { day, days, terminal, signal: invocation.signal })
    if (invocation.signal.aborted) return
  }

  const evaluation = await runEvaluation(parts, now)
  terminal.line(
    table(
      ['control', 'severity', 'population', 'pass', 'fail', 'unknown', 'n/a'],
      countsOf(evaluation).map(each => [
        each.id,
        each.severity,
        each.population,
        each.pass,
        each.fail,
        each.unknown,
        each.notApplicable,
      ]),
    ),
  )
  const out = options.out === undefined ? config.evidenceFolder : resolve(options.out)
  await folderFor(out)
  const written: string[] = []
  for (const framework of config.frameworks) {
    const record = await issueEvidence(
      { ...parts, signer },
      { framework, asOf: null, path: join(out, `evidence-${framework}.zip`) },
    )
    const verification = await verifyBundle(record.path, { key: signer.publicKeyPem })
    terminal.note(
      `${record.path}: ${record.complete ? 'complete' : 'INCOMPLETE'}, ${verification.ok ? 'verifies' : 'DOES NOT VERIFY'}`,
    )
    const { artifact } = await frameworkReport(parts, framework, 'html', null)
    written.push(record.path, await writeArtifact(artifact, out, `report-${framework}.html`))
  }
  const keyFile = join(out, 'key.pem')
  writeFileSync(keyFile, signer.publicKeyPem)
  written.push(keyFile)
  terminal.document({ files: written, fingerprint: signer.fingerprint })
  terminal.line('')
  terminal.line(`evidence, signed with key ${signer.fingerprint}:`)
  for (const path of written) terminal.line(`  ${path}`)
  terminal.line(`check it with: npm run -s evidenced -- verify ${written[0]} --key ${keyFile}`)
  if (options.once) return

  const app = await openPages({ parts: { ...parts, signer }, config, log, collecting: () => null, nextRun: () => null })
  try {
    terminal.line(`\nopen ${await listen(app, '127.0.0.1', port)} (this machine only); Ctrl-C stops everything`)
    await aborted(invocation.signal)
  } finally {
    await app.close()
  }
}

/** Collects and evaluates one simulated day; on the one before the last, AWS refuses one action, so that the history shows what that looks like. */
async function oneDay(
  parts: Parts,
  source: Source,
  simulator: Simulator,
  context: { day: number; days: number; terminal: Terminal; signal: AbortSignal },
): Promise<void> {
  const { day, days, terminal } = context
  const refused = 'sso:GetInlinePolicyForPermissionSet'
  if (day === days - 1) simulator.deny(refused)
  const snapshot = await runCollection(parts, source, { signal: context.signal, onProgress: terminal.progress })
  simulator.allow(refused)
  const evaluation = await runEvaluation(parts, parts.now())
  const sum = (field: 'fail' | 'unknown') => countsOf(evaluation).reduce((total, each) => total + each[field], 0)
  const coverage = isComplete(snapshot) ? 'complete' : `INCOMPLETE (${refused} was refused)`
  terminal.note(
    `day ${day} of ${days}: snapshot ${snapshot.version}, ${snapshot.calls} calls, ${coverage}; ${sum('fail')} failing, ${sum('unknown')} unknown`,
  )
}

function demoConfig(folder: string, roleArn: string): Config {
  const rateLimits = {
    sso: 1000,
    identitystore: 1000,
    sts: 1000,
    'organizations.DescribeOrganization': 100,
    'organizations.ListRoots': 100,
    'organizations.ListOrganizationalUnitsForParent': 100,
    'organizations.ListAccounts': 100,
  }
  const text = JSON.stringify({
    dataDir: './data',
    sources: [{ label: 'acme', kind: 'aws', region: 'eu-west-1', auth: { roleArn, externalId }, rateLimits }],
  })
  return parseConfig(text, join(folder, 'config.yaml'), {})
}

/** The SDK reads the process's environment; a demo must reach the simulator and never a real AWS. */
function awsEnvironment(simulator: Simulator): NodeJS.ProcessEnv {
  Object.assign(process.env, simulator.env)
  for (const name of [
    'AWS_PROFILE',
    'AWS_SESSION_TOKEN',
    'AWS_ROLE_ARN',
    'AWS_WEB_IDENTITY_TOKEN_FILE',
    'HTTPS_PROXY',
    'HTTP_PROXY',
    'https_proxy',
    'http_proxy',
  ]) {
    delete process.env[name]
  }
  return process.env
}

function wholeNumber(text: string, option: string, least: number, most: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < least || value > most)
    throw new UsageError(`${option} ${text} is no number from ${least} to ${most}`)
  return value
}
