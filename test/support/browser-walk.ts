/** A browser without a screen: keeps cookies, follows redirects, sends forms. */
export interface BrowserWalk {
  /** Follows redirects until an answer is none, or until one leads to an address that starts with `stopAt`, which is not opened. */
  readonly open: (url: string, stopAt?: string) => Promise<WalkEnd>;
  readonly send: (url: string, form: Readonly<Record<string, string>>, stopAt?: string) => Promise<WalkEnd>;
}

export interface WalkEnd {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  /** The hops on the way. */
  readonly visited: readonly string[];
}

export function createBrowserWalk(): BrowserWalk {
  const cookies = new Map<string, Map<string, string>>();

  const ask = async (url: string, init: { readonly method?: string; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }): Promise<Response> => {
    const { host } = new URL(url);
    const jar = cookies.get(host) ?? new Map<string, string>();
    cookies.set(host, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(url, { ...init, redirect: 'manual', headers: { ...init.headers, ...(cookie === '' ? {} : { cookie }) } });
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const at = pair.indexOf('=');
      if (pair.slice(at + 1) === '') jar.delete(pair.slice(0, at));
      else jar.set(pair.slice(0, at), pair.slice(at + 1));
    }
    return answer;
  };

  const follow = async (first: string, init: Parameters<typeof ask>[1], stopAt: string | undefined): Promise<WalkEnd> => {
    const visited: string[] = [];
    let url = first;
    let answer = await ask(url, init);
    for (let hop = 0; hop < 20; hop++) {
      visited.push(url);
      const location = answer.headers.get('location');
      if (answer.status < 300 || answer.status >= 400 || location === null) break;
      await answer.body?.cancel();
      url = new URL(location, url).href;
      if (stopAt !== undefined && url.startsWith(stopAt)) return { url, status: answer.status, headers: answer.headers, body: '', visited };
      answer = await ask(url, {});
    }
    return { url, status: answer.status, headers: answer.headers, body: await answer.text(), visited };
  };

  return {
    open: (url, stopAt) => follow(url, {}, stopAt),
    send: (url, form, stopAt) => follow(url, { method: 'POST', body: new URLSearchParams(form).toString(), headers: { 'content-type': 'application/x-www-form-urlencoded' } }, stopAt),
  };
}
