// The Fastify peer: one route that answers a prepared JSON reply, read once from a file.
//
// node server.mjs FILE: listens on a free port of loopback and prints it. Its fastest documented
// way: no logger, a string that is sent as it is with its content type, so that nothing is
// serialised per request. One process: Node answers on one thread.
import { readFileSync } from 'node:fs';
import Fastify from 'fastify';

const reply = readFileSync(process.argv[2], 'utf8');
const server = Fastify({ logger: false });
server.get('/api/v1/search', (_request, response) => {
  response.header('content-type', 'application/json').send(reply);
});
await server.listen({ host: '127.0.0.1', port: 0 });
console.log(server.server.address().port);
process.on('SIGTERM', () => server.close());
