import { expect } from 'chai'
import {
  approveException,
  type ExceptionRequest,
  lastExceptionFile,
  readExceptions,
  readLedger,
  requestException,
  revokeException,
  saveExceptionFile,
  verifyStore,
} from '../../src/store/index.ts'
import { clockAt, errorOf } from './collected.ts'
import { asOwner } from './forger.ts'
import { freshStore } from './fresh-store.ts'

const request: ExceptionRequest = {
  ...{ controls: ['C-1'], reason: 'r', ticket: null, requestedBy: 'Ada', expiresAt: '2026-12-31T00:00:00.000Z' },
  scope: { source: null, subjects: ['u1'], match: { name: ['x*'] }, when: null },
}
const at = (text: string) => new Date(`2026-03-${text}Z`)

describe('exceptions on record', () => {
  it('are asked for, approved and revoked, each step known from its own time on and in the ledger', async () => {
    let now = at('01T00:00:00')
    await using store = await freshStore({ now: () => now })
    const asked = await requestException(store, request)
    expect(asked).to.deep.include({
      ...request,
      id: 'EX-1',
      origin: 'database',
      requestedAt: now.toISOString(),
      approvedBy: null,
    })
    now = at('02T00:00:00')
    const approved = await approveException(store, 'EX-1', 'Grace')
    expect(approved).to.include({ approvedBy: 'Grace', approvedAt: now.toISOString() })
    now = at('03T00:00:00')
    const revoked = await revokeException(store, 'EX-1', 'Eve', 'no longer needed')
    expect(revoked).to.include({ revokedBy: 'Eve', revokedReason: 'no longer needed' })
    expect(await readExceptions(store, at('01T00:00:00'))).to.deep.equal([asked])
    expect(await readExceptions(store, at('02T12:00:00'))).to.deep.equal([approved])
    expect(await readExceptions(store, at('09T00:00:00'))).to.deep.equal([revoked])
    expect(await readExceptions(store, new Date('2026-02-01T00:00:00Z'))).to.deep.equal([])
    const entries = await Array.fromAsync(readLedger(store))
    expect(entries.map(({ kind, payload }) => [kind, payload.exception, payload.event])).to.deep.equal([
      ['exception', 'EX-1', 'requested'],
      ['exception', 'EX-1', 'approved'],
      ['exception', 'EX-1', 'revoked'],
    ])
    expect(JSON.stringify(entries), 'who did it stands where it can be taken out').not.to.match(/Ada|Grace|Eve/)
    expect((await verifyStore(store, null)).problems).to.deep.equal([])
  })

  it('are not approved by the one who asked, nor twice, nor after their end; nor revoked twice', async () => {
    let now = at('01T00:00:00')
    await using store = await freshStore({ now: () => now })
    const code = async (step: Promise<unknown>) => (await errorOf(step)).code
    await requestException(store, request)
    for (const same of ['Ada', 'ada', '  ADA ', 'Ａda'])
      expect(await code(approveException(store, 'EX-1', same)), same).to.equal('EXCEPTION_REFUSED')
    expect(await code(approveException(store, 'EX-2', 'Grace'))).to.equal('EXCEPTION_NOT_FOUND')
    await approveException(store, 'EX-1', 'Grace')
    expect(await code(approveException(store, 'EX-1', 'Linus'))).to.equal('EXCEPTION_REFUSED')
    await revokeException(store, 'EX-1', 'Ada', 'gone')
    expect(await code(revokeException(store, 'EX-1', 'Ada', 'again'))).to.equal('EXCEPTION_REFUSED')
    await requestException(store, request)
    await requestException(store, request)
    await revokeException(store, 'EX-3', 'Grace', 'turned down')
    expect(await code(approveException(store, 'EX-3', 'Grace'))).to.equal('EXCEPTION_REFUSED')
    now = new Date('2027-01-01T00:00:00Z')
    expect(await code(approveException(store, 'EX-2', 'Grace'))).to.equal('EXCEPTION_REFUSED')
  })

  it('have their own number when several people ask at once, and one approval', async () => {
    await using store = await freshStore({ now: clockAt('2026-03-01T00:00:00Z').now })
    const asked = await Promise.all(Array.from({ length: 5 }, () => requestException(store, request)))
    expect(asked.map(({ id }) => id).sort()).to.deep.equal(['EX-1', 'EX-2', 'EX-3', 'EX-4', 'EX-5'])
    const approvals = await Promise.allSettled(['a', 'b', 'c'].map(by => approveException(store, 'EX-1', by)))
    expect(approvals.filter(({ status }) => status === 'fulfilled')).to.have.lengthOf(1)
  })

  it('of a file count as the file was last read by then, and it is kept when it says something new', async () => {
    let now = at('01T00:00:00')
    await using store = await freshStore({ now: () => now })
    const [exception] = [{ ...(await requestException(store, request)), id: 'kept', origin: 'file' as const }]
    const file = { location: '/x', digest: 'd', exceptions: [exception!], problems: ['row 2 is wrong'] }
    now = at('02T00:00:00')
    expect(await saveExceptionFile(store, file)).to.equal(true)
    now = at('03T00:00:00')
    expect(await saveExceptionFile(store, file)).to.equal(false)
    expect(await lastExceptionFile(store)).to.deep.equal({ ...file, readAt: at('02T00:00:00') })
    now = at('04T00:00:00')
    expect(await saveExceptionFile(store, { ...file, digest: 'e', exceptions: [] })).to.equal(true)
    const idsAt = async (time: string) => (await readExceptions(store, at(time))).map(({ id }) => id)
    expect(await idsAt('01T12:00:00')).to.deep.equal(['EX-1'])
    expect(await idsAt('03T12:00:00')).to.deep.equal(['EX-1', 'kept'])
    expect(await idsAt('04T12:00:00')).to.deep.equal(['EX-1'])
    expect((await verifyStore(store, null)).problems).to.deep.equal([])
    for (const [statement, name] of [
      [`update exception_event set body = replace(body, 'u1', 'u2')`, 'exception EX-1 requested'],
      [`update exception_file set body = replace(body, 'kept', 'left') where id = 1`, 'exception file 1'],
      ['delete from exception_file where id = 2', 'exception file 2'],
    ] as const) {
      await asOwner(store, statement)
      expect((await verifyStore(store, null)).problems.map(problem => problem.name)).to.include(name)
    }
  })
})
