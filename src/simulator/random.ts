/** A deterministic source of choices: the same seed gives the same sequence on every machine. */
export interface Random {
  /** 0 <= n < below */
  integer(below: number): number
  /** 0 <= x < 1 */
  fraction(): number
  pick<T>(from: readonly T[]): T
  /** `length` characters of the alphabet */
  text(length: number, alphabet: string): string
  uuid(): string
}

const hexadecimal = '0123456789abcdef'

/**
 * The sfc32 generator of Chris Doty-Humphrey, seeded from up to three numbers.
 * @see https://pracrand.sourceforge.net/RNG_engines.txt
 */
export function randomFrom(...seeds: number[]): Random {
  let [a = 0, b = 0, c = 0] = seeds.map(seed => seed | 0)
  let counter = 1
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    c |= 0
    return sum >>> 0
  }
  for (let i = 0; i < 15; i++) next()

  const integer = (below: number) => Math.floor((next() / 0x1_0000_0000) * below)
  const text = (length: number, alphabet: string) => {
    let out = ''
    for (let i = 0; i < length; i++) out += alphabet[integer(alphabet.length)]
    return out
  }
  return {
    integer,
    fraction: () => next() / 0x1_0000_0000,
    pick: from => from[integer(from.length)]!,
    text,
    uuid: () => {
      const hex = (word: number) => word.toString(16).padStart(8, '0')
      const all = hex(next()) + hex(next()) + hex(next()) + hex(next())
      const variant = hexadecimal[8 + integer(4)]
      return `${all.slice(0, 8)}-${all.slice(8, 12)}-4${all.slice(13, 16)}-${variant}${all.slice(17, 20)}-${all.slice(20, 32)}`
    },
  }
}
