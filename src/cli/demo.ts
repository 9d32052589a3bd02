import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { type Config, parseConfig } from '../config.ts'
import { loadCatalog } from '../controls/index.ts'
import { isComplete } from '../coverage.ts'
import { openSigner, verifyBundle } from '../evidence/index.ts'
import { openLog } from '../log.ts'
import type { SavedEvaluation, Source } from '../model.ts'
import { frameworkReport, issueEvidence, type Parts, runCollection, runEvaluation } from '../pipeline/index.ts'
import { listen } from '../server/index.ts'
import {
  buildOrganization,
  drift,
  type SimulatedOrganization,
  type Simulator,
  startSimulator,
  unlimited,
} from '../simulator/index.ts'
import { datasets, openAws } from '../sources/index.ts'
import {
  approveException,
  assignFinding,
  noteFinding,
  openStore,
  readFindings,
  requestException,
  type Store,
  sharedBudget,
} from '../store/index.ts'
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

  let evaluation!: SavedEvaluation
  for (let day = 1; day <= days; day++) {
    now = new Date(today.getTime() - (days - day) * dayMs)
    if (day > 1) for (const event of drift(organization, { seed: 2026, day, at: now })) terminal.note(`  ${event.text}`)
    if (day > 1) terminal.note(`  ${comeAndGo(organization, day)}`)
    evaluation = await oneDay(parts, source, simulator, { day, days, terminal, signal: invocation.signal })
    if (invocation.signal.aborted) return
    if (day === 1) terminal.note(`  ${await acceptOne(store, evaluation, now)}`)
  }
  terminal.note(`  ${await assignOne(store)}`)

  terminal.line(
    table(
      ['control', 'severity', 'population', 'pass', 'fail', 'unknown', 'n/a', 'excepted'],
      countsOf(evaluation).map(each => [
        each.id,
        each.severity,
        each.population,
        each.pass,
        each.fail,
        each.unknown,
        each.notApplicable,
        each.excepted,
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

  const app = await openPages({
    parts: { ...parts, signer },
    config,
    log,
    collecting: () => null,
    nextRun: () => null,
    verificationFailure: () => null,
    headFailure: () => null,
  })
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
): Promise<SavedEvaluation> {
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
  return evaluation
}

/** A contractor is given an account directly one day and loses it the next: a finding that is opened, resolved and opened again. */
function comeAndGo(organization: SimulatedOrganization, day: number): string {
  const contractor = organization.users.find(user => user.UserStatus === 'ENABLED')!
  const { AccountId, PermissionSetArn } = organization.assignments.find(each => each.PrincipalType === 'GROUP')!
  const assignment = { AccountId, PermissionSetArn, PrincipalType: 'USER' as const, PrincipalId: contractor.UserId }
  const isGranted = day % 2 === 0
  const others = organization.assignments.filter(
    each => !Object.entries(assignment).every(([name, value]) => each[name as keyof typeof assignment] === value),
  )
  organization.assignments = isGranted ? [...others, assignment] : others
  return `${contractor.UserName} ${isGranted ? 'is given' : 'loses'} account ${AccountId} directly`
}

/** One fail is accepted for a month: asked for by one person, approved by another. */
async function acceptOne(store: Store, { outcomes }: SavedEvaluation, now: Date): Promise<string> {
  const failing = outcomes.flatMap(({ control, results }) =>
    results.filter(({ status }) => status === 'fail').map(({ subject }) => ({ control, subject })),
  )
  const chosen = failing.find(({ control }) => control.id === 'IDC-PS-001') ?? failing[0]
  if (chosen === undefined) return 'nothing fails: no exception is needed'
  const { id } = await requestException(store, {
    ...{ controls: [chosen.control.id], reason: 'replaced by the new sign-in next month', ticket: 'SEC-12' },
    scope: { source: chosen.subject.source, subjects: [chosen.subject.key], match: null, when: null },
    ...{ requestedBy: 'ada@acme.example', expiresAt: new Date(now.getTime() + 30 * dayMs).toISOString() },
  })
  await approveException(store, id, 'grace@acme.example')
  return `exception ${id}: ${chosen.subject.name} fails ${chosen.control.id}, which ada asks for and grace approves for a month`
}

/** Somebody takes up the finding that is due first. */
async function assignOne(store: Store): Promise<string> {
  const [finding] = await readFindings(store, { state: 'open', kind: 'fail', excepted: false })
  if (finding === undefined) return 'no finding is open'
  await assignFinding(store, finding.id, 'grace@acme.example', { owner: 'identity-team', ticket: 'IAM-34' })
  await noteFinding(store, finding.id, 'ada@acme.example', 'asked the owner of the account')
  return `finding F-${finding.id} (${finding.name}) is assigned to identity-team`
}

function demoConfig(folder: string, roleArn: string): Config {
  const rateLimits = {
    sso: 1000,
    identitystore: 1000,
    sts: 1000,
    // AWS grants most of these one to ten calls a second; what is simulated need not wait for that
    ...Object.fromEntries(
      [...datasets.filter(each => each.action.startsWith('organizations:')).map(each => each.operation), 'ListParents'].map(
        operation => [`organizations.${operation}`, 1000],
      ),
    ),
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
