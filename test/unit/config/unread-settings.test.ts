import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeSettings, type SettingShape } from '../../../internal/config/shape.ts';

describe('the settings table', () => {
  it('marks every setting that no code reads', () => {
    const folder = resolve(import.meta.dirname, '../../../internal');
    const code = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && name !== join('config', 'schema.ts'))
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('\n');
    const unread = (shape: SettingShape, path: string): readonly string[] =>
      [...shape.members].flatMap(([name, member]) => {
        if (member.unused !== undefined) return [];
        if (member.members.size > 0) return unread(member, `${path}${name}.`);
        return new RegExp(String.raw`(?:\.|')${name}\b`).test(code) ? [] : [`${path}${name}`];
      });
    expect(unread(describeSettings(), '')).toEqual([]);
  });
});
