/** Management answers may hold what is nobody else's business: never cached, never sniffed. */
const always = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

export function answerJson(body: unknown, headers: Readonly<Record<string, string>> = {}, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json; charset=utf-8', ...always, ...headers } });
}

export function answerText(body: string, contentType: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(body, { status: 200, headers: { 'content-type': contentType, ...always, ...headers } });
}

/** A file to save. Characters outside `[\w.@+-]` of the name become `_`. */
export function answerAttachment(name: string, bytes: Uint8Array, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(Buffer.from(bytes), {
    status: 200,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'content-disposition': `attachment; filename="${name.replaceAll(/[^\w.@+-]/g, '_')}"`, ...always, ...headers },
  });
}

/** Text that is made as it is read. What fails on the way breaks the answer off, so that it cannot be taken for whole. */
export function answerLines(contentType: string, chunks: AsyncGenerator<string>): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const next = await chunks.next();
      if (next.done === true) controller.close();
      else controller.enqueue(encoder.encode(next.value));
    },
    cancel: async () => void (await chunks.return(undefined)),
  });
  return new Response(body, { status: 200, headers: { 'content-type': contentType, ...always } });
}
