/**
 * THE error table: every code a caller of Keyward can see, with its HTTP status, wire type and public sentence.
 * `docs/errors.md` is generated from it. Codes are never reused for another meaning.
 *
 * `retry` says what a client should do: `never` (the same request fails again), `later` (after `Retry-After`),
 * `now` (a fresh attempt may succeed).
 */
export interface FaultRow {
  readonly status: number;
  /** The `error.type` of the OpenAI and Anthropic envelopes. */
  readonly type: string;
  readonly retry: 'never' | 'later' | 'now';
  readonly message: string;
  /** What a person does about it; shown in `docs/errors.md`. */
  readonly fix: string;
}

export const faults = {
  // The request itself
  invalid_request_target: { status: 400, type: 'invalid_request_error', retry: 'never', message: 'The request target is not a plain absolute path.', fix: 'Send an origin-form target such as `/v1/models`, without dot segments, `//`, encoded slashes or NUL.' },
  duplicate_header: { status: 400, type: 'invalid_request_error', retry: 'never', message: 'A header that decides on access was sent twice.', fix: 'Send `Host` and `Authorization` once.' },
  invalid_request: { status: 400, type: 'invalid_request_error', retry: 'never', message: 'The request is not valid.', fix: 'The message names the field.' },
  invalid_json: { status: 400, type: 'invalid_request_error', retry: 'never', message: 'The body is not valid JSON.', fix: 'The message names line and column.' },
  duplicate_member: { status: 400, type: 'invalid_request_error', retry: 'never', message: 'A JSON member that Keyward decides on appears twice.', fix: 'Send each of `model`, `stream`, … once.' },
  missing_model: { status: 400, type: 'invalid_request_error', retry: 'never', message: 'The request names no model.', fix: 'Add a `model` string; `GET /v1/models` lists what is served.' },
  conflicting_credentials: { status: 400, type: 'invalid_request_error', retry: 'never', message: 'Two valid credentials of different callers were presented.', fix: 'Send one credential.' },
  unsupported_parameter: { status: 400, type: 'invalid_request_error', retry: 'never', message: 'A parameter cannot be honoured here.', fix: 'The message names it.' },
  invalid_yaml: { status: 400, type: 'invalid_request_error', retry: 'never', message: 'The body is not valid YAML.', fix: 'The message names line and column.' },
  invalid_config: { status: 422, type: 'invalid_request_error', retry: 'never', message: 'The configuration is not valid.', fix: '`error.problems` lists every problem with line and column.' },
  not_found: { status: 404, type: 'not_found', retry: 'never', message: 'Not Found', fix: 'Check the path; `GET /` lists the endpoints.' },
  item_not_found: { status: 404, type: 'not_found_error', retry: 'never', message: 'Nothing matches.', fix: 'List the resource to see what there is.' },
  method_not_allowed: { status: 405, type: 'invalid_request_error', retry: 'never', message: 'This method is not served on this path.', fix: 'The `Allow` header lists the methods.' },
  length_required: { status: 411, type: 'invalid_request_error', retry: 'never', message: 'The request carries no usable length.', fix: 'Send `Content-Length` or `Transfer-Encoding: chunked`.' },
  precondition_failed: { status: 412, type: 'invalid_request_error', retry: 'never', message: 'The object changed since it was read.', fix: 'Read it again and repeat the edit with the new `ETag`.' },
  body_too_large: { status: 413, type: 'invalid_request_error', retry: 'never', message: 'The body is larger than allowed.', fix: 'Raise `max-body-mb` or send less.' },
  unsupported_media_type: { status: 415, type: 'invalid_request_error', retry: 'never', message: 'The content type or encoding is not served here.', fix: 'Send `application/json` (or the type the message names), encoded as identity, gzip, br or zstd.' },
  misdirected_request: { status: 421, type: 'invalid_request_error', retry: 'never', message: 'This Host name is not served.', fix: 'Add the name to `allowed-hosts`.' },
  headers_too_large: { status: 431, type: 'invalid_request_error', retry: 'never', message: 'The request headers are larger than 32 kB.', fix: 'Send fewer or shorter headers.' },
  request_timeout: { status: 408, type: 'invalid_request_error', retry: 'now', message: 'The request did not arrive in time.', fix: 'Send the whole request without long pauses.' },

  // Who is calling
  missing_api_key: { status: 401, type: 'authentication_error', retry: 'never', message: 'invalid password', fix: 'Send `Authorization: Bearer <key>` with one of the configured client keys.' },
  invalid_api_key: { status: 401, type: 'authentication_error', retry: 'never', message: 'invalid password', fix: 'Check the key for typos; `keyward doctor` shows which keys are configured (masked).' },
  key_expired: { status: 401, type: 'authentication_error', retry: 'never', message: 'This key has expired.', fix: 'Rotate or extend it.' },
  key_revoked: { status: 401, type: 'authentication_error', retry: 'never', message: 'This key was revoked.', fix: 'Ask the operator for a new one.' },
  token_expired: { status: 401, type: 'authentication_error', retry: 'never', message: 'This access token has expired.', fix: 'Get a new one; `keyward token` and OAuth libraries do so by themselves.' },
  token_revoked: { status: 401, type: 'authentication_error', retry: 'never', message: 'This access token was revoked, or the login or client behind it has ended.', fix: 'Log in again (`keyward login`), or ask the operator for a client.' },
  invalid_dpop_proof: { status: 401, type: 'authentication_error', retry: 'never', message: 'This access token is bound to a key, and the request does not prove that it comes from the holder.', fix: 'Send it as `Authorization: DPoP <token>` with a fresh `DPoP` proof (RFC 9449); `keyward token` prints one that needs none.' },
  origin_not_allowed: { status: 403, type: 'permission_error', retry: 'never', message: 'This web origin may not call Keyward.', fix: 'Send a client key in a header, or add the origin to `allowed-origins`.' },
  local_only: { status: 403, type: 'permission_error', retry: 'never', message: 'This is open to local callers only.', fix: 'Call from this machine without a proxy in between, or present a client key.' },
  missing_management_key: { status: 401, type: 'authentication_error', retry: 'never', message: 'invalid password', fix: 'Send `Authorization: Bearer <management secret>`.' },
  invalid_management_key: { status: 401, type: 'authentication_error', retry: 'never', message: 'invalid password', fix: 'Check `MANAGEMENT_PASSWORD` or `remote-management.secret-key`.' },
  remote_management_disabled: { status: 403, type: 'permission_error', retry: 'never', message: 'remote management disabled', fix: 'Call from localhost, or set `remote-management.allow-remote: true`.' },
  too_many_failures: { status: 403, type: 'permission_error', retry: 'later', message: 'Too many wrong keys from this address.', fix: 'Wait for `Retry-After`; a correct key still passes.' },
  auth_unavailable: { status: 503, type: 'api_error', retry: 'later', message: 'The key store cannot be read right now.', fix: 'Retry; the operator sees the cause in the log and in `keyward doctor`.' },
  exceeds_minter: { status: 403, type: 'permission_error', retry: 'never', message: 'A key cannot be given more than who gives it has.', fix: 'The message names the member; lower it, or have it made by the operator.' },
  identity_disabled: { status: 409, type: 'invalid_request_error', retry: 'never', message: 'This daemon issues no tokens.', fix: 'Set `identity.enabled: true` and restart; see docs/machines.md and docs/people.md.' },
  too_many_keys: { status: 409, type: 'invalid_request_error', retry: 'never', message: 'As many keys hang on this one as may.', fix: 'Revoke keys that nobody uses; a key that makes many gives them a short `expires_in`.' },
  root_required: { status: 403, type: 'permission_error', retry: 'never', message: 'Only the root management secret may do this.', fix: 'Repeat with the management secret.' },

  address_not_allowed: { status: 403, type: 'permission_error', retry: 'never', message: 'This key may not be used from this address.', fix: 'Call from an address that the key allows; the operator widens its `addresses`.' },
  scope_not_allowed: { status: 403, type: 'permission_error', retry: 'never', message: 'This key may not do this.', fix: 'Use a key that has the scope in `error.scope`; the operator widens its `scopes`.' },

  // How much a key may use
  rate_limit_exceeded: { status: 429, type: 'rate_limit_error', retry: 'later', message: 'A rate limit of this key is reached.', fix: 'Wait for `Retry-After`; `error.limit` names the limit. Keyward set it, not the upstream.' },
  budget_exhausted: { status: 429, type: 'rate_limit_error', retry: 'later', message: 'A budget of this key is used up.', fix: 'Wait for `Retry-After`, or ask the operator to raise the budget that `error.limit` names.' },

  // Routing and upstream
  model_not_allowed: { status: 403, type: 'permission_error', retry: 'never', message: 'This key may not use this model.', fix: '`GET /v1/models` lists what the key may use; the operator widens its limit.' },
  account_not_allowed: { status: 403, type: 'permission_error', retry: 'never', message: 'This key may not use any account that could serve this.', fix: 'Use another model, or ask the operator to widen the key’s `accounts`.' },
  model_not_found: { status: 404, type: 'invalid_request_error', retry: 'never', message: 'No account serves this model.', fix: '`GET /v1/models` lists what is served; `keyward explain` says why.' },
  dialect_not_served: { status: 501, type: 'invalid_request_error', retry: 'never', message: 'This model is served, but not by this operation.', fix: 'Use another model; `keyward explain` lists the accounts of this one. Only generating and counting are translated between dialects.' },
  response_not_found: { status: 404, type: 'invalid_request_error', retry: 'never', message: 'No response of yours has this id.', fix: 'Use an id that this key received from `POST /v1/responses` through Keyward.' },
  previous_response_not_found: { status: 404, type: 'invalid_request_error', retry: 'never', message: 'No response of yours has the id in `previous_response_id`.', fix: 'Send the whole conversation, or an id that this key received.' },
  model_cooldown: { status: 429, type: 'rate_limit_error', retry: 'later', message: 'All accounts that serve this model are cooling down.', fix: 'Wait for `Retry-After`.' },
  account_unavailable: { status: 503, type: 'api_error', retry: 'never', message: 'Accounts for this model exist, but none can be used.', fix: 'The operator sees which and why in `keyward explain` and `keyward status`.' },
  upstream_error: { status: 502, type: 'api_error', retry: 'now', message: 'The upstream broke off or failed.', fix: 'Retry; `error.upstream_status` has what it said.' },
  upstream_timeout: { status: 504, type: 'api_error', retry: 'now', message: 'The upstream did not answer in time.', fix: 'Retry, or raise the upstream timeouts.' },
  upstream_refused_address: { status: 502, type: 'api_error', retry: 'never', message: 'The upstream address is not one that Keyward connects to.', fix: 'Correct `base-url`; link-local and metadata addresses are never used.' },
  stream_truncated: { status: 502, type: 'api_error', retry: 'now', message: 'The upstream ended the stream before it was complete.', fix: 'Retry; the answer so far is not complete.' },
  overloaded: { status: 503, type: 'overloaded_error', retry: 'later', message: 'Keyward is shutting down or at its limit of open exchanges.', fix: 'Retry after `Retry-After`.' },
  too_many_exchanges: { status: 429, type: 'rate_limit_error', retry: 'later', message: 'This client has too many requests open.', fix: 'Wait for one to end, or raise `max-open-exchanges-per-client`.' },

  // WebSockets
  upgrade_required: { status: 426, type: 'invalid_request_error', retry: 'never', message: 'This endpoint is served over WebSocket.', fix: 'Connect with a WebSocket client (`wss://…` or `ws://…`).' },
  too_many_sockets: { status: 429, type: 'rate_limit_error', retry: 'later', message: 'Too many WebSockets are open.', fix: 'Close some, or raise `websocket.max-open` or `websocket.max-open-per-client`.' },
  invalid_stream_id: { status: 400, type: 'invalid_request_error', retry: 'never', message: '`stream_id` must be 1 to 256 letters, digits, `_`, `-` or `.`.', fix: 'Send such a `stream_id`, or none.' },
  websocket_stream_limit_reached: { status: 400, type: 'invalid_request_error', retry: 'never', message: 'This WebSocket has used 32 different values of `stream_id`.', fix: 'Use one of them again, or open another WebSocket.' },
  websocket_connection_limit_reached: { status: 400, type: 'invalid_request_error', retry: 'now', message: 'This WebSocket has lived as long as one may.', fix: 'Open another one.' },

  // Upstream logins and the auth directory
  login_not_offered: { status: 404, type: 'not_found_error', retry: 'never', message: 'There is no login of this name.', fix: 'Use one of the presets, or define `oauth.<name>` in the config.' },
  oauth_client_not_configured: { status: 409, type: 'invalid_request_error', retry: 'never', message: 'No OAuth client is configured for this login.', fix: 'Register a client with the provider and add the lines the message shows.' },
  too_many_logins: { status: 429, type: 'rate_limit_error', retry: 'later', message: 'Too many logins at this provider are waiting to be finished.', fix: 'Finish or cancel one; each ends by itself after ten minutes.' },
  login_state_unknown: { status: 400, type: 'invalid_request_error', retry: 'never', message: 'No login with this state is known here.', fix: 'Start the login again; a restart forgets logins that were under way.' },
  login_state_used: { status: 400, type: 'invalid_request_error', retry: 'never', message: 'This state was used before.', fix: 'Each login can be finished once; start a new one.' },
  login_state_expired: { status: 400, type: 'invalid_request_error', retry: 'never', message: 'This login was not finished in time.', fix: 'Start it again and finish it within ten minutes.' },
  login_provider_mismatch: { status: 400, type: 'invalid_request_error', retry: 'never', message: 'This state belongs to a login at another provider.', fix: 'Finish it at the provider it was started for.' },
  login_issuer_mismatch: { status: 400, type: 'invalid_request_error', retry: 'never', message: 'The answer names another issuer than the login was started at.', fix: 'Start the login again, and only from a page you opened yourself.' },
  login_denied: { status: 400, type: 'permission_error', retry: 'never', message: 'The provider did not grant the login.', fix: 'The message has what the provider said.' },
  login_failed: { status: 502, type: 'api_error', retry: 'now', message: 'The provider did not complete the login.', fix: 'Start it again; the message and the log have what the provider said.' },
  invalid_auth_file: { status: 422, type: 'invalid_request_error', retry: 'never', message: 'This is no usable account file.', fix: 'The message says what is wrong and where; nothing was written.' },
  auth_file_not_writable: { status: 409, type: 'invalid_request_error', retry: 'never', message: 'This account file cannot be written by Keyward.', fix: 'It is a link, read-only, sealed with another key, or its directory is full; the message says which.' },

  // Management
  conflict: { status: 409, type: 'invalid_request_error', retry: 'never', message: 'The change conflicts with the present state.', fix: 'The message says with what.' },
  ambiguous_match: { status: 409, type: 'invalid_request_error', retry: 'never', message: 'More than one item matches.', fix: 'Name it by `index`.' },
  would_open_access: { status: 409, type: 'invalid_request_error', retry: 'never', message: 'This change would let every caller in without a key.', fix: 'Repeat with `?allow-open=true` if that is meant.' },
  secret_required: { status: 409, type: 'invalid_request_error', retry: 'never', message: 'Changing where a secret is sent needs the secret again.', fix: 'Send the secret along with the change.' },
  config_not_writable: { status: 409, type: 'invalid_request_error', retry: 'never', message: 'The config file cannot be written by Keyward.', fix: 'It is a link, read-only, or was changed meanwhile; edit it by hand.' },
  storage_unavailable: { status: 503, type: 'api_error', retry: 'later', message: 'The usage and audit store cannot be used right now.', fix: 'Check disk space and permissions of `data-dir`.' },
  audit_unavailable: { status: 503, type: 'api_error', retry: 'later', message: 'This cannot be put on record right now, and `audit.fail-closed` asks for that.', fix: 'Check disk space and permissions of `data-dir`; the log has the cause.' },
  internal_error: { status: 500, type: 'api_error', retry: 'now', message: 'Keyward failed to handle this request.', fix: 'Report the `x-request-id`; the log has the cause.' },
} as const satisfies Record<string, FaultRow>;

export type FaultCode = keyof typeof faults;
