import type { Facts, Json, StoredResource } from '../model.ts'
import type { Cell } from './csv.ts'

/** What a row of a population looks up in other datasets. Each answer is a cell; none is empty where AWS refused. */
export interface Lookups {
  /** label of the source */
  readonly source: string
  /** name of the row with this key, or why there is none: `not read: …`, or `not listed` when the dataset was read and does not hold it */
  name(dataset: string, key: string): string
  /** all rows of a dataset under a parent, as texts separated by spaces; '' only when the part was read and is empty */
  list(dataset: string, parent: string, textOf: (facts: Facts) => string): string
  /** `not read: …` when this member of this row is a gap, null when AWS simply did not send it */
  gap(row: StoredResource, member: string): string | null
}

export interface PopulationColumn {
  readonly name: string
  readonly meaning: string
  value(row: StoredResource, lookups: Lookups): Cell
}

/** One CSV of one population: everything AWS listed, with nothing left out. */
export interface Population {
  readonly name: string
  readonly title: string
  /** its rows */
  readonly dataset: string
  /** more rows, of datasets that stand in a snapshot only where the source is configured for them */
  readonly also?: readonly string[]
  /** where it looks names up: by key, in this member */
  readonly names: readonly { readonly dataset: string; readonly member: string }[]
  /** where it looks up all rows under its own key as parent */
  readonly parts: readonly string[]
  readonly columns: readonly PopulationColumn[]
  /** true: there is none unless the dataset was collected, which is asked for on purpose */
  readonly isOptional?: boolean
}

/** Where names are looked up. */
export const users = { dataset: 'identitystore.users', member: 'UserName' }
export const groups = { dataset: 'identitystore.groups', member: 'DisplayName' }
export const accounts = { dataset: 'organizations.accounts', member: 'Name' }
export const setNames = { dataset: 'sso.permission_sets', member: 'Name' }

/** A JSON value as one cell: text as it is, a list of texts separated by spaces, anything else as JSON; what AWS did not send is empty. */
export function cell(value: Json | undefined): Cell {
  if (value === undefined || value === null) return null
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  if (Array.isArray(value) && value.every(item => typeof item === 'string')) return value.join(' ')
  return JSON.stringify(value)
}

export function fact(name: string, member: string, meaning: string): PopulationColumn {
  return { name, meaning, value: (row, { gap }) => cell(row.facts[member]) ?? gap(row, member) }
}

export function detail(name: string, member: string, meaning: string): PopulationColumn {
  return {
    name,
    meaning,
    value: ({ key }, lookups) => lookups.list(setNames.dataset, key, facts => String(cell(facts[member]) ?? '')),
  }
}

export function part(name: string, dataset: string, meaning: string, textOf: (facts: Facts) => string): PopulationColumn {
  return { name, meaning, value: ({ key }, lookups) => lookups.list(dataset, key, textOf) }
}

/** IAM's rows stand in the account they were read in. */
export function ofAccount(): PopulationColumn[] {
  return [
    { name: 'accountId', meaning: 'account it was read in', value: ({ place }) => place.accountId },
    {
      name: 'accountName',
      meaning: 'name of the account',
      value: ({ place }, { name }) => name(accounts.dataset, place.accountId),
    },
  ]
}

export function lastUseOf(use: Json | undefined): string {
  const { LastUsedDate: at, ServiceName: service, Region: region } = (use ?? {}) as Facts
  return at === undefined ? 'never' : [at, service, region].map(each => text(each)).join(' ')
}

export function principal(): PopulationColumn[] {
  return [
    fact('principalType', 'PrincipalType', 'USER or GROUP'),
    fact('principalId', 'PrincipalId', 'id of the user or group'),
    {
      name: 'principalName',
      meaning: 'sign-in name of the user or name of the group; "not listed" when the directory does not list it (any more)',
      value: ({ facts }, { name }) => {
        const { dataset } = facts.PrincipalType === 'GROUP' ? groups : users
        return name(dataset, text(facts.PrincipalId))
      },
    },
  ]
}

export function isIamUser({ dataset }: StoredResource): boolean {
  return dataset === 'iam.users'
}

export function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

export function userIdOf({ MemberId: member }: Facts): string {
  return typeof member === 'object' && member !== null && 'UserId' in member ? text(member.UserId) : ''
}

export function emailOf(emails: Json | undefined): Cell {
  if (!Array.isArray(emails)) return null
  const primary = emails.find(email => email?.Primary === true) ?? emails[0]
  return cell(primary?.Value)
}

export function externalIdsOf(ids: Json | undefined): Cell {
  return Array.isArray(ids) ? ids.map(id => `${text(id?.Issuer)} ${text(id?.Id)}`).join(' ') : null
}
