import { existsSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync, chmodSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { migrations } from '../../../internal/storage/sqlite/migrations.ts';
import { openSqlite } from '../../../internal/storage/sqlite/open.ts';
import { createAuditRig, type AuditRig } from '../../support/audit-rig.ts';

let rig: AuditRig | undefined;
afterEach(() => rig?.remove());

async function open(rows = 5): Promise<AuditRig> {
  rig = createAuditRig();
  await rig.append(rows);
  return rig;
}

const damages = (opened: AuditRig): Promise<readonly string[]> => opened.run((store) => store.list({ limit: 10, action: 'audit.damaged' }).map(({ target, code }) => `${target} ${code}`));
const mode = (path: string): number => statSync(path).mode & 0o777;

describe('the key of the audit chain', () => {
  it('is made at the first start, 0600, outside the database, and kept', async () => {
    const { places, append, verify } = await open();
    const key = readFileSync(places.auditKey, 'utf8');
    expect([mode(places.auditKey), mode(places.auditCheckpoint)]).toEqual([0o600, 0o600]);
    expect(readFileSync(places.database).includes(key.trim())).toBe(false);
    await append(1);
    expect(readFileSync(places.auditKey, 'utf8')).toBe(key);
    expect(verify().intact).toBe(true);
  });

  it('that is missing while there is a chain keeps the daemon from starting, and no other is made', async () => {
    const { places, append } = await open();
    rmSync(places.auditKey);
    await expect(append(1)).rejects.toThrow(`the audit key ${places.auditKey} is missing, and there is an audit chain that was made with it: put it back from a backup.`);
    expect(existsSync(places.auditKey)).toBe(false);
    rmSync(places.auditCheckpoint);
    await expect(append(1)).rejects.toThrow('is missing');
  });

  it('that is another chain’s is refused, with both named', async () => {
    const { places, append } = await open();
    const own = readFileSync(places.auditKey, 'utf8');
    writeFileSync(places.auditKey, `${Buffer.alloc(32, 7).toString('base64url')}\n`);
    await expect(append(1)).rejects.toThrow(/is not the one that the audit chain was made with \([0-9a-f]{12}\): put that one back/);
    writeFileSync(places.auditKey, own);
    await append(1);
  });

  it.each([
    ['no key', (path: string) => writeFileSync(path, 'nonsense'), 'is no key'],
    ['a link', (path: string) => { rmSync(path); symlinkSync('/dev/null', path); }, 'is a link'],
    ['writable by others', (path: string) => chmodSync(path, 0o666), 'can be written by others'],
  ])('that is %s is refused in words', async (_what, spoil, words) => {
    const { places, append } = await open();
    spoil(places.auditKey);
    await expect(append(1)).rejects.toThrow(words);
  });

  it('that others may read is closed to them', async () => {
    const { places, append } = await open();
    chmodSync(places.auditKey, 0o644);
    await append(1);
    expect(mode(places.auditKey)).toBe(0o600);
  });

  it('database, checkpoint and key moved away begin a new chain', async () => {
    const { places, append, verify } = await open();
    for (const path of [places.database, places.auditKey, places.auditCheckpoint]) rmSync(path);
    await append(2);
    expect(verify()).toMatchObject({ intact: true, rows: 2 });
  });
});

describe('what a start finds damaged is put on record, and stays to be seen', () => {
  it.each([
    ['missing', (path: string) => rmSync(path)],
    ['unreadable', (path: string) => writeFileSync(path, '{"version":1}')],
    ['forged', (path: string) => writeFileSync(path, readFileSync(path, 'utf8').replace('"last_id":5', '"last_id":4'))],
    ['foreign', (path: string) => writeFileSync(path, readFileSync(path, 'utf8').replace(/"key_id":"\w+"/, '"key_id":"0123456789ab"'))],
  ])('audit.checkpoint %s', async (kind, spoil) => {
    const opened = await open();
    spoil(opened.places.auditCheckpoint);
    expect(opened.verify().findings).toEqual([{ kind: 'seal', seal: 'checkpoint_file', fault: kind }]);
    expect(await damages(opened)).toEqual([`audit.checkpoint checkpoint_${kind}`]);
    expect(opened.verify().intact).toBe(true);
  });

  it('seals that name another key: the rows prove which one is right', async () => {
    const opened = await open();
    opened.tamper((database) => database.execute("UPDATE audit_seal SET key_id = '0123456789ab'"));
    const beside = readFileSync(opened.places.auditCheckpoint, 'utf8');
    writeFileSync(opened.places.auditCheckpoint, beside.replace(/"key_id":"\w+"/, '"key_id":"0123456789ab"'));
    expect(opened.verify().findings).toEqual([{ kind: 'seal', seal: 'checkpoint', fault: 'foreign' }, { kind: 'seal', seal: 'checkpoint_file', fault: 'foreign' }]);
    writeFileSync(opened.places.auditCheckpoint, beside);
    expect(await damages(opened)).toEqual(['database checkpoint_foreign']);
    await opened.append(1);
    expect(opened.verify()).toMatchObject({ intact: true, rows: 7 });
  });

  it('a database put back from a backup: the rows between are missing for good, ids go on behind them', async () => {
    const opened = await open();
    opened.save();
    await opened.append(5);
    const checkpoint = readFileSync(opened.places.auditCheckpoint);
    opened.restore();
    writeFileSync(opened.places.auditCheckpoint, checkpoint);
    expect(await damages(opened)).toEqual(['database rows_missing']);
    await opened.append(1);
    expect(opened.verify().findings).toEqual([{ kind: 'missing', fromId: 6, toId: 10 }]);
  });

  it('a tail that was cut while nothing ran', async () => {
    const opened = await open();
    opened.tamper((database) => database.execute('DELETE FROM audit_event WHERE id > 3'));
    expect(await damages(opened)).toEqual(['database rows_missing']);
    expect(opened.verify().findings).toEqual([{ kind: 'missing', fromId: 4, toId: 5 }]);
  });

  it('rows that somebody put behind the end do not stop the audit', async () => {
    const opened = await open();
    opened.tamper((database) => database.execute("INSERT INTO audit_event SELECT 6, at_ms, action, actor, actor_label, peer, request_id, target, code, outcome, count, before_json, after_json, previous, mac FROM audit_event WHERE id = 2"));
    await opened.append(2);
    expect(opened.verify().findings).toMatchObject([{ kind: 'edited', id: 6 }]);
  });
});

describe('rows from before the chain', () => {
  it('are taken into it at the first start, in their order, and the chain says since when it vouches for them', async () => {
    rig = createAuditRig();
    const before = openSqlite({ file: rig.places.database, clock: rig.clock, migrations: migrations.slice(0, migrations.findIndex(({ subject }) => subject === 'audit rows in a signed chain')) });
    const insert = before.prepare("INSERT INTO audit_event (at_ms, action, actor, peer, request_id, target, code, count, before_json, after_json) VALUES (?, 'config.changed', 'root', '::1', 'r', ?, '', 2, '{\"a\":1}', NULL)");
    before.inTransaction(() => {
      for (let n = 1; n <= 1_203; n += 1) insert.run(n, `setting-${n}`);
    });
    before.execute('DELETE FROM audit_event WHERE id < 4');
    before.close();
    await rig.append(1);
    await rig.append(1);
    expect(rig.verify()).toMatchObject({ intact: true, rows: 1_203, firstId: 1 });
    const listed = await rig.run((store) => store.list({ limit: 3, beforeId: 1_202 }));
    expect(listed).toMatchObject([{ action: 'audit.chained', after: { earlier_rows: 1_200 } }, { target: 'setting-1203', before: { a: 1 }, count: 2 }, { target: 'setting-1202' }]);
  });
});
