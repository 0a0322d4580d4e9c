import { describe, expect, it } from 'vitest';
import { vendorText } from '../../../internal/upstreamauth/vendor-text.ts';

describe('what a vendor said', () => {
  it('a secret that it repeats shows nowhere, not even where the text is cut off', () => {
    const secret = Array.from({ length: 150 }, (_, index) => `piece-${index}.`).join('');
    for (const said of [secret, secret + secret, `${'x'.repeat(1_990)}${secret}`, `${secret} ${secret} ${encodeURIComponent(secret)}`]) expect(vendorText(said, [secret])).not.toContain('piece-');
  });
});
