import { expect } from 'chai'
import { buildEstate, ControlsError, explainStatus, loadCatalog, newControl } from '../../src/controls/index.ts'
import { asOf, estateRows, folderOf, gap, type SmallEstate } from './estate-rows.ts'

const ann = { UserId: 'u1', UserName: 'ann', UserStatus: 'ENABLED', CreatedAt: '2025-01-01T00:00:00Z' }

async function explained(small: SmallEstate, control = 'IDC-USER-001', subject = 'u1') {
  const [explanation] = explainStatus(loadCatalog(), await buildEstate(estateRows(small)), asOf, control, subject)
  return explanation!
}

describe('an explanation', () => {
  it('shows the status and the value of each sub-expression', async () => {
    const { status, parts } = await explained({ users: [ann] })
    expect(status).to.equal('fail')
    const said = parts.map(({ member, depth, text, value }) => `${member} ${depth} ${text} = ${value}`)
    expect(said).to.include("appliesTo 2 user.UserStatus == 'ENABLED' = true")
    expect(said.join('\n')).to.contain('user.groups.size() > 0 = false').and.contain('user.assignments = []')
    expect(parts.filter(part => part.member === 'requirement')[0]).to.include({ depth: 0, value: 'false' })
  })

  it('says where an unknown comes from', async () => {
    const gaps = [gap('identitystore.group_memberships')]
    const { status, parts } = await explained({ users: [ann], gaps })
    expect(status).to.equal('unknown')
    const whole = parts.find(({ member, depth }) => member === 'requirement' && depth === 0)!
    expect(whole.value).to.equal('unknown: identitystore:ListGroupMemberships was refused')
  })

  it('can be asked of a population that could not be listed, as the results name it', async () => {
    const { status, reason, parts } = await explained(
      { gaps: [gap('identitystore.users')] },
      'IDC-USER-001',
      'identitystore.users',
    )
    expect(status).to.equal('unknown')
    expect(reason).to.contain('identitystore:ListUsers was refused')
    expect(parts).to.deep.equal([])
  })

  it('can be asked of every control of the catalog for each of its subjects', async () => {
    const estate = await buildEstate(
      estateRows({
        users: [ann],
        groups: [{ GroupId: 'g1', DisplayName: 'g' }],
        sets: [{ arn: 's1' }],
        accounts: [{ Id: 'a1', State: 'ACTIVE' }],
      }),
    )
    const catalog = loadCatalog()
    const subjects: { readonly [resource: string]: string } = { user: 'u1', group: 'g1', permissionSet: 's1', account: 'a1' }
    const asked = catalog.controls.filter(control => subjects[control.resource] !== undefined)
    expect(asked.length).to.be.greaterThan(20)
    for (const { id, resource } of asked) {
      const [explanation] = explainStatus(catalog, estate, asOf, id, subjects[resource]!)
      const applies = explanation!.parts.find(part => part.member === 'appliesTo' && part.depth === 0)!.value
      const { status } = explanation!
      if (status !== 'unknown') expect(applies, id).to.equal(String(status !== 'not_applicable'))
    }
  })

  it('refuses a control and a subject that are not there', async () => {
    for (const [control, subject, code] of [
      ['IDC-USER-999', 'u1', 'UNKNOWN_CONTROL'],
      ['IDC-USER-001', 'u9', 'UNKNOWN_SUBJECT'],
    ] as const) {
      const error: unknown = await explained({ users: [ann] }, control, subject).catch((thrown: unknown) => thrown)
      expect(error).to.be.instanceOf(ControlsError).with.property('code', code)
    }
  })
})

describe('a new control', () => {
  it('loads for every kind of resource that has a population', () => {
    for (const resource of ['user', 'permissionSet', 'account', 'iamUser', 'person', 'delegation', 'provisioning']) {
      using folder = folderOf({ 'own.yaml': newControl('OWN-001', resource) })
      expect(loadCatalog({ ownFolders: [folder.path] }).problems, resource).to.deep.equal([])
    }
    expect(() => newControl('OWN-001', 'usr')).to.throw(ControlsError, 'no resource type usr')
  })
})

describe('the parameter profile of a framework', () => {
  it('replaces defaults, and the configuration replaces the profile', () => {
    const plain = loadCatalog({ profile: 'pci-dss' })
    expect(plain.problems).to.deep.equal([])
    const lengthIn = (catalog: typeof plain) => catalog.controls.find(({ id }) => id === 'IAM-PWD-001')!.parameters.minLength
    expect(lengthIn(loadCatalog())).to.equal(14)
    expect(lengthIn(plain)).to.equal(12)
    expect(lengthIn(loadCatalog({ profile: 'pci-dss', parameters: { 'IAM-PWD-001': { minLength: 16 } } }))).to.equal(16)
  })

  it('is a mistake when there is none', () => {
    expect(loadCatalog({ profile: 'soc2' }).problems[0]!.message).to.equal('framework soc2 has no parameter profile')
    expect(loadCatalog({ profile: 'soc3' }).problems[0]!.message).to.equal('no framework soc3')
  })
})
