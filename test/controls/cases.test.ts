import { expect } from 'chai'
import { loadCatalog, runCases } from '../../src/controls/index.ts'
import { controlYaml, folderOf } from './estate-rows.ts'

const on = { 'identitystore.users': [{ UserId: 'u1', UserName: 'ann', UserStatus: 'ENABLED' }] }
const off = { 'identitystore.users': [{ UserId: 'u1', UserName: 'ann', UserStatus: 'DISABLED' }] }
const unsent = { 'identitystore.users': [{ UserId: 'u1', UserName: 'ann' }] }
const complete = [
  { name: 'on', estate: on, subject: 'u1', expect: 'pass' },
  { name: 'off', estate: off, subject: 'u1', expect: 'fail' },
  { name: 'unsent', estate: unsent, subject: 'u1', expect: 'unknown' },
]

function report(cases: readonly object[], requirement = "user.UserStatus == 'ENABLED'") {
  using folder = folderOf({ 't.yaml': JSON.stringify({ ...JSON.parse(controlYaml(requirement)), cases }) })
  const catalog = loadCatalog({ folders: [folder.path] })
  expect(catalog.problems).to.deep.equal([])
  return runCases(catalog).controls[0]!
}

describe('cases', () => {
  for (const control of runCases(loadCatalog()).controls) {
    it(`of ${control.id} hold, show pass, fail and unknown, and would notice a missing requirement`, () => {
      expect(control.problems).to.deep.equal([])
      expect(control).to.include({ ok: true, noticesRequirement: true })
      expect(control.missing).to.deep.equal([])
    })
  }

  it('are enough with one each for pass, fail and unknown', () => {
    expect(report(complete)).to.include({ ok: true })
  })

  it('are not enough without one of them', () => {
    for (const left of ['pass', 'fail', 'unknown']) {
      const found = report(complete.filter(each => each.expect !== left))
      expect(found.ok).to.equal(false)
      expect(found.missing).to.deep.equal([left])
      expect(found.problems).to.include(`no case expects ${left}`)
    }
  })

  it('say what was found instead of what was expected', () => {
    const found = report([...complete, { name: 'wrong', estate: off, subject: 'u1', expect: 'pass' }])
    expect(found.ok).to.equal(false)
    expect(found.problems).to.deep.equal(['wrong: expected pass, found fail (found)'])
  })

  it('fail when the reason does not say what it should', () => {
    const found = report([...complete.slice(0, 2), { ...complete[2], says: 'sso:Something' }])
    expect(found.problems[0]).to.contain('the reason does not say "sso:Something"')
  })

  it('fail when the subject is not in the estate', () => {
    const found = report([...complete, { name: 'nobody', estate: on, subject: 'u9', expect: 'pass' }])
    expect(found.problems[0]).to.contain('holds no user u9; it holds u1')
  })

  it('prove nothing when the requirement could be true for all they tell', () => {
    const found = report(complete, "true || user.UserStatus == 'ENABLED'")
    expect(found.noticesRequirement).to.equal(false)
    expect(found.problems).to.include('no case would notice if the requirement were replaced by true')
  })

  it('of one control can be run alone', () => {
    expect(runCases(loadCatalog(), 'IDC-PS-002').controls.map(control => control.id)).to.deep.equal(['IDC-PS-002'])
  })

  it('do not depend on configured parameters', () => {
    const catalog = loadCatalog({ parameters: { 'IDC-USER-001': { graceDays: 1000 } } })
    expect(runCases(catalog, 'IDC-USER-001').ok).to.equal(true)
  })
})
