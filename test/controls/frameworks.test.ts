import { expect } from 'chai'
import { buildEstate, evaluate, frameworkCoverage, loadCatalog } from '../../src/controls/index.ts'
import { asOf, controlYaml, estateRows, folderOf, gap, type SmallEstate } from './estate-rows.ts'

const framework = `id: ours
name: Ours
version: "1"
publisher: us
licence: ours
source: us
requirements:
  - { id: R-fail, label: a, public: [T-ON], judgement: [T-NAMED] }
  - { id: R-named, label: b, judgement: [T-NAMED] }
  - { id: R-groups, label: c, public: [T-GROUPS] }
  - { id: R-none, label: d }
  - { id: R-missing, label: e, public: [T-NAMED, T-MISSING] }
  - { id: R-unapplied, label: f, public: [T-UNAPPLIED] }
`

async function covered(estate: SmallEstate) {
  using folder = folderOf({
    'ours.yaml': framework,
    'on.yaml': controlYaml("user.UserStatus == 'ENABLED'", { id: 'T-ON' }),
    'named.yaml': controlYaml("user.UserName != ''", { id: 'T-NAMED' }),
    'groups.yaml': controlYaml('group.members.size() > 0', { id: 'T-GROUPS', resource: 'group' }),
    'unapplied.yaml': controlYaml('true', { id: 'T-UNAPPLIED', appliesTo: "user.UserName == 'nobody'" }),
  })
  const catalog = loadCatalog({ folders: [folder.path] })
  const evaluation = evaluate(catalog, await buildEstate(estateRows(estate)), asOf)
  const { requirements } = frameworkCoverage(catalog, catalog.frameworks[0]!, evaluation)
  return Object.fromEntries(requirements.map(({ id, status }) => [id, status]))
}

const users = [
  { UserId: 'u1', UserName: 'ann', UserStatus: 'ENABLED' },
  { UserId: 'u2', UserName: 'bob', UserStatus: 'DISABLED' },
]

describe('a framework', () => {
  it('derives the status of a requirement from its controls', async () => {
    expect(await covered({ users })).to.deep.equal({
      'R-fail': 'fail',
      'R-named': 'pass',
      'R-groups': 'not_applicable',
      'R-none': 'uncovered',
      'R-missing': 'unknown',
      'R-unapplied': 'not_applicable',
    })
  })

  it('is unknown, not pass, where anything is unknown', async () => {
    const found = await covered({ users: users.slice(0, 1), gaps: [gap('identitystore.users'), gap('identitystore.groups')] })
    expect(found).to.include({ 'R-fail': 'unknown', 'R-named': 'unknown', 'R-groups': 'unknown' })
  })

  it('shows each control with its counts over all sources', async () => {
    const catalog = loadCatalog()
    const soc2 = catalog.frameworks.find(each => each.id === 'soc2')!
    const estate = await buildEstate(estateRows({ source: 'a', users }, { source: 'b', users }))
    const { framework: shown, requirements } = frameworkCoverage(catalog, soc2, evaluate(catalog, estate, asOf))
    expect(shown).to.equal(soc2)
    const control = requirements.find(each => each.id === 'CC6.2')!.controls.find(each => each.id === 'IDC-USER-001')!
    expect(control).to.include({
      basis: 'public',
      title: 'No user without an access path',
      severity: 'low',
      population: 4,
      fail: 2,
      notApplicable: 2,
    })
  })

  it('lists every requirement of SOC 2 and ISO 27001 that the catalog speaks of, also those without a control', () => {
    const { frameworks } = loadCatalog()
    const requirements = (id: string) => frameworks.find(each => each.id === id)!.requirements
    expect(requirements('soc2')).to.have.length(14)
    expect(requirements('iso27001')).to.have.length(19)
    expect(frameworks).to.have.length(14)
    expect(
      requirements('soc2')
        .find(each => each.id === 'CC4.2')!
        .controls.map(({ id }) => id),
    ).to.deep.equal(['EVD-006'])
    const judged = requirements('soc2').find(each => each.id === 'CC6.1')!.controls
    expect(judged).to.deep.include.members([
      { id: 'IDC-ASG-001', basis: 'public' },
      { id: 'IDC-ASG-002', basis: 'judgement' },
    ])
    expect(judged.map(({ id }) => id)).to.deep.equal(judged.map(({ id }) => id).sort())
  })
})
