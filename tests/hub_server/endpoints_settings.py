"""Who calls, and their webhooks."""

from __future__ import annotations

from hub_server import shapes
from hub_server.model import Webhook
from hub_server.routing import Call, Refusal, endpoint
from loopback import Answer


@endpoint("GET", "/api/whoami-v2")
def whoami(call: Call) -> Answer:
    user = call.state.user(call.signed_in())
    orgs = [{"name": org.name, "type": "org"} for org in call.state.users.values() if user.name in org.members]
    shape = {"type": "user", "id": user.id, "name": user.name, "fullname": user.name, "orgs": orgs}
    return Answer(200, shape | {"auth": {"type": "access_token", "accessToken": {"role": "write"}}})


@endpoint("GET", "/api/agent-harnesses")
def harnesses(call: Call) -> Answer:
    """What huggingface_hub asks once a day, for the name that it gives itself."""
    return Answer(200, {"standardEnvVars": [], "harnesses": {}})


@endpoint("GET", "/api/settings/webhooks")
def webhooks(call: Call) -> Answer:
    login = call.signed_in()
    return Answer(200, [shapes.webhook(w) for w in call.state.webhooks.values() if w.owner == login])


@endpoint("POST", "/api/settings/webhooks", body="url watched domains secret")
def create(call: Call) -> Answer:
    body = call.body
    if not str(body.get("url", "")).startswith("https://"):
        raise Refusal(400, "The URL of a webhook must be an HTTPS URL")
    made = Webhook(
        call.state.next_id(), body["url"], body["watched"], body["domains"], body.get("secret"), call.signed_in()
    )
    call.state.webhooks[made.id] = made
    return Answer(200, {"webhook": shapes.webhook(made)})


@endpoint("POST", "/api/settings/webhooks/{id}", body="url watched domains secret")
def update(call: Call) -> Answer:
    found = call.state.webhooks.get(call.path["id"])
    if found is None or found.owner != call.signed_in():
        raise Refusal(404, "Webhook not found")
    found.url, found.watched = call.body.get("url", found.url), call.body.get("watched", found.watched)
    found.domains, found.secret = call.body.get("domains", found.domains), call.body.get("secret", found.secret)
    return Answer(200, {"webhook": shapes.webhook(found)})
