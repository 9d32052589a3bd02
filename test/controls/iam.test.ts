import { expect } from 'chai'
import { buildEstate, evaluate, loadCatalog } from '../../src/controls/index.ts'
import type { ControlOutcome, DatasetSummary, Facts, Gap, StoredResource } from '../../src/model.ts'
import { asOf, estateRows, gap, streamed } from './estate-rows.ts'

const names = [
  'users',
  'user_details',
  'group_details',
  'managed_policies',
  'access_keys',
  'credential_reports',
  'account_summaries',
]
const other = [
  'access_keys_last_used',
  'virtual_mfa_devices',
  'password_policies',
  'role_details',
  'roles',
  'mfa_devices',
  'login_profiles',
]
const place = (accountId: string) => ({ accountId, region: 'us-east-1' })

function row(accountId: string, dataset: string, key: string, facts: Facts): StoredResource {
  const seen = { firstSeenAt: asOf, seenFromTheStart: true, since: asOf, earlier: [] }
  return { dataset: `iam.${dataset}`, place: place(accountId), parent: '', key, facts, digest: '', salt: null, ...seen }
}

/** One user with a password and no MFA in an account. */
function account(id: string): readonly StoredResource[] {
  const arn = `arn:aws:iam::${id}:user/ann`
  return [
    row(id, 'users', arn, { UserName: 'ann', Arn: arn, CreateDate: '2025-01-01T00:00:00Z' }),
    row(id, 'user_details', arn, { UserName: 'ann', Arn: arn }),
    row(id, 'credential_reports', arn, { arn, user: 'ann', password_enabled: 'true', mfa_active: 'false' }),
    row(id, 'account_summaries', id, { AccountAccessKeysPresent: 0, AccountSigningCertificatesPresent: 0, AccountMFAEnabled: 1 }),
  ]
}

async function judged(read: readonly string[], refused: readonly string[]): Promise<ReadonlyMap<string, ControlOutcome>> {
  const rows = read.flatMap(account)
  const plain = estateRows({})
  const [source] = plain.sources
  const accounts = [...read, ...refused]
  const summaries = accounts.flatMap(id =>
    [...names, ...other].map(
      (name): DatasetSummary => ({
        ...source!.snapshot.datasets[0]!,
        name: `iam.${name}`,
        place: place(id),
        coverage: refused.includes(id) ? 'denied' : 'complete',
      }),
    ),
  )
  const gaps = refused.flatMap(id =>
    names.map((name): Gap => ({ ...gap(`iam.${name}`), place: place(id), action: 'iam:Refused' })),
  )
  const snapshot = { ...source!.snapshot, datasets: [...source!.snapshot.datasets, ...summaries], gaps }
  const catalog = loadCatalog()
  const estate = await buildEstate({ ...plain, sources: [{ snapshot, resources: streamed(rows) }] })
  return new Map(evaluate(catalog, estate, asOf).outcomes.map(outcome => [outcome.control.id, outcome]))
}

describe('IAM of the accounts', () => {
  it('is judged in one account whatever another refuses', async () => {
    const alone = await judged(['111122223333'], [])
    const beside = await judged(['111122223333'], ['444455556666'])
    expect(alone.get('IAM-USR-002')).to.include({ population: 1, fail: 1, unknown: 0, populationIsLowerBound: false })
    expect(beside.get('IAM-USR-002')).to.include({ population: 2, fail: 1, unknown: 1, populationIsLowerBound: true })
    const unknown = beside.get('IAM-USR-002')!.results.find(result => result.status === 'unknown')!
    expect(unknown.reason).to.contain('iam:Refused was refused in account 444455556666')
  })

  it('counts an account that refuses as one that is not known, not as one less', async () => {
    const outcomes = await judged(['111122223333'], ['444455556666'])
    expect(outcomes.get('IAM-ROOT-001')).to.include({ population: 2, pass: 1, unknown: 1 })
  })

  it('is one unknown for each population while it is not collected', async () => {
    const outcomes = await judged([], [])
    const iam = [...outcomes.values()].filter(({ control }) => control.id.startsWith('IAM-'))
    expect(iam.length).to.equal(14)
    for (const outcome of iam) {
      expect(outcome.pass + outcome.fail, outcome.control.id).to.equal(0)
      expect(outcome.unknown, outcome.control.id).to.be.oneOf([1, 2])
      expect(outcome.results[0]!.reason).to.contain('set `iam.roleName` of the source')
    }
  })

  it('has no admin among users whose policies are all read and small', async () => {
    const outcomes = await judged(['111122223333'], [])
    expect(outcomes.get('IAM-POL-002')).to.include({ pass: 1, fail: 0, unknown: 0 })
    expect(outcomes.get('IAM-POL-003')).to.include({ pass: 1, fail: 0, unknown: 0 })
  })
})
