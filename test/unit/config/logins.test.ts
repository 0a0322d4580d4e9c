import { describe, expect, it } from 'vitest';
import { decodeConfig } from '../../../internal/config/decode.ts';
import type { LoadedConfig } from '../../../internal/config/loaded.ts';
import { loginVariable } from '../../../internal/config/login-environment.ts';
import { loginPresets, presetOf } from '../../../internal/config/login-presets.ts';
import { maskedConfig } from '../../../internal/config/masked.ts';
import { err } from '../../../internal/fault/result.ts';
import { vendorProfiles } from '../../../internal/providers/logins/vendors.ts';
import { resolveLoginProfiles } from '../../../internal/providers/logins/resolve.ts';
import { configOf } from '../../support/config.ts';

type Env = Readonly<Record<string, string>>;
const decode = (text: string, env: Env = {}) => decodeConfig({ path: '/c/config.yaml', text, env, home: '/h', readSecretFile: () => err('does not exist') });

function load(text: string, env: Env = {}): LoadedConfig {
  const decoded = decode(text, env);
  if (!decoded.ok) throw new Error(JSON.stringify(decoded.error));
  return decoded.value;
}

/** `path: message` of every error. */
function errorsOf(text: string, env: Env = {}): readonly string[] {
  const decoded = decode(text, env);
  return decoded.ok ? [] : decoded.error.filter(({ severity }) => severity === 'error').map(({ path, message }) => `${path}: ${message}`);
}
const warningsOf = (text: string): readonly string[] => load(text).warnings.map(({ path, message }) => `${path}: ${message}`);
/** An `oauth` section with one entry in flow style. */
const entry = (name: string, members: string): string => `oauth:\n  ${name}: { ${members} }\n`;
const complete = 'issuer: "https://id.example.com", client-id: x, base-url: "https://llm.example.com/v1"';

describe('the presets that the config knows', () => {
  it('are those of the vendors’ table, with its names, grants and dialects', () => {
    const known = [...loginPresets].map(([name, { aliases, grants, dialects }]) => ({ name, aliases, grants, dialects }));
    const grantNames = { 'authorization-code': 'authorization-code', device: 'device', 'codex-device': 'device', 'client-credentials': '', 'service-account': '' } as const;
    expect(known).toEqual(vendorProfiles.map((profile) => ({ name: profile.name, aliases: profile.aliases, grants: profile.grants.map((grant) => grantNames[grant]).filter((grant) => grant !== ''), dialects: profile.spend.dialects })));
  });

  it('are found by every name they load under', () => {
    for (const profile of vendorProfiles) for (const name of [profile.name, ...profile.aliases, profile.name.toUpperCase()]) expect(presetOf(name)?.name).toBe(profile.name);
    expect(presetOf('corp')).toBeUndefined();
  });
});

