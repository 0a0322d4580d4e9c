import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { applyEdits } from '../../../internal/config/edit.ts';
import { decodeConfig } from '../../../internal/config/decode.ts';
import { configJsonSchema } from '../../../internal/config/json-schema.ts';
import type { LoadedConfig } from '../../../internal/config/loaded.ts';
import { isMembers } from '../../../internal/config/members.ts';
import { describeSettings, type SettingShape } from '../../../internal/config/shape.ts';
import { err } from '../../../internal/fault/result.ts';

const root = resolve(import.meta.dirname, '../../..');
const example = readFileSync(join(root, 'config.example.yaml'), 'utf8');

function load(text: string, env: Readonly<Record<string, string>> = {}): LoadedConfig {
  const decoded = decodeConfig({ path: '/c/config.yaml', text, env, home: '/h', readSecretFile: () => err('does not exist') });
  if (!decoded.ok) throw new Error(JSON.stringify(decoded.error));
  return decoded.value;
}

describe('config.example.yaml', () => {
  it('names its schema on the first line', () => {
    expect(example.split('\n')[0]).toBe('# yaml-language-server: $schema=./config.schema.json');
  });

  it('is valid, without a warning or an ignored key', () => {
    const { warnings, ignoredKeys } = load(example);
    expect([warnings, ignoredKeys]).toEqual([[], []]);
  });

  it('equals the defaults, but for the auth directory', () => {
    expect({ ...load(example).config, 'auth-dir': '' }).toEqual({ ...load('').config, 'auth-dir': '' });
    expect(load(example).config['auth-dir']).toBe('./auth-dir');
  });

  it('holds no usable secret', () => {
    const { config, secretOrigins } = load(example);
    expect([config['api-keys'], config['remote-management']['secret-key'], secretOrigins.size]).toEqual([[], undefined, 0]);
  });

  it('names every setting, those of entries included', () => {
    const missing = (shape: SettingShape, path: string): readonly string[] =>
      [...shape.members].flatMap(([name, member]) => [
        ...(new RegExp(String.raw`(?:^|[\s{,#])"?${name}"?:`, 'm').test(example) ? [] : [`${path}${name}`]),
        ...missing(member, `${path}${name}.`),
        ...(member.item === undefined ? [] : missing(member.item, `${path}${name}[].`)),
      ]);
    expect(missing(describeSettings(), '').filter((path) => path !== 'openai-compatibility[].api-keys')).toEqual([]);
  });

  it('has a comment above or behind every setting that stands in it', () => {
    const lines = example.split('\n');
    const bare = lines.filter((line, index) => /^\s*[a-z][\w-]*:/.test(line) && !/^\s*#/.test(lines[index - 1] ?? '') && !/^(?:tls|remote-management|routing|streaming|stored-responses|audit|  enabled|  oidc):?/.test(line));
    expect(bare).toEqual([]);
  });

  it('its commented examples are valid settings once the comment signs are off', () => {
    const opened = example
      .split('\n')
      .map((line) => (/^#(?: {2,}(?:- |[\w-]+:))/.test(line) ? line.slice(1) : line))
      .join('\n')
      .replaceAll(/^( *)([a-z][\w-]*): (?:\[\]|\{\})$(?=\n\1 {2}\S)/gm, '$1$2:');
    const env = Object.fromEntries(['GOOGLE_CLIENT_SECRET', 'CORP_CLIENT_SECRET', 'TEAM_CLIENT_KEY', 'GEMINI_API_KEY', 'ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'VERTEX_API_KEY', 'OPENROUTER_API_KEY'].map((name) => [name, `value-of-${name}`]));
    const { config, ignoredKeys } = load(opened, env);
    expect(ignoredKeys).toEqual([]);
    expect(config['openai-compatibility'].map((entry) => entry.name)).toEqual(['openrouter', 'ollama']);
    expect(config['gemini-api-key'][0]?.['api-key'].reveal()).toBe('value-of-GEMINI_API_KEY');
    expect(Object.keys(config.oauth)).toEqual(['google', 'corp']);
    expect(config.payload.filter[0]?.params).toEqual(['metadata', 'tools.#(type=="web_search")#']);
    expect(config['oauth-model-alias']['codex']).toEqual([{ name: 'gpt-5.4', alias: 'main', fork: true }]);
  });

  it('a first key added by the API keeps every other line', () => {
    const edited = applyEdits(example, [{ kind: 'append', path: ['api-keys'], value: 'sk-1' }]);
    expect(edited).toBe(example.replace('api-keys: []\n', 'api-keys:\n  - "sk-1"\n'));
  });
});

describe('config.schema.json', () => {
  it('knows exactly the settings of the table', () => {
    const schema = configJsonSchema();
    const properties = isMembers(schema['properties']) ? Object.keys(schema['properties']) : [];
    expect(properties).toEqual([...describeSettings().members.keys()]);
  });

  it('describes every setting in words', () => {
    const bare = (shape: SettingShape, path: string): readonly string[] => [...shape.members].flatMap(([name, member]) => [...(member.doc === '' && member.type !== 'section' ? [`${path}${name}`] : []), ...bare(member, `${path}${name}.`)]);
    expect(bare(describeSettings(), '')).toEqual([]);
  });

  it('offers defaults that are those of the example', () => {
    const plain: unknown = parse(example);
    const differing = [...describeSettings().members].filter(([name, shape]) => shape.fallback !== undefined && shape.type !== 'section' && isMembers(plain) && name in plain && name !== 'auth-dir' && JSON.stringify(plain[name]) !== JSON.stringify(shape.fallback));
    expect(differing.map(([name]) => name)).toEqual([]);
  });
});

describe('the generated pages', () => {
  it('are what the tables say', () => {
    expect(execFileSync(process.execPath, [join(root, 'scripts/docs.ts'), '--check'], { encoding: 'utf8', stdio: 'pipe' })).toBe('');
  });

  it('a page that was edited by hand fails the check and is named', () => {
    const copy = mkdtempSync(join(tmpdir(), 'keyward-docs-'));
    try {
      for (const part of ['scripts', 'internal', 'docs', 'config.schema.json', 'package.json', 'test/conformance/oauth']) cpSync(join(root, part), join(copy, part), { recursive: true });
      symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
      writeFileSync(join(copy, 'docs/errors.md'), 'mine\n');
      expect(() => execFileSync(process.execPath, [join(copy, 'scripts/docs.ts'), '--check'], { encoding: 'utf8', stdio: 'pipe' })).toThrow(/docs\/errors\.md differs/);
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  });
});
