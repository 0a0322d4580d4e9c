import { faults, type FaultCode } from './codes.ts';

export interface FaultOptions {
  /** A public sentence that replaces the table's. Never foreign text that was not escaped, never a secret. */
  readonly message?: string;
  /** Further public members of the error object, e.g. `{ reset_seconds: 30 }`. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Further response headers, lower-case names, e.g. `{ 'retry-after': '30' }`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** For the log only. */
  readonly cause?: unknown;
}

/**
 * A refusal or failure that a caller is shown. `code` is one of the error table's; status and type come from there.
 * The log gets `cause`; the wire never does.
 */
export class AppError extends Error {
  readonly code: FaultCode;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: FaultCode, options: FaultOptions = {}) {
    super(options.message ?? faults[code].message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.fields = options.fields ?? {};
    this.headers = options.headers ?? {};
  }

  get status(): number {
    return faults[this.code].status;
  }
}

/** Turns anything thrown into an `AppError`; what is not one already becomes `internal_error` with the original as cause. */
export function toAppError(thrown: unknown): AppError {
  return thrown instanceof AppError ? thrown : new AppError('internal_error', { cause: thrown });
}
