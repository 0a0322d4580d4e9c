import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeAssistQuery, encloseRequest, envelopeOfAnswer } from '../../../internal/proxy/code-assist.ts';

const enclose = (text: string, verb: string, project = 'proj "1"'): string => encloseRequest(Buffer.from(text), { verb, model: 'gemini-2.5-pro', project }).toString();

describe('a request in its envelope', () => {
  it('keeps the client\'s bytes as they are, beside model and project', () => {
    const odd = '{ "contents" : [ {"parts":[{"text":"\\u00e9 é"}]} ] ,\n"n": 1.0e5}';
    expect(enclose(odd, 'generateContent')).toBe(`{"model":"gemini-2.5-pro","project":"proj \\"1\\"","request":${odd}}`);
    expect(enclose(odd, 'streamGenerateContent', '')).toBe(`{"model":"gemini-2.5-pro","request":${odd}}`);
  });

  it.each([
    ['{"contents":[]}', '{"request":{"model":"models/gemini-2.5-pro","contents":[]}}'],
    ['{}', '{"request":{"model":"models/gemini-2.5-pro"}}'],
    [' { \n } ', '{"request": {"model":"models/gemini-2.5-pro" \n } }'],
    ['{"contents":[],"model":"models/other"}', '{"request":{"contents":[],"model":"models/gemini-2.5-pro"}}'],
    ['{"generateContentRequest":{"model":"models/x"}}', '{"request":{"model":"models/gemini-2.5-pro","generateContentRequest":{"model":"models/x"}}}'],
  ])('to count tokens of %j has the model inside, once', (text, expected) => {
    expect(enclose(text, 'countTokens')).toBe(expected);
  });

  it('is JSON whose request is the client\'s, whatever that is', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 2), (body, indent) => {
        const text = JSON.stringify(body, null, indent);
        expect(JSON.parse(enclose(text, 'generateContent'))).toEqual({ model: 'gemini-2.5-pro', project: 'proj "1"', request: JSON.parse(text) });
      }),
    );
  });
});

describe('the answer\'s form', () => {
  it.each([
    ['generateContent', '', 'whole'],
    ['generateContent', 'alt=sse', 'whole'],
    ['countTokens', '', 'whole'],
    ['streamGenerateContent', 'alt=sse', 'events'],
    ['streamGenerateContent', '$alt=sse', 'events'],
    ['streamGenerateContent', '%24alt=sse&key=k', 'events'],
    ['streamGenerateContent', '', 'array'],
    ['streamGenerateContent', 'alt=json', 'array'],
  ])('of %s?%s is %s', (verb, query, form) => {
    expect(envelopeOfAnswer(verb, query)).toBe(form);
  });

  it('is asked of the vendor as events for every stream', () => {
    expect([codeAssistQuery('streamGenerateContent'), codeAssistQuery('generateContent'), codeAssistQuery('countTokens')]).toEqual(['?alt=sse', '', '']);
  });
});
