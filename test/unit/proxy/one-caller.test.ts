import { describe, expect, it } from 'vitest';
import { proxyLimits } from '../../../internal/proxy/limits.ts';
import { configOf } from '../../support/config.ts';

const hasOneCaller = (settings: object, isLatched = false): boolean => proxyLimits(configOf({ ...settings }), isLatched).hasOneCaller;

describe('what is made upstream and bound to nobody', () => {
  it('may be named where a single static key is all there is', () => {
    expect(hasOneCaller({ 'api-keys': ['one-key-0123456789'] })).toBe(true);
  });

  it('is refused as soon as managed keys may be other callers (security rule 15)', () => {
    expect(hasOneCaller({ 'client-auth': 'required' })).toBe(false);
    expect(hasOneCaller({ 'api-keys': ['one-key-0123456789'], 'client-auth': 'required' })).toBe(false);
    expect(hasOneCaller({}, true)).toBe(false);
  });
});
