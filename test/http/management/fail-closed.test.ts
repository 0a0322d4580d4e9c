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

describe('without audit.fail-closed', () => {
  it('a store that fails stops nothing', async () => {
    const management = open(0, 'request-retry: 1\n');
    expect((await management.send('PUT', '/request-retry', { json: { value: 2 } })).status).toBe(200);
    expect(changed(management)).toBe(true);
  });
});
