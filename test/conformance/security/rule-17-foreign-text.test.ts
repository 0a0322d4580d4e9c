import { describe, expect, it } from 'vitest';
import { redactTarget } from '../../../internal/http/carriers.ts';
import { chooseRequestId } from '../../../internal/http/request-id.ts';
import { createDoorBench, rulesOf } from '../../support/door-fixtures.ts';

describe('rule 17: foreign text', () => {
  it('a client’s x-request-id is kept only if it is short and plain', () => {
    expect(chooseRequestId('abc_DEF-1')).toBe('abc_DEF-1');
    for (const hostile of ['a\u001b[2J', 'a b', '../../etc', '', 'x'.repeat(65), '\u202eabc']) expect(chooseRequestId(hostile)).not.toBe(hostile);
  });

  it.each(['state', 'code', 'user_code', 'key', 'auth_token'])('%s is cut out of a logged target', (name) => {
    expect(redactTarget({ path: '/codex/callback', query: `${name}=canary&${name.toUpperCase()}=canary` })).not.toContain('canary');
  });

  it('a Host shown back has control and bidi characters escaped', async () => {
    const { error } = createDoorBench();
    const { message } = await error(rulesOf({}), { headers: { host: 'x\u001b]0;evil\u0007\u202e\u2066y' } });
    expect(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(message)).toBe(false);
  });
});
