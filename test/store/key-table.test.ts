import { expect } from 'chai'
import { KeyTable } from '../../src/store/key-table.ts'

describe('keys by their bytes', () => {
  it('have the number of their first coming, however many and however long they are', () => {
    const table = new KeyTable()
    const keys = [
      '',
      'k'.repeat(3 << 20),
      '\u{1f600}',
      ...Array.from({ length: 40_000 }, (_, i) => `key ${i} of many, and each of them is rather long`),
    ]
    const enter = (key: string) => {
      const bytes = Buffer.from(`<${key}>`)
      return table.enter(bytes, 1, bytes.length - 1)
    }
    expect(keys.map(enter)).to.deep.equal(keys.map((_, i) => i))
    expect(keys.map(enter)).to.deep.equal(keys.map((_, i) => i))
    expect(table.count).to.equal(keys.length)
    expect(keys.every((key, i) => table.text(i) === key)).to.equal(true)
  })
})
