import { beforeEach, describe, expect, it } from 'vitest';
import type { Principal } from '../../../internal/clients/principal.ts';
import { isObject, type JsonObject } from '../../../internal/management/values.ts';
import { openManagement, operator, type Answer, type Management } from './fixture.ts';

let management: Management;
beforeEach(() => {
  management = openManagement('port: 8317\nclient-auth: required\n');
});

const keyPrincipal = (id: string): Principal => ({ id, kind: 'managed-key', label: id, holders: [] });
const make = (json: object = {}, as?: Principal): Promise<Answer> => management.send('POST', '/client-keys', { json: { name: 'ci', ...json }, ...(as === undefined ? {} : { as }) });
const textOf = (answer: Answer, member: string): string => String(answer.body[member]);
const open = (text: string): string => {
  const verdict = management.keySource.verify(text);
  return verdict.kind === 'valid' ? verdict.principal.id : verdict.kind === 'invalid' ? verdict.code : 'unknown';
};
const listed = (answer: Answer): readonly JsonObject[] => {
  const { keys } = answer.body;
  return Array.isArray(keys) ? keys.filter(isObject) : [];
};

describe('POST /client-keys', () => {
  it('shows the text once, not to be cached, and puts the making on record without it', async () => {
    const made = await make({ owner: 'ann', purpose: 'nightly', tags: ['eu'], models: ['gpt-*'], requests_per_minute: 60, daily_budget: { tokens: 1_000 } });
    expect([made.status, made.headers.get('cache-control')]).toEqual([201, 'no-store']);
    const [id, text] = [textOf(made, 'id'), textOf(made, 'key')];
    expect(open(text)).toBe(id);
    const shown = await management.send('GET', `/client-keys/${id}`);
    expect(shown.body).toMatchObject({ id, hint: `${text.slice(0, 12)}…`, name: 'ci', owner: 'ann', purpose: 'nightly', environment: 'live', tags: ['eu'], status: 'active', created_by: 'root', never_expires: false, limits: { models: ['gpt-*'], requests_per_minute: 60, daily_budget: { tokens: 1_000 } } });
    expect(shown.text + (await management.send('GET', '/client-keys')).text + JSON.stringify(management.audited())).not.toContain(text);
    expect(management.audited()).toMatchObject([{ action: 'key.created', target: id, after: { name: 'ci', limits: { models: ['gpt-*'] } } }]);
  });

  it('ends in 90 days; never has to be said', async () => {
    const inDays = (answer: Answer): number => (Date.parse(textOf(answer, 'expires_at')) - management.clock.nowMs()) / 86_400_000;
    expect(inDays(await make())).toBe(90);
    expect(inDays(await make({ expires_in: '36h' }))).toBe(1.5);
    expect((await make({ expires_at: '2027-01-31' })).body['expires_at']).toBe('2027-01-31T00:00:00.000Z');
    expect((await make({ never_expires: true })).body).toMatchObject({ expires_at: null, never_expires: true });
    expect(inDays(await make({ never_expires: false }))).toBe(90);
  });

  it.each<[string, unknown]>([
    ['name', ''], ['name', 3], ['name', 'a\nb'], ['name', 'a\u2028b'], ['name', 'a\u2029b'], ['owner', 'a\u2028'], ['purpose', '\u2029'], ['name', 'a\ud800'], ['models', ['a\u2028b']], ['accounts', ['a\u2029']], ['name', 'x'.repeat(129)], ['environment', 'prod'], ['tags', ['a b']], ['tags', 'a'],
    ['expires_in', '90'], ['expires_in', '0s'], ['expires_in', '20000d'], ['expires_at', 'tomorrow'], ['expires_at', '2020-01-01'], ['never_expires', 'yes'],
    ['scopes', ['admin']], ['scopes', ['secrets:read']], ['models', []], ['addresses', ['10.0.0.0/99']], ['max_concurrent', 0], ['daily_budget', { calls: 1 }], ['minter', 3],
  ])('%s: %j is 400, named, with what to do, and nothing is made', async (member, value) => {
    const refused = await make({ [member]: value });
    expect([refused.status, refused.code]).toEqual([400, 'invalid_request']);
    expect(refused.text).toContain(`"param":"${member}"`);
    expect(refused.text).toMatch(/must |missing|in the past|more than ten years/);
    expect(listed(await management.send('GET', '/client-keys'))).toEqual([]);
  });

  it('names what is missing, unknown, twice, or contradicts itself', async () => {
    const post = (body: string): Promise<Answer> => management.send('POST', '/client-keys', { body, headers: { 'content-type': 'application/json' } });
    expect((await post('{}')).text).toContain('`name` is missing');
    expect((await post('{"name":"a","modles":["x"]}')).text).toContain('modles');
    expect((await post('{"name":"a","models":["x"],"models":["*"]}')).code).toBe('duplicate_member');
    expect((await make({ expires_in: '1d', never_expires: true })).text).toContain('cannot stand beside');
  });

  it('from a key, a child of that key, whatever the body says, and no more than it has', async () => {
    const minter = await make({ scopes: ['models:use', 'keys:write'], models: ['gpt-*'] });
    const as = keyPrincipal(textOf(minter, 'id'));
    const child = await make({ models: ['gpt-4'] }, as);
    expect(child.body).toMatchObject({ minter: as.id, created_by: as.id });
    expect(await make({ models: ['*'] }, as)).toMatchObject({ status: 403, code: 'exceeds_minter' });
    expect(await make({ scopes: ['config:write'] }, as)).toMatchObject({ status: 403, code: 'exceeds_minter' });
    expect(await make({ minter: 'ck_other' }, as)).toMatchObject({ status: 403, code: 'root_required' });
    expect(await make({ minter: 'ck_none' })).toMatchObject({ status: 404, code: 'item_not_found' });
  });
});

