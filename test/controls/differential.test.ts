import { expect } from 'chai'
import { compareWithLibrary } from './differential.ts'

describe('our closures against the library', () => {
  it('give the same answers on estates without gaps', async function () {
    this.timeout(120_000)
    expect(await compareWithLibrary({ runs: 60 })).to.be.greaterThan(5000)
  })
})
