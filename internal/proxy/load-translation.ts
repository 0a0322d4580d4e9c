import type { DialectCodec } from '../dialect/codec.ts';
import type { Dialect } from '../dialect/dialect.ts';
import type { askForStream } from './translation/ask-for-stream.ts';
import type { answerEstimate, translateCount } from './translation/count-tokens.ts';
import type { translateRequest } from './translation/translate.ts';

/** What translating takes. */
export interface Translation {
  readonly codecs: Readonly<Record<Dialect, DialectCodec>>;
  readonly translateRequest: typeof translateRequest;
  readonly askForStream: typeof askForStream;
  readonly translateCount: typeof translateCount;
  readonly answerEstimate: typeof answerEstimate;
}

/** Loads it at the first call; a daemon whose clients and upstreams speak alike never does. */
export function createTranslationLoader(): () => Translation | Promise<Translation> {
  let loaded: Translation | undefined;
  return () => loaded ?? load().then((translation) => (loaded = translation));
}

async function load(): Promise<Translation> {
  const [all, requests, counts, streams] = await Promise.all([import('../dialect/codecs.ts'), import('./translation/translate.ts'), import('./translation/count-tokens.ts'), import('./translation/ask-for-stream.ts')]);
  return { codecs: all.codecs, translateRequest: requests.translateRequest, translateCount: counts.translateCount, answerEstimate: counts.answerEstimate, askForStream: streams.askForStream };
}
