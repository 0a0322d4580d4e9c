import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, memberOf } from '../../support/ask.ts';
import { runKeyward, startDaemon, type RunningDaemon } from '../../support/daemon.ts';

/* docs/keys.md, line by line in its order, as an operator would follow it. */

const page = readFileSync(resolve(import.meta.dirname, '../../../docs/keys.md'), 'utf8');
const blocks = (language: string): readonly string[] => [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map((match) => match[1] ?? '');
const lines = blocks('sh').flatMap((block) => block.trim().split('\n'));
const commands = lines.filter((line) => line.startsWith('keyward '));

let daemon: RunningDaemon;
beforeAll(async () => {
  daemon = await startDaemon({ config: 'api-keys: ["sk-static-0123456789abcdef"]\nremote-management: { secret-key: management-secret-of-the-test }\n' });
});
afterAll(() => daemon.stop());

/** Words as a shell would split them. */
const words = (line: string): readonly string[] => [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, single, double, bare]) => single ?? double ?? bare ?? '');

describe('docs/keys.md', () => {
  it('shows commands', () => expect(commands.length).toBeGreaterThan(8));

  it.each(commands)('`%s` does what it says', (line) => {
    const [, ...args] = words(line);
    const done = runKeyward(daemon.folder, [...args, '--config', daemon.configPath]);
    expect(done, done.stderr).toMatchObject({ status: 0 });
  });

  it('the object it shows is taken by the API, member for member', async () => {
    const shown: unknown = JSON.parse(blocks('json')[0] ?? '');
    const made = await ask(daemon.url, '/v0/management/client-keys', { key: 'management-secret-of-the-test', json: shown });
    expect(made.status).toBe(201);
    expect(memberOf(made.json, 'limits')).toMatchObject({ models: memberOf(shown, 'models'), monthly_budget: memberOf(shown, 'monthly_budget'), addresses: memberOf(shown, 'addresses') });
  });

  it('names every route and no other', async () => {
    const routes = [...page.matchAll(/^\| `(GET|POST|PATCH|DELETE)[^|]*?(\/client-keys[\w:/-]*)/gm)].map((match) => match[2] ?? '');
    expect(new Set(routes)).toEqual(new Set(['/client-keys', '/client-keys/:id', '/client-keys/:id/rotate', '/client-keys/:id/revoke', '/client-keys/import']));
  });
});
