import { expect } from 'chai'
import { inAnyOrder } from '../../src/pipeline/reperform.ts'
import { maskOf } from '../../src/reports/index.ts'

describe('lists of people in a bundle with pseudonyms', () => {
  it('are in the order of the pseudonyms, and compared in any', async () => {
    const names: Record<string, string> = { 'user u1': 'p-zz', 'user u2': 'p-aa' }
    const users = ['u1', 'u2'].map(key => ({
      dataset: 'identitystore.users',
      key,
      facts: { UserName: `${key}-name` },
      earlier: [],
    }))
    const mask = await maskOf(
      text => names[text] ?? 'p-other',
      (async function* () {
        yield* users as never[]
      })(),
    )
    expect(mask.facts({ members: ['u1-name', 'u2-name'], actions: ['s3:Put', 's3:Get'] })).to.deep.equal({
      members: ['p-aa', 'p-zz'],
      actions: ['s3:Put', 's3:Get'],
    })
    const line = (...members: string[]) => JSON.stringify({ status: 'fail', facts: { members } })
    expect(inAnyOrder(line('b', 'a'))).to.equal(inAnyOrder(line('a', 'b')))
    expect(inAnyOrder(line('b', 'a'))).not.to.equal(inAnyOrder(line('a', 'c')))
  })
})
