import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

/** A certificate for `localhost` and both loopback addresses, signed by its own key (P-256), valid for a day. PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
  /** SHA-256 of the certificate, as `tls` prints it: `AB:CD:…`. */
  readonly fingerprint: string;
}

/** Written here because Node reads certificates but makes none. @see RFC 5280 §4.1 */
export function makeSelfSigned(): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const der = certificate(publicKey, privateKey);
  const base64 = der.toString('base64').replaceAll(/.{64}/g, '$&\n');
  const digest = createHash('sha256').update(der).digest('hex').toUpperCase();
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    fingerprint: digest.replaceAll(/..(?!$)/g, '$&:'),
  };
}

function certificate(publicKey: KeyObject, privateKey: KeyObject): Buffer {
  const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));
  const name = sequence(element(0x31, sequence(oid('550403'), element(0x0c, Buffer.from('localhost')))));
  const dayMs = 86_400_000;
  const validity = sequence(time(new Date(Date.now() - dayMs)), time(new Date(Date.now() + dayMs)));
  const names = sequence(element(0x82, Buffer.from('localhost')), element(0x87, Buffer.from([127, 0, 0, 1])), element(0x87, Buffer.concat([Buffer.alloc(15), Buffer.from([1])])));
  const isAuthority = sequence(element(0x01, Buffer.from([0xff])));
  const extensions = element(0xa3, sequence(sequence(oid('551d13'), element(0x04, isAuthority)), sequence(oid('551d11'), element(0x04, names))));
  const serial = Buffer.concat([Buffer.from([1]), randomBytes(8)]);
  const body = sequence(element(0xa0, element(0x02, Buffer.from([2]))), element(0x02, serial), ecdsaWithSha256, name, validity, name, publicKey.export({ type: 'spki', format: 'der' }), extensions);
  return sequence(body, ecdsaWithSha256, element(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', body, privateKey)])));
}

function element(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const header = length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(header), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return element(0x30, Buffer.concat(parts));
}

function oid(hex: string): Buffer {
  return element(0x06, Buffer.from(hex, 'hex'));
}

/** UTCTime. */
function time(at: Date): Buffer {
  return element(0x17, Buffer.from(`${at.toISOString().replaceAll(/[-:T]/g, '').slice(2, 14)}Z`));
}
