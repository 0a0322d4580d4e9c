import { statSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { createAuditRig, type AuditRig } from '../../support/audit-rig.ts';

/** The chain over a database on disk; test/unit/audit/verify.test.ts tries any mutation of any row. */
let rig: AuditRig;
afterEach(() => rig.remove());

async function open(): Promise<AuditRig> {
  rig = createAuditRig();
  await rig.append(20);
  return rig;
}

describe('rule 36: the audit is a chain that shows what was done to it', () => {
  it('its key lies outside the database, 0600', async () => {
    const { places } = await open();
    const key = readFileSync(places.auditKey, 'utf8').trim();
    expect(statSync(places.auditKey).mode & 0o777).toBe(0o600);
    expect(readFileSync(places.database).includes(key)).toBe(false);
  });

  it.each([
    ['edited', "UPDATE audit_event SET actor = 'somebody' WHERE id = 7", [{ kind: 'edited', id: 7 }]],
    ['dropped', 'DELETE FROM audit_event WHERE id = 7', [{ kind: 'missing', fromId: 7, toId: 7 }]],
    ['cut off at the end', 'DELETE FROM audit_event WHERE id > 17', [{ kind: 'missing', fromId: 18, toId: 20 }]],
    ['moved', 'UPDATE audit_event SET id = -1 WHERE id = 7; UPDATE audit_event SET id = 7 WHERE id = 9; UPDATE audit_event SET id = 9 WHERE id = -1', [{ kind: 'moved', id: 7, wasId: 9 }, { kind: 'moved', id: 9, wasId: 7 }]],
    ['inserted', 'INSERT INTO audit_event SELECT 21, at_ms, action, actor, actor_label, peer, request_id, target, code, outcome, count, before_json, after_json, previous, mac FROM audit_event WHERE id = 3', [{ kind: 'inserted', id: 21 }]],
  ])('rows that are %s are named', async (_what, sql, findings) => {
    const { tamper, verify } = await open();
    tamper((database) => database.execute(sql));
    expect(verify()).toMatchObject({ intact: false, findings });
  });

  it('retention leaves a signed cut, from which verification goes on', async () => {
    const { run, clock, verify, tamper } = await open();
    await run((store) => store.removeBefore(clock.nowMs() + 6, 200));
    expect(verify()).toMatchObject({ intact: true, firstId: 6, cutId: 5 });
    tamper((database) => database.execute("DELETE FROM audit_event WHERE id < 9; UPDATE audit_seal SET id = 8 WHERE kind = 'cut'"));
    expect(verify()).toMatchObject({ intact: false, findings: [{ kind: 'seal', seal: 'cut', fault: 'forged' }] });
  });

  it('a checkpoint that is signed by somebody else is named', async () => {
    const { tamper, verify } = await open();
    tamper((database) => database.execute("DELETE FROM audit_event WHERE id > 17; UPDATE audit_seal SET id = 17, mac = (SELECT mac FROM audit_event WHERE id = 17), signature = 'AAAA' WHERE kind = 'checkpoint'"));
    expect(verify()).toMatchObject({ intact: false, findings: [{ kind: 'seal', seal: 'checkpoint', fault: 'forged' }, { kind: 'missing', fromId: 18, toId: 20 }] });
  });
});
