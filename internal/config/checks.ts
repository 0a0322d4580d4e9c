import { isFramingHeader } from './framing-headers.ts';
import { checkIdentity } from './identity-checks.ts';
import { checkLogins } from './login-checks.ts';
import { checkPayload } from './payload/checks.ts';
import type { ConfigProblem } from './problem.ts';
import type { CompatEntry, Config, KeyEntry, LoginEntry, VertexEntry } from './schema.ts';
import { isNetwork, judgeBaseUrl, judgeProxyUrl } from './upstream-url.ts';

type Report = (severity: ConfigProblem['severity'], path: string, message: string) => void;

// `$2b$10$` and 53 characters of salt and hash.
const bcryptHash = /^\$2[aby]\$(?:0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/;

/** What a single setting cannot tell of itself. Binds and open access are the door's to judge. */
export function checkConfig(config: Config, report: Report): void {
  checkTls(config, report);
  checkManagementSecret(config, report);
  checkNetworks(config, report);
  checkUpstreams(config, report);
  checkLogins(config, report);
  checkIdentity(config, report);
  checkPayload(config, report);
}

function checkTls(config: Config, report: Report): void {
  if (!config.tls.enable) return;
  if (config.tls.cert === '') report('error', 'tls.cert', 'must name the certificate file while `tls.enable` is true');
  if (config.tls.key === '') report('error', 'tls.key', 'must name the key file while `tls.enable` is true');
}

/** A value that begins like a hash is only ever a hash: else a mangled one would become a password that can be read off the file. */
function checkManagementSecret(config: Config, report: Report): void {
  const secret = config['remote-management']['secret-key']?.reveal() ?? '';
  if (secret.startsWith('$2') && !bcryptHash.test(secret)) report('error', 'remote-management.secret-key', 'begins with `$2` but is no whole bcrypt hash; write the hash anew, in single quotes');
}

function checkNetworks(config: Config, report: Report): void {
  for (const [index, network] of config['trusted-proxies'].entries()) {
    if (!isNetwork(network)) report('error', `trusted-proxies.${index}`, 'must be an address or a network such as 10.0.0.0/8');
  }
  for (const [index, host] of config['allowed-hosts'].entries()) {
    if (/[\s/@]|:\/\//.test(host) || host === '*') report('error', `allowed-hosts.${index}`, 'must be a host name or `*.suffix`, without scheme or path');
  }
  for (const [index, origin] of config['allowed-origins'].entries()) {
    if (!isOriginPattern(origin)) report('error', `allowed-origins.${index}`, 'must be an origin such as https://app.example.com, `scheme://*`, `null` or `*`');
  }
  if (config['public-url'] !== '' && !isWebUrl(config['public-url'])) report('error', 'public-url', 'must be a URL such as https://keyward.example.com');
  const proxy = judgeProxyUrl(config['proxy-url']);
  if (proxy !== undefined) report('error', 'proxy-url', proxy);
}

function isOriginPattern(text: string): boolean {
  if (text === '*' || text === 'null' || /^[a-z][a-z\d+.-]*:\/\/\*$/i.test(text)) return true;
  return /^[a-z][a-z\d+.-]*:\/\/[^/?#\s@]+\/?$/i.test(text) && URL.canParse(text);
}

function isWebUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:') && url.username === '' && url.search === '' && url.hash === '';
}

function checkUpstreams(config: Config, report: Report): void {
  for (const list of ['gemini-api-key', 'claude-api-key', 'codex-api-key', 'vertex-api-key', 'openai-compatibility'] as const) {
    for (const [index, entry] of config[list].entries()) checkEntry(entry, `${list}.${index}`, report);
  }
  for (const [name, entry] of Object.entries(config.oauth)) checkEntry(entry, `oauth.${name}`, report);
  for (const [index, entry] of config['openai-compatibility'].entries()) {
    for (const [keyIndex, key] of entry['api-key-entries'].entries()) checkProxy(key['proxy-url'], `openai-compatibility.${index}.api-key-entries.${keyIndex}.proxy-url`, report);
  }
}

function checkEntry(entry: KeyEntry | VertexEntry | CompatEntry | LoginEntry, path: string, report: Report): void {
  checkProxy(entry['proxy-url'], `${path}.proxy-url`, report);
  if (/^\/*[^/]+\/+[^/]/.test(entry.prefix)) report('error', `${path}.prefix`, 'must not hold a slash');
  for (const name of Object.keys(entry.headers)) {
    if (!/^[!#$%&'*+.^_`|~\dA-Za-z-]+$/.test(name)) report('error', `${path}.headers`, 'holds a name that cannot be a header');
    // No error, since files of the Go program must load.
    if (isFramingHeader(name)) report('warning', `${path}.headers.${name}`, 'is set by Keyward itself and is left out');
  }
  if (entry['base-url'] === '') return;
  const verdict = judgeBaseUrl(entry['base-url'], entry['insecure-http']);
  if (verdict.kind !== 'fine') report(verdict.kind, `${path}.base-url`, verdict.message);
}

function checkProxy(url: string, path: string, report: Report): void {
  const objection = judgeProxyUrl(url);
  if (objection !== undefined) report('error', path, objection);
}
