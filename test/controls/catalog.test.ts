import { expect } from 'chai'
import { buildEstate, ControlsError, evaluate, loadCatalog } from '../../src/controls/index.ts'
import { asOf, controlYaml, estateRows, folderOf } from './estate-rows.ts'

const good = controlYaml("user.UserStatus == 'ENABLED'", { id: 'T-9' })

/** What loading says of one file, besides a good one that must run whatever the other holds. */
function problemsOf(text: string): readonly string[] {
  using folder = folderOf({ 'good.yaml': good, 'tried.yaml': text })
  const catalog = loadCatalog({ folders: [folder.path] })
  expect(catalog.controls.map(control => control.id)).to.include('T-9')
  return catalog.problems.map(({ file, line, column, path, message, hint }) => {
    expect(file).to.match(/tried\.yaml$/)
    return `${line}:${column} ${path}: ${message}${hint === null ? '' : ` (${hint})`}`
  })
}

/** What the loader says of a requirement, without its place. */
function refusalOf(requirement: string, resource = 'user'): string {
  const [problem, ...more] = problemsOf(controlYaml(requirement, { resource }))
  expect(more, requirement).to.deep.equal([])
  expect(problem, `${requirement} is accepted`).not.to.equal(undefined)
  return problem!.replace(/^\d+:\d+ requirement: /, '')
}

