import { DescribeTrustedTokenIssuerCommand, ListTrustedTokenIssuersCommand } from '@aws-sdk/client-sso-admin'
import { isListed, type Listing } from '../confirming.ts'
import { type CommandClass, type Dataset, type Operation, pagesOf, rowAbout, rowsOf, text } from '../dataset.ts'
import { jsonPaging } from '../service.ts'
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
  rows: (answer, issuerArn) => rowAbout(answer, 'TrustedTokenIssuerArn', issuerArn),
  calls: rows => rows('sso.trusted_token_issuers'),
  gone: {
    what: 'the trusted token issuer',
    isMeant: isMissing,
    operations: [list],
    async confirm(ask, issuerArn, { instanceArn }) {
      const issuerList: Listing = {
        operation: list,
        input: { InstanceArn: instanceArn, MaxResults: pageSize },
        paging: jsonPaging,
        list: 'TrustedTokenIssuers',
        name: issuer => text(issuer, 'TrustedTokenIssuerArn'),
      }
      return isListed(ask, issuerList, issuerArn)
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
