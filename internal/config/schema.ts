import * as v from 'valibot';
import { duration, flag, integer, jsonByPath, list, mapOf, maybeDuration, maybeInteger, maybeSecret, notes, oneOf, price, requiredText, secretText, section, text, texts } from './kinds.ts';

/*
 * THE settings table: every key of `config.yaml`, its type, default, unit, meaning and whether it takes effect live.
 * docs/configuration.md, config.schema.json and the comments of config.example.yaml follow from it.
 */

const modelName = v.object({
  name: requiredText('Name of the model at the upstream.'),
  alias: text('', 'Name by which clients call it; empty means the upstream name.'),
  'max-output-tokens': maybeInteger('The most tokens it answers with; translated requests ask for no more.'),
});

const headers = mapOf(secretText('Value of an extra upstream header.'), 'Extra headers sent upstream.');
const dialect = v.picklist(['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini']);

const entryCommon = {
  prefix: text('', 'Its models are also reached as `prefix/model` (only so with `force-model-prefix`).'),
  'proxy-url': text('', 'Proxy for this entry: http, https, socks5, or `direct` for none.', { secret: 'userinfo' }),
  headers,
  models: list(modelName, 'Models this entry serves; absent means any name under its prefix.'),
  'excluded-models': texts('Model names it does not serve; `*` matches any run of characters.'),
  priority: integer(0, { min: -1_000_000, max: 1_000_000 }, 'Higher goes first.'),
  weight: integer(1, { min: 0, max: 10_000 }, 'Share under `weighted-round-robin`; 0 excludes.'),
  disabled: flag(false, 'Kept in the file, not used.'),
  'disable-cooling': flag(false, 'Never put this entry on cooldown.'),
  'request-retry': maybeInteger('In how many further rounds this entry is asked, in place of the global `request-retry`.'),
  dialects: v.optional(v.pipe(v.array(dialect), v.metadata(notes('Wire protocols the endpoint speaks; absent means the vendor’s own.')))),
  'insecure-http': flag(false, 'Allow a plain `http:` base-url on a public address.'),
};

/** One upstream API key of a vendor. */
const keyEntry = v.object({
  'api-key': secretText('The upstream API key.'),
  'base-url': text('', 'Endpoint; empty means the vendor’s public one.'),
  ...entryCommon,
});

const vertexEntry = v.object({
  'api-key': secretText('The upstream API key.'),
  'base-url': requiredText('Vertex-style endpoint.'),
  ...entryCommon,
});

const compatEntry = v.object({
  name: requiredText('Name of the provider, lower-case; the provider id.'),
  'base-url': requiredText('Endpoint, including `/v1` where the vendor has it.'),
  'api-key-entries': list(
    v.object({ 'api-key': secretText('The upstream API key.'), 'proxy-url': text('', 'Proxy for this key alone.', { secret: 'userinfo' }) }),
    'Keys used in turn; empty for an endpoint without keys.',
  ),
  'api-keys': list(secretText('An upstream API key.'), 'Legacy spelling of `api-key-entries`.'),
  ...entryCommon,
});

