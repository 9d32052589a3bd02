import { expect } from 'chai'
import type { Facts } from '../../src/model.ts'
import { keptFacts } from '../../src/store/index.ts'
import { collectOnce, part } from './collected.ts'
import { asOwner } from './forger.ts'
import { freshStore } from './fresh-store.ts'

describe('facts that an earlier run kept', () => {
  it('are handed out only where they are what was sealed', async () => {
    await using store = await freshStore()
    const dataset = 'iam.policy_documents'
    const policy = (name: string): Facts => ({ Arn: name, Document: `{"of":"${name}"}` })
    const rows = ['a', 'b', 'c'].map(key => ({ key, facts: policy(key) }))
    await collectOnce(store, [part({ dataset, rows })])
    expect(Object.fromEntries(await keptFacts(store, 'acme', dataset))).to.deep.equal({
      a: policy('a'),
      b: policy('b'),
      c: policy('c'),
    })
    await asOwner(
      store,
      `update entity_version set body = replace(body, 'Document', 'Forged') where body like '%"b"%'`,
      `delete from entity_salt where entity_id = (select entity_id from entity_version where body like '%"c"%')`,
    )
    expect(Object.fromEntries(await keptFacts(store, 'acme', dataset))).to.deep.equal({ a: policy('a') })
  })
})
