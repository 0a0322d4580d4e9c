import { describe, expect, it } from 'vitest';
import { compilePayloadRules, type PayloadQuery } from '../../../internal/proxy/payload-rules.ts';
import { configOf } from '../../support/config.ts';

const chat: PayloadQuery = { model: 'm', upstreamModel: 'm', operation: 'chat', dialect: 'openai-chat', provider: 'openai-compatibility', clientDialect: 'openai-chat', headers: {} };
const any = [{ name: '*' }] as const;

function apply(payload: object, body: string, query: Partial<PayloadQuery> = {}): string {
  return compilePayloadRules(configOf({ payload }).payload).apply(Buffer.from(body), { ...chat, ...query }).toString('utf8');
}

/** Whether a rule with this in `models` changes the body. */
function fits(model: object, query: Partial<PayloadQuery> = {}, body = '{}'): boolean {
  const rules = compilePayloadRules(configOf({ payload: { override: [{ models: [{ name: '*', ...model }], params: { hit: true } }] } }).payload);
  const whole = { ...chat, ...query };
  const changed = rules.apply(Buffer.from(body), whole).toString('utf8') !== body;
  // The cheap check may say yes in vain, never no.
  if (changed) expect(rules.applies(whole)).toBe(true);
  return changed;
}

describe('a default', () => {
  const setting = (params: object): object => ({ default: [{ models: any, params }] });

  it('writes where nothing is, making what is missing on the way', () => {
    expect(apply(setting({ 'reasoning.effort': 'high', 'stop.0': 'x', 'list.-1.a': 1 }), '{"a":1}')).toBe('{"a":1,"reasoning":{"effort":"high"},"stop":["x"],"list":[{"a":1}]}');
  });

  it('leaves what is there, null included', () => {
    const body = Buffer.from('{"a": null, "b": {"c": 1}}');
    expect(compilePayloadRules(configOf({ payload: setting({ a: 1, 'b.c': 2, b: 3 }) }).payload).apply(body, chat)).toBe(body);
  });

  it('of the first rule that applies wins, raw ones coming after', () => {
    const payload = { default: [{ models: [{ name: 'other' }], params: { a: 0 } }, { models: any, params: { a: 1 } }, { models: any, params: { a: 2, b: 2 } }], 'default-raw': [{ models: any, params: { a: '3', b: '3', c: ' [3] ' } }] };
    expect(apply(payload, '{}')).toBe('{"a":1,"b":2,"c":[3]}');
  });

  it('at the end of a list is written once', () => {
    expect(apply({ default: [{ models: any, params: { 'tools.-1': 'a' } }, { models: any, params: { 'tools.-1': 'b' } }] }, '{"tools":[]}')).toBe('{"tools":["a"]}');
  });
});

describe('an override', () => {
  const setting = (params: object): object => ({ override: [{ models: any, params }] });

  it('writes always; of several the last wins, raw ones coming after', () => {
    const payload = { override: [{ models: any, params: { a: 1, b: 1 } }, { models: any, params: { a: 2 } }], 'override-raw': [{ models: any, params: { b: '{"x":[1.0]}' } }] };
    expect(apply(payload, '{"a":0,"b":0}')).toBe('{"a":2,"b":{"x":[1.0]}}');
  });

  it('can write null, and values that YAML has as maps and lists', () => {
    expect(apply({ ...setting({ a: null }), 'override-raw': [{ models: any, params: { 'tools.-1': { type: 'web_search' } } }] }, '{"tools":[1]}')).toBe('{"tools":[1,{"type":"web_search"}],"a":null}');
  });

  it('leaves every other byte of the values as it came', () => {
    expect(apply(setting({ 'a.b': 1 }), ' {"n": 12345678901234567890.10, "2":1, "1" : [ 1 , 2 ] , "a" : {"b":0, "c\\u0041": "\\u00e9"}}\n')).toBe('{"n":12345678901234567890.10,"2":1,"1":[ 1 , 2 ],"a":{"b":1,"c\\u0041":"\\u00e9"}}');
  });

  it('that says what is there already leaves the very same buffer', () => {
    const body = Buffer.from('{ "a": {"b": "x"} }');
    expect(compilePayloadRules(configOf({ payload: setting({ 'a.b': 'x' }) }).payload).apply(body, chat)).toBe(body);
  });

  it('finds a member whatever way its name is written', () => {
    expect(apply(setting({ 'a.é': 1 }), '{"\\u0061":{"\\u00e9":0}}')).toBe('{"\\u0061":{"\\u00e9":1}}');
  });

  it('cannot be dodged by a member that stands twice, wherever on the way', () => {
    expect(apply(setting({ max_tokens: 5 }), '{"max_tokens":9,"x":1,"max_tokens":8}')).toBe('{"x":1,"max_tokens":5}');
    expect(apply(setting({ 'g.t': 5 }), '{"g":{"t":9},"g":{}}')).toBe('{"g":{"t":5}}');
    expect(apply({ filter: [{ models: any, params: ['g.t', 'u'] }] }, '{"u":1,"g":{"t":9},"g":{"s":1},"u":2}')).toBe('{"g":{"s":1}}');
  });

  it('puts a container in the place of a value that is none', () => {
    expect(apply(setting({ 'a.b': 1, 'c.0': 1, 'd.e': 1 }), '{"a":"x","c":7,"d":null}')).toBe('{"a":{"b":1},"c":[1],"d":{"e":1}}');
  });

  it('goes into a list by place alone; a name changes nothing there', () => {
    expect(apply(setting({ 'l.1': 'b', 'l.4': 'e', 'l.name': 1 }), '{"l":["a","x"]}')).toBe('{"l":["a","b",null,null,"e"]}');
    expect(apply(setting({ 'l.name': 1, 'l.name.x': 1 }), '{"l":["a"]}')).toBe('{"l":["a"]}');
  });

  it('goes into an object by name, digits and -1 included', () => {
    expect(apply(setting({ 'o.0': 1, 'o.-1': 2, 'p.:7': 3, 'p.:-1': 4 }), '{"o":{}}')).toBe('{"o":{"0":1,"-1":2},"p":{"7":3,"-1":4}}');
  });

  it('never reaches a prototype', () => {
    expect(apply(setting({ 'constructor.prototype.polluted': 1, 'toString.x': 1, 'a.hasOwnProperty': 1 }), '{"a":{}}')).toBe('{"a":{"hasOwnProperty":1},"constructor":{"prototype":{"polluted":1}},"toString":{"x":1}}');
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
    expect(apply(setting({ 'a.b': 1 }), '{"__proto__":{"a":{"b":5}}}')).toBe('{"__proto__":{"a":{"b":5}},"a":{"b":1}}');
  });
});

