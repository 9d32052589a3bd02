/**
 * Tells what fails once, not at every look: again when it fails otherwise, when it failed after a success, and once an hour.
 * @param tell writes it to the log
 */
export function tellOnce(tell: (error: unknown) => void, now: () => Date): { failed(error: unknown): void; succeeded(): void } {
  let told: { readonly text: string; readonly at: number } | null = null
  return {
    failed(error) {
      const text = error instanceof Error ? error.message : String(error)
      if (told !== null && told.text === text && now().getTime() - told.at < againMs) return
      told = { text, at: now().getTime() }
      tell(error)
    },
    succeeded() {
      told = null
    },
  }
}

const againMs = 3_600_000
