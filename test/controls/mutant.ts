import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import type * as Controls from '../../src/controls/index.ts'

const project = join(import.meta.dirname, '../..')

/** The room with one place of its source changed, in a folder of its own. */
export async function mutated(file: string, from: string, to: string): Promise<{ readonly room: typeof Controls } & Disposable> {
  const folder = mkdtempSync(join(tmpdir(), 'mutant-'))
  const target = join(folder, 'src/controls', file)
  mkdirSync(join(folder, 'src'))
  const roots = readdirSync(join(project, 'src'), { withFileTypes: true }).filter(each => each.isFile())
  for (const root of [...roots.map(({ name }) => name), 'controls']) {
    cpSync(join(project, 'src', root), join(folder, 'src', root), { recursive: true })
  }
  symlinkSync(join(project, 'node_modules'), join(folder, 'node_modules'))
  symlinkSync(join(project, 'controls'), join(folder, 'controls'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  const source = readFileSync(target, 'utf8')
  expect(source.split(from).length, `${file} holds the place once`).to.equal(2)
  writeFileSync(
    target,
    source.replace(from, () => to),
  )
  const changed: typeof Controls = await import(pathToFileURL(join(folder, 'src/controls/index.ts')).href)
  return { room: changed, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) }
}
