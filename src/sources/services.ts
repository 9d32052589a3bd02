import { actionOf, type Dataset } from './dataset.ts'
import type { Service } from './service.ts'
import { identitystore } from './services/identitystore.ts'
import { organizations } from './services/organizations.ts'
import { sso } from './services/sso.ts'

/** Every service that is read; each declares its datasets, parents before their children. */
export const services: readonly Service[] = [organizations, identitystore, sso]

/** What people and tools need to know of a dataset. */
export interface DatasetInfo {
  readonly name: string
  readonly operation: string
  /** the IAM action that allows reading it */
  readonly action: string
}

/** All datasets, by name. */
export const datasets: readonly DatasetInfo[] = services
  .flatMap(service => service.datasets)
  .map(dataset => ({ name: dataset.name, operation: dataset.operation.name, action: actionOf(dataset.operation) }))
  .sort((a, b) => (a.name < b.name ? -1 : 1))

export function serviceNamed(name: string): Service {
  const service = services.find(each => each.name === name)
  if (service === undefined) throw new Error(`no service ${name}`)
  return service
}

export function datasetNamed(name: string): Dataset {
  const dataset = services.flatMap(service => service.datasets).find(each => each.name === name)
  if (dataset === undefined) throw new Error(`no dataset ${name}`)
  return dataset
}