describe('a filter', () => {
  const removing = (...params: readonly string[]): object => ({ filter: [{ models: any, params }] });

  it('removes members and items, the last one by -1', () => {
    expect(apply(removing('a.b', 'l.0', 'l.-1', 'none.x', 'l.9'), '{"a":{"b":1,"c":2},"l":[1,2,3]}')).toBe('{"a":{"c":2},"l":[2]}');
  });

  it('comes after what the other rules wrote', () => {
    expect(apply({ override: [{ models: any, params: { a: 1, b: 1 } }], ...removing('a') }, '{}')).toBe('{"b":1}');
  });

  it('leaves the very same buffer where nothing is to be removed', () => {
    const body = Buffer.from('{"a": [ ], "b": "text"}');
    expect(compilePayloadRules(configOf({ payload: removing('x', 'a.0', 'a.-1', 'b.c') }).payload).apply(body, chat)).toBe(body);
  });
});

describe('a query in a path', () => {
  const tools = '{"tools":[{"type":"a","n":1},{"type":"b","n":2.0,"on":true},{"type":"b","n":3,"deep":{"x":"mcp__1"}},"plain"]}';
  const kept = (path: string): readonly unknown[] => {
    const left: unknown = JSON.parse(apply({ filter: [{ models: any, params: [path] }] }, tools));
    const list: unknown = typeof left === 'object' && left !== null ? Reflect.get(left, 'tools') : [];
    return Array.isArray(list) ? list.map((item: unknown) => (typeof item === 'object' && item !== null ? Reflect.get(item, 'n') : item)) : [];
  };

  it.each([
    ['#(type=="b")', [1, 3, 'plain']],
    ['#(type=="b")#', [1, 'plain']],
    ['#(type=b)#', [1, 'plain']],
    ['#(type!="b")#', [2, 3, 'plain']],
    ['#(n>=2)#', [1, 'plain']],
    ['#(n<2)#', [2, 3, 'plain']],
    ['#(n==2)', [1, 3, 'plain']],
    ['#(n=="2.0")', [1, 3, 'plain']],
    ['#(on)#', [1, 3, 'plain']],
    ['#(on==true)#', [1, 3, 'plain']],
    ['#(on!=false)#', [1, 3, 'plain']],
    ['#(deep.x%"mcp__*")#', [1, 2, 'plain']],
    ['#(deep.x!%"mcp__?")#', [1, 2, 3, 'plain']],
    ['#(deep=="x")#', [1, 2, 3, 'plain']],
    ['#(=="plain")', [1, 2, 3]],
    ['#(type=="b" && n>2)#', [1, 2, 'plain']],
    ['#(type=="a" || n>2)#', [2, 'plain']],
    ['#(none!="x")#', [1, 2, 3, 'plain']],
  ])('%s takes the items that fit', (query, left) => {
    expect(kept(`tools.${query}`)).toEqual(left);
  });

  it('leads further, and writes at every item it takes', () => {
    expect(apply({ override: [{ models: any, params: { 'tools.#(type=="b")#.strict': true } }] }, '{"tools":[{"type":"a"},{"type":"b"},{"type":"b"}]}')).toBe('{"tools":[{"type":"a"},{"type":"b","strict":true},{"type":"b","strict":true}]}');
  });

  it('into what is no list takes nothing', () => {
    expect(apply({ override: [{ models: any, params: { 'tools.#(type=="b").x': 1, 'none.#(a).x': 1 } }] }, '{"tools":{"type":"b"}}')).toBe('{"tools":{"type":"b"}}');
  });
});

