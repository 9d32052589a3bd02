import { expect } from 'chai'
import fc from 'fast-check'
import { canonicalJson, compareBytes, digestOf, factsDigest, setDigest, sha256 } from '../../src/digest.ts'
import type { Json } from '../../src/model.ts'

describe('canonical JSON and digests', () => {
  it('canonicalises the example of RFC 8785, section 3.2.2', () => {
    const value = JSON.parse(
      '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
    )
    expect(canonicalJson(value)).to.equal(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    )
  })

  it('refuses what has no canonical form', () => {
    expect(() => canonicalJson('\ud800')).to.throw()
    expect(() => canonicalJson(Number.NaN)).to.throw()
  })

  it('gives equal values equal digests, whatever the order of their members', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 6 }), record => {
        const turned = Object.fromEntries(Object.entries(record).reverse())
        expect(digestOf(turned as Json)).to.equal(digestOf(record as Json))
      }),
    )
  })

  it('agrees with published SHA-256 vectors', () => {
    expect(sha256('abc')).to.equal('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    expect(factsDigest('abc', null)).to.equal(sha256('abc'))
    expect(factsDigest('c', '6162')).to.equal(sha256('abc'))
  })

  it('digests a set whatever its order, and tells sets apart', () => {
    expect(setDigest(['b', 'a'])).to.equal(setDigest(['a', 'b']))
    expect(setDigest(['a'])).not.to.equal(setDigest(['a', 'a']))
    expect(setDigest([])).to.equal(sha256(''))
  })

  it('orders text as its UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(compareBytes(a, b))).to.equal(Buffer.compare(Buffer.from(a), Buffer.from(b)))
      }),
    )
    expect(compareBytes('\uffff', '\u{10000}')).to.equal(-1)
  })
})
