import type { Coverage, Gap, Place } from '../model.ts'
import { actionOf, type Dataset, type Operation } from './dataset.ts'
import type { Trouble } from './trouble.ts'

/** Why a part, or everything below it, is not known. */
export interface Cause {
  readonly coverage: Coverage
  readonly gap: Gap
}

/** The gap of a part that ended in trouble. `operation` is the one that was refused, when it is not the dataset's own. */
export function causeOf(
  trouble: Trouble,
  dataset: Dataset,
  place: Place,
  parent: string,
  operation: Operation = dataset.operation,
): Cause {
  const action = actionOf(operation)
  const isKeyDenied = trouble.kind === 'encryption_key' && trouble.code.startsWith('AccessDenied')
  const said = trouble.message === '' || trouble.message === 'UnknownError' ? trouble.code : `${trouble.code}: ${trouble.message}`
  return {
    coverage:
      trouble.kind === 'denied' || isKeyDenied ? 'denied' : trouble.kind === 'unsupported' ? 'not_collectable' : 'incomplete',
    gap: {
      dataset: dataset.name,
      place,
      parent,
      key: null,
      member: null,
      reason: trouble.reason,
      action: trouble.kind === 'denied' ? action : isKeyDenied ? 'kms:Decrypt' : null,
      errorCode: trouble.code,
      message: `${action} was asked, the answer was ${ended(said)} ${capitalised(wayOut(trouble, action))}.`,
    },
  }
}

/** A gap that is no error of AWS. */
export function ownCause(
  coverage: Coverage,
  reason: Gap['reason'],
  dataset: Dataset,
  place: Place,
  parent: string,
  errorCode: string | null,
  message: string,
): Cause {
  return {
    coverage,
    gap: { dataset: dataset.name, place, parent, key: null, member: null, reason, action: null, errorCode, message },
  }
}

/** One gap per member that is held back on purpose, for the whole dataset. */
export function withheldGaps(dataset: Dataset, place: Place): readonly Gap[] {
  return (dataset.personal ?? []).map(member => ({
    dataset: dataset.name,
    place,
    parent: '',
    key: null,
    member,
    reason: 'withheld' as const,
    action: null,
    errorCode: null,
    message: `${member} is personal data that no control needs. It is not kept unless the source says includePersonalData: true.`,
  }))
}

/** What to do about trouble, as a sentence in the imperative. */
export function wayOut(trouble: Trouble, action: string): string {
  switch (trouble.kind) {
    case 'denied':
      return deniedWayOut(trouble, action)
    case 'throttled':
      return 'somebody else uses the request rate of this organization: collect at another hour, or ask AWS support to raise it'
    case 'encryption_key':
      return trouble.code.startsWith('AccessDenied')
        ? 'allow kms:Decrypt to the role, in its policy and in the policy of the key that encrypts IAM Identity Center'
        : 'look at the key that encrypts IAM Identity Center: it is disabled, pending deletion or gone'
    case 'session_expired':
    case 'credentials':
      return 'check that the role can still be assumed, and collect again'
    case 'not_found':
      return trouble.resourceType === 'IDENTITY_STORE'
        ? 'the identity store is not in this Region, or belongs to another organization: `evidenced doctor` names the one of the instance'
        : 'collect again, and report it if it stays'
    case 'unsupported':
      return 'this partition or Region does not offer the operation'
    case 'transient':
    case 'conflict':
      return 'collect again'
    default:
      return 'collect again, and report it if it stays'
  }
}

function deniedWayOut(trouble: Trouble, action: string): string {
  if (/service control policy/i.test(trouble.message)) return `a service control policy denies ${action}: exempt the role`
  if (/permissions boundary/i.test(trouble.message)) return `the permissions boundary of the role denies ${action}`
  if (/session polic/i.test(trouble.message)) return `a session policy of the role's own session denies ${action}`
  if (/resource control policy/i.test(trouble.message)) return `a resource control policy denies ${action}: exempt the role`
  if (/VPC endpoint/i.test(trouble.message)) return `the policy of the VPC endpoint denies ${action}`
  // an identity store can refuse whoever comes from another network than it names: no policy has to do with it, so AWS names none
  const network =
    action.startsWith('identitystore:') && !/because no .* polic/i.test(trouble.message)
      ? '; where policies allow it already, look at the network that the identity store demands (NetworkConfiguration of identitystore:DescribeIdentityStore), and let the address or VPC endpoint of this process through'
      : ''
  const isFixedText = /don't have permissions to access this resource/i.test(trouble.message)
  const elsewhere = ', and use a role in the management account or in the delegated administrator'
  return `allow ${action} to the role${isFixedText || !trouble.message.includes(':') ? elsewhere : ''}${network}`
}

function ended(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
