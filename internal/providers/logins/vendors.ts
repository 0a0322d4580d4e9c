import type { AuthFile } from '../../accounts/auth-file/auth-file.ts';
import type { ClientRegistration, LoginEndpoints, LoginProfile, SpendProfile } from '../login-profile.ts';

/*
 * THE table of upstream logins: endpoints, scopes and ways of speaking as the vendors have them. Client ids and secrets are
 * the operator's (contract §9). A comment names each departure from the RFCs.
 */

const noEndpoints: LoginEndpoints = { issuer: '', authorize: '', token: '', deviceAuthorization: '', revocation: '', userinfo: '' };
const publicClient: ClientRegistration = { clientId: '', clientSecret: undefined, authentication: 'none' };
/** Google's installed-app clients have a secret that goes in the body. */
const googleClient: ClientRegistration = { clientId: '', clientSecret: undefined, authentication: 'client_secret_post' };

const minutesMs = 60_000;
const hoursMs = 60 * minutesMs;
const daysMs = 24 * hoursMs;

const baseSpend: SpendProfile = {
  baseUrl: '',
  addressing: 'plain',
  dialects: ['openai-chat'],
  headers: new Map(),
  anthropicBetas: [],
  factHeaders: {},
  baseUrlOf: () => undefined,
  spends: 'access-token',
  prefix: '',
  proxyUrl: '',
  models: [],
  excludedModels: [],
  priority: 0,
  weight: 1,
  disabled: false,
  coolingDisabled: false,
};

/** What a login is unless its vendor differs: a public client, code with PKCE, forms, rotating tokens. */
export const baseProfile: Omit<LoginProfile, 'name' | 'title' | 'fileType' | 'provider'> = {
  aliases: [],
  otherFileTypes: [],
  grants: ['authorization-code'],
  endpoints: noEndpoints,
  allowsPlainHttp: false,
  registration: publicClient,
  scopes: [],
  authorizeParameters: {},
  tokenParameters: {},
  usesPkce: true,
  redirect: undefined,
  tokenRequestForm: 'form',
  rotatesRefreshTokens: true,
  refreshLeadMs: 5 * minutesMs,
  afterIssue: 'none',
  spend: baseSpend,
  isCustom: false,
};

const anthropic: LoginProfile = {
  ...baseProfile,
  name: 'anthropic',
  aliases: ['claude'],
  title: 'Claude (Anthropic)',
  fileType: 'claude',
  otherFileTypes: ['anthropic'],
  provider: 'anthropic',
  endpoints: { ...noEndpoints, authorize: 'https://claude.ai/oauth/authorize', token: 'https://platform.claude.com/v1/oauth/token' },
  scopes: ['user:profile', 'user:inference'],
  // Departure: asks for the code to be shown as `code#state` for pasting.
  authorizeParameters: { code: 'true' },
  redirect: { port: 54_545, path: '/callback' },
  // Departure from RFC 6749 §4.1.3: JSON bodies, `state` among their members.
  tokenRequestForm: 'json',
  refreshLeadMs: 4 * hoursMs,
  afterIssue: 'anthropic-account',
  spend: { ...baseSpend, baseUrl: 'https://api.anthropic.com', addressing: 'versioned', dialects: ['anthropic-messages'], anthropicBetas: ['oauth-2025-04-20'] },
};

const codex: LoginProfile = {
  ...baseProfile,
  name: 'codex',
  aliases: ['openai', 'chatgpt'],
  title: 'ChatGPT (Codex)',
  fileType: 'codex',
  otherFileTypes: [],
  provider: 'codex',
  // Departure from RFC 8628: OpenAI's own device flow, see upstreamauth/codex-device.ts.
  grants: ['authorization-code', 'codex-device'],
  endpoints: {
    ...noEndpoints,
    authorize: 'https://auth.openai.com/oauth/authorize',
    token: 'https://auth.openai.com/oauth/token',
    deviceAuthorization: 'https://auth.openai.com/api/accounts/deviceauth/usercode',
    revocation: 'https://auth.openai.com/oauth/revoke',
  },
  scopes: ['openid', 'profile', 'email', 'offline_access'],
  authorizeParameters: { prompt: 'login', id_token_add_organizations: 'true', codex_cli_simplified_flow: 'true' },
  redirect: { port: 1_455, path: '/auth/callback' },
  refreshLeadMs: 5 * daysMs,
  afterIssue: 'id-token',
  spend: { ...baseSpend, baseUrl: 'https://chatgpt.com/backend-api/codex', dialects: ['openai-responses'], factHeaders: { 'chatgpt-account-id': 'account_id' } },
};