describe('a rule applies', () => {
  it('by the client’s name of the model or the upstream’s, whatever the case', () => {
    expect(fits({ name: 'GPT-*-fast' }, { model: 'gpt-5-Fast', upstreamModel: 'gpt-5' })).toBe(true);
    expect(fits({ name: 'gpt-5' }, { model: 'team/alias', upstreamModel: 'gpt-5' })).toBe(true);
    expect(fits({ name: 'gpt-5' }, { model: 'gpt-5-mini', upstreamModel: 'gpt-5-mini' })).toBe(false);
  });

  it.each([
    ['openai', { dialect: 'openai-chat' }, true],
    ['openai', { dialect: 'openai-responses' }, false],
    ['codex', { dialect: 'openai-responses' }, true],
    ['openai-response', { dialect: 'openai-responses' }, true],
    ['Claude', { dialect: 'anthropic-messages' }, true],
    ['gemini', { dialect: 'gemini', provider: 'gemini' }, true],
    ['gemini', { dialect: 'gemini', provider: 'antigravity' }, false],
    ['antigravity', { dialect: 'gemini', provider: 'antigravity' }, true],
    ['antigravity', { dialect: 'gemini', provider: 'google' }, false],
    ['interactions', { dialect: 'gemini' }, false],
    ['', { dialect: 'gemini', provider: 'antigravity' }, true],
  ] as const)('by the protocol %j spoken upstream: %j', (protocol, query, expected) => {
    expect(fits({ protocol }, query)).toBe(expected);
  });

  it('by the client’s protocol', () => {
    expect(fits({ 'from-protocol': 'claude', protocol: 'openai' }, { clientDialect: 'anthropic-messages' })).toBe(true);
    expect(fits({ 'from-protocol': 'claude' })).toBe(false);
    expect(fits({ 'from-protocol': 'gemini' }, { clientDialect: 'gemini', provider: 'antigravity' })).toBe(true);
  });

  it('by headers that are all there and fit', () => {
    const headers = { 'x-tier': 'Tenant-7-region-eu', 'x-list': ['a', 'b'] };
    expect(fits({ headers: { 'X-Tier': 'tenant-*-region-*', 'X-LIST': 'b' } }, { headers })).toBe(true);
    expect(fits({ headers: { 'X-Tier': 'tenant-*', 'X-Other': '*' } }, { headers })).toBe(false);
    expect(fits({ headers: { 'X-Tier': 'tenant' } }, { headers })).toBe(false);
  });

  it('by what the body says', () => {
    const body = '{"metadata":{"client":"codex","n":1.0,"o":{"b":[1],"a":null},"z":null},"tools":[{"type":"x"},{"type":"y"}]}';
    const says = (model: object): boolean => fits(model, {}, body);
    expect(says({ match: [{ 'metadata.client': 'codex' }, { 'metadata.n': 1, 'metadata.o': { a: null, b: [1] }, 'metadata.z': null }] })).toBe(true);
    expect(says({ match: [{ 'metadata.client': 'other' }] })).toBe(false);
    expect(says({ match: [{ 'tools.#(type!="none")#.type': 'y' }] })).toBe(true);
    expect(says({ 'not-match': [{ 'metadata.client': 'codex' }] })).toBe(false);
    expect(says({ 'not-match': [{ 'metadata.client': 'other', 'metadata.none': 1 }] })).toBe(true);
    expect(says({ exist: ['tools.#(type=="y")', 'metadata.o'] })).toBe(true);
    expect(says({ exist: ['metadata.z'] })).toBe(false);
    expect(says({ 'not-exist': ['metadata.z', 'metadata.none'] })).toBe(true);
    expect(says({ 'not-exist': ['metadata.client'] })).toBe(false);
  });

  it('when one of its models fits; conditions see what the rules before wrote', () => {
    const payload = { override: [{ models: [{ name: 'none' }, { name: 'm' }], params: { a: 1 } }, { models: [{ name: 'm', match: [{ a: 1 }] }], params: { b: 2 } }] };
    expect(apply(payload, '{}')).toBe('{"a":1,"b":2}');
  });

  it('to requests that generate alone', () => {
    for (const operation of ['completions', 'responses', 'messages', 'gemini-generate'] as const) expect(fits({}, { operation })).toBe(true);
    for (const operation of ['embeddings', 'images', 'audio', 'count-tokens', 'gemini-count', 'gemini-embed'] as const) expect(fits({}, { operation })).toBe(false);
  });

  it('never where there are none, and the check says so', () => {
    const rules = compilePayloadRules(configOf({}).payload);
    const body = Buffer.from('{}');
    expect([rules.applies(chat), rules.apply(body, chat)]).toEqual([false, body]);
    expect(rules.apply(body, chat)).toBe(body);
  });
});
