import type { MediaOutputPart } from '../ir/answer.ts';
import { memberOf, textOf } from '../ir/json.ts';
import { soundMime } from './media.ts';

/** A made sound as its pieces come in. */
export interface SoundCollector {
  readonly push: (audio: unknown) => void;
  readonly take: () => MediaOutputPart | undefined;
}

export function createSoundCollector(): SoundCollector {
  const data: string[] = [];
  const words: string[] = [];
  return {
    push: (audio) => {
      data.push(textOf(memberOf(audio, 'data')) ?? '');
      words.push(textOf(memberOf(audio, 'transcript')) ?? '');
    },
    take: () => {
      const bytes = joinBase64(data.filter((piece) => piece !== ''));
      const transcript = words.join('');
      return bytes === '' ? undefined : { kind: 'media', mime: soundMime(bytes), data: bytes, transcript: transcript === '' ? undefined : transcript };
    },
  };
}

/** Pieces of a stream are encoded each by itself, so that padding may stand between them. */
function joinBase64(pieces: readonly string[]): string {
  const isPadded = pieces.slice(0, -1).some((piece) => piece.endsWith('='));
  return isPadded ? Buffer.concat(pieces.map((piece) => Buffer.from(piece, 'base64'))).toString('base64') : pieces.join('');
}
