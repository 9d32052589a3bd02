import { expect } from 'chai'
import { loadCatalog } from '../../src/controls/index.ts'
import { accountPolicy, requiredPolicy } from '../../src/sources/index.ts'

const { accessLevels } = loadCatalog().managedPolicies

describe('access levels', () => {
  const table = {
    reads: [
      'sso:ListInstances',
      'organizations:Describe*',
      'iam:Get*',
      'iam:SimulatePrincipalPolicy',
      'ec2:DescribeInstances',
      'kms:Decrypt',
    ],
    writes: [
      '*',
      '*:*',
      'iam:*',
      'iam:CreateUser',
      'sso:PutInlinePolicyToPermissionSet',
      'sso:P*',
      'iam:Tag*',
      'redshift:Get*',
      'sts:GetFederationToken',
      'backup:ListIndexedRecoveryPointsForSearch',
      'ec2:BatchDeleteThings',
      '*:Get*',
      'sts:AssumeRole',
    ],
    unknown: ['athena:Frobnicate', 'iam:Ge*', 'x:Query'],
  }
  for (const [level, patterns] of Object.entries(table)) {
    for (const pattern of patterns) {
      it(`of ${pattern}: ${level}`, () => {
        expect(accessLevels.levelOf(pattern)).to.equal(level)
        expect(accessLevels.levelOf(pattern.toLowerCase()), 'in lower case').to.equal(level)
      })
    }
  }

  it('take everything that this program asks for as reading', () => {
    const policies = [requiredPolicy('aws', { iam: true }), accountPolicy('aws')] as unknown as readonly {
      readonly Statement: readonly { readonly Action: readonly string[] }[]
    }[]
    const asked = policies.flatMap(({ Statement }) => Statement).flatMap(({ Action }) => Action)
    expect(asked).to.have.length.greaterThan(40)
    expect(asked.filter(action => accessLevels.levelOf(action) !== 'reads')).to.deep.equal([])
  })
})
