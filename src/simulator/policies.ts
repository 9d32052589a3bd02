import type { SimulatedManagedPolicy } from './iam-account.ts'
import { type Identifiers, identifiers } from './identifiers.ts'
import type { SimulatedPermissionSet } from './organization.ts'

interface Statement {
  readonly Effect: 'Allow' | 'Deny'
  readonly Action?: string | readonly string[]
  readonly NotAction?: string | readonly string[]
  readonly Resource: string | readonly string[]
  readonly Condition?: object
}

/** A policy document as text. */
export function document(...Statement: readonly Statement[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement })
}

/** Statements of some policies that AWS manages; the long read-only ones are shortened, the powerful ones are as AWS has them. */
const managed: { readonly [pathAndName: string]: string } = {
  '/AdministratorAccess': document({ Effect: 'Allow', Action: '*', Resource: '*' }),
  '/PowerUserAccess': document(
    { Effect: 'Allow', NotAction: ['iam:*', 'organizations:*', 'account:*'], Resource: '*' },
    {
      Effect: 'Allow',
      Action: ['iam:CreateServiceLinkedRole', 'iam:ListRoles', 'organizations:DescribeOrganization'],
      Resource: '*',
    },
  ),
  '/IAMFullAccess': document({
    Effect: 'Allow',
    Action: ['iam:*', 'organizations:DescribeAccount', 'organizations:DescribeOrganization', 'organizations:ListPolicies'],
    Resource: '*',
  }),
  '/ReadOnlyAccess': document({
    Effect: 'Allow',
    Action: ['ec2:Describe*', 's3:Get*', 's3:List*', 'rds:Describe*'],
    Resource: '*',
  }),
  '/job-function/ViewOnlyAccess': document({ Effect: 'Allow', Action: ['ec2:Describe*', 's3:ListAllMyBuckets'], Resource: '*' }),
  '/SecurityAudit': document({ Effect: 'Allow', Action: ['iam:Get*', 'iam:List*', 'cloudtrail:Describe*'], Resource: '*' }),
  '/job-function/Billing': document({
    Effect: 'Allow',
    Action: ['aws-portal:*Billing', 'ce:Get*', 'budgets:View*'],
    Resource: '*',
  }),
  '/job-function/DatabaseAdministrator': document({
    Effect: 'Allow',
    Action: ['rds:*', 'dynamodb:*', 'redshift:*'],
    Resource: '*',
  }),
  '/job-function/SupportUser': document({ Effect: 'Allow', Action: ['support:*', 'ec2:Describe*'], Resource: '*' }),
  '/AmazonS3ReadOnlyAccess': document({ Effect: 'Allow', Action: ['s3:Get*', 's3:List*'], Resource: '*' }),
}

/** The managed policies of a partition, with one version each. */
export function managedPolicies(seed: number, partition: string): SimulatedManagedPolicy[] {
  const id = identifiers(seed, partition, 7)
  const CreateDate = new Date('2015-02-06T18:39:46Z')
  return Object.entries(managed).map(([pathAndName, Document]) => ({
    PolicyName: nameIn(pathAndName),
    PolicyId: id.iamPolicy(),
    Arn: `arn:${partition}:iam::aws:policy${pathAndName}`,
    Path: pathAndName.slice(0, pathAndName.lastIndexOf('/') + 1),
    DefaultVersionId: 'v1',
    AttachmentCount: 0,
    PermissionsBoundaryUsageCount: 0,
    IsAttachable: true,
    CreateDate,
    UpdateDate: CreateDate,
    versions: [{ VersionId: 'v1', IsDefaultVersion: true, CreateDate, Document }],
  }))
}

/** An attachment of a policy that AWS manages, by path and name (`/job-function/Billing`). */
export function attachment(partition: string, pathAndName: string): { Name: string; Arn: string } {
  return { Name: nameIn(pathAndName), Arn: `arn:${partition}:iam::aws:policy${pathAndName}` }
}

function nameIn(pathAndName: string): string {
  return pathAndName.slice(pathAndName.lastIndexOf('/') + 1)
}

type Shape = Partial<Omit<SimulatedPermissionSet, 'managedPolicies' | 'tags'>> & {
  readonly Name: string
  readonly managed?: readonly string[]
}

/** The first permission sets of an organization; none of them is an administrator or holds a session too long. */
const shapes: readonly Shape[] = [
  { Name: 'ReadOnly', Description: 'Look and do not touch', managed: ['/ReadOnlyAccess'] },
  {
    Name: 'SecurityAudit',
    Description: 'For auditors',
    managed: ['/SecurityAudit', '/job-function/ViewOnlyAccess'],
    SessionDuration: 'PT4H',
  },
  { Name: 'Billing', managed: ['/job-function/Billing'], RelayState: 'https://console.aws.amazon.com/billing/home' },
  {
    Name: 'DatabaseAdministrator',
    managed: ['/job-function/DatabaseAdministrator'],
    SessionDuration: 'PT4H',
    permissionsBoundary: { CustomerManagedPolicyReference: { Name: 'database-boundary', Path: '/boundaries/' } },
  },
  { Name: 'Support', Description: 'First line', managed: ['/job-function/SupportUser'] },
  {
    Name: 'Developer',
    Description: 'Deploys through pipelines',
    SessionDuration: 'PT8H',
    inlinePolicy: document(
      { Effect: 'Allow', Action: ['logs:*', 'cloudwatch:Get*', 'codepipeline:*'], Resource: '*' },
      { Effect: 'Deny', Action: 'logs:DeleteLogGroup', Resource: '*' },
    ),
    customerManagedPolicyReferences: [{ Name: 'developer-baseline', Path: '/' }],
  },
  {
    Name: 'DataAnalyst',
    managed: ['/AmazonS3ReadOnlyAccess'],
    inlinePolicy: document({ Effect: 'Allow', Action: 'athena:*', Resource: '*' }),
  },
  {
    Name: 'NetworkOperator',
    inlinePolicy: document({ Effect: 'Allow', Action: ['ec2:*Vpc*', 'ec2:*Route*', 'directconnect:Describe*'], Resource: '*' }),
    customerManagedPolicyReferences: [{ Name: 'network-operations', Path: '/network/' }],
  },
]

/** The permission set number `index`: a well-known one, or one more of a team's own. */
export function permissionSet(
  id: Identifiers,
  at: {
    readonly index: number
    readonly partition: string
    readonly instanceArn: string
    readonly team: string
    readonly created: Date
  },
): SimulatedPermissionSet {
  const { index, partition, team, created } = at
  const shape: Shape = shapes[index] ?? {
    Name: `${team}-${index}`,
    SessionDuration: id.random.pick(['PT1H', 'PT2H', 'PT8H']),
    inlinePolicy: document({
      Effect: 'Allow',
      Action: ['s3:GetObject', 's3:PutObject'],
      Resource: `arn:${partition}:s3:::${team}-${index}/*`,
    }),
  }
  const { managed: attached = [], ...members } = shape
  return {
    PermissionSetArn: id.permissionSet(at.instanceArn),
    CreatedDate: created,
    SessionDuration: 'PT1H',
    inlinePolicy: '',
    customerManagedPolicyReferences: [],
    permissionsBoundary: null,
    ...structuredClone(members),
    managedPolicies: attached.map(pathAndName => attachment(partition, pathAndName)),
    tags: [{ Key: 'owner', Value: team }],
  }
}
