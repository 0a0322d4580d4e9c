import { describe, expect, it } from 'vitest';
import type { AuditStore } from '../../../internal/audit/store.ts';
import { createMemoryAuditStore } from '../../../internal/storage/memory/audit-store.ts';
import { openManagement, type Management } from './fixture.ts';

const config = 'request-retry: 1\naudit:\n  fail-closed: true\n';

/** A store that takes this many appends more. */
function storeWithRoomFor(appends: number): AuditStore {
  const store = createMemoryAuditStore();
  let left = appends;
  return {
    ...store,
    append: (rows) => {
      left -= 1;
      if (left < 0) throw new Error('database or disk is full');
      return store.append(rows);
    },
  };
}

const open = (appends: number, yaml = config): Management => openManagement(yaml, { auditStore: storeWithRoomFor(appends) });
const changed = (management: Management): boolean => management.config.current().config['request-retry'] === 2;

describe('audit.fail-closed', () => {
  it('puts a change on record before it is done, and what came of it before it is answered', async () => {
    const management = open(100);
    expect((await management.send('PUT', '/request-retry', { json: { value: 2 } })).status).toBe(200);
    expect(management.audited()).toMatchObject([
      { action: 'management.asked', target: 'PUT /v0/management/request-retry', outcome: 'asked', actor: 'root', actorLabel: 'management secret' },
      { action: 'config.changed', target: 'request-retry', outcome: 'ok' },
    ]);
  });

  it.each([
    ['PUT', '/request-retry', { json: { value: 2 } }],
    ['PUT', '/config.yaml', { body: 'request-retry: 2\n', headers: { 'content-type': 'application/yaml' } }],
    ['POST', '/reload', {}],
    ['DELETE', '/auth-files?name=claude-ann.json', {}],
    ['DELETE', '/logs', {}],
    ['POST', '/client-keys', { json: { name: 'ci' } }],
  ])('%s %s is not begun while nothing can be recorded', async (method, path, options) => {
    const management = open(0);
    const refused = await management.send(method, path, options);
    expect([refused.status, refused.code, refused.headers.get('retry-after')]).toEqual([503, 'audit_unavailable', '5']);
    expect(changed(management)).toBe(false);
  });

  it('a change whose outcome could not be recorded says so', async () => {
    const management = open(1);
    const answer = await management.send('PUT', '/request-retry', { json: { value: 2 } });
    expect([answer.status, answer.code]).toEqual([503, 'audit_unavailable']);
    expect(answer.text).toContain('It was done, and that it was asked for is on record');
    expect(changed(management)).toBe(true);
  });

  it.each(['/config?reveal=true', '/config.yaml?reveal=true', '/api-keys?reveal=true', '/audit/export'])('GET %s shows nothing that is not on record', async (path) => {
    const management = open(0, `${config}api-keys: [sk-canary-0123456789abcdef]\n`);
    const refused = await management.send('GET', path);
    expect([refused.status, refused.code]).toEqual([503, 'audit_unavailable']);
    expect(refused.text).not.toContain('canary');
  });

  it('looks that are not recorded go on', async () => {
    expect((await open(0).send('GET', '/config')).status).toBe(200);
  });
});

describe('a key’s text, which is shown once, with audit.fail-closed', () => {
  const textOf = (answer: { readonly body: Readonly<Record<string, unknown>> }): string => String(answer.body['key']);
  const isGood = (management: Management, text: string): boolean => management.keySource.verify(text).kind === 'valid';

  it('is put on record, with what it may do, before there is such a key', async () => {
    const management = open(100);
    const made = await management.send('POST', '/client-keys', { json: { name: 'ci' } });
    const rotated = await management.send('POST', `/client-keys/${String(made.body['id'])}/rotate`);
    const rows = management.audited().filter(({ action }) => action.startsWith('key.'));
    const target = made.body['id'];
    expect(rows).toMatchObject([
      { action: 'key.created', outcome: 'asked', target, after: { name: 'ci', hints: [made.body['hint']] } },
      { action: 'key.created', outcome: 'ok', target },
      { action: 'key.rotated', outcome: 'asked', target, after: { hints: [rotated.body['hint'], made.body['hint']] } },
      { action: 'key.rotated', outcome: 'ok', target },
    ]);
  });

  // Of each change: that it was asked for, what it is to be, what came of it.
  it.each([[2, 200], [1, 503], [0, 503]])('is not lost and not given out unrecorded when %i more rows can be stored', async (room, status) => {
    for (const change of ['create', 'rotate'] as const) {
      let left = Infinity;
      const store = createMemoryAuditStore();
      const management = openManagement(`client-auth: required\n${config}`, { auditStore: { ...store, append: (rows) => { if (--left < 0) throw new Error('disk full'); return store.append(rows); } } });
      const first = await management.send('POST', '/client-keys', { json: { name: 'first' } });
      left = room;
      const answer = await management.send('POST', change === 'create' ? '/client-keys' : `/client-keys/${String(first.body['id'])}/rotate`, { json: change === 'create' ? { name: 'second' } : { overlap: '0s' } });
      expect([change, answer.status]).toEqual([change, status === 200 && change === 'create' ? 201 : status]);
      expect(isGood(management, textOf(first))).toBe(change === 'create' || status === 503);
      if (status === 200) expect(isGood(management, textOf(answer))).toBe(true);
      else expect(management.keyStore.list({ nowMs: 0, limit: 9 }).keys.length).toBe(1);
    }
  });

  it('a rotation that fails after it was put on record leaves no row that says it was done', async () => {
    const management = open(100);
    const made = await management.send('POST', '/client-keys', { json: { name: 'ci' } });
    await management.send('POST', `/client-keys/${String(made.body['id'])}/revoke`);
    expect((await management.send('POST', `/client-keys/${String(made.body['id'])}/rotate`)).code).toBe('conflict');
    expect(management.audited()).not.toContainEqual(expect.objectContaining({ action: 'key.rotated', outcome: 'ok' }));
  });
});

describe('without audit.fail-closed', () => {
  it('a store that fails stops nothing', async () => {
    const management = open(0, 'request-retry: 1\n');
    expect((await management.send('PUT', '/request-retry', { json: { value: 2 } })).status).toBe(200);
    expect(changed(management)).toBe(true);
  });
});
