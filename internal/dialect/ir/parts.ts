import type { Dialect } from '../dialect.ts';
import type { JsonRecord } from './json.ts';

/**
 * What a vendor signed or encrypted of its model's reasoning. Kept byte for byte, sent back only to who made it, never
 * made up (clarification 17). `account` is undefined where a client had it from that vendor untranslated.
 */
export interface Signature {
  /** Whose: the maker's `Party.vendor`. */
  readonly vendor: string;
  readonly account: string | undefined;
  readonly value: string;
}

/** A prompt-cache breakpoint after the part it stands on. */
export interface CacheMarker {
  /** As the client said it, e.g. `5m` or `1h`; undefined for the vendor's default. */
  readonly ttl?: string | undefined;
}

/** Where bytes come from. URLs are never fetched by Keyward (security rule 14). */
export type MediaSource =
  | { readonly kind: 'base64'; readonly mime: string; readonly data: string }
  | { readonly kind: 'url'; readonly url: string; readonly mime?: string | undefined }
  /** Plain text given as a document. */
  | { readonly kind: 'text'; readonly text: string }
  /** Something uploaded to one vendor, named in its words; no other knows it. */
  | { readonly kind: 'id'; readonly id: string; readonly dialect: Dialect };

export type Annotation =
  /** `start` and `end` count UTF-16 units of the part's text. */
  | { readonly kind: 'url'; readonly url: string; readonly title?: string | undefined; readonly start?: number | undefined; readonly end?: number | undefined; readonly citedText?: string | undefined }
  /** What only the same dialect understands. */
  | { readonly kind: 'raw'; readonly dialect: Dialect; readonly item: JsonRecord };

export interface TextPart {
  readonly kind: 'text';
  readonly text: string;
  readonly annotations?: readonly Annotation[] | undefined;
  readonly signature?: Signature | undefined;
  readonly cache?: CacheMarker | undefined;
}

export interface ImagePart {
  readonly kind: 'image';
  readonly source: MediaSource;
  /** OpenAI's `low`, `high`, `auto`, `original`; Gemini's media resolution is mapped to them. */
  readonly detail?: string | undefined;
  readonly cache?: CacheMarker | undefined;
}

/** A document (PDF, text) or, by its mime type, a video. */
export interface FilePart {
  readonly kind: 'file';
  readonly source: MediaSource;
  readonly name?: string | undefined;
  readonly cache?: CacheMarker | undefined;
}

export interface AudioPart {
  readonly kind: 'audio';
  readonly source: Extract<MediaSource, { readonly kind: 'base64' | 'url' }>;
  readonly cache?: CacheMarker | undefined;
}

/** The model's reasoning. Without a signature that the target made it is left out of what is sent upstream. */
export interface ThinkingPart {
  readonly kind: 'thinking';
  /** Empty where the vendor shows none of it. */
  readonly text: string;
  /** The text is a summary, not the reasoning itself. */
  readonly isSummary?: boolean | undefined;
  readonly signature?: Signature | undefined;
  /** The vendor's id of the item, as Responses has it. */
  readonly id?: string | undefined;
}

export interface RefusalPart {
  readonly kind: 'refusal';
  readonly text: string;
}

export interface ToolCallPart {
  readonly kind: 'tool_call';
  /** What its result refers to; never changed on the way. */
  readonly id: string;
  readonly name: string;
  /** JSON text of the arguments as the model wrote it; for `isCustom` the free text. */
  readonly input: string;
  /** A call of a custom (free-form) tool. */
  readonly isCustom?: boolean | undefined;
  readonly signature?: Signature | undefined;
  readonly cache?: CacheMarker | undefined;
}

export interface ToolResultPart {
  readonly kind: 'tool_result';
  readonly callId: string;
  /** Of the tool; looked up in the calls before it where the dialect does not say it. */
  readonly name?: string | undefined;
  readonly parts: readonly (TextPart | ImagePart | FilePart | RawPart)[];
  readonly isError?: boolean | undefined;
  /** It answers a call of a custom tool. */
  readonly isCustom?: boolean | undefined;
  readonly cache?: CacheMarker | undefined;
}

/** An item that only the same dialect understands, such as what a vendor's own tool did. */
export interface RawPart {
  readonly kind: 'raw';
  readonly dialect: Dialect;
  readonly item: JsonRecord;
}

export type Part = TextPart | ImagePart | FilePart | AudioPart | ThinkingPart | RefusalPart | ToolCallPart | ToolResultPart | RawPart;
