import { type Random, randomFrom } from './random.ts'

const lower = 'abcdefghijklmnopqrstuvwxyz0123456789'
const mixed = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
const keyAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const digits = '0123456789'
const hexadecimal = '0123456789abcdef'

/** Makes ids and ARNs of the patterns in AWS's service models. Two makers with the same seed make the same ids in the same order. */
export type Identifiers = ReturnType<typeof identifiers>

/** Makes identifiers of the forms that AWS gives them; the same seed and stream make the same. */
export function identifiers(seed: number, partition: string, stream = 0) {
  const random: Random = randomFrom(seed, 0x1d, stream)
  const idOf = (prefix: string, length: number) => prefix + random.text(length, keyAlphabet)
  return {
    random,
    organization: () => `o-${random.text(10, lower)}`,
    root: () => `r-${random.text(4, lower)}`,
    ou: (rootId: string) => `ou-${rootId.slice(2)}-${random.text(8, lower)}`,
    account: () => String(1 + random.integer(9)) + random.text(11, digits),
    accountArn: (accountId: string, organizationId: string, management: string) =>
      `arn:${partition}:organizations::${management}:account/${organizationId}/${accountId}`,
    policy: () => `p-${random.text(10, lower)}`,
    instance: () => ({
      arn: `arn:${partition}:sso:::instance/ssoins-${random.text(16, hexadecimal)}`,
      storeId: `d-${random.text(10, hexadecimal)}`,
    }),
    permissionSet: (instanceArn: string) =>
      `arn:${partition}:sso:::permissionSet/${nameOf(instanceArn)}/ps-${random.text(16, hexadecimal)}`,
    application: (instanceArn: string, accountId: string) =>
      `arn:${partition}:sso::${accountId}:application/${nameOf(instanceArn)}/apl-${random.text(16, mixed)}`,
    trustedTokenIssuer: (instanceArn: string, accountId: string) =>
      `arn:${partition}:sso::${accountId}:trustedTokenIssuer/${nameOf(instanceArn)}/tti-${random.uuid()}`,
    /** of a user, group or membership: the store's ten digits and a UUID */
    directory: (storeId: string) => `${storeId.slice(2)}-${random.uuid()}`,
    directoryArn: (kind: 'user' | 'group' | 'membership', id: string) => `arn:${partition}:identitystore:::${kind}/${id}`,
    iamUser: () => idOf('AIDA', 17),
    iamGroup: () => idOf('AGPA', 17),
    iamRole: () => idOf('AROA', 17),
    iamPolicy: () => idOf('ANPA', 17),
    accessKey: () => idOf('AKIA', 16),
    iamArn: (accountId: string, kind: string, pathAndName: string) => `arn:${partition}:iam::${accountId}:${kind}${pathAndName}`,
  }
}

function nameOf(instanceArn: string): string {
  return instanceArn.slice(instanceArn.indexOf('/') + 1)
}
