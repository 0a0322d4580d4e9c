/** What of an RFC is not held by a test of `test/conformance/oauth/`. */
export interface Omission {
  readonly rfc: string;
  readonly section: string;
  readonly requirement: string;
  /** Begins with `deliberately not`, `open` (a deviation that is to be mended), `untested` (kept, but by no test) or `elsewhere`. */
  readonly why: string;
}

export const omissions: readonly Omission[] = [
  { rfc: '6749', section: '§1.6', requirement: 'endpoints are served over TLS', why: 'elsewhere: off loopback `public-url` must be https, which the configuration is checked for; on loopback plain http is served' },
  { rfc: '6749', section: '§2.3.1', requirement: 'guessing of secrets is held up', why: 'elsewhere: wrong secrets of an address count as wrong keys do (security rule 6); programs on this machine share their address and are not held up' },
  { rfc: '6749', section: '§3.1', requirement: 'the authorization endpoint may take POST', why: 'deliberately not: a form of another page could send people there; 405' },
  { rfc: '6749', section: '§3.3', requirement: 'people’s logins are refused scopes that do not exist', why: 'deliberately not: they are passed over, and the page shows what is given' },
  { rfc: '6749', section: '§4.1.2', requirement: 'a code ends within ten minutes', why: 'untested: it ends after one, which a test would have to wait for' },
  { rfc: '6749', section: '§4.2', requirement: 'the implicit grant', why: 'deliberately not: RFC 9700 advises against it; `unsupported_response_type`' },
  { rfc: '6749', section: '§4.3', requirement: 'the password grant', why: 'deliberately not: RFC 9700 forbids it; `unsupported_grant_type`' },
  { rfc: '6749', section: '§5.2', requirement: 'a 401 for a secret in the body asks for Basic too (RFC 9110 §11.6.1)', why: 'deliberately not: browsers would ask their people for a password; only who used the header is challenged' },
  { rfc: '6750', section: '§2.2', requirement: 'tokens in forms', why: 'deliberately not: a resource may leave that out, and does' },
  { rfc: '6750', section: '§2.3', requirement: 'tokens in addresses', why: 'deliberately not: addresses end up in logs (security rule 10)' },
  { rfc: '6750', section: '§5.3', requirement: 'tokens pass over TLS alone', why: 'elsewhere: as RFC 6749 §1.6' },
  { rfc: '7009', section: '§2.1', requirement: 'a client is told that a token is another’s', why: 'deliberately not: 200, as for unknown ones; else whoever finds a token could ask whether it is good' },
  { rfc: '7009', section: '§2.3', requirement: 'revocation from web pages by JSONP', why: 'deliberately not: no page of others is served' },
  { rfc: '7523', section: '§2.1', requirement: 'assertions as grants', why: 'deliberately not: token exchange (RFC 8693) does that here; `unsupported_grant_type`' },
  { rfc: '7523', section: '§3 (6)', requirement: 'assertions made long ago may be refused', why: 'deliberately not: their end decides' },
  { rfc: '7636', section: '§4.2', requirement: '`plain` for clients that cannot hash', why: 'deliberately not: RFC 9700 §2.1.1; there is none that cannot' },
  { rfc: '7662', section: '§2.2', requirement: 'introspection answers as JWTs (RFC 9701)', why: 'deliberately not: the tokens are JWTs themselves' },
  { rfc: '8252', section: '§7.1', requirement: 'redirect addresses with schemes of the program’s own', why: 'deliberately not: any other program on the machine may claim the scheme; loopback and https will do' },
  { rfc: '8252', section: '§8.12', requirement: 'no browsers inside of programs', why: 'deliberately not: the server cannot tell them from others' },
  { rfc: '8414', section: '§2.1', requirement: '`signed_metadata`', why: 'deliberately not: nobody asks for it; the transport is what is trusted' },
  { rfc: '8628', section: '§3.3', requirement: 'what the person sees and types', why: 'elsewhere: `test/conformance/security/rule-35-approval-page.test.ts`, `test/e2e/pages/`' },
  { rfc: '8628', section: '§5.1', requirement: 'guessing of user codes is held up', why: 'elsewhere: `test/conformance/security/rule-35-approval-page.test.ts`' },
  { rfc: '8628', section: '§5.4', requirement: 'the person is warned of codes that somebody else sent', why: 'elsewhere: `test/conformance/security/rule-35-approval-page.test.ts`' },
  { rfc: '8693', section: '§1.1', requirement: 'delegation: `act` and `may_act`', why: 'deliberately not: nobody acts for a workload (security rule 33)' },
  { rfc: '8693', section: '§3', requirement: 'SAML assertions and refresh tokens as subjects', why: 'deliberately not: platforms sign JWTs' },
  { rfc: '9068', section: '§2.1', requirement: 'RS256 is among the algorithms', why: 'deliberately not: tokens are ES256, a profile of ours (security rule 32); signatures are a fifth as long' },
  { rfc: '9068', section: '§2.2.1', requirement: '`auth_time`, `acr` and `amr`', why: 'deliberately not: who vouched for the person knows, and the session tells when' },
  { rfc: '9068', section: '§2.2.3.1', requirement: '`groups`, `roles`, `entitlements`', why: 'deliberately not: groups become scopes at sign-in' },
  { rfc: '9449', section: '§5', requirement: 'a wrong key leaves the code as it was', why: 'deliberately not: the code is spent, as after any use' },
  { rfc: '9449', section: '§8', requirement: 'nonces', why: 'deliberately not: a server may ask for them; proofs count once and for a minute' },
  { rfc: '9449', section: '§10.1', requirement: 'proofs at pushed authorization requests', why: 'deliberately not: there are none (RFC 9126)' },
];
