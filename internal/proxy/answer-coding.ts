import type { IncomingHttpHeaders } from 'node:http';
import type { Transform } from 'node:stream';
import { brotliDecompressSync, constants, createBrotliDecompress, createGunzip, createInflate, createZstdDecompress, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';

/*
 * Keyward asks upstreams for uncoded answers, since a coded stream cannot be watched for its end. Some code them all the
 * same; what is to be watched is then decoded and goes on without the coding.
 */

/** The coding of an answer in lower case; undefined for none. @see RFC 9110 §8.4 */
export function answerCoding(headers: IncomingHttpHeaders): string | undefined {
  const stated: unknown = headers['content-encoding'];
  const text = (Array.isArray(stated) ? stated.join(',') : typeof stated === 'string' ? stated : '').trim().toLowerCase();
  const layers = text.split(',').map((layer) => layer.trim()).filter((layer) => layer !== '' && layer !== 'identity');
  return layers.length === 0 ? undefined : layers.join(',');
}

/** Decodes as the bytes come, without holding any back; an early end is an error. Undefined for codings unknown or in layers. */
export function createAnswerDecoder(coding: string): Transform | undefined {
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip({ flush: constants.Z_SYNC_FLUSH });
    case 'deflate':
      return createInflate({ flush: constants.Z_SYNC_FLUSH });
    case 'br':
      return createBrotliDecompress({ flush: constants.BROTLI_OPERATION_FLUSH });
    case 'zstd':
      return createZstdDecompress({ flush: constants.ZSTD_e_flush });
    default:
      return undefined;
  }
}

/** A short answer decoded at once; empty when it does not decode or grows beyond `maxBytes`. */
export function decodeShort(coding: string, body: Buffer, maxBytes: number): Buffer {
  const options = { maxOutputLength: maxBytes };
  try {
    switch (coding) {
      case 'gzip':
      case 'x-gzip':
        return gunzipSync(body, options);
      case 'deflate':
        return inflateSync(body, options);
      case 'br':
        return brotliDecompressSync(body, options);
      case 'zstd':
        return zstdDecompressSync(body, options);
      default:
        return Buffer.alloc(0);
    }
  } catch {
    return Buffer.alloc(0);
  }
}
