import { expect } from 'chai'
import { isSameButForNames } from '../../src/pipeline/reperform.ts'
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
    expect(isSameButForNames(line('b', 'a'), line('a', 'b'))).to.equal(true)
    expect(isSameButForNames(line('b', 'a'), line('a', 'c'))).to.equal(false)
  })

  it('are compared by who is named, and words by all but what a pseudonym stands for', () => {
    const [ann, ben] = [`p-${'a'.repeat(20)}`, `p-${'b'.repeat(20)}`]
    const line = (status: string, reason: string, facts: object = {}) => JSON.stringify({ status, reason, facts })
    const said = line('fail', `idle: ${ann}, ${ben}`)
    expect(isSameButForNames(said, line('fail', `idle: ${ben}, ${ann}`))).to.equal(true)
    expect(isSameButForNames(said, line('fail', `idle: ${ann}, ${ann}`))).to.equal(false)
    expect(isSameButForNames(said, line('pass', `idle: ${ann}, ${ben}`))).to.equal(false)
    expect(isSameButForNames(said, line('fail', `busy: ${ann}, ${ben}`))).to.equal(false)
    // somebody is called Unused, and the sentence of the control uses the word
    expect(isSameButForNames(line('fail', `${ann} group (1+1)`), line('fail', 'Unused group (1+1)'))).to.equal(true)
    expect(isSameButForNames(line('fail', `${ann} group`), line('fail', `${ben} group`))).to.equal(false)
    expect(isSameButForNames(line('fail', `${ann} group`), line('fail', 'Unused team'))).to.equal(false)
  })
})
