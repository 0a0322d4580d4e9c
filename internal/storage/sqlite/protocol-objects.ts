import type { ProtocolObjects } from '../../clients/issued/store.ts';
import type { Clock } from '../../clock/clock.ts';
import { isRecord, parseJson } from '../../dialect/ir/json.ts';
import { sha256Hex } from '../../secret/digest.ts';
import type { SqlDatabase } from './driver.ts';
import { readRow } from './read-row.ts';

/** What grants whoever holds it something is kept by its digest alone. */
const bearers: ReadonlySet<string> = new Set(['RefreshToken', 'AuthorizationCode', 'DeviceCode', 'Session', 'AccessToken', 'ClientCredentials']);

/** Whoever comes late with a device code is told that it is too old, and not that there is none. */
const keptLateMs = 3_600_000;

/** What the authorization server's library keeps, in SQLite. Consuming and deciding are one conditional write each. */
export function createProtocolObjects(database: SqlDatabase, clock: Pick<Clock, 'nowMs'>): ProtocolObjects {
  const columns = 'payload_json, expires_at_ms, consumed_at_ms';
  const upsert = database.prepare(`
    WITH given (model, id, payload_json, grant_id, user_code, uid, expires_at_ms) AS (VALUES (?, ?, ?, ?, ?, ?, ?))
    INSERT INTO oauth_object (model, id, payload_json, grant_id, user_code, uid, expires_at_ms, consumed_at_ms)
    SELECT given.*, 0 FROM given WHERE grant_id = '' OR model = 'Grant' OR EXISTS (SELECT 1 FROM oauth_object AS held WHERE held.model = 'Grant' AND held.id = given.grant_id)
    ON CONFLICT (model, id) DO UPDATE SET payload_json = excluded.payload_json, grant_id = excluded.grant_id, user_code = excluded.user_code, uid = excluded.uid, expires_at_ms = excluded.expires_at_ms`);
  const select = database.prepare(`SELECT ${columns} FROM oauth_object WHERE model = ? AND id = ?`);
  const selectByUserCode = database.prepare(`SELECT ${columns} FROM oauth_object WHERE user_code = ? AND user_code <> ''`);
  const selectByUid = database.prepare(`SELECT ${columns} FROM oauth_object WHERE uid = ? AND model = ? AND uid <> ''`);
  const consume = database.prepare('UPDATE oauth_object SET consumed_at_ms = ? WHERE model = ? AND id = ? AND consumed_at_ms = 0');
  const remove = database.prepare('DELETE FROM oauth_object WHERE model = ? AND id = ?');
  const removeByGrant = database.prepare("DELETE FROM oauth_object WHERE grant_id = ? AND grant_id <> '' OR model = 'Grant' AND id = ?");
  const decide = database.prepare(`
    UPDATE oauth_object SET payload_json = json_patch(payload_json, ?), grant_id = ?
    WHERE user_code = ? AND user_code <> '' AND consumed_at_ms = 0 AND expires_at_ms > ? AND json_extract(payload_json, '$.accountId') IS NULL AND json_extract(payload_json, '$.error') IS NULL`);
  const count = database.prepare('SELECT count(*) AS kept FROM (SELECT 1 FROM oauth_object INDEXED BY oauth_object_by_end WHERE model = ? AND expires_at_ms > 0 AND expires_at_ms BETWEEN ? AND ? LIMIT ?)');
  const removeExpired = database.prepare("DELETE FROM oauth_object WHERE expires_at_ms > 0 AND expires_at_ms < ? AND (model <> 'DeviceCode' OR expires_at_ms < ?)");

  const keyOf = (model: string, id: string): string => (bearers.has(model) ? sha256Hex(id) : id);
  const read = (row: unknown): { readonly payload: Record<string, unknown>; readonly consumed: boolean } | undefined => {
    if (row === undefined) return undefined;
    const { text, number } = readRow(row);
    const payload = parseJson(text('payload_json'));
    if (!isRecord(payload)) throw new TypeError('what the authorization server keeps cannot be read');
    const consumedAtMs = number('consumed_at_ms');
    return { payload: consumedAtMs === 0 ? payload : { ...payload, consumed: Math.floor(consumedAtMs / 1_000) }, consumed: consumedAtMs > 0 };
  };
  const memberOf = (payload: object, name: string): string => {
    const value: unknown = Reflect.get(payload, name);
    return typeof value === 'string' ? value : '';
  };

  return {
    put: (model, id, payload, expiresAtMs) => {
      const kept = bearers.has(model) ? { ...payload, jti: undefined } : payload;
      return upsert.run(model, keyOf(model, id), JSON.stringify(kept), memberOf(payload, 'grantId'), memberOf(payload, 'userCode'), memberOf(payload, 'uid'), expiresAtMs ?? 0).changes === 1;
    },
    find: (model, id) => {
      const found = read(select.get(model, keyOf(model, id)))?.payload;
      return found === undefined ? undefined : { ...found, jti: id };
    },
    findByUserCode: (userCode) => read(selectByUserCode.get(userCode)),
    findByUid: (model, uid) => read(selectByUid.get(uid, model))?.payload,
    consume: (model, id) => consume.run(clock.nowMs(), model, keyOf(model, id)).changes === 1,
    isFull: (model, most, withinMs) => readRow(count.get(model, clock.nowMs(), clock.nowMs() + withinMs, most)).number('kept') >= most,
    remove: (model, id) => void remove.run(model, keyOf(model, id)),
    removeByGrant: (grantId) => void removeByGrant.run(grantId, grantId),
    decideDevice: (userCode, members) => decide.run(JSON.stringify(members), memberOf(members, 'grantId'), userCode, clock.nowMs()).changes === 1,
    // A spent refresh token is kept for as long as it would have lived, so that its second use is seen for what it is.
    removeExpired: () => removeExpired.run(clock.nowMs(), clock.nowMs() - keptLateMs).changes,
  };
}
