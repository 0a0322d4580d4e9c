/** What a parser tells of one answer. `onBody` gets the payload without transfer framing; views of the socket's memory, to be used at once. */
export interface AnswerListener {
  readonly onHead: (status: number) => void;
  readonly onBody: (chunk: Buffer) => void;
  readonly onEnd: () => void;
}

type Step = 'head' | 'length' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailer';

const headEnd = Buffer.from('\r\n\r\n');
const lineEnd = Buffer.from('\r\n');

/**
 * Reads HTTP/1.1 answers of one keep-alive connection under any chunking (RFC 9112 §6–7): by length or chunked. Enough for
 * a load client and cheap, so that the client does not become what is measured; anything else is an error.
 */
export class AnswerParser {
  #step: Step = 'head';
  #rest: Buffer = Buffer.alloc(0);
  #left = 0;
  #listener: AnswerListener | undefined;

  begin(listener: AnswerListener): void {
    this.#listener = listener;
    this.#step = 'head';
    this.#rest = Buffer.alloc(0);
  }

  /** Throws when the bytes are no answer that it understands. */
  push(bytes: Buffer): void {
    let data = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    this.#rest = Buffer.alloc(0);
    while (data.length > 0) {
      if (this.#listener === undefined) throw new Error('bytes after the end of an answer');
      const used = this.#read(data, this.#listener);
      if (used === 0) {
        // The socket may reuse its memory for the next read.
        this.#rest = Buffer.from(data);
        return;
      }
      data = data.subarray(used);
    }
  }

  /** Bytes used; 0 asks for more. */
  #read(data: Buffer, listener: AnswerListener): number {
    switch (this.#step) {
      case 'head':
        return this.#readHead(data, listener);
      case 'length': {
        const used = Math.min(this.#left, data.length);
        this.#left -= used;
        listener.onBody(used === data.length ? data : data.subarray(0, used));
        if (this.#left === 0) this.#end(listener);
        return used;
      }
      case 'chunk-size': {
        const at = data.indexOf(lineEnd);
        if (at < 0) return 0;
        this.#left = Number.parseInt(data.toString('latin1', 0, at), 16);
        if (Number.isNaN(this.#left)) throw new Error('unreadable chunk size');
        this.#step = this.#left === 0 ? 'trailer' : 'chunk-data';
        return at + 2;
      }
      case 'chunk-data': {
        const used = Math.min(this.#left, data.length);
        this.#left -= used;
        if (this.#left === 0) this.#step = 'chunk-end';
        listener.onBody(data.subarray(0, used));
        return used;
      }
      case 'chunk-end':
        if (data.length < 2) return 0;
        this.#step = 'chunk-size';
        return 2;
      case 'trailer': {
        const at = data.indexOf(lineEnd);
        if (at < 0) return 0;
        if (at === 0) this.#end(listener);
        return at + 2;
      }
    }
  }

  #readHead(data: Buffer, listener: AnswerListener): number {
    const at = data.indexOf(headEnd);
    if (at < 0) return 0;
    const head = data.toString('latin1', 0, at).toLowerCase();
    const status = Number(head.slice(9, 12));
    if (status >= 100 && status < 200) return at + 4;
    const length = /\ncontent-length: *(\d+)/.exec(head);
    if (/\ntransfer-encoding: *chunked/.test(head)) this.#step = 'chunk-size';
    else if (length !== null) {
      this.#step = 'length';
      this.#left = Number(length[1]);
    } else throw new Error('an answer with neither length nor chunks');
    listener.onHead(status);
    if (this.#step === 'length' && this.#left === 0) this.#end(listener);
    return at + 4;
  }

  #end(listener: AnswerListener): void {
    this.#listener = undefined;
    listener.onEnd();
  }
}
