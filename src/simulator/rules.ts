import type { Input, Service } from './call.ts'
import { SimulatorError } from './errors.ts'

/** What can go wrong with an answer. */
export type Fault =
  /** an error of the server's own; `code` names it, else what the service is known for */
  | { readonly kind: 'status'; readonly status: 500 | 503; readonly code?: string }
  /** no answer for so long (then a proper one), or none at all */
  | { readonly kind: 'hang'; readonly ms?: number }
  /** the connection breaks in the middle of the body */
  | { readonly kind: 'truncate' }
  /** the connection breaks before the answer */
  | { readonly kind: 'reset' }
  /** any AWS error; HTTP status as the service gives to errors of that kind unless named */
  | {
      readonly kind: 'error'
      readonly code: string
      readonly message?: string
      readonly members?: object
      readonly status?: number
    }
  /** refuses the token of a page; first pages are not touched and do not use the fault up */
  | { readonly kind: 'expired_page_token' }
  /** ends the caller's session for good: only new credentials help */
  | { readonly kind: 'expired_credentials' }
  /** answers a page with the token it was asked with; first pages are not touched */
  | { readonly kind: 'repeat_token' }
  /** serves a row twice: once more on the next page, or on the same page when it is the first */
  | { readonly kind: 'duplicate_items' }
  /** leaves the first row of a page out */
  | { readonly kind: 'missing_items' }
  /** writes something else into the body, as it goes over the wire */
  | { readonly kind: 'replace'; readonly text: string; readonly by: string }

/** Which calls a rule is about, by their input. */
export type When = (input: Input) => boolean
/** Runs before a call is answered. */
export type Hook = (input: Input) => void | Promise<void>

/** The denials, faults and hooks that tests put up. Operations are named `ListUsers`, or `identitystore:ListUsers` where two services have one of that name. */
export type Rules = ReturnType<typeof rulesFor>

export function rulesFor(services: readonly Service[]) {
  const denials: { action: string; when: When | undefined }[] = []
  const faults: { operation: string; fault: Fault; left: number; when: When | undefined }[] = []
  const hooks: { operation: string; run: Hook }[] = []
  const known = new Set(
    services.flatMap(service => [
      `${service.name}:*`,
      ...Object.keys(service.operations).flatMap(name => [name, `${service.name}:${name}`]),
    ]),
  )
  const check = (name: string) => {
    const spelled = name.replace('.', ':')
    if (known.has(spelled)) return spelled
    throw new SimulatorError('UNKNOWN_OPERATION', `no simulated service has an operation ${name}`, {
      hint: 'name it like ListUsers or identitystore:ListUsers',
    })
  }
  const meets = (rule: string, action: string) => {
    const operation = action.slice(action.indexOf(':') + 1)
    return rule === action || rule === operation || rule === `${action.slice(0, action.indexOf(':'))}:*`
  }
  return {
    deny(action: string, when?: When): void {
      denials.push({ action: check(action), when })
    },
    allow(action: string): void {
      const spelled = check(action)
      for (let i = denials.length - 1; i >= 0; i--) if (denials[i]?.action === spelled) denials.splice(i, 1)
    },
    fault(operation: string, fault: Fault, times = 1, when?: When): void {
      faults.push({ operation: check(operation), fault, left: times, when })
    },
    hook(operation: string, run: Hook): void {
      hooks.push({ operation: check(operation), run })
    },

    isDenied: (action: string, input: Input) =>
      denials.length > 0 && denials.some(one => meets(one.action, action) && (one.when?.(input) ?? true)),

    /** The first fault that applies; it is used up by one. */
    takeFault(action: string, input: Input): Fault | null {
      if (faults.length === 0) return null
      const onLaterPage = (input.NextToken ?? input.Marker ?? null) !== null
      const index = faults.findIndex(
        ({ operation, fault, when }) =>
          meets(operation, action) &&
          (onLaterPage || (fault.kind !== 'expired_page_token' && fault.kind !== 'repeat_token')) &&
          (when?.(input) ?? true),
      )
      const found = faults[index]
      if (!found) return null
      found.left -= 1
      if (found.left <= 0) faults.splice(index, 1)
      return found.fault
    },

    async runHooks(action: string, input: Input): Promise<void> {
      for (const { operation, run } of hooks) if (meets(operation, action)) await run(input)
    },
    hasHooks: () => hooks.length > 0,
  }
}
