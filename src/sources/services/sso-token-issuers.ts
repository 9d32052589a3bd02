import { DescribeTrustedTokenIssuerCommand, ListTrustedTokenIssuersCommand } from '@aws-sdk/client-sso-admin'
import { isListed } from '../confirming.ts'
import { type Dataset, operationsOf, pagesOf, rowAbout, rowsOf, text } from '../dataset.ts'
import { jsonPaging } from '../service.ts'

const operation = operationsOf('sso')
const pageSize = 100

const issuers: Dataset = {
  name: 'sso.trusted_token_issuers',
  operation: operation('ListTrustedTokenIssuers', ListTrustedTokenIssuersCommand),
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
    isMeant: trouble => trouble.kind === 'not_found',
    operations: [issuers.operation],
    confirm: (ask, issuerArn, subject) =>
      isListed(ask, { dataset: issuers, parent: subject.instanceArn, subject, paging: jsonPaging }, issuerArn),
  },
}

/** Issuers outside AWS whose tokens Identity Center accepts. */
export const tokenIssuerDatasets: readonly Dataset[] = [issuers, details]
