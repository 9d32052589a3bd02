import { emptyIam, type SimulatedIam, type SimulatedIamUser } from './iam-account.ts'
import type { Identifiers } from './identifiers.ts'
import type { SimulatedOrganization } from './organization.ts'
import { attachment, document } from './policies.ts'

const day = 86_400_000

/** Gives an account a deployment role, and some IAM users as they are left over from earlier days: keys of robots, now and then a person. */
export function buildIam(
  organization: SimulatedOrganization,
  id: Identifiers,
  accountId: string,
  users: number,
  at: Date,
): SimulatedIam {
  const ago = (days: number) => new Date(at.getTime() - days * day)
  const path = '/deploy/'
  const baseline = id.iamArn(accountId, 'policy', '/deploy-baseline')
  const group = {
    Path: '/',
    GroupName: 'robots',
    GroupId: id.iamGroup(),
    Arn: id.iamArn(accountId, 'group', '/robots'),
    CreateDate: ago(700),
    inlinePolicies: {},
    attachedPolicies: [{ PolicyName: 'deploy-baseline', PolicyArn: baseline }],
  }
  return {
    ...emptyIam(),
    users: Array.from({ length: users }, (_, index) => iamUser(organization, id, accountId, index, ago)),
    groups: users > 0 ? [group] : [],
    roles: [
      {
        Path: path,
        RoleName: 'pipeline',
        RoleId: id.iamRole(),
        Arn: id.iamArn(accountId, 'role', `${path}pipeline`),
        CreateDate: ago(650),
        Description: 'Deploys what was reviewed',
        MaxSessionDuration: 3600,
        RoleLastUsed: { LastUsedDate: ago(1), Region: organization.instance?.PrimaryRegion ?? 'us-east-1' },
        Tags: [{ Key: 'owner', Value: 'platform' }],
        AssumeRolePolicyDocument: JSON.stringify({
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Principal: { Service: 'codebuild.amazonaws.com' }, Action: 'sts:AssumeRole' }],
        }),
        inlinePolicies: {},
        attachedPolicies: [{ PolicyName: 'deploy-baseline', PolicyArn: baseline }],
      },
    ],
    policies: [
      {
        PolicyName: 'deploy-baseline',
        PolicyId: id.iamPolicy(),
        Arn: baseline,
        Path: '/',
        DefaultVersionId: 'v1',
        AttachmentCount: users > 0 ? 2 : 1,
        PermissionsBoundaryUsageCount: 0,
        IsAttachable: true,
        CreateDate: ago(700),
        UpdateDate: ago(700),
        versions: [
          {
            VersionId: 'v1',
            IsDefaultVersion: true,
            CreateDate: ago(700),
            Document: document({ Effect: 'Allow', Action: ['s3:GetObject', 'cloudformation:*'], Resource: '*' }),
          },
        ],
      },
    ],
    aliases: [`example-${accountId}`],
    passwordPolicy: {
      MinimumPasswordLength: 14,
      RequireSymbols: true,
      RequireNumbers: true,
      RequireUppercaseCharacters: true,
      RequireLowercaseCharacters: true,
      AllowUsersToChangePassword: true,
      ExpirePasswords: false,
      PasswordReusePrevention: 24,
    },
    root: { mfa: true, accessKeys: false, passwordLastUsed: ago(400) },
  }
}

/** The first is a robot with a key, the second a person with a password and MFA, and so on in turn. */
function iamUser(
  organization: SimulatedOrganization,
  id: Identifiers,
  accountId: string,
  index: number,
  ago: (days: number) => Date,
): SimulatedIamUser {
  const isRobot = index % 2 === 0
  const UserName = `${isRobot ? 'robot' : 'operator'}-${index + 1}`
  const user: SimulatedIamUser = {
    Path: '/',
    UserName,
    UserId: id.iamUser(),
    Arn: id.iamArn(accountId, 'user', `/${UserName}`),
    CreateDate: ago(600),
    groups: isRobot ? ['robots'] : [],
    inlinePolicies: {},
    attachedPolicies: [],
    accessKeys: [],
    mfaDevices: [],
    loginProfile: null,
  }
  if (isRobot) {
    const lastUsed = { LastUsedDate: ago(1), ServiceName: 's3', Region: organization.instance?.PrimaryRegion ?? 'us-east-1' }
    user.accessKeys.push({ AccessKeyId: id.accessKey(), Status: 'Active', CreateDate: ago(60), lastUsed })
    return user
  }
  const viewOnly = attachment(organization.partition, '/job-function/ViewOnlyAccess')
  user.attachedPolicies.push({ PolicyName: viewOnly.Name, PolicyArn: viewOnly.Arn })
  user.PasswordLastUsed = ago(3)
  user.mfaDevices.push({ SerialNumber: id.iamArn(accountId, 'mfa', `/${UserName}`), EnableDate: ago(590) })
  user.loginProfile = { CreateDate: ago(600), PasswordResetRequired: false }
  return user
}
