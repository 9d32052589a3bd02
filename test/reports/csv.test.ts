import { expect } from 'chai'
import fc from 'fast-check'
import { csvOf } from '../../src/reports/index.ts'
import { parseCsv, textOf } from './bytes.ts'

describe('CSV', () => {
  it('gives back every cell as it was, for any text, read by the grammar of RFC 4180', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', 'é', '😀', '"', ',', '\r', '\n', ' ', ';', '1') })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell)), async rows => {
        const text = await textOf(csvOf(['one', 'two'], rows))
        const plain = (value: string) => (/^[\r\n]/.test(value) ? `'${value}` : value)
        expect(parseCsv(text)).to.deep.equal([['one', 'two'], ...rows.map(row => row.map(plain))])
      }),
    )
  })

  it('is UTF-8 without a byte order mark, with CRLF after the last record too', async () => {
    expect(await textOf(csvOf(['name'], [['Zoë']]))).to.equal('name\r\nZoë\r\n')
    expect(await textOf(csvOf(['name'], []))).to.equal('name\r\n')
  })

  it('never begins a cell with what a spreadsheet runs as a formula, and leaves numbers alone', async () => {
    const dangerous = ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', '=HYPERLINK("http://x")', '＝1+1', '|calc', '%0A']
    const rows = parseCsv(
      await textOf(
        csvOf(
          ['name'],
          dangerous.map(text => [text]),
        ),
      ),
    )
    expect(rows.slice(1)).to.deep.equal(dangerous.map(text => [`'${text}`]))
    expect(await textOf(csvOf(['n', 'b', 'none'], [[-5, true, null]]))).to.equal('n,b,none\r\n-5,true,\r\n')
  })

  it('quotes a record of one empty cell, which would be no line at all', async () => {
    expect(await textOf(csvOf(['n'], [[null], ['']]))).to.equal('n\r\n""\r\n""\r\n')
  })

  it('holds a cell that is longer than any chunk, and one of quotes alone', async () => {
    const long = `é"${'x'.repeat(1_000_000)}`
    const rows = parseCsv(await textOf(csvOf(['a', 'b'], [[long, '"'.repeat(300_000)]])))
    expect(rows[1]).to.deep.equal([long, '"'.repeat(300_000)])
  })

  it('streams: the first bytes come before the last row is asked for', async () => {
    let asked = 0
    function* rows() {
      for (; asked < 100_000; asked++) yield [asked]
    }
    const chunks = csvOf(['n'], rows())
    await chunks.next()
    expect(asked).to.be.greaterThan(0).and.lessThan(50_000)
  })
})
