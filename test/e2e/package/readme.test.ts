import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { runCli } from '../../../internal/cli/run.ts';
import { createFakeProcess } from '../../unit/cli/fake-process.ts';

const repository = resolve(import.meta.dirname, '../../..');
const pages = ['README.md', 'docs/audit.md', 'docs/keys.md', 'docs/migrating.md', 'docs/service/README.md'].map((file) => ({ file, text: readFileSync(join(repository, file), 'utf8') }));

interface Block {
  readonly file: string;
  readonly language: string;
  readonly code: string;
}

const blocks: readonly Block[] = pages.flatMap(({ file, text }) =>
  [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map((match) => ({ file, language: match[1] ?? '', code: match[2] ?? '' })),
);
const shellLines = blocks
  .filter((block) => block.language === 'sh')
  .flatMap((block) => block.code.replaceAll(/\\\n\s*/g, ' ').trim().split('\n').map((line) => ({ file: block.file, line })));

/** Command lines of keyward as the pages print them, in blocks, tables and sentences. */
function listCommandLines(): readonly string[] {
  const inline = pages.flatMap(({ text }) => [...text.matchAll(/`(keyward [^`]+)`/g)].map((match) => match[1] ?? ''));
  const printed = shellLines.map(({ line }) => line).filter((line) => /^(keyward|node dist\/keyward\.mjs) /.test(line));
  return [...inline, ...printed].map((line) => line.replace(/^(keyward|node dist\/keyward\.mjs) /, '')).filter((line) => !line.includes('<'));
}

const manifest: { readonly scripts: Readonly<Record<string, string>> } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));

describe('the README and its pages', () => {
  it.each([...new Set(listCommandLines())].map((line) => [line]))('`keyward %s` is a command the binary takes', async (line) => {
    // What stands behind `--` is another program's.
    const words = (line.split(' -- ')[0] ?? '').replace('[FILE]', '').replaceAll(/~\S*/g, 'FILE').trim().split(/\s+/);
    const cli = createFakeProcess([...words, '--help']);
    expect({ code: await runCli(cli, () => Promise.resolve({ exitCode: 0 })), err: cli.err() }).toEqual({ code: 0, err: '' });
    // Options that help alone would swallow unchecked.
    const options = words.filter((word) => word.startsWith('--'));
    for (const option of options) expect(cli.out()).toContain(option);
  });

  it('every npm script they name exists', () => {
    const named = pages.flatMap(({ text }) => [...text.matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1] ?? ''));
    expect(named).toContain('demo');
    expect(named.filter((script) => manifest.scripts[script] === undefined)).toEqual([]);
    expect(['start', 'test'].filter((script) => manifest.scripts[script] === undefined)).toEqual([]);
  });

  it('every file they link to or name in a command exists', () => {
    const linked = pages.flatMap(({ file, text }) => [...text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map((match) => join(dirname(file), match[1] ?? '')));
    const named = shellLines.flatMap(({ line }) => [...line.matchAll(/\b((?:docs|scripts)\/[\w./-]+\w)/g)].map((match) => match[1] ?? ''));
    expect([...new Set([...linked, ...named])].filter((file) => !existsSync(join(repository, file)))).toEqual([]);
  });

  it('the upstreams shown form a config without problems', async () => {
    const shown = blocks.find((block) => block.file === 'README.md' && block.language === 'yaml')?.code ?? '';
    expect(Object.keys(Object(parse(shown)))).toEqual(['claude-api-key', 'codex-api-key', 'gemini-api-key', 'openai-compatibility']);
    const cli = createFakeProcess(['config', 'check', '--config', 'config.yaml', '--json'], { env: { ANTHROPIC_API_KEY: 'sk-ant-0123456789' } });
    writeFileSync(join(cli.cwd, 'config.yaml'), `api-keys: ["kw_0123456789abcdef"]\n${shown}`);
    const code = await runCli(cli, () => Promise.resolve({ exitCode: 0 }));
    expect({ code, answer: JSON.parse(cli.out()) }).toMatchObject({ code: 0, answer: { valid: true, problems: [] } });
  });

  it('the logins shown form a config without problems', async () => {
    const shown = blocks.find((block) => block.file === 'README.md' && block.code.startsWith('oauth:'))?.code ?? '';
    expect(Object.keys(Object(Object(parse(shown)).oauth))).toEqual(['anthropic', 'corp']);
    const cli = createFakeProcess(['config', 'check', '--config', 'config.yaml', '--json']);
    writeFileSync(join(cli.cwd, 'config.yaml'), `api-keys: ["kw_0123456789abcdef"]\n${shown}`);
    const code = await runCli(cli, () => Promise.resolve({ exitCode: 0 }));
    expect({ code, answer: JSON.parse(cli.out()) }).toMatchObject({ code: 0, answer: { valid: true, problems: [] } });
  });

  it('the table of commands is the command line’s', async () => {
    const offered = await listOffered();
    const table = [...(pages[0]?.text ?? '').matchAll(/^\| `keyward ([a-z]+(?: [a-z]+(?:-[a-z]+)*)?)(?: [A-Z[-].*?)?` \|/gm)].map((match) => match[1]);
    expect(new Set(table)).toEqual(new Set(offered));
  });
});

/** Every command of the help, with the names below it where it has some. */
async function listOffered(): Promise<readonly string[]> {
  const names = [...(await printHelp([])).matchAll(/^ {2}([a-z]+)(?: [a-z|<>]+)? {2,}/gm)].map((match) => match[1] ?? '').filter((name) => !/^(?:help|config|data|accounts|keyward)$/.test(name));
  const groups = await Promise.all(['config', 'keys', 'accounts', 'audit', 'contexts', 'clients', 'sessions'].map(async (group) => [group, await printHelp([group])] as const));
  const below = groups.flatMap(([group, help]) => [...help.slice(help.indexOf('Commands:')).matchAll(/^ {2}([a-z-]+)(?: .*)?$/gm)].map((match) => `${group} ${match[1]}`));
  return [...names.filter((name) => !groups.some(([group]) => group === name)), ...below];
}

async function printHelp(command: readonly string[]): Promise<string> {
  const cli = createFakeProcess([...command, '--help']);
  await runCli(cli, () => Promise.resolve({ exitCode: 0 }));
  return cli.out();
}