/** An upstream login: a preset's overrides, or an endpoint of the operator's own (contract §9). */
const login = v.object({
  'client-id': text('', 'Client id registered with the provider.'),
  'client-secret': maybeSecret('Client secret, where the provider gave one.'),
  'client-auth': oneOf(['auto', 'none', 'basic', 'post'], 'auto', 'How the client proves itself at the token endpoint; `auto` is the preset’s, or basic with a secret.'),
  issuer: text('', 'Issuer whose metadata names the endpoints (RFC 8414, OpenID Connect Discovery).'),
  grant: oneOf(['auto', 'authorization-code', 'device', 'client-credentials'], 'auto', 'How the login is made; `auto` is the preset’s, or authorization-code.'),
  'authorize-url': text('', 'Authorization endpoint; empty means the preset’s or the issuer’s.'),
  'token-url': text('', 'Token endpoint.'),
  'device-authorization-url': text('', 'Device authorization endpoint (RFC 8628).'),
  'revocation-url': text('', 'Revocation endpoint (RFC 7009).'),
  'userinfo-url': text('', 'User-info endpoint.'),
  'redirect-port': v.optional(v.pipe(v.number(), v.integer('must be a whole number'), v.minValue(0, 'must be at least 0'), v.maxValue(65_535, 'must be at most 65535'), v.metadata(notes('Loopback port the provider redirects to; 0 is Keyward’s own port.')))),
  scopes: texts('Scopes asked for; empty means the preset’s.'),
  'authorize-parameters': mapOf(v.string(), 'Further parameters of the authorization request.'),
  'token-parameters': mapOf(v.string(), 'Further parameters of token requests, such as `audience` or `resource`.'),
  'token-request': oneOf(['auto', 'form', 'json'], 'auto', 'Form of token requests; `auto` is the preset’s, or form.'),
  'refresh-lead': maybeDuration('How long before expiry a refresh is due; a fifth of the lifetime bounds it. Absent means the preset’s.'),
  'rotates-refresh-tokens': v.optional(v.pipe(v.boolean(), v.metadata(notes('Each refresh spends its token. Absent means the preset’s, or true.')))),
  mode: oneOf(['auto', 'api', 'code-assist'], 'auto', 'For google: spend tokens at the Gemini API, or at Code Assist as the Go program’s gemini logins do.'),
  'base-url': text('', 'Where the tokens are spent; empty means the preset’s.'),
  dialect: v.optional(v.pipe(dialect, v.metadata(notes('The wire protocol spoken there. Absent means the preset’s, or openai-chat.')))),
  ...entryCommon,
});

/** Which requests a payload rule is for. */
const payloadModel = v.object({
  name: requiredText('Model, as clients name it or as its upstream does; `*` matches any run of characters.'),
  protocol: text('', 'Protocol spoken upstream: openai, codex, claude, gemini, antigravity, or a dialect’s own name; empty means any.'),
  'from-protocol': text('', 'Protocol of the client, by the same names; empty means any.'),
  headers: mapOf(v.string(), 'Headers of the client’s request that must all be there with such a value; `*` matches any run of characters.'),
  match: list(jsonByPath('Path and value.'), 'Fields of the body that must all have these values; each item maps paths to values.'),
  'not-match': list(jsonByPath('Path and value.'), 'Fields of the body that must not have these values.'),
  exist: texts('Paths of fields that must all be there and not be null.'),
  'not-exist': texts('Paths of fields that must be missing or null.'),
});

const payloadModels = list(payloadModel, 'Requests the rule is for; one that fits is enough.');
const payloadRule = v.object({ models: payloadModels, params: v.optional(jsonByPath('Path of a field and the value to set.'), {}) });
const payloadRawRule = v.object({ models: payloadModels, params: v.optional(jsonByPath('Path of a field and the JSON text to set.'), {}) });
const payloadFilter = v.object({ models: payloadModels, params: texts('Paths of fields to remove.') });

const unusedDisguise = 'Keyward does not pretend to be another program.';

