import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildOrganization, type Simulator, type SimulatorOptions, startSimulator, unlimited } from '../../src/simulator/index.ts'
import { datasets } from '../../src/sources/index.ts'

const launcher = fileURLToPath(new URL('../../src/cli/launch.mjs', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** standard output as the one JSON document it must be with --json */
  // biome-ignore lint/suspicious/noExplicitAny: tests read documents by their documented shape
  readonly json: any
}

/** The program as a user runs it, from source; `signal` and `kill` are the test's. */
export interface Running {
  readonly child: ChildProcess
  readonly stderr: () => string
  readonly stdout: () => string
  readonly ended: Promise<Ended>
}

/** Hundreds of starts read the same source: compiled once, each takes half as long. */
const compileCache = join(tmpdir(), 'evidenced-test-compile-cache')

export function start(args: readonly string[], options: { cwd: string; env?: NodeJS.ProcessEnv }): Running {
  const child = spawn(process.execPath, [launcher, ...args], {
    cwd: options.cwd,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      TZ: 'America/New_York',
      NODE_COMPILE_CACHE: compileCache,
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', chunk => {
    stdout += chunk
  })
  child.stderr.on('data', chunk => {
    stderr += chunk
  })
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => {
      const parse = () => {
        try {
          return JSON.parse(stdout)
        } catch (cause) {
          throw new Error(`standard output is no JSON document:\n${stdout}\nstandard error:\n${stderr}`, { cause })
        }
      }
      resolve({
        code,
        stdout,
        stderr,
        get json() {
          return parse()
        },
      })
    })
  })
  return { child, stderr: () => stderr, stdout: () => stdout, ended }
}

export const externalId = 'an-external-id-of-128-bits'

/** A folder with a configuration, beside a simulated organization: what a user has before the first command. */
export interface Workplace extends AsyncDisposable {
  readonly folder: string
  readonly aws: Simulator
  readonly roleArn: string
  /** runs the program here with the simulator's environment */
  run(...args: string[]): Promise<Ended>
  start(...args: string[]): Running
  /** writes config.yaml anew with these changes to the smallest one */
  configure(changes?: { auth?: object; region?: string; more?: object; source?: object }): void
  readonly env: NodeJS.ProcessEnv
}

export async function workplace(options: Partial<SimulatorOptions> = {}): Promise<Workplace> {
  const organization =
    options.organization ??
    buildOrganization({ seed: 7, accounts: 8, users: 30, groups: 8, permissionSets: 6, pairs: 20, defects: true })
  const account = organization.organization?.MasterAccountId ?? organization.accounts[0]?.Id ?? '000000000000'
  const roleArn = `arn:aws:iam::${account}:role/EvidencedReader`
  const aws = await startSimulator({ rates: unlimited, trust: [{ roleArn, externalId }], ...options, organization })
  const folder = mkdtempSync(join(tmpdir(), 'evidenced-e2e-'))
  chmodSync(folder, 0o755) // the embedded server runs as another user when tests run as root
  const env = { ...aws.env, EXTERNAL_ID: externalId }
  const children: ChildProcess[] = []
  const place: Workplace = {
    folder,
    aws,
    roleArn,
    env,
    run: (...args) => place.start(...args).ended,
    start(...args) {
      const running = start(args, { cwd: folder, env })
      children.push(running.child)
      return running
    },
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of the configuration, resolved by the program
    configure({ auth = { roleArn, externalId: '${EXTERNAL_ID}' }, region = 'eu-west-1', more = {}, source = {} } = {}) {
      const rateLimits = { sso: 2000, identitystore: 2000, iam: 2000, sts: 2000, ...organizationsRates }
      const config = {
        dataDir: './data',
        sources: [{ label: 'acme', kind: 'aws', region, auth, rateLimits, ...source }],
        ...more,
      }
      writeFileSync(join(folder, 'config.yaml'), JSON.stringify(config, null, 2))
    },
    async [Symbol.asyncDispose]() {
      for (const child of children) if (child.exitCode === null) child.kill('SIGKILL')
      await aws.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  place.configure()
  return place
}

const organizationsRates = Object.fromEntries(
  [...datasets.filter(each => each.action.startsWith('organizations:')).map(each => each.operation), 'ListParents'].map(name => [
    `organizations.${name}`,
    500,
  ]),
)

/** Waits until the condition holds; the test's own time limit ends it otherwise. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(resolve => setTimeout(resolve, 20))
}

/** What a program logged under a message, once it did. */
export async function logged(running: Running, message: string) {
  const find = () =>
    running
      .stderr()
      .split('\n')
      .filter(line => line.startsWith('{'))
      .map(line => JSON.parse(line))
      .find(entry => entry.message === message)
  await until(() => find() !== undefined)
  return find()
}
