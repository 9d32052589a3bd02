import { AppError } from '../errors.ts'

/**
 * LISTEN_FAILED: the port is taken or may not be opened. UNKNOWN_OPERATION: a rule names an operation that the simulator does
 * not know, so it could never apply. IMPOSSIBLE_SIZE: an organization of that shape cannot exist.
 */
export type SimulatorCode = 'LISTEN_FAILED' | 'UNKNOWN_OPERATION' | 'IMPOSSIBLE_SIZE'

/** Trouble in setting a simulation up; what goes wrong on the wire is an AWS error answer instead. */
export class SimulatorError extends AppError<SimulatorCode> {}
