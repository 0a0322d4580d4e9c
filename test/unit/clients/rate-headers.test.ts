import { describe, expect, it } from 'vitest';
import { durationText } from '../../../internal/clients/limits/rate-headers.ts';

describe('a wait in OpenAI’s headers', () => {
  it.each([
    [0, '0s'],
    [0.2, '1ms'],
    [12, '12ms'],
    [1_000, '1s'],
    [8_640, '8.64s'],
    [59_999.5, '1m0s'],
    [60_000, '1m0s'],
    [360_000, '6m0s'],
    [61_500, '1m1.5s'],
    [3_600_000, '60m0s'],
  ])('of %d ms is %s', (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });
});