export const settings = v.object({
  // Listening
  host: text('127.0.0.1', 'Address to listen on; `127.0.0.1` also takes `::1`, an explicit `""` or `0.0.0.0` takes every interface.', { reload: 'restart' }),
  port: integer(8317, { min: 0, max: 65_535 }, 'TCP port; 0 lets the system choose.', { reload: 'restart' }),
  'public-url': text('', 'URL by which others reach this daemon; its host is accepted in `Host`.', { reload: 'restart' }),
  tls: v.optional(section(
    {
      enable: flag(false, 'Serve HTTPS from the files below.', { reload: 'restart' }),
      cert: text('', 'Certificate chain, PEM; `~` and paths relative to this file. Re-read when the file changes.'),
      key: text('', 'Private key, PEM; `~` and paths relative to this file. Re-read when the file changes.'),
    },
    'TLS on the main port.',
  ), {}),
  'shutdown-timeout': duration('30s', 'How long running exchanges may finish after SIGTERM.'),

  // Who may call
  'api-keys': list(secretText('A client key.'), 'Keys that clients present. An empty list opens the proxy to local callers.'),
  'client-auth': oneOf(['auto', 'required'], 'auto', '`required` keeps the door closed even without keys; written when the first managed key is made, and at the start with `identity.enabled` or a trusted issuer.'),
  'insecure-open-access': flag(false, 'Allow open mode (no client keys) on a bind that is not loopback.'),
  'allowed-hosts': texts('Further `Host` names that are served, exact or `*.suffix`.'),
  'allowed-origins': texts('Web origins that may call; they also get CORS headers. Exact, `scheme://*`, `null` or `*`.'),
  'trusted-proxies': texts('CIDRs or addresses whose `X-Forwarded-For` and `-Proto` count.'),
  'ws-auth': flag(true, 'WebSocket upgrades need a client key; false opens them to local callers only.'),
  'insecure-open-websocket': flag(false, 'With `ws-auth: false`, open WebSocket endpoints to remote callers too.'),
  'max-body-mb': integer(64, { min: 1, max: 1_024 }, 'Largest request body, counted after decompression.', { unit: 'MB' }),
  'max-open-exchanges': integer(4_096, { min: 1, max: 1_000_000 }, 'Exchanges served at one time; further ones are told to wait.'),
  'max-open-exchanges-per-client': integer(1_024, { min: 0, max: 1_000_000 }, 'Of these, by one client, turns on its sockets included; 0 is no bound.'),

  // Management
  'remote-management': v.optional(section(
    {
      'secret-key': maybeSecret('Management secret, plain or a bcrypt hash; empty disables the management API.'),
      'allow-remote': flag(false, 'Accept management calls from other machines.'),
      listen: text('', 'Own address (`127.0.0.1:8318`) or `unix:/path` for management; the main port then answers 404 for it.', { reload: 'restart' }),
      'disable-control-panel': flag(true, 'Kept for files of the Go program.', { unused: 'Keyward downloads no control panel.' }),
    },
    'The management API below /v0/management.',
  ), {}),
  'insecure-plaintext-management': flag(false, 'Allow remote management without TLS.'),
  'metrics-open': flag(false, 'Serve /metrics and the details of /readyz to local callers without the management secret.'),

  // Where things are kept
  'auth-dir': text('~/.keyward/auth', 'Directory of upstream account files; `~` and paths relative to this file.'),
  'auth-dir-encryption': oneOf(['off', 'env', 'keychain', 'file'], 'off', 'Encryption of token fields at rest; where the key is: the variable KEYWARD_AUTH_DIR_KEY, the keychain of the system, or the file below.', { reload: 'restart' }),
  'auth-dir-key-file': text('', 'Key file for `auth-dir-encryption: file`, 0600; empty means `auth-dir.key` in `data-dir`.', { reload: 'restart' }),
  'data-dir': text('~/.keyward', 'Directory for the database, logs and the control socket.', { reload: 'restart' }),

  // Upstream accounts
  'gemini-api-key': list(keyEntry, 'Gemini API keys.'),
  'claude-api-key': list(keyEntry, 'Anthropic API keys.'),
  'codex-api-key': list(keyEntry, 'OpenAI API keys.'),
  'vertex-api-key': list(vertexEntry, 'Keys of Vertex-style endpoints.'),
  'openai-compatibility': list(compatEntry, 'OpenAI-compatible endpoints.'),
  'generative-language-api-key': list(secretText('A Gemini API key.'), 'Legacy spelling of `gemini-api-key`.'),
  'oauth-excluded-models': mapOf(v.array(v.string()), 'Models hidden of accounts that came by a login, by provider.'),
  'oauth-model-alias': mapOf(
    v.array(v.object({ name: requiredText('Upstream name.'), alias: requiredText('Client name.'), fork: flag(false, 'Keep the upstream name too.') })),
    'Renames models of accounts that came by a login, by provider.',
  ),
  oauth: mapOf(login, 'Upstream logins: overrides of a preset (anthropic, codex, google, antigravity, iflow, qwen, kimi, xai, vertex), or an endpoint of yours behind a login. Client id and secret also from KEYWARD_OAUTH_<NAME>_CLIENT_ID and _CLIENT_SECRET.'),

  // Routing
  routing: v.optional(section(
    {
      strategy: oneOf(['round-robin', 'weighted-round-robin', 'fill-first', 'least-busy', 'rr', 'roundrobin', 'ff', 'fillfirst', 'wrr'], 'round-robin', 'How accounts of one priority take turns.'),
      'session-affinity': flag(false, 'Keep a session on its account while that is healthy.'),
      'session-affinity-ttl': duration('1h', 'How long an idle session stays bound; each of its requests begins the time anew.'),
    },
    'How an account is chosen.',
  ), {}),
  'force-model-prefix': flag(false, 'Models of prefixed accounts are reached by prefix only.'),
  'request-retry': integer(0, { min: 0, max: 100 }, 'Extra rounds over the accounts after all have failed; without `max-retry-interval` there is no waiting and so no round.'),
  'max-retry-interval': integer(0, { min: 0, max: 3_600 }, 'Longest wait for a cooldown between rounds; 0 never waits.', { unit: 's' }),
  'max-retry-credentials': integer(0, { min: 0, max: 10_000 }, 'Accounts tried in one round; 0 is all.'),
  'disable-cooling': flag(false, 'Never put accounts on cooldown.'),
  'max-cooldown': duration('15m', 'After this long in cooldown one real request probes the account.'),
  'quota-exceeded': v.optional(section(
    {
      'switch-project': flag(false, 'Kept for files of the Go program.', { unused: 'The Go program stores it without effect.' }),
      'switch-preview-model': flag(false, 'Kept for files of the Go program.', { unused: 'The Go program stores it without effect.' }),
    },
    'Reactions to an exhausted quota.',
  ), {}),
  'model-list-refresh': duration('1h', 'How long the model lists that upstreams tell count; they are asked when a list is asked for. 0 never asks.'),
  'proxy-url': text('', 'Proxy for all upstreams: http, https or socks5.', { secret: 'userinfo' }),
  'upstream-connect-timeout': duration('10s', 'Time to reach an upstream.'),
  'upstream-headers-timeout': duration('10m', 'Time until an upstream begins its answer.'),
  'upstream-idle-timeout': duration('5m', 'Longest silence within an upstream’s answer.'),
  'stored-responses': v.optional(section(
    {
      enabled: flag(false, 'Keep responses of upstreams that keep none (`store` not false), contents included, in the database.'),
      'retention-days': integer(30, { min: 1, max: 3_650 }, 'How long they are kept.', { unit: 'days' }),
      'max-total-mb': integer(512, { min: 1, max: 1_000_000 }, 'Beyond this the oldest go.', { unit: 'MB' }),
    },
    '`GET /v1/responses/:id` and `previous_response_id` for models that are translated.',
  ), {}),
  'include-stream-usage': flag(false, 'Ask OpenAI-style upstreams for usage in streams (adds `stream_options`) where the client did not.'),
  streaming: v.optional(section(
    {
      'keepalive-seconds': integer(15, { min: 0, max: 3_600 }, 'A sign of life (an SSE comment, Anthropic’s `ping`) after this much silence in a stream; below 5 counts as 5, 0 is off.', { unit: 's' }),
      'bootstrap-retries': integer(0, { min: 0, max: 100 }, 'Further attempts at once for a stream that no account has begun.'),
    },
    'Streams to clients.',
  ), {}),
  websocket: v.optional(section(
    {
      'ping-interval': duration('30s', 'How often a client is pinged; one that answers none for two of these is let go. 0 is never.'),
      'max-lifetime': duration('60m', 'How long a socket on `/v1/responses` lives.'),
      'max-open': integer(4_096, { min: 1, max: 1_000_000 }, 'Sockets open at one time.'),
      'max-open-per-client': integer(1_024, { min: 1, max: 1_000_000 }, 'Of these, by one client.'),
      'max-parallel-turns': integer(16, { min: 1, max: 1_024 }, 'Responses made at one time on a socket; further requests wait their turn.'),
      'max-memory-mb': integer(256, { min: 1, max: 1_000_000 }, 'Conversations that sockets remember for `previous_response_id`; beyond this the oldest are forgotten.', { unit: 'MB' }),
    },
    'WebSockets on `/v1/responses` and `/v1/realtime`.',
  ), {}),
  'nonstream-keepalive-interval': integer(0, { min: 0, max: 3_600 }, 'Kept for files of the Go program.', { unit: 's', unused: 'It commits a 200 before the outcome is known.' }),
  'passthrough-headers': flag(false, 'Kept for files of the Go program.', { unused: 'Answer headers go by an allow-list always.' }),
  payload: v.optional(section(
    {
      default: list(payloadRule, 'Set fields where they are missing; the first rule that applies wins.'),
      'default-raw': list(payloadRawRule, 'Same, values as JSON text.'),
      override: list(payloadRule, 'Set fields always; the last rule that applies wins.'),
      'override-raw': list(payloadRawRule, 'Same, values as JSON text.'),
      filter: list(payloadFilter, 'Remove fields, after all else.'),
    },
    'Rules that change the bodies of requests that generate, as they go upstream; docs/payload.md has the syntax of paths.',
  ), {}),

  prices: list(
    v.object({
      model: requiredText('Name as clients call it; `*` matches any run of characters.'),
      input: price('A million input tokens.'),
      output: price('A million output tokens.'),
      cached: v.optional(price('A million input tokens that the upstream read from its cache; absent means as `input`.')),
    }),
    'What models cost, in your currency, for the budgets of keys that count money. The first entry that fits counts; a model that none fits costs nothing, so end the list with `*`.',
  ),

  // Observation
  debug: flag(false, 'Log at debug level.'),
  'log-level': oneOf(['auto', 'trace', 'debug', 'info', 'warn', 'error'], 'auto', 'Log level; `auto` is info, or debug with `debug: true`.'),
  'logging-to-file': flag(false, 'Write the log to `data-dir/logs` as well.'),
  'logs-max-total-size-mb': integer(100, { min: 0, max: 1_000_000 }, 'Oldest log files are removed beyond this; 0 keeps all.', { unit: 'MB' }),
  'request-log': flag(false, 'Write every exchange, redacted, to `data-dir/logs`, files 0600.'),
  'error-logs-max-files': integer(10, { min: 0, max: 100_000 }, 'Request logs of failed exchanges kept; 0 keeps all.'),
  'usage-statistics-enabled': flag(true, 'Serve `GET /usage`; limits and audit do not depend on it.'),
  'usage-retention-days': integer(400, { min: 1, max: 36_500 }, 'How long usage rows are kept.', { unit: 'days' }),
  audit: v.optional(section(
    {
      'fail-closed': flag(false, 'No record, no service: refuse management changes, logins and revealed secrets that cannot be put on record, and exchanges while usage or audit rows cannot be stored.'),
      'retention-days': integer(365, { min: 1, max: 36_500 }, 'How long audit rows are kept.', { unit: 'days' }),
    },
    'The audit log.',
  ), {}),
  identity: v.optional(section(
    {
      enabled: flag(false, 'Issue tokens to people and machines. From then on nobody comes in without a credential.', { reload: 'restart' }),
      organization: text('', 'Name that tokens carry as `org`; empty leaves it out. An OAuth client may have another.'),
      'access-token-ttl': duration('1h', 'How long an access token is good.'),
      'session-ttl': duration('30d', 'How long a login lasts; each refresh counts from the login, not from the refresh.'),
      'device-code-ttl': duration('10m', 'How long a device code waits for its approval.'),
      oidc: v.optional(section(
        {
          issuer: text('', 'Issuer of the identity provider that people sign in at; empty means that the holder of the management secret approves logins.'),
          'client-id': text('', 'Client id that the provider gave for Keyward. Its redirect address is `<public-url>/oauth/signin/callback`.'),
          'client-secret': maybeSecret('Client secret at the identity provider.'),
          scopes: v.optional(v.pipe(v.array(v.pipe(v.string(), v.trim())), v.metadata(notes('Scopes asked for. Without `offline_access` a login cannot be asked about again, so it lasts as long as one access token.'))), ['openid', 'profile', 'email', 'offline_access']),
          'allowed-domains': texts('Domains of e-mail addresses that may sign in; the provider must have verified the address. Empty and `allowed-emails` empty: anybody whom the provider lets in.'),
          'allowed-emails': texts('Further addresses that may sign in.'),
          'groups-claim': text('groups', 'Claim that lists a person’s groups.'),
          'group-scopes': mapOf(texts('Scopes of the group.'), 'What people of a group may do, by the group’s name; whoever is in none of them may not sign in. Empty: everybody may use models.'),
        },
        'The provider that people sign in at.',
      ), {}),
      'trusted-issuers': list(
        v.object({
          issuer: requiredText('Issuer of the tokens, exactly as their `iss` says it.'),
          audience: requiredText('What their `aud` must be; it has to name this daemon.'),
          'jwks-url': text('', 'Where its keys are; empty means that the issuer’s metadata says.'),
          algorithms: v.optional(v.pipe(v.array(v.picklist(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'])), v.metadata(notes('Signatures that count.'))), ['RS256', 'ES256']),
          subjects: texts('Subjects that may come in; `*` matches any run of visible ASCII characters but `/` and `:`. At least one.'),
          claims: mapOf(v.union([v.string(), v.number(), v.boolean()]), 'Claims that must have these values besides; texts may hold `*` as subjects do. A number or a truth value is met by its text too, as CI systems send it.'),
          'max-age': duration('1h', 'Tokens made longer ago than this are refused.'),
          scopes: texts('What such a token may do; empty means `models:use` and `models:read`.'),
          models: texts('Models that it may use; `*` matches any run of characters. Empty: any.'),
          organization: text('', 'Its `org`; empty means that of `identity`.'),
        }),
        'Issuers whose workload tokens are taken, as they are or in exchange: CI systems, Kubernetes, any OpenID Connect provider. An issuer may have several entries; the first that fits a token counts.',
      ),
    },
    'Tokens that Keyward issues; the issuer is `<public-url>/oauth`.',
  ), {}),

  // Understood for files of the Go program, without effect
  'commercial-mode': flag(false, 'Kept for files of the Go program.', { reload: 'restart', unused: 'Request logging costs nothing while off.' }),
  pprof: v.optional(v.pipe(v.looseObject({}), v.metadata(notes('Kept for files of the Go program.', { unused: 'Go’s profiler has no counterpart.' }))), {}),
  'claude-header-defaults': v.optional(v.pipe(v.looseObject({}), v.metadata(notes('Kept for files of the Go program.', { unused: unusedDisguise }))), {}),
  'codex-header-defaults': v.optional(v.pipe(v.looseObject({}), v.metadata(notes('Kept for files of the Go program.', { unused: unusedDisguise }))), {}),
});

/** The decoded configuration: defaults filled in, secrets resolved and wrapped, durations in milliseconds. */
export type Config = v.InferOutput<typeof settings>;
export type KeyEntry = v.InferOutput<typeof keyEntry>;
export type VertexEntry = v.InferOutput<typeof vertexEntry>;
export type LoginEntry = v.InferOutput<typeof login>;
export type CompatEntry = v.InferOutput<typeof compatEntry>;
