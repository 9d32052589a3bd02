import type { Command } from 'commander'
import { openLog } from '../log.ts'
import type { ImportKind } from '../model.ts'
import { readImport } from '../sources/index.ts'
import { listImports, saveImport } from '../store/index.ts'
import { addCommand, type CommonOptions, configOf, type Invocation, terminalOf } from './command.ts'
import { storeOf } from './parts.ts'
import { table } from './terminal.ts'

const kinds: readonly (readonly [kind: ImportKind, summary: string])[] = [
  [
    'roster',
    'people and their status, from the HR system: personId, status, name, email, userName, externalId, terminationDate, managerId',
  ],
  ['attestations', 'what no API tells: subject, owner, date, evidenceSha256, statement'],
  [
    'approvals',
    'changes that somebody approved: ticket, approver, approvedAt, requester, user, group, permissionSet, account, resource, validUntil, comment',
  ],
  [
    'reviews',
    'decisions of access reviews: reviewer, reviewedAt, decision (keep, revoke), user, group, permissionSet, account, campaign, comment',
  ],
]

export function addImport(program: Command, invocation: Invocation): void {
  const imports = program
    .command('import')
    .description('what people bring beside AWS, as CSV with a header line or as a JSON list')
  for (const [kind, summary] of kinds) {
    addCommand(imports, kind, summary)
      .argument('<file>', 'a file, a folder of .csv and .json files, or an https:// address')
      .action(async (location: string, options: CommonOptions) => {
        const terminal = terminalOf(invocation, options)
        const config = configOf(invocation, options)
        const file = await readImport(kind, location)
        await using store = await storeOf(config, openLog('warn'))
        const { id, digest, importedAt } = await saveImport(store, file)
        terminal.line(`imported ${file.rows.length} rows of ${file.location} as ${kind} ${id}, SHA-256 ${digest}`)
        terminal.document({
          import: id,
          kind,
          location: file.location,
          digest,
          rows: file.rows.length,
          importedAt: importedAt.toISOString(),
        })
      })
  }
  addCommand(imports, 'list', 'every import, newest first').action(async (options: CommonOptions) => {
    const terminal = terminalOf(invocation, options)
    const config = configOf(invocation, options)
    await using store = await storeOf(config, openLog('warn'))
    const all = (await listImports(store)).map(each => ({ ...each, importedAt: each.importedAt.toISOString() }))
    terminal.line(
      table(
        ['import', 'kind', 'imported at', 'location', 'SHA-256'],
        all.map(each => [each.id, each.kind, each.importedAt, each.location, each.digest]),
      ),
    )
    terminal.document({ imports: all })
  })
}
