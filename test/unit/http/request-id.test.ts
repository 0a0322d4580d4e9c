import { describe, expect, it } from 'vitest';
import { chooseRequestId } from '../../../internal/http/request-id.ts';

describe('the request id', () => {
  it.each(['a', 'req_1-2', 'x'.repeat(64)])('%s of the client is kept', (id) => {
    expect(chooseRequestId(id)).toBe(id);
  });

  it.each([undefined, '', 'x'.repeat(65), 'a b', 'a\nb', '../x', 'a\u202e', ['a', 'b']])('%j is replaced by our own', (id) => {
    expect(chooseRequestId(id)).toMatch(/^req_[\w-]{36}$/);
  });

  it('is another one for each request', () => {
    expect(chooseRequestId(undefined)).not.toBe(chooseRequestId(undefined));
  });
});
