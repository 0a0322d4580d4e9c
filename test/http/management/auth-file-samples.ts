import { generateKeyPairSync } from 'node:crypto';

/** Canaries: none of these may show in a list, an error or the audit. */
export const tokens = {
  claudeRefresh: 'sk-ant-ort01-refresh-canary-0001',
  claudeAccess: 'sk-ant-oat01-access-canary-0001',
  codexRefresh: 'rt-codex-canary-0002',
  headerValue: 'header-canary-value-0003',
  proxyPassword: 'proxy-canary-0004',
} as const;

function jwt(claims: object): string {
  return [{ alg: 'none' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).concat('x').join('.');
}

export const claudeFile = `{
  "type": "claude",
  "email": "ann@example.com",
  "access_token": "${tokens.claudeAccess}",
  "refresh_token": "${tokens.claudeRefresh}",
  "expired": "2026-12-24T12:00:00Z",
  "last_refresh": "2026-11-24T11:00:00Z",
  "prefix": "team",
  "priority": 3,
  "headers": { "x-team": "${tokens.headerValue}" },
  "proxy_url": "socks5://me:${tokens.proxyPassword}@10.0.0.1:1080",
  "their-own": { "kept": 1.50 }
}
`;

export const codexFile = JSON.stringify({
  type: 'codex',
  email: 'bob@example.com',
  account_id: 'acct-0001',
  access_token: 'at-codex',
  refresh_token: tokens.codexRefresh,
  id_token: jwt({ email: 'bob@example.com', 'https://api.openai.com/auth': { chatgpt_account_id: 'acct-0001', chatgpt_plan_type: 'pro' } }),
});

/** The key is real: what cannot be parsed is refused. */
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });

export const keyFile = {
  type: 'service_account',
  project_id: 'my-project',
  private_key_id: '0123',
  private_key: privateKey,
  client_email: 'robot@my-project.iam.gserviceaccount.com',
  token_uri: 'https://oauth2.googleapis.com/token',
};
