import { describe, expect, it } from 'vitest';
import { createTokenBook } from './identity-provider/token-book.ts';

const asker = { daemon: 'd1', connection: 1 };

function bookAt(startMs: number) {
  let nowMs = startMs;
  return { book: createTokenBook({ nowMs: () => nowMs, accessLifeMs: 2_000 }), pass: (ms: number) => void (nowMs += ms) };
}

describe('the identity provider of the burn test', () => {
  it('takes a refresh token once, and gives tokens that work', () => {
    const { book } = bookAt(0);
    const login = book.startFamily('a1', 500);
    const request = book.spend(login.refreshToken, asker);
    expect(request).toMatchObject({ outcome: 'issued', identity: 'a1', family: 'a1#1', daemon: 'd1' });
    const tokens = book.issue(request);
    expect(book.check(tokens.accessToken)).toMatchObject({ kind: 'good', identity: 'a1', askedBy: 'd1' });
    expect(book.spend(tokens.refreshToken, asker).outcome).toBe('issued');
  });

  it('ends the whole family, access tokens included, when a spent token is presented, and says who did', () => {
    const { book } = bookAt(0);
    const login = book.startFamily('a1', 500);
    const tokens = book.issue(book.spend(login.refreshToken, asker));
    expect(book.spend(login.refreshToken, { daemon: 'd2', connection: 2 })).toMatchObject({ outcome: 'reuse', spentBy: 1, daemon: 'd2' });
    expect(book.check(tokens.accessToken).kind).toBe('revoked');
    expect(book.spend(tokens.refreshToken, asker).outcome).toBe('revoked');
    expect(book.families()[0]).toMatchObject({ revokedBy: 2 });
  });

  it('leaves other families of the same person alone', () => {
    const { book } = bookAt(0);
    const first = book.startFamily('a1', 500);
    const second = book.startFamily('a1', 500);
    book.spend(first.refreshToken, asker);
    book.spend(first.refreshToken, asker);
    expect(book.spend(second.refreshToken, asker)).toMatchObject({ outcome: 'issued', family: 'a1#2' });
  });

  it('counts an access token’s life from its answer, to the millisecond', () => {
    const { book, pass } = bookAt(0);
    const request = book.spend(book.startFamily('a1', 500).refreshToken, asker);
    pass(15_000);
    const { accessToken } = book.issue(request);
    pass(1_999);
    expect(book.check(accessToken).kind).toBe('good');
    pass(1);
    expect(book.check(accessToken).kind).toBe('expired');
  });

  it('keeps what was spent spent when the answer is lost', () => {
    const { book } = bookAt(0);
    const login = book.startFamily('a1', 500);
    book.spend(login.refreshToken, asker);
    expect(book.spend(login.refreshToken, asker).outcome).toBe('reuse');
  });
});
