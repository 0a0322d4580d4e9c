import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditRestarted } from '../../../internal/audit/archive.ts';
import { describeFinding } from '../../../internal/audit/findings.ts';
import { examineAudit } from '../../../internal/cli/doctor/audit.ts';
import { openAuditArchive } from '../../../internal/storage/audit-archive.ts';
import { createRestartAudit } from '../../../internal/storage/restart-audit.ts';
import { createAuditRig, type AuditRig } from '../../support/audit-rig.ts';

const uid = process.getuid?.();
let rig: AuditRig;
beforeEach(() => {
  rig = createAuditRig();
});
afterEach(() => rig.remove());

const restart = (by = uid) => createRestartAudit(rig.clock)(rig.dataDir, by);
async function restarted(): Promise<AuditRestarted> {
  const done = await restart();
  if (!done.ok) throw new Error(done.error);
  return done.value;
}
const told = (): readonly string[] => rig.verify().findings.map(describeFinding);
const seen = (): readonly string[] => examineAudit(openAuditArchive, rig.dataDir, uid).map(({ level, code }) => `${level} ${code}`);
const broken = (fromId: number, id: number): unknown => expect.stringMatching(new RegExp(`^the chain was begun anew at row ${id} \\(audit\\.restarted, .*: the rows ${fromId} to ${id - 1} were signed with another key and cannot be verified$`));

describe('keyward audit restart', () => {
  it('has a chain whose key is lost go on with a new one; the place is named, and what follows is verified', async () => {
    await rig.append(5);
    rmSync(rig.places.auditKey);
    expect(seen()).toEqual(['error audit-key']);
    await expect(rig.append(1)).rejects.toThrow(/audit key .* is missing.*keyward audit restart/);
    const done = await restarted();
    expect([done.firstId, done.kept.map((path) => path.startsWith(`${rig.places.auditCheckpoint}.before-`))]).toEqual([6, [true]]);
    expect(statSync(rig.places.auditKey).mode & 0o777).toBe(0o600);
    expect(told()).toEqual([broken(1, 6)]);
    expect(seen()).toEqual(['warning audit-seal']);
    await rig.append(3);
    expect(told()).toEqual([broken(1, 6)]);
    expect(rig.verify()).toMatchObject({ intact: false, rows: 9, lastId: 9, checkpointId: 9, keyId: done.keyId });
    const [row] = await rig.run((store) => store.list({ limit: 5, action: 'audit.restarted' }));
    expect(row).toMatchObject({ id: 6, target: 'audit.key', after: { key: done.keyId, previous_key: expect.stringMatching(/^[\da-f]{12}$/), unverifiable_up_to: 5 } });
  });

  it('puts another key in the place of a wrong one, which is kept beside it', async () => {
    await rig.append(2);
    writeFileSync(rig.places.auditKey, `${Buffer.alloc(32, 7).toString('base64url')}\n`, { mode: 0o600 });
    expect(seen()).toEqual(['error audit-key']);
    const { kept } = await restarted();
    expect(kept).toHaveLength(2);
    expect(readFileSync(kept[0] ?? '', 'utf8')).toContain(Buffer.alloc(32, 7).toString('base64url'));
    expect(told()).toEqual([broken(1, 3)]);
  });

  it('heals nothing: edits behind the break, a cut tail before it and a forged mark are named', async () => {
    await rig.append(5);
    rmSync(rig.places.auditKey);
    rig.tamper((database) => database.execute('DELETE FROM audit_event WHERE id > 3'));
    expect((await restarted()).firstId).toBe(6);
    await rig.append(2);
    expect(told()).toEqual([broken(1, 6), 'rows 4 to 5 are missing']);
    rig.save();
    rig.tamper((database) => database.execute("UPDATE audit_event SET target = 'x' WHERE id = 7"));
    expect(told()).toEqual([broken(1, 6), 'rows 4 to 5 are missing', expect.stringContaining('row 7')]);
    rig.restore();
    rig.tamper((database) => database.execute("UPDATE audit_seal SET id = 7 WHERE kind = 'restart'"));
    expect(told()).toContain('the mark of a new beginning is not what was signed');
    rig.restore();
    rig.tamper((database) => database.execute("DELETE FROM audit_seal WHERE kind = 'restart'"));
    expect(told().length).toBeGreaterThan(2);
  });

  it('the last row before the break is held to what it was then', async () => {
    await rig.append(3);
    rmSync(rig.places.auditKey);
    await restarted();
    rig.tamper((database) => database.execute("UPDATE audit_event SET mac = 'x' WHERE id = 3"));
    expect(told()).toEqual([broken(1, 4), expect.stringContaining('row 3')]);
  });

  it('can be done again, keeps what retention left, and is told of until retention has removed the rows of before', async () => {
    await rig.append(4);
    await rig.run((store) => store.removeBefore(rig.clock.nowMs() + 2, 10));
    const cutId = rig.verify().cutId;
    expect(cutId).toBeGreaterThan(0);
    rmSync(rig.places.auditKey);
    await restarted();
    expect(told()).toEqual([broken(cutId + 1, 5)]);
    rmSync(rig.places.auditKey);
    await restarted();
    await rig.append(1);
    expect(told()).toEqual([broken(cutId + 1, 6)]);
    await rig.run((store) => store.removeBefore(rig.clock.nowMs() + 1_000_000, 5));
    expect(rig.verify()).toMatchObject({ intact: true, findings: [] });
  });

  it('is refused where the key is there, where there is no chain, and to another user; nothing changes', async () => {
    expect(await restart()).toMatchObject({ ok: false, error: expect.stringContaining('no chain to begin anew') });
    await rig.append(2);
    const before = [readFileSync(rig.places.auditKey, 'utf8'), readFileSync(rig.places.auditCheckpoint, 'utf8')];
    expect(await restart()).toMatchObject({ ok: false, error: expect.stringContaining('nothing to begin anew') });
    rmSync(rig.places.auditCheckpoint);
    expect(await restart()).toMatchObject({ ok: false, error: expect.stringContaining('nothing to begin anew') });
    writeFileSync(rig.places.auditCheckpoint, before[1] ?? '');
    if (uid !== undefined) expect(await restart(uid + 1)).toMatchObject({ ok: false, error: expect.stringContaining('belongs to another user') });
    expect([readFileSync(rig.places.auditKey, 'utf8'), readFileSync(rig.places.auditCheckpoint, 'utf8')]).toEqual(before);
    expect(readdirSync(rig.dataDir).some((name) => name.includes('.before-'))).toBe(false);
    expect([existsSync(rig.places.auditKey), told(), seen()]).toEqual([true, [], []]);
  });
});
