import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Workplace, workplace } from './program.ts'

interface Counts {
  readonly id: string
  readonly population: number
  readonly pass: number
  readonly fail: number
  readonly unknown: number
  readonly notApplicable: number
}

describe('people whom the roster knows', function () {
  this.timeout(120_000)
  let place: Workplace

  const countsOf = async (id: string): Promise<Counts> => {
    const evaluated = await place.run('evaluate', '--json')
    expect(evaluated.code, evaluated.stderr).to.be.oneOf([0, 3])
    return evaluated.json.controls.find((each: Counts) => each.id === id)
  }

  before(async () => {
    place = await workplace()
    const collected = await place.run('collect', '--json')
    expect(collected.code, collected.stderr).to.equal(0)
  })

  after(async () => {
    await place[Symbol.asyncDispose]()
  })

  it('are one unknown while no roster is imported', async () => {
    expect(await countsOf('HR-002')).to.include({ population: 1, unknown: 1, pass: 0, fail: 0 })
    const results = await place.run('results', '--control', 'HR-002')
    expect(results.stdout).to.contain('import.roster')
  })

  it('are refused with every mistake, and nothing is kept', async () => {
    writeFileSync(join(place.folder, 'wrong.csv'), 'personId,status\np1,\n,active\n')
    const refused = await place.run('import', 'roster', 'wrong.csv')
    expect(refused.code).to.equal(1)
    expect(refused.stderr).to.contain('row 2: status is missing').and.contain('row 3: personId is missing')
    expect((await place.run('import', 'list', '--json')).json.imports).to.deep.equal([])
  })

  it('are matched with the users once a roster is imported', async () => {
    const [first] = place.aws.organization.users
    writeFileSync(
      join(place.folder, 'roster.json'),
      JSON.stringify([{ personId: 'p1', status: 'active', userName: first!.UserName }]),
    )
    const imported = await place.run('import', 'roster', 'roster.json', '--json')
    expect(imported.code, imported.stderr).to.equal(0)
    expect(imported.json).to.include({ kind: 'roster', rows: 1 })

    const counts = await countsOf('HR-002')
    expect(counts.population).to.equal(place.aws.organization.users.length)
    expect(counts.unknown).to.equal(0)
    expect(counts.fail).to.be.greaterThan(0)
    const explained = await place.run('evaluate', '--explain', '--control', 'HR-002', '--subject', first!.UserId, '--json')
    expect(explained.code, explained.stderr).to.equal(0)
    const [{ parts }] = explained.json.explanations
    expect(parts.find((part: { text: string }) => part.text === 'rosteredUser.people.size()')).to.include({ value: '1' })
  })

  it('are explained only with a control and a subject', async () => {
    const wrong = await place.run('evaluate', '--explain', '--control', 'HR-002')
    expect(wrong.code).to.equal(2)
    expect(wrong.stderr).to.contain('--explain, --control and --subject go together')
  })
})

/** Controls that stand in the folder of the package, by their file names. */
function packaged(): number {
  const files = readdirSync(join(import.meta.dirname, '../../controls'), { recursive: true, encoding: 'utf8' })
  return files.filter(file => /^(?!frameworks|data).*-\d+\.yaml$/.test(file)).length
}

describe('the catalog on the command line', function () {
  this.timeout(60_000)

  it('covers 14 frameworks, and loads without a mistake', async () => {
    await using place = await workplace()
    const coverage = await place.run('frameworks', 'coverage', '--json')
    expect(coverage.json.frameworks).to.have.length(14)
    const lint = await place.run('controls', 'lint', '--json')
    expect(lint.code).to.equal(0)
    expect(lint.json).to.deep.include({ controls: packaged(), frameworks: 14, problems: [] })
    const fresh = await place.run('controls', 'new', 'OWN-001', '--resource', 'user')
    expect(fresh.stdout).to.contain('id: OWN-001')
    const mistaken = await place.run('controls', 'new', 'OWN-001', '--resource', 'usr')
    expect(mistaken.code).to.equal(2)
    expect(mistaken.stderr).to.contain('no resource type usr')
  })

  it('shows a control with what its parameters say, what is in force, and where it is mapped to', async () => {
    await using place = await workplace()
    place.configure({ more: { controls: { parameters: { 'IDC-USER-006': { breakGlassUsers: ['bg'] } } } } })
    const { stdout } = await place.run('controls', 'show', 'SOD-001')
    expect(stdout).to.match(/exemptUsers +\[bg\] +\[\] .*IDC-USER-006\.breakGlassUsers/)
    expect(stdout).to.match(/^ {2}soc2: .*CC6\.3/m)
    const { json } = await place.run('controls', 'show', 'IDC-PS-005', '--json')
    expect(json.parameterDetails[0]).to.include({ name: 'maxSessionHours', value: 8, default: 8, unit: 'hours', sameAs: null })
  })
})
