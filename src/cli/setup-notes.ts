/** What a set-up document is printed for. */
export interface NotedSetup {
  readonly partition: string
  readonly role: 'collector' | 'iam'
  /** with its path, if it has one */
  readonly roleName: string
  readonly withIam: boolean
  /** whose external id the roles demand; null: of the only source */
  readonly source: string | null
}

const home = 'the management account, or the delegated administrator of IAM Identity Center'

/** Where the printed policy belongs, for whoever sees it for the first time. */
export function policyNotes({ role, withIam }: Pick<NotedSetup, 'role' | 'withIam'>): readonly string[] {
  if (role === 'iam')
    return [
      'Paste it as the policy of the role sources[].iam.roleName, in every account whose IAM is read (`evidenced aws cloudformation --role iam` makes role and policy).',
    ]
  return [
    `Paste it as the policy of the role sources[].auth.roleArn (left out: of the identity that runs evidenced), in ${home}.`,
    ...(withIam ? [] : ['It is for sources without `iam`; write --with-iam, or --source LABEL, where IAM is read too.']),
    'Is IAM Identity Center encrypted with a key of your own? `evidenced doctor` prints the statement for it.',
  ]
}

/** Where the printed trust policy belongs, and what whoever assumes the role needs beside it. */
export function trustNotes(roleArns: readonly string[]): readonly string[] {
  const Resource = roleArns.length === 1 ? roleArns[0] : roleArns
  return [
    'Paste it as the trust policy (trust relationships) of the role sources[].auth.roleArn, and of the roles sources[].iam.roleName in the accounts.',
    ...(roleArns.length === 0
      ? []
      : [
          `The identity that runs evidenced needs this in its own policy: ${JSON.stringify({ Effect: 'Allow', Action: 'sts:AssumeRole', Resource })}`,
        ]),
  ]
}

/** How the printed template is deployed, and what to write into config.yaml then. */
export function templateNotes(kind: 'cloudformation' | 'terraform', setup: NotedSetup): readonly string[] {
  const { role, roleName, partition, source } = setup
  const externalId = `"$(evidenced aws external-id${source === null ? '' : ` --source ${source}`})"`
  const configured =
    role === 'iam'
      ? `Then write into config.yaml: iam: { roleName: ${roleName} }`
      : `Then write into config.yaml: auth: { roleArn: "arn:${partition}:iam::<that account>:role/${roleName}" }`
  const where = role === 'iam' ? 'every account whose IAM is read' : home
  if (kind === 'terraform')
    return [`Save it as evidenced.tf.json, and in ${where}: terraform apply -var external_id=${externalId}`, configured]
  const file = `evidenced-${role}.json`
  const stack = `aws cloudformation deploy --stack-name evidenced-${role} --template-file ${file} --capabilities CAPABILITY_NAMED_IAM --parameter-overrides ExternalId=${externalId}`
  if (role === 'collector') return [`Save it as ${file}, and in ${home}: ${stack}`, configured]
  return [
    `Save it as ${file}, and in the management account:`,
    `  aws cloudformation create-stack-set --stack-set-name evidenced-iam --template-body file://${file} --permission-model SERVICE_MANAGED --auto-deployment Enabled=true,RetainStacksOnAccountRemoval=false --capabilities CAPABILITY_NAMED_IAM --parameters ParameterKey=ExternalId,ParameterValue=${externalId}`,
    '  aws cloudformation create-stack-instances --stack-set-name evidenced-iam --deployment-targets OrganizationalUnitIds=<the root, r-…> --regions <one Region>',
    `Stack sets leave the management account out, so there too: ${stack}`,
    configured,
  ]
}
