// Prints the diagnostics of an AsyncAPI document as JSON: node check.mjs DOCUMENT
import { readFile } from "node:fs/promises";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(await readFile(process.argv[2], "utf8"));
const messages = document?.allMessages().all().map((message) => message.name()) ?? [];
const problems = diagnostics
  .filter(({ severity }) => severity === 0)
  .map(({ path, message }) => `${path.join(".")}: ${message}`);
process.stdout.write(JSON.stringify({ problems, messages }));
