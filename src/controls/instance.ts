import type { StoredResource } from '../model.ts'
import { declareFacts, type List, type Surroundings } from './entity.ts'
import type { GapIndex } from './gap-index.ts'
import { closedOr, DatasetRows, RowEntity } from './rows.ts'
import { Undecided, type Unknown } from './values.ts'

/** What instances of Identity Center ask of the estate. */
export interface InstanceSurroundings extends Surroundings {
  readonly instances: InstanceRows
  readonly managementAccountId: string | Unknown
  userList(): List
  activeAccounts(): List
  attestations(): List
}

/** Instances of Identity Center with their trusted token issuers and attributes for access control. */
export class InstanceRows {
  readonly list: DatasetRows
  readonly issuers: DatasetRows
  readonly issuerDetails: DatasetRows
  readonly attributes: DatasetRows
  readonly #estate: InstanceSurroundings

  constructor(estate: InstanceSurroundings, gaps: GapIndex) {
    this.#estate = estate
    this.list = new DatasetRows('sso.instances', gaps)
    this.issuers = new DatasetRows('sso.trusted_token_issuers', gaps)
    this.issuerDetails = new DatasetRows('sso.trusted_token_issuer_details', gaps)
    this.attributes = new DatasetRows('sso.access_control_attributes', gaps)
  }

  /** Takes a row when it belongs here. */
  add(row: StoredResource): boolean {
    const rows = [this.list, this.issuers, this.issuerDetails, this.attributes].find(each => each.dataset === row.dataset)
    rows?.add(row)
    return rows !== undefined
  }

  instances(): List {
    return this.list.list(row => new Instance(this.#estate, row.dataset, row.key, row))
  }

  issuerList(): List {
    return this.issuers.list(row => new TrustedTokenIssuer(this.#estate, row.dataset, row.key, row))
  }

  /** The URL of an issuer, from its configuration. */
  issuerUrl(arn: string): string | null | Unknown {
    const row = this.issuerDetails.byKey(arn)
    if (row === undefined) {
      return (
        this.issuerDetails.absence(arn, arn) ?? this.#estate.invalid(this.issuerDetails.dataset, arn, `${arn} was not described`)
      )
    }
    const configuration = row.facts.TrustedTokenIssuerConfiguration
    const jwt =
      typeof configuration === 'object' && configuration !== null && 'OidcJwtConfiguration' in configuration
        ? configuration.OidcJwtConfiguration
        : null
    const url = typeof jwt === 'object' && jwt !== null && 'IssuerUrl' in jwt ? jwt.IssuerUrl : null
    return typeof url === 'string' ? url : null
  }

  /** Keys of the attributes for access control of one instance. */
  attributeKeys(instance: string): List {
    const row = this.attributes.byKey(instance)
    if (row === undefined) return closedOr([], this.attributes.partGap(instance))
    const configuration = row.facts.InstanceAccessControlAttributeConfiguration ?? row.facts
    const written =
      typeof configuration === 'object' && configuration !== null && 'AccessControlAttributes' in configuration
        ? configuration.AccessControlAttributes
        : row.facts.AccessControlAttributes
    const keys = (Array.isArray(written) ? written : []).map(each =>
      typeof each === 'object' && each !== null && 'Key' in each ? each.Key : undefined,
    )
    if (keys.every(key => typeof key === 'string')) return closedOr(keys, undefined)
    return closedOr([], this.#estate.invalid(this.attributes.dataset, instance, 'an attribute has no Key'))
  }
}

export class Instance extends RowEntity {
  declare readonly estate: InstanceSurroundings
  declare readonly Name: string | null | Unknown
  declare readonly OwnerAccountId: string | null | Unknown

  get typeName(): string {
    return 'Instance'
  }
  get name(): string | Unknown {
    return this.Name ?? this.key
  }
  get isOwnedByManagement(): boolean | Unknown {
    const owner = this.OwnerAccountId
    const management = this.estate.managementAccountId
    if (owner instanceof Undecided) return owner
    return management instanceof Undecided ? management : owner === management
  }
  get instances(): List {
    return this.estate.instances.instances()
  }
  get activeAccounts(): List {
    return this.estate.activeAccounts()
  }
  get users(): List {
    return this.estate.userList()
  }
  get attestations(): List {
    return this.estate.attestations()
  }
  get issuers(): List {
    return this.estate.instances.issuerList()
  }
  get attributeKeys(): List {
    return this.estate.instances.attributeKeys(this.key)
  }
}

export class TrustedTokenIssuer extends RowEntity {
  declare readonly estate: InstanceSurroundings

  get typeName(): string {
    return 'TrustedTokenIssuer'
  }
  get issuerUrl(): string | null | Unknown {
    return this.estate.instances.issuerUrl(this.key)
  }
}

declareFacts(Instance, 'Instance')
declareFacts(TrustedTokenIssuer, 'TrustedTokenIssuer')
