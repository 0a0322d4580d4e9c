/** Where the end of the access token may stand; the first that tells something counts. */
export const expiryNames = ['expired', 'expire', 'expires_at', 'expiresAt', 'expiry', 'expires'] as const;

/** Members that hold secrets of the vendor's: sealed at rest, never a fact. */
export const secretNames = ['access_token', 'refresh_token', 'id_token', 'api_key', 'cookie', 'client_secret', 'service_account'] as const;

/** Where sealed members stand. */
export const sealedName = 'keyward_sealed';
/** Who the account is, where nothing else in the file says it for good. */
export const identityName = 'keyward_identity';

const operatorNames = [
  'disabled', 'prefix', 'proxy_url', 'priority', 'weight', 'headers', 'excluded_models', 'model_aliases', 'disable_cooling', 'note', 'base_url',
  // Of the Go program: kept and settable, without effect here.
  'label', 'request_retry', 'request_scoped_errors', 'websockets', 'refresh_interval_seconds',
] as const;

export type OperatorName = (typeof operatorNames)[number];

export function isOperatorName(name: string): name is OperatorName {
  return operatorNames.some((known) => known === name);
}

const tokenNames: ReadonlySet<string> = new Set([...secretNames, ...expiryNames, 'last_refresh', 'expires_in', 'timestamp', 'token', 'type', sealedName, identityName]);

/** Members that a login's facts may set: neither token fields nor the operator's. */
export function isFactName(name: string): boolean {
  return !tokenNames.has(name) && !isOperatorName(name);
}
