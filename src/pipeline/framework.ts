import type { Catalog } from '../controls/index.ts'
import type { Framework } from '../model.ts'
import { PipelineError } from './parts.ts'

/** The framework of an id. @throws {PipelineError} UNKNOWN_FRAMEWORK */
export function frameworkOf(catalog: Catalog, id: string): Framework {
  const framework = catalog.frameworks.find(each => each.id === id)
  if (framework !== undefined) return framework
  throw new PipelineError('UNKNOWN_FRAMEWORK', `there is no framework ${id}`, {
    hint: `known: ${catalog.frameworks.map(each => each.id).join(', ')}`,
  })
}
