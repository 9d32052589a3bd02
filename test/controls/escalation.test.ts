import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { parse } from 'yaml'
import { buildEstate, evaluate, loadCatalog } from '../../src/controls/index.ts'
import { asOf, estateRows } from './estate-rows.ts'

interface Family {
  readonly title: string
  readonly anyOf: readonly (readonly string[])[]
}

const file = join(import.meta.dirname, '../../controls/data/escalation.yaml')
const { families } = parse(readFileSync(file, 'utf8')) as { families: readonly Family[] }

/** What IDC-PS-003 says of permission sets that allow these actions on every resource. */
async function judged(policies: readonly (readonly string[])[]): Promise<ReadonlyMap<string, string>> {
  const sets = policies.map((Action, index) => ({
    arn: `s${index}`,
    inline: JSON.stringify({ Statement: [{ Effect: 'Allow', Action, Resource: '*' }] }),
  }))
  const catalog = loadCatalog()
  const { outcomes } = evaluate(catalog, await buildEstate(estateRows({ sets })), asOf)
  const { results } = outcomes.find(outcome => outcome.control.id === 'IDC-PS-003')!
  return new Map(results.map(({ subject, status, reason }) => [subject.key, `${status}: ${reason}`]))
}

describe('the ways to more rights than were given', () => {
  const alternatives = families.flatMap(({ title, anyOf }) => anyOf.map(actions => ({ title, actions })))

  it('are each found in a policy that allows exactly their actions', async () => {
    const found = await judged(alternatives.map(({ actions }) => actions))
    alternatives.forEach(({ title, actions }, index) => {
      expect(found.get(`s${index}`), actions.join(' and '))
        .to.match(/^fail: /)
        .and.contain(title)
    })
  })

  it('need every action of an alternative', async () => {
    const isEnough = (actions: readonly string[]) =>
      alternatives.some(other => other.actions.every(action => actions.includes(action)))
    const lacking = alternatives
      .flatMap(({ actions }) => actions.map(missing => actions.filter(action => action !== missing)))
      .filter(actions => actions.length > 0 && !isEnough(actions))
    expect(lacking.length).to.be.greaterThan(40)
    expect([...(await judged(lacking)).values()]).to.deep.equal([])
  })

  it('are found behind wildcards in any case', async () => {
    const found = await judged([['IAM:create*Version'], ['iam:Pass?ole', 'LAMBDA:*'], ['*:AddUserToGroup']])
    expect([...found.keys()]).to.deep.equal(['s0', 's1', 's2'])
  })
})
