import { expect } from 'chai'
import { mutated } from '../controls/mutant.ts'

/** Each takes one thing out of the gap logic of changes, reviews, people and IAM; a case of a control must notice. */
const mutants: readonly (readonly [name: string, file: string, from: string, to: string])[] = [
  ['a beginning that nothing proves is proven', 'past.ts', 'return !isFromTheStart && notBefore === null', 'return false'],
  ['what nothing dates began when it was seen', 'past.ts', '(from <= version || notBefore === null)', '(from <= version)'],
  [
    'a change of which nobody knows is none',
    'change-events.ts',
    'unproven.push(...states.filter(state => isUnproven(state) && each.signature(state.facts) !== null))',
    'void isUnproven',
  ],
  ['an unread past of a policy did not matter', 'past-sets.ts', 'gaps: [...snapshot.gaps, ...gaps]', 'gaps: snapshot.gaps'],
  [
    'a grant that may be older is new',
    'admin-grant.ts',
    'isOlder ? perhaps.map(each => each.why!).reduce(joinGaps) : true',
    'true',
  ],
  [
    'a grant that may be there is not',
    'admin-grant.ts',
    'return run.from > past.first ? [new AdminGrant',
    'return run.from < 0 ? [new AdminGrant',
  ],
  [
    'an approval of a thing without a name fits nothing',
    'approvals.ts',
    'if (thing.name instanceof Undecided) return thing.name',
    "if (thing.name instanceof Undecided) return 'no'",
  ],
  [
    'an approval is not looked for under a name that was not read',
    'approvals.ts',
    'if (thing.name instanceof Undecided) return this.#all',
    'if (thing.name instanceof Undecided) continue',
  ],
  [
    'an approval that may fit does not',
    'approvals.ts',
    'if (ghosts.length === 0) return { list: items, ambiguous }',
    'return { list: items, ambiguous }',
  ],
  [
    'a name is one account’s although accounts were not listed',
    'approvals.ts',
    'sharing instanceof Undecided ? sharing :',
    "sharing instanceof Undecided ? 'yes' :",
  ],
  [
    'a leaver has no users that were not listed',
    'leaver.ts',
    'if (!(now instanceof OpenList) && this.#maybe.length === 0) return items',
    'return items',
  ],
  [
    'a user was disabled as soon as nobody looked',
    'leaver.ts',
    "if (state.facts.UserStatus !== 'ENABLED') return unproven()",
    "if (state.facts.UserStatus !== 'ENABLED') return 0",
  ],
  [
    'a user was taken away when last seen',
    'leaver.ts',
    'low instanceof Undecided || low >= gone ? low : new Count(low, gone, unproven())',
    'low',
  ],
  [
    'a count that IAM refused is none',
    'iam-estate.ts',
    "if (row === undefined) return summaries?.absence(accountId, '') ?? null",
    'if (row === undefined) return null',
  ],
  ['a broken cell of the report says never', 'iam-account.ts', 'if (broken !== undefined)', 'if (broken === this)'],
  [
    'whoever may be gone was nobody',
    'leaver.ts',
    'if (matched instanceof OpenList) maybe.push(',
    'if (matched instanceof OpenList) void (',
  ],
  ['a roster that was not imported has nobody', 'changes.ts', 'if (roster !== undefined) return closedOr([], roster)', ''],
  [
    'a decision that may fit does not',
    'reviews.ts',
    'if (maybe.length === 0) return { decisions: items, ambiguous }',
    'return { decisions: items, ambiguous }',
  ],
  ['the last decision that is known is the last', 'reviews.ts', '(doubts.length === 0 || doubts.reduce(joinGaps))', 'true'],
  [
    'somebody among users who were not listed has no name',
    'reviews.ts',
    'return unread === undefined ? { id, name } : { id, name, unread }',
    'return { id, name }',
  ],
  ['a thing without a name was reviewed by nobody', 'reviews.ts', 'this.#isUnnamed(thing) ? this.#rows :', ''],
  [
    'a reviewer without a name is somebody else',
    'approvals.ts',
    'return user.name instanceof Undecided ? user.name : (user.unread ?? false)',
    'return user.unread ?? false',
  ],
  ['a reviewer whose addresses were not read is somebody else', 'approvals.ts', '(user.unread ?? false)', 'false'],
  [
    'a group that may administer does not',
    'entitlements.ts',
    'if (isAdmin !== false) undecided ??= isAdmin\n  }\n  for',
    'void isAdmin\n  }\n  for',
  ],
  [
    'a person without users has none that were not listed',
    'people.ts',
    'if (unlisted === undefined && maybe.length === 0) return sure',
    'return sure',
  ],
  [
    'an unread address is none',
    'people.ts',
    'if (email instanceof Undecided) return closedOr([], email)',
    'if (email instanceof Undecided) return []',
  ],
  [
    'an unread tag of an IAM user names nobody',
    'people.ts',
    'if (tagged instanceof Undecided) untold.push(',
    'if (tagged instanceof Undecided) void (',
  ],
  [
    'an account that refused has no IAM users',
    'iam-estate.ts',
    'return gaps.length === 0 ? undefined : gaps.slice(0, 20).reduce(joinGaps)',
    'return undefined',
  ],
  [
    'IAM that was not read hides nobody',
    'iam-estate.ts',
    'accounts.flatMap(({ gaps }) => names.flatMap(name => gaps.list(name)?.gaps ?? []))',
    '[]',
  ],
  [
    'a policy that was not listed is not there',
    'iam-account.ts',
    'return row ?? this.gaps.list(this.managed.dataset) ?? null',
    'return row ?? null',
  ],
  [
    'what a policy may be missing from is nothing',
    'customer-policies.ts',
    'else if (found instanceof Undecided) gaps.push(found)',
    '',
  ],
  [
    'a policy whose document was not read allows nothing',
    'iam-principal.ts',
    'unread: [...all.flatMap(each => each.unread), ...open]',
    'unread: []',
  ],
  [
    'an unread line of the report says no',
    'iam-principals.ts',
    '#flag(column: string): boolean | Unknown {\n    const line = this.estate.reportLine(this.key)\n    if (line instanceof Undecided) return line',
    '#flag(column: string): boolean | Unknown {\n    const line = this.estate.reportLine(this.key)\n    if (line instanceof Undecided) return false',
  ],
  [
    'keys that were not read are none',
    'iam-principals.ts',
    "estate.accessKeys.partGap(this.key, this.key.split('/').at(-1)!),",
    'undefined,',
  ],
  ['a role whose policies were not read only reads', 'collector-role.ts', '[...grants.unread, ...untold', '[...untold'],
  ['an action that nobody knows reads', 'collector-role.ts', '...untold.map(pattern => this.#untold(pattern))', ''],
]

describe('mutants of the gap logic of changes, reviews, people and IAM', function () {
  this.timeout(120_000)

  for (const [name, file, from, to] of mutants) {
    it(`die: ${name}`, async () => {
      using mutant = await mutated(file, from, to)
      const { controls } = mutant.room.runCases(mutant.room.loadCatalog())
      expect(controls, 'controls with cases').to.have.length.greaterThan(60)
      expect(controls.filter(({ ok }) => !ok).map(({ id }) => id)).not.to.deep.equal([])
    })
  }

  it('are told from the room as it is', async () => {
    using same = await mutated(
      'past.ts',
      'return !isFromTheStart && notBefore === null',
      'return !isFromTheStart && notBefore === null',
    )
    expect(same.room.runCases(same.room.loadCatalog()).ok).to.equal(true)
  })
})
