import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { sha256 } from '../../src/digest.ts'
import type { ImportKind } from '../../src/model.ts'
import { ImportRefused, readImport } from '../../src/sources/index.ts'

async function read(kind: ImportKind, text: string | Buffer) {
  const folder = mkdtempSync(join(tmpdir(), 'import-'))
  try {
    const path = join(folder, 'people')
    writeFileSync(path, text)
    return await readImport(kind, path)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function refusal(kind: ImportKind, text: string | Buffer): Promise<ImportRefused> {
  const error: unknown = await read(kind, text).then(
    () => null,
    thrown => thrown,
  )
  expect(error).to.be.instanceOf(ImportRefused)
  return error as ImportRefused
}

describe('an imported file', () => {
  it('is read from CSV with quotes, line breaks and a byte order mark, with the digest of its bytes', async () => {
    const text = '\uFEFFpersonId,name,status,email\r\np1,"Ann ""A"" Example,\nLtd",active,ann@example.com\r\n\r\np2,Ben,left,\r\n'
    const file = await read('roster', text)
    expect(file.rows).to.deep.equal([
      { personId: 'p1', name: 'Ann "A" Example,\nLtd', status: 'active', email: 'ann@example.com' },
      { personId: 'p2', name: 'Ben', status: 'left' },
    ])
    expect(file.digest).to.equal(sha256(text))
  })

  it('is read from a JSON list, and null is left out', async () => {
    const file = await read('roster', '[{"personId":"p1","status":"active","email":null}]')
    expect(file.rows).to.deep.equal([{ personId: 'p1', status: 'active' }])
  })

  it('is refused as a whole, with every wrong row', async () => {
    const { code, problems } = await refusal(
      'roster',
      'personId,status,email,terminationDate\np1,,ann,2026-02-30T00:00:00\np2,active,,\np2,active,,\n',
    )
    expect(code).to.equal('ROWS_WRONG')
    expect(problems.map(({ line, message }) => `${line} ${message}`)).to.deep.equal([
      '2 status is missing',
      '2 email must be an address, found "ann"',
      '2 terminationDate must be a day (2026-03-31) or an instant with a zone (2026-03-31T17:00:00Z), found "2026-02-30T00:00:00"',
      '4 personId p2 stands already in row 3',
    ])
  })

  it('is refused when its bytes are not UTF-8, also in the midst of a good file', async () => {
    const latin = Buffer.from('personId,status,name\np1,active,J\xfcrgen\n', 'latin1')
    for (const bytes of [Buffer.from([0xff, 0xfe]), latin]) {
      const { code, message } = await refusal('roster', bytes)
      expect(code).to.equal('NOT_A_TABLE')
      expect(message).to.contain('is not text in UTF-8')
    }
  })

  it('is refused when its header has no column that is required, whatever the kind', async () => {
    const { message } = await refusal('roster', 'personId,name\n')
    expect(message).to.equal('the header line has no status')
    expect((await refusal('attestations', 'garbage')).message).to.contain('has no subject, owner, date, evidenceSha256')
    expect((await refusal('approvals', 'ticket,approver\n')).message).to.contain('has no approvedAt')
    expect((await refusal('reviews', 'reviewer,reviewedAt\n')).message).to.contain('has no decision')
  })

  it('is refused when it is a roster of nobody; there may be no approvals', async () => {
    for (const text of ['personId,status\n', '\uFEFFpersonId,status', '[]']) {
      const { code, message, hint } = await refusal('roster', text)
      expect(code).to.equal('NOT_A_TABLE')
      expect(message).to.contain('has no row: a roster of nobody proves nothing')
      expect(hint).to.contain('what was imported before still counts')
    }
    expect((await read('approvals', 'ticket,approver,approvedAt\n')).rows).to.deep.equal([])
  })

  it('must hold as many rows as its last line says', async () => {
    const rows = 'personId,status\np1,active\np2,left\n'
    expect((await read('roster', `${rows}# rows: 2\n`)).rows).to.have.length(2)
    expect((await read('roster', `${rows}# Rows = 2,\n`)).rows).to.have.length(2)
    expect((await refusal('roster', `${rows}# rows: 3\n`)).message).to.equal('the last line says 3 rows, the file holds 2')
  })

  it('is refused when a day is in no calendar', async () => {
    const { problems } = await refusal('roster', 'personId,status,terminationDate\np1,left,2026-02-30\n')
    expect(problems[0]!.message).to.contain('terminationDate must be a day')
  })

  it('is refused when a column is not known, so that nothing is lost by a typing mistake', async () => {
    const { message } = await refusal('roster', 'personId,status,mail\np1,active,ann@example.com\n')
    expect(message).to.contain('unknown column mail; known are personId')
  })

  it('is refused when an approval names nothing, or its approver asked for it', async () => {
    const rows = [
      'ticket,approver,approvedAt,requester,user,permissionSet',
      'T-1,ben,2026-03-01,,ann,Admin',
      'T-2,ben,2026-03-01,,,',
      'T-3,ben,2026-03-01,BEN,ann,Admin',
    ]
    const { problems } = await refusal('approvals', `${rows.join('\n')}\n`)
    expect(problems.map(({ line, message }) => `${line} ${message}`)).to.deep.equal([
      '3 it approves nothing: fill in user, group, permissionSet, account or resource',
      '4 ben cannot approve what they requested themselves',
    ])
  })

  it('is refused when an approval is dated in the future', async () => {
    const rows = ['ticket,approver,approvedAt,user', 'T-1,ben,2999-01-01,ann', 'T-2,ben,2999-01-01T00:00:00Z,ann']
    const today = `T-3,ben,${new Date().toISOString().slice(0, 10)},ann`
    const { problems } = await refusal('approvals', `${[...rows, today].join('\n')}\n`)
    expect(problems.map(({ line, message }) => `${line} ${message}`)).to.deep.equal([
      '2 approvedAt 2999-01-01 has not come yet',
      '3 approvedAt 2999-01-01T00:00:00Z has not come yet',
    ])
  })

  it('is refused when a review or an attestation is dated in the future: it would be the last word for ever', async () => {
    const reviews = ['reviewer,reviewedAt,decision,user,group', 'ben,2999-01-01,keep,ann,ops', 'ben,2026-03-01,keep,bob,ops']
    const review = await refusal('reviews', `${reviews.join('\n')}\n`)
    expect(review.problems).to.deep.equal([{ line: 2, message: 'reviewedAt 2999-01-01 has not come yet' }])
    const sha = '0'.repeat(64)
    const attested = ['subject,owner,date,evidenceSha256', `mfa,ciso,2999-01-01T00:00:00Z,${sha}`, `mfa,ciso,2026-03-01,${sha}`]
    const attestation = await refusal('attestations', `${attested.join('\n')}\n`)
    expect(attestation.problems).to.deep.equal([{ line: 2, message: 'date 2999-01-01T00:00:00Z has not come yet' }])
  })

  it('is refused when a review decides about nothing, about two principals, or twice at once', async () => {
    const rows = [
      'reviewer,reviewedAt,decision,user,group,permissionSet,account',
      'ben,2026-03-01,keep,ann,ops,,',
      'ben,2026-03-01,revoke,ann,ops,,',
      'ben,2026-03-01,keep,ann,ops,Admin,',
      'ben,2026-03-01,maybe,ann,,Admin,',
      'ben,2026-03-01,keep,ann,,,prod',
      'ben,2026-03-01,keep,ann,,,',
    ]
    const { problems } = await refusal('reviews', `${rows.join('\n')}\n`)
    expect(problems.map(({ line, message }) => `${line} ${message}`)).to.deep.equal([
      '3 a decision on ann, ops at 2026-03-01 stands already in row 2',
      '4 a permission set is reviewed for a user or for a group: fill in one of them',
      '5 decision must be keep or revoke, found "maybe"',
      '6 account needs permissionSet beside it',
      '7 it reviews nothing: fill in user and group for a membership, or permissionSet with user or group for an assignment',
    ])
  })

  describe('of a folder', () => {
    let folder: string
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'import-'))
    })
    afterEach(() => rmSync(folder, { recursive: true }))
    const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
    const refused = async () => (await readImport('roster', folder).catch((thrown: unknown) => thrown)) as ImportRefused

    it('is all its files, CSV and JSON, with the digest of what sha256sum prints of them', async () => {
      write('b.json', '[{"personId":"p3","status":"left"}]')
      write('a.csv', 'personId,status\np1,active\n')
      write('.hidden', 'passed over')
      const file = await readImport('roster', folder)
      expect(file.rows.map(row => row.personId)).to.deep.equal(['p1', 'p3'])
      const printed = execFileSync('sha256sum', ['a.csv', 'b.json'], { cwd: folder })
      expect(file.digest).to.equal(sha256(printed))
    })

    it('names the file of every wrong row, also where another file holds the same person', async () => {
      write('a.csv', 'personId,status\np1,active\n')
      write('b.csv', 'personId,status\np2,\np1,left\n')
      const { message, problems } = await refused()
      expect(problems).to.deep.equal([
        { file: 'b.csv', line: 2, message: 'status is missing' },
        { file: 'b.csv', line: 3, message: 'personId p1 stands already in row 2 of a.csv' },
      ])
      expect(message).to.contain('b.csv, row 3: personId p1')
    })

    it('is refused when a file of it is broken, or neither CSV nor JSON, or when there is none', async () => {
      expect((await refused()).message).to.contain('the folder holds no file')
      write('a.csv', 'personId\np1\n')
      expect((await refused()).message).to.contain('a.csv: the header line has no status')
      write('people.xlsx', 'PK')
      expect((await refused()).message).to.contain('people.xlsx of the folder is neither .csv nor .json')
    })

    it('is refused when one file of a roster has no row and does not say so; there may be no approvals', async () => {
      write('a.csv', 'personId,status\np1,active\n')
      for (const [name, text] of [
        ['leavers.csv', 'personId,status\n'],
        ['leavers.json', '[]'],
      ] as const) {
        write(name, text)
        const { code, message, hint } = await refused()
        expect([code, message]).to.deep.equal(['NOT_A_TABLE', `${name}: it has no row, as an export that broke off`])
        expect(hint).to.contain('# rows: 0')
        rmSync(join(folder, name))
      }
      write('leavers.csv', 'personId,status\n# rows: 0\n')
      expect((await readImport('roster', folder)).rows).to.have.length(1)
      rmSync(join(folder, 'a.csv'))
      expect((await refused()).message).to.contain('a roster of nobody proves nothing')
      write('leavers.csv', 'ticket,approver,approvedAt\n')
      expect((await readImport('approvals', folder)).rows).to.deep.equal([])
    })
  })

  for (const [name, text] of [
    ['empty', ''],
    ['cut off inside a quote', 'personId,status\np1,"act'],
    ['short of a cell', 'personId,status\np1\n'],
    ['no list', '{"personId":"p1"}'],
    ['no JSON', '[{'],
  ] as const) {
    it(`is refused when it is ${name}`, async () => {
      expect((await refusal('roster', text)).code).to.equal('NOT_A_TABLE')
    })
  }

  it('is refused when it cannot be read, or comes over an open connection', async () => {
    const error = (await readImport('roster', '/nowhere/people.csv').catch((thrown: unknown) => thrown)) as ImportRefused
    expect(error.code).to.equal('UNREADABLE')
    const open = (await readImport('roster', 'http://example.com/people').catch((thrown: unknown) => thrown)) as ImportRefused
    expect(open.message).to.contain('only files and https:// are')
  })
})
