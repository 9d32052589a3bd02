import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { datasets } from '../../src/controls/datasets.ts'

describe('the datasets that controls may name', () => {
  it('are among those of docs/datasets.md, with their IAM actions', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/datasets.md'), 'utf8')
    const documented = Object.fromEntries(
      [...page.matchAll(/^\| `([a-z_.]+)` \| `([a-zA-Z:]+)` \|/gm)].map(match => [match[1], match[2]]),
    )
    expect(Object.keys(documented)).to.have.length.greaterThan(15)
    for (const [name, { action }] of Object.entries(datasets)) expect(action, name).to.equal(documented[name])
  })
})
