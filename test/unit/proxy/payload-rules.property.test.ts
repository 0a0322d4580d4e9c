import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeConfig } from '../../../internal/config/decode.ts';
import { isMembers } from '../../../internal/config/members.ts';
import { parsePayloadPath } from '../../../internal/config/payload/path.ts';
import { err } from '../../../internal/fault/result.ts';
import { compilePayloadRules, type PayloadQuery } from '../../../internal/proxy/payload-rules.ts';
import { fitsPattern } from '../../../internal/proxy/payload-query.ts';
import { configOf } from '../../support/config.ts';

const query: PayloadQuery = { model: 'm', upstreamModel: 'm', operation: 'chat', dialect: 'openai-chat', provider: 'openai', clientDialect: 'openai-chat', headers: {} };
const models = [{ name: 'm' }];

function apply(payload: object, body: unknown): unknown {
  const bytes = Buffer.from(JSON.stringify(body));
  return JSON.parse(compilePayloadRules(configOf({ payload }).payload).apply(bytes, query).toString('utf8'));
}

const names = fc.constantFrom('a', 'b', 'model', 'x.y', 'é', '7', '0', 'toString');
const values = fc.jsonValue({ maxDepth: 3, noUnicodeString: false });
const bodies = fc.dictionary(names, fc.letrec<{ value: unknown }>((tie) => ({ value: fc.oneof({ maxDepth: 3 }, values, fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(names, tie('value'), { maxKeys: 4 })) })).value, { maxKeys: 5 });
const steps = fc.array(names, { minLength: 1, maxLength: 4 }).filter(([first]) => first !== 'model');
const written = (path: readonly string[]): string => path.map((name) => name.replaceAll('.', String.raw`\.`)).join('.');

const isIndex = (name: string): boolean => /^\d+$/.test(name);

/** What the rules promise, by plain recursion over copies. */
function expected(at: unknown, [name = '', ...rest]: readonly string[], value: unknown): unknown {
  const into = (child: unknown): unknown => (rest.length === 0 ? value : expected(child, rest, value));
  if (Array.isArray(at) || (!isMembers(at) && isIndex(name))) {
    if (!isIndex(name)) return at;
    const list: unknown[] = Array.isArray(at) ? [...at] : [];
    while (list.length < Number(name)) list.push(null);
    list[Number(name)] = into(list[Number(name)]);
    return list;
  }
  const members = new Map(Object.entries(isMembers(at) ? at : {}));
  members.set(name, into(members.get(name)));
  return Object.fromEntries(members);
}

function has(at: unknown, path: readonly string[]): boolean {
  const [name = '', ...rest] = path;
  const members = isMembers(at) || (Array.isArray(at) && isIndex(name)) ? new Map<string, unknown>(Object.entries(at)) : new Map<string, unknown>();
  return members.has(name) && (rest.length === 0 || has(members.get(name), rest));
}

describe('payload rules', () => {
  it('an override changes its path and nothing else', () => {
    fc.assert(fc.property(bodies, steps, values, (body, path, value) => {
      expect(apply({ override: [{ models, params: { [written(path)]: value } }] }, body)).toEqual(JSON.parse(JSON.stringify(expected(body, path, value))));
    }));
  });

  it('a default does as an override where the path is missing, and nothing where it is there', () => {
    fc.assert(fc.property(bodies, steps, values, (body, path, value) => {
      const after = apply({ default: [{ models, params: { [written(path)]: value } }] }, body);
      expect(after).toEqual(JSON.parse(JSON.stringify(has(body, path) ? body : expected(body, path, value))));
    }));
  });

  it('what a filter removed is gone, and a second time changes nothing', () => {
    fc.assert(fc.property(bodies, steps.filter((path) => !isIndex(path.at(-1) ?? '')), (body, path) => {
      const payload = { filter: [{ models, params: [written(path)] }] };
      const once = apply(payload, body);
      expect(has(once, path)).toBe(false);
      expect(apply(payload, once)).toEqual(once);
    }));
  });

  it('a body that no rule applies to comes back as the same buffer', () => {
    fc.assert(fc.property(bodies, fc.dictionary(names.filter((name) => name !== 'model').map((name) => written([name])), values), (body, params) => {
      const bytes = Buffer.from(JSON.stringify(body, undefined, 1));
      expect(compilePayloadRules(configOf({ payload: { override: [{ models: [{ name: 'other' }], params }], filter: [{ models: [{ name: 'm', exist: ['never.there'] }], params: ['a'] }] } }).payload).apply(bytes, query)).toBe(bytes);
    }));
  });

  it('no rule that a config may hold changes the model or the stream', () => {
    const signs = fc.constantFrom('model', 'stream', 'MODEL', 'm', '\\', '.', ':', '#', '(', ')', '"', '=', '0', '-1', '*', '__proto__', '{', ' ');
    const paths = fc.oneof(fc.array(signs, { maxLength: 8 }).map((parts) => parts.join('')), fc.string({ maxLength: 12 }));
    fc.assert(fc.property(paths, fc.constantFrom('default', 'override', 'default-raw', 'override-raw', 'filter'), (path, section) => {
      const params = section === 'filter' ? [path] : { [path]: '"evil"' };
      const text = JSON.stringify({ payload: { [section]: [{ models, params }] } });
      const decoded = decodeConfig({ path: '/c/config.yaml', text, env: {}, home: '/h', readSecretFile: () => err('does not exist') });
      if (!decoded.ok) return;
      const rules = compilePayloadRules(decoded.value.config.payload);
      const after: unknown = JSON.parse(rules.apply(Buffer.from('{"model":"m","stream":true,"m":{"model":1}}'), query).toString('utf8'));
      expect(after).toMatchObject({ model: 'm', stream: true });
      expect(Object.keys(isMembers(after) ? after : {}).filter((name) => /^(?:model|stream)$/i.test(name))).toEqual(['model', 'stream']);
      expect(Reflect.get({}, 'evil')).toBeUndefined();
    }), { numRuns: 500 });
  });

  it('any text is either a path or refused', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (text) => {
      const parsed = parsePayloadPath(text);
      expect(parsed.ok ? parsed.value.length > 0 : parsed.error !== '').toBe(true);
    }));
  });

  it('a pattern fits what a regular expression made of it fits', () => {
    const patterns = fc.array(fc.constantFrom('*', '?', 'a', 'b', '.', '\\*'), { maxLength: 6 });
    fc.assert(fc.property(patterns, fc.array(fc.constantFrom('a', 'b', '.', '*'), { maxLength: 8 }), (pattern, text) => {
      const source = pattern.map((sign) => (sign === '*' ? '[\\s\\S]*' : sign === '?' ? '[\\s\\S]' : sign === '.' ? '\\.' : sign)).join('');
      expect(fitsPattern(text.join(''), pattern.join(''))).toBe(new RegExp(`^${source}$`).test(text.join('')));
    }), { numRuns: 500 });
  });
});
