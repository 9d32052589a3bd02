const roleArn = {
  type: 'string',
  pattern: '^arn:aws[a-z-]*:iam::[0-9]{12}:role/([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,64}$',
  description: 'arn:aws:iam::<12 digits>:role/<name>',
} as const
const externalId = {
  type: 'string',
  pattern: '^[A-Za-z0-9_+=,.@:/-]{2,1224}$',
  'x-secret': true,
  description: '2 to 1224 characters of A-Z a-z 0-9 _ + = , . @ : / -, or file:/path',
} as const

/** JSON Schema of one of `sources`: an AWS organization, and how it is read. */
export const sourceSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['label', 'kind', 'region'],
  properties: {
    label: {
      type: 'string',
      pattern: '^[a-z0-9][a-z0-9_-]{0,62}$',
      description: 'a name of 1 to 63 characters: a-z, 0-9, - and _, starting with a letter or digit',
    },
    kind: { enum: ['aws'], description: 'aws' },
    partition: {
      enum: ['aws', 'aws-us-gov', 'aws-cn', 'aws-eusc'],
      default: 'aws',
      description: 'the second part of every ARN: aws, aws-us-gov, aws-cn or aws-eusc',
    },
    region: {
      type: 'string',
      pattern: '^([a-z]+-){2,3}[0-9]$',
      description: 'home Region of IAM Identity Center, e.g. eu-west-1',
    },
    auth: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: "left out: the AWS SDK's own chain (environment, profile, web identity, instance role)",
      properties: {
        roleArn,
        externalId,
        via: {
          type: 'array',
          minItems: 1,
          maxItems: 5,
          description: 'roles to assume first, one from the other, before roleArn and the roles of the accounts',
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['roleArn'],
            properties: {
              roleArn,
              externalId,
            },
          },
        },
        sourceIdentity: {
          type: 'string',
          pattern: '^(?!aws:)[A-Za-z0-9_+=,.@-]{2,64}$',
          description: '2 to 64 characters of A-Z a-z 0-9 _ + = , . @ -; the trust policy must allow sts:SetSourceIdentity',
        },
      },
      dependentRequired: { externalId: ['roleArn'], sourceIdentity: ['roleArn'], via: ['roleArn'] },
    },
    budgetShare: {
      type: 'number',
      exclusiveMinimum: 0,
      maximum: 1,
      default: 0.6,
      description: "share of AWS's documented request rate to use, above 0 and at most 1",
    },
    rateLimits: {
      type: 'object',
      default: {},
      description:
        "calls a second by budget key (sso, identitystore, iam, sts, organizations.<Operation>), for raised quotas; operations that share a row of AWS's table go by the smallest of theirs",
      additionalProperties: {
        type: 'number',
        exclusiveMinimum: 0,
        'x-unit': 'calls/s',
        description: 'calls a second, above 0',
      },
    },
    includeUserExtensions: {
      type: 'boolean',
      default: false,
      description: 'true asks for the SCIM enterprise attributes of users (employee number, department, manager, …)',
    },
    includePersonalData: {
      type: 'boolean',
      default: false,
      description: 'true keeps Birthdate, Addresses, PhoneNumbers and Photos of users',
    },
    iam: {
      type: 'object',
      additionalProperties: false,
      required: ['roleName'],
      description: 'left out: IAM of the accounts is not read',
      properties: {
        roleName: {
          type: 'string',
          pattern: '^([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,64}$',
          description: 'name (with its path, if any) of the role to assume in every account, e.g. EvidencedIamReader',
        },
        externalId,
        accounts: {
          type: 'array',
          minItems: 1,
          uniqueItems: true,
          items: { type: 'string', pattern: '^[0-9]{12}$', description: 'an account id of 12 digits, in quotes' },
          description: 'account ids; left out: every ACTIVE account of the organization',
        },
      },
    },
  },
} as const
