"""Authlib and requests-oauthlib against an authorization server.

Reads one JSON line with `issuer`, `resource`, `redirect_uri`, `machine` and `keyed` (id, secret or key), prints `open <url>` where a
person has to go somewhere and reads where the browser was sent back to, and ends with one JSON line of what came of it all.
"""

import json
import os
import sys

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session as Authlib
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session as RequestsOAuthlib

given = json.loads(sys.stdin.readline())
issuer, resource, redirect_uri, machine, keyed = (given[name] for name in ("issuer", "resource", "redirect_uri", "machine", "keyed"))
scope = "models:use models:read"
done = {}


def walk(url):
    print("open " + url, flush=True)
    return sys.stdin.readline().strip()


def status(session):
    return session.get(resource).status_code


metadata = AuthorizationServerMetadata(requests.get(get_well_known_url(issuer, external=True)).json())
# RFC 8414 wants https; this one listens on loopback. All else is checked.
for name in AuthorizationServerMetadata.REGISTRY_KEYS:
    try:
        getattr(metadata, "validate_" + name)()
    except ValueError as error:
        if "https" not in str(error):
            raise
token_url = metadata["token_endpoint"]

for method in ("client_secret_basic", "client_secret_post"):
    session = Authlib(machine["id"], machine["secret"], token_endpoint_auth_method=method)
    session.fetch_token(token_url, grant_type="client_credentials")
    done["authlib " + method] = [status(session), session.introspect_token(metadata["introspection_endpoint"]).json()["active"]]
    session.revoke_token(metadata["revocation_endpoint"])
    done["authlib " + method].append(status(session))

session = Authlib(keyed["id"], keyed["key"], token_endpoint_auth_method="private_key_jwt")
session.register_client_auth_method(PrivateKeyJWT(token_url, alg="RS256"))
session.fetch_token(token_url, grant_type="client_credentials")
done["authlib private_key_jwt"] = status(session)

try:
    Authlib(machine["id"], "wrong").fetch_token(token_url, grant_type="client_credentials")
except OAuthError as error:
    done["authlib wrong secret"] = error.error

session = Authlib("keyward-cli", None, token_endpoint_auth_method="none", redirect_uri=redirect_uri, scope=scope, code_challenge_method="S256")
verifier = generate_token(48)
url, state = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
session.fetch_token(token_url, authorization_response=walk(url), state=state, code_verifier=verifier)
first = status(session)
session.refresh_token(token_url)
done["authlib code"] = [first, status(session)]

session = RequestsOAuthlib(client=BackendApplicationClient(machine["id"]))
session.fetch_token(token_url, client_id=machine["id"], client_secret=machine["secret"])
done["requests-oauthlib machine"] = status(session)

session = RequestsOAuthlib("keyward-cli", redirect_uri=redirect_uri, scope=scope, pkce="S256")
url, state = session.authorization_url(metadata["authorization_endpoint"])
session.fetch_token(token_url, authorization_response=walk(url), include_client_id=True)
first = status(session)
session.refresh_token(token_url, client_id="keyward-cli")
done["requests-oauthlib code"] = [first, status(session)]

print(json.dumps(done))
