import { buildOrganization, startSimulator, unlimited } from '../../src/simulator/index.ts'

/** A simulated AWS in a process of its own, so that the collector's figures are the collector's. Prints one JSON line when it is up. */
const options = JSON.parse(process.argv[2]!)
const organization = buildOrganization(options.shape)
// pages of users alone
if (options.hasNoMemberships) organization.memberships = []
const roleArn = `arn:aws:iam::${organization.organization!.MasterAccountId}:role/EvidencedReader`
const simulator = await startSimulator({
  organization,
  rates: options.rates ?? unlimited,
  latencyMs: options.latencyMs ?? 0,
  trust: [{ roleArn, externalId: null }],
  recordCalls: false,
})

function counted<T>(rows: readonly T[], keyOf: (row: T) => string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const row of rows) counts.set(keyOf(row), (counts.get(keyOf(row)) ?? 0) + 1)
  return counts
}

const members = counted(organization.memberships, each => each.GroupId)
const assigned = counted(organization.assignments, each => `${each.AccountId}|${each.PermissionSetArn}`)
const pairs = new Set([
  ...assigned.keys(),
  ...organization.provisionedPairs.map(each => `${each.AccountId}|${each.PermissionSetArn}`),
])
const provisioned = counted([...pairs], pair => pair.split('|')[1]!)
const children = counted(organization.ous, each => organization.parents[each.Id]!)
const applied = counted(organization.applicationAssignments, each => each.ApplicationArn)

const size = {
  users: organization.users.length,
  groups: organization.groups.map(each => members.get(each.GroupId) ?? 0),
  permissionSets: organization.permissionSets.length,
  provisioned: organization.permissionSets.map(each => provisioned.get(each.PermissionSetArn) ?? 0),
  pairs: [...pairs].map(pair => assigned.get(pair) ?? 0),
  accounts: organization.accounts.length,
  units: [...organization.roots, ...organization.ous].map(each => children.get(each.Id) ?? 0),
  policies: organization.policies.length,
  applications: organization.applications.map(each => applied.get(String(each.ApplicationArn)) ?? 0),
}
process.stdout.write(`${JSON.stringify({ env: simulator.env, roleArn, size })}\n`)
process.on('message', message => {
  if (message === 'stop') void simulator.stop().then(() => process.exit(0))
})
