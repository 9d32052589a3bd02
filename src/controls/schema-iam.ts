import { booleanOrNull, derived, type Fields, numberOrNull, text, textOrNull, timeOrNull } from './field.ts'

const principal: Fields = {
  Arn: derived('string', 'the ARN'),
  accountId: derived('string', 'the account it lives in'),
  kind: derived('string', 'user or group'),
  name: derived('string', 'name and account'),
  attachedPolicies: derived('list<string>', 'names of managed policies that are attached to it'),
  inlinePolicies: derived('list<string>', 'names of its inline policies'),
  isAdmin: derived('bool', 'an Allow of every action on every resource reaches it, directly or through a group'),
  canEscalate: derived('bool', 'its policies satisfy a family of data/escalation.yaml, or it is admin'),
  escalations: derived('list<string>', 'titles of the families that are satisfied'),
  serviceWildcards: derived('list<string>', 'services of which an own policy grants every action on every resource'),
}

/** IAM of the accounts. Names in camelCase that speak of passwords and keys come from the credential report. */
export const iamSchema: { readonly [type: string]: Fields } = {
  IamAccount: {
    AccountAccessKeysPresent: numberOrNull('1 when the root user has an access key'),
    AccountSigningCertificatesPresent: numberOrNull('1 when the root user has a signing certificate'),
    AccountPasswordPresent: numberOrNull('1 when the root user has a password; null: AWS does not say'),
    AccountMFAEnabled: numberOrNull('1 when the root user has MFA'),
    accountId: derived('string', 'twelve digits'),
    name: derived('string', 'name of the account, else its id'),
    users: derived('list<IamUser>', 'IAM users of the account'),
    rootVirtualMfaDevices: derived('list<string>', 'serial numbers of virtual MFA devices that are assigned to the root user'),
    rootLastUsed: derived('dyn', 'the latest use of the root password or a root key; null when there was none'),
    passwordPolicy: derived('PasswordPolicy', 'the password policy'),
    hasPasswordPolicy: derived('bool', 'a password policy is set'),
  },
  PasswordPolicy: {
    MinimumPasswordLength: numberOrNull('characters'),
    PasswordReusePrevention: numberOrNull('passwords remembered'),
    MaxPasswordAge: numberOrNull('days'),
    RequireUppercaseCharacters: booleanOrNull('A to Z'),
    RequireLowercaseCharacters: booleanOrNull('a to z'),
    RequireNumbers: booleanOrNull('0 to 9'),
    RequireSymbols: booleanOrNull('others'),
  },
  IamUser: {
    UserName: text('the name'),
    CreateDate: timeOrNull('when AWS made the user'),
    ...principal,
    hasPassword: derived('bool', 'password_enabled of the credential report'),
    hasMfa: derived('bool', 'mfa_active of the credential report'),
    passwordActivity: derived('Since', 'password_last_used, else password_last_changed, else the creation of the user'),
    lastActivity: derived('Since', 'the latest use of password or keys, else the creation of the user'),
    created: derived('Since', 'CreateDate'),
    accessKeys: derived('list<AccessKey>', 'access keys of the user'),
  },
  IamPrincipal: principal,
  AccessKey: {
    AccessKeyId: text('the id'),
    Status: text('Active or Inactive'),
    CreateDate: timeOrNull('when AWS made the key'),
    UserName: textOrNull('whose key it is'),
    name: derived('string', 'key, user and account'),
    created: derived('Since', 'CreateDate'),
    lastUsed: derived('dyn', 'LastUsedDate; null when it was never used'),
  },
}
