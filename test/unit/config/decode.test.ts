import { describe, expect, it } from 'vitest';
import { decodeConfig } from '../../../internal/config/decode.ts';
import type { LoadedConfig } from '../../../internal/config/loaded.ts';
import { formatProblem } from '../../../internal/config/problem.ts';
import { err, ok } from '../../../internal/fault/result.ts';
import type { Result } from '../../../internal/fault/result.ts';
import type { ConfigProblem } from '../../../internal/config/problem.ts';

const files: Readonly<Record<string, string>> = { '/etc/keyward/secret': 'from-a-file\n', '/home/me/key': 'from-home', '/etc/keyward/blank': '\n' };
const decode = (text: string, env: Readonly<Record<string, string>> = {}): Result<LoadedConfig, readonly ConfigProblem[]> =>
  decodeConfig({ path: '/etc/keyward/config.yaml', text, env, home: '/home/me', readSecretFile: (path) => (files[path] === undefined ? err('does not exist') : ok(files[path])) });

function load(text: string, env: Readonly<Record<string, string>> = {}): LoadedConfig {
  const decoded = decode(text, env);
  if (!decoded.ok) throw new Error(decoded.error.map((problem) => formatProblem('config.yaml', problem)).join('\n'));
  return decoded.value;
}

/** `line:column path: message` of every error. */
function errorsOf(text: string, env: Readonly<Record<string, string>> = {}): readonly string[] {
  const decoded = decode(text, env);
  return decoded.ok ? [] : decoded.error.filter((problem) => problem.severity === 'error').map((problem) => formatProblem('f', problem));
}
const warningsOf = (text: string): readonly string[] => load(text).warnings.map((problem) => formatProblem('f', problem));
const keysOf = (text: string, env: Readonly<Record<string, string>> = {}): readonly string[] => load(text, env).config['api-keys'].map((key) => key.reveal());