describe('GET /client-keys', () => {
  it('lists newest first, page by page, by owner, tag and status', async () => {
    const ids: string[] = [];
    for (const [owner, tag] of [['ann', 'eu'], ['bob', 'eu'], ['ann', 'us']] as const) {
      ids.unshift(textOf(await make({ owner, tags: [tag] }), 'id'));
      management.clock.advance(1_000);
    }
    await management.send('POST', `/client-keys/${ids[0]}/revoke`);
    const idsOf = async (query: string): Promise<readonly unknown[]> => listed(await management.send('GET', `/client-keys${query}`)).map(({ id }) => id);
    expect(await idsOf('')).toEqual(ids);
    expect([await idsOf('?owner=ann'), await idsOf('?tag=eu'), await idsOf('?status=revoked')]).toEqual([[ids[0], ids[2]], [ids[1], ids[2]], [ids[0]]]);
    const first = await management.send('GET', '/client-keys?limit=2');
    expect(await idsOf(`?limit=2&after=${textOf(first, 'next_after')}`)).toEqual([ids[2]]);
    for (const query of ['?status=gone', '?limit=0', '?after=x']) expect((await management.send('GET', `/client-keys${query}`)).code).toBe('invalid_request');
  });

  it('shows a key what was minted from it, however deep, and nothing else', async () => {
    const top = keyPrincipal(textOf(await make(), 'id'));
    const mid = keyPrincipal(textOf(await make({}, top), 'id'));
    const low = textOf(await make({}, mid), 'id');
    const stranger = keyPrincipal(textOf(await make(), 'id'));
    expect(listed(await management.send('GET', '/client-keys', { as: top })).map(({ id }) => id)).toEqual([mid.id]);
    expect((await management.send('GET', `/client-keys/${low}`, { as: top })).status).toBe(200);
    for (const [method, path] of [['GET', ''], ['PATCH', ''], ['DELETE', ''], ['POST', '/rotate'], ['POST', '/revoke']] as const) {
      const json = method === 'PATCH' ? { json: { name: 'x' } } : {};
      expect(await management.send(method, `/client-keys/${low}${path}`, { as: stranger, ...json })).toMatchObject({ status: 404, code: 'item_not_found' });
      expect(await management.send(method, `/client-keys/${top.id}${path}`, { as: top, ...json })).toMatchObject({ status: 404, code: 'item_not_found' });
    }
  });
});