const googleEndpoints: LoginEndpoints = {
  ...noEndpoints,
  authorize: 'https://accounts.google.com/o/oauth2/v2/auth',
  token: 'https://oauth2.googleapis.com/token',
  revocation: 'https://oauth2.googleapis.com/revoke',
  userinfo: 'https://www.googleapis.com/oauth2/v1/userinfo?alt=json',
};
const googleScopes = ['https://www.googleapis.com/auth/cloud-platform', 'https://www.googleapis.com/auth/userinfo.email', 'https://www.googleapis.com/auth/userinfo.profile'];

const google: LoginProfile = {
  ...baseProfile,
  name: 'google',
  aliases: ['gemini-cli', 'gemini'],
  title: 'Google (Gemini)',
  fileType: 'gemini',
  otherFileTypes: ['gemini-cli', 'google'],
  provider: 'google',
  endpoints: googleEndpoints,
  registration: googleClient,
  scopes: [...googleScopes, 'https://www.googleapis.com/auth/generative-language.retriever'],
  // Departure: Google gives refresh tokens only for these two.
  authorizeParameters: { access_type: 'offline', prompt: 'consent' },
  redirect: { port: 8_085, path: '/oauth2callback' },
  rotatesRefreshTokens: false,
  afterIssue: 'google-userinfo',
  spend: { ...baseSpend, baseUrl: 'https://generativelanguage.googleapis.com', addressing: 'gemini', dialects: ['gemini'], factHeaders: { 'x-goog-user-project': 'project_id' } },
};

/** Where Code Assist serves what the Go program's gemini logins were made for. */
export const codeAssistSpend: SpendProfile = { ...baseSpend, baseUrl: 'https://cloudcode-pa.googleapis.com', addressing: 'code-assist', dialects: ['gemini'] };

const antigravity: LoginProfile = {
  ...baseProfile,
  name: 'antigravity',
  aliases: ['anti-gravity'],
  title: 'Antigravity (Google)',
  fileType: 'antigravity',
  otherFileTypes: [],
  provider: 'antigravity',
  endpoints: googleEndpoints,
  registration: googleClient,
  scopes: [...googleScopes, 'https://www.googleapis.com/auth/cclog', 'https://www.googleapis.com/auth/experimentsandconfigs'],
  authorizeParameters: { access_type: 'offline', prompt: 'consent' },
  // The vendor's client has no PKCE: an identity never seen stays off until it is confirmed (security rule 29).
  usesPkce: false,
  redirect: { port: 51_121, path: '/oauth-callback' },
  rotatesRefreshTokens: false,
  afterIssue: 'code-assist-project',
  spend: codeAssistSpend,
};

const iflow: LoginProfile = {
  ...baseProfile,
  name: 'iflow',
  aliases: ['i-flow'],
  title: 'iFlow',
  fileType: 'iflow',
  provider: 'iflow',
  endpoints: { ...noEndpoints, authorize: 'https://iflow.cn/oauth', token: 'https://iflow.cn/oauth/token', userinfo: 'https://iflow.cn/api/oauth/getUserInfo' },
  registration: { clientId: '', clientSecret: undefined, authentication: 'client_secret_basic' },
  authorizeParameters: { loginMethod: 'phone', type: 'phone' },
  usesPkce: false,
  redirect: { port: 11_451, path: '/oauth2callback' },
  refreshLeadMs: 24 * hoursMs,
  // Departure: a key out of a user-info call is spent, not the access token.
  afterIssue: 'iflow-api-key',
  spend: { ...baseSpend, baseUrl: 'https://apis.iflow.cn/v1', spends: 'api-key' },
};