describe('a config that is read', () => {
  it('an empty file, and one of comments alone, is all defaults', () => {
    for (const text of ['', '# nothing\n', '{}\n', '---\n']) {
      const { config } = load(text);
      expect([config.host, config.port, config['api-keys'], config['ws-auth'], config['shutdown-timeout']]).toEqual(['127.0.0.1', 8317, [], true, 30_000]);
    }
  });

  it('all problems are named at once, each with its line and column, in the order of the file', () => {
    expect(errorsOf('host: [1]\nport: many\napi-keys: sk-1\nclaude-api-key:\n  - base-url: "nope"\nrouting:\n  strategy: random\ndebug: 7\n')).toEqual([
      'f:1:7 host: must be text',
      'f:2:7 port: must be a whole number',
      'f:3:11 api-keys: must be a list',
      'f:5:5 claude-api-key.0.api-key: is missing',
      'f:7:13 routing.strategy: must be one of round-robin, weighted-round-robin, fill-first, least-busy, rr, roundrobin, ff, fillfirst, wrr',
      'f:8:8 debug: must be true or false',
    ]);
  });

  it('a list where a section belongs is refused, not taken for an empty one', () => {
    expect(errorsOf('tls: [1]\noauth: []\nremote-management: [{ secret-key: x }]\n')).toEqual(['f:1:6 tls: must be a section with names and values', 'f:2:8 oauth: must be a section with names and values', 'f:3:20 remote-management: must be a section with names and values']);
  });

  it('settings of the right form are judged too while others have the wrong one', () => {
    expect(errorsOf('port: many\nopenai-compatibility:\n  - { name: a, base-url: "ftp://x" }\n  - { name: b }\ntls: { enable: true }\n').map((line) => line.replace(/:.*?[ ]/, ' ').replace(/^f ?/, ''))).toEqual([
      expect.stringContaining('port: must be a whole number'),
      expect.stringContaining('openai-compatibility.0.base-url: must be a URL'),
      expect.stringContaining('openai-compatibility.1.base-url: is missing'),
      expect.stringContaining('tls.cert: must name'),
      expect.stringContaining('tls.key: must name'),
    ]);
  });

  it('no problem quotes a value, which may be a secret in the wrong place', () => {
    const decoded = decode('port: sk-canary-1\nws-auth: sk-canary-2\nshutdown-timeout: sk-canary-3\nclient-auth: sk-canary-4\ntls: sk-canary-5\nfoo: "sk-canary-6\n');
    expect(decoded.ok).toBe(false);
    expect(JSON.stringify(decoded)).not.toContain('sk-canary');
  });

  it('keys that YAML would read as numbers, switches or nothing stay the text that was written', () => {
    expect(keysOf('api-keys: [0123, 1e5, true, 0x1F, 12345678901234567890, no]\n')).toEqual(['0123', '1e5', 'true', '0x1F', '12345678901234567890', 'no']);
  });

  it('null is absent, wherever it stands', () => {
    const { config } = load('host:\nport: ~\napi-keys:\ntls:\nrouting:\n  strategy:\ngemini-api-key: null\n');
    expect([config.host, config.port, config['api-keys'], config.tls.enable, config.routing.strategy, config['gemini-api-key']]).toEqual(['127.0.0.1', 8317, [], false, 'round-robin', []]);
  });

  it('switches take the words of the Go program’s parser', () => {
    const { config } = load('debug: yes\nws-auth: off\nrequest-log: "on"\n'.replace('"on"', 'on'));
    expect([config.debug, config['ws-auth'], config['request-log']]).toEqual([true, false, true]);
    expect(errorsOf('debug: "yes"\n')).toEqual(['f:1:8 debug: must be true or false']);
  });

  it('durations take text with a unit or a number of seconds', () => {
    const { config } = load('shutdown-timeout: 90\nmax-cooldown: 2h\nupstream-idle-timeout: 250ms\n');
    expect([config['shutdown-timeout'], config['max-cooldown'], config['upstream-idle-timeout']]).toEqual([90_000, 7_200_000, 250]);
  });

  it('an explicit empty host is every interface; an absent one is loopback', () => {
    expect(load('host: ""\n').config.host).toBe('');
  });

  it('directories follow `~` and the file’s own folder', () => {
    const loaded = load('auth-dir: "./auth-dir"\ndata-dir: "~/state"\n');
    expect([loaded.authDir, loaded.dataDir]).toEqual(['/etc/keyward/auth-dir', '/home/me/state']);
    expect([load('').authDir, load('').dataDir, load('auth-dir: ""\n').authDir]).toEqual(['/home/me/.keyward/auth', '/home/me/.keyward', '/home/me/.keyward/auth']);
  });

  it('anchors and merge keys work as in the Go program', () => {
    const { config } = load('x-base: &base {base-url: "https://a.example", prefix: p}\ngemini-api-key:\n  - <<: *base\n    api-key: k1\n  - <<: *base\n    api-key: k2\n    prefix: q\n');
    expect(config['gemini-api-key'].map((entry) => [entry['base-url'], entry.prefix])).toEqual([['https://a.example', 'p'], ['https://a.example', 'q']]);
  });
});

describe('text that is not a config', () => {
  it.each([
    ['a: 1\na: 2\n', 'f:2:1 the same key stands here a second time'],
    ['a: !env X\n', 'f:1:9 uses a custom tag; only plain YAML is read'],
    ['a: 1\n---\nb: 2\n', 'f:2:1 a second document begins here; the file must be one'],
    ['\tport: 1\n', 'f:1:1 tabs cannot indent; use blanks'],
    ['port: *none\n', 'f:1:7 this alias names no anchor above it'],
    ['- a\n- b\n', 'f:1:1 must be a list of settings such as `port: 8317`'],
  ])('%j is refused with its place', (text, problem) => {
    expect(errorsOf(text)[0]).toBe(problem);
  });

  it('a megabyte is the limit', () => {
    expect(errorsOf(`# ${'x'.repeat(1_048_576)}\n`)).toEqual(['f is larger than 1 MB']);
  });

  it('aliases that multiply into millions are refused quickly', () => {
    const levels = Array.from({ length: 9 }, (_, level) => `l${level}: &l${level} [${Array.from({ length: 9 }, () => (level === 0 ? 'x' : `*l${level - 1}`)).join(', ')}]`);
    expect(errorsOf(`${levels.join('\n')}\n`)[0]).toMatch(/aliases stand for too much here$/);
  });

  it('deep nesting is refused, not a crash', () => {
    expect(errorsOf(`a: ${'['.repeat(2_000)}${']'.repeat(2_000)}\n`)[0]).toMatch(/nested more than 64 levels|not valid YAML/);
  });
});

