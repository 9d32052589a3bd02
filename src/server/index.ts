export { listen, type ServerCode, ServerError } from './listen.ts'
export { buildServer, type Download, type Health, type Page, type PublishedKey, type ServerOptions } from './server.ts'
export { buildSharedBundle, type SharedBundleOptions } from './shared-bundle.ts'
