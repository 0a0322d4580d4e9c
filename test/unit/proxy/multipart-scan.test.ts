import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { multipartBoundary, MultipartScan } from '../../../internal/proxy/multipart-scan.ts';

const part = (name: string, content: string, more = ''): string => `--B\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${content}\r\n`;

function scan(text: string, cuts: readonly number[] = []) {
  const bytes = Buffer.from(text, 'latin1');
  const found = new MultipartScan('B');
  let from = 0;
  for (const cut of [...cuts.map((each) => each % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]) {
    found.push(bytes.subarray(from, cut));
    from = cut;
  }
  const model = found.finish();
  return model && { ...model, inBody: bytes.toString('latin1', model.start, model.end) };
}

describe('finding the model of a form', () => {
  it('finds it at its place under any chunking, whatever the other parts hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), fc.array(fc.nat(2_000), { maxLength: 30 }), (content, cuts) => {
        fc.pre(!/[\r\n]--B/.test(content));
        const text = `${part('file', content, '; filename="a%22.png"')}${part('model', 'gpt-image-1')}${part('prompt', 'a --B model')}--B--\r\n`;
        const found = scan(text, cuts);
        expect([found?.value, found?.inBody]).toEqual(['gpt-image-1', 'gpt-image-1']);
      }),
    );
  });

  it('takes an empty model part, a preamble, and parts without further headers', () => {
    expect(scan(`preamble\r\n${part('model', '')}--B--`)).toMatchObject({ value: '' });
  });

  it('refuses a second model part', () => {
    expect(() => scan(`${part('model', 'a')}${part('model', 'b')}--B--`)).toThrow(expect.objectContaining({ code: 'duplicate_member' }));
  });

  it('refuses a form without its end, and a part without a name', () => {
    expect(() => scan(part('model', 'a'))).toThrow(expect.objectContaining({ code: 'invalid_request' }));
    expect(() => scan('--B\r\nContent-Type: text/plain\r\n\r\nx\r\n--B--')).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });

  it('reads the boundary of the content type, quoted or not', () => {
    expect(multipartBoundary('multipart/form-data; boundary=B')).toBe('B');
    expect(multipartBoundary('Multipart/Form-Data; charset=x; boundary="a b"')).toBe('a b');
    expect(multipartBoundary('application/json')).toBeUndefined();
  });
});
