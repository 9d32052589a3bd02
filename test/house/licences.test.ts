import { readFileSync } from 'node:fs'
import { expect } from 'chai'

interface Locked {
  readonly license?: string
  readonly dev?: boolean
  readonly version?: string
}

const permissive = new Set([
  'MIT',
  'Apache-2.0',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'Python-2.0',
  'PSF-2.0',
  'CC0-1.0',
  'Unlicense',
  'MIT-0',
  'PostgreSQL',
  'OFL-1.1',
])

/** Weak copyleft is let in where nothing of it is shipped. */
const permissiveInDevelopment = new Set(['MPL-2.0'])

/** Packages that name no licence in their package.json; what the licence file in them says. */
const readInTheirFiles: Readonly<Record<string, string>> = { 'node_modules/png-js': 'MIT' }

describe('the dependencies', () => {
  const read = (name: string) => JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8'))
  const packages = Object.entries(read('package-lock.json').packages as Record<string, Locked>).filter(([path]) => path !== '')

  it('all have permissive licences', () => {
    const wrong = packages.filter(([path, { license = readInTheirFiles[path] ?? 'none given', dev }]) => {
      const choices = license.replaceAll(/[()]/g, '').split(/\s+OR\s+/)
      return !choices.some(choice =>
        choice.split(/\s+AND\s+/).every(each => permissive.has(each) || (dev === true && permissiveInDevelopment.has(each))),
      )
    })
    expect(wrong.map(([path, { license }]) => `${path}: ${license}`)).to.deep.equal([])
    expect(packages.length).to.be.greaterThan(100)
  })

  it('are pinned exactly', () => {
    const { dependencies, devDependencies, optionalDependencies } = read('package.json')
    const loose = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }).filter(
      ([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(String(version)),
    )
    expect(loose).to.deep.equal([])
  })
})
