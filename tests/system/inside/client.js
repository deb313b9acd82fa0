// BASE: what a program does with fetch: many at a time, large bodies, errors, giving up.
'use strict';
const assert = require('assert');
const crypto = require('crypto');
const net = require('net');

const base = process.argv[2];

async function hash(i) {
  const body = crypto.createHash('shake256', {outputLength: 1000 + i * 5000}).update(`${i}`).digest();
  const answer = await fetch(`${base}/hash`, {method: 'POST', body});
  assert.strictEqual(await answer.text(), crypto.createHash('sha256').update(body).digest('hex'));
}

async function big() {
  const answer = await fetch(`${base}/big`);
  const data = Buffer.from(await answer.arrayBuffer());
  assert(data.equals(Buffer.alloc(5_000_000, 'naru ')));
}

async function echo() {
  const body = crypto.randomBytes(1_000_000);
  const answer = await fetch(`${base}/echo`, {method: 'POST', body});
  assert(Buffer.from(await answer.arrayBuffer()).equals(body));
}

async function givesUp() {
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 100);
  await assert.rejects(fetch(`${base}/never`, {signal: stop.signal}), {name: 'AbortError'});
}

async function isRefused() {
  const {hostname} = new URL(base);
  await assert.rejects(fetch(`http://${hostname}:9/`), (e) => e.cause.code === 'ECONNREFUSED' ||
      e.cause.message === 'bad port');
  const client = net.connect(9, hostname);
  const [error] = await new Promise((done) => client.on('error', (...e) => done(e)));
  assert.strictEqual(error.code, 'ECONNREFUSED');
}

async function main() {
  await Promise.all(Array.from({length: 60}, (_, i) => hash(i)));
  await Promise.all(Array.from({length: 6}, big));
  await Promise.all(Array.from({length: 6}, echo));
  await Promise.all(Array.from({length: 10}, givesUp));
  assert.strictEqual((await fetch(`${base}/none`)).status, 404);
  await isRefused();
  console.log('all is well');
}

main();
