import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { datasets } from '../../src/controls/datasets.ts'

describe('the datasets that controls may name', () => {
  it('are those of docs/datasets.md, with their IAM actions', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/datasets.md'), 'utf8')
    const documented = Object.fromEntries(
      [...page.matchAll(/^\| `([a-z_.]+)` \| `([a-zA-Z:]+)` \|/gm)].map(match => [match[1], match[2]]),
    )
    expect(Object.keys(documented)).to.have.length.greaterThan(15)
    expect(Object.fromEntries(Object.entries(datasets).map(([name, { action }]) => [name, action]))).to.deep.equal(documented)
  })
})
