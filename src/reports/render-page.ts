import type { ControlView, ExceptionsView, FindingsView, FindingView } from './finding-pages.ts'
import type { HomeView } from './home-view.ts'
import { type Look, plainLook } from './look.ts'
import type { SharedBundleView } from './shared-bundle-view.ts'
import { renderTemplate, styleSources } from './templates.ts'

/** A page that says what went wrong and the way out. */
export interface ErrorView {
  readonly kind: 'error'
  /** HTTP status, e.g. 404 */
  readonly status: number
  readonly title: string
  readonly message: string
  readonly hint: string | null
  readonly softwareVersion: string
}

/** A rendered page, and the `style-src` sources that its Content-Security-Policy needs to let its own style through. */
export interface Page {
  readonly html: string
  readonly styleSources: string
}

/**
 * Renders a page of the server with the same templates as the documents. It needs no script and refers to nothing but its links:
 * `default-src 'none'; style-src <styleSources>; form-action 'none'; frame-ancestors 'none'` is policy enough.
 * @throws {ReportsError} TEMPLATE_BROKEN
 */
export function renderPage(
  view: HomeView | FindingsView | FindingView | ControlView | ExceptionsView | SharedBundleView | ErrorView,
  look: Look = plainLook,
): Page {
  const html = renderTemplate(view.kind, view, look)
  return { html, styleSources: styleSources(html) }
}
