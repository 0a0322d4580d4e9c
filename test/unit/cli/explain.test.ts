import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { runCli } from '../../../internal/cli/run.ts';
import { renderExplanation } from '../../../internal/cli/render-explanation.ts';
import { sha256Hex } from '../../../internal/secret/digest.ts';
import { createFakeProcess } from './fake-process.ts';

const answer = {
  model: 'claude-sonnet-5',
  dialect: 'openai-chat',
  operation: 'chat',
  at: '2026-11-24T12:00:00.000Z',
  strategy: 'round-robin',
  max_cooldown_seconds: 900,
  session_affinity: { enabled: true, ttl_seconds: 5_400, bound_sessions: 3 },
  candidates: [
    { label: 'claude (sk-a…9f3c)', askedIn: 'anthropic-messages', isTranslated: true, upstreamModel: 'claude-sonnet-5', priority: 5, weight: 1, place: 1, usable: true, cooldowns: [], boundSessions: 3 },
    {
      label: 'router', askedIn: 'openai-chat', isTranslated: false, upstreamModel: 'anthropic/claude-sonnet-5', priority: 0, weight: 1, place: 2, usable: false, skipped: 'the upstream failed (503); used only while nothing healthier serves the model', skipClass: 'cooling', boundSessions: 0,
      cooldowns: [{ scope: 'model', model: 'anthropic/claude-sonnet-5', status: 503, reason: 'the upstream failed (503)', source: 'own', failures: 4, since: '2026-11-24T11:59:56.000Z', until: '2026-11-24T12:00:04.000Z', nextTry: '2026-11-24T12:00:04.000Z', isProbing: false }],
    },
    {
      label: 'second', askedIn: 'openai-chat', isTranslated: false, upstreamModel: 'm', priority: 0, weight: 1, usable: false, skipped: 'rate limited (429), as the upstream said', skipClass: 'cooling', until: '2026-11-24T12:14:00.000Z', boundSessions: 0,
      cooldowns: [{ scope: 'account', model: '*', status: 429, reason: 'rate limited (429), as the upstream said', source: 'upstream', failures: 1, since: '2026-11-24T11:59:00.000Z', until: '2026-12-01T11:59:00.000Z', nextTry: '2026-11-24T12:14:00.000Z', isProbing: true }],
    },
    { label: 'off', upstreamModel: '', priority: 0, weight: 1, usable: false, skipped: 'it is disabled in the config', skipClass: 'disabled', cooldowns: [], boundSessions: 0 },
  ],
  near_names: [],
};

describe('what `keyward explain` prints', () => {
  it('is the order first, then who is skipped and until when, then what cools', () => {
    expect(renderExplanation(answer)).toBe(`Model     claude-sonnet-5
Asked     as a client of openai-chat (POST /v1/chat/completions)
Strategy  round-robin among accounts of one priority; health, then affinity, then priority go before it
Affinity  on, an idle session stays bound for 1h30m; 3 bound for this model

Accounts would be asked in this order now:
     account             asked in                        upstream model             priority  weight  sessions
  1  claude (sk-a…9f3c)  anthropic-messages, translated  claude-sonnet-5            5         1       3
  2  router              openai-chat                     anthropic/claude-sonnet-5  0         1       0         failed lately, so behind all that did not

Skipped:
  second  cooling   rate limited (429), as the upstream said; next try in 14m
  off     disabled  it is disabled in the config

Cooldowns (a success ends one; so does \`POST /v0/management/reset-quota\`):
  account  scope                            reason                                    whose time      failures  since   until     next try
  router   model anthropic/claude-sonnet-5  the upstream failed (503)                 own back-off    4         4s ago  in 4s     in 4s
  second   account                          rate limited (429), as the upstream said  the upstream’s  1         1m ago  in 6d23h  under way
`);
  });

  it('says plainly that nobody serves it, and what is near', () => {
    const text = renderExplanation({ ...answer, candidates: [{ label: 'a\u202e', usable: false, skipped: 'its models do not name it', skipClass: 'other_name' }], near_names: ['gpt-4o', 'gpt-4\u001b[2J'] });
    expect(text).toContain('No account would be asked now.\n');
    expect(text).toContain('  a\\u{202e}  other_name  its models do not name it\n');
    expect(text).toContain('Did you mean gpt-4o, gpt-4?\n');
    expect(text).not.toContain('Cooldowns');
  });

  it.each([
    [{ key_known: false, key_may_use: false }, 'is not known here: its requests get 401'],
    [{ key_known: true, key_may_use: false }, 'is known, but may not use the model: its requests get 403'],
    [{ key_known: true, key_may_use: true }, 'is known and may use the model'],
  ])('says of a key whether it may: %j', (said, expected) => {
    expect(renderExplanation({ ...answer, ...said, key: 'key_ab12cd34ef56' })).toContain(`\nKey       key_ab12cd34ef56 ${expected}\n`);
  });

  it('shows affinity that is off, and no column for it', () => {
    const text = renderExplanation({ ...answer, session_affinity: { enabled: false, ttl_seconds: 0, bound_sessions: 0 } });
    expect(text).toContain('Affinity  off');
    expect(text).not.toContain('sessions');
  });

  it('of an answer it does not know shows everything', () => {
    expect(renderExplanation({ model: 'm', further: { x: 1 } })).toBe('model: m\nfurther:\n  x: 1\n');
  });
});

describe('what `keyward explain` asks', () => {
  const closers: (() => void)[] = [];
  afterEach(() => closers.splice(0).forEach((close) => close()));

  async function asked(argv: readonly string[], stdin = ''): Promise<{ readonly path: string | undefined; readonly out: string }> {
    const cli = createFakeProcess(['explain', '--model', 'gpt 4', ...argv], { stdin });
    mkdirSync(join(cli.home, '.keyward'));
    let path: string | undefined;
    const server = createServer((req, res) => {
      path = req.url;
      res.end(JSON.stringify(answer));
    });
    closers.push(() => server.close());
    await new Promise<void>((resolve) => server.listen(join(cli.home, '.keyward', 'control.sock'), resolve));
    expect(await runCli(cli, () => Promise.reject(new Error('the daemon must not start')))).toBe(0);
    return { path, out: cli.out() };
  }

  const id = `key_${sha256Hex('sk-the-key').slice(0, 12)}`;

  it.each([['sk-the-key', ''], ['-', 'sk-the-key\n'], [id, '']])('a key (%s) by its id alone: the key itself is not sent', async (given, stdin) => {
    const { path } = await asked(['--key', given], stdin);
    expect(path).toBe(`/v0/management/explain?model=gpt+4&key=${id}`);
  });

  it('as a client of a dialect, and prints JSON as it came', async () => {
    const { path, out } = await asked(['--dialect', 'gemini', '--json']);
    expect(path).toBe('/v0/management/explain?model=gpt+4&dialect=gemini');
    expect(JSON.parse(out)).toEqual(answer);
  });
});
