import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { parse } from 'yaml'
import { ConfigError, describeConfig, loadConfig, parseConfig } from '../../src/config.ts'
import { configSchema } from '../../src/config-schema.ts'
import { datasets } from '../../src/sources/index.ts'

const smallest = 'sources: [{ label: acme, kind: aws, region: eu-west-1 }]'

function refusal(text: string, environment: NodeJS.ProcessEnv = {}): ConfigError {
  try {
    parseConfig(text, '/etc/evidenced/config.yaml', environment)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('the configuration was accepted')
}

describe('the configuration', () => {
  it('fills in every default', () => {
    const config = parseConfig(smallest, '/etc/evidenced/config.yaml', {})
    expect(config.dataDir).to.equal('/etc/evidenced/data')
    expect(config.databaseUrl).to.equal(null)
    expect(config.server).to.deep.equal({ host: '127.0.0.1', port: 8080 })
    expect(config.schedule).to.deep.equal({ collect: '0 2 * * *', verify: '0 4 * * 0', timeZone: 'UTC' })
    expect(config.sources[0]).to.deep.include({
      budgetShare: 0.6,
      includePersonalData: false,
      includeUserExtensions: false,
      auth: { roleArn: null, externalId: null },
    })
    expect(config.frameworks).to.deep.equal(['soc2', 'iso27001'])
  })

  it('lists every problem at once, each with its line and column and what to write instead', () => {
    const { problems } = refusal(
      [
        'dataDirr: x',
        'sources:',
        '  - label: Acme!',
        '    kind: aws',
        '    regon: eu-west-1',
        '    budgetShare: 2',
        'server: { port: many, host: 0.0.0.0 }',
      ].join('\n'),
    )
    const lines = problems.map(({ line, column, path, hint }) => ({ line, column, path, hint: hint?.slice(0, 24) }))
    expect(lines).to.have.deep.members([
      { line: 1, column: 1, path: 'dataDirr', hint: 'did you mean dataDir?' },
      { line: 3, column: 5, path: 'sources[0].label', hint: 'a name of 1 to 63 charac' },
      { line: 3, column: 5, path: 'sources[0]', hint: 'home Region of IAM Ident' },
      { line: 5, column: 5, path: 'sources[0].regon', hint: 'did you mean region?' },
      { line: 6, column: 5, path: 'sources[0].budgetShare', hint: "share of AWS's documente" },
      { line: 7, column: 11, path: 'server.port', hint: '0 to 65535; 0 takes any ' },
      { line: 7, column: 23, path: 'server.host', hint: 'write 127.0.0.1 and put ' },
    ])
    expect(problems.map(problem => problem.line)).to.deep.equal([1, 3, 3, 5, 6, 7, 7])
  })

  it('refuses a rate limit of what has no budget', () => {
    const limits = (text: string) => `sources: [{ label: acme, kind: aws, region: eu-west-1, rateLimits: { ${text} } }]`
    const text = limits('sso: 5, sts: 5, organizations.ListTargetsForPolicy: 5')
    expect(parseConfig(text, '/etc/evidenced/config.yaml', {}).sources[0]!.rateLimits).to.have.property('sso', 5)
    for (const key of ['SSO', 'sso.ListPermissionSets', 'organizations', 'organisations.ListRoots']) {
      const [problem] = refusal(limits(`${key}: 5`)).problems
      expect(problem!.path, key).to.equal(`sources[0].rateLimits.${key}`)
      expect(problem!.hint, key).to.include('organizations.<Operation>')
    }
    const [misspelt] = refusal(limits('organizations.ListTargetForPolicy: 5')).problems
    expect(misspelt!.hint).to.match(/^did you mean organizations\.ListTargetsForPolicy\?/)
  })

  it('takes a rate limit of every operation that is asked of Organizations', () => {
    const actions = new Set(datasets.flatMap(each => each.actions).filter(action => action.startsWith('organizations:')))
    const operations = [...actions].map(action => action.replace(':', '.'))
    expect(operations).to.have.length.greaterThan(10)
    const limits = operations.map(name => `${name}: 5`).join(', ')
    const text = `sources: [{ label: acme, kind: aws, region: eu-west-1, rateLimits: { ${limits} } }]`
    expect(() => parseConfig(text, '/etc/evidenced/config.yaml', {})).not.to.throw()
  })

  it('refuses to listen anywhere but on loopback, a source label used twice and a zone that does not exist', () => {
    const { problems } = refusal(
      [
        'sources:',
        '  - { label: acme, kind: aws, region: eu-west-1 }',
        '  - { label: acme, kind: aws, region: eu-west-1 }',
        'server: { host: 0.0.0.0 }',
        'schedule: { timeZone: Mars/Base, collect: daily, verify: weekly }',
      ].join('\n'),
    )
    expect(problems.map(problem => problem.path)).to.deep.equal([
      'sources[1].label',
      'server.host',
      'schedule.timeZone',
      'schedule.collect',
      'schedule.verify',
    ])
  })

  it('refuses text that is no YAML, and a key that stands twice, with the place', () => {
    expect(refusal('sources: [').problems[0]).to.deep.include({ line: 1 })
    expect(refusal(`${smallest}\ndataDir: a\ndataDir: b`).problems[0]).to.deep.include({ line: 3, column: 1 })
  })

  it('takes values from the environment and secrets from files, and says which of them are missing', () => {
    const folder = mkdtempSync(join(tmpdir(), 'evidenced-config-'))
    writeFileSync(join(folder, 'external-id'), 'abc-123\n')
    const text = (id: string) =>
      `sources: [{ label: acme, kind: aws, region: "\${HOME_REGION}", auth: { roleArn: "arn:aws:iam::111122223333:role/R", externalId: "${id}" } }]`
    const config = parseConfig(text('file:external-id'), join(folder, 'config.yaml'), { HOME_REGION: 'eu-central-1' })
    expect(config.sources[0]).to.deep.include({
      region: 'eu-central-1',
      auth: { roleArn: 'arn:aws:iam::111122223333:role/R', externalId: 'abc-123' },
    })
    const { problems } = refusal(text('file:/no/such/file'))
    expect(problems.map(problem => problem.message)).to.deep.equal([
      'environment variable HOME_REGION is not set',
      'cannot read /no/such/file: ENOENT',
    ])
  })

  it('shows no secret, neither in its description nor in an error', () => {
    const text =
      'database: { url: "postgres://u:hunter2@db/x" }\nsources: [{ label: acme, kind: aws, region: eu-west-1, auth: { roleArn: "arn:aws:iam::111122223333:role/R", externalId: s3cr3t-id } }]'
    const shown = JSON.stringify(describeConfig(parseConfig(text, '/x/config.yaml', {})))
    expect(shown).not.to.match(/hunter2|s3cr3t-id/)
    expect(shown).to.contain('postgres://u:***@db/x')
    const { message } = refusal(
      'sources: [{ label: acme, kind: aws, region: eu-west-1, auth: { roleArn: "arn:aws:iam::111122223333:role/R", externalId: "bad secret!" } }]',
    )
    expect(message).not.to.contain('bad secret!')
  })

  it('takes roles on the way, holds them to the partition, and shows none of their secrets', () => {
    const text = (partition: string) =>
      `sources: [{ label: acme, kind: aws, region: eu-west-1, auth: { roleArn: "arn:aws:iam::111122223333:role/R", via: [{ roleArn: "arn:${partition}:iam::999988887777:role/Hub", externalId: s3cr3t-id }, { roleArn: "arn:aws:iam::999988887777:role/Spoke" }] } }]`
    const config = parseConfig(text('aws'), '/x/config.yaml', {})
    expect(config.sources[0]!.auth.via).to.deep.equal([
      { roleArn: 'arn:aws:iam::999988887777:role/Hub', externalId: 's3cr3t-id' },
      { roleArn: 'arn:aws:iam::999988887777:role/Spoke', externalId: null },
    ])
    expect(JSON.stringify(describeConfig(config))).to.not.include('s3cr3t-id')
    const [problem] = refusal(text('aws-cn')).problems
    expect(problem).to.include({ path: 'sources[0].auth.via[0].roleArn', hint: 'write partition: aws-cn' })
  })

  it('says where it looked when there is no file', () => {
    expect(() => loadConfig('/no/such/config.yaml', {})).to.throw(ConfigError, /no configuration at \/no\/such\/config.yaml/)
  })

  it('has an example that is valid, names every key and shows the defaults', () => {
    const file = new URL('../../config.example.yaml', import.meta.url)
    const text = readFileSync(file, 'utf8')
    expect(() => parseConfig(text, '/x/config.yaml', { ACME_EXTERNAL_ID: 'abc' })).not.to.throw()
    const written = keysOf(parse(text))
    const commented = new Set([...text.matchAll(/^#\s+(\w+):/gm)].map(match => match[1]))
    for (const key of schemaKeys(configSchema as Schema)) {
      const last = key.split('.').at(-1)!
      expect(written.has(key) || commented.has(last), `config.example.yaml does not name ${key}`).to.equal(true)
    }
    const defaults = (({ dataDir, schedule, server, frameworks, log }) => ({ dataDir, schedule, server, frameworks, log }))(
      parse(text),
    )
    expect(defaults).to.deep.equal({
      dataDir: './data',
      schedule: { collect: '0 2 * * *', verify: '0 4 * * 0', timeZone: 'UTC' },
      server: { host: '127.0.0.1', port: 8080 },
      frameworks: ['soc2', 'iso27001'],
      log: { level: 'info' },
    })
  })
})

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
}

function schemaKeys(schema: Schema, prefix = ''): readonly string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => {
    const key = prefix === '' ? name : `${prefix}.${name}`
    return [key, ...schemaKeys(inner, key), ...(inner.items === undefined ? [] : schemaKeys(inner.items, key))]
  })
}

function keysOf(value: unknown, prefix = ''): Set<string> {
  if (Array.isArray(value)) return new Set(value.flatMap(item => [...keysOf(item, prefix)]))
  if (typeof value !== 'object' || value === null) return new Set()
  return new Set(
    Object.entries(value).flatMap(([name, inner]) => {
      const key = prefix === '' ? name : `${prefix}.${name}`
      return [key, ...keysOf(inner, key)]
    }),
  )
}
