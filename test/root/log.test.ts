import { execFileSync } from 'node:child_process'
import { expect } from 'chai'

/** What a program that logs so writes to standard error, line by line. */
function logged(code: string): Record<string, unknown>[] {
  const script = `import { openLog } from ${JSON.stringify(new URL('../../src/log.ts', import.meta.url).href)}; const log = openLog('info'); ${code}`
  const child = `import { spawnSync } from 'node:child_process'; const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', ${JSON.stringify(script)}]); process.stdout.write(stderr)`
  const text = execFileSync(process.execPath, ['--input-type=module', '-e', child], { encoding: 'utf8' })
  return text
    .trim()
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))
}

describe('the log', () => {
  it('writes one JSON object a line to standard error, with level, event, time and nouns', () => {
    const [entry, ...rest] = logged(`log.info('collected', { source: 'acme', at: new Date(0) }); log.debug('not shown')`)
    expect(rest).to.deep.equal([])
    expect(entry).to.include({ level: 'info', message: 'collected', source: 'acme', at: '1970-01-01T00:00:00.000Z' })
    expect(entry).to.have.property('timestamp')
  })

  it('hides what is named like a secret, however deep it stands', () => {
    const [entry] = logged(
      `log.warn('refused', { externalId: 'abc', auth: { secretAccessKey: 'def', roleArn: 'arn' }, list: [{ sessionToken: 'ghi' }] })`,
    )
    expect(JSON.stringify(entry)).not.to.match(/abc|def|ghi/)
    expect(entry).to.deep.include({ auth: { secretAccessKey: '[redacted]', roleArn: 'arn' } })
  })

  it('says name, code and message of an error', () => {
    const [entry] = logged(`log.error('failed', { error: Object.assign(new TypeError('no'), { code: 'E_NO' }) })`)
    expect(entry).to.deep.include({ error: { name: 'TypeError', code: 'E_NO', message: 'no' } })
  })
})