describe('keys that are not known', () => {
  it('are kept count of and are no error', () => {
    const loaded = load('plugins: {a: 1}\nrouting: {weird: 1}\ngemini-api-key: [{api-key: k, websockets: true}]\n');
    expect(loaded.ignoredKeys).toEqual(['plugins', 'routing.weird', 'gemini-api-key.0.websockets']);
  });

  it('come with a hint when they look like a typo', () => {
    expect(warningsOf('reqest-retry: 3\n')).toEqual(["f:1:1 reqest-retry: ignored key 'reqest-retry'; did you mean `request-retry`?"]);
  });

  it('every key of the Go program’s newest file is accepted', () => {
    const names = 'home plugins redis-usage-queue-retention-seconds save-cooldown-status transient-error-cooldown-seconds disable-claude-cloak-mode claude-code disable-image-generation gpt-image-2-base-model video-result-auth-cache-ttl auth-auto-refresh-workers codex antigravity xai antigravity-signature-cache-enabled antigravity-signature-bypass-strict interactions-api-key xai-api-key ampcode oauth-request-scoped-errors credential-concurrency credential-in-flight codex-instructions-enabled';
    const text = `${names.split(' ').map((name) => `${name}: {}`).join('\n')}\nremote-management: {disable-auto-update-panel: true, panel-github-repository: x}\n`;
    expect(errorsOf(text)).toEqual([]);
  });

  it('settings that have no effect say why, once', () => {
    expect(warningsOf('commercial-mode: true\nquota-exceeded:\n  switch-project: true\n')).toEqual([
      "f:1:1 commercial-mode: ignored key 'commercial-mode': Request logging costs nothing while off.",
      "f:3:3 quota-exceeded.switch-project: ignored key 'quota-exceeded.switch-project': The Go program stores it without effect.",
    ]);
  });
});

describe('client keys', () => {
  it('are trimmed; blanks and repetitions go, with a warning', () => {
    const text = 'api-keys:\n  - " a "\n  - ""\n  - b\n  - a\n  -\n';
    expect(keysOf(text)).toEqual(['a', 'b']);
    expect(warningsOf(text)).toEqual(['f:3:5 api-keys.1: is blank and not used', 'f:5:5 api-keys.2: is the same key as one above and not used twice', 'f:6:4 api-keys.2: is blank and not used']);
  });

  it('longer than 4096 bytes are refused', () => {
    expect(errorsOf(`api-keys:\n  - ${'k'.repeat(4_097)}\n`)).toEqual(['f:2:5 api-keys.0: is longer than 4096 bytes']);
    expect(errorsOf(`api-keys:\n  - ${'k'.repeat(4_096)}\n`)).toEqual([]);
  });

  it('an explicit empty list is told from none', () => {
    expect([load('api-keys: []\n'), load(''), load('api-keys:\n')].map((loaded) => loaded.apiKeysExplicitlyEmpty)).toEqual([true, false, false]);
  });

  it('come from the legacy `auth.providers` too', () => {
    const text = 'auth:\n  providers:\n    - name: default\n      type: config-api-key\n      api-keys: ["old-1", "new-1"]\napi-keys: ["new-1"]\n';
    expect(keysOf(text)).toEqual(['new-1', 'old-1']);
    expect(load(text).ignoredKeys).toEqual([]);
  });
});

