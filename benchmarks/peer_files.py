"""What each peer is told, in the files that it reads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from calls import KEY

BASE = "/spi/1.0"
CART_PATH = f"{BASE}/taxEngine/calculateTax"
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Data:
    """What mockspi answers: customers by id, searches by e-mail as it stands in the URL, and the taxes of one cart."""

    customers: dict[str, Any]
    found: dict[str, Any]
    taxes: Any
    usual: str  #: the id of a customer who is like most


def put(folder: Path, name: str, value: Any) -> None:
    """A file of JSON."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")), "utf-8")


def nothing(folder: Path, data: Data, _port: int) -> None:
    """For a peer that is told over HTTP."""


def files(folder: Path, data: Data) -> None:
    """A file for each answer."""
    for name, one in data.customers.items():
        put(folder, f"customers/{name}.json", one)
    for email, one in data.found.items():
        put(folder, f"emails/{unquote(email)}.json", one)
    put(folder, "taxes.json", data.taxes)


def wiremock(folder: Path, data: Data, _port: int) -> None:
    """Mappings that take the file from the request; 401 where none fits."""
    files(folder / "__files", data)

    def mapping(name: str, method: str, path: str, file: str, query: dict[str, Any]) -> None:
        key = {"api_key": {"equalTo": KEY}}
        asked = {"method": method, "urlPathPattern": path, "queryParameters": key | query}
        answer = {"status": 200, "headers": JSON, "bodyFileName": file}
        if "{{" in file:
            answer["transformers"] = ["response-template"]
        put(folder, f"mappings/{name}.json", {"request": asked, "response": answer})

    mapping("customer", "GET", f"{BASE}/sa/customers/[^/]+", "customers/{{request.path.[4]}}.json", {})
    mapping("email", "GET", f"{BASE}/sa/customers", "emails/{{request.query.email}}.json", {"email": {"matches": ".+"}})
    mapping("taxes", "POST", CART_PATH, "taxes.json", {})
    put(folder, "mappings/no.json", {"priority": 10, "request": {"method": "ANY"}, "response": {"status": 401}})


def openapi(data: Data) -> dict[str, Any]:
    """The calls as OpenAPI, with an example of each answer."""

    def operation(name: str, example: Any, *parameters: Any, body: bool = False) -> dict[str, Any]:
        content = {"application/json": {"schema": {"type": "object"}, "example": example}}
        found = {
            "operationId": f"shop.{name}",
            "parameters": list(parameters),
            "responses": {"200": {"description": "", "content": content}},
        }
        if body:
            found["requestBody"] = {"required": True, "content": {"application/json": {"schema": _CART}}}
        return found

    text = {"schema": {"type": "string"}, "required": True}
    usual = data.customers[data.usual]
    return {
        "openapi": "3.0.3",
        "info": {"title": "shop", "version": "1"},
        "security": [{"key": []}],
        "components": {
            "securitySchemes": {"key": {"type": "apiKey", "in": "query", "name": "api_key", "x-apikeyInfoFunc": "shop.known"}}
        },
        "paths": {
            f"{BASE}/sa/customers/{{customer}}": {
                "get": operation("customer", usual, {"name": "customer", "in": "path", **text})
            },
            f"{BASE}/sa/customers": {
                "get": operation("search", next(iter(data.found.values())), {"name": "email", "in": "query", **text})
            },
            CART_PATH: {"post": operation("taxes", data.taxes, body=True)},
        },
    }


_LINE = {
    "type": "object",
    "required": ["productId", "quantity", "price"],
    "properties": {"productId": {"type": "string"}, "quantity": {"type": "integer"}, "price": {"type": "number"}},
}
_CART = {
    "type": "object",
    "required": ["destinationAddress", "productList"],
    "properties": {"destinationAddress": {"type": "object"}, "productList": {"type": "array", "items": _LINE}},
}


def prism(folder: Path, data: Data, _port: int) -> None:
    """OpenAPI and no more."""
    put(folder, "openapi.json", openapi(data))


_SHOP = f'''"""The functions behind connexion."""

import json
from pathlib import Path

import connexion

HERE = Path(__file__).parent
DATA = json.loads((HERE / "data.json").read_text("utf-8"))


def known(key, required_scopes=None):
    return {{"sub": "staging"}} if key == "{KEY}" else None


async def customer(customer):
    return DATA["customers"][customer]


async def search(email):
    return DATA["found"][email]


async def taxes(body):
    return DATA["taxes"]


app = connexion.AsyncApp(__name__, specification_dir=str(HERE))
app.add_api("openapi.json")
'''


