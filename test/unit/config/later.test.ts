import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeConfig } from '../../../internal/config/decode.ts';
import { describeSettings, type SettingShape } from '../../../internal/config/shape.ts';
import { err } from '../../../internal/fault/result.ts';

function warningsOf(text: string): readonly string[] {
  const decoded = decodeConfig({ path: '/c/config.yaml', text, env: {}, home: '/h', readSecretFile: () => err('does not exist') });
  if (!decoded.ok) throw new Error(JSON.stringify(decoded.error));
  return decoded.value.warnings.map(({ message }) => message);
}

describe('a setting that takes effect with a later version', () => {
  it.each([
    ['identity: { enabled: true }', 'identity.enabled'],
  ])('is reported as without effect: %s', (text, path) => {
    expect(warningsOf(text)).toEqual([`ignored key '${path}': it takes effect with a later version`]);
  });

  it.each(['identity: { enabled: false }'])('is no matter at its default: %s', (text) => {
    expect(warningsOf(text)).toEqual([]);
  });
});

describe('the settings table', () => {
  it('marks every setting that no code reads', () => {
    const folder = resolve(import.meta.dirname, '../../../internal');
    const code = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && name !== join('config', 'schema.ts'))
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('\n');
    const unread = (shape: SettingShape, path: string): readonly string[] =>
      [...shape.members].flatMap(([name, member]) => {
        if (member.unused !== undefined || member.isLater) return [];
        if (member.members.size > 0) return unread(member, `${path}${name}.`);
        return new RegExp(String.raw`(?:\.|')${name}\b`).test(code) ? [] : [`${path}${name}`];
      });
    // `identity.oidc` stands for a section of which nothing is loaded while `identity.enabled` is false.
    expect(unread(describeSettings(), '').filter((path) => !path.startsWith('identity.'))).toEqual([]);
  });
});
