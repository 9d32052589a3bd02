import { expect } from 'chai'
import { type Workbook as ReadWorkbook, read } from 'hucre'
import type { Facts } from '../../src/model.ts'
import {
  findingsArtifact,
  findingsReport,
  frameworkReportView,
  plainLook,
  populationWorkbook,
  reportWorkbook,
  type Sheet,
  tableArtifacts,
  workbookOf,
} from '../../src/reports/index.ts'
import { bytesOf, recordsOf } from './bytes.ts'
import { exceptedEvaluation, sampleFinding } from './finding-sample.ts'
import { resource, sampleInput, sampleSnapshot, setArn } from './sample.ts'

const about = { title: 'Sample', asOf: '2026-06-30T00:21:00.000Z', cover: [['Source', 'acme']] as const }

function sheet(rows: readonly (readonly (string | number | boolean | null)[])[], more: Partial<Sheet> = {}): Sheet {
  return { name: 'rows', columns: [{ name: 'a' }, { name: 'b', type: 'time' }], rows: () => rows, ...more }
}

async function written(sheets: readonly Sheet[], rowLimit?: number): Promise<ReadWorkbook> {
  return read(await bytesOf(workbookOf({ ...about, sheets, ...(rowLimit === undefined ? {} : { rowLimit }) })))
}

