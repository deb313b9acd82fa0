// PORT [WORKERS [none]]: an HTTP server that answers with what it was sent; with workers,
// a cluster ("none": the kernel's way of sharing, where each worker accepts for itself).
'use strict';
const cluster = require('cluster');
const crypto = require('crypto');
const http = require('http');

const port = Number(process.argv[2]);
const workers = Number(process.argv[3] || 0);
if (process.argv[4] === 'none') cluster.schedulingPolicy = cluster.SCHED_NONE;

function answer(request, response) {
  if (request.url === '/big') {
    response.end(Buffer.alloc(5_000_000, 'naru '));
  } else if (request.url === '/who') {
    response.end(String(process.pid));
  } else if (request.url === '/never') {
    request.on('close', () => {});
  } else if (request.url === '/die') {
    process.exit(1);
  } else if (request.url === '/hash') {
    const hash = crypto.createHash('sha256');
    request.on('data', (piece) => hash.update(piece));
    request.on('end', () => response.end(hash.digest('hex')));
  } else if (request.url === '/echo') {
    request.pipe(response);
  } else {
    response.writeHead(404);
    response.end('no such thing');
  }
}

if (workers > 0 && cluster.isPrimary) {
  for (let i = 0; i < workers; ++i) cluster.fork();
  cluster.on('exit', () => cluster.fork());
} else {
  const server = http.createServer(answer).listen(port, '0.0.0.0');
  process.on('SIGTERM', () => server.close(() => process.exit(0)));
}
