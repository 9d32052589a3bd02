import {
  GenerateCredentialReportCommand,
  GetAccountPasswordPolicyCommand,
  GetAccountSummaryCommand,
  GetCredentialReportCommand,
  ListRolesCommand,
  ListVirtualMFADevicesCommand,
} from '@aws-sdk/client-iam'
import type { Facts } from '../../model.ts'
import { callsPer, type Dataset, operationsOf, rowOf, rowsOf, text } from '../dataset.ts'
import { withSets } from '../sets.ts'
import type { Trouble } from '../trouble.ts'
import { credentialRows } from './iam-credential-report.ts'
import { withDocument } from './iam-document.ts'

const operation = operationsOf('iam')
const pageSize = 1000
/** A report is made in seconds; ten minutes of waiting are too many. */
const mostPolls = 130

const generateReport = operation('GenerateCredentialReport', GenerateCredentialReportCommand)
const getReport = operation('GetCredentialReport', GetCredentialReportCommand)

/** First, since AWS takes its time to make one. It is up to four hours old: GeneratedTime says. */
const credentialReports: Dataset = {
  name: 'iam.credential_reports',
  operation: getReport,
  parents: 'none',
  pageSize: null,
  input: () => ({}),
  inquiry: {
    operations: [generateReport],
    async answer(ask, _parent, pause) {
      let last: Trouble | null = null
      for (let poll = 0; poll < mostPolls; poll++) {
        if (poll > 0) await pause(Math.min(5000, 125 * 2 ** poll))
        const made = await ask(generateReport, {})
        if ('trouble' in made) {
          if (!isBusy(made.trouble)) return made
          last = made.trouble
          continue
        }
        if (made.answer.State !== 'COMPLETE') continue
        const said = await ask(getReport, {})
        if ('answer' in said || !isBusy(said.trouble)) return said
        last = said.trouble
      }
      return last === null ? { answer: {} } : { trouble: last }
    },
  },
  rows: credentialRows,
  calls(rows) {
    const accounts = rows('iam.account_summaries')
    return accounts === null ? null : 3 * accounts
  },
}

/** Counts of everything, and what the root user has. */
const accountSummaries: Dataset = {
  name: 'iam.account_summaries',
  operation: operation('GetAccountSummary', GetAccountSummaryCommand),
  parents: 'none',
  pageSize: null,
  input: () => ({}),
  rows: (answer, _parent, { accountId }) => rowOf(answer.SummaryMap, accountId),
  calls: rows => rows('iam.account_summaries'),
}

const passwordPolicies: Dataset = {
  name: 'iam.password_policies',
  operation: operation('GetAccountPasswordPolicy', GetAccountPasswordPolicyCommand),
  parents: 'none',
  pageSize: null,
  input: () => ({}),
  rows: (answer, _parent, { accountId }) => rowOf(answer.PasswordPolicy, accountId),
  calls: rows => rows('iam.account_summaries'),
  isNone: trouble => trouble.kind === 'not_found',
}

const roles: Dataset = {
  name: 'iam.roles',
  isPopulation: 'per_account',
  operation: operation('ListRoles', ListRolesCommand),
  parents: 'none',
  pageSize,
  input: () => ({}),
  rows: answer =>
    rowsOf(
      answer.Roles,
      role => text(role, 'Arn'),
      role => withDocument((role ?? {}) as Facts, 'AssumeRolePolicyDocument'),
    ),
  calls: rows => callsPer(rows('iam.account_summaries'), rows('iam.roles'), pageSize),
}

const virtualMfaDevices: Dataset = {
  name: 'iam.virtual_mfa_devices',
  isPopulation: 'per_account',
  operation: operation('ListVirtualMFADevices', ListVirtualMFADevicesCommand),
  parents: 'none',
  pageSize,
  input: () => ({}),
  rows: answer => rowsOf(answer.VirtualMFADevices, device => text(device, 'SerialNumber')),
  calls: rows => callsPer(rows('iam.account_summaries'), rows('iam.virtual_mfa_devices'), pageSize),
  secret: ['Base32StringSeed', 'QRCodePNG'],
}

/** What there is once per account. */
export const accountDatasets: readonly Dataset[] = [
  credentialReports,
  accountSummaries,
  passwordPolicies,
  roles,
  withSets(virtualMfaDevices, 'Tags'),
]

/** Not made yet, being made, too old, or asked for too often: all pass with time. */
function isBusy({ code }: Trouble): boolean {
  return /^(LimitExceeded|(CredentialReport|Report)(NotPresent|Expired|NotReady|InProgress))(Exception)?$/.test(code)
}