describe('a workbook', () => {
  it('keeps numbers, truth values and times as such, and everything else as text', async () => {
    const { sheets } = await written([
      sheet([
        [12, '2026-06-30T12:34:56Z'],
        [true, 'not read: access_denied sso:ListPermissionSets'],
        ['2026-06-30T12:34:56Z', null],
        ['007', ''],
      ]),
    ])
    const rows = sheets[1]!.rows
    expect(rows[1]).to.deep.equal([12, new Date('2026-06-30T12:34:56Z')])
    expect(rows[2]).to.deep.equal([true, 'not read: access_denied sso:ListPermissionSets'])
    expect(rows[3]![0]).to.equal('2026-06-30T12:34:56Z')
    expect(rows[4]![0]).to.equal('007')
  })

  it('runs no formula, whatever a name says, and loses no character', async () => {
    const texts = [
      '=1+1',
      '+cmd|calc',
      '@SUM(A1)',
      '-2',
      'a\u0000b\u001f',
      '_x0041_',
      '<&">',
      'é 漢字 😀',
      'half \ud800 pair',
      'two\r\nlines',
      ' spaces ',
    ]
    const bytes = await bytesOf(workbookOf({ ...about, sheets: [sheet(texts.map(text => [text, null]))] }))
    const { sheets } = await read(bytes)
    const shown = sheets[1]!.rows.slice(1).map(row => String(row[0]))
    expect(shown).to.deep.equal(texts)
    expect(
      await read(bytes).then(book => [...(book.sheets[1]!.cells?.values() ?? [])].filter(cell => cell.formula !== undefined)),
    ).to.deep.equal([])
  })

  it('says so where a text is longer than a cell may be', async () => {
    const { sheets } = await written([sheet([['x'.repeat(40_000), null]])])
    const text = String(sheets[1]!.rows[1]![0])
    expect(text).to.have.length.of.at.most(32_767)
    expect(text).to.match(/cut here: .* the whole stands in the CSV\)$/)
  })

  it('freezes the header, filters the columns, and begins a new sheet at the row limit', async () => {
    const rows = Array.from({ length: 25 }, (_, i) => [i, null])
    const { sheets } = await written([sheet(rows)], 11)
    expect(sheets.map(({ name }) => name)).to.deep.equal(['About', 'rows', 'rows (2)', 'rows (3)'])
    expect(sheets.slice(1).map(each => each.rows.length)).to.deep.equal([11, 11, 6])
    expect(sheets.slice(1).flatMap(each => each.rows.slice(1).map(row => row[0]))).to.deep.equal(rows.map(row => row[0]))
    for (const each of sheets.slice(1)) {
      expect(each.rows[0]).to.deep.equal(['a', 'b'])
      expect(each.freezePane?.rows).to.equal(1)
      expect(each.autoFilter?.range).to.equal(`A1:B${each.rows.length}`)
    }
    const cover = new Map(sheets[0]!.rows.map(row => [row[0], row[1]]))
    expect(cover.get('rows (3)')).to.equal(5)
    expect(cover.get('Source')).to.equal('acme')
  })

  it('is the same bytes each time, in any zone', async () => {
    const make = () => bytesOf(workbookOf({ ...about, sheets: [sheet([['x', '2026-06-30T12:34:56Z']])] }))
    const first = await make()
    const zone = process.env.TZ
    process.env.TZ = 'Asia/Tokyo'
    try {
      expect(Buffer.compare(first, await make())).to.equal(0)
    } finally {
      if (zone === undefined) delete process.env.TZ
      else process.env.TZ = zone
    }
  })

  it('holds the framework report: the cover says whether it is complete, every result has its line', async () => {
    const view = frameworkReportView(sampleInput({ brokenFiles: ['own.yaml:3:1: severity: is no severity'] }))
    const results = [
      ['IDC-PS-001', '1.0.0', 'critical', 'acme', 'permissionSet', setArn(1), '=cmd', 'fail', 'is admin', '', '{}'],
    ]
    const artifact = reportWorkbook(view, () => results)
    const { sheets } = await read(await bytesOf(artifact.read()))
    const cover = sheets[0]!.rows.map(row => row.join(' ')).join('\n')
    expect(cover)
      .to.contain('INCOMPLETE')
      .and.to.contain('sso:GetInlinePolicyForPermissionSet')
      .and.to.contain('own.yaml:3:1: severity: is no severity')
      .and.to.contain(view.evaluation.digest)
    expect(sheets.map(({ name }) => name)).to.deep.equal([
      'About',
      'Requirements',
      'Controls',
      'Results',
      'Exceptions',
      'Coverage',
      'Gaps',
      'Calls',
      'Cross-checks',
      'Not in view',
    ])
    expect(sheets[3]!.rows[1]).to.include.members(results[0]!.filter(text => text !== ''))
    expect(sheets[2]!.rows).to.have.lengthOf(view.controls.length + 1)
  })

  it('holds the findings of findings.csv, times typed, and no sheet of them where the evaluation moved none', async () => {
    const findings = [
      sampleFinding({ reason: '=1+1' }),
      sampleFinding({
        id: 9,
        state: 'resolved',
        status: 'pass_or_gone',
        resolvedBy: new Date('2026-06-04T00:00:00Z'),
        owner: null,
      }),
    ]
    const records = recordsOf(Buffer.from(await bytesOf(findingsArtifact(findings).read())).toString())
    const view = frameworkReportView(sampleInput())
    const sheetsOf = async (made: typeof findings | null) =>
      (await read(await bytesOf(reportWorkbook(view, () => [], plainLook, made).read()))).sheets
    const { rows } = (await sheetsOf(findings)).find(({ name }) => name === 'Findings')!
    const [header, ...lines] = rows
    const asText = (cell: unknown) => (cell instanceof Date ? cell.toISOString() : String(cell ?? ''))
    const told = lines.map(line => Object.fromEntries(header!.map((name, i) => [String(name), asText(line[i])])))
    expect(told).to.deep.equal(records.map(record => ({ ...record, reason: record.reason!.replace(/^'/, '') })))
    expect(lines[1]![header!.indexOf('resolvedBy')]).to.deep.equal(new Date('2026-06-04T00:00:00Z'))
    expect((await sheetsOf(null)).map(({ name }) => name)).not.to.include('Findings')

    const evaluation = { ...exceptedEvaluation(), id: 4, evaluatedAt: new Date('2026-06-30T06:25:00Z'), digest: 'd'.repeat(64) }
    const report = findingsReport({
      ...{ evaluation, findings, isComplete: false, mistakes: ['SOD-001 of acme: it broke'], softwareVersion: '0.1.0' },
      snapshots: [sampleSnapshot()],
    })
    const [csv] = tableArtifacts(report, 'csv')
    expect(recordsOf(Buffer.from(await bytesOf(csv!.read())).toString())).to.deep.equal(records)
    const cover = new Map(report.cover)
    expect(cover.get('MISTAKE')).to.contain('SOD-001 of acme: it broke')
    expect([cover.get('Open'), cover.get('Of these beside an approved exception'), cover.get('Resolved')]).to.deep.equal([
      1, 1, 1,
    ])
  })

  it('holds the populations, and marks in red the sheet that is not the whole', async () => {
    const facts: Facts = { UserId: 'u-1', UserName: '=HYPERLINK("x")', UserStatus: 'DISABLED', CreatedAt: '2025-01-02T03:04:05Z' }
    const snapshot = sampleSnapshot()
    const artifact = populationWorkbook(snapshot, async function* (dataset) {
      if (dataset === 'identitystore.users') yield resource(dataset, 'u-1', facts)
    })
    const { sheets } = await read(await bytesOf(artifact.read()))
    expect(artifact.path).to.equal('populations/acme/populations.incomplete.xlsx')
    const users = sheets.find(({ name }) => name === 'users')!
    const line = Object.fromEntries(users.rows[0]!.map((name, i) => [String(name), users.rows[1]![i]]))
    expect(line).to.include({ userName: '=HYPERLINK("x")', status: 'DISABLED', seenFromTheStart: false })
    expect(line.createdAt).to.deep.equal(new Date('2025-01-02T03:04:05Z'))
  })
})