describe('a key that makes keys', () => {
  it('changes, rotates and deletes what it has made itself; what others have made under it, it may only revoke', async () => {
    const minter = keyPrincipal(textOf(await make(), 'id'));
    const own = textOf(await make({}, minter), 'id');
    const grandchild = textOf(await make({}, keyPrincipal(own)), 'id');
    const ofOperator = textOf(await make({ minter: minter.id }), 'id');
    for (const [method, path, json] of [['PATCH', '', { name: 'x' }], ['POST', '/rotate', {}], ['DELETE', '', undefined]] as const) {
      for (const id of [ofOperator, grandchild]) expect(await management.send(method, `/client-keys/${id}${path}`, { as: minter, ...(json === undefined ? {} : { json }) })).toMatchObject({ status: 403, code: 'root_required' });
      expect(management.audited().at(-1)).toMatchObject({ action: 'management.refused', code: 'root_required', actor: minter.id });
    }
    expect((await management.send('PATCH', `/client-keys/${own}`, { as: minter, json: { name: 'mine' } })).status).toBe(200);
    expect((await management.send('POST', `/client-keys/${own}/rotate`, { as: minter })).status).toBe(200);
    for (const id of [grandchild, ofOperator]) {
      expect((await management.send('GET', `/client-keys/${id}`, { as: minter })).body).toMatchObject({ name: 'ci', status: 'active' });
      expect((await management.send('POST', `/client-keys/${id}/revoke`, { as: minter })).status).toBe(200);
    }
    expect((await management.send('DELETE', `/client-keys/${own}`, { as: minter })).status).toBe(200);
  });
});

describe('PATCH /client-keys/:id', () => {
  it('changes what is said and leaves the rest; null takes a limit away', async () => {
    const made = await make({ models: ['a'], max_concurrent: 2 });
    const id = textOf(made, 'id');
    const changed = await management.send('PATCH', `/client-keys/${id}`, { json: { owner: 'bob', max_concurrent: null, tokens_per_minute: 5 } });
    expect(changed.body).toMatchObject({ name: 'ci', owner: 'bob', limits: { models: ['a'], tokens_per_minute: 5 } });
    expect(changed.text).not.toContain('max_concurrent');
    expect(management.audited().at(-1)).toMatchObject({ action: 'key.changed', target: id, before: { owner: '' }, after: { owner: 'bob' } });
    expect(open(textOf(made, 'key'))).toBe(id);
  });

  it('with a stale If-Match is 412 and changes nothing; a use does not make it stale', async () => {
    const made = await make();
    const id = textOf(made, 'id');
    const etag = made.headers.get('etag') ?? '';
    management.keySource.verify(textOf(made, 'key'), '10.0.0.1');
    expect((await management.send('PATCH', `/client-keys/${id}`, { json: { name: 'b' }, headers: { 'if-match': etag } })).status).toBe(200);
    for (const [method, path] of [['PATCH', ''], ['DELETE', ''], ['POST', '/rotate'], ['POST', '/revoke']] as const) {
      expect(await management.send(method, `/client-keys/${id}${path}`, { ...(method === 'PATCH' ? { json: { name: 'c' } } : {}), headers: { 'if-match': etag } })).toMatchObject({ status: 412, code: 'precondition_failed' });
    }
    expect((await management.send('GET', `/client-keys/${id}`)).body['name']).toBe('b');
  });

  it('refuses bad members, and what is revoked stays revoked', async () => {
    const id = textOf(await make(), 'id');
    for (const json of [{ environment: 'test' }, { name: '' }, { models: [] }, { expires_at: '2001-01-01' }, { scopes: ['secrets:read'] }]) expect((await management.send('PATCH', `/client-keys/${id}`, { json })).code).toBe('invalid_request');
    await management.send('POST', `/client-keys/${id}/revoke`);
    expect(await management.send('PATCH', `/client-keys/${id}`, { json: { never_expires: true } })).toMatchObject({ status: 409, code: 'conflict' });
  });
});

