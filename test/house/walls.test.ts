import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

/** The walls of docs/design.md, held against the code's own imports. */
const src = fileURLToPath(new URL('../../src/', import.meta.url))
const rooms = ['pipeline', 'sources', 'store', 'controls', 'reports', 'evidence', 'daemon', 'server', 'simulator', 'cli'] as const
const five: readonly string[] = ['sources', 'store', 'controls', 'reports', 'evidence']

/** Which room may use which third-party package; packages not named here are the root files' alone. */
const packages: Record<string, readonly string[]> = {
  sources: ['@aws-sdk/', '@smithy/', 'undici'],
  store: ['pg', 'pg-copy-streams', 'kysely'],
  controls: ['@marcbachmann/cel-js', 're2js', 'yaml', 'ajv'],
  reports: ['handlebars', 'pdfkit', '@fontsource/inter', 'fflate'],
  evidence: [],
  daemon: ['node-cron'],
  server: ['fastify', '@fastify/'],
  simulator: [],
  cli: ['commander'],
  '': ['ajv', 'yaml', 'winston', 'canonicalize', 'ajv-formats'],
}

interface Import {
  readonly from: string
  readonly to: string
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.ts'))
  .sort()

/** `model/` is no room: its files are what `model.ts` lists. */
const roomOf = (file: string): string =>
  file.includes('/') && !file.startsWith('model/') ? file.slice(0, file.indexOf('/')) : ''

const imports: readonly Import[] = files.flatMap(from => {
  const text = readFileSync(join(src, from), 'utf8')
  const found = text.matchAll(
    /^\s*(?:import|export)\b[^'"]*?from\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|^import\s+['"]([^'"]+)['"]/gm,
  )
  return [...found].map(match => {
    const target = match[1] ?? match[2] ?? match[3]!
    return { from, to: target.startsWith('.') ? relative(src, resolve(src, dirname(from), target)) : target }
  })
})

const inside = imports.filter(({ to }) => to.endsWith('.ts'))
const outside = imports.filter(({ to }) => !to.endsWith('.ts') && !to.startsWith('node:'))
const say = ({ from, to }: Import) => `${from} -> ${to}`

describe('the house', () => {
  it('has only the rooms of the design, and code in each', () => {
    const folders = [...new Set(files.map(roomOf))].filter(room => room !== '')
    expect(folders.sort()).to.deep.equal([...rooms].sort())
  })

  it('keeps the five rooms strangers to each other', () => {
    const wrong = inside.filter(({ from, to }) => five.includes(roomOf(from)) && roomOf(to) !== '' && roomOf(to) !== roomOf(from))
    expect(wrong.map(say)).to.deep.equal([])
  })

  it('lets root files import no room', () => {
    const wrong = inside.filter(({ from, to }) => roomOf(from) === '' && roomOf(to) !== '')
    expect(wrong.map(say)).to.deep.equal([])
  })

  it('takes nouns from model.ts alone', () => {
    const wrong = inside.filter(({ from, to }) => to.startsWith('model/') && from !== 'model.ts' && !from.startsWith('model/'))
    expect(wrong.map(say)).to.deep.equal([])
  })

  it('keeps the pipeline, which introduces the five, above them and below the rest', () => {
    const wrong = inside.filter(({ from, to }) => {
      if (roomOf(from) === 'pipeline') return !['', 'pipeline', ...five].includes(roomOf(to))
      return roomOf(to) === 'pipeline' && !['daemon', 'server', 'cli'].includes(roomOf(from))
    })
    expect(wrong.map(say)).to.deep.equal([])
  })

  it('keeps daemon and server strangers, and lets nobody import the command line', () => {
    const wrong = inside.filter(({ from, to }) => {
      if (roomOf(to) === 'cli') return roomOf(from) !== 'cli'
      if (roomOf(to) === 'daemon') return !['daemon', 'cli'].includes(roomOf(from))
      if (roomOf(to) === 'server') return !['server', 'cli'].includes(roomOf(from))
      return false
    })
    expect(wrong.map(say)).to.deep.equal([])
  })

  it('lets only the demo import the simulator, and the simulator nothing but root files', () => {
    const wrong = inside.filter(({ from, to }) => {
      if (roomOf(to) === 'simulator') return roomOf(from) !== 'simulator' && from !== 'cli/demo.ts'
      return roomOf(from) === 'simulator' && roomOf(to) !== ''
    })
    expect(wrong.map(say)).to.deep.equal([])
  })

  it('enters a room by its door only', () => {
    const wrong = inside.filter(
      ({ from, to }) => roomOf(to) !== '' && roomOf(to) !== roomOf(from) && to !== `${roomOf(to)}/index.ts`,
    )
    expect(wrong.map(say)).to.deep.equal([])
  })

  it('keeps each third-party package in its one room', () => {
    const wrong = outside.filter(({ from, to }) => {
      const allowed = packages[roomOf(from)] ?? []
      return !allowed.some(name => to === name || to.startsWith(name.endsWith('/') ? name : `${name}/`))
    })
    expect(wrong.map(say)).to.deep.equal([])
  })

  it('has no import circle', () => {
    const next = new Map<string, string[]>()
    for (const { from, to } of inside) next.set(from, [...(next.get(from) ?? []), to])
    const done = new Set<string>()
    const circles: string[] = []
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) {
        circles.push([...path.slice(path.indexOf(file)), file].join(' -> '))
        return
      }
      if (done.has(file)) return
      for (const target of next.get(file) ?? []) visit(target, [...path, file])
      done.add(file)
    }
    for (const file of files) visit(file, [])
    expect(circles).to.deep.equal([])
  })

  it('has doors that list names and hold no code, and no `export *`', () => {
    const stars = files.filter(file => /^\s*export\s+\*/m.test(readFileSync(join(src, file), 'utf8')))
    expect(stars).to.deep.equal([])
    const withCode = files
      .filter(file => /^[a-z]+\/index\.ts$/.test(file))
      .filter(file => {
        const rest = readFileSync(join(src, file), 'utf8')
          .replaceAll(/export\s+(type\s+)?\{[^}]*\}\s+from\s+'[^']+'/g, '')
          .replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
        return rest.trim() !== ''
      })
    expect(withCode).to.deep.equal([])
  })

  it('has no drawers named utils, lib, helpers or common', () => {
    expect(files.filter(file => /(^|\/)(utils?|lib|helpers?|common)(\/|\.ts$)/.test(file))).to.deep.equal([])
  })

  it('would notice a wall that is broken', () => {
    expect(imports.length).to.be.greaterThan(50)
    expect(outside.some(({ to }) => to.startsWith('@aws-sdk/'))).to.equal(true)
  })
})
