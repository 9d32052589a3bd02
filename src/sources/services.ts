import type { Source } from '../model.ts'
import { actionOf, actionsOf, type Dataset } from './dataset.ts'
import type { Service } from './service.ts'
import { accountIam, homeIam } from './services/iam.ts'
import { identitystore } from './services/identitystore.ts'
import { organizations } from './services/organizations.ts'
import { sso } from './services/sso.ts'

/** Read of every source; each service declares its datasets, parents before their children. */
const always: readonly Service[] = [organizations, identitystore, sso]
const withIam: readonly Service[] = [...always, homeIam]

/** Everything that can be read. */
const all: readonly Service[] = [...withIam, accountIam]

/** The services that the collecting role reads, once per source. */
export function servicesOf(source: Pick<Source, 'iam'>): readonly Service[] {
  return source.iam ? withIam : always
}

/** The services that are read in every account, with a role of that account. */
export function accountServicesOf(source: Pick<Source, 'iam'>): readonly Service[] {
  return source.iam ? [accountIam] : []
}

/** What people and tools need to know of a dataset. */
export interface DatasetInfo {
  readonly name: string
  readonly operation: string
  /** the IAM action that allows reading it */
  readonly action: string
  /** every action it takes: with the questions beside it */
  readonly actions: readonly string[]
  /** `source`: of every source; `iam`: only where `sources[].iam` is configured, by the collecting role; `account`: the same, in every account */
  readonly reach: 'source' | 'iam' | 'account'
}

/** All datasets, by name. */
export const datasets: readonly DatasetInfo[] = all
  .flatMap(service =>
    service.datasets.map(dataset => ({
      name: dataset.name,
      operation: dataset.operation.name,
      action: actionOf(dataset.operation),
      actions: actionsOf(dataset),
      reach: service === accountIam ? ('account' as const) : service === homeIam ? ('iam' as const) : ('source' as const),
    })),
  )
  .sort((a, b) => (a.name < b.name ? -1 : 1))

export function serviceNamed(name: string): Service {
  const service = all.find(each => each.name === name)
  if (service === undefined) throw new Error(`no service ${name}`)
  return service
}

export function datasetNamed(name: string): Dataset {
  const dataset = all.flatMap(service => service.datasets).find(each => each.name === name)
  if (dataset === undefined) throw new Error(`no dataset ${name}`)
  return dataset
}