describe('rotating, revoking, deleting', () => {
  it('rotates with an overlap of a day, shows the new text once and the last use of the old one', async () => {
    const made = await make();
    const [id, older] = [textOf(made, 'id'), textOf(made, 'key')];
    management.clock.advance(60_000);
    const rotated = await management.send('POST', `/client-keys/${id}/rotate`);
    const newer = textOf(rotated, 'key');
    expect([open(older), open(newer)]).toEqual([id, id]);
    const endsAt = new Date(management.clock.nowMs() + 86_400_000).toISOString();
    expect(rotated.body).toMatchObject({ id, status: 'rotating', hint: `${newer.slice(0, 12)}…`, replaced: { hint: `${older.slice(0, 12)}…`, ends_at: endsAt, last_used_at: null } });
    expect(await management.send('POST', `/client-keys/${id}/rotate`)).toMatchObject({ status: 409, code: 'conflict' });
    await management.send('POST', `/client-keys/${id}/revoke`, { json: { only: 'replaced' } });
    expect([open(older), open(newer)]).toEqual(['invalid_api_key', id]);
    expect(JSON.stringify(management.audited())).not.toContain(newer);
    expect(management.audited().map(({ action }) => action)).toEqual(['key.created', 'key.rotated', 'key.revoked']);
  });

  it.each([{ overlap: '91d' }, { overlap: 5 }, { expires_in: 'x' }])('refuses %j', async (json) => {
    const id = textOf(await make(), 'id');
    expect((await management.send('POST', `/client-keys/${id}/rotate`, { json })).code).toBe('invalid_request');
  });

  it('revokes at once, children too unless they are handed over', async () => {
    const minter = await make();
    const child = await make({ minter: textOf(minter, 'id') });
    expect((await management.send('POST', `/client-keys/${textOf(minter, 'id')}/revoke`, { json: { children: 'keep' } })).code).toBe('invalid_request');
    const revoked = await management.send('POST', `/client-keys/${textOf(minter, 'id')}/revoke`, { json: { children: 'transfer' } });
    expect(revoked.body).toMatchObject({ status: 'revoked', revoked_by: 'root', children: [{ id: textOf(child, 'id'), status: 'active' }] });
    expect([open(textOf(minter, 'key')), open(textOf(child, 'key'))]).toEqual(['key_revoked', textOf(child, 'id')]);
    expect((await management.send('POST', `/client-keys/${textOf(minter, 'id')}/revoke`)).status).toBe(200);
  });

  it('deletes what is no longer wanted', async () => {
    const made = await make();
    expect((await management.send('DELETE', `/client-keys/${textOf(made, 'id')}`)).body).toEqual({ status: 'ok', id: textOf(made, 'id'), revoked: [], revoked_count: 0 });
    expect([open(textOf(made, 'key')), (await management.send('GET', `/client-keys/${textOf(made, 'id')}`)).status]).toEqual(['invalid_api_key', 404]);
    expect(management.audited().at(-1)).toMatchObject({ action: 'key.deleted' });
  });
});

describe('POST /client-keys/import', () => {
  it('takes one key in; only the root secret may', async () => {
    const json = { key: 'sk-from-elsewhere-0123', name: 'old' };
    expect(await management.send('POST', '/client-keys/import', { json, as: operator })).toMatchObject({ status: 403, code: 'root_required' });
    const imported = await management.send('POST', '/client-keys/import', { json });
    expect(imported.body).toMatchObject({ imported: [{ name: 'old', imported: true, hint: 'sk-f…0123' }], skipped: [] });
    expect(open(json.key)).toMatch(/^key_/);
    expect(await management.send('POST', '/client-keys/import', { json })).toMatchObject({ status: 409, code: 'conflict' });
    expect(imported.text + JSON.stringify(management.audited())).not.toContain(json.key);
    for (const bad of [{}, { key: 'a', from: 'api-keys' }, { from: 'file' }, { key: 3 }, { key: ' a', name: 'x' }, { from: 'api-keys', keep: 1 }]) expect((await management.send('POST', '/client-keys/import', { json: bad })).code).toBe('invalid_request');
    expect((await management.send('POST', '/client-keys/import', { json: { from: 'api-keys' } })).code).toBe('item_not_found');
  });

  it('takes all keys of the config and leaves the others’ comments alone', async () => {
    management = openManagement('port: 8317 # ours\napi-keys:\n  - sk-first-0123456789 # the first\n  - sk-second-0123456789\nclient-auth: required\n');
    const imported = await management.send('POST', '/client-keys/import', { json: { from: 'api-keys', expires_in: '30d' } });
    expect(imported.body).toMatchObject({ imported: [{ status: 'active' }, { status: 'active' }] });
    expect(management.config.fileText()).toContain('port: 8317 # ours');
    expect(management.config.fileText()).toContain('api-keys: []');
    expect([open('sk-first-0123456789'), open('sk-second-0123456789')].every((id) => id.startsWith('key_'))).toBe(true);
  });
});

describe('the first managed key', () => {
  it('writes `client-auth: required` into the config, on record', async () => {
    management = openManagement('port: 8317 # ours\n');
    const made = await make();
    expect(made.text).toContain('client-auth: required');
    expect(management.config.fileText()).toMatch(/^port: 8317 # ours\n[^]*client-auth: "?required"?/);
    expect(management.audited().map(({ action, target }) => [action, target])).toEqual([['key.created', textOf(made, 'id')], ['config.changed', 'client-auth']]);
    expect((await make()).text).not.toContain('notes');
  });
});
