import { expect } from 'chai'
import fc from 'fast-check'
import * as room from '../../src/controls/index.ts'
import { folderOf } from './estate-rows.ts'
import { mutated } from './mutant.ts'
import { compare, knockedOut, probes, straddling } from './soundness.ts'

describe('soundness of unknown', () => {
  it('changes no decided status when answers are refused', async function () {
    this.timeout(120_000)
    using folder = folderOf(probes)
    const catalog = room.loadCatalog({ ownFolders: [folder.path], parameters: straddling })
    expect(catalog.problems).to.deep.equal([])
    let compared = 0
    let unknown = 0
    await fc.assert(
      fc.asyncProperty(knockedOut, async ({ whole, refused }) => {
        const found = await compare(room, catalog, whole, refused)
        compared += found.compared
        unknown += found.unknown
        expect(found.contradictions).to.deep.equal([])
      }),
      { numRuns: 1500 },
    )
    expect(compared).to.be.greaterThan(100_000)
    // it must decide most of what it is asked, or soundness is worth nothing
    expect(unknown / compared).to.be.lessThan(0.6)
  })

  /** Each takes one thing out of the gap logic; the property above must notice. */
  const mutants: readonly (readonly [name: string, file: string, from: string, to: string])[] = [
    [
      'a list ends where it could be read',
      'values.ts',
      'list.isOpen || list.isUnbounded ? Number.POSITIVE_INFINITY : low + list.ghosts.length',
      'low',
    ],
    ['ghosts count once each, however many they stand for', 'values.ts', 'list.isOpen || list.isUnbounded ?', 'list.isOpen ?'],
    [
      'what may be a member is not asked',
      'lists.ts',
      'for (const ghost of list.ghosts) {\n    if (--meter.fuel < 0) return outOfFuel\n    const value = body(ghost)\n    if (value !== !wanted)',
      'for (const ghost of [] as unknown[]) {\n    if (--meter.fuel < 0) return outOfFuel\n    const value = body(ghost)\n    if (value !== !wanted)',
    ],
    ['an undecided item does not satisfy the predicate', 'lists.ts', 'maybe.push(item)', 'void item'],
    ['the lower end of an interval decides', 'operators.ts', 'high <= other ? false : why', 'false'],
    [
      'the upper end of <= is not asked',
      'operators.ts',
      'return high <= other ? true : low > other ? false : why',
      'return low <= other',
    ],
    ['an unread member is null', 'entity.ts', 'if (gap !== undefined) return gap', ''],
    ['a principal that may not be listed does not exist', 'estate-links.ts', 'gaps.list(table.dataset) ?? null', 'null'],
    ['an unread pair holds nothing', 'ghosts.ts', '  return new Ghosts(ghosts)', '  return new Ghosts([])'],
    [
      'an unread inline policy is none',
      'permission-set-rows.ts',
      'if (gap !== undefined) return gap\n    const row',
      'if (gap !== undefined) return null\n    const row',
    ],
    [
      'an unread administrator is no administrator',
      'effective-access.ts',
      'const ghosts = [...maybe].filter(user => !admins.has(user))',
      'const ghosts: User[] = []',
    ],
    ['an unread tag is none', 'questions.ts', 'return tags instanceof OpenList ? tags.why : null', 'return null'],
    ['an unread pair conflicts with nothing', 'questions.ts', 'if (!mayBeMore) return found', 'return found'],
    [
      'assignments of unread pairs reach nobody',
      'effective.ts',
      'if (list.ghosts.length > 0) maybe.add(list.ghosts)\n    gaps',
      'gaps',
    ],
    [
      'what a group that may be theirs is assigned reaches nobody',
      'effective.ts',
      'if (possible.length > 0) maybe.add(possible)',
      '',
    ],
    [
      'nothing that may be theirs conflicts',
      'questions.ts',
      'possible.push(...concernedOf(ghosts, wanted))',
      'void concernedOf(ghosts, wanted)',
    ],
    [
      'a group that may be theirs conflicts with nothing',
      'questions.ts',
      'each instanceof Group ? concernedOf(each, wanted) :',
      'each instanceof Group ? [] :',
    ],
    [
      'an unread address is nobody else’s',
      'directory.ts',
      'const ghosts = unread.map(each => each.user)',
      'const ghosts = unread.slice(0, 0).map(each => each.user)',
    ],
    [
      'an unread policy allows nothing',
      'policy-reach.ts',
      'if (statements.some(each => grantsSome(each, wanted, how, statements, oneself))) return true\n  return unread.length === 0 ?',
      'if (statements.some(each => grantsSome(each, wanted, how, statements, oneself))) return true\n  return unread.length >= 0 ?',
    ],
    [
      'an unread policy of the organization is not there',
      'organization.ts',
      'const gaps: Unknown[] = [this.policies.listGap(), this.targets.listGap()]',
      'const gaps: Unknown[] = [undefined as Unknown | undefined]',
    ],
    [
      'a group that could not be read reaches nobody',
      'effective.ts',
      'isOpen ||= list.isOpen\n  }\n  const ghosts',
      'isOpen ||= false\n  }\n  const ghosts',
    ],
    ['unread groups hold nobody', 'estate-links.ts', 'this.#unreadGroups.set(tables.groups.number', 'void (tables.groups.number'],
  ]

  for (const [name, file, from, to] of mutants) {
    it(`notices when ${name}`, async function () {
      this.timeout(120_000)
      using mutant = await mutated(file, from, to)
      const { failed, found } = await contradictions(mutant.room, 3000)
      expect(failed, 'the mutant lives').to.equal(true)
      expect(found).not.to.equal(0)
    })
  }

  it('notices nothing when nothing is taken out', async () => {
    using same = await mutated('values.ts', 'const mostGaps = 20', 'const mostGaps = 20')
    expect(await contradictions(same.room, 300)).to.deep.equal({ failed: false, found: 0 })
  })
})

async function contradictions(tried: typeof room, numRuns: number): Promise<{ failed: boolean; found: number }> {
  using folder = folderOf(probes)
  const catalog = tried.loadCatalog({ ownFolders: [folder.path], parameters: straddling })
  let found = 0
  const { failed } = await fc.check(
    fc.asyncProperty(knockedOut, async ({ whole, refused }) => {
      const wrong = (await compare(tried, catalog, whole, refused)).contradictions.length
      found += wrong
      return wrong === 0
    }),
    { numRuns, endOnFailure: true },
  )
  return { failed, found }
}
