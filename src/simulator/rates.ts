import { WireError } from './call.ts'

/** Token buckets by budget key: a service (`sso`, `identitystore`, `iam`, `sts`) or one operation of Organizations (`organizations.ListAccounts`). */
export interface Rates {
  readonly [budget: string]: { readonly perSecond: number; readonly burst: number }
}

/**
 * What AWS documents: 20 calls a second for all of Identity Center and of Identity Store, per operation for Organizations (the lower of
 * the account's and the organization's bucket), 600 for STS. IAM documents nothing; 20 is in the middle of what collectors in use assume.
 * @see https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html
 * @see https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
 */
export const documentedRates: Rates = {
  sso: { perSecond: 20, burst: 20 },
  identitystore: { perSecond: 20, burst: 20 },
  iam: { perSecond: 20, burst: 40 },
  sts: { perSecond: 600, burst: 600 },
  'organizations.ListAccounts': { perSecond: 8, burst: 12 },
  'organizations.DescribeAccount': { perSecond: 20, burst: 30 },
  'organizations.ListParents': { perSecond: 5, burst: 8 },
  'organizations.ListAccountsForParent': { perSecond: 5, burst: 8 },
  'organizations.ListOrganizationalUnitsForParent': { perSecond: 5, burst: 8 },
  'organizations.ListRoots': { perSecond: 1, burst: 2 },
  'organizations.DescribeOrganization': { perSecond: 1, burst: 2 },
  'organizations.ListTagsForResource': { perSecond: 10, burst: 15 },
  'organizations.ListPolicies': { perSecond: 5, burst: 8 },
  'organizations.ListTargetsForPolicy': { perSecond: 5, burst: 8 },
  'organizations.DescribePolicy': { perSecond: 2, burst: 2 },
  'organizations.ListDelegatedAdministrators': { perSecond: 5, burst: 8 },
  'organizations.ListDelegatedServicesForAccount': { perSecond: 1, burst: 3 },
  'organizations.ListAWSServiceAccessForOrganization': { perSecond: 1, burst: 3 },
}

/** No limits at all: for tests that are not about limits. */
export const unlimited: Rates = {}

/**
 * Counts calls against the buckets, on the real clock (a simulated one may stand still).
 * Identity Center's are one per organization; IAM's one per account; STS's one per account and Region, charged to who calls.
 */
export function limiter(
  rates: Rates,
): (call: { service: string; operation: string; accountId: string; region: string }) => boolean {
  const buckets = new Map<string, { tokens: number; at: number }>()
  return ({ service, operation, accountId, region }) => {
    const budget = service === 'organizations' ? `organizations.${operation}` : service
    const rate = rates[budget]
    if (!rate) return true
    const key = service === 'iam' ? `iam ${accountId}` : service === 'sts' ? `sts ${accountId} ${region}` : budget
    const at = performance.now()
    const bucket = buckets.get(key) ?? { tokens: rate.burst, at }
    bucket.tokens = Math.min(rate.burst, bucket.tokens + ((at - bucket.at) / 1000) * rate.perSecond)
    bucket.at = at
    buckets.set(key, bucket)
    if (bucket.tokens < 1) return false
    bucket.tokens -= 1
    return true
  }
}

/** How each service says "too fast". */
export function throttled(service: string): WireError {
  switch (service) {
    case 'organizations':
      return new WireError(
        'TooManyRequestsException',
        "AWS Organizations can't complete your request because another request is already in progress. Try again later.",
        400,
        { Type: 'RATE_LIMIT' },
      )
    case 'identitystore':
      return new WireError('ThrottlingException', 'Rate exceeded', 400, { RetryAfterSeconds: 1 })
    case 'sso':
      return new WireError('ThrottlingException', 'Rate exceeded')
    default:
      return new WireError('Throttling', 'Rate exceeded')
  }
}
