import type { Facts, Row } from '../../model.ts'
import type { Subject } from '../dataset.ts'
import { partitionOf } from '../partitions.ts'

/** Its accounts have no root user: https://github.com/prowler-cloud/prowler/issues/1571 */
const rootless = 'aws-cn'

/**
 * One row per line of a credential report, every column by its name as text, with the time at which AWS made the report.
 * @returns null when the report has no header with `arn`, no line although there is a root user, or one that does not fit it
 */
export function credentialRows(answer: Facts, _parent: string, { instanceArn }: Subject): readonly Row[] | null {
  if (typeof answer.Content !== 'string') return null
  const [header, ...lines] = Buffer.from(answer.Content, 'base64')
    .toString('utf8')
    .split(/\r?\n/)
    .filter(line => line !== '')
    .map(cells)
  const arn = header?.indexOf('arn') ?? -1
  if (header === undefined || arn < 0) return null
  // the root user has a line in every report, where there is one
  if (lines.length === 0 && partitionOf(instanceArn) !== rootless) return null
  if (lines.some(line => line.length !== header.length)) return null
  const { GeneratedTime } = answer
  return lines.map(line => ({
    key: line[arn]!,
    facts: {
      ...Object.fromEntries(header.map((column, i) => [column, line[i]!])),
      ...(GeneratedTime === undefined ? {} : { GeneratedTime }),
    },
  }))
}

/** User names may hold a comma: such a cell is quoted. */
function cells(line: string): readonly string[] {
  const found: string[] = []
  for (const [, quoted, bare] of line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)) {
    found.push(quoted === undefined ? (bare ?? '') : quoted.replaceAll('""', '"'))
  }
  return found
}
