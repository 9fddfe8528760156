// A subscriber of Carewire's webhooks, in Node with Express: verifies, answers at once, then does its work.
//
//   npm ci && WEBHOOK_SECRET=whsec_... PORT=8000 node server.js

const express = require("express");
const { Webhook } = require("standardwebhooks");

const secret = process.env.WEBHOOK_SECRET;
if (!secret) {
  console.error("Set WEBHOOK_SECRET to the secret that Carewire showed when the endpoint was created.");
  process.exit(1);
}

const app = express();
// A real subscriber stores each event with its id, in one transaction and before it answers, and works on it afterwards.
const seen = new Set();

// The signature covers the bytes as sent: parse them only after they are verified.
app.post("/carewire-webhooks", express.raw({ type: "application/json", limit: "2mb" }), (request, response) => {
  let event;
  try {
    event = new Webhook(secret).verify(request.body, request.headers);
  } catch {
    return response.status(401).end();
  }
  if (event.event_type === "endpoint.verification") return response.json({ challenge: event.challenge });
  response.status(204).end();

  const delivery = request.header("webhook-id");
  if (seen.has(delivery)) return;
  seen.add(delivery);

  switch (event.event_type) {
    case "pathway.completed":
      console.log(JSON.stringify({ received: event.event_type, care_flow_id: event.pathway.id }));
      break;
    default:
      console.log(JSON.stringify({ received: event.event_type }));
  }
});

const port = Number(process.env.PORT ?? 8000);
const server = app.listen(port, "127.0.0.1", () => {
  console.log(JSON.stringify({ listening: `http://127.0.0.1:${server.address().port}/carewire-webhooks` }));
});
