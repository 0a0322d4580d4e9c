import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask } from '../../support/ask.ts';
import { makeFolder, runKeyward, startDaemon } from '../../support/daemon.ts';
import { until } from '../../support/until.ts';

const fragments = join(import.meta.dirname, 'fragments');
const names = readdirSync(fragments).toSorted();
const read = (name: string): string => readFileSync(join(fragments, `${name}.yaml`), 'utf8');

let folder: string;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Check {
  readonly status: number | null;
  readonly report: unknown;
  readonly text: string;
}

function check(yaml: string): Check {
  const file = join(folder, 'config.yaml');
  writeFileSync(file, yaml, { mode: 0o600 });
  const { status, stdout } = runKeyward(folder, ['config', 'check', '--config', file, '--json']);
  return { status, report: JSON.parse(stdout), text: stdout };
}

describe('the configuration fragments of the page', () => {
  it('are all here', () => {
    expect(names.length).toBe(12);
  });

  it.each(names)('%s loads as printed, and every key of it is understood', (name) => {
    expect(check(readFileSync(join(fragments, name), 'utf8'))).toMatchObject({ status: 0, report: { valid: true, ignored_keys: [] } });
  });

  it('together they are one valid configuration', () => {
    const all = ['api-keys', 'management', 'ws-auth', 'gemini-api-key', 'claude-api-key', 'codex-api-key', 'openai-compatibility', 'auth-dir', 'tls'].map(read).join('\n');
    expect(check(all)).toMatchObject({ status: 0, report: { valid: true, ignored_keys: [] } });
  });

  it('a published sample key works on loopback with a loud warning, and stops the start on any other bind', () => {
    const onLoopback = check(read('api-keys'));
    expect(onLoopback.report).toMatchObject({ valid: true, problems: [{ severity: 'warning', path: 'api-keys.0' }, { path: 'api-keys.1' }, { path: 'api-keys.2' }] });
    expect(onLoopback.text).toContain('published sample');
    expect(check(`host: "0.0.0.0"\n${read('api-keys')}`)).toMatchObject({ status: 2, report: { valid: false } });
  });

  it('api-keys: [] is open mode on loopback, and stops the start on any other bind unless insecure-open-access says so', () => {
    expect(check(read('no-authentication'))).toMatchObject({ status: 0 });
    expect(check(`host: ""\n${read('no-authentication')}`)).toMatchObject({ status: 2 });
    expect(check(`host: ""\ninsecure-open-access: true\n${read('no-authentication')}`)).toMatchObject({ status: 0 });
  });

  it('the sample management secret is refused once remote management is allowed', () => {
    const remote = read('management').replace('allow-remote: false', 'allow-remote: true');
    expect(check(`insecure-plaintext-management: true\n${remote}`)).toMatchObject({ status: 2 });
  });

  it('the daemon runs with every provider fragment and lists their models under their prefixes', async () => {
    const config = ['api-keys', 'management', 'ws-auth', 'gemini-api-key', 'claude-api-key', 'codex-api-key', 'openai-compatibility'].map(read).join('\n');
    const daemon = await startDaemon({ config });
    try {
      const { text } = await ask(daemon.url, '/v1/models', { key: 'your-api-key-2' });
      for (const model of ['team-a/gemini-2.5-flash', 'production/claude-sonnet-4-5', 'dev/gpt-5']) expect(text).toContain(`"${model}"`);
      await until('the loud warning of the sample keys', () => daemon.output().includes('published sample key'));
    } finally {
      await daemon.stop();
    }
  });
});