def connexion(folder: Path, data: Data, _port: int) -> None:
    """OpenAPI, and a function behind each call."""
    put(folder, "openapi.json", openapi(data))
    found = {unquote(email): one for email, one in data.found.items()}
    put(folder, "data.json", {"customers": data.customers, "found": found, "taxes": data.taxes})
    (folder / "shop.py").write_text(_SHOP, "utf-8")


def mockoon(folder: Path, data: Data, port: int) -> None:
    """Routes whose answer, by a rule of the key, is a file named by the request; else 401."""
    files(folder, data)
    content = [{"key": "Content-Type", "value": "application/json"}]
    key = {"target": "query", "modifier": "api_key", "value": KEY, "invert": False, "operator": "equals"}

    def response(number: int, **members: Any) -> dict[str, Any]:
        return {
            "uuid": f"r-{number}",
            "body": "",
            "latency": 0,
            "label": "",
            "headers": content,
            "bodyType": "INLINE",
            "filePath": "",
            "databucketID": "",
            "sendFileAsBody": True,
            "rules": [],
            "rulesOperator": "OR",
            "disableTemplating": False,
            "fallbackTo404": False,
            "default": False,
            "crudKey": "id",
            "callbacks": [],
            **members,
        }

    def route(number: int, method: str, path: str, file: str) -> dict[str, Any]:
        yes = response(2 * number, statusCode=200, bodyType="FILE", filePath=file, rules=[key])
        no = response(2 * number + 1, statusCode=401, headers=[], default=True)
        return {
            "uuid": f"route-{number}",
            "type": "http",
            "documentation": "",
            "method": method,
            "endpoint": path.lstrip("/"),
            "responses": [yes, no],
            "responseMode": None,
            "streamingMode": None,
            "streamingInterval": 0,
        }

    routes = [
        route(1, "get", f"{BASE}/sa/customers/:id", "customers/{{urlParam 'id'}}.json"),
        route(2, "get", f"{BASE}/sa/customers", "emails/{{queryParam 'email'}}.json"),
        route(3, "post", CART_PATH, "taxes.json"),
    ]
    put(
        folder,
        "set.json",
        {
            "uuid": "shop",
            "lastMigration": 33,
            "name": "shop",
            "port": port,
            "hostname": "127.0.0.1",
            "endpointPrefix": "",
            "latency": 0,
            "folders": [],
            "routes": routes,
            "rootChildren": [{"type": "route", "uuid": one["uuid"]} for one in routes],
            "proxyMode": False,
            "proxyHost": "",
            "proxyRemovePrefix": False,
            "cors": True,
            "headers": [],
            "proxyReqHeaders": [],
            "proxyResHeaders": [],
            "data": [],
            "callbacks": [],
            "tlsOptions": {
                "enabled": False,
                "type": "CERT",
                "pfxPath": "",
                "certPath": "",
                "keyPath": "",
                "caPath": "",
                "passphrase": "",
            },
        },
    )


_MIDDLEWARE = f"""module.exports = (request, response, next) => {{
  if (request.query.api_key !== '{KEY}') return response.status(401).end()
  delete request.query.api_key
  next()
}}
"""


def json_server(folder: Path, data: Data, _port: int) -> None:
    """One list with an id in each record, where it stands in our URLs, and a middleware that asks for the key."""
    put(folder, "db.json", {"customers": [{"id": name, **one} for name, one in data.customers.items()]})
    put(folder, "routes.json", {f"{BASE}/sa/*": "/$1"})
    (folder / "key.js").write_text(_MIDDLEWARE)


_INJECTED = """function (config) {
  const all = config.state.all = config.state.all || JSON.parse(require('fs').readFileSync('FILE', 'utf8'))
  const id = config.request.path.split('/').pop()
  const found = id === 'customers' ? all.found[config.request.query.email] : all.customers[id]
  return { statusCode: 200, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(found) }
}"""


def mountebank(folder: Path, data: Data, port: int) -> None:
    """An imposter: predicates for key and path, a function for customers, a constant answer for taxes, else 401."""
    found = {unquote(email): one for email, one in data.found.items()}
    put(folder, "data.json", {"customers": data.customers, "found": found})
    key = {"equals": {"query": {"api_key": KEY}}}
    taxes = {"statusCode": 200, "headers": JSON, "body": json.dumps(data.taxes)}
    stubs = [
        {
            "predicates": [{"startsWith": {"method": "GET", "path": f"{BASE}/sa/customers"}}, key],
            "responses": [{"inject": _INJECTED.replace("FILE", str(folder / "data.json"))}],
        },
        {"predicates": [{"equals": {"method": "POST", "path": CART_PATH}}, key], "responses": [{"is": taxes}]},
        {"responses": [{"is": {"statusCode": 401}}]},
    ]
    put(folder, "imposters.json", {"imposters": [{"protocol": "http", "port": port, "stubs": stubs}]})
