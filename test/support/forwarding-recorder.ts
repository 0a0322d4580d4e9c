import { request, type ServerResponse } from 'node:http';
import { answerJson, startScriptedUpstream, type ScriptedUpstream, type SeenRequest } from './scripted-upstream.ts';

export interface ForwardingSetup {
  /** Where requests go on to, e.g. a simulator; a path in front of `/to/<name>/` is cut off. */
  readonly to: string;
  /** Who may pass; the rest gets 401. Absent: everyone. */
  readonly admits?: (seen: SeenRequest) => Promise<boolean> | boolean;
  /** What is refused, and how. */
  readonly refuses?: (seen: SeenRequest) => { readonly status: number; readonly body: object } | undefined;
  /** Base URL for what is not the simulator's to answer; undefined: the simulator. */
  readonly elsewhere?: (seen: SeenRequest) => string | undefined;
}

/** Stands before a simulator: keeps each request as it came, and unwraps Code Assist's envelope, which simulators do not know. */
export async function startForwardingRecorder({ to, admits, refuses, elsewhere }: ForwardingSetup): Promise<Pick<ScriptedUpstream, 'url' | 'seen' | 'close' | 'left'>> {
  const handle = async (seen: SeenRequest, res: ServerResponse): Promise<void> => {
    if (admits !== undefined && !(await admits(seen))) return answerJson(res, 401, { error: { type: 'authentication_error', message: 'no such token' } });
    const refusal = refuses?.(seen);
    if (refusal !== undefined) return answerJson(res, refusal.status, refusal.body);
    const path = seen.url.replace(/^\/to\/[\w-]+/, '');
    const other = elsewhere?.(seen);
    if (other !== undefined) return pass(`${other}${path}`, seen, seen.body, res);
    const verb = /^\/v1internal:(\w+)/.exec(path)?.[1];
    if (verb === undefined) return pass(`${to}${path.replace(/^\/v1\/projects\/[^/]+\/locations\/[^/]+\/publishers\/google/, '/v1beta')}`, seen, seen.body, res);
    const envelope: { readonly model: string; readonly request: object } = JSON.parse(seen.body.toString());
    const query = new URL(seen.url, to).search;
    return pass(`${to}/v1beta/models/${envelope.model}:${verb}${query}`, seen, Buffer.from(JSON.stringify(envelope.request)), res, true);
  };
  return startScriptedUpstream((seen, res) => void handle(seen, res).catch((error: unknown) => res.destroy(error instanceof Error ? error : undefined)));
}

function pass(url: string, seen: SeenRequest, body: Buffer, res: ServerResponse, isWrapped = false): Promise<void> {
  return new Promise((resolve, reject) => {
    const { host: _host, connection: _connection, 'content-length': _length, 'transfer-encoding': _coding, ...headers } = seen.headers;
    const onward = request(url, { method: seen.method, headers: { ...headers, 'content-length': body.length }, agent: false }, (answer) => {
      const { 'content-length': length, connection: _hop, 'transfer-encoding': _framing, ...kept } = answer.headers;
      res.writeHead(answer.statusCode ?? 502, { ...kept, ...(isWrapped || length === undefined ? {} : { 'content-length': length }) });
      answer.on('error', reject).on('end', resolve);
      if (!isWrapped) return void answer.pipe(res);
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => res.end(wrap(Buffer.concat(chunks).toString())));
    });
    onward.on('error', reject).end(body);
  });
}

/** Gemini's answer or events as Code Assist has them: below `response`. */
function wrap(text: string): string {
  return text.startsWith('data:') ? text.replaceAll(/^data: (.*)$/gm, 'data: {"response":$1}') : `{"response":${text}}`;
}
