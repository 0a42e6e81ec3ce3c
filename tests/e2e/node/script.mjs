// Makes the chat calls that standard input describes, with the openai package, and prints what came of each.
import { readFileSync } from "node:fs";
import OpenAI from "openai";

const { url, key, calls } = JSON.parse(readFileSync(0, "utf8"));
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });

async function make({ body, headers }) {
  const chunks = [];
  let response;
  try {
    const made = await client.chat.completions.create(body, { headers }).withResponse();
    response = Object.fromEntries(made.response.headers);
    if (!body.stream) return { headers: response, completion: made.data };
    for await (const chunk of made.data) chunks.push(chunk);
    return { headers: response, chunks };
  } catch (error) {
    if (!(error instanceof OpenAI.APIError)) throw error;
    const { status, code, param, type } = error;
    return { headers: response ?? null, chunks, error: { name: error.constructor.name, status, code, param, type } };
  }
}

const made = [];
for (const call of calls) made.push(await make(call));
process.stdout.write(JSON.stringify(made));
