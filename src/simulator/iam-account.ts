import type { Wire } from './wire.ts'

/** IAM of one account. */
export interface SimulatedIam {
  users: SimulatedIamUser[]
  groups: SimulatedIamGroup[]
  roles: SimulatedIamRole[]
  policies: SimulatedManagedPolicy[]
  aliases: string[]
  /** null: none is set, AWS's default holds */
  passwordPolicy: Wire | null
  root: { mfa: boolean; accessKeys: boolean; passwordLastUsed: Date | null }
  /** the credential report: absent until generated */
  credentialReport: { content: string; generatedAt: Date } | null
}

interface IamPrincipal extends Wire {
  Path: string
  Arn: string
  CreateDate: Date
  /** name → document as plain JSON text */
  inlinePolicies: { [name: string]: string }
  attachedPolicies: { PolicyName: string; PolicyArn: string }[]
}

export interface SimulatedIamUser extends IamPrincipal {
  UserName: string
  UserId: string
  groups: string[]
  accessKeys: SimulatedIamAccessKey[]
  mfaDevices: { SerialNumber: string; EnableDate: Date }[]
  /** null: no console password */
  loginProfile: { CreateDate: Date; PasswordResetRequired: boolean } | null
}

export interface SimulatedIamAccessKey {
  AccessKeyId: string
  Status: 'Active' | 'Inactive' | 'Expired'
  CreateDate: Date
  lastUsed: { LastUsedDate: Date; ServiceName: string; Region: string } | null
}

export interface SimulatedIamGroup extends IamPrincipal {
  GroupName: string
  GroupId: string
}

export interface SimulatedIamRole extends IamPrincipal {
  RoleName: string
  RoleId: string
  /** plain JSON text; sent URL-encoded as AWS does */
  AssumeRolePolicyDocument: string
}

export interface SimulatedManagedPolicy extends Wire {
  PolicyName: string
  PolicyId: string
  Arn: string
  Path: string
  DefaultVersionId: string
  CreateDate: Date
  versions: { VersionId: string; IsDefaultVersion: boolean; CreateDate: Date; Document: string }[]
}

/** An IAM with nobody in it and a root user that signs in with MFA. */
export function emptyIam(): SimulatedIam {
  return {
    users: [],
    groups: [],
    roles: [],
    policies: [],
    aliases: [],
    passwordPolicy: null,
    root: { mfa: true, accessKeys: false, passwordLastUsed: null },
    credentialReport: null,
  }
}
