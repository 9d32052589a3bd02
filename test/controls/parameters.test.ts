import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { buildEstate, evaluate, explainStatus, loadCatalog } from '../../src/controls/index.ts'
import type { Gap, ParameterOverride, ParameterValues } from '../../src/model.ts'
import { asOf, estateRows, folderOf, type SmallEstate } from './estate-rows.ts'

/** Passes where the limit is at least 4: which value is in force shows in the status and the reason. */
const control = JSON.stringify({
  ...{ id: 'T-1', version: '1.0.0', title: 'a test', severity: 'low', resource: 'accountAssignment' },
  datasets: ['sso.account_assignments'],
  parameters: {
    limit: { type: 'number', default: 1, description: 'a number' },
    other: { type: 'text', default: 'x', description: 'a text' },
  },
  requirement: "parameters.limit >= 4.0 && parameters.other != ''",
  message: "'limit ' + string(parameters.limit) + ' ' + parameters.other",
  ...{ rationale: 'why', remediation: 'how', cases: [] },
})
/** A framework is told by a line that begins with `requirements:`. */
const framework = (id: string, profile?: object) =>
  Object.entries({
    ...{ id, name: id, version: '1', publisher: 'p', licence: 'l', source: 's' },
    ...(profile === undefined ? {} : { profile }),
    requirements: [{ id: 'r', label: 'l', public: ['T-1'] }],
  })
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`)
    .join('')

const account = (Id: string) => ({ Id, Name: `a${Id[0]}`, State: 'ACTIVE', Paths: [`o-1/r-1/${Id}/`] })
const tag = (id: string, key: string, value: string) => ({
  ...{ dataset: 'organizations.tags', key: `${id}|${key}`, facts: { Key: key, Value: value } },
})
const [prod, test] = ['111111111111', '222222222222']
const estate: SmallEstate = {
  users: [{ UserId: 'u1', UserName: 'ann', UserStatus: 'ENABLED' }],
  sets: [{ arn: 'ps1', name: 'Reader' }],
  accounts: [account(prod!), account(test!)],
  assignments: [
    [prod!, 'ps1', 'USER', 'u1'],
    [test!, 'ps1', 'USER', 'u1'],
  ],
  rows: [tag(prod!, 'environment', 'prod'), tag(test!, 'environment', 'test')],
}

type Some = Partial<ParameterOverride> & { readonly limit?: number; readonly parameters?: ParameterOverride['parameters'] }
const override = ({ limit = 0, ...given }: Some): ParameterOverride => ({
  ...{ source: null, tag: null, profile: null, parameters: { 'T-1': { limit } } },
  ...given,
})

/** As T-1, with a limit that is that of T-1 while it has none of its own. */
const sharing = (changes: object = {}) => {
  const { parameters, ...rest } = JSON.parse(control)
  const limit = { ...parameters.limit, sameAs: 'T-1.limit', ...changes }
  return JSON.stringify({ ...rest, id: 'T-2', parameters: { ...parameters, limit } })
}

function catalogWith(
  overrides: readonly Some[],
  more: { profile?: string; parameters?: { [id: string]: ParameterValues } } = {},
) {
  using folder = folderOf({
    't.yaml': control,
    'f.yaml': framework('strict', { 'T-1': { limit: 2 } }),
    'g.yaml': framework('other'),
  })
  return loadCatalog({ folders: [folder.path], overrides: overrides.map(override), profile: null, ...more })
}

/** What each assignment is judged to be: its reason, which names the limit in force, or its status. */
async function judged(overrides: readonly Some[], more: Parameters<typeof catalogWith>[1] = {}, changes: SmallEstate = {}) {
  const catalog = catalogWith(overrides, more)
  expect(catalog.problems).to.deep.equal([])
  const [outcome] = evaluate(catalog, await buildEstate(estateRows({ ...estate, ...changes })), asOf).outcomes
  const said = new Map(
    outcome!.results.map(({ subject, status, reason }) => [subject.key.slice(0, 12), status === 'fail' ? reason : status]),
  )
  return { prod: said.get(prod!) ?? outcome!.implied, test: said.get(test!) ?? outcome!.implied, outcome: outcome!, catalog }
}

describe('parameters', () => {
  it('come from the default, the profile of the framework, the general ones, the profile in force, the source, the tag: the last wins', async () => {
    const general = { parameters: { 'T-1': { limit: 3 } } }
    const steps: (readonly [Some[], Parameters<typeof catalogWith>[1], string])[] = [
      [[], {}, 'limit 1 x'],
      [[], { profile: 'strict' }, 'limit 2 x'],
      [[], { ...general, profile: 'strict' }, 'limit 3 x'],
      [[{ profile: 'strict', limit: 2.5 }], { ...general, profile: 'strict' }, 'limit 2.5 x'],
      [[{ profile: 'other', limit: 2.5 }], { ...general, profile: 'strict' }, 'limit 3 x'],
      [
        [
          { source: 'acme', limit: 0.5 },
          { profile: 'strict', limit: 2.5 },
        ],
        { ...general, profile: 'strict' },
        'limit 0.5 x',
      ],
      [[{ source: 'globex', limit: 0.5 }], general, 'limit 3 x'],
      [
        [
          { tag: { environment: 'prod' }, limit: 0.25 },
          { source: 'acme', limit: 0.5 },
        ],
        general,
        'limit 0.25 x',
      ],
      [
        [
          { tag: { environment: 'prod' }, limit: 0.25 },
          { tag: { environment: 'prod' }, limit: 0.75 },
        ],
        general,
        'limit 0.75 x',
      ],
      [[{ tag: { environment: 'prod' }, source: 'globex', limit: 0.25 }], general, 'limit 3 x'],
    ]
    for (const [overrides, more, expected] of steps)
      expect((await judged(overrides, more)).prod, JSON.stringify([overrides, more])).to.equal(expected)
  })

  it('of a tag hold for the accounts that have it and for no other, beside what they do not name', async () => {
    const found = await judged([
      { source: 'acme', parameters: { 'T-1': { other: 'y' } } },
      { tag: { environment: 'prod' }, limit: 5 },
    ])
    expect(found).to.include({ prod: 'pass', test: 'limit 1 y' })
    expect(found.outcome.control.parameters).to.deep.equal({ limit: 1, other: 'y' })
    expect(found.outcome.control.parametersByTag).to.deep.equal([{ tag: { environment: 'prod' }, parameters: { limit: 5 } }])
    const both = await judged([{ tag: { environment: 'prod', tier: '1' }, limit: 5 }])
    expect(both.prod, 'all tags are asked for').to.equal('limit 1 x')
    const explained = explainStatus(found.catalog, await buildEstate(estateRows(estate)), asOf, 'T-1', `${prod}|ps1|USER|u1`)
    expect(explained[0]!.parts.find(({ text }) => text === 'parameters.limit')?.value).to.equal('5')
  })

  it('of a tag reach the limit of admins of IDC-ASG-003, which its reasons name and its outcome shows', async () => {
    const byTag = { environment: 'prod' }
    const packaged = loadCatalog({
      overrides: [override({ tag: byTag, parameters: { 'IDC-ASG-003': { maxAdminsPerAccount: 1 } } })],
    })
    const catalog = { ...packaged, compiled: packaged.compiled.filter(({ info }) => info.id === 'IDC-ASG-003') }
    const admins: SmallEstate = {
      users: ['u1', 'u2'].map(id => ({ UserId: id, UserName: id, UserStatus: 'ENABLED', ExternalIds: [] })),
      sets: [{ arn: 'ps1', name: 'Admin', managed: ['AdministratorAccess'] }],
      managementAccountId: '333333333333',
      assignments: [prod!, test!].flatMap(id => ['u1', 'u2'].map(user => [id, 'ps1', 'USER', user] as const)),
    }
    const outcomes = async (changes: SmallEstate) =>
      evaluate(catalog, await buildEstate(estateRows({ ...estate, ...admins, ...changes })), asOf).outcomes
    const [outcome] = await outcomes({})
    expect(outcome!.results.map(({ subject, status, reason }) => [subject.key, status, reason])).to.deep.equal([
      [prod!, 'fail', 'a1 has 2 admins (at most 1)'],
    ])
    expect(outcome).to.deep.include({ implied: 'pass', pass: 1, fail: 1 })
    expect(outcome!.control.parameters).to.include({ maxAdminsPerAccount: 5 })
    expect(outcome!.control.parametersByTag).to.deep.equal([{ tag: byTag, parameters: { maxAdminsPerAccount: 1 } }])
    const [few] = await outcomes({ assignments: admins.assignments!.slice(1) })
    expect(few).to.deep.include({ pass: 2, fail: 0 })
  })

  it('of a tag that could not be read leave unknown what they decide, and nothing else', async () => {
    const gap: Partial<Gap> = { dataset: 'organizations.tags', parent: prod!, action: 'organizations:ListTagsForResource' }
    const refused: SmallEstate = { rows: [], gaps: [gap], coverage: { 'organizations.tags': 'incomplete' } }
    const decisive = await judged([{ tag: { environment: 'prod' }, limit: 5 }], {}, refused)
    expect(decisive).to.include({ prod: 'unknown', test: 'limit 1 x' })
    const [result] = decisive.outcome.results.filter(({ status }) => status === 'unknown')
    expect(result!.reason).to.match(/organizations:ListTagsForResource was refused/)
    const idle = await judged([{ tag: { environment: 'prod' }, limit: 3 }], {}, refused)
    expect(idle.prod, 'it fails with either').to.equal('limit 1 x')
  })

  it('stand in the digest of each outcome, so that a change of them shows', async () => {
    const digests = new Set<string>()
    for (const overrides of [
      [],
      [{ source: 'acme', limit: 2 }],
      [{ tag: { a: 'b' }, limit: 2 }],
      [{ tag: { a: 'c' }, limit: 2 }],
    ])
      digests.add((await judged(overrides)).outcome.parametersDigest)
    expect(digests.size).to.equal(4)
    expect((await judged([{ source: 'globex', limit: 2 }])).outcome.parametersDigest).to.equal(
      (await judged([])).outcome.parametersDigest,
    )
  })

  it('that are the same as those of another control take its value while they have none of their own, wherever it is given', async () => {
    const limits = async (overrides: readonly Some[], own: { [id: string]: ParameterValues } = {}, file = sharing()) => {
      using folder = folderOf({ 't.yaml': control, 'u.yaml': file, 'f.yaml': framework('strict', { 'T-1': { limit: 2 } }) })
      const profile = Object.keys(own).length === 0 ? 'strict' : null
      const catalog = loadCatalog({ folders: [folder.path], overrides: overrides.map(override), profile, parameters: own })
      expect(catalog.problems).to.deep.equal([])
      const { outcomes } = evaluate(catalog, await buildEstate(estateRows(estate)), asOf)
      return outcomes.map(({ results }) => results.find(({ subject }) => subject.key.startsWith(prod!))?.reason ?? 'pass')
    }
    expect(await limits([])).to.deep.equal(['limit 2 x', 'limit 2 x'])
    expect(await limits([], { 'T-1': { limit: 3 } })).to.deep.equal(['limit 3 x', 'limit 3 x'])
    expect(await limits([], { 'T-1': { limit: 3 }, 'T-2': { limit: 1 } })).to.deep.equal(['limit 3 x', 'limit 1 x'])
    expect(await limits([{ source: 'acme', limit: 2.5 }])).to.deep.equal(['limit 2.5 x', 'limit 2.5 x'])
    expect(await limits([{ tag: { environment: 'prod' }, limit: 5 }], { 'T-2': { limit: 1 } })).to.deep.equal([
      'pass',
      'limit 1 x',
    ])
  })

  it('that have a value of their own anywhere take none of another control, whatever outranks what', () => {
    const own = { parameters: { 'T-2': { limit: 1 } } }
    const pairs: (readonly [Some[], number, number])[] = [
      [[own, { source: 'acme', limit: 5 }], 1, 0],
      [
        [
          { ...own, source: 'acme' },
          { source: 'acme', limit: 5 },
        ],
        1,
        1,
      ],
      [[own, { limit: 5 }], 1, 0],
      [
        [
          { tag: { environment: 'prod' }, limit: 5 },
          { ...own, source: 'acme' },
        ],
        1,
        1,
      ],
      [[{ ...own, profile: 'other' }, { limit: 5 }], 1, 0],
    ]
    for (const [overrides, limit, count] of pairs) {
      using folder = folderOf({ 't.yaml': control, 'u.yaml': sharing(), 'f.yaml': framework('other') })
      const { compiled, problems } = loadCatalog({ folders: [folder.path], overrides: overrides.map(override) })
      expect(problems).to.deep.equal([])
      const found = compiled.find(({ info }) => info.id === 'T-2')!
      expect(found.info.parameters, JSON.stringify(overrides)).to.include({ limit })
      const values = found.overrides.map(({ parameters }) => parameters)
      expect(values, JSON.stringify(overrides)).to.deep.equal(Array(count).fill({ limit: 1 }))
    }
  })

  it('of a control that does not run are shared by the others, and nothing is told of it twice', () => {
    const wrong = { 'T-2': { other: 5 } }
    const shared: Some = { source: 'acme', limit: 5 }
    using folder = folderOf({ 't.yaml': control, 'u.yaml': sharing() })
    const places = (parameters: { [id: string]: ParameterValues }, overrides: readonly Some[]) =>
      loadCatalog({ folders: [folder.path], parameters, overrides: overrides.map(override) }).problems.map(({ path }) => path)
    expect(places(wrong as never, [shared])).to.deep.equal(['controls.parameters.T-2.other'])
    expect(places({}, [{ parameters: wrong as never }, shared])).to.deep.equal(['controls.overrides[0].parameters.T-2.other'])
  })

  it('that are the same as what there is not are told with their line and what was meant, and their control does not run on its default', () => {
    const wrong: (readonly [object, string, string | null])[] = [
      [{ sameAs: 'T-11.limit' }, 'no control T-11', 'did you mean T-1.limit?'],
      [{ sameAs: 'IDC-USER-006.limit' }, 'no control IDC-USER-006', 'see `evidenced controls list`'],
      [{ sameAs: 'T-1.limt' }, 'control T-1 has no parameter limt', 'did you mean T-1.limit?'],
      [{ sameAs: 'T-1.other' }, 'type and default must be those of T-1.other', null],
      [{ default: 2 }, 'type and default must be those of T-1.limit', null],
      [{ sameAs: 'T-2.limit' }, 'T-2.limit is the same as T-2.limit itself: name that', null],
    ]
    for (const [changes, message, hint] of wrong) {
      const mapped = framework('f').replace('"T-1"', '"T-2"')
      using folder = folderOf({ 't.yaml': control, 'u.yaml': sharing(changes), 'f.yaml': mapped })
      const { problems, controls } = loadCatalog({ folders: [folder.path] })
      expect(problems.map(each => [each.path, each.message, each.hint])).to.deep.equal([
        ['parameters.limit.sameAs', `${message}; T-2 does not run`, hint],
        ['requirements[0]', 'no control T-2: requirement r is unknown until it is there', problems[1]!.hint],
      ])
      expect(problems[0]!.line).to.be.above(0)
      expect(controls.map(({ id }) => id)).to.deep.equal(['T-1'])
      const own = loadCatalog({ folders: [folder.path], parameters: { 'T-2': { limit: 3 } } })
      expect(own.problems.map(each => each.message)).to.deep.equal([message])
      expect(own.controls[1]!.parameters, 'it rests on no default').to.include({ limit: 3 })
    }
  })

  it('exempt break-glass users that are named once where the documentation says so, and nowhere else', () => {
    const { compiled, problems } = loadCatalog({ parameters: { 'IDC-USER-006': { breakGlassUsers: ['bg'] } } })
    expect(problems).to.deep.equal([])
    const exempting = compiled.filter(
      ({ info }) => info.id !== 'IDC-USER-006' && Object.values(info.parameters).some(each => [each].flat().includes('bg')),
    )
    for (const { info } of exempting) expect(info.version, `${info.id} judges otherwise than 1.0.0`).to.not.equal('1.0.0')
    for (const file of ['docs/controls.md', 'CHANGELOG.md']) {
      const said = /^(?:- )?Break-glass users (?:that are )?named in `IDC-USER-006` (.+?)(?:\.$|unless)/ms.exec(
        readFileSync(file, 'utf8'),
      )![1]!
      expect(said.match(/[A-Z]+(-[A-Z]+)?-\d+/g)!.sort(), file).to.deep.equal(exempting.map(({ info }) => info.id))
    }
  })

  it('that were renamed are told with the new name, and their control has a new major version', () => {
    const renamed = [
      ['EVD-004', 'maxChangeRatio', 0.1, 'maxDeltaRatio'],
      ['IDC-PS-010', 'allowedRelayAddresses', ['x'], 'allowedRelayHosts'],
    ] as const
    for (const [id, old, value, name] of renamed) {
      expect(loadCatalog().controls.find(each => each.id === id)!.version).to.match(/^2\.\d+\.\d+$/)
      const { problems, controls } = loadCatalog({ parameters: { [id]: { [old]: value } } })
      expect(problems).to.have.length(1)
      expect(problems[0]).to.include({ path: `controls.parameters.${id}.${old}` })
      expect(problems[0]!.hint).to.contain(name)
      expect(controls.some(each => each.id === id)).to.equal(false)
      expect(readFileSync('CHANGELOG.md', 'utf8')).to.contain(`\`${old}\``)
    }
  })

  it('that could mean nothing are refused: a word that is none, capitals where there are none, per cent for a share', () => {
    const wrong: (readonly [string, string, string | number | readonly string[], string])[] = [
      ['SOD-001', 'scope', 'Organization', 'must be account, organization, found "Organization"'],
      ['IDC-USER-002', 'identitySource', 'External', 'must be auto, external, directory'],
      ['IAM-PWD-001', 'requiredClasses', ['upper', 'digit'], 'must be of upper, lower, number, symbol, found "digit"'],
      ['CHG-005', 'policyTypes', ['SCP'], 'must be of SERVICE_CONTROL_POLICY'],
      ['HR-001', 'terminatedStatuses', ['Terminated'], 'must match'],
      ['HR-004', 'terminatedStatuses', ['Terminated'], 'must match'],
      ['HR-005', 'contractorStatuses', ['Vendor'], 'must match'],
      ['SOD-002', 'protectedAccounts', ['1111-2222-3333'], 'must match'],
      ['EVD-004', 'maxDeltaRatio', 30, 'must be at most 1, found 30'],
      ['IDC-APP-002', 'everyoneRatio', 90, 'must be at most 1, found 90'],
    ]
    const given: { [id: string]: { [name: string]: string | number | readonly string[] } } = {}
    for (const [id, name, value] of wrong) given[id] = { [name]: value }
    const { problems, controls } = loadCatalog({ parameters: given })
    for (const [id, name, , said] of wrong) {
      expect(problems.find(({ path }) => path === `controls.parameters.${id}.${name}`)?.message).to.contain(said)
      expect(controls.some(each => each.id === id)).to.equal(false)
    }
    expect(problems).to.have.length(wrong.length)
  })

  it('that are wrong are told with their place, in force or not, and their control does not run', () => {
    const wrong: (readonly [Some, string, RegExp])[] = [
      [
        { source: 'globex', parameters: { 'T-1': { limit: 'five' } } },
        'controls.overrides[0].parameters.T-1.limit',
        /must be a number, found "five"/,
      ],
      [
        { profile: 'other', parameters: { 'T-1': { limt: 5 } } },
        'controls.overrides[0].parameters.T-1.limt',
        /no parameter limt/,
      ],
      [{ tag: { a: 'b' }, parameters: { 'T-2': { limit: 5 } } }, 'controls.overrides[0].parameters.T-2', /no control T-2/],
      [{ profile: 'strickt', limit: 5 }, 'controls.overrides[0].profile', /no framework strickt/],
    ]
    for (const [given, path, message] of wrong) {
      const { problems, compiled } = catalogWith([given])
      expect(problems.filter(({ file }) => file === 'config').map(each => [each.path, message.test(each.message)])).to.deep.equal(
        [[path, true]],
      )
      if (path.includes('T-1.')) expect(compiled).to.deep.equal([])
    }
  })
})
