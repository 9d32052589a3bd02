import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { datasets } from '../../src/controls/datasets.ts'

describe('the datasets that controls may name', () => {
  it('hold those of docs/datasets.md, with their IAM actions', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/datasets.md'), 'utf8')
    const documented = [...page.matchAll(/^\| `([a-z_.]+)` \| `([a-zA-Z:]+)` \|/gm)].map(match => [match[1]!, match[2]!] as const)
    expect(documented).to.have.length.greaterThan(15)
    const known = documented.map(([name]) => [name, datasets[name]?.action])
    expect(known).to.deep.equal(documented)
    const undocumented = Object.keys(datasets).filter(
      name => !/^(import|history|ledger|evidenced)\./.test(name) && !documented.some(([each]) => each === name),
    )
    expect(undocumented).to.deep.equal([])
  })

  it('name as parents only datasets that there are', () => {
    for (const { parents } of Object.values(datasets)) expect(datasets).to.include.keys([...parents, 'sso.instances'])
  })
})
