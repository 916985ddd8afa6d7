"""The least that a Flask application under Granian is: one route, one key, one reply. For comparing starts.

granian --interface wsgi bare:app        # in benchmarks/
"""

from __future__ import annotations

from flask import Flask, Response, request

app = Flask(__name__)


@app.get("/spi/1.0/sa/customers/<customer>")
def customer(customer: str) -> Response:
    """The same customer, whoever is asked for."""
    if request.args.get("api_key") != "mockspi-staging":
        return Response(status=401)
    return Response(f'{{"profile": {{"customerId": "{customer}"}}}}', mimetype="application/json")