const qwen: LoginProfile = {
  ...baseProfile,
  name: 'qwen',
  aliases: [],
  title: 'Qwen',
  fileType: 'qwen',
  provider: 'qwen',
  // Device grant with PKCE, which RFC 8628 does not have; the library sends what it is given.
  grants: ['device'],
  endpoints: { ...noEndpoints, deviceAuthorization: 'https://chat.qwen.ai/api/v1/oauth2/device/code', token: 'https://chat.qwen.ai/api/v1/oauth2/token' },
  scopes: ['openid', 'profile', 'email', 'model.completion'],
  refreshLeadMs: 3 * hoursMs,
  // The token answer's `resource_url` says where it is spent.
  spend: { ...baseSpend, baseUrl: 'https://portal.qwen.ai/v1', baseUrlOf: (file) => resourceUrl(file.fact('resource_url')) },
};

const kimi: LoginProfile = {
  ...baseProfile,
  name: 'kimi',
  title: 'Kimi',
  fileType: 'kimi',
  provider: 'kimi',
  grants: ['device'],
  usesPkce: false,
  endpoints: { ...noEndpoints, deviceAuthorization: 'https://auth.kimi.com/api/oauth/device_authorization', token: 'https://auth.kimi.com/api/oauth/token' },
  spend: { ...baseSpend, baseUrl: 'https://api.kimi.com/coding', addressing: 'versioned', dialects: ['openai-chat', 'anthropic-messages'] },
};

const xai: LoginProfile = {
  ...baseProfile,
  name: 'xai',
  aliases: ['x-ai', 'x.ai', 'grok'],
  title: 'xAI (Grok)',
  fileType: 'xai',
  provider: 'xai',
  grants: ['device'],
  usesPkce: false,
  endpoints: { ...noEndpoints, issuer: 'https://auth.x.ai' },
  scopes: ['openid', 'profile', 'email', 'offline_access', 'grok-cli:access', 'api:access'],
  afterIssue: 'id-token',
  spend: { ...baseSpend, baseUrl: 'https://api.x.ai/v1', dialects: ['openai-responses', 'openai-chat'], baseUrlOf: (file) => file.fact('base_url') },
};

const vertex: LoginProfile = {
  ...baseProfile,
  name: 'vertex',
  title: 'Vertex AI (service account)',
  fileType: 'vertex',
  provider: 'vertex',
  grants: ['service-account'],
  endpoints: { ...noEndpoints, token: 'https://oauth2.googleapis.com/token' },
  scopes: ['https://www.googleapis.com/auth/cloud-platform'],
  rotatesRefreshTokens: false,
  spend: { ...baseSpend, addressing: 'vertex', dialects: ['gemini'], baseUrlOf: vertexBaseUrl },
};

export const vendorProfiles: readonly LoginProfile[] = [anthropic, codex, google, antigravity, iflow, qwen, kimi, xai, vertex];

/** `portal.qwen.ai`, `https://portal.qwen.ai/v1` … → a base URL. Of a file or a token answer only https counts, but for this machine. */
function resourceUrl(stated: string | undefined): string | undefined {
  if (stated === undefined || stated === '') return undefined;
  const url = URL.parse(/^https?:\/\//.test(stated) ? stated : `https://${stated}`);
  if (url === null || url.username !== '' || url.search !== '') return undefined;
  if (url.protocol === 'http:' && !/^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname)) return undefined;
  const path = url.pathname.replace(/\/+$/, '');
  return `${url.origin}${path.endsWith('/v1') ? path : `${path}/v1`}`;
}

function vertexBaseUrl(file: AuthFile): string | undefined {
  const place = vertexPlace(file);
  return place === undefined ? undefined : `https://${place.location === 'global' ? '' : `${place.location}-`}aiplatform.googleapis.com/v1${place.path}`;
}

/** The same at an endpoint of the operator's, which may name a version, or project and location, itself. */
export function vertexBelow(endpoint: string, file: AuthFile): string | undefined {
  if (endpoint.includes('/projects/')) return endpoint;
  const place = vertexPlace(file);
  return place === undefined ? undefined : `${/\/v\d\w*$/.test(endpoint) ? endpoint : `${endpoint}/v1`}${place.path}`;
}

/** Undefined when the file's project or location is no name that could stand in an address. */
function vertexPlace(file: AuthFile): { readonly location: string; readonly path: string } | undefined {
  const project = file.fact('project_id') ?? '';
  const location = file.fact('location') ?? 'us-central1';
  if (!/^[\w.:-]+$/.test(project) || !/^[a-z\d-]+$/.test(location)) return undefined;
  return { location, path: `/projects/${project}/locations/${location}` };
}