describe('the catalog', () => {
  it('that comes with the program loads without a problem', () => {
    const catalog = loadCatalog()
    expect(catalog.problems).to.deep.equal([])
    expect(catalog.controls.map(control => control.id)).to.include.members([
      'IDC-ASG-001',
      'IDC-ASG-002',
      'IDC-ASG-004',
      'IDC-ASG-005',
      'IDC-GRP-001',
      'IDC-PS-001',
      'IDC-PS-002',
      'IDC-PS-005',
      'IDC-USER-001',
      'IDC-USER-003',
    ])
    expect(catalog.frameworks.map(framework => framework.id)).to.include.members(['iso27001', 'soc2'])
  })

  it('has one digest and each control its own, which cases do not change and definitions do', () => {
    const load = (change: (file: Record<string, unknown>) => void) => {
      const file = JSON.parse(good)
      change(file)
      using folder = folderOf({ 'a.yaml': JSON.stringify(file) })
      const catalog = loadCatalog({ folders: [folder.path] })
      expect(catalog.problems).to.deep.equal([])
      return [catalog.digest, catalog.controls[0]!.digest]
    }
    const before = load(() => {})
    expect(before[0]).to.match(/^[0-9a-f]{64}$/)
    expect(
      load(file => {
        file.cases = [{ name: 'x', subject: 'u', expect: 'pass' }]
      }),
    ).to.deep.equal(before)
    const after = load(file => {
      file.requirement = "user.UserStatus == 'DISABLED'"
    })
    expect(after[0]).not.to.equal(before[0])
    expect(after[1]).not.to.equal(before[1])
  })

  it('stands its own digest aside from parameters, which are in each outcome', async () => {
    const plain = loadCatalog()
    const tuned = loadCatalog({ parameters: { 'IDC-USER-001': { graceDays: 3 } } })
    expect(tuned.problems).to.deep.equal([])
    expect(tuned.digest).to.equal(plain.digest)
    const estate = await buildEstate(estateRows({}))
    const digestOf = (catalog: typeof plain) =>
      evaluate(catalog, estate, asOf).outcomes.find(outcome => outcome.control.id === 'IDC-USER-001')!.parametersDigest
    expect(digestOf(tuned)).not.to.equal(digestOf(plain))
    expect(tuned.controls.find(control => control.id === 'IDC-USER-001')!.parameters.graceDays).to.equal(3)
  })

  it('says where a mistake inside a folded expression is, and what was probably meant', () => {
    const text = `id: T-1
version: 1.0.0
title: a test
severity: low
resource: user
datasets: [identitystore.users]
requirement: >-
  user.UserStatus == 'ENABLED'
  && user.groups.exists(g, g.members.exists(m, m.UsrName == 'x'))
message: "'found'"
rationale: why
remediation: how
cases: []
`
    expect(problemsOf(text)).to.deep.equal(['9:50 requirement: User has no member UsrName (did you mean UserName?)'])
  })

  it('says every mistake in the shape of a file at once', () => {
    const problems = problemsOf(`id: T-1
version: 1.0.0
titel: a test
severity: lo
resource: user
datasets: [identitystore.user]
requirement: "true"
message: "'found'"
rationale: why
remediation: how
cases: []
`)
    expect(problems).to.have.length(4)
    expect(problems.join('\n')).to.contain('3:1 titel: unknown key titel (did you mean title?)')
    expect(problems.join('\n')).to.contain('title is missing')
    expect(problems.join('\n')).to.match(/4:1 severity: must be one of critical, high, medium, low/)
    expect(problems.join('\n')).to.match(/6:\d+ datasets\[0\]: must be one of/)
  })

  it('reports what is no YAML, and runs the rest', () => {
    expect(problemsOf('id: [')[0]).to.match(/^\d+:\d+ : /)
  })

  const refused: readonly (readonly [expression: string, says: string])[] = [
    ['has(user.UserStatus)', 'has is not offered (ask for the member itself'],
    ["user.UserStatsu == 'x'", 'User has no member UserStatsu (did you mean UserStatus?)'],
    ["usr.UserStatus == 'x'", 'unknown name usr (did you mean user?)'],
    ['user.UserStatus > 3', 'no such overload: string > int'],
    ["user.groups.size() > 'a'", 'no such overload: int > string'],
    ['user.UserStatus == null', 'no such overload: string == null'],
    ['user.groups.size() + 1 > 2', 'arithmetic is not offered'],
    ['user.groups.size() * 2 > 2', '`*` is not offered'],
    ['-user.groups.size() < 0', 'arithmetic is not offered'],
    ["user.groups[0].DisplayName == 'x'", '`[]` is not offered'],
    ["{'a': true}.a", '`map` is not offered'],
    ["'a' in {'a': 1}", '`in` over map<string, int> is not offered'],
    ['user.groups.exists_one(g, true)', 'exists_one is not offered'],
    ["duration('90d') > duration('1h')", 'duration is not offered'],
    ["timestamp('2026-01-01T00:00:00Z') < user.CreatedAt", 'timestamp is not offered'],
    ['dyn(user).UserStatsu == 1', 'dyn is not offered'],
    ['user.UserName.size() > 3', 'size of string is not offered'],
    ['user.groups == user.groups', 'list<Group> cannot be compared'],
    ['isAdminEquivalent(user)', "found no matching overload for 'isAdminEquivalent(User)'"],
    ['user.UserName.matches(user.UserStatus)', 'a pattern must be written out'],
    ["user.UserName.matches('(')", 'the pattern is wrong'],
    ["string(user.groups.size()) == '3'", 'string is offered in message and facts only'],
    ["user.groups.map(g, g.name).join(',') == 'x'", 'join is offered in message and facts only'],
    ['user.firstSeen < user.disabledSince', 'no such overload: Since < Since'],
    ['user.UserName', 'the expression gives string, expected bool'],
    ['parameters.nope > 1', 'Parameters has no member nope (it has none)'],
    ["user.UserStatus == 'ENABLED", 'not an expression'],
    ['1u < 2u', 'bytes and unsigned numbers are not offered'],
    ['cel.bind(x, 1, x > 0)', 'unknown name cel'],
    ['user.UserName.matchesAny([user.UserName])', 'takes no patterns that are put together'],
  ]
  for (const [expression, says] of refused) {
    it(`refuses ${expression}`, () => {
      expect(refusalOf(expression)).to.contain(says)
    })
  }

  it('refuses an unknown member below a link that may be null', () => {
    expect(refusalOf("assignment.principal.UserStats == 'x'", 'assignment')).to.contain(
      'User or Group has no member UserStats (did you mean UserStatus?)',
    )
    expect(refusalOf("accountAssignment.account.Stat == 'x'", 'accountAssignment')).to.contain('did you mean State?')
  })

  it('refuses expressions that are too big, quickly', () => {
    const started = performance.now()
    expect(refusalOf(Array(600).fill('true').join('&&'))).to.contain('maxAstNodes')
    expect(refusalOf(`${'('.repeat(300)}true${')'.repeat(300)}`)).to.contain('maxDepth')
    expect(problemsOf(controlYaml(Array(2000).fill('true').join('&&')))[0]).to.contain('4000 characters')
    expect(performance.now() - started).to.be.lessThan(2000)
  })

  it('refuses a parameter that nothing uses, and a default of the wrong type', () => {
    const file = JSON.parse(good)
    file.parameters = { days: { type: 'number', default: 3, description: 'd' } }
    expect(problemsOf(JSON.stringify({ ...file, id: 'T-1' }))[0]).to.contain('parameter days is not used by any expression')
    file.parameters = { days: { type: 'number', default: 'three', description: 'd' } }
    expect(problemsOf(JSON.stringify({ ...file, id: 'T-1' }))[0]).to.contain('must be a number, found "three"')
  })

  it('refuses a second control with the same id', () => {
    expect(problemsOf(controlYaml('true', { id: 'T-9' }))[0]).to.contain('control T-9 is already defined in')
  })

  it('does not run a control with wrong parameters on its defaults, and says what was meant', () => {
    const catalog = loadCatalog({
      parameters: { 'IDC-USER-001': { graceDay: 3 }, 'IDC-USER-003': { graceDays: 'seven' }, 'IDC-USER-01': {} },
    })
    expect(catalog.controls.map(control => control.id)).not.to.include.members(['IDC-USER-001', 'IDC-USER-003'])
    const said = catalog.problems.map(({ path, message, hint }) => `${path}: ${message} (${hint})`).join('\n')
    expect(said).to.contain(
      'IDC-USER-001.graceDay: IDC-USER-001 has no parameter graceDay; IDC-USER-001 does not run (did you mean graceDays?)',
    )
    expect(said).to.contain('parameter graceDays of IDC-USER-003 must be a number, found "seven"')
    expect(said).to.contain('no control IDC-USER-01 (did you mean IDC-USER-001?)')
  })

  it('takes controls and frameworks of the user beside its own', () => {
    const framework =
      'id: ours\nname: Ours\nversion: "1"\npublisher: us\nlicence: ours\nsource: us\nrequirements:\n  - {id: R1, label: one, public: [T-9, IDC-PS-001]}\n  - {id: R2, label: two, judgement: [T-8]}\n'
    using folder = folderOf({ 'good.yaml': good, 'ours.yaml': framework })
    const catalog = loadCatalog({ ownFolders: [folder.path] })
    expect(catalog.controls.map(control => control.id)).to.include.members(['T-9', 'IDC-PS-001'])
    expect(catalog.frameworks.map(each => each.id)).to.include.members(['ours', 'soc2'])
    expect(catalog.problems).to.have.length(1)
    expect(catalog.problems[0]).to.include({ line: 9, hint: 'did you mean T-9?' })
    expect(catalog.problems[0]!.message).to.contain('no control T-8')
  })

  it('tells each broken file of the user with its place, and runs the others and its own', async () => {
    using folder = folderOf({
      'good.yaml': good,
      'typo.yaml': good.replace('T-9', 'T-10').replaceAll('user.', 'user.No'),
      'torn.yaml': 'id: [',
      'framework.yaml': 'id: Ours!\nname: Ours\nrequirements: []\n',
      'twice.yaml': good,
    })
    const catalog = loadCatalog({ ownFolders: [folder.path] })
    const packaged = loadCatalog()
    expect(catalog.controls.map(each => each.id)).to.have.members([...packaged.controls.map(each => each.id), 'T-9'])
    expect(catalog.frameworks).to.deep.equal(packaged.frameworks)
    const told = catalog.problems.map(({ file, line }) => `${file.split('/').at(-1)} ${line > 0}`)
    expect(new Set(told)).to.deep.equal(new Set(['framework.yaml true', 'torn.yaml true', 'twice.yaml true', 'typo.yaml true']))
    const evaluation = evaluate(catalog, await buildEstate(estateRows({ users: [] })), asOf)
    expect(evaluation.outcomes.map(({ control }) => control.id)).to.include.members(['T-9', 'IDC-USER-001'])
  })

  it('stops when a folder cannot be read', () => {
    expect(() => loadCatalog({ ownFolders: ['/nowhere'] }))
      .to.throw(ControlsError, 'the folder of controls /nowhere cannot be read')
      .with.property('code', 'CATALOG_UNREADABLE')
  })
})
