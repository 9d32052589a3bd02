/** JSON as AWS sends it and as it is kept: no undefined, no Date. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [member: string]: Json }

/** What AWS said of one thing, in AWS's own spelling; timestamps as RFC 3339 text. Members that AWS did not send are absent. */
export type Facts = { readonly [member: string]: Json }
