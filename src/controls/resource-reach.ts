import { covers } from './wildcards.ts'

/** What comes before a name in ARNs of services that say who may do what; elsewhere a name may stand alone or behind any type. */
const typesOf: { readonly [service: string]: readonly string[] } = {
  iam: ['policy/', 'role/', 'user/', 'group/', 'instance-profile/', 'saml-provider/', 'oidc-provider/', 'mfa/'],
  sso: ['permissionset/', 'instance/', 'account/'],
  identitystore: ['identitystore/', 'user/', 'group/', 'membership/'],
}
const anyTypes = ['', 'zq/']
const partitions = ['aws', 'aws-us-gov', 'aws-cn']
/** two that have no letter in common: a pattern that matches both asks nothing of a name */
const names = ['zqzqzqzqzqzqzqzqzqzqzqzq', '7373737373737373737373737373']
/** no pattern of more is matched by an ARN with one of these names */
const longest = 200

/** Whether a pattern of ARNs, of an Allow, reaches whatever there is of some type of a service, at least in one account and Region. */
export function isBroad(written: string, service: string): boolean {
  const pattern = readable(written)
  const own = /:([a-z-]+[:/])[*?:/]*$/.exec(pattern)?.[1]
  const types = [...(typesOf[service] ?? anyTypes), ...(own === undefined ? [] : [own])]
  return types.some(type => reaches(pattern, service, type))
}

/** The same of all types of the service. */
export function isWhole(written: string, service: string): boolean {
  return (typesOf[service] ?? anyTypes).every(type => reaches(readable(written), service, type))
}

/** In lower case, without what says nothing more: the account of whoever asks is as good as any. */
function readable(pattern: string): string {
  return pattern
    .toLowerCase()
    .replace(/\$\{aws:principalaccount\}/g, '*')
    .replace(/\*+/g, '*')
}

/** Tried by samples, since AWS's `*` goes beyond colons and slashes: `arn:aws:iam::*` is all of IAM. */
function reaches(pattern: string, service: string, type: string): boolean {
  if (!/[*?]$/.test(pattern) || pattern.length > longest) return false
  const [, partition = '', , region = '', account = ''] = pattern.split(':')
  const inPartitions = new Set([...partitions, ...(/^aws-[a-z0-9-]+$/.test(partition) ? [partition] : [])])
  const regions = new Set(['', 'zq-zq-7', ...(/^[a-z0-9*?-]+$/.test(region) ? [filled(region, 'q')] : [])])
  const accounts = new Set(['', '737373737373', ...(/^[0-9*?]+$/.test(account) ? [filled(account, '7')] : [])])
  return [...inPartitions].some(inPartition =>
    [...regions].some(inRegion =>
      [...accounts].some(ofAccount =>
        names.every(name => covers(pattern, `arn:${inPartition}:${service}:${inRegion}:${ofAccount}:${type}${name}`)),
      ),
    ),
  )
}

/** A text that a pattern stands for. */
function filled(pattern: string, letter: string): string {
  return pattern.replace(/[*?]/g, letter)
}
