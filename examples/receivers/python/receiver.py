"""A subscriber of Carewire's webhooks, in Python: verifies, answers at once, then does its work.

Needs `pip install standardwebhooks` and the endpoint's secret. Carewire's own code is not used.

    WEBHOOK_SECRET=whsec_... python receiver.py --port 8000
"""

import argparse
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

# A real subscriber stores each event with its id, in one transaction and before it answers, and works on it afterwards.
seen: set[str] = set()


class Receiver(BaseHTTPRequestHandler):
    """Takes `POST /carewire-webhooks`."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Verify the raw bytes, answer quickly, and handle each webhook-id once."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            event = Webhook(os.environ["WEBHOOK_SECRET"]).verify(body, dict(self.headers))
        except WebhookVerificationError:
            self.answer(401)
            return
        if event["event_type"] == "endpoint.verification":
            self.answer(200, json.dumps({"challenge": event["challenge"]}))
            return
        self.answer(204)
        delivery = self.headers["webhook-id"]
        if delivery not in seen:
            seen.add(delivery)
            handle(event, delivery)

    def answer(self, status: int, body: str = "") -> None:
        """Answer, with JSON if there is any."""
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server uses
        """Keep quiet: `handle` says what matters."""


def handle(event: dict[str, object], delivery: str) -> None:
    """Do the work of one event; here, say that it came."""
    pathway = event.get("pathway")
    line = {
        "received": event["event_type"],
        "webhook_id": delivery,
        "verified_by": "standardwebhooks",
        "care_flow_id": pathway["id"] if isinstance(pathway, dict) else None,
    }
    print(json.dumps(line), flush=True)


def main() -> None:
    """Listen until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    port: int = parser.parse_args().port
    if "WEBHOOK_SECRET" not in os.environ:
        sys.exit("Set WEBHOOK_SECRET to the secret that Carewire showed when the endpoint was created.")
    server = ThreadingHTTPServer(("127.0.0.1", port), Receiver)
    print(json.dumps({"listening": f"http://127.0.0.1:{port}/carewire-webhooks"}), flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