describe('an oauth entry', () => {
  it.each([
    ['a preset with a client', 'anthropic', 'client-id: x'],
    ['a preset under another of its names', 'gemini-cli', 'client-id: x, client-secret: y, mode: code-assist'],
    ['a preset at a simulator', 'codex', 'client-id: x, token-url: "http://127.0.0.1:9/token", authorize-url: "http://127.0.0.1:9/authorize?tenant=1"'],
    ['a preset that speaks another dialect at another place', 'anthropic', 'base-url: "https://llm.example.com", dialect: openai-chat'],
    ['an issuer of one’s own', 'corp', complete],
    ['endpoints of one’s own', 'corp', 'authorize-url: "https://id.example.com/a", token-url: "https://id.example.com/t", base-url: "https://llm.example.com"'],
    ['a device grant', 'corp', 'grant: device, device-authorization-url: "https://id.example.com/d", token-url: "https://id.example.com/t", base-url: "https://llm.example.com"'],
    ['client credentials', 'corp', `grant: client-credentials, client-secret: s, ${complete}`],
  ])('is taken: %s', (_what, name, members) => {
    expect(errorsOf(entry(name, members))).toEqual([]);
  });

  it.each([
    ['corp', 'base-url: "https://llm.example.com"', 'oauth.corp: needs `issuer`, or `authorize-url` and `token-url`'],
    ['corp', 'token-url: "https://id.example.com/t", grant: device, base-url: "https://llm.example.com"', 'oauth.corp: needs `issuer`, or `device-authorization-url`'],
    ['corp', 'issuer: "https://id.example.com"', 'oauth.corp: needs `base-url`'],
    ['antropic', 'client-id: x, base-url: "https://x.example"', 'oauth.antropic: needs `issuer`, or `authorize-url` and `token-url`; did you mean the preset `anthropic`?'],
    ['corp', `${complete}, grant: client-credentials`, 'oauth.corp: needs `client-secret`, or KEYWARD_OAUTH_CORP_CLIENT_SECRET in the environment'],
    ['corp', 'issuer: "https://id.example.com", base-url: "https://llm.example.com", client-secret: s, grant: client-credentials', 'oauth.corp: needs `client-id`, or KEYWARD_OAUTH_CORP_CLIENT_ID'],
    ['corp', `${complete}, grant: client-credentials, client-secret: s, client-auth: none`, 'oauth.corp.client-auth: must not be none'],
    ['corp', `${complete}, client-auth: basic`, 'oauth.corp.client-auth: needs `client-secret`'],
    ['corp', `${complete}, mode: code-assist`, 'oauth.corp.mode: is for google alone'],
    ['corp', `${complete}, dialect: gemini, dialects: [openai-chat]`, 'oauth.corp.dialect: is not among `dialects`'],
    ['corp', `${complete}, token-url: "http://id.example.com/t"`, 'oauth.corp.token-url: is plain http on a public address'],
    ['corp', `${complete}, token-url: "https://me:pw@id.example.com/t"`, 'oauth.corp.token-url: must not hold a user name or password'],
    ['corp', `${complete}, userinfo-url: "http://169.254.169.254/u"`, 'oauth.corp.userinfo-url: leads to an address that Keyward never connects to'],
    ['corp', 'issuer: "https://id.example.com?x=1", base-url: "https://llm.example.com"', 'oauth.corp.issuer: must not hold a query'],
    ['corp', `${complete}, revocation-url: "https://id.example.com/r#x"`, 'oauth.corp.revocation-url: must not hold a fragment'],
    ['corp', `${complete}, proxy-url: nope`, 'oauth.corp.proxy-url: must be a URL'],
    ['corp', `${complete}, prefix: a/b`, 'oauth.corp.prefix: must not hold a slash'],
    ['corp', `${complete}, headers: { "a b": c }`, 'oauth.corp.headers: holds a name'],
    ['corp', `${complete}, scopes: ["a b"]`, 'oauth.corp.scopes.0: must be one scope'],
    ['corp', `${complete}, authorize-parameters: { redirect_uri: "https://evil.example" }`, 'oauth.corp.authorize-parameters.redirect_uri: is set by Keyward itself'],
    ['corp', `${complete}, token-parameters: { client_secret: x }`, 'oauth.corp.token-parameters.client_secret: is set by Keyward itself'],
    ['anthropic', 'grant: device', 'oauth.anthropic.grant: must be authorization-code'],
    ['qwen', 'grant: authorization-code', 'oauth.qwen.grant: must be device'],
    ['codex', 'grant: client-credentials', 'oauth.codex.grant: must be authorization-code or device'],
    ['vertex', 'grant: device', 'oauth.vertex.grant: does not apply'],
    ['codex', 'mode: code-assist', 'oauth.codex.mode: is for google alone'],
    ['google', 'dialect: openai-chat', 'oauth.google.dialect: must be gemini for this provider'],
    ['google', 'dialect: openai-chat, base-url: "https://x.example"', 'oauth.google.dialect: must be gemini for this provider'],
    ['anthropic', 'dialect: openai-chat', 'oauth.anthropic.dialect: must be anthropic-messages while `base-url` is the provider’s own'],
    ['kimi', 'dialects: [gemini]', 'oauth.kimi.dialects: must be openai-chat or anthropic-messages while'],
    ['oauth', complete, 'oauth.oauth: is a reserved name'],
    ['"a b"', complete, 'oauth.a b: must be a name'],
    ['corp', `${complete}, client_secret: s`, 'oauth.corp.client_secret: is not a setting; did you mean `client-secret`?'],
    ['corp', `${complete}, tokenUrl: s`, 'oauth.corp.tokenUrl: is not a setting; did you mean `token-url`?'],
  ])('%s { %s } is refused where it is wrong', (name, members, message) => {
    expect(errorsOf(entry(name, members))).toEqual(expect.arrayContaining([expect.stringContaining(message)]));
  });

  it('warns of what is allowed but readable on the way, or of no use', () => {
    expect(warningsOf(entry('corp', `${complete}, token-url: "http://id.local/t"`))).toEqual([expect.stringContaining('oauth.corp.token-url: is plain http: client secret, codes and tokens cross')]);
    expect(warningsOf(entry('corp', `${complete}, token-url: "http://id.example.com/t", insecure-http: true`))).toEqual([expect.stringContaining('as `insecure-http: true` allows')]);
    expect(warningsOf(entry('corp', `${complete}, client-secret: s, client-auth: none`))).toEqual([expect.stringContaining('`client-secret` is not used')]);
  });

  it('must be the only one of its preset, and of its variables', () => {
    expect(errorsOf('oauth:\n  claude: { client-id: x }\n  anthropic: { client-id: y }\n')).toEqual([expect.stringContaining('oauth.anthropic: and `oauth.claude` are both the preset `anthropic`')]);
    expect(errorsOf(`oauth:\n  a-b: { ${complete} }\n  A-B: { ${complete} }\n`)).toEqual([expect.stringContaining('oauth.A-B: cannot be told from `oauth.a-b`')]);
  });
});

