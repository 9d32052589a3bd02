import type { Json } from '../model.ts'
import { accountPolicy, requiredPolicy } from './policy.ts'

/** What a set-up template is made for. */
export interface Setup {
  readonly partition: string
  /** `collector`: the role that reads the organization, in its management account or delegated administrator; `iam`: the role in each account */
  readonly role: 'collector' | 'iam'
  /** with its path, if it has one: `audit/EvidencedIamReader` */
  readonly roleName: string
  /** who assumes the role: the ARN of the role or user that runs evidenced */
  readonly principalArn: string
  /** true where `sources[].iam` is configured */
  readonly withIam: boolean
  /** true where `auth.sourceIdentity` is configured */
  readonly withSourceIdentity?: boolean
}

/** What the trust policy lets whoever collects do. */
function trustedActions({ withSourceIdentity }: Setup): Json {
  return withSourceIdentity ? ['sts:AssumeRole', 'sts:SetSourceIdentity'] : 'sts:AssumeRole'
}

function policyOf({ role, partition, withIam }: Setup): Json {
  return role === 'iam' ? accountPolicy(partition) : requiredPolicy(partition, { iam: withIam })
}

/**
 * A CloudFormation template (JSON) of one role with its least-privilege policy. The external id is a parameter, so that the
 * template can be shown to anyone. For `iam` it is deployed as a service-managed stack set, and once more as a stack of its own in
 * the management account, which stack sets leave out.
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-manage-auto-deployment.html
 */
export function cloudFormationTemplate(setup: Setup): Json {
  const where =
    setup.role === 'iam'
      ? 'Deploy as a service-managed stack set to all accounts, and as a stack in the management account, which stack sets leave out'
      : 'Deploy in the management account or the delegated administrator of IAM Identity Center'
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: `Read-only role of evidenced. ${where}.`,
    Parameters: {
      CollectorArn: {
        Type: 'String',
        Default: setup.principalArn,
        AllowedPattern: 'arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/.+',
      },
      ExternalId: { Type: 'String', MinLength: 22, MaxLength: 1224, AllowedPattern: '[A-Za-z0-9_+=,.@:/-]+', NoEcho: true },
    },
    Resources: {
      Reader: {
        Type: 'AWS::IAM::Role',
        Properties: {
          RoleName: setup.roleName.slice(setup.roleName.lastIndexOf('/') + 1),
          Path: pathOf(setup.roleName),
          MaxSessionDuration: 3600,
          AssumeRolePolicyDocument: {
            Version: '2012-10-17',
            Statement: [
              {
                Effect: 'Allow',
                Principal: { AWS: { Ref: 'CollectorArn' } },
                Action: trustedActions(setup),
                Condition: { StringEquals: { 'sts:ExternalId': { Ref: 'ExternalId' } } },
              },
            ],
          },
          Policies: [{ PolicyName: 'evidenced-read', PolicyDocument: policyOf(setup) }],
        },
      },
    },
    Outputs: { RoleArn: { Value: { 'Fn::GetAtt': ['Reader', 'Arn'] } } },
  }
}

/** The same as Terraform in its JSON syntax (`*.tf.json`), which needs no quoting of ours. */
export function terraformConfiguration(setup: Setup): Json {
  const trust = {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: setup.principalArn },
        Action: trustedActions(setup),
        // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of Terraform
        Condition: { StringEquals: { 'sts:ExternalId': '${var.external_id}' } },
      },
    ],
  }
  return {
    variable: {
      external_id: {
        type: 'string',
        sensitive: true,
        description: 'external id that evidenced is configured with',
        validation: {
          // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of Terraform
          condition: '${length(var.external_id) >= 22}',
          error_message: 'An external id of 22 characters or more: evidenced aws external-id prints it.',
        },
      },
    },
    resource: {
      aws_iam_role: {
        evidenced: {
          name: setup.roleName.slice(setup.roleName.lastIndexOf('/') + 1),
          path: pathOf(setup.roleName),
          max_session_duration: 3600,
          assume_role_policy: JSON.stringify(trust),
        },
      },
      aws_iam_role_policy: {
        evidenced: {
          name: 'evidenced-read',
          // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of Terraform
          role: '${aws_iam_role.evidenced.id}',
          policy: JSON.stringify(policyOf(setup)),
        },
      },
    },
    // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of Terraform
    output: { role_arn: { value: '${aws_iam_role.evidenced.arn}' } },
  }
}

function pathOf(roleName: string): string {
  return `/${roleName.slice(0, roleName.lastIndexOf('/') + 1)}`
}
