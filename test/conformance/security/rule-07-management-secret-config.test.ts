import { describe, expect, it } from 'vitest';
import { decodeConfig } from '../../../internal/config/decode.ts';
import { err } from '../../../internal/fault/result.ts';

const body = 'abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234';
const decode = (value: string): ReturnType<typeof decodeConfig> =>
  decodeConfig({ path: '/c/config.yaml', text: `remote-management:\n  secret-key: ${JSON.stringify(value)}\n`, env: {}, home: '/h', readSecretFile: () => err('does not exist') });

describe('rule 7: a management secret that begins like a hash is only ever a hash', () => {
  it.each(['$2a', '$2b', '$2y'])('a whole %s hash is taken as it stands', (variant) => {
    const hash = `${variant}$10$${body}`;
    const decoded = decode(hash);
    expect(decoded.ok && decoded.value.config['remote-management']['secret-key']?.reveal()).toBe(hash);
  });

  it.each([`$2a$10$${body.slice(1)}`, `$2a$10$${body}x`, `$2x$10$${body}`, `$2a$99$${body}`, `$2a$1$${body}`, '$2a$10$', '$2', '$2secret', `$2b$10$${body.slice(0, 52)}!`])('%j is refused, not used as a password', (value) => {
    const decoded = decode(value);
    expect(decoded.ok ? [] : decoded.error.map((problem) => [problem.path, problem.line, problem.column])).toEqual([['remote-management.secret-key', 2, 15]]);
    expect(JSON.stringify(decoded.ok ? '' : decoded.error)).not.toContain(body.slice(0, 20));
  });

  it('a blank secret is none', () => {
    const decoded = decode('  ');
    expect(decoded.ok && decoded.value.config['remote-management']['secret-key']).toBeUndefined();
  });
});