describe('client ids and secrets out of the environment', () => {
  it('have the login’s name in capitals, all else an underscore', () => {
    expect([loginVariable('corp'), loginVariable('gemini-cli'), loginVariable('x.ai')]).toEqual(['KEYWARD_OAUTH_CORP', 'KEYWARD_OAUTH_GEMINI_CLI', 'KEYWARD_OAUTH_X_AI']);
  });

  it('make a login of a preset that the file does not mention', () => {
    const { config, secretOrigins } = load('', { KEYWARD_OAUTH_GOOGLE_CLIENT_ID: 'id-1', KEYWARD_OAUTH_GOOGLE_CLIENT_SECRET: ' secret-1 ', KEYWARD_OAUTH_CODEX_CLIENT_SECRET: 'alone' });
    expect(Object.keys(config.oauth)).toEqual(['google']);
    expect([config.oauth['google']?.['client-id'], config.oauth['google']?.['client-secret']?.reveal()]).toEqual(['id-1', 'secret-1']);
    expect(secretOrigins.get('oauth.google.client-secret')).toEqual({ kind: 'env', name: 'KEYWARD_OAUTH_GOOGLE_CLIENT_SECRET' });
    expect(resolveLoginProfiles(config).find('gemini-cli')?.registration.clientId).toBe('id-1');
  });

  it('fill what the file leaves out, under any of a preset’s names; what the file says wins', () => {
    const env = { KEYWARD_OAUTH_CLAUDE_CLIENT_ID: 'id-c', KEYWARD_OAUTH_CORP_CLIENT_ID: 'id-env', KEYWARD_OAUTH_CORP_CLIENT_SECRET: 'secret-env-0000001' };
    const { config } = load(`oauth:\n  anthropic: { scopes: [a] }\n  corp: { ${complete} }\n`, env);
    expect([config.oauth['anthropic']?.['client-id'], config.oauth['corp']?.['client-id'], config.oauth['corp']?.['client-secret']?.reveal()]).toEqual(['id-c', 'x', 'secret-env-0000001']);
    expect(errorsOf('oauth:\n  corp: { issuer: "https://id.example.com", base-url: "https://llm.example.com", grant: client-credentials }\n', env)).toEqual([]);
  });

  it('are shown by the name of their variable, never by value', () => {
    const loaded = load(`oauth:\n  corp: { ${complete} }\n`, { KEYWARD_OAUTH_CORP_CLIENT_SECRET: 'secret-env-0000001' });
    expect(maskedConfig(loaded)).toMatchObject({ oauth: { corp: { 'client-secret': 'env:KEYWARD_OAUTH_CORP_CLIENT_SECRET' } } });
    expect(JSON.stringify(maskedConfig(loaded))).not.toContain('secret-env-0000001');
  });

  it('change nothing where there are none, nor where the section has the wrong form', () => {
    expect(load('').config.oauth).toEqual({});
    expect(errorsOf('oauth: [1]\n', { KEYWARD_OAUTH_GOOGLE_CLIENT_ID: 'x' })).toEqual(['oauth: must be a section with names and values']);
  });
});

describe('overridden presets', () => {
  const grantsOf = (name: string, members: object): readonly string[] | undefined => resolveLoginProfiles(configOf({ oauth: { [name]: members } })).find(name)?.grants;

  it('a grant of device is the vendor’s own way of it', () => {
    expect(grantsOf('codex', { grant: 'device' })).toEqual(['codex-device', 'authorization-code']);
    expect(grantsOf('qwen', { grant: 'device' })).toEqual(['device']);
    expect(grantsOf('corp', { grant: 'device', issuer: 'https://id.example.com' })).toEqual(['device', 'authorization-code']);
    expect(grantsOf('corp', { grant: 'client-credentials', issuer: 'https://id.example.com' })).toEqual(['client-credentials']);
  });
});
