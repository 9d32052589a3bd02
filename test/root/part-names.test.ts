import { expect } from 'chai'
import { PartNames } from '../../src/part-names.ts'

describe('names of parts', () => {
  it('are told apart by their group and by where their bars stand, and come out as they went in', () => {
    const parents = ['', '|', '||', 'a', 'a|', '|a', 'a|b', 'b|a', 'a|b|c', 'a||b', ...pairs()]
    const names = new PartNames()
    const enter = (group: number) => parents.map(parent => names.enter(group, parent))
    const first = parents.map((_, i) => i)
    expect(enter(0)).to.deep.equal(first)
    expect(enter(7)).to.deep.equal(first.map(i => i + parents.length))
    expect(enter(0)).to.deep.equal(first)
    expect(names.count).to.equal(parents.length * 2)
    expect(first.map(i => names.parentOf(i))).to.deep.equal(parents)
    expect(names.groupOf(parents.length)).to.equal(7)
    expect(first.map(i => names.has(0, parents[i]!))).to.deep.equal(first.map(() => true))
    expect([names.has(1, 'a'), names.has(0, 'c'), names.has(0, 'a|c'), names.has(0, 'b|')]).to.deep.equal([
      false,
      false,
      false,
      false,
    ])
    expect(names.count).to.equal(parents.length * 2)
  })
})

function pairs(): string[] {
  return Array.from(
    { length: 6000 },
    (_, i) => `${100_000_000_000 + (i % 97)}|arn:aws:sso:::permissionSet/ssoins-1/ps-${Math.floor(i / 97)}`,
  )
}
