import { describe, expect, it } from 'vitest';
import { bindAddresses } from '../../../internal/http/bind.ts';

describe('rule 9: loopback means 127.0.0.1 and ::1', () => {
  it.each(['127.0.0.1', 'localhost', '::1'])('%s takes both, so that nobody can squat the other', (host) => {
    expect(bindAddresses(host).map((bind) => bind.host)).toEqual(['127.0.0.1', '::1']);
  });
});
