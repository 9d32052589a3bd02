import { DescribeTrustedTokenIssuerCommand, ListTrustedTokenIssuersCommand } from '@aws-sdk/client-sso-admin'
import { type CommandClass, type Dataset, type Operation, pagesOf, rowOf, rowsOf, text } from '../dataset.ts'
import type { Trouble } from '../trouble.ts'

const pageSize = 100

const list = operation('ListTrustedTokenIssuers', ListTrustedTokenIssuersCommand)

const issuers: Dataset = {
  name: 'sso.trusted_token_issuers',
  operation: list,
  parents: 'instance',
  pageSize,
  input: instanceArn => ({ InstanceArn: instanceArn }),
  rows: answer => rowsOf(answer.TrustedTokenIssuers, issuer => text(issuer, 'TrustedTokenIssuerArn')),
  calls: rows => pagesOf(rows('sso.trusted_token_issuers'), pageSize),
}

/** Whose tokens are exchanged for whose: the list names issuers, only this says what they are trusted for. */
const details: Dataset = {
  name: 'sso.trusted_token_issuer_details',
  operation: operation('DescribeTrustedTokenIssuer', DescribeTrustedTokenIssuerCommand),
  parents: [{ dataset: 'sso.trusted_token_issuers', parent: issuer => issuer.key }],
  pageSize: null,
  input: issuerArn => ({ TrustedTokenIssuerArn: issuerArn }),
  rows: (answer, issuerArn) => rowOf(answer, issuerArn),
  calls: rows => rows('sso.trusted_token_issuers'),
  gone: {
    what: 'the trusted token issuer',
    isMeant: isMissing,
    operations: [list],
    async confirm(ask, issuerArn, { instanceArn }) {
      // at most ten issuers: AWS's quota
      const said = await ask(list, { InstanceArn: instanceArn, MaxResults: pageSize })
      if ('trouble' in said) return said.trouble
      const found = rowsOf(said.answer.TrustedTokenIssuers, issuer => text(issuer, 'TrustedTokenIssuerArn')) ?? []
      return found.some(issuer => issuer.key === issuerArn) ? 'exists' : 'gone'
    },
  },
}

/** Issuers outside AWS whose tokens Identity Center accepts. */
export const tokenIssuerDatasets: readonly Dataset[] = [issuers, details]

function isMissing(trouble: Trouble): boolean {
  return trouble.kind === 'not_found'
}

function operation(name: string, command: CommandClass): Operation {
  return { service: 'sso', name, command }
}
