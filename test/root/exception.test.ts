import { expect } from 'chai'
import { isSamePerson } from '../../src/exception.ts'

describe('whoever asked for an exception', () => {
  it('is the same person under another spelling, a shown name or a plus-tag', () => {
    for (const name of ['ADA@example.com ', 'Ada <ada@example.com>', 'ada+work@example.com', '"A. L." < Ada+x+y@Example.com >'])
      expect(isSamePerson('ada@example.com', name), name).to.equal(true)
    expect(isSamePerson('Ada  Lovelace', 'ada lovelace')).to.equal(true)
  })

  it('is not someone else', () => {
    for (const name of ['ben@example.com', 'ada@example.org', 'Ada <ben@example.com>', 'ada', '+x@example.com'])
      expect(isSamePerson('ada@example.com', name), name).to.equal(false)
    expect(isSamePerson('+x@example.com', '+y@example.com')).to.equal(false)
  })
})
