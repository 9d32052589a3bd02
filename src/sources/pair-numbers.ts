/** Far above AWS's quota of permission sets in an instance. */
const mostSets = 1_000_000

/** Pairs of account and permission set by a number. */
export class PairNumbers {
  readonly #accounts = new Map<string, number>()
  readonly #sets = new Map<string, number>()
  readonly #accountIds: string[] = []
  readonly #setArns: string[] = []

  of(accountId: string, setArn: string): number {
    return numberIn(this.#accounts, this.#accountIds, accountId) * mostSets + numberIn(this.#sets, this.#setArns, setArn)
  }

  textOf(pair: number): string {
    return `${this.#accountIds[Math.floor(pair / mostSets)]}|${this.#setArns[pair % mostSets]}`
  }
}

function numberIn(numbers: Map<string, number>, words: string[], word: string): number {
  const known = numbers.get(word)
  if (known !== undefined) return known
  numbers.set(word, words.length)
  return words.push(word) - 1
}