describe('upstream entries', () => {
  it('take the legacy lists in', () => {
    const { config } = load('generative-language-api-key: [g1, g2]\ngemini-api-key: [{api-key: g2}]\nopenai-compatibility:\n  - {name: a, base-url: "https://a.example/v1", api-keys: [c1]}\n');
    expect(config['gemini-api-key'].map((entry) => entry['api-key'].reveal())).toEqual(['g2', 'g1']);
    expect(config['openai-compatibility'][0]?.['api-key-entries'].map((entry) => entry['api-key'].reveal())).toEqual(['c1']);
    expect(config['generative-language-api-key']).toEqual([]);
  });

  it('with a blank key are left out, with a warning', () => {
    const text = 'claude-api-key:\n  - api-key: ""\n  - api-key: k\n';
    expect(load(text).config['claude-api-key'].map((entry) => entry['api-key'].reveal())).toEqual(['k']);
    expect(warningsOf(text)).toEqual(['f:2:5 claude-api-key.0: has a blank `api-key` and is not used']);
  });

  it.each([
    ['ftp://x', /must be a URL/],
    ['https://user:pass@api.example.com', /user name or password/],
    ['https://api.example.com/v1?key=1', /query or fragment/],
    ['http://api.example.com/v1', /plain http on a public address/],
    ['http://169.254.169.254/latest', /never connects to/],
    ['http://2852039166/', /never connects to/],
    ['https://[fe80::1]/', /never connects to/],
    ['https://[::ffff:169.254.169.254]/', /never connects to/],
    ['http://metadata.google.internal/', /never connects to/],
    ['https://[64:ff9b::a9fe:a9fe]/', /never connects to/],
  ])('a base-url %s is refused', (url, reason) => {
    expect(errorsOf(`codex-api-key: [{api-key: k, base-url: "${url}"}]\n`).join()).toMatch(reason);
  });

  it('plain http is fine on loopback, a warning on a private network, and public only by consent', () => {
    const entry = (url: string, more = ''): string => `codex-api-key: [{api-key: k, base-url: "${url}"${more}}]\n`;
    expect(warningsOf(entry('http://127.0.0.1:1234/v1'))).toEqual([]);
    expect(warningsOf(entry('http://localhost:1234/v1'))).toEqual([]);
    for (const url of ['http://192.168.1.5/v1', 'http://ollama:11434/v1', 'http://nas.local/v1']) expect(warningsOf(entry(url)).join()).toMatch(/plain http/);
    expect(errorsOf(entry('http://api.example.com/v1', ', insecure-http: true'))).toEqual([]);
  });

  it('a header that frames messages is a warning that names it; `host` is not', () => {
    expect(warningsOf('codex-api-key: [{api-key: k, headers: {Transfer-Encoding: chunked, host: a.example, x-team: a}}]\n')).toEqual([expect.stringContaining('codex-api-key.0.headers.Transfer-Encoding: is set by Keyward itself')]);
  });
});

describe('secrets by reference', () => {
  it('are resolved from the environment and from files beside the config or at home, and their origin is kept', () => {
    const loaded = load('api-keys: ["env:KEY_A", "file:secret", plain, "file:~/key"]\nclaude-api-key: [{api-key: "env:KEY_B", headers: {x-team: "env:KEY_A"}}]\n', { KEY_A: 'aaa', KEY_B: 'bbb' });
    expect(loaded.config['api-keys'].map((key) => key.reveal())).toEqual(['aaa', 'from-a-file', 'plain', 'from-home']);
    expect(Object.fromEntries(loaded.secretOrigins)).toEqual({
      'api-keys.0': { kind: 'env', name: 'KEY_A' },
      'api-keys.1': { kind: 'file', path: '/etc/keyward/secret', written: 'secret' },
      'api-keys.2': { kind: 'plain' },
      'api-keys.3': { kind: 'file', path: '/home/me/key', written: '~/key' },
      'claude-api-key.0.api-key': { kind: 'env', name: 'KEY_B' },
      'claude-api-key.0.headers.x-team': { kind: 'env', name: 'KEY_A' },
    });
  });

  it('that lead nowhere are errors that name the place and the way out', () => {
    expect(errorsOf('api-keys:\n  - env:NOT_SET\n  - file:/nowhere\n  - file:blank\n  - "env:"\n')).toEqual([
      'f:2:5 api-keys.0: environment variable NOT_SET is not set; set it, or write the value here',
      'f:3:5 api-keys.1: /nowhere does not exist',
      'f:4:5 api-keys.2: /etc/keyward/blank is empty; it must hold the secret',
      'f:5:5 api-keys.3: `env:` must be followed by the name of an environment variable',
    ]);
  });
});

describe('settings that depend on each other', () => {
  it('tls needs both files', () => {
    expect(errorsOf('tls: {enable: true, cert: a.pem}\n')).toEqual(['f:1:6 tls.key: must name the key file while `tls.enable` is true']);
  });

  it.each(['not-a-network', '10.0.0.0/33', '::1/129', '1.2.3.4/8/8'])('a trusted proxy %s is refused', (network) => {
    expect(errorsOf(`trusted-proxies: ["${network}"]\n`)[0]).toMatch(/must be an address or a network/);
  });

  it('networks of both families are taken', () => {
    expect(errorsOf('trusted-proxies: ["10.0.0.0/8", "::1", "fd00::/8"]\nallowed-origins: ["https://a.example", "chrome-extension://*", "null", "*"]\nallowed-hosts: ["*.example.com", host]\n')).toEqual([]);
  });
});
